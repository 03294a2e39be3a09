"""Balanced accuracy: mean of the true positive and the true negative rate."""

from typing import Any

from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion_form
from evenhand.metrics.definition import Definition, Example
from evenhand.stats.forms import Smooth


def _value(sums: Any) -> Any:
    tp, fp, fn, tn = (sums[..., i] for i in range(4))
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


# A mean of two ratios is no ratio of sums; its gradient gives the influence values.
BALANCED_ACCURACY = Definition(
    name="balanced_accuracy",
    definition="(true positive rate + true negative rate) / 2",
    arguments=(LABEL, PREDICTION, POSITIVE),
    build=confusion_form(Smooth(function=_value, sides=((0, 2), (1, 3)))),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(2 / 3 + 4 / 5) / 2,
    ),
    source="Brodersen et al. (2010), doi:10.1109/ICPR.2010.764",
)
