"""Differences of rates from two tables that share nobody, all of them at once.

Of independent rows Newcombe's interval of two proportions with Clopper and Pearson's limits; else each side's own
interval, taken to the confidence that all of them need together, and added as variances are (MOVER; Zou & Donner
2008, doi:10.1002/sim.3095).  Bonferroni's share of the level for each, as nothing is known of how the groups of a
card depend on each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.results.estimate import Estimate
from evenhand.stats import intervals
from evenhand.stats.contrasts import (
    level_of_z,
    newcombe,
    newcombe_z,
    p_of_z,
    square_and_add,
    touching_z,
)
from evenhand.stats.intervals import clopper_pearson, t_of, z_of

Floats = npt.NDArray[np.float64]
_BINOMIAL, _WEIGHTED = ("wilson", "clopper-pearson"), ("wilson-effective", "korn-graubard")
#: Normal quantile beyond which a level cannot be told from 1.
_FARTHEST = 8.0
#: Degrees of freedom between which those of an interval are looked for.
_FREEDOM = (1.0, 1e6)


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
        if _is_binomial(one):
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
    if _is_binomial(before) and _is_binomial(after):
        counts = (after.numerator, after.denominator, before.numerator, before.denominator)
        x1, n1, x2, n2 = (np.asarray(one, float) for one in counts)
        low, high = newcombe(x1, n1, x2, n2, z, exact=True)
        touching = newcombe_z(x1, n1, x2, n2, exact=True)
    else:
        earlier, later = (
            _Side.of(one, own) for one, own in zip((before, after), told, strict=True)
        )

        def interval(z: Floats, _: object = None) -> tuple[Floats, Floats]:
            quantile = float(np.ravel(z)[0])
            return square_and_add(later.ends(quantile), earlier.ends(quantile))

        low, high = interval(np.asarray([z]))
        touching = np.minimum(
            touching_z(np.atleast_1d(later.value - earlier.value), interval), _FARTHEST
        )
    return ApartDifference(
        low=float(np.ravel(low)[0]),
        high=float(np.ravel(high)[0]),
        p_value=min(float(np.ravel(p_of_z(touching))[0]) * number, 1.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A rate with what its own interval tells: degrees of freedom, and how skewed it is."""

    estimate: Estimate
    value: float
    freedom: float
    skewness: float

    @classmethod
    def of(cls, estimate: Estimate, level: float) -> "_Side":
        """From a rate and its interval at a level."""
        t, skewness = _shape(estimate) if estimate.standard_error else (0.0, 0.0)
        most = max((estimate.n_units or 0) - 1.0, 1.0)
        return cls(
            estimate=estimate,
            value=float(estimate.value or 0.0),
            freedom=min(_freedom(t, level), most),
            skewness=skewness,
        )

    def ends(self, z: float) -> tuple[Floats, Floats, Floats]:
        """Its value and its limits at the confidence of a normal quantile."""
        low, high = self.limits(z)
        return np.atleast_1d(self.value), np.atleast_1d(low), np.atleast_1d(high)

    def limits(self, z: float) -> tuple[Floats, Floats]:
        """Its interval at the confidence of a normal quantile."""
        one, level = self.estimate, level_of_z(min(z, _FARTHEST))
        if _is_binomial(one):
            low, high = clopper_pearson(one.numerator or 0.0, one.denominator or 0.0, level)
            return low, high
        value, variance = np.asarray(self.value), np.asarray((one.standard_error or 0.0) ** 2)
        if one.method in _WEIGHTED:
            effective = np.asarray(one.effective_sample_size or one.n_units or 1.0)
            trials = intervals.effective_trials(value, variance, effective)
            t = t_of(level, np.maximum(effective - 1, 1))
            trials = trials * (z_of(level) / t) ** 2
            return clopper_pearson(value * trials, trials, level)
        low, high = intervals.skewed(
            value, variance, np.asarray(self.skewness), np.asarray(self.freedom + 1), level
        )
        # An end of 0 or 1 is where the metric ends.
        low = np.maximum(low, 0.0) if one.low == 0 else low
        return low, np.minimum(high, 1.0) if one.high == 1 else high


def _shape(one: Estimate) -> tuple[float, float]:
    """Quantile and skewness from which an interval was made, by Hall's cubic (see `intervals.skewed`).

    Of an end where the metric ends nothing follows; then the other is taken for one without skewness, which is too
    wide rather than too narrow, as skewed rates have their long end away from where the metric ends.
    """
    value, error = one.value or 0.0, one.standard_error or np.nan
    below, above = ((value - (one.low or 0.0)) / error, ((one.high or 0.0) - value) / error)
    if one.low == 0 and one.high == 1:
        return np.inf, 0.0
    if one.low == 0:
        return above, 0.0
    if one.high == 1:
        return below, 0.0
    square, line, flat = (below**3 - above**3) / 27, (below**2 + above**2 + 1) / 3, below - above
    inside = line**2 - 4 * square * flat
    if inside < 0:
        return max(below, above), 0.0
    skewness = -2 * flat / (line + np.sqrt(inside))
    t = below + skewness * below**2 / 3 + skewness**2 * below**3 / 27 + skewness / 6
    return t, skewness


def _freedom(t: float, level: float) -> float:
    """Degrees of freedom at which Student's quantile is this."""
    low, high = _FREEDOM
    if t >= float(t_of(level, low)):
        return low
    if t <= float(t_of(level, high)):
        return high
    return float(special.stdtridf(1 - (1 - level) / 2, t))


def _is_binomial(one: Estimate) -> bool:
    """Whether its counts are of independent rows."""
    above, below = one.numerator, one.denominator
    if one.method not in _BINOMIAL or above is None or not below or one.value is None:
        return False
    whole = not above % 1 and not below % 1 and below == one.n_units
    return whole and math.isclose(one.value, above / below, rel_tol=1e-9, abs_tol=1e-12)
