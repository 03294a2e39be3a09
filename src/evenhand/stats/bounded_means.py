"""Limits of the mean of bounded values: Gaffke's, by betting, and empirical Bernstein's."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.intervals import constant_limits

Floats = npt.NDArray[np.float64]
#: No bet stakes more than this share of what could be lost; Waudby-Smith & Ramdas use 1/2 or 3/4.
STAKE = 0.75
#: Of so many units each different one is told once.
_MANY_UNITS = 2_000


def empirical_bernstein_lower(
    values: npt.ArrayLike, alpha: float, low: float = 0.0, high: float = 1.0
) -> float:
    """Lower bound of the mean of independent values within [low, high].

    Parameters
    ----------
    values : array of shape (n,)
        Independent, of one mean, n ≥ 2.
    alpha : float
        One-sided error probability.

    Returns
    -------
    float
        Never below `low`; `low` itself with fewer than two values.

    Notes
    -----
    ``mean - √(2 V ln(2/α) / n) - 7 ln(2/α) / (3 (n - 1))`` on the unit scale, V the sample variance.
    Conservative: at n = 100 the last term alone is .09.  Maurer & Pontil (2009), arXiv 0907.3740,
    theorem 4.
    """
    x = (np.asarray(values, float) - low) / (high - low)
    n = len(x)
    if n < 2:
        return low
    half = float(empirical_bernstein_half(x.var(ddof=1) / n, n, alpha, 1.0))
    return float(low + (high - low) * max(x.mean() - half, 0.0))


def _bets(x: Floats, alpha: float) -> Floats:
    """Predictable bets: each is a function of the values before it."""
    n = len(x)
    before = np.arange(1, n + 1)
    total = np.concatenate([[0.0], np.cumsum(x)[:-1]])
    mean = (0.5 + total) / before
    spread = np.concatenate([[0.0], np.cumsum((x - np.append(mean[1:], mean[-1])) ** 2)[:-1]])
    variance = (0.25 + spread) / before
    return np.asarray(np.sqrt(2 * np.log(1 / alpha) / (variance * n)), float)


def _log_capital(x: Floats, bets: Floats, mean: float) -> float:
    """Largest logarithm of the capital of a gambler who says that the true mean is above `mean`."""
    stakes = np.minimum(bets, STAKE / mean) if mean > 0 else bets
    return float(np.cumsum(np.log1p(stakes * (x - mean))).max(initial=0.0))


def betting_p(
    values: npt.ArrayLike, mean: float, alpha: float, low: float = 0.0, high: float = 1.0
) -> float:
    """P-value of "the mean is at most `mean`", by betting; `alpha` only tunes the bets.

    Parameters
    ----------
    values : array of shape (n,)
        Independent and within [low, high], in an order that does not depend on them.
    mean : float
        Strictly within (low, high).
    alpha : float
        The level at which it will be read; any other level is valid too.

    Notes
    -----
    The capital is a non-negative supermartingale under the null, so by Ville's inequality its
    largest value's inverse is a p-value, at any stopping time.  Waudby-Smith & Ramdas (2024),
    JRSS-B 86(1), doi:10.1093/jrsssb/qkad009, arXiv 2010.09686, section 4 (predictable plug-in
    bets for a fixed sample size).
    """
    x = (np.asarray(values, float) - low) / (high - low)
    if not len(x):
        return 1.0
    return float(np.exp(-_log_capital(x, _bets(x, alpha), (mean - low) / (high - low))))


def betting_lower(
    values: npt.ArrayLike,
    alpha: float,
    low: float = 0.0,
    high: float = 1.0,
    *,
    tuned: float | None = None,
) -> float:
    """Lower bound of the mean of independent values within [low, high], by betting.

    Parameters
    ----------
    values : array of shape (n,)
        Independent, of one mean, in an order that does not depend on them.
    alpha : float
        One-sided error probability.
    tuned : float, optional
        Level that the bets are tuned to; `alpha` if not given.

    Returns
    -------
    float
        The largest mean that `betting_p` rejects; `low` where it rejects none.

    Notes
    -----
    Each factor of the capital falls as the supposed mean rises, so bisection finds the bound.
    Source as in `betting_p`.  Costs 24 passes over the values.
    """
    x = (np.asarray(values, float) - low) / (high - low)
    if not len(x):
        return low
    bets, needed = _bets(x, alpha if tuned is None else tuned), np.log(1 / alpha)
    rejected, kept = 0.0, 1.0
    for _ in range(24):
        middle = (rejected + kept) / 2
        if _log_capital(x, bets, middle) >= needed:
            rejected = middle
        else:
            kept = middle
    return float(low + (high - low) * rejected)


def betting_ratio_lower(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    alpha: float,
    *,
    most: float = 1.0,
    tuned: float | None = None,
) -> float:
    """Lower bound of a ratio of means, by betting.

    Parameters
    ----------
    numerators, denominators : array of shape (n,)
        Of independent units of one distribution, in an order that does not depend on them; each numerator
        from 0 to its denominator, each denominator from 0 to `most`.
    alpha : float
        One-sided error probability.
    most : float
        Largest denominator that there can be.
    tuned : float, optional
        Level that the bets are tuned to; `alpha` if not given.

    Returns
    -------
    float
        From 0 to 1; 0 where nothing is proven.

    Notes
    -----
    "The ratio is at most r" says that ``E[a - r b] <= 0``.  The bets depend on the units before alone and not on
    r, so the capital falls as r rises, and bisection finds the bound.  Source as in `betting_p`.

    Examples
    --------
    >>> round(betting_ratio_lower([1, 0, 1, 1] * 100, [1] * 400, 0.05), 2)
    0.69
    """
    a, b = np.asarray(numerators, float), np.asarray(denominators, float)
    n, level = len(a), alpha if tuned is None else tuned
    if not n:
        return 0.0
    sums = np.cumsum(a), np.cumsum(b)
    before = [np.concatenate([[0.0], total[:-1]]) for total in sums]
    ratio = (0.5 * most + before[0]) / (most + before[1])
    spread = np.concatenate([[0.0], np.cumsum((a - ratio * b) ** 2)[:-1]])
    variance = ((most / 2) ** 2 + spread) / np.arange(1, n + 1)
    bets = np.minimum(np.sqrt(2 * np.log(1 / level) / (variance * n)), STAKE / most)
    needed, rejected, kept = np.log(1 / alpha), 0.0, 1.0
    for _ in range(24):
        middle = (rejected + kept) / 2
        if np.cumsum(np.log1p(bets * (a - middle * b))).max() >= needed:
            rejected = middle
        else:
            kept = middle
    return rejected


def empirical_bernstein_half(
    variance: npt.ArrayLike, units: npt.ArrayLike, tail: npt.ArrayLike, width: float
) -> Floats:
    """How far the mean of bounded values may be from the truth, on one side; from two moments alone.

    Parameters
    ----------
    variance : array_like
        Sample variance of the mean, as an estimate gives it (over n - 1).
    units : array_like
        Independent values, at least two.
    tail : array_like
        Probability beyond.
    width : float
        Between the values' bounds.

    Notes
    -----
    Source as in `empirical_bernstein_lower`.
    """
    variance, n, tail = (np.asarray(item, float) for item in (variance, units, tail))
    log_term = np.log(2 / tail)
    return np.asarray(
        np.sqrt(2 * variance * log_term) + width * 7 * log_term / (3 * np.maximum(n - 1, 1)), float
    )


def gaffke_limits(
    values: npt.ArrayLike,
    tail: float,
    low: float = 0.0,
    high: float = 1.0,
    *,
    sizes: npt.ArrayLike | None = None,
    times: float = 1.0,
) -> tuple[float, float]:
    """Limits of the mean of independent values within [low, high].

    Parameters
    ----------
    values : array of shape (n,)
        Independent values, n at least 1.
    tail : float
        Probability beyond each limit.
    low, high : float
        Bounds of the values.
    sizes : array of shape (n,), optional
        Sizes of the units whose values these are; the mean weighs by them.  No unit may be larger
        than the largest seen.
    times : float
        As if each value had been seen so many times: what more of the same would show.

    Returns
    -------
    (low, high)
        Never beyond the bounds.

    Notes
    -----
    The upper limit is the quantile of ``Σ D x`` with the sorted values and the upper bound weighed by
    uniform spacings D: m such that ``Σ E (x - m) + E0 (high - m)`` with exponential E is negative
    with probability 1 - tail, here by the saddlepoint approximation of Lugannani & Rice (1980),
    doi:10.2307/1426607 (relative error of the tail below 3 % in tests).  Gaffke (2005), Three test
    statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable,
    Mathematical Methods of Statistics 14(4); never below the level in any world tried by Learned-Miller
    & Thomas (2019), arXiv 1905.06208, or here, though proven for special cases only.  It has
    Clopper and Pearson's limits where all values are at the bounds.

    Examples
    --------
    >>> low, high = gaffke_limits([0.0] * 20, 0.025)
    >>> round(low, 3), round(high, 3)
    (0.0, 0.168)
    """
    upper = gaffke_upper(values, tail, low, high, sizes=sizes, times=times)
    turned = -np.asarray(values, float)
    # Taken from 0, so that a limit of 0 has no sign.
    lower = 0.0 - gaffke_upper(turned, tail, -high, -low, sizes=sizes, times=times)
    return lower, upper


def gaffke_upper(
    values: npt.ArrayLike,
    tail: float,
    low: float = 0.0,
    high: float = 1.0,
    *,
    sizes: npt.ArrayLike | None = None,
    times: float = 1.0,
) -> float:
    """The upper one of `gaffke_limits` alone; the lower is that of values and bounds with their signs turned."""
    x, w = _weighed(values, sizes)
    plain = _plain_upper(x, w, tail, (low, high), times)
    if plain is not None:
        return plain
    return _gaffke_upper(_Weighed.of(x, w, times), tail, high)


def gaffke_within(
    values: npt.ArrayLike,
    tail: float,
    limit: float,
    low: float = 0.0,
    high: float = 1.0,
    *,
    sizes: npt.ArrayLike | None = None,
    times: float = 1.0,
) -> bool:
    """Whether `gaffke_upper` is at most `limit`, which is told by one of the probabilities that find it."""
    x, w = _weighed(values, sizes)
    plain = _plain_upper(x, w, tail, (low, high), times)
    if plain is not None:
        return plain <= limit
    if limit >= high:
        return True
    if limit <= (w * x).sum() / w.sum():
        return False
    units = _Weighed.of(x, w, times)
    return _probability_below(units.steps(limit), high - limit, units.times, 0.0)[0] >= 1 - tail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """Values of units and their sizes, each combination `times` over."""

    values: Floats
    sizes: Floats
    times: float | Floats
    mean: float

    @classmethod
    def of(cls, x: Floats, w: Floats, times: float) -> "_Weighed":
        """Units as they are, or, of many, each different one once: shares of few rows repeat."""
        mean = float((w * x).sum() / w.sum())
        if len(x) < _MANY_UNITS:
            return cls(values=x, sizes=w, times=times, mean=mean)
        different, counts = np.unique(x + 1j * w, return_counts=True)
        over = times * np.asarray(counts, float)
        return cls(values=different.real, sizes=different.imag, times=over, mean=mean)

    def steps(self, limit: float) -> Floats:
        """How far each unit pulls the mean from a limit."""
        return np.asarray(self.sizes * (self.values - limit))


def _weighed(values: npt.ArrayLike, sizes: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """Values of units of some size, and their sizes in shares of the largest."""
    x = np.asarray(values, float)
    w = np.ones(len(x)) if sizes is None else np.asarray(sizes, float)
    used = w > 0
    return x[used], w[used] / w[used].max(initial=1e-300)


def _plain_upper(
    x: Floats, w: Floats, tail: float, bounds: tuple[float, float], times: float
) -> float | None:
    """The upper limit where no search is needed: of no value, or of values that are all alike."""
    if not len(x):
        return bounds[1]
    if np.ptp(x) == 0:
        return float(constant_limits(x[0], w.sum() * times, tail, *bounds)[1])
    return None


def _gaffke_upper(units: _Weighed, tail: float, high: float) -> float:
    kept, rejected = units.mean, high
    start, enough = 0.0, 1e-7 * (high - kept)
    while rejected - kept > enough:
        middle = (kept + rejected) / 2
        probability, start = _probability_below(
            units.steps(middle), high - middle, units.times, start
        )
        if probability >= 1 - tail:
            rejected = middle
        else:
            kept = middle
    return rejected


def _probability_below(
    steps: Floats, last: float, times: float | Floats, start: float
) -> tuple[float, float]:
    """P(Σ steps E + last E0 ≤ 0) with independent exponentials, each of `steps` `times` over.

    `start` is where to look for the saddlepoint first; the one found is returned too.
    """
    if max(steps.max(), last) <= 0:
        return 1.0, 0.0
    if min(steps.min(), last) >= 0:
        return 0.0, 0.0
    t = _saddlepoint(steps, last, times, start)
    one, zero = 1 - steps * t, 1 - last * t
    second = _total((steps / one) ** 2, times) + (last / zero) ** 2
    generating = -_total(np.log(one), times) - np.log(zero)
    root = np.sign(t) * np.sqrt(max(-2 * generating, 0.0))
    if abs(root) < 1e-4:
        third = 2 * (_total(steps**3, times) + last**3)
        plain = _total(steps**2, times) + last**2
        return float(0.5 + third / plain**1.5 / (6 * np.sqrt(2 * np.pi))), t
    density = np.exp(-(root**2) / 2) / np.sqrt(2 * np.pi)
    below = special.ndtr(root) + density * (1 / root - 1 / (t * np.sqrt(second)))
    return float(np.clip(below, 0.0, 1.0)), t


def _total(values: Floats, times: float | Floats) -> float:
    """Sum of values, each as many times over as is said of all or of itself."""
    return float(values @ times if isinstance(times, np.ndarray) else times * values.sum())


def _saddlepoint(steps: Floats, last: float, times: float | Floats, start: float) -> float:
    """Where the cumulant generating function is least: between its poles, by Newton within bisection."""
    low, high = 1 / min(steps.min(), last), 1 / max(steps.max(), last)
    t = start if low < start < high else 0.0
    for _ in range(60):
        own, other = steps / (1 - steps * t), last / (1 - last * t)
        slope = _total(own, times) + other
        low, high = (t, high) if slope < 0 else (low, t)
        following = t - slope / (_total(own**2, times) + other**2)
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - t) <= 1e-9 * abs(t):
            break
        t = following
    return t
