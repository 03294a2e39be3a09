"""Variances of groups that borrow strength from each other, and the degrees of freedom they earn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
#: A group whose variance is this far in the tail of what the others suggest begins to be believed: a
#: larger variance, and (over the number of groups) a smaller one.
TAIL, SMALL_TAIL = 0.3, 0.8
#: Correlation of means and variances from which, and up to which, a small variance is believed less.
TOGETHER = (0.3, 0.6)
#: With fewer groups than this the others' spread is known so badly that larger variances earn less.
MANY_GROUPS = 12
#: Skewness of a mean (that of units over the square root of their number) from which small variances
#: are doubted, and the range over which doubt grows to certainty.
SKEWED, SKEWED_RANGE = 0.2, 0.3
#: Kurtosis up to which units come in two heaps, and from which in one.
HEAPS = (1.4, 2.0)
#: Degrees of freedom of a scaled inverse chi-square that has no mean yet.
NO_MEAN = 2.0
#: Pools of a family, at least.
LEAST_FAMILY = 4
#: Kurtosis of units of which only two moments are known.
UNKNOWN_KURTOSIS = 9.0
#: Logarithms of variances are cut off this many standard deviations (by chance, or as the median has
#: it) from their middle.
CUT = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What the groups of a pool say about the variance of one unit; arrays have one value a pool.

    Attributes
    ----------
    scale, df : arrays of shape (pools,)
        Variance that a group is drawn towards, and the degrees of freedom that this is worth.
    mean : array
        Mean variance of a unit, weighted by degrees of freedom: what chance takes from one group
        it gives to another.
    total_df : array
        Degrees of freedom of all groups together.
    groups : array
        Number of groups that have a variance.
    skewness, kurtosis : arrays
        Of units about their group's value; skewness is NaN where unknown.
    """

    scale: Floats
    df: Floats
    mean: Floats
    total_df: Floats
    groups: Integers
    skewness: Floats
    kurtosis: Floats

    def moderated(self, pool: Integers, variance: Floats, units: Floats) -> tuple[Floats, Floats]:
        """Variance of one unit and its degrees of freedom.

        Parameters
        ----------
        pool : integer array of shape (sets,)
            Pool of each set.
        variance, units : arrays of shape (sets,)
            Own variance of one unit, and the (effective) number of units.

        Returns
        -------
        (variance, df)

        Notes
        -----
        ``(d s0² + ν s²) / (d + ν)`` on ``d + ν`` degrees of freedom (Smyth 2004,
        doi:10.2202/1544-6115.1027), with two departures, both measured in null worlds:

        - `d` falls with the tail probability of the set's own variance under the prior, so that a
          set that differs keeps its own variance (as Phipson, Lee, Majewski, Alexander & Smyth
          2016, doi:10.1214/16-AOAS920, do for hypervariable genes), and is never more than the
          other groups' degrees of freedom; of normal units that vary alike the error stays between
          .7 and 1.04 of what is said, at .05 over the groups and at .0001;
        - where units are so skewed that the mean of this many is, a small variance is chance: such
          a set is drawn up to the mean variance with all the others' degrees of freedom.
        """
        nu = np.maximum(units - 1, 0.0)
        own_df = _effective_df(units, self.kurtosis[pool])
        others = np.maximum(self.total_df[pool] - own_df, 0.0)
        cap = np.minimum(self.df[pool], others)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.nan_to_num(variance / self.scale[pool], nan=1.0, posinf=1e300)
        larger = ratio > 1
        # Where variances differ so much that they have no mean, two kinds of groups are likelier than one
        # wide spread, and a large variance is not drawn to the small ones.
        cap = np.where(larger, np.maximum(cap - NO_MEAN, 0.0), cap)
        df2 = np.maximum(cap, 0.5)
        tail = np.where(
            larger,
            special.fdtrc(np.maximum(nu, 0.3), df2, ratio),
            special.fdtr(own_df, df2, ratio),
        )
        groups = np.maximum(self.groups[pool], 1)
        # One of many groups has a small variance by chance, and would be too sure of its value; a
        # large one makes nobody sure.
        apart = self._apart(pool)
        smaller = (TAIL + (SMALL_TAIL - TAIL) * apart) / groups
        needed = np.where(larger, TAIL * np.maximum(MANY_GROUPS / groups, 1.0), smaller)
        trust = np.minimum(1.0, 2 * tail / needed)
        # A smaller variance is believed by the share of doubt in it, however much the others weigh.
        earned = cap * trust / np.where(larger, 1.0, 1 + apart * (1 - trust) * cap / own_df)
        # Of two or three groups it is not known whether they vary alike: the larger keeps its own.
        earned = np.where(larger & (self.groups[pool] < 4), 0.0, earned)
        own = np.where(larger, nu, own_df)
        # One side may weigh nothing, and its variance be undefined.
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.where(
                earned > 0,
                (earned * self.scale[pool] + own * variance) / (earned + own),
                variance,
            )
            df = earned + own
            # No variation is no certainty, and no more where units come in two heaps, if all are of one.
            doubt = np.maximum(self._doubt(pool, units), 1 - self._one_heap(pool))
            doubted = np.where(variance <= 1e-12 * self.mean[pool], 1.0, doubt) * others
            raised = (doubted * self.mean[pool] + own * variance) / (doubted + own)
        use = (doubted > 0) & (raised > drawn)
        return np.where(use, raised, drawn), np.where(use, doubted + own, df)

    def among(self, families: Sequence[Integers], shared: Floats) -> "Prior":
        """The same where pools of a family, such as one under each condition, vary alike too.

        Parameters
        ----------
        families : sequence of integer arrays
            Pools of each family; one of fewer than four stays as it is.
        shared : array of shape (families,)
            Mean squared correlation of two pools' values: the correlation of their variances.

        Returns
        -------
        Prior
            With the pools' mean variances moderated by those of their family, as groups' are by those
            of their pool, and the degrees of freedom that this earns; variances that are correlated
            count as the fewer that would tell as much.
        """
        mean, total = self.mean.copy(), self.total_df.copy()
        for members, common in zip(families, shared, strict=True):
            own = members[(self.mean[members] > 0) & (self.groups[members] > 1)]
            if len(own) < LEAST_FAMILY:
                continue
            value, df = self.mean[own], self.total_df[own]
            prior = _family_prior(value, df, float(common))
            mean[own], total[own] = prior.moderated(np.zeros(len(own), np.int64), value, df + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.where(self.mean > 0, mean / self.mean, 1.0)
        return replace(self, mean=mean, scale=self.scale * drawn, total_df=total)

    def _apart(self, pool: Integers) -> Floats:
        """How far a mean and its variance go their own ways; 0 where one tells the other, as of 0 and 1.

        Their correlation is ``γ / √(κ - 1)``: where it is large, those with an extreme value have a small
        variance by that alone.  So have both extremes where units come in two heaps, and κ is near 1.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            together = np.abs(self.skewness[pool]) / np.sqrt(self.kurtosis[pool] - 1)
        low, high = TOGETHER
        apart = np.nan_to_num(np.clip((high - together) / (high - low), 0.0, 1.0))
        return np.asarray(apart * self._one_heap(pool), float)

    def _one_heap(self, pool: Integers) -> Floats:
        """How surely units do not come in two heaps."""
        two, one = HEAPS
        return np.asarray(np.clip((self.kurtosis[pool] - two) / (one - two), 0.0, 1.0), float)

    def _doubt(self, pool: Integers, units: Floats) -> Floats:
        """Share of the others' evidence that stands against a small variance."""
        skewness = np.abs(self.skewness[pool]) / np.sqrt(np.maximum(units, 1.0))
        doubt = np.clip((skewness - SKEWED) / SKEWED_RANGE, 0.0, 1.0)
        return np.where(np.isnan(doubt), 1.0, doubt)


def fit_prior(
    variance: Floats, units: Floats, third: Floats, fourth: Floats, present: Bools
) -> Prior:
    """Estimate how much the variances of groups differ beyond chance.

    Parameters
    ----------
    variance, units : arrays of shape (pools, groups)
        Variance of one unit within each group, and the (effective) number of units.
    third, fourth : arrays of shape (pools, groups)
        Mean third and fourth powers of units' deviations from their group's value; NaN where
        unknown.
    present : bool array of shape (pools, groups)
        Which groups a pool has; each needs two units.

    Notes
    -----
    Log variances have, beyond the true spread, the variance ``trigamma(ν / 2)`` of normal units
    (Smyth 2004, doi:10.2202/1544-6115.1027).  Units that are not normal have fewer degrees of
    freedom by their kurtosis: ``2 n / (κ - (n - 3) / (n - 1))`` (O'Neill 2014,
    doi:10.1080/00031305.2014.966589).  The prior's degrees of freedom follow from the spread that
    is left, to which its own standard error is added: two groups that look alike are no proof that
    groups are.
    """
    present = present & (units > 1)
    weight = np.where(present, np.maximum(units - 1, 0.0), 0.0)
    count = present.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(weight > 0, variance * weight, 0.0).sum(1) / weight.sum(1)
        skewness, kurtosis = _shape(variance, units, third, fourth, present)
        df = np.where(present, _effective_df(units, kurtosis[:, None]), 0.0)
        centre, spread = _log_moments(variance, df, mean, present)
        prior_df = 2 * _trigamma_inverse(spread)
        scale = np.exp(centre + _log_shift(prior_df))
    return Prior(
        scale=np.where(mean > 0, scale, 0.0),
        df=np.where(count > 1, prior_df, 0.0),
        mean=np.nan_to_num(mean),
        total_df=df.sum(axis=1),
        groups=count.astype(np.int64),
        skewness=skewness,
        kurtosis=kurtosis,
    )


def _family_prior(mean: Floats, df: Floats, shared: float) -> Prior:
    """What pools' mean variances say about each other's."""
    present = np.ones((1, len(mean)), bool)
    whole = np.array([float((mean * df).sum() / df.sum())])
    centre, spread = _log_moments(mean[None], df[None], whole, present, shared)
    prior_df = 2 * _trigamma_inverse(spread)
    independent = len(mean) / (1 + (len(mean) - 1) * shared)
    return Prior(
        scale=np.exp(centre + _log_shift(prior_df)),
        df=prior_df,
        mean=whole,
        total_df=np.array([float(df.mean() * independent)]),
        groups=np.array([len(mean)]),
        skewness=np.zeros(1),
        kurtosis=np.full(1, 3.0),
    )


def _log_shift(df: Floats) -> Floats:
    """By how much the logarithm of a variance of these degrees of freedom is low on average."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(df), special.digamma(df / 2) - np.log(df / 2), 0.0)


def _shape(
    variance: Floats, units: Floats, third: Floats, fourth: Floats, present: Bools
) -> tuple[Floats, Floats]:
    """Skewness and kurtosis of units about the value of their group, all groups together."""
    n = np.where(present, units, 0.0)
    second = np.where(present, variance * (units - 1), 0.0).sum(1) / n.sum(1)
    known = np.isfinite(third) & np.isfinite(fourth)
    all_known = (known | ~present).all(axis=1)
    cubed = np.where(present & known, n * third, 0.0).sum(1) / n.sum(1)
    quartic = np.where(present & known, n * fourth, 0.0).sum(1) / n.sum(1)
    skewness = np.where(all_known, cubed / second**1.5, np.nan)
    mixed = quartic / second**2
    # Groups that vary each in its way look heavy-tailed together: what their squared variances have
    # beyond the chance of units of this kurtosis comes off.
    own = np.where(present, variance * (units - 1) / np.maximum(units, 1.0), 0.0)
    squares = (n * own**2).sum(1) / n.sum(1) / second**2
    each = np.where(present, 1 - (n - 3) / np.maximum(n * (n - 1), 1.0), 0.0)
    unequal = (squares - mixed * present.sum(1) / n.sum(1)) / ((n * each).sum(1) / n.sum(1))
    unequal = np.maximum(np.nan_to_num(unequal, nan=1.0), 1.0)
    kurtosis = np.where(all_known, np.maximum(mixed / unequal, 1.0), UNKNOWN_KURTOSIS)
    return skewness, np.nan_to_num(kurtosis, nan=3.0, posinf=3.0)


def _effective_df(units: Floats, kurtosis: Floats) -> Floats:
    """Degrees of freedom of a variance, at most those of normal units."""
    nu = np.maximum(units - 1, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        heavy = 2 * units / np.maximum(kurtosis - (units - 3) / nu, 1e-9)
    return np.asarray(np.maximum(np.where(kurtosis > 3, np.fmin(nu, heavy), nu), 0.3), float)


def _log_moments(
    variance: Floats, df: Floats, mean: Floats, present: Bools, shared: float = 0.0
) -> tuple[Floats, Floats]:
    """Middle of the log variances, and what is left of their spread beyond chance; never below 0.

    `shared` is the correlation of any two by chance.
    """
    half = np.maximum(df, 0.3) / 2
    chance = special.zeta(2.0, half)
    value = np.log(np.maximum(variance, mean[:, None] * 1e-6)) - special.digamma(half)
    value = np.where(present, value + np.log(half), np.inf)
    weight = np.where(present, 1 / chance, 0.0)
    weight = weight / weight.sum(axis=1, keepdims=True)
    middle = _weighted_median(value, weight)
    away = np.where(present, value - middle[:, None], 0.0)
    # A group that is wholly different says nothing of how the others vary.
    usual = 1.4826 * _weighted_median(np.where(present, np.abs(away), np.inf), weight)
    cut = CUT * np.maximum(np.sqrt(chance), usual[:, None])
    away = np.clip(away, -cut, cut)
    centre = middle + (weight * away).sum(1)
    count = present.sum(axis=1)
    by_chance = (weight * np.where(present, chance, 0.0)).sum(1)
    spread = (weight * away**2).sum(1) * count / np.maximum(count - 1, 1)
    spread -= (1 - shared) * by_chance
    return centre, np.maximum(spread + by_chance / np.maximum(count - 1, 1), 0.0)


def _weighted_median(value: Floats, weight: Floats) -> Floats:
    """Lower weighted median of each row."""
    order = np.argsort(value, axis=1, kind="stable")
    running = np.cumsum(np.take_along_axis(weight, order, 1), axis=1)
    place = (running >= 0.5 - 1e-12).argmax(axis=1)
    rows = np.arange(len(value))
    return np.asarray(value[rows, order[rows, place]], float)


def _trigamma_inverse(value: Floats) -> Floats:
    """The argument at which the trigamma function has this value; infinite at 0.

    Newton's method on the reciprocal, which is near a line: Smyth (2004), appendix.
    """
    x = np.maximum(np.asarray(value, float), 1e-300)
    y = 0.5 + 1 / x
    # The trigamma function is zeta(2, y), and its derivative -2 zeta(3, y).
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(12):
            tri = special.zeta(2.0, y)
            y = y + tri * (1 - tri / x) / (-2 * special.zeta(3.0, y))
    y = np.where(x > 1e7, 1 / np.sqrt(x), y)
    return np.asarray(np.where(x < 1e-6, np.where(value > 0, 1 / x, np.inf), y), float)
