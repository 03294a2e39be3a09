"""Differences of rates from two tables that share nobody, all of them at once.

Of independent rows Newcombe's interval of two proportions with Clopper and Pearson's limits; else Student's t with
Welch's degrees of freedom over units.  Bonferroni's share of the level for each, as nothing is known of how the
groups of a card depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenhand.results.estimate import Estimate
from evenhand.stats.contrasts import (
    newcombe,
    newcombe_z,
    p_of_z,
    satterthwaite,
    t_interval,
    t_test_z,
)
from evenhand.stats.intervals import z_of

_BINOMIAL = ("wilson", "clopper-pearson")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApartDifference:
    """A difference with its interval; `reason` where there is none."""

    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str | None = None


def differences_apart(
    pairs: Sequence[tuple[Estimate, Estimate]], level: float
) -> list[ApartDifference]:
    """Later less earlier rate of each pair.

    Parameters
    ----------
    pairs : sequence of (Estimate, Estimate)
        The earlier and the later rate.
    level : float
        Confidence of all intervals together.

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
        ApartDifference(reason=reason) if reason else _difference(*pair, each, number)
        for pair, reason in zip(pairs, reasons, strict=True)
    ]


def _reason(before: Estimate, after: Estimate) -> str | None:
    for one in (before, after):
        if one.value is None or one.low is None:
            return one.reason or "too_few_units"
    if _is_binomial(before) and _is_binomial(after):
        return None
    for one in (before, after):
        if not one.standard_error:
            return "no_variation"
        if (one.n_units or 0) < 2:
            return "too_few_units"
    return None


def _difference(before: Estimate, after: Estimate, level: float, number: int) -> ApartDifference:
    if _is_binomial(before) and _is_binomial(after):
        counts = (after.numerator, after.denominator, before.numerator, before.denominator)
        x1, n1, x2, n2 = (np.asarray(one, float) for one in counts)
        low, high = newcombe(x1, n1, x2, n2, z_of(level), exact=True)
        p = p_of_z(newcombe_z(x1, n1, x2, n2, exact=True))
    else:
        value = np.asarray((after.value or 0.0) - (before.value or 0.0))
        variances = tuple(np.asarray((one.standard_error or 0.0) ** 2) for one in (after, before))
        df = tuple(np.asarray((one.n_units or 0) - 1.0) for one in (after, before))
        both = satterthwaite((variances[0], variances[1]), (df[0], df[1]))
        variance = np.asarray(sum(variances))
        low, high = t_interval(value, variance, both, level)
        p = p_of_z(t_test_z(value, variance, both))
    return ApartDifference(
        low=float(np.ravel(low)[0]),
        high=float(np.ravel(high)[0]),
        p_value=min(float(np.ravel(p)[0]) * number, 1.0),
    )


def _is_binomial(one: Estimate) -> bool:
    """Whether its counts are of independent rows."""
    above, below = one.numerator, one.denominator
    whole = above is not None and below is not None and not above % 1 and not below % 1
    return one.method in _BINOMIAL and whole and below == one.n_units
