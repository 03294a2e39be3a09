"""Lift: how much likelier a row predicted positive is to be positive than any row."""

from typing import Any

from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion_form
from evenhand.metrics.definition import Definition, Example, RestsOn
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _value(sums: Any) -> Any:
    tp, fp, fn, tn = (sums[..., i] for i in range(4))
    return tp / (tp + fp) / ((tp + fn) / (tp + fp + fn + tn))


@recipe("lift")
def _form() -> Smooth:
    return Smooth(function=_value, sides=((0, 1), (0, 2)))


LIFT = Definition(
    name="lift",
    definition="precision / share of rows that are positive",
    arguments=(LABEL, PREDICTION, POSITIVE),
    build=confusion_form(_form()),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(2 / 3) / (3 / 8),
    ),
    source="Brin, Motwani, Ullman & Tsur (1997), doi:10.1145/253262.253325 (there: interest)",
    high=None,
    in_points=False,
    rests_on=RestsOn.ALL,
)
