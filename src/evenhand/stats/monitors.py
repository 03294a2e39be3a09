"""Evidence that may be looked at for ever: against a threshold, and against a group's own past."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: Shares of what can be lost that are staked, side by side.
STAKES = np.array([0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.55])
#: The past tells an upper limit from so many observations on, and anew each time they grew by a tenth.
FIRST, GROWTH = 50, 1.1


def log_factors(excess: Floats, worst: npt.ArrayLike) -> Floats:
    """Logarithm of what each stake makes of each observation, shape (observations, stakes).

    Parameters
    ----------
    excess : array of shape (observations,)
        ``a - w b``: of mean at most 0 where the rate is at most `w`; never below ``-worst``.
    worst : float or array of shape (observations,)
        The most that can be lost, known before the observation.

    Notes
    -----
    Each factor ``1 + s excess / worst`` has mean at most 1 under the null, whatever came before: the product is a
    test martingale.  Waudby-Smith & Ramdas (2024), doi:10.1093/jrsssb/qkad009.
    """
    return np.log1p((excess / worst)[:, None] * STAKES)


def ever_above(logs: Floats, before: Floats | None = None) -> tuple[Floats, Floats]:
    """Logarithm of the evidence that the rate was ever above, after each observation.

    Parameters
    ----------
    logs : array of shape (observations, stakes)
        Of `log_factors`.
    before : array of shape (stakes,), optional
        What they had come to.

    Returns
    -------
    (path, after)
        Evidence after each observation, shape (observations,); what stakes have come to.

    Notes
    -----
    The mean over stakes of products is an e-process: by Ville's inequality it passes ``1 / alpha`` with probability
    at most alpha, at any time.
    """
    total = np.cumsum(logs, axis=0)
    if before is not None:
        total += before
    last = total[-1] if len(total) else (before if before is not None else np.zeros(len(STAKES)))
    return _mean(total), last


def changed(logs: Floats, before: Floats | None = None) -> tuple[Floats, Floats]:
    """Logarithm of the Shiryaev-Roberts statistic after each observation: ``R = (R + 1) factor``.

    Notes
    -----
    An e-detector: it passes A not before A observations on average while nothing changes.  Shin, Ramdas & Rinaldo
    (2024), doi:10.51387/23-NEJSDS51.
    """
    total = np.cumsum(logs, axis=0)
    starts = -np.vstack([np.zeros(logs.shape[1]), total[:-1]])
    if before is not None:
        starts[:1] = np.logaddexp(starts[:1], before)
    grown = np.logaddexp.accumulate(starts, axis=0) + total
    last = (
        grown[-1]
        if len(grown)
        else (before if before is not None else np.full(len(STAKES), -np.inf))
    )
    return _mean(grown), last


def _mean(logs: Floats) -> Floats:
    """Logarithm of the mean over stakes."""
    top = logs.max(axis=1, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    return np.asarray(np.log(np.exp(logs - top).mean(axis=1)) + top[:, 0], float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """The prior of a beta-binomial mixture; Jeffreys' where not said."""

    a: float = 0.5
    b: float = 0.5


def sequence_limits(
    successes: npt.ArrayLike, trials: npt.ArrayLike, alpha: float, prior: Beta = Beta()
) -> tuple[Floats, Floats]:
    """Confidence sequence of a proportion: limits that hold at all times at once.

    Parameters
    ----------
    successes, trials : array_like
    alpha : float
        Probability that the rate is ever outside.
    prior : Beta

    Notes
    -----
    Rates at which the beta mixture's likelihood ratio is below ``1 / alpha``: Robbins (1970),
    doi:10.1214/aoms/1177696786; Howard, Ramdas, McAuliffe & Sekhon (2021), doi:10.1214/20-AOS1991.  It depends on the
    sums alone.  Under drift it covers the running mean; limits of different times are not to be intersected then.
    """
    s, n = np.broadcast_arrays(*(np.asarray(x, float) for x in (successes, trials)))
    mixture = special.betaln(prior.a + s, prior.b + n - s) - special.betaln(prior.a, prior.b)
    wanted = mixture + np.log(alpha)

    def above(p: Floats) -> Bools:
        return np.asarray(special.xlogy(s, p) + special.xlog1py(n - s, -p) > wanted)

    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.where(n > 0, s / n, 0.5)
    low = _boundary(np.zeros_like(middle), middle, above)
    high = _boundary(np.ones_like(middle), middle, above)
    return np.where(s > 0, low, 0.0), np.where(s < n, high, 1.0)


def _boundary(outer: Floats, inner: Floats, inside: Callable[[Floats], Bools]) -> Floats:
    """Where a condition that holds within ends on the way out."""
    outer, inner = outer.copy(), inner.copy()
    for _ in range(60):
        middle = (outer + inner) / 2
        kept = inside(middle)
        inner, outer = np.where(kept, middle, inner), np.where(kept, outer, middle)
    return np.asarray((outer + inner) / 2, float)


def limit_of_past(a: Floats, alpha: float, tolerance: float = 0.0) -> Floats:
    """For each observation the smallest upper limit of the rate before it; infinite while the past is too short.

    `a` is 0 or 1: rows of a proportion.
    """
    n = len(a)
    sums = np.cumsum(a)
    out = np.full(n, np.inf)
    times = []
    t = float(FIRST)
    while t < n:
        times.append(int(t))
        t = max(t * GROWTH, t + 1)
    if not times:
        return out
    at = np.array(times)
    _, high = sequence_limits(sums[at - 1], at.astype(float), alpha)
    best = np.minimum.accumulate(high) + tolerance
    place = np.searchsorted(at, np.arange(n), side="right") - 1
    known = place >= 0
    out[known] = best[place[known]]
    return out
