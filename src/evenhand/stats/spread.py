"""How far groups differ as a whole: homogeneity, spread between groups, the largest gap."""

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.shrinkage import spread_by_chance

Floats = npt.NDArray[np.float64]
#: How many times as many draws as lie above a quantile are looked at first.
_FIRST = 8


def chi_square_p(
    successes: Floats, trials: Floats, rng: np.random.Generator, draws: int = 4000
) -> float:
    """Pearson's test that independent binomials share one rate.

    Where an expected count is below 5 the distribution given the margins is drawn instead
    (Patefield 1981, doi:10.2307/2346669), so that small groups raise no false alarm.
    """
    successes, trials = successes[trials > 0], trials[trials > 0]
    n, x = trials.sum(), successes.sum()
    if len(trials) < 2 or x in (0, n):
        return 1.0
    expected = trials * x / n

    def statistic(counts: Floats) -> Floats:
        return np.asarray(((counts - expected) ** 2 / (expected * (1 - x / n))).sum(-1), float)

    observed = float(statistic(successes))
    if min(expected.min(), (trials - expected).min()) >= 5:
        return float(special.chdtrc(len(trials) - 1, observed))
    draws = _draws(len(trials), draws)
    drawn = rng.multivariate_hypergeometric(
        trials.astype(np.int64), int(x), size=draws, method="marginals"
    )
    return float(
        (1 + np.count_nonzero(statistic(drawn.astype(float)) >= observed - 1e-9)) / (draws + 1)
    )


