"""Comparisons of sets: differences, their evidence on one scale, and simultaneous intervals.

Each comparison keeps the interval that fits it (Newcombe's construction for independent proportions,
Student's t on influence values for the rest); what is shared is the confidence of each, chosen so
that all hold at once.  Evidence is put on the normal scale by the comparison's own p-value.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Estimates
from evenhand.stats import contrasts
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.power import floored_variances

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Pairs (first, second) of sets compared by the difference of their values.

    Attributes
    ----------
    difference, variance, df : arrays of shape (pairs,)
        Estimate, its variance, and degrees of freedom.
    power_variance : array of shape (pairs,)
        Variance for planning: above 0 where the units' variance is known at all.
    score : bool array of shape (pairs,)
        Whether the pair is of independent proportions.
    trials : tuple of four arrays, optional
        Successes and trials of both sets, where the pairs are of independent proportions.
    exact : bool
        Whether Newcombe's interval is built from exact limits, as many comparisons need.
    """

    difference: Floats
    variance: Floats
    df: Floats
    power_variance: Floats
    score: npt.NDArray[np.bool_]
    trials: tuple[Floats, Floats, Floats, Floats] | None
    exact: bool

    @cached_property
    def z(self) -> Floats:
        """Absolute evidence on the normal scale; NaN where the data cannot tell."""
        z = contrasts.t_test_z(self.difference, self.variance, self.df)
        if self.trials is not None and self.score.any():
            score = contrasts.newcombe_z(
                *(side[self.score] for side in self.trials), exact=self.exact
            )
            z[self.score] = score
        return np.where(np.isfinite(self.difference), z, np.nan)

    def interval(self, z: float) -> tuple[Floats, Floats]:
        """Intervals whose confidence is that of ± `z` on the normal scale."""
        low, high = contrasts.t_interval(
            self.difference, self.variance, self.df, contrasts.level_of_z(z)
        )
        if self.trials is not None:
            score = contrasts.newcombe(*self.trials, z, exact=self.exact)
            low, high = (
                np.where(self.score, e, t) for e, t in zip(score, (low, high), strict=True)
            )
        return low, high

    def method(self, pair: int) -> str:
        """Name of a pair's interval."""
        if not self.score[pair]:
            return "influence-t"
        return "newcombe-exact" if self.exact else "newcombe"


def compare(
    estimates: Estimates,
    form: Form,
    first: Integers,
    second: Integers,
    *,
    proportion: bool,
    exact: bool = True,
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
    exact : bool
        Whether there are other comparisons that must hold at the same time.

    Notes
    -----
    Variances are floored (see `evenhand.stats.power.floored_variances`): a small group without any
    event, or with a lucky few, is not certain.  For sets that share units the covariance of their
    influence values comes off.
    """
    full = estimates.covariance.ndim == 2
    covariance = estimates.covariance[first, second] if full else estimates.covariance
    shared = estimates.shared[first, second] if full else estimates.shared
    v1, v2 = (np.nan_to_num(estimates.variances[index]) for index in (first, second))
    n1, n2 = (estimates.n_units[index].astype(float) for index in (first, second))
    size = form.split(estimates.sums)[1] if isinstance(form, Ratio) else estimates.n_rows
    sizes = (np.abs(size[first]).astype(float), np.abs(size[second]).astype(float))
    floor1, floor2 = floored_variances((v1, v2), (n1, n2), sizes)
    values = np.abs(estimates.values[first]) + np.abs(estimates.values[second])
    paired = np.where(v1 + v2 - 2 * covariance > 1e-24 * values**2, v1 + v2 - 2 * covariance, 0.0)
    apart = shared == 0
    df = np.where(
        apart, contrasts.welch_df(floor1, n1, floor2, n2), np.maximum(np.minimum(n1, n2) - 1, 1.0)
    )
    # What the floors add stays when some units are shared; only the covariance comes off.  Where
    # all are, each unit is its own control, and the variance is that of the differences.
    matched = (shared == n1) & (shared == n2)
    floored = paired + (floor1 - v1) + (floor2 - v2)
    variance = np.select([apart, matched], [floor1 + floor2, paired], floored)
    return Comparison(
        difference=estimates.values[first] - estimates.values[second],
        variance=variance,
        df=df,
        power_variance=np.where(variance > 0, variance, floor1 + floor2),
        score=np.full(len(first), proportion) & apart,
        trials=_trials(estimates, form, first, second) if proportion else None,
        exact=exact,
    )


def _trials(
    estimates: Estimates, form: Form, first: Integers, second: Integers
) -> tuple[Floats, Floats, Floats, Floats] | None:
    if not isinstance(form, Ratio):
        return None
    above, below = form.split(estimates.sums)
    return above[first], below[first], above[second], below[second]


def contrast_covariance(covariance: Floats, first: Integers, second: Integers) -> Floats:
    """Covariance of differences, from that of the sets."""
    rows = covariance[first] - covariance[second]
    return rows[:, first] - rows[:, second]


def differences(estimates: Estimates, form: Form, first: Integers, second: Integers) -> Estimates:
    """Differences of pairs of sets as estimates themselves, so that they can be compared again.

    Comparing two of them gives a difference in differences: a linear contrast of four sets, with
    its variance from the covariances of the four.

    Parameters
    ----------
    estimates : Estimates
        Of the sets, with covariances of all pairs.
    form : Form
        The metric's form.
    first, second : integer arrays of shape (differences,)
        Indices of the sets of each difference.

    Returns
    -------
    Estimates
        `n_units` are those that give a difference its degrees of freedom.  Two differences *share*
        all their units where each of the four sets has them all, and none where no set of one has
        a unit of the other.
    """
    one = compare(estimates, form, first, second, proportion=False)
    index = (first, second)
    crossed = np.array([estimates.shared[np.ix_(a, b)] for a in index for b in index])
    n_units = np.rint(one.df).astype(np.int64) + 1
    any_shared, all_shared = crossed.max(axis=0), crossed.min(axis=0)
    shared = np.where(any_shared == 0, 0, np.maximum(all_shared, 1))
    return Estimates(
        values=one.difference,
        sums=estimates.sums[first] + estimates.sums[second],
        n_rows=estimates.n_rows[first] + estimates.n_rows[second],
        n_units=n_units,
        variances=one.variance,
        shared=shared,
        covariance=contrast_covariance(estimates.covariance, first, second),
    )
