"""Evidence that may be looked at for ever: against a threshold, and against a group's own past."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: Shares of what can be lost that are staked, side by side.  More of them find nothing sooner (seven took as long as
#: these four), and each is kept for each group.
STAKES = np.array([0.02, 0.06, 0.15, 0.4])
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
    share: Floats = excess / np.asarray(worst, float)
    return np.asarray(np.log1p(share[:, None] * STAKES), float)


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
    start = np.zeros(logs.shape[1]) if before is None else before
    total = np.cumsum(logs, axis=0) + start
    return mean_of_stakes(total), total[-1] if len(total) else start


def changed(logs: Floats, before: Floats | None = None) -> tuple[Floats, Floats]:
    """Logarithm of the Shiryaev-Roberts statistic after each observation: ``R = (R + 1) factor``.

    Notes
    -----
    An e-detector: it passes A not before A observations on average while nothing changes.  Shin, Ramdas & Rinaldo
    (2024), doi:10.51387/23-NEJSDS51.
    """
    return recursion(logs, logs, before)


def recursion(
    factors: Floats, added: Floats, before: Floats | None = None
) -> tuple[Floats, Floats]:
    """Logarithm of ``R = R factor + added`` after each step, from the logarithms of both.

    Parameters
    ----------
    factors, added : array of shape (steps, stakes)
        Several rows may be one step: see `run_steps`.
    before : array of shape (stakes,), optional
        What R had come to; 0 where not given.
    """
    start = np.full(factors.shape[1], -np.inf) if before is None else before
    if not len(factors):
        return np.empty(0), start
    total = np.cumsum(factors, axis=0)
    grown = np.logaddexp.accumulate(np.vstack([start, added - total]), axis=0)[1:] + total
    return mean_of_stakes(grown), grown[-1]


def run_steps(zeros: Floats, last: Floats, limit: Floats) -> tuple[Floats, Floats]:
    """Steps of `recursion` that stand for runs of rows without harm and the row after each.

    Parameters
    ----------
    zeros : array of shape (steps,)
        Rows of 0 before the last of each step.
    last : array of shape (steps,)
        The last row of each step, 0 or 1.
    limit : array of shape (steps,)
        What the rate is compared with, in all rows of the step.

    Notes
    -----
    Between rows of 1 the statistic only falls towards ``(1 - s) / s``, far below any limit of an alarm: nothing is
    missed by looking at the end of each run.
    """
    kept = np.log1p(-STAKES)
    final = np.where(
        last[:, None] > 0, np.log1p(STAKES * ((1 - limit) / limit)[:, None]), kept[None, :]
    )
    left = zeros[:, None] * kept
    added = np.log1p((1 - STAKES) * -np.expm1(left) / STAKES)
    return left + final, added + final


def mean_of_stakes(logs: Floats) -> Floats:
    """Logarithm of the mean over stakes."""
    top = logs.max(axis=1, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):  # nothing yet is minus infinity
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
    return _lower(s, n, wanted), 1 - _lower(n - s, n, wanted)


def _lower(s: Floats, n: Floats, wanted: Floats) -> Floats:
    """The rate below the estimate at which the logarithm of the likelihood is `wanted`; 0 without a success.

    In the logarithm of the rate that of the likelihood is concave: Newton's steps come to it from below, wherever
    they begin.
    """
    some = s > 0
    k, total, least = s[some], n[some], wanted[some]
    rate = k / total
    far = special.xlogy(k, rate) + special.xlog1py(total - k, -rate) - least
    with np.errstate(invalid="ignore", divide="ignore"):
        near = np.log(rate - np.sqrt(2 * far * rate * (1 - rate) / total))
    u = np.fmax(np.log(rate) - 1 - far / k, near)
    # A rate of 1 has no slope to the left of itself in the normal approximation.
    u = np.where(rate < 1, u, -far / k)
    for _ in range(60):
        p = np.exp(u)
        above = k * u + special.xlog1py(total - k, -p) - least
        step = above * (1 - p) / (k - total * p) if len(u) else above
        step = np.where(rate < 1, step, above / k)
        u = u - step
        if not len(u) or np.abs(step).max() < 1e-11:  # the next is its square
            break
    out = np.zeros(s.shape)
    out[some] = np.exp(u)
    return out


def refreshed(after: int, until: int) -> npt.NDArray[np.int64]:
    """Numbers of observations after which the past's limit is taken anew: those above `after` and below `until`."""
    times = []
    t = float(FIRST)
    while t < until:
        if int(t) > after:
            times.append(int(t))
        t = max(t * GROWTH, t + 1)
    return np.array(times, np.int64)


