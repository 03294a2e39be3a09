"""What classification metrics count: the confusion counts of two classes or of several."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.classification.averages import OF_CLASSES, Weights, average_plan
from evenhand.metrics.definition import Argument, Builder, Metric, MetricPlan, Takes, rate
from evenhand.metrics.inputs import (
    binary_input,
    both,
    check_occurs,
    class_inputs,
    indicator,
    negation,
    number_input,
)
from evenhand.records import Records
from evenhand.stats.forms import Form

#: Order of the confusion counts in every form.
CONFUSION = ("true_positives", "false_positives", "false_negatives", "true_negatives")

LABEL = Argument(name="label", takes=Takes.BINARY)
PREDICTION = Argument(name="prediction", takes=Takes.BINARY)
CLASS_LABEL = Argument(name="label", takes=Takes.CLASS)
CLASS_PREDICTION = Argument(name="prediction", takes=Takes.CLASS)
POSITIVE = Argument(
    name="positive", takes=Takes.CONSTANT, required=False, means="the value that is the event"
)
#: Arguments of every rate of confusion counts.
OF_CONFUSION = (LABEL, PREDICTION, POSITIVE, *OF_CLASSES)
SCORE = Argument(name="score", takes=Takes.PROBABILITY)
#: A score of one class, or one of each class.
SCORES = Argument(name="score", takes=Takes.PROBABILITY, several=True)


def confusion(metric: Metric, records: Records) -> Measure:
    """True and false positives and negatives of one positive class."""
    return confusion_counts(metric, records, actual="label", predicted="prediction")


def confusion_counts(metric: Metric, records: Records, *, actual: str, predicted: str) -> Measure:
    """Confusion counts of the two named arguments."""
    if any(argument.name == "positive" for argument in metric.definition.arguments):
        check_occurs(metric, actual, records)
    label, is_true, label_checks = binary_input(metric, actual, records)
    prediction, is_positive, prediction_checks = binary_input(metric, predicted, records)
    return Measure(
        parts=tuple(
            (n, indicator(cell))
            for n, cell in zip(CONFUSION, _crossed(is_true, is_positive), strict=True)
        ),
        inputs=(label, prediction),
        checks=label_checks + prediction_checks,
        moments=Moments.INDICATORS,
        few_values=True,
    )


def _crossed(actual: exp.Expr, predicted: exp.Expr) -> tuple[exp.Expr, ...]:
    """The four cells, in the order of `CONFUSION`."""
    return (
        both(actual, predicted),
        both(negation(actual), predicted),
        both(actual, negation(predicted)),
        both(negation(actual), negation(predicted)),
    )


def confusion_form(form: Form, *, proportion: bool = False) -> Builder:
    """Plan of a metric that is a function of the four confusion counts."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        del keep, where
        return MetricPlan(
            records=records, measure=confusion(metric, records), form=form, proportion=proportion
        )

    return build


def confusion_rate(
    numerator: Weights | Callable[[Metric], Weights],
    denominator: Weights | Callable[[Metric], Weights],
    *,
    proportion: bool = True,
    needs: tuple[tuple[int, ...], ...] = (),
) -> Builder:
    """Plan of a ratio of confusion counts: of one class, or averaged over classes.

    Weights that depend on an option are functions of the bound metric; `needs` as in `Ratio`.
    """

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        above, below = (w(metric) if callable(w) else w for w in (numerator, denominator))
        if metric.option("average") is not None:
            return average_plan(metric, records, where, above, below)
        if metric.option("labels") is not None:
            raise InputError(
                f"{metric.name}: labels says which classes an average is over: add average='macro', "
                "'weighted' or 'micro'.  Of one class: positive='that class'."
            )
        form = replace(rate(above, below), needs=needs)
        two_classes = confusion_form(form, proportion=proportion)
        return two_classes(metric, records, keep, where)

    return build


def agreement(metric: Metric, records: Records) -> Measure:
    """Rows whose prediction is the label, of any number of classes."""
    label, prediction = class_inputs(metric, records)
    same = exp.EQ(this=column_expression("label"), expression=column_expression("prediction"))
    return Measure(
        parts=(("correct", indicator(same)), ("wrong", indicator(negation(same)))),
        inputs=(label, prediction),
        moments=Moments.INDICATORS,
        few_values=True,
    )


def scored(
    metric: Metric, records: Records, loss: exp.Expr, *, low: float = 0.0, high: float = 1.0
) -> Measure:
    """Sum of a loss of ``label`` (0 or 1, named *truth*) and ``score``, and the number of rows."""
    if "labels" in metric.given:
        raise InputError(
            f"{metric.name}: labels says which class each column of several scores is of; of one score say which "
            "class it is of: positive='that class'."
        )
    check_occurs(metric, "label", records)
    label, actual, label_checks = binary_input(metric, "label", records)
    score, score_checks = number_input(
        metric, "score", records, low=low, high=high, what="a probability lies in [0, 1]"
    )
    truth = indicator(actual)
    body = loss.transform(
        lambda node: truth.copy() if isinstance(node, exp.Column) and node.name == "truth" else node
    )
    return Measure(
        parts=(("loss", body), ("rows", literal(1))),
        inputs=(label, score),
        checks=label_checks + score_checks,
        moments=Moments.CENTRED,
    )


def ranking(form: Form) -> Builder:
    """A metric whose form reads the positives and negatives at each distinct score."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        del keep, where
        measure = _ranked(metric, records)
        return MetricPlan(records=records, measure=measure, form=form, proportion=False)

    return build


def _ranked(metric: Metric, records: Records) -> Measure:
    check_occurs(metric, "label", records)
    label, actual, label_checks = binary_input(metric, "label", records)
    score, score_checks = number_input(metric, "score", records)
    return Measure(
        parts=(("positives", indicator(actual)), ("negatives", indicator(negation(actual)))),
        inputs=(label, score),
        checks=label_checks + score_checks,
        moments=Moments.INDICATORS,
        level="score",
    )
