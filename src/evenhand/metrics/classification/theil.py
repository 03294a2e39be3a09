"""Theil index: how unequally a classifier's benefit falls on people, each for themselves.

The generalised entropy index with ``alpha=1``, of the same benefit: see `generalized_entropy`.
"""

from typing import Any

import numpy as np

from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion_form
from evenhand.metrics.definition import Definition, Example, RestsOn
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _value(sums: Any) -> Any:
    favoured, refused, due = sums[..., 1], sums[..., 2], sums[..., 0] + sums[..., 3]
    rows = favoured + refused + due
    mean = (due + 2 * favoured) / rows
    # Benefits are 0, 1 and 2, and b log b is 0 at 0 and at 1.
    return 2 * np.log(2) * favoured / rows / mean - np.log(mean)


@recipe("theil")
def _form() -> Smooth:
    return Smooth(function=_value, sides=((0, 1, 2, 3),))


THEIL = Definition(
    name="theil",
    definition="mean of (benefit / mean benefit) · ln(benefit / mean benefit), where benefit = prediction − label + 1",
    arguments=(LABEL, PREDICTION, POSITIVE),
    build=confusion_form(_form()),
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 1, 0, 0], "prediction": [1, 0, 1, 0]},
        value=2 * 0.6931471805599453 / 4,
    ),
    source="Speicher et al. (2018), doi:10.1145/3219819.3220046",
    high=None,
    in_points=False,
    least_units=50,
    rests_on=RestsOn.ALL,
)