def limit_of_past(a: Floats, alpha: float, tolerance: float = 0.0) -> Floats:
    """For each observation the smallest upper limit of the rate before it; infinite while the past is too short.

    `a` is 0 or 1: rows of a proportion.
    """
    n = len(a)
    sums = np.cumsum(a)
    out = np.full(n, np.inf)
    at = refreshed(0, n)
    if not len(at):
        return out
    _, high = sequence_limits(sums[at - 1], at.astype(float), alpha)
    best = np.minimum.accumulate(high) + tolerance
    place = np.searchsorted(at, np.arange(n), side="right") - 1
    known = place >= 0
    out[known] = best[place[known]]
    return out


#: Stakes of the limit of a ratio's past: beyond 1 no variance is small enough.
_LIMIT_STAKES = np.array([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64])
_CANDIDATES = 64


def ratio_limits(
    sums: Floats, squares: Floats, alpha: float, proportion: Floats | None = None
) -> Floats:
    """Upper limits, at all times at once, of a ratio of sums whose rows are scaled: ``0 <= a <= b <= 1``.

    Parameters
    ----------
    sums : array of shape (times, 2)
        Of a and b.
    squares : array of shape (times, 3)
        Of ``(a - m_a)^2``, ``(a - m_a)(b - m_b)`` and ``(b - m_b)^2``, where m are the means of the rows before.
    alpha : float
        Probability that the ratio is ever above; the limit is infinite where nothing is known.
    proportion : array of shape (times, 2), optional
        Rows that came before these and were 0 or 1: how many were 1, and their number.

    Notes
    -----
    At each candidate w the rows of ``w b - a`` have mean 0, and ``exp(s sum - psi(s) V)`` is a supermartingale for any
    guesses of the rows, here the means before: Howard, Ramdas, McAuliffe & Sekhon (2021), doi:10.1214/20-AOS1991,
    theorem 4.  V is a quadratic form in w, so five sums are all that is kept.  Rows of a proportion before multiply it
    with the likelihood ratio of `sequence_limits`: the product is a supermartingale again.
    """
    a, b = sums.T
    if not len(a):
        return np.empty(0)
    k, n = np.zeros((2, len(a))) if proportion is None else proportion.T
    prior = Beta()
    mixture = special.betaln(prior.a + k, prior.b + n - k) - special.betaln(prior.a, prior.b)
    psi = -np.log1p(-_LIMIT_STAKES) - _LIMIT_STAKES

    def kept(w: Floats) -> Bools:
        """Whether candidates, shape (times, candidates), may be the ratio."""
        first, both, second = squares.T[:, :, None]
        spread = np.maximum(first - 2 * w * both + w**2 * second, 0)
        logs = (w * b[:, None] - a[:, None])[..., None] * _LIMIT_STAKES - spread[..., None] * psi
        top = logs.max(axis=-1)
        mean = np.log(np.exp(logs - top[..., None]).mean(axis=-1)) + top
        likely = special.xlogy(k[:, None], w) + special.xlog1py((n - k)[:, None], -w)
        mean = mean + mixture[:, None] - likely
        return np.asarray(mean < -np.log(alpha))

    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.where(n + b > 0, np.minimum((k + a) / (n + b), 1.0), 1.0)
    grid = start[:, None] + (1 - start)[:, None] * np.linspace(0, 1, _CANDIDATES + 1) ** 2
    inside = kept(grid)
    last = _CANDIDATES - np.argmax(inside[:, ::-1], axis=1)
    last = np.where(inside.any(axis=1), last, 0)
    known = last < _CANDIDATES
    each = np.arange(len(a))
    low, high = grid[each, last], grid[each, np.minimum(last + 1, _CANDIDATES)]
    for _ in range(30):
        middle = (low + high) / 2
        may = kept(middle[:, None])[:, 0]
        low, high = np.where(may, middle, low), np.where(may, high, middle)
    return np.where(known, high, np.inf)
