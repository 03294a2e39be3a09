"""Differences and ratios of two rates, with p-values that agree with the intervals."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.intervals import clopper_pearson, exact_high, exact_low, t_of, wilson

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: Where evidence ends, on the normal scale, and in how many steps it is told up to there.
_FARTHEST, _STEPS = 37.0, 1 << 28
#: Steps that are taken by interpolation before halving, which surely ends.
_TURNS = 12


def newcombe(
    x1: npt.ArrayLike,
    n1: npt.ArrayLike,
    x2: npt.ArrayLike,
    n2: npt.ArrayLike,
    z: npt.ArrayLike,
    *,
    exact: bool = False,
) -> tuple[Floats, Floats]:
    """Newcombe's interval of p1 - p2 for independent binomials, from the limits of each.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Successes and trials.
    z : array_like
        Two-sided normal quantile of the confidence.
    exact : bool
        Build it from Clopper-Pearson instead of Wilson limits.  Wilson's are right on average at
        95 %; at the far quantiles of many comparisons they call one event in five rows
        significant, which at a rate of 1 % happens once in twenty.  Conservative.

    Notes
    -----
    Newcombe (1998), method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Up to ``z²`` events or non-events of a side (three at 95 %) have Clopper and Pearson's limits, as
    each end is a claim of its own.  Of a small group beside a very large one of the same rate, one
    event would else be a proof, wrong in 13 % of samples at the worst rate instead of 2.5; now 5.5 %
    at the worst, and 1.8 % over rates of .02 to 12 expected events.

    Examples
    --------
    >>> low, high = newcombe(56, 70, 48, 80, 1.959964)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    x1, n1, x2, n2 = (np.asarray(item, float) for item in (x1, n1, x2, n2))
    if exact:
        tail = special.ndtr(-np.asarray(z, float))
        (low1, high1), (low2, high2) = _exact_limits((x1, n1), (x2, n2), tail)
    else:
        low1, high1 = wilson(x1, n1, z, each_end=True)
        low2, high2 = wilson(x2, n2, z, each_end=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return square_and_add((x1 / n1, low1, high1), (x2 / n2, low2, high2))


def _exact_limits(
    one: tuple[Floats, Floats], two: tuple[Floats, Floats], tail: Floats
) -> list[tuple[Floats, Floats]]:
    """Clopper and Pearson's limits of both sides; those of the same counts are found once."""
    sides = [np.broadcast_arrays(x, n) for x, n in (one, two)]
    if tail.ndim or sides[0][0].ndim != 1 or sides[1][0].ndim != 1:
        return [clopper_pearson(x, n, tail=tail) for x, n in sides]
    # A group is in as many pairs as there are others.
    counts = np.concatenate([x + 1j * n for x, n in sides])
    different, place = np.unique(counts, return_inverse=True)
    low, high = clopper_pearson(different.real, different.imag, tail=tail)
    places = np.split(place, [len(sides[0][0])])
    return [(low[at], high[at]) for at in places]


def square_and_add(
    one: tuple[Floats, Floats, Floats], two: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats]:
    """Interval of a difference from the value, low and high of each side (MOVER), for independent sides.

    Zou & Donner (2008), doi:10.1002/sim.3095; for proportions Newcombe's method 10.
    """
    (value1, low1, high1), (value2, low2, high2) = one, two
    difference = value1 - value2
    low = difference - np.sqrt((value1 - low1) ** 2 + (high2 - value2) ** 2)
    high = difference + np.sqrt((high1 - value1) ** 2 + (value2 - low2) ** 2)
    return low, high


def newcombe_z(
    x1: npt.ArrayLike,
    n1: npt.ArrayLike,
    x2: npt.ArrayLike,
    n2: npt.ArrayLike,
    *,
    exact: bool = False,
) -> Floats:
    """Size of the normal quantile at which Newcombe's interval just touches 0; at most 37.

    Two-sided p-values from it agree with the interval: p < 1 - level exactly where the interval
    excludes 0.  To 1e-7.
    """
    sides = (np.atleast_1d(np.asarray(item, float)) for item in (x1, n1, x2, n2))
    above1, below1, above2, below2 = np.broadcast_arrays(*sides)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = above1 / below1 - above2 / below2
    if not exact:

        def both(z: Floats, at: Bools) -> tuple[Floats, Floats]:
            return newcombe(above1[at], below1[at], above2[at], below2[at], z)

        return touching_z(difference, both)
    # With the larger rate first only the lower end matters: half of the limits.
    turned = difference < 0
    high_x, low_x = np.where(turned, above2, above1), np.where(turned, above1, above2)
    high_n, low_n = np.where(turned, below2, below1), np.where(turned, below1, below2)

    def ends(z: Floats, at: Bools) -> tuple[Floats, Floats]:
        tail = special.ndtr(-z)
        with np.errstate(divide="ignore", invalid="ignore"):
            p1, p2 = high_x[at] / high_n[at], low_x[at] / low_n[at]
            below = p1 - exact_low(high_x[at], high_n[at], tail)
            above = exact_high(low_x[at], low_n[at], tail) - p2
            low = p1 - p2 - np.hypot(below, above)
        return low, low

    return touching_z(np.abs(difference), ends)


def touching_z(
    difference: Floats, interval: Callable[[Floats, Bools], tuple[Floats, Floats]]
) -> Floats:
    """Size of the normal quantile at which intervals around differences just touch 0; at most 37.

    `interval` gives low and high of chosen differences, at one quantile each, and widens with it.
    Exact to 37 / 2^28, about 1e-7: the last of so many steps at which an interval excludes 0.
    """
    sign, gap = np.sign(difference), np.abs(difference)
    # An interval excludes 0 at the step `last`, where so much room is left, and no more at `first`.
    last, first = np.zeros(gap.shape), np.full(gap.shape, float(_STEPS))
    room, beyond = gap, np.full(gap.shape, np.nan)
    step = np.full(gap.shape, np.floor(_STEPS * 2 / _FARTHEST))
    turn, before, here = 0, np.zeros(gap.shape, bool), np.zeros(gap.shape)
    while (open_ := (first - last > 1) & (sign != 0)).any():
        low, high = interval(step[open_] * (_FARTHEST / _STEPS), open_)
        here[open_] = np.where(sign[open_] > 0, low, -high)
        out, within = open_ & (here > 0), open_ & ~(here > 0)
        # An end that stays twice counts for half (Illinois), so that both ends close in.
        stays = (out == before) & (turn > 0)
        room, beyond = (
            np.where(out, here, np.where(within & stays, room / 2, room)),
            np.where(within, here, np.where(out & stays, beyond / 2, beyond)),
        )
        before = out
        last, first = np.where(out, step, last), np.where(within, step, first)
        turn += 1
        step = _next_step((last, room), (first, beyond), gap, halve=turn > _TURNS)
    return np.where(sign == 0, 0.0, last * (_FARTHEST / _STEPS))


def _next_step(
    last: tuple[Floats, Floats], first: tuple[Floats, Floats], gap: Floats, *, halve: bool
) -> Floats:
    """Step to look at next, between two: where a line through what is known crosses 0."""
    (near, room), (far, beyond) = last, first
    middle = np.floor((near + far) / 2)
    if halve:
        return middle
    with np.errstate(divide="ignore", invalid="ignore"):
        between = near + (far - near) * room / (room - beyond)
        # While nothing is known beyond: an interval is about as wide as its quantile is large.
        onward = near * gap / (gap - room)
    guess = np.floor(np.where(np.isfinite(beyond), between, onward))
    return np.where(np.isfinite(guess), np.clip(guess, near + 1, far - 1), middle)


def t_test_z(difference: Floats, variance: Floats, df: Floats) -> Floats:
    """Normal quantile with the same two-sided p-value as Student's t; always ≥ 0.

    NaN where the variance is 0: the data cannot tell how sure to be.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(difference) / np.sqrt(variance)
    # Below the smallest double a p-value of 0 would give an infinite quantile.
    tail = np.maximum(special.stdtr(df, -t), 1e-300)
    return np.where(variance > 0, -special.ndtri(tail), np.nan)


def satterthwaite(variances: tuple[Floats, Floats], df: tuple[Floats, Floats]) -> Floats:
    """Degrees of freedom of the sum of two independent variances, at least 1.

    Satterthwaite (1946), doi:10.2307/3002019; of two means Welch (1947), doi:10.1093/biomet/34.1-2.28.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        both = sum(v**2 / f for v, f in zip(variances, df, strict=True))
        found = (variances[0] + variances[1]) ** 2 / both
    return np.where(np.isfinite(found), np.maximum(found, 1.0), 1.0)


def t_interval(
    difference: Floats, variance: Floats, df: Floats, level: float
) -> tuple[Floats, Floats]:
    """Difference ± t · standard error; NaN where the variance is 0."""
    with np.errstate(invalid="ignore"):  # an infinite quantile times 0
        half = np.where(variance > 0, t_of(level, df) * np.sqrt(variance), np.nan)
    return difference - half, difference + half


def mover_ratio(
    value1: Floats, low1: Floats, high1: Floats, value2: Floats, low2: Floats, high2: Floats
) -> tuple[Floats, Floats]:
    """Interval of value1 / value2 from the two intervals (MOVER), for independent, positive rates.

    Donner & Zou (2012), doi:10.1177/0962280210383081.  High is infinite where the second rate may
    be 0.
    """
    with np.errstate(all="ignore"):
        product = value1 * value2
        below = high2 * (2 * value2 - high2)
        above = low2 * (2 * value2 - low2)
        low = (
            product
            - np.sqrt(product**2 - low1 * high2 * (2 * value1 - low1) * (2 * value2 - high2))
        ) / below
        high = (
            product
            + np.sqrt(product**2 - high1 * low2 * (2 * value1 - high1) * (2 * value2 - low2))
        ) / above
    low = np.where((value1 == 0) | (low1 <= 0), 0.0, low)
    return np.maximum(low, 0.0), np.where(above <= 0, np.inf, high)


def log_ratio(
    value1: Floats, value2: Floats, variance: Floats, df: Floats, level: float
) -> tuple[Floats, Floats]:
    """Interval of value1 / value2 by the delta method on the log, for estimates that share units.

    `variance` is that of ``log value1 - log value2``.  NaN where a value is not positive.
    """
    with np.errstate(all="ignore"):
        middle = np.log(value1 / value2)
        half = t_of(level, df) * np.sqrt(variance)
        return np.exp(middle - half), np.exp(middle + half)


def p_of_z(z: Floats) -> Floats:
    """Two-sided p-value of a normal quantile."""
    return np.asarray(2 * special.ndtr(-np.abs(z)), float)


def level_of_z(z: float) -> float:
    """Confidence level whose two-sided normal quantile is `z`."""
    return float(1 - 2 * special.ndtr(-z))
