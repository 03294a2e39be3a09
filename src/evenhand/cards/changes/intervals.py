"""Differences of rates from two tables that share nobody, all of them at once.

Of independent rows Newcombe's interval of two proportions with Clopper and Pearson's limits; else each side's own
interval, taken to the confidence that all of them need together, and added as variances are (MOVER; Zou & Donner
2008, doi:10.1002/sim.3095).  Bonferroni's share of the level for each, as nothing is known of how the groups of a
card depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.told import ToldRate, is_binomial
from evenhand.results.estimate import Estimate
from evenhand.stats.contrasts import (
    level_of_z,
    newcombe,
    newcombe_z,
    p_of_z,
    square_and_add,
    touching_z,
)
from evenhand.stats.intervals import z_of

Floats = npt.NDArray[np.float64]
#: Normal quantile beyond which a level cannot be told from 1.
_FARTHEST = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApartDifference:
    """A difference with its interval; `reason` where there is none."""

    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str | None = None


def differences_apart(
    pairs: Sequence[tuple[Estimate, Estimate]],
    level: float,
    told: tuple[float, float] = (0.95, 0.95),
) -> list[ApartDifference]:
    """Later less earlier rate of each pair.

    Parameters
    ----------
    pairs : sequence of (Estimate, Estimate)
        The earlier and the later rate.
    level : float
        Confidence of all intervals together.
    told : (float, float)
        Confidence of the earlier and of the later rates' own intervals.

    Returns
    -------
    list of ApartDifference
        Two-sided p-values are multiplied by the number of pairs that have an interval.

    Notes
    -----
    Undefined where a side has no interval of its own, or all units of a side are the same.  The two sides must be of
    different units; where they share some, intervals are as a rule too wide, and nothing is sure.
    """
    reasons = [_reason(*pair) for pair in pairs]
    number = max(reasons.count(None), 1)
    each = 1 - (1 - level) / number
    return [
        ApartDifference(reason=reason) if reason else _difference(*pair, each, number, told)
        for pair, reason in zip(pairs, reasons, strict=True)
    ]


def _reason(before: Estimate, after: Estimate) -> str | None:
    for one in (before, after):
        if one.value is None or one.low is None:
            return one.reason or "too_few_units"
    for one in (before, after):
        if is_binomial(one):
            continue
        if not one.standard_error:
            return "no_variation"
        if (one.n_units or 0) < 2:
            return "too_few_units"
    return None


def _difference(
    before: Estimate, after: Estimate, level: float, number: int, told: tuple[float, float]
) -> ApartDifference:
    z = float(z_of(level))
    if is_binomial(before) and is_binomial(after):
        counts = (after.numerator, after.denominator, before.numerator, before.denominator)
        x1, n1, x2, n2 = (np.asarray(one, float) for one in counts)
        low, high = newcombe(x1, n1, x2, n2, z, exact=True)
        touching = newcombe_z(x1, n1, x2, n2, exact=True)
    else:
        earlier, later = (
            ToldRate.of(one, own) for one, own in zip((before, after), told, strict=True)
        )

        def interval(z: Floats, _: object = None) -> tuple[Floats, Floats]:
            sure = level_of_z(min(float(np.ravel(z)[0]), _FARTHEST))
            return square_and_add(_ends(later, sure), _ends(earlier, sure))

        low, high = interval(np.asarray([z]))
        touching = np.minimum(
            touching_z(np.atleast_1d(later.value - earlier.value), interval), _FARTHEST
        )
    return ApartDifference(
        low=float(np.ravel(low)[0]),
        high=float(np.ravel(high)[0]),
        p_value=min(float(np.ravel(p_of_z(touching))[0]) * number, 1.0),
    )


def _ends(side: ToldRate, level: float) -> tuple[Floats, Floats, Floats]:
    """A rate and its limits."""
    low, high = side.limits(level)
    return np.atleast_1d(side.value), np.atleast_1d(low), np.atleast_1d(high)
