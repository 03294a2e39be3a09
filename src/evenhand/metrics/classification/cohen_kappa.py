"""Cohen's kappa: agreement of two raters beyond what chance would give.

For a judge and people who label the same answers, or for two people; of any number of classes.  With
``weights='linear'`` or ``'quadratic'`` a disagreement counts by how far apart the two classes stand on
the scale: numbers in their order, texts in the order in which ``labels=`` names them.  A row that one
of them gives a value that ``labels=`` leaves out is counted as missing.

Where nearly all rows are of one class, the few others decide the value: of 60 rows with 3 % positives intervals
of all of them covered 79 % where 95 are promised.  So the units that are counted for it are those with any
class but the commonest, of the rater who has fewer of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.groups.predicate import literal
from evenhand.metrics.classification.classes import LABELS, absent_labels, classes_of, equals, only
from evenhand.metrics.classification.counts import CLASS_LABEL, CLASS_PREDICTION
from evenhand.metrics.classification.margins import (
    exclusive_margins,
    margins_of,
    needed_margins,
    same_class,
)
from evenhand.metrics.definition import (
    Argument,
    Definition,
    Example,
    Metric,
    MetricPlan,
    RestsOn,
    Takes,
)
from evenhand.metrics.inputs import Class, class_inputs, indicator, negation
from evenhand.records import Kind, Records, find_column
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe

WEIGHTS = Argument(
    name="weights",
    takes=Takes.CONSTANT,
    required=False,
    choices=("none", "linear", "quadratic"),
    default="none",
)


def _value(sums: Any) -> Any:
    agreed, wrong, margins = sums[..., 0], sums[..., 1], sums[..., 2:]
    rows = agreed + wrong
    observed = agreed / rows
    labels, predictions = margins[..., ::2], margins[..., 1::2]
    expected = (labels * predictions).sum(axis=-1) / (rows * rows)
    return (observed - expected) / (1 - expected)


@recipe("cohen_kappa")
def _form(*, classes: int) -> Smooth:
    return Smooth(function=_value, sides=needed_margins(classes, 2, (0, 1)))


@recipe("cohen_kappa_weighted")
def _weighted(*, power: int, classes: int) -> Smooth:
    steps = np.arange(classes)
    distance = np.abs(steps[:, None] - steps) ** power

    def value(sums: Any) -> Any:
        observed, rows = sums[..., 2], sums[..., 0] + sums[..., 1]
        margins = sums[..., 3:]
        labels, predictions = margins[..., ::2], margins[..., 1::2]
        expected = ((labels @ distance) * predictions).sum(axis=-1) / rows
        return np.where(expected.real == 0, np.nan, 1 - observed / expected)

    return Smooth(function=value, sides=needed_margins(classes, 3, (0, 1)))


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    inputs = class_inputs(metric, records)
    weights = str(metric.option("weights"))
    columns = [item.text for item in inputs]
    _check_order(metric, records, columns, weights)
    classes = classes_of(metric, records, where)
    if metric.option("labels") is not None:
        inputs = only(inputs[0], classes), only(inputs[1], classes)
    agreed, wrong = indicator(same_class()), indicator(negation(same_class()))
    parts = [("agreed", agreed), ("disagreed", wrong)]
    form = _form(classes=len(classes))
    if weights != "none":
        power = 1 if weights == "linear" else 2
        parts.append(("distance", _distance(classes, power)))
        form = _weighted(power=power, classes=len(classes))
    measure = Measure(
        parts=(*parts, *margins_of(classes, equals)),
        inputs=inputs,
        moments=Moments.COUNTS,
        few_values=True,
        exclusive=exclusive_margins(len(classes), first=len(parts)),
    )
    notes = absent_labels(metric, records, where, columns)
    return MetricPlan(records=records, measure=measure, form=form, proportion=False, notes=notes)


def _check_order(metric: Metric, records: Records, columns: Sequence[str], weights: str) -> None:
    kinds = {find_column(column, records.columns).kind for column in columns}
    if weights != "none" and Kind.TEXT in kinds and metric.option("labels") is None:
        raise InputError(
            f"cohen_kappa: weights={weights!r} needs the order of the classes, and texts have none of their "
            "own: name them from one end of the scale to the other, as in labels=('bad', 'fair', 'good')."
        )


def _distance(classes: Sequence[Class], power: int) -> exp.Expr:
    """Steps between label and prediction on the scale."""
    places = [
        exp.Case(
            ifs=[
                exp.If(this=equals(name, value), true=literal(place))
                for place, value in enumerate(classes)
            ]
        )
        for name in ("label", "prediction")
    ]
    apart = exp.Abs(this=exp.Sub(this=places[0], expression=places[1]))
    return apart if power == 1 else exp.Mul(this=apart, expression=apart.copy())


COHEN_KAPPA = Definition(
    name="cohen_kappa",
    definition="(agreement − agreement by chance) / (1 − agreement by chance); "
    "weighted: 1 − disagreement / disagreement by chance",
    arguments=(CLASS_LABEL, CLASS_PREDICTION, WEIGHTS, LABELS),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(6 / 8 - 34 / 64) / (1 - 34 / 64),
    ),
    source="Cohen (1960), doi:10.1177/001316446002000104; Cohen (1968), doi:10.1037/h0026256",
    low=-1.0,
    in_points=False,
    rests_on=RestsOn.ALL,
)
