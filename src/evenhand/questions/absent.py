"""Rows that are in no number, by what they lack."""

from collections.abc import Sequence

from evenhand.cubes import Cube
from evenhand.metrics.weights import UNWEIGHTED, Weighting
from evenhand.results.estimate import Missing


def missing_rows(
    cube: Cube,
    units: Sequence[str],
    suppress_below: int = 0,
    weighting: Weighting = UNWEIGHTED,
) -> tuple[Missing, ...]:
    """Rows that are not in the numbers, by the column that they lack; how many, where they are not few."""
    reasons = weighting.reasons() | dict.fromkeys(units, "missing_unit")
    return tuple(
        Missing(
            attribute=name,
            n_rows=count if count >= suppress_below else None,
            reason=reasons.get(name, "missing_input"),
        )
        for name, count in cube.missing
        if count
    )
