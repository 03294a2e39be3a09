"""Matthews correlation coefficient: correlation of label and prediction."""

from typing import Any

import numpy as np

from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion_form
from evenhand.metrics.definition import Definition, Example
from evenhand.stats.forms import Smooth


def _value(sums: Any) -> Any:
    # Shares instead of counts: the product of four integer margins would overflow 64 bits.
    tp, fp, fn, tn = (sums[..., i] / sums.sum(axis=-1) for i in range(4))
    return (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


MCC = Definition(
    name="mcc",
    definition="(TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))",
    arguments=(LABEL, PREDICTION, POSITIVE),
    build=confusion_form(Smooth(function=_value, sides=((0, 2), (1, 3), (0, 1), (2, 3)))),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(2 * 4 - 1 * 1) / (3 * 3 * 5 * 5) ** 0.5,
    ),
    source="Matthews (1975), doi:10.1016/0005-2795(75)90109-9",
    low=-1.0,
    in_points=False,
)
