"""Generalised entropy index: how unequally a classifier's benefit falls on people, each for themselves.

A person's benefit is prediction − label + 1: 0 for who is wrongly refused, 1 for who gets what is due, 2
for who is wrongly favoured.  0 is equality.  ``alpha=2`` is half the squared coefficient of variation;
larger values look more at the favoured.  For ``alpha=1`` see `theil`.
"""

from collections.abc import Sequence
from typing import Any

from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import LABEL, POSITIVE, PREDICTION, confusion
from evenhand.metrics.definition import (
    Argument,
    Definition,
    Example,
    Metric,
    MetricPlan,
    RestsOn,
    Takes,
)
from evenhand.records import Records
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe

_MOST = 10.0


@recipe("generalized_entropy")
def _form(*, power: float) -> Smooth:
    def value(sums: Any) -> Any:
        favoured, refused, due = sums[..., 1], sums[..., 2], sums[..., 0] + sums[..., 3]
        rows = favoured + refused + due
        mean = (due + 2 * favoured) / rows
        powers = (due + 2**power * favoured) / rows
        return (powers / mean**power - 1) / (power * (power - 1))

    return Smooth(function=value, sides=((0, 1, 2, 3),))


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    given = metric.option("alpha")
    alpha = 2 if given == "2" else given
    number = isinstance(alpha, int | float) and not isinstance(alpha, bool)
    if not number or not 0 < alpha <= _MOST or alpha == 1:  # type: ignore[operator]
        raise InputError(
            f"generalized_entropy: alpha is {alpha!r}, but must be a number above 0, at most {_MOST:g}, and not 1 "
            "(that is theil).  At 0 and below, one person without any benefit makes it infinite."
        )
    assert isinstance(alpha, int | float)
    return MetricPlan(
        records=records,
        measure=confusion(metric, records),
        form=_form(power=float(alpha)),
        proportion=False,
    )


GENERALIZED_ENTROPY = Definition(
    name="generalized_entropy",
    definition="(mean of (benefit / mean benefit)^α − 1) / (α · (α − 1)), where benefit = prediction − label + 1",
    arguments=(
        LABEL,
        PREDICTION,
        POSITIVE,
        Argument(
            name="alpha",
            takes=Takes.CONSTANT,
            required=False,
            default="2",
            means="a number above 0, not 1",
        ),
    ),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 1, 0, 0], "prediction": [1, 0, 1, 0]},
        options={"alpha": 2},
        value=((0 + 1 + 1 + 4) / 4 - 1) / 2,
    ),
    source="Speicher et al. (2018), doi:10.1145/3219819.3220046",
    high=None,
    in_points=False,
    least_units=50,
    rests_on=RestsOn.ALL,
)
