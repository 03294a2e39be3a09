"""Probabilities of several classes, a column each: ``score=(p_cat, p_dog), labels=('cat', 'dog')``."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from evenhand.cubes import Check, Input, Measure
from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.classification.classes import absent_labels, classes_of, equals, only
from evenhand.metrics.definition import Metric, MetricPlan, rate
from evenhand.metrics.inputs import Class, class_input, column_input, indicator
from evenhand.records import Records, find_column

#: Rounding to two decimals takes this much of each probability at most.
_ROUNDED = 0.005

#: Loss of a row, from the probability and the indicator of each class.
Loss = Callable[[Sequence[exp.Expr], Sequence[exp.Expr]], exp.Expr]


def several_plan(
    metric: Metric, records: Records, where: Predicate | None, loss: Loss
) -> MetricPlan:
    """Plan of the mean loss of the probabilities of several classes.

    Raises
    ------
    InputError
        Where it is not told which column belongs to which class.
    """
    given = metric.given["score"]
    assert isinstance(given, tuple)
    columns = [find_column(str(name), records.columns).name for name in given]
    if metric.option("positive") is not None:
        raise InputError(
            f"{metric.name}: positive says which of two classes one score is of; of several columns say "
            "labels=('first', 'second', …), in the order of the columns."
        )
    label = class_input(metric, "label", records)
    classes = _classes(metric, records, where, label.text, columns)
    names = [f"score{number}" for number in range(len(columns))]
    inputs, checks = zip(
        *(
            column_input(name, column, records, low=0.0, high=1.0, what="a probability lies in [0, 1]",
                         metric=metric, called="score")
            for name, column in zip(names, columns, strict=True)
        ),
        strict=True,
    )  # fmt: skip
    total, adds_up = _total(inputs, columns)
    scores = [column_expression(name) for name in names]
    truths = [indicator(equals("label", value)) for value in classes]
    measure = Measure(
        parts=(("loss", loss(scores, truths)), ("rows", literal(1))),
        inputs=(only(label, classes), *inputs, total),
        checks=(*(check for found in checks for check in found), adds_up),
    )
    notes = absent_labels(metric, records, where, [label.text])
    return MetricPlan(
        records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False, notes=notes
    )


def _classes(
    metric: Metric, records: Records, where: Predicate | None, label: str, columns: Sequence[str]
) -> list[Class]:
    """Class of each column: as ``labels=`` has them, or the columns' own names."""
    classes = classes_of(metric, records, where, [label])
    if metric.option("labels") is not None:
        if len(classes) != len(columns):
            raise InputError(
                f"{metric.name}: score names {_plural(len(columns), 'column')} and labels "
                f"{_plural(len(classes), 'class')}, "
                "but each class needs its own column, in the same order."
            )
        return classes
    own = {str(value): value for value in classes}
    if set(own) <= set(columns) and len(own) > 1:
        return [own.get(column, column) for column in columns]
    told = ", ".join(map(repr, classes[:8])) + (", …" if len(classes) > 8 else "")
    raise InputError(
        f"{metric.name}: which class does each of {', '.join(map(repr, columns))} belong to?  Say so in their "
        f"order: labels=(…).  Labels: {told}"
    )


def _plural(number: int, noun: str) -> str:
    ending = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{ending * (number != 1)}"


def _total(inputs: Sequence[Input], columns: Sequence[str]) -> tuple[Input, Check]:
    added = inputs[0].expression.copy()
    for item in inputs[1:]:
        added = exp.Add(this=added, expression=item.expression.copy())
    slack = _ROUNDED * len(columns) + 1e-6
    apart = exp.Abs(this=exp.Sub(this=column_expression("total"), expression=literal(1)))
    named = ", ".join(f"`{column}`" for column in columns)
    check = Check(
        input="total",
        faulty=exp.GT(this=apart, expression=literal(slack)),
        message=f"{named} add to {{value}}, but the probabilities of a row add to 1",
    )
    return Input(name="total", expression=exp.paren(added), text=", ".join(columns)), check
