"""Differences and ratios of two rates, with p-values that agree with the intervals."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.intervals import clopper_pearson, exact_high, exact_low, t_of, wilson

Floats = npt.NDArray[np.float64]


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
        low1, high1 = clopper_pearson(x1, n1, tail=tail)
        low2, high2 = clopper_pearson(x2, n2, tail=tail)
    else:
        low1, high1 = wilson(x1, n1, z, each_end=True)
        low2, high2 = wilson(x2, n2, z, each_end=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return square_and_add((x1 / n1, low1, high1), (x2 / n2, low2, high2))


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
    excludes 0.  Found by bisection, to 1e-7.
    """
    x1, n1, x2, n2 = (np.asarray(item, float) for item in (x1, n1, x2, n2))
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = x1 / n1 - x2 / n2
    difference = np.broadcast_to(difference, np.broadcast(x1, n1, x2, n2).shape)
    if not exact:
        return touching_z(difference, lambda z: newcombe(x1, n1, x2, n2, z))
    # With the larger rate first only the lower end matters: half of the limits.
    turned = difference < 0
    (x1, x2), (n1, n2) = (
        (np.where(turned, b, a), np.where(turned, a, b)) for a, b in ((x1, x2), (n1, n2))
    )

    def ends(z: Floats) -> tuple[Floats, Floats]:
        tail = special.ndtr(-z)
        with np.errstate(divide="ignore", invalid="ignore"):
            below = x1 / n1 - exact_low(x1, n1, tail)
            above = exact_high(x2, n2, tail) - x2 / n2
            low = x1 / n1 - x2 / n2 - np.hypot(below, above)
        return low, low

    return touching_z(np.abs(difference), ends)


def touching_z(difference: Floats, interval: Callable[[Floats], tuple[Floats, Floats]]) -> Floats:
    """Size of the normal quantile at which intervals around differences just touch 0; at most 37.

    `interval` gives low and high at one quantile a difference, and widens with it.  Found by
    bisection, to 1e-7.
    """
    sign = np.sign(difference)
    small = np.zeros(np.shape(difference))
    large = np.full(small.shape, 37.0)
    for _ in range(28):
        middle = (small + large) / 2
        low, high = interval(middle)
        excluded = np.where(sign > 0, low > 0, high < 0)
        small, large = np.where(excluded, middle, small), np.where(excluded, large, middle)
    return np.where(sign == 0, 0.0, small)


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