def _draws(groups: int, draws: int) -> int:
    # At most two million numbers: thousands of groups need fewer draws of each.
    return max(min(draws, 2_000_000 // groups), 200)


def chi_square_floor(successes: Floats, trials: Floats, draws: int = 4000) -> float | None:
    """The least that `chi_square_p` can be where it is drawn: 1 / (draws + 1); else `None`.

    Phipson & Smyth (2010), doi:10.2202/1544-6115.1585: of so many draws none may be as extreme, which
    says no more than that the p-value is small.
    """
    successes, trials = successes[trials > 0], trials[trials > 0]
    n, x = trials.sum(), successes.sum()
    if len(trials) < 2 or x in (0, n):
        return None
    expected = trials * x / n
    if min(expected.min(), (trials - expected).min()) >= 5:
        return None
    return 1 / (_draws(len(trials), draws) + 1)


def welch_p(values: Floats, variances: Floats, df: Floats) -> float | None:
    """Welch's test that independent estimates with unequal variances share one mean.

    `df` are the degrees of freedom of the variances.  Welch (1951), doi:10.1093/biomet/38.3-4.330.
    `None` where fewer than two groups have a variance above 0.
    """
    usable = variances > 0
    values, variances, df = values[usable], variances[usable], df[usable]
    k = len(values)
    if k < 2:
        return None
    weights = 1 / variances
    share = weights / weights.sum()
    centre = (share * values).sum()
    between = (weights * (values - centre) ** 2).sum() / (k - 1)
    slack = ((1 - share) ** 2 / np.maximum(df, 1)).sum()
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * slack)
    return float(special.fdtrc(k - 1, (k**2 - 1) / (3 * slack), statistic))


def wald_p(values: Floats, covariance: Floats, n_units: int) -> float | None:
    """Hotelling's test that estimates which share units are equal.

    Hotelling (1931), doi:10.1214/aoms/1177732979.  `None` where there are too few units for the
    number of groups, or the differences have no variance.
    """
    k = len(values) - 1
    if k < 1 or n_units <= k + 1:
        return None
    differences = values[1:] - values[0]
    spread = covariance[1:, 1:] - covariance[1:, :1] - covariance[:1, 1:] + covariance[0, 0]
    if np.linalg.matrix_rank(spread) < k:
        return None
    statistic = float(differences @ np.linalg.solve(spread, differences))
    scale = (n_units - k) / ((n_units - 1) * k)
    return float(special.fdtrc(k, n_units - k, statistic * scale))


def between_group_sd(values: Floats, covariance: Floats) -> float:
    """Spread of the true rates of groups: variance of the estimates less what chance adds to it.

    Parameters
    ----------
    values : array of shape (groups,)
        Estimated rates.
    covariance : array of shape (groups, groups) or (groups,)
        Sampling covariance of the estimates, or their variances where no two share units.

    Notes
    -----
    Groups count equally.  Chance adds the mean variance less the mean covariance of two groups: units
    that all groups share move them together, and apart by nothing.  Unbiased on the variance scale
    when the sampling covariances are; both corrections (k - 1 between groups, n - 1 within) are
    those of the double-corrected estimator of Lum, Zhang & Bower (2022), arXiv 2205.05770.  Cut off
    at 0.
    """
    k = len(values)
    if k < 2:
        return 0.0
    chance = spread_by_chance(covariance) if covariance.ndim == 2 else covariance.mean()
    return float(np.sqrt(max(values.var(ddof=1) - chance, 0.0)))


def largest_pair_quantile(covariance: Floats, draws: Floats, level: float) -> float:
    """Quantile z that bounds all differences between two groups at once, in either direction.

    Parameters
    ----------
    covariance : array of shape (groups, groups)
        Covariance of the estimates.
    draws : array of shape (draws, groups)
        Normal draws with that covariance, scaled to unit variance.
    level : float
        Probability that no studentised difference exceeds z.

    Notes
    -----
    With it ``max over pairs of (difference - z · standard error)`` is a lower bound of the largest
    gap: choosing the widest pair costs nothing, since all pairs are bounded.  A null world gives a
    positive bound with probability at most 1 - level, where the percentile bootstrap interval of
    (max - min) excludes 0 always.  Tukey's studentised range, with the estimates' own covariance.
    """
    # Of two columns of units a variance may come out below 0.
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    spread = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    error = np.sqrt(np.maximum(spread, 0.0))
    distinct = error > 1e-9 * (scale[:, None] + scale[None, :])
    # |d_i s_i - d_j s_j| is at most (s_i² + s_j²)^½ times that of the two largest |d|, by Cauchy and
    # Schwarz: no draw below a quantile that is reached already need be looked at pair by pair.
    ratio = np.divide(
        np.hypot(scale[:, None], scale[None, :]), error, where=distinct, out=np.zeros_like(error)
    )
    most = np.sqrt(_two_largest(draws)) * (float(ratio.max(initial=0.0)) * (1 + 1e-9))
    # The quantile is the higher of two: as many draws as this are not below it.
    above = len(draws) - int(np.ceil((len(draws) - 1) * level))
    first = min(_FIRST * above, len(draws))
    least = np.partition(most, len(most) - first)[len(most) - first]
    chosen = ~(most < least)
    largest = _largest_pairs(draws[chosen] * scale, error, distinct)
    reached = _from_top(largest, above)
    if reached < least:
        more = ~(most < reached) & ~chosen
        rest = _largest_pairs(draws[more] * scale, error, distinct)
        reached = _from_top(np.concatenate([largest, rest]), above)
    return reached


def _two_largest(draws: Floats) -> Floats:
    """Sum of the two largest squares of each draw."""
    first, second = np.zeros(len(draws)), np.zeros(len(draws))
    for column in draws.T:
        squares = column**2
        np.maximum(second, np.minimum(first, squares), out=second)
        np.maximum(first, squares, out=first)
    return first + second


def _from_top(values: Floats, place: int) -> float:
    """The value that so many, itself counted, are not below."""
    return float(np.partition(values, len(values) - place)[len(values) - place])


def _largest_pairs(scaled: Floats, error: Floats, distinct: npt.NDArray[np.bool_]) -> Floats:
    """Largest studentised difference of each draw."""
    columns = np.ascontiguousarray(scaled.T)
    largest = np.zeros(len(scaled))
    for first in range(len(columns) - 1):
        others = np.flatnonzero(distinct[first, first + 1 :]) + first + 1
        if len(others):
            t = (columns[first] - columns[others]) / error[first, others][:, None]
            np.maximum(largest, np.abs(t, out=t).max(axis=0), out=largest)
    return largest
