"""Rates averaged over classes, each class against the rest."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.groups import Predicate
from evenhand.groups.predicate import literal
from evenhand.metrics.classification.classes import (
    LABELS,
    absent_labels,
    among,
    classes_of,
    equals,
    never_labelled,
)
from evenhand.metrics.definition import Argument, Metric, MetricPlan, Takes, rate
from evenhand.metrics.inputs import Class, both, class_inputs, indicator, negation
from evenhand.records import Records
from evenhand.stats.forms import Form, Smooth
from evenhand.stats.written_forms import recipe

AVERAGE = Argument(
    name="average",
    takes=Takes.CONSTANT,
    required=False,
    choices=("macro", "micro", "weighted"),
)
#: Options of every rate that can be averaged.
OF_CLASSES = (AVERAGE, LABELS)
#: Whether each cell, and the support, is of rows labelled and predicted as the class; `None` is either.
_CELLS: dict[str, tuple[bool, bool | None]] = {
    "true_positives": (True, True),
    "false_positives": (False, True),
    "false_negatives": (True, False),
    "true_negatives": (False, False),
    "support": (True, None),
}

Weights = tuple[float, float, float, float]


def average_plan(
    metric: Metric,
    records: Records,
    where: Predicate | None,
    numerator: Weights,
    denominator: Weights,
) -> MetricPlan:
    """Plan of a ratio of confusion counts averaged over classes.

    ``average='macro'`` is the mean of the classes' rates, undefined where a class is absent;
    ``'weighted'`` is their mean by the rows labelled so, undefined where a class that is labelled so has
    no rate; ``'micro'`` is the rate of all classes' counts together.  Rows of a class that ``labels=``
    leaves out still count against the classes that it names (Sokolova & Lapalme 2009,
    doi:10.1016/j.ipm.2009.03.002).
    """
    inputs = class_inputs(metric, records)
    classes = classes_of(metric, records, where)
    if metric.option("average") == "micro":
        parts, form = _micro(classes, numerator, denominator)
        exclusive: frozenset[tuple[int, int]] = frozenset()
    else:
        weighted = metric.option("average") == "weighted"
        parts, form, exclusive = _by_class(classes, numerator, denominator, weighted=weighted)
    measure = Measure(
        parts=parts,
        inputs=inputs,
        moments=Moments.COUNTS,
        few_values=True,
        exclusive=exclusive,
    )
    columns = [item.text for item in inputs]
    notes = absent_labels(metric, records, where, columns)
    notes += never_labelled(metric, records, where, classes)
    return MetricPlan(records=records, measure=measure, form=form, proportion=False, notes=notes)


Parts = tuple[tuple[str, exp.Expr], ...]


def _micro(
    classes: Sequence[Class], numerator: Weights, denominator: Weights
) -> tuple[Parts, Form]:
    """Counts of all classes together: a row is right for one class, or wrong for up to two."""
    labelled, predicted = among("label", classes), among("prediction", classes)
    same = exp.EQ(
        this=exp.column("label", quoted=True), expression=exp.column("prediction", quoted=True)
    )
    right, missed, taken = (
        indicator(both(labelled, same)),
        indicator(both(labelled, negation(same))),
        indicator(both(predicted, negation(same))),
    )
    rest: exp.Expr = literal(len(classes))
    for count in (right, missed, taken):
        rest = exp.Sub(this=rest, expression=count.copy())
    counts = (right, taken, missed, exp.paren(rest))
    used = [i for i in range(4) if numerator[i] or denominator[i]]
    names = list(_CELLS)
    return (
        tuple((names[i], counts[i]) for i in used),
        rate([numerator[i] for i in used], [denominator[i] for i in used]),
    )


def _by_class(
    classes: Sequence[Class], numerator: Weights, denominator: Weights, *, weighted: bool
) -> tuple[Parts, Form, frozenset[tuple[int, int]]]:
    names = list(_CELLS)
    used = [names[i] for i in range(4) if numerator[i] or denominator[i]]
    cells = [*used, "support"] if weighted else used
    where = [(value, cell) for value in classes for cell in cells]
    parts = tuple((f"{cell}:{_shown(value)}", _cell(value, cell)) for value, cell in where)
    above, below = (
        [weights[names.index(cell)] for cell in used] for weights in (numerator, denominator)
    )
    form = average_form(classes=len(classes), numerator=above, denominator=below, weighted=weighted)
    never = frozenset(
        (i, j) for i, j in combinations(range(len(where)), 2) if _apart(where[i], where[j])
    )
    return parts, form, never


@recipe("average")
def average_form(
    *, classes: int, numerator: Sequence[float], denominator: Sequence[float], weighted: bool
) -> Smooth:
    """Mean of the classes' ratios of weighted counts, plain or by their support.

    The sums are the counts of the first class, then its support where it is `weighted`, then those of
    the next.
    """
    above, below = np.array(numerator, float), np.array(denominator, float)
    used = len(above)

    def value(sums: Any) -> Any:
        of_classes = sums.reshape(*sums.shape[:-1], classes, used + weighted)
        counts = of_classes[..., :used]
        rates = (counts @ above) / (counts @ below)
        if not weighted:
            return rates.mean(axis=-1)
        support = of_classes[..., -1]
        shares = np.where(support.real == 0, 0, support * rates)
        return shares.sum(axis=-1) / support.sum(axis=-1)

    step = used + weighted
    each = [tuple(i * step + j for j in range(used) if below[j]) for i in range(classes)]
    # Few units of a rare class hurt a macro average; a weighted one gives it little weight.
    supports = tuple(i * step + step - 1 for i in range(classes))
    return Smooth(function=value, sides=(supports,) if weighted else tuple(each))


def _shown(value: Class) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(value: Class, cell: str) -> exp.Expr:
    conditions = [
        condition if wanted else negation(condition)
        for wanted, condition in zip(
            _CELLS[cell], (equals("label", value), equals("prediction", value)), strict=True
        )
        if wanted is not None
    ]
    return indicator(both(*conditions))


def _apart(one: tuple[Class, str], other: tuple[Class, str]) -> bool:
    """Whether no row counts in both cells."""
    for first, second in zip(_CELLS[one[1]], _CELLS[other[1]], strict=True):
        if one[0] == other[0]:
            if first is not None and second is not None and first != second:
                return True
        elif first and second:
            return True
    return False


def recalls_plan(metric: Metric, records: Records, where: Predicate | None) -> MetricPlan:
    """Plan of the mean recall of the classes that rows are labelled with, or that ``labels=`` names."""
    inputs = class_inputs(metric, records)
    classes = classes_of(metric, records, where, [inputs[0].text])
    recall: tuple[Weights, Weights] = ((1, 0, 0, 0), (1, 0, 1, 0))
    parts, form, exclusive = _by_class(classes, *recall, weighted=False)
    measure = Measure(
        parts=parts, inputs=inputs, moments=Moments.COUNTS, few_values=True, exclusive=exclusive
    )
    notes = absent_labels(metric, records, where, [item.text for item in inputs])
    return MetricPlan(records=records, measure=measure, form=form, proportion=False, notes=notes)
