"""Lower bounds of the mean of bounded values: by betting, and empirical Bernstein's."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: No bet stakes more than this share of what could be lost; Waudby-Smith & Ramdas use 1/2 or 3/4.
STAKE = 0.75


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
    log_term = np.log(2 / alpha)
    half = np.sqrt(2 * x.var(ddof=1) * log_term / n) + 7 * log_term / (3 * (n - 1))
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
