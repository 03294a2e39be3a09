"""Comparisons of sets: differences, their evidence on one scale, and simultaneous intervals.

Each comparison keeps the interval that fits it (Newcombe's for independent proportions, Student's
t on influence values for the rest); what is shared is the confidence of each, chosen so that all
hold at once.  Evidence is put on the normal scale by the comparison's own p-value.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Estimates
from evenhand.stats import contrasts
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Pairs (first, second) of sets compared by the difference of their values.

    Attributes
    ----------
    difference, variance, df, z : arrays of shape (pairs,)
        Estimate, its variance, degrees of freedom, and absolute evidence on the normal scale
        (NaN where the data cannot tell).
    score : bool array
        Whether Newcombe's interval is used.
    trials : tuple of four arrays
        Successes and trials of both sets, for Newcombe's interval.
    """

    difference: Floats
    variance: Floats
    df: Floats
    z: Floats
    score: npt.NDArray[np.bool_]
    trials: tuple[Floats, Floats, Floats, Floats]

    def interval(self, z: float) -> tuple[Floats, Floats]:
        """Intervals whose confidence is that of ± `z` on the normal scale."""
        score = contrasts.newcombe(*self.trials, z)
        level = contrasts.level_of_z(z)
        t = contrasts.t_interval(self.difference, self.variance, self.df, level)
        return np.where(self.score, score[0], t[0]), np.where(self.score, score[1], t[1])

    @property
    def methods(self) -> list[str]:
        """Name of each interval."""
        return ["newcombe" if score else "influence-t" for score in self.score]


def compare(
    estimates: Estimates, form: object, first: Integers, second: Integers, *, proportion: bool
) -> Comparison:
    """Compare sets pairwise.

    Parameters
    ----------
    estimates : Estimates
        Of all sets; with covariances of all pairs, or exactly of these pairs.
    form : Form
        The metric's form; a `Ratio` of indicators gives successes and trials.
    first, second : integer arrays
        Indices of the sets of each pair.
    proportion : bool
        Whether values are proportions of independent rows.
    """
    full = estimates.covariance.ndim == 2
    covariance = estimates.covariance[first, second] if full else estimates.covariance
    shared = estimates.shared[first, second] if full else estimates.shared
    v1, v2 = (estimates.variances[index] for index in (first, second))
    n1, n2 = (estimates.n_units[index].astype(float) for index in (first, second))
    difference = estimates.values[first] - estimates.values[second]
    variance = np.maximum(v1 + v2 - 2 * covariance, 0.0)
    tiny = variance <= 1e-24 * (estimates.values[first] ** 2 + estimates.values[second] ** 2)
    variance = np.where(tiny, 0.0, variance)
    paired = np.maximum(np.minimum(n1, n2) - 1, 1.0)
    df = np.where(shared > 0, paired, contrasts.welch_df(v1, n1, v2, n2))
    score = np.full(len(first), proportion) & (shared == 0)
    trials = _trials(estimates, form, first, second)
    z = np.where(score, contrasts.newcombe_z(*trials), contrasts.t_test_z(difference, variance, df))
    z = np.where(np.isfinite(difference), z, np.nan)
    return Comparison(
        difference=difference, variance=variance, df=df, z=z, score=score, trials=trials
    )


def _trials(
    estimates: Estimates, form: object, first: Integers, second: Integers
) -> tuple[Floats, Floats, Floats, Floats]:
    if not isinstance(form, Ratio):
        zeros = np.zeros(len(first))
        return zeros, zeros, zeros, zeros
    above, below = form.split(estimates.sums)
    return above[first], below[first], above[second], below[second]


def contrast_covariance(covariance: Floats, first: Integers, second: Integers) -> Floats:
    """Covariance of differences, from that of the sets."""
    rows = covariance[first] - covariance[second]
    return rows[:, first] - rows[:, second]
