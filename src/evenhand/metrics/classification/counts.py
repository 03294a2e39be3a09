"""What classification metrics count: the confusion counts of two classes or of several."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Argument, Builder, Metric, Plan, Takes, rate
from evenhand.metrics.inputs import (
    binary_input,
    both,
    check_occurs,
    class_input,
    class_inputs,
    indicator,
    negation,
    number_input,
)
from evenhand.records import Records
from evenhand.stats.forms import Form, Smooth

#: Order of the confusion counts in every form.
CONFUSION = ("true_positives", "false_positives", "false_negatives", "true_negatives")
MAX_CLASSES = 20

LABEL = Argument(name="label", takes=Takes.BINARY)
PREDICTION = Argument(name="prediction", takes=Takes.BINARY)
CLASS_LABEL = Argument(name="label", takes=Takes.CLASS)
CLASS_PREDICTION = Argument(name="prediction", takes=Takes.CLASS)
POSITIVE = Argument(name="positive", takes=Takes.CONSTANT, required=False)
AVERAGE = Argument(name="average", takes=Takes.CONSTANT, required=False, choices=("macro", "micro"))
SCORE = Argument(name="score", takes=Takes.PROBABILITY)

Weights = tuple[float, float, float, float]


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
    ) -> Plan:
        del keep, where
        return Plan(
            records=records, measure=confusion(metric, records), form=form, proportion=proportion
        )

    return build


def confusion_rate(numerator: Weights, denominator: Weights, *, proportion: bool = True) -> Builder:
    """Plan of a ratio of confusion counts: of one class, or averaged over all classes.

    ``average='macro'`` is the mean of the classes' rates, undefined where a class is absent;
    ``average='micro'`` is the rate of all classes' counts together.
    """
    two_classes = confusion_form(rate(numerator, denominator), proportion=proportion)

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> Plan:
        average = metric.option("average")
        if average is None:
            return two_classes(metric, records, keep, where)
        inputs = class_inputs(metric, records)
        classes = find_classes(metric, records, where)
        counts = [_one_against_rest(value, numerator, denominator) for value in classes]
        if average == "micro":
            above, below = (_added([pair[side] for pair in counts]) for side in (0, 1))
            parts: tuple[tuple[str, exp.Expr], ...] = (
                ("numerator", above),
                ("denominator", below),
            )
            form: Form = rate((1, 0), (0, 1))
        else:
            named = (
                (f"{side}:{value}", pair[i])
                for value, pair in zip(classes, counts, strict=True)
                for i, side in enumerate(("numerator", "denominator"))
            )
            parts = tuple(named)
            sides = tuple((2 * i + 1,) for i in range(len(classes)))
            form = Smooth(function=mean_of_ratios, sides=sides)
        measure = Measure(parts=parts, inputs=inputs, moments=Moments.COUNTS, few_values=True)
        return Plan(records=records, measure=measure, form=form, proportion=False)

    return build


def mean_of_ratios(
    sums: "np.ndarray[tuple[int, ...], np.dtype[np.complex128]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.complex128]]":
    """Mean over classes of numerator / denominator, given alternating sums."""
    return cast(
        "np.ndarray[tuple[int, ...], np.dtype[np.complex128]]",
        (sums[..., ::2] / sums[..., 1::2]).mean(axis=-1),
    )


def _one_against_rest(
    value: str | float, numerator: Weights, denominator: Weights
) -> tuple[exp.Expr, exp.Expr]:
    actual = exp.EQ(this=column_expression("label"), expression=literal(value))
    predicted = exp.EQ(this=column_expression("prediction"), expression=literal(value))
    cells = _crossed(actual, predicted)

    def weighted(weights: Weights) -> exp.Expr:
        ifs = [
            exp.If(this=cell.copy(), true=literal(int(weight)))
            for cell, weight in zip(cells, weights, strict=True)
            if weight
        ]
        return exp.Case(ifs=ifs, default=literal(0))

    return weighted(numerator), weighted(denominator)


def _added(values: list[exp.Expr]) -> exp.Expr:
    total = values[0]
    for value in values[1:]:
        total = exp.Add(this=total, expression=value)
    return exp.paren(total)


def find_classes(metric: Metric, records: Records, where: Predicate | None) -> list[str | float]:
    """Distinct labels and predictions of the table, sorted."""
    selects = []
    for name in ("label", "prediction"):
        query = exp.select(
            exp.alias_(class_input(metric, name, records).expression, "c")
        ).distinct()
        query = query.from_(exp.Var(this=records.source))
        selects.append(query.where(to_expression(where)) if where is not None else query)
    text = " UNION ".join(select.sql(records.engine.dialect) for select in selects)
    found: list[str | float] = records.engine.query(
        f"SELECT c FROM ({text}) AS classes WHERE c IS NOT NULL ORDER BY c"
    )["c"].to_pylist()
    if not found:
        rows = "no row" if where is None else "no row of " + records.name + " satisfies --where and"
        raise InputError(f"There is nothing to audit: {rows} has a label.")
    if len(found) > MAX_CLASSES:
        raise InputError(
            f"{metric.name}: {len(found)} classes are too many for an average (at most {MAX_CLASSES}).  "
            "Use positive='one class', or average over fewer with --where."
        )
    return found


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
