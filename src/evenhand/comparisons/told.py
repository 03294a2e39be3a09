"""A rate as another audit told it: limits at a confidence of one's own, from its counts or its own interval."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.results.estimate import Estimate
from evenhand.stats import intervals

Floats = npt.NDArray[np.float64]
_BINOMIAL, _WEIGHTED = ("wilson", "clopper-pearson"), ("wilson-effective", "korn-graubard")
#: Degrees of freedom between which those of an interval are looked for.
_FREEDOM = (1.0, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRate:
    """A rate with what its own interval tells.

    Attributes
    ----------
    estimate : Estimate
    value : float
    freedom, skewness : float
        Degrees of freedom and skewness from which its interval was made.
    """

    estimate: Estimate
    value: float
    freedom: float
    skewness: float

    @classmethod
    def of(cls, estimate: Estimate, level: float) -> "ToldRate":
        """From a rate that has a value, and its interval at a level."""
        t, skewness = _shape(estimate) if estimate.standard_error else (0.0, 0.0)
        most = max((estimate.n_units or 0) - 1.0, 1.0)
        return cls(
            estimate=estimate,
            value=float(estimate.value or 0.0),
            freedom=min(_freedom(t, level), most),
            skewness=skewness,
        )

    def limits(
        self, level: float, units: tuple[float, float] | None = None
    ) -> tuple[Floats, Floats]:
        """Its interval at another confidence.

        Parameters
        ----------
        level : float
        units : (float, float), optional
            Between which values of units lie.  Then half of the chance is the interval's, and half that of a kind
            that none of the units was: of n units so rare a share as ``1 - chance^(1/n)`` is unseen with that
            chance, and at worst it lies at the bound.

        Returns
        -------
        (low, high)
            Of independent rows Clopper and Pearson's, of weighted ones Korn and Graubard's, else Hall's
            (`evenhand.stats.intervals.skewed`); NaN where the rate tells of no variation.
        """
        one = self.estimate
        if is_binomial(one):
            return intervals.clopper_pearson(one.numerator or 0.0, one.denominator or 0.0, level)
        value, error = np.asarray(self.value), one.standard_error
        if not error or not one.n_units:
            return np.asarray(np.nan), np.asarray(np.nan)
        variance = np.asarray(error**2)
        if one.method in _WEIGHTED:
            effective = np.asarray(one.effective_sample_size or one.n_units)
            return intervals.korn_graubard(value, variance, effective, level)
        tail = (1 - level) / 2
        sure = level if units is None else 1 - tail
        low, high = intervals.skewed(
            value, variance, np.asarray(self.skewness), np.asarray(self.freedom + 1), sure
        )
        if units is not None:
            unseen = 1 - (tail / 2) ** (1 / (one.effective_sample_size or one.n_units))
            low = low - unseen * np.maximum(value - units[0], 0.0)
            high = high + unseen * np.maximum(units[1] - value, 0.0)
        # An end of 0 or 1 is where the metric ends.
        low = np.maximum(low, 0.0) if one.low == 0 else low
        return low, np.minimum(high, 1.0) if one.high == 1 else high


def is_binomial(one: Estimate) -> bool:
    """Whether the counts of a rate are of independent rows."""
    above, below = one.numerator, one.denominator
    if one.method not in _BINOMIAL or above is None or not below or one.value is None:
        return False
    whole = not above % 1 and not below % 1 and below == one.n_units
    return whole and math.isclose(one.value, above / below, rel_tol=1e-9, abs_tol=1e-12)


def _shape(one: Estimate) -> tuple[float, float]:
    """Quantile and skewness from which an interval was made, by Hall's cubic (see `intervals.skewed`).

    Of an end where the metric ends nothing follows; then the other is taken for one without skewness, which is too
    wide rather than too narrow, as skewed rates have their long end away from where the metric ends.
    """
    value, error = one.value or 0.0, one.standard_error or np.nan
    if one.low is None or one.high is None:
        return 0.0, 0.0
    below, above = (value - one.low) / error, (one.high - value) / error
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
    if t >= float(intervals.t_of(level, low)):
        return low
    if t <= float(intervals.t_of(level, high)):
        return high
    return float(special.stdtridf(1 - (1 - level) / 2, t))
