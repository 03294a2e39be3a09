"""Matthews correlation coefficient: correlation of label and prediction.

Of several classes (texts, or those that ``labels=`` names) it is Gorodkin's R_K, the correlation of
the two tables of indicators; a value that is none of the named classes belongs to no class.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evenhand.cubes import Measure, Moments
from evenhand.groups import Predicate
from evenhand.groups.predicate import literal
from evenhand.metrics.classification.classes import (
    LABELS,
    absent_labels,
    among,
    classes_of,
    equals,
    has_classes,
)
from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion_form
from evenhand.metrics.classification.margins import (
    exclusive_margins,
    margins_of,
    needed_margins,
    same_class,
)
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, RestsOn
from evenhand.metrics.inputs import both, class_inputs, indicator
from evenhand.records import Records
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _value(sums: Any) -> Any:
    # Shares instead of counts: the product of four integer margins would overflow 64 bits.
    tp, fp, fn, tn = (sums[..., i] / sums.sum(axis=-1) for i in range(4))
    return (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


def _of_classes(sums: Any) -> Any:
    shares = sums[..., 1:] / sums[..., :1]
    agreed, labels, predictions = shares[..., 0], shares[..., 1::2], shares[..., 2::2]
    together = agreed - (labels * predictions).sum(axis=-1)
    own = [side.sum(axis=-1) - (side * side).sum(axis=-1) for side in (labels, predictions)]
    # A class that holds all rows leaves nothing but rounding of a variance.
    product = np.where(np.minimum(own[0].real, own[1].real) < 1e-14, np.nan, own[0] * own[1])
    return together / np.sqrt(product)


@recipe("mcc_of_classes")
def _form_of_classes(*, classes: int) -> Smooth:
    # Of two classes each must have units; a rare one of many hardly moves the value, all but one do.
    return Smooth(function=_of_classes, sides=needed_margins(classes, 2, (0,)))


@recipe("mcc")
def _form() -> Smooth:
    return Smooth(function=_value, sides=((0, 2), (1, 3), (0, 1), (2, 3)))


_two_classes = confusion_form(_form())


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    if not has_classes(metric, records):
        return _two_classes(metric, records, keep, where)
    inputs = class_inputs(metric, records)
    classes = classes_of(metric, records, where)
    agreed = indicator(both(same_class(), among("label", classes)))
    measure = Measure(
        parts=(("rows", literal(1)), ("agreed", agreed), *margins_of(classes, equals)),
        inputs=inputs,
        moments=Moments.COUNTS,
        few_values=True,
        exclusive=exclusive_margins(len(classes), first=2),
    )
    notes = absent_labels(metric, records, where, [item.text for item in inputs])
    form = _form_of_classes(classes=len(classes))
    return MetricPlan(records=records, measure=measure, form=form, proportion=False, notes=notes)


MCC = Definition(
    name="mcc",
    definition="(TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)); of several classes R_K",
    arguments=(LABEL, PREDICTION, POSITIVE, LABELS),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(2 * 4 - 1 * 1) / (3 * 3 * 5 * 5) ** 0.5,
    ),
    source="Matthews (1975), doi:10.1016/0005-2795(75)90109-9; Gorodkin (2004), "
    "doi:10.1016/j.compbiolchem.2004.09.006",
    low=-1.0,
    in_points=False,
    rests_on=RestsOn.ALL,
)
