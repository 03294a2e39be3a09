"""Two models on the same rows: the exact conditional test of McNemar, and a bound of the gain."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.intervals import clopper_pearson

Floats = npt.NDArray[np.float64]
#: Share of the error probability that pays for not knowing how often the two disagree.
RATE_SHARE = 0.1


def mcnemar_p(wins: npt.ArrayLike, losses: npt.ArrayLike) -> Floats:
    """One-sided exact p-value of "the second model wins no more of the rows where they differ".

    Parameters
    ----------
    wins, losses : array_like of int
        Independent rows that only the second, or only the first, of two models gets right.

    Returns
    -------
    array
        P(X ≥ wins) for X ~ Binomial(wins + losses, 1/2); 1 where they never disagree.

    Notes
    -----
    Exact given the number of disagreements, so never anti-conservative; rows of several classes
    count too, as only wins and losses matter.  McNemar (1947), doi:10.1007/BF02295996; the exact
    form is the sign test.

    Examples
    --------
    >>> mcnemar_p([5, 0, 3], [0, 0, 3]).tolist()
    [0.03125, 1.0, 0.65625]
    """
    w, l = np.asarray(wins, float), np.asarray(losses, float)
    tail = special.betainc(np.maximum(w, 1), l + 1, 0.5)
    return np.asarray(np.where(w > 0, tail, 1.0), float)


def mcnemar_z(up: npt.ArrayLike, down: npt.ArrayLike) -> Floats:
    """Size of the normal quantile at which `conditional_limits` just touch 0, never below 0.

    Examples
    --------
    >>> mcnemar_z([5, 3], [0, 3]).round(4).tolist()
    [1.8627, 0.0]
    """
    u, d = np.asarray(up, float), np.asarray(down, float)
    tail = np.maximum(mcnemar_p(np.maximum(u, d), np.minimum(u, d)), 1e-300)
    return np.asarray(np.maximum(-special.ndtri(tail), 0.0), float)


def conditional_limits(
    up: npt.ArrayLike, down: npt.ArrayLike, rows: npt.ArrayLike, tail: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Limits of the mean of differences that are 1, 0 or -1, given how many of them are not 0.

    Parameters
    ----------
    up, down : array_like
        Rows whose difference is 1, and -1.
    rows : array_like
        All rows.
    tail : array_like
        Probability beyond each limit.

    Notes
    -----
    Clopper and Pearson's limits of the share of `up` among the rows that differ, times the rate of these as it was
    seen.  They exclude 0 exactly where McNemar's exact test does; that they take the rate for known makes them too
    narrow far from 0, so they are for use beside an interval that does not.  (0, 0) where no row differs.  McNemar
    (1947), doi:10.1007/BF02295996; Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> low, high = conditional_limits(5, 0, 50, 0.025)
    >>> round(float(low), 4), round(float(high), 4)
    (-0.0044, 0.1)
    """
    u, d, n, t = np.broadcast_arrays(*(np.asarray(item, float) for item in (up, down, rows, tail)))
    both = u + d
    low, high = clopper_pearson(u, np.maximum(both, 1), tail=t)
    rate = both / np.maximum(n, 1)
    ends = (rate * (2 * low - 1), rate * (2 * high - 1))
    return np.where(both > 0, ends[0], 0.0), np.where(both > 0, ends[1], 0.0)


def paired_gain_lower(
    wins: npt.ArrayLike, losses: npt.ArrayLike, rows: npt.ArrayLike, alpha: npt.ArrayLike
) -> Floats:
    """Lower bound of P(win) - P(loss), never below 0; it misses with probability at most `alpha`.

    Parameters
    ----------
    wins, losses : array_like of int
        As in `mcnemar_p`.
    rows : array_like of int
        All rows, also those where the models agree.
    alpha : array_like
        One-sided error probability.

    Notes
    -----
    The gain is π(2θ - 1), π the rate of disagreement and θ the share of wins in it.  Clopper and
    Pearson's lower bounds of θ at ``0.9 alpha`` and of π at ``0.1 alpha`` hold together by
    Bonferroni's inequality.  Where the bound of θ is below ½ the answer is 0.  Clopper & Pearson
    (1934), doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> paired_gain_lower([60, 5], [10, 5], 1000, 0.05).round(4).tolist()
    [0.0271, 0.0]
    """
    w, l, n, a = (np.asarray(item, float) for item in (wins, losses, rows, alpha))
    both = w + l
    share, _ = clopper_pearson(w, np.maximum(both, 1), tail=(1 - RATE_SHARE) * a)
    rate, _ = clopper_pearson(both, np.maximum(n, 1), tail=RATE_SHARE * a)
    return np.asarray(np.where(both > 0, rate * np.maximum(2 * share - 1, 0.0), 0.0), float)


def detectable_gain(
    rows: int, alpha: float, disagreement: float = 0.02, power: float = 0.8
) -> float:
    """Smallest P(win) - P(loss) that McNemar's test finds with this power.

    Normal approximation at a stated rate of `disagreement` (Connor 1987, doi:10.2307/2531961);
    not less than ``log2(1 / alpha) / rows``, which is what wins without a single loss need.

    Examples
    --------
    >>> round(detectable_gain(72_886, 1e-6), 4)
    0.0029
    """
    # The standard library's quantile: scipy's is the same to 15 digits, and takes 40 ms to load.
    normal = NormalDist()
    z = -normal.inv_cdf(alpha) if alpha > 1e-300 else float(np.sqrt(-2 * np.log(1e-300)))
    reach = normal.inv_cdf(power)
    gain = (z + reach) * np.sqrt(disagreement / rows)
    # The variance under the alternative is disagreement - gain²; two rounds settle it.
    for _ in range(2):
        left = np.sqrt(max(disagreement - gain**2, 0.0))
        gain = (z * np.sqrt(disagreement) + reach * left) / np.sqrt(rows)
    return float(max(gain, -np.log2(max(alpha, 1e-300)) / rows))
