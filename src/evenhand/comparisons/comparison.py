"""Comparisons of sets: differences, their evidence on one scale, and simultaneous intervals.

Each comparison keeps the interval that fits it (Newcombe's construction for independent proportions,
Student's t on influence values for the rest); what is shared is the confidence of each, chosen so
that all hold at once.  Evidence is put on the normal scale by the comparison's own p-value.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Estimates
from evenhand.deferred import special
from evenhand.stats import contrasts, intervals
from evenhand.stats.assisted import AssistedShare
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.moderation import fit_prior
from evenhand.stats.paired import conditional_limits, mcnemar_z

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


#: Name of the interval that rests on the spread of units.
ON_UNITS = "influence-t"
#: A comparison of values within known bounds; `None` where they are not known.
Range = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Which sets tell about each other's variances.

    Attributes
    ----------
    members : tuple of integer arrays
        Sets of each pool, usually the groups of one partition.
    of_pair : integer array of shape (pairs,)
        Pool of each pair.
    families : tuple of integer arrays
        Pools that tell about each other's, usually one partition's under all conditions.
    shared : array of shape (families,)
        Mean squared correlation of two pools of a family.
    """

    members: tuple[Integers, ...]
    of_pair: Integers
    families: tuple[Integers, ...] = ()
    shared: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of_pairs(cls, first: Integers, second: Integers) -> "Pools":
        """Each pair for itself."""
        return cls(members=tuple(np.stack([first, second], axis=1)), of_pair=np.arange(len(first)))

    @classmethod
    def one(cls, members: Integers, pairs: int) -> "Pools":
        """All pairs in one pool."""
        return cls(members=(members,), of_pair=np.zeros(pairs, np.int64))


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
    flat : bool array of shape (pairs,)
        Whether no unit differs from another, so that only bounds of the values tell how sure to be.
    sides : tuple of two pairs of arrays
        Values of both sets, and how many units of the largest one's size they have.
    matched : bool array of shape (pairs,)
        Whether both sets have the same units.
    trials : tuple of four arrays, optional
        Successes and trials of both sets, where the pairs are of independent proportions.
    exact : bool
        Whether Newcombe's interval is built from exact limits, as many comparisons need.
    bounds : (low, high), optional
        Between which all units' values lie.
    seen : bool
        Whether the bounds are only those of the values that were seen.
    turns : tuple of three arrays, optional
        Units that go from 0 to 1 and from 1 to 0, and all of them, where each is one row of 0 or 1 in
        both sets; NaN elsewhere.
    assisted : tuple, optional
        Where few people's labels stand beside a judge's of independent rows: the form, and the counts of both sets.
    """

    difference: Floats
    variance: Floats
    df: Floats
    power_variance: Floats
    score: npt.NDArray[np.bool_]
    flat: npt.NDArray[np.bool_]
    sides: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]
    matched: npt.NDArray[np.bool_]
    trials: tuple[Floats, Floats, Floats, Floats] | None
    exact: bool
    bounds: Range
    seen: bool
    turns: tuple[Floats, Floats, Floats] | None = None
    assisted: tuple[AssistedShare, Floats, Floats] | None = None

    @cached_property
    def z(self) -> Floats:
        """Absolute evidence on the normal scale; NaN where the data cannot tell."""
        z = contrasts.t_test_z(self.difference, self.variance, self.df)
        if self.trials is not None and self.score.any():
            score = contrasts.newcombe_z(
                *(side[self.score] for side in self.trials), exact=self.exact
            )
            z[self.score] = score
        if self.assisted is not None and self.score.any():
            z[self.score] = contrasts.touching_z(self.difference[self.score], self._between)
        if self.flat.any():
            z = np.where(self.flat, contrasts.touching_z(self.difference, self._flat_interval), z)
        if self.turns is not None:
            # A few rows that all turn one way are a proof to Student's t before they are one: 5 of 5
            # are 2.3 standard errors, and happen by chance once in 16 times.
            z = np.where(self._turned, np.minimum(z, mcnemar_z(*self.turns[:2])), z)
        return np.where(np.isfinite(self.difference), z, np.nan)

    @property
    def _turned(self) -> npt.NDArray[np.bool_]:
        """Pairs that have an exact test, which no row is needed for where none differs."""
        assert self.turns is not None
        return np.isfinite(self.turns[0]) & ~self.flat

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
        if self.assisted is not None and self.score.any():
            everyone = np.ones(int(self.score.sum()), bool)
            low[self.score], high[self.score] = self._between(np.asarray(z, float), everyone)
        if self.flat.any():
            everywhere = np.ones(len(self.flat), bool)
            flat = self._flat_interval(np.full(len(self.flat), float(z)), everywhere)
            low, high = (np.where(self.flat, e, t) for e, t in zip(flat, (low, high), strict=True))
        if self.turns is not None:
            exact = conditional_limits(*self.turns, special.ndtr(-z))
            low = np.where(self._turned, np.fmin(low, exact[0]), low)
            high = np.where(self._turned, np.fmax(high, exact[1]), high)
        if self.bounds is not None and not self.seen:
            width = self.bounds[1] - self.bounds[0]
            low, high = np.maximum(low, -width), np.minimum(high, width)
        return low, high

    def _between(self, z: Floats, at: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Intervals of some of the pairs with limits of their own on each side."""
        assert self.assisted is not None
        form, first, second = self.assisted
        return form.difference(first[self.score][at], second[self.score][at], z, exact=self.exact)

    def _flat_interval(self, z: Floats, at: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Intervals of some pairs of which no unit differs, from the bounds of units' values."""
        assert self.bounds is not None
        tail = special.ndtr(-z)
        low, high = self.bounds
        (value1, units1), (value2, units2) = ((v[at], n[at]) for v, n in self.sides)
        low1, high1 = intervals.constant_limits(value1, units1, tail, low, high)
        low2, high2 = intervals.constant_limits(value2, units2, tail, low, high)
        apart = contrasts.square_and_add((value1, low1, high1), (value2, low2, high2))
        paired = intervals.constant_limits(
            self.difference[at], np.minimum(units1, units2), tail, low - high, high - low
        )
        matched = self.matched[at]
        return np.where(matched, paired[0], apart[0]), np.where(matched, paired[1], apart[1])

    def method(self, pair: int) -> str:
        """Name of a pair's interval."""
        if self.score[pair] and self.assisted is not None:
            return "post-stratified"
        if self.score[pair]:
            return "newcombe-exact" if self.exact else "newcombe"
        if self.flat[pair]:
            return "bounded-as-seen" if self.seen else "bounded-units"
        if self.turns is not None and self._turned[pair]:
            return "mcnemar"
        return ON_UNITS


def compare(
    estimates: Estimates,
    form: Form,
    first: Integers,
    second: Integers,
    *,
    proportion: bool,
    exact: bool = True,
    pools: Pools | None = None,
    bounds: Range = None,
    seen: bool = False,
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
    pools : Pools, optional
        Sets whose variances tell about each other's; the two of each pair where not given.
    bounds : (low, high), optional
        Between which all units' values lie.
    seen : bool
        Whether these are only the bounds of the values that were seen.

    Notes
    -----
    Variances of sets are moderated (see `evenhand.stats.moderation`): a small group without any event,
    or with a lucky few, is not certain, and a small group among many that vary alike is not alone.
    For sets that share units the covariance of their influence values comes off.  Where no unit
    differs from another, in the sets or in the units' own differences, exact limits of bounded values
    take over: 61 of 61 against 0 of 61 is no lack of evidence.
    """
    full = estimates.covariance.ndim == 2
    covariance = estimates.covariance[first, second] if full else estimates.covariance
    shared = estimates.shared[first, second] if full else estimates.shared
    v1, v2 = (np.nan_to_num(estimates.variances[index]) for index in (first, second))
    n1, n2 = (estimates.n_effective[index] for index in (first, second))
    pools = Pools.of_pairs(first, second) if pools is None else pools
    share = form if isinstance(form, AssistedShare) else None
    score = np.full(len(first), proportion or share is not None) & (shared == 0)
    if score.all():
        # Proportions have intervals of their own: their variances only plan.
        (m1, df1), (m2, df2) = (v1, n1 - 1), (v2, n2 - 1)
    else:
        (m1, df1), (m2, df2) = moderated(estimates, pools, first, second)
    values = np.abs(estimates.values[first]) + np.abs(estimates.values[second])
    paired = v1 + v2 - 2 * covariance
    # What is left where covariances cancel is their rounding, not variation.
    paired = np.where(paired > 1e-24 * values**2 + 1e-12 * (v1 + v2), paired, 0.0)
    # Of units that several columns name, no difference is surer than by one of the columns.
    for squares, products in estimates.ways:
        own = products[first, second] if full else products
        paired = np.fmax(paired, squares[first] + squares[second] - 2 * own)
    apart = shared == 0
    matched = (shared == estimates.n_units[first]) & (shared == estimates.n_units[second])
    matched &= shared > 0
    df = np.where(
        apart, contrasts.satterthwaite((m1, m2), (df1, df2)), np.maximum(np.fmin(n1, n2) - 1, 1.0)
    )
    # What moderation adds stays when some units are shared; only the covariance comes off.  Where
    # all are, each unit is its own control, and the variance is that of the differences.
    partly = paired + np.maximum(m1 - v1, 0.0) + np.maximum(m2 - v2, 0.0)
    variance = np.select([apart, matched], [m1 + m2, paired], partly)
    difference = estimates.values[first] - estimates.values[second]
    flat = np.where(matched, paired == 0, (v1 == 0) & (v2 == 0)) & ~score
    flat &= np.isfinite(difference) & (estimates.n_units[first] > 1) & (bounds is not None)
    whole = estimates.n_whole
    return Comparison(
        difference=difference,
        variance=variance,
        df=df,
        power_variance=np.where(variance > 0, variance, m1 + m2),
        score=score,
        flat=flat,
        sides=(
            (estimates.values[first], whole[first]),
            (estimates.values[second], whole[second]),
        ),
        matched=matched,
        trials=_trials(estimates, form, first, second) if proportion else None,
        exact=exact,
        bounds=bounds,
        seen=seen,
        assisted=None if share is None else (share, estimates.sums[first], estimates.sums[second]),
    )


def moderated(estimates: Estimates, pools: Pools, *sides: Integers) -> list[tuple[Floats, Floats]]:
    """Sampling variances of sets and their degrees of freedom, moderated by the sets' pools.

    `pools.of_pair` gives the pool of each set of each side.
    """
    units = estimates.n_effective
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.nan_to_num(estimates.variances * units)
    widest = max((len(members) for members in pools.members), default=0)
    index = np.zeros((len(pools.members), widest), np.int64)
    present = np.zeros(index.shape, bool)
    for row, members in enumerate(pools.members):
        index[row, : len(members)] = members
        present[row, : len(members)] = True
    if not index.size:
        return [(np.zeros(len(sets)), np.ones(len(sets))) for sets in sides]
    present &= np.isfinite(estimates.values[index])
    prior = fit_prior(
        own[index],
        units[index],
        (estimates.third * units**2)[index],
        (estimates.fourth * units**3)[index],
        present,
    )
    prior = prior.among(pools.families, pools.shared)
    found = [prior.moderated(pools.of_pair, own[sets], units[sets]) for sets in sides]
    return [
        (variance / np.maximum(units[sets], 1e-9), df)
        for (variance, df), sets in zip(found, sides, strict=True)
    ]


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


def differences(
    estimates: Estimates,
    form: Form,
    first: Integers,
    second: Integers,
    powers: tuple[Floats, Floats] | None = None,
    bounds: Range = None,
) -> Estimates:
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
    powers : (third, fourth), optional
        Sums of powers of units' influences on the differences, of `evenhand.cubes.contrast_powers`;
        where not given those of independent sets.
    bounds : (low, high), optional
        Between which all units' values lie.

    Returns
    -------
    Estimates
        `n_effective` less 1 are a difference's degrees of freedom, and `n_units` its units where
        both sets have the same, else about as many.  Two differences *share*
        all their units where each of the four sets has them all, and none where no set of one has
        a unit of the other.
    """
    one = compare(estimates, form, first, second, proportion=False, bounds=bounds)
    third, fourth = powers or (
        estimates.third[first] - estimates.third[second],
        estimates.fourth[first] + estimates.fourth[second],
    )
    index = (first, second)
    crossed = np.array([estimates.shared[np.ix_(a, b)] for a in index for b in index])
    any_shared, all_shared = crossed.max(axis=0), crossed.min(axis=0)
    shared = np.where(any_shared == 0, 0, np.maximum(all_shared, 1))
    common = estimates.shared[first, second]
    n_units = np.where(one.matched, common, np.rint(one.df).astype(np.int64) + 1)
    return Estimates(
        values=one.difference,
        sums=estimates.sums[first] + estimates.sums[second],
        n_rows=estimates.n_rows[first] + estimates.n_rows[second],
        n_units=n_units,
        n_effective=one.df + 1,
        n_whole=np.fmin(estimates.n_whole[first], estimates.n_whole[second]),
        variances=one.variance,
        third=third,
        fourth=fourth,
        shared=shared,
        covariance=contrast_covariance(estimates.covariance, first, second),
        ways=tuple(_differences_by(products, first, second) for _, products in estimates.ways),
    )


def _differences_by(products: Floats, first: Integers, second: Integers) -> tuple[Floats, Floats]:
    found = contrast_covariance(products, first, second)
    return np.diag(found).copy(), found
