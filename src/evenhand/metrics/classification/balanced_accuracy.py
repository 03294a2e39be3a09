"""Balanced accuracy: mean over the classes of the share of their rows that are found.

Of yes and no it is the mean of the true positive and the true negative rate.  Of texts, or of the
classes that ``labels=`` names, it is the mean recall; a class that only predictions have (an answer that
is invalid) is no class then, and counts as wrong.
"""

from collections.abc import Sequence
from typing import Any

from evenhand.groups import Predicate
from evenhand.metrics.classification.averages import recalls_plan
from evenhand.metrics.classification.classes import LABELS, has_classes
from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion_form
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, RestsOn
from evenhand.records import Records
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _value(sums: Any) -> Any:
    tp, fp, fn, tn = (sums[..., i] for i in range(4))
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


@recipe("balanced_accuracy")
def _form() -> Smooth:
    return Smooth(function=_value, sides=((0, 2), (1, 3)))


_two_classes = confusion_form(_form())


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    if has_classes(metric, records):
        return recalls_plan(metric, records, where)
    return _two_classes(metric, records, keep, where)


# A mean of two ratios is no ratio of sums; its gradient gives the influence values.
BALANCED_ACCURACY = Definition(
    name="balanced_accuracy",
    definition="(true positive rate + true negative rate) / 2; of several classes, their mean recall",
    arguments=(LABEL, PREDICTION, POSITIVE, LABELS),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(2 / 3 + 4 / 5) / 2,
    ),
    source="Brodersen et al. (2010), doi:10.1109/ICPR.2010.764",
    rests_on=RestsOn.ALL,
)
