"""What the data could have found: the minimum detectable difference."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.intervals import clopper_pearson, wilson, z_of

Floats = npt.NDArray[np.float64]
#: Steps in which the variance at a difference and the difference settle.
GROWTH_STEPS = 12
#: Variance at a difference beside the variance seen, at most: more is beyond any range.
MOST_GROWTH = 1e9


def minimum_detectable_difference(
    standard_error: npt.ArrayLike,
    z: float,
    df: npt.ArrayLike = np.inf,
    *,
    tolerance: npt.ArrayLike = 0.0,
    growth: Callable[[Floats], Floats] | None = None,
    power: float = 0.8,
) -> Floats:
    """Smallest true difference that Student's t finds beyond a tolerance with this power.

    Parameters
    ----------
    standard_error : array_like
        Of the difference.
    z : float
        Two-sided normal quantile at which a difference is proven.
    df : array_like
        Degrees of freedom of the standard error.
    tolerance : array_like
        What is no harm; it adds to what must be shown.
    growth : callable, optional
        By how much the variance is larger where a difference is this large, at least 1.
    power : float
        Probability of the proof.

    Notes
    -----
    From the noncentral t distribution: Cohen (1988), section 2; a proof in the wrong direction is
    left out, as is usual.  NaN where the standard error is.

    Examples
    --------
    >>> round(float(minimum_detectable_difference(0.02, 1.96)), 3)
    0.056
    >>> round(float(minimum_detectable_difference(0.02, 1.96, df=6)), 3)
    0.067
    """
    error, df = np.broadcast_arrays(np.asarray(standard_error, float), np.asarray(df, float))
    # Beyond ten million the normal distribution is Student's to all digits shown.
    large = ~(df < 1e7)
    finite = np.where(large, 1.0, np.maximum(df, 1.0))
    # Groups without variation all have one degree of freedom, where this inverse takes 40 ms.
    different, place = np.unique(finite, return_inverse=True)
    needed = -special.stdtrit(different, special.ndtr(-z))
    reach = special.nctdtrinc(different, 1 - power, needed)[place].reshape(finite.shape)
    normal = z + z_of(2 * power - 1)
    reach = np.where(large, normal, reach)
    found = np.asarray(tolerance + reach * error, float)
    for _ in range(GROWTH_STEPS if growth is not None else 0):
        assert growth is not None
        found = np.asarray(tolerance + reach * error * np.sqrt(growth(found)), float)
    return found


def variance_growth(
    start: Floats,
    seen: Floats,
    share: Floats,
    *,
    low: float,
    high: float | None,
    higher_is_worse: bool,
) -> Callable[[Floats], Floats]:
    """By how much differences vary more where a group is worse by as much.

    Parameters
    ----------
    start : array
        Value of the reference, from which a difference begins.
    seen : array
        Value at which the group's variance was seen.
    share : array
        Part of the difference's variance that is the group's.
    low, high : float
        Range of the metric; `high` is `None` where it has no upper end.
    higher_is_worse : bool
        Direction of harm.

    Notes
    -----
    Values near an end of their range vary less: as ``(v - low) (high - v)``, or, where only one end is known,
    as the square of the distance from it, which units whose errors are multiples of others' have.
    """
    worse = 1.0 if higher_is_worse else -1.0

    def spread(value: Floats) -> Floats:
        inside = np.clip(value, low, np.inf if high is None else high)
        return np.asarray((inside - low) * (inside - low if high is None else high - inside), float)

    now = spread(seen)

    def growth(difference: Floats) -> Floats:
        then = spread(start + worse * difference)
        with np.errstate(over="ignore"):
            times = np.divide(then, now, out=np.ones_like(then), where=now > 0)
        return np.asarray(1 + share * np.clip(times - 1, 0.0, MOST_GROWTH), float)

    return growth


def fewest_units(
    detectable: Callable[[Floats], Floats], known: Floats, wanted: float, most: float
) -> Floats:
    """The fewest units at which what can be detected is as small as is wanted.

    Parameters
    ----------
    detectable : callable
        From units to the smallest difference that they show, NaN where they show none; it falls as they grow.
    known : array
        Units that are too few, at least 0.
    wanted : float
    most : float
        More are not looked for.

    Returns
    -------
    array
        More than are known; NaN where `most` would not do.
    """

    def enough(units: Floats) -> npt.NDArray[np.bool_]:
        return np.asarray(detectable(units) <= wanted, bool)

    few, many = known.astype(float), np.maximum(2 * known, 8.0)
    while (short := ~enough(many) & (many < most)).any():
        few, many = np.where(short, many, few), np.where(short, np.minimum(4 * many, most), many)
    found = enough(many)
    while ((many - few > 1) & found).any():
        middle = np.floor((few + many) / 2)
        good = enough(np.maximum(middle, 1.0)) & (middle > few)
        few, many = np.where(good | (many - few <= 1), few, middle), np.where(good, middle, many)
    return np.where(found, many, np.nan)


def detectable_proportion(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    z: float,
    *,
    exact: bool,
    tolerance: npt.ArrayLike = 0.0,
    higher_is_worse: bool = True,
    power: float = 0.8,
) -> Floats:
    """Smallest true difference of two proportions that Newcombe's interval finds with this power.

    Parameters
    ----------
    first, second : pairs of arrays
        Successes and trials of the group and of its reference.
    z : float
        Two-sided normal quantile of the interval.
    exact : bool
        Whether the interval is built from Clopper and Pearson's limits.
    tolerance : array_like
        What is no harm.
    higher_is_worse : bool
        Direction of harm.
    power : float
        Probability of the proof.

    Returns
    -------
    array
        NaN where even a group wholly harmed would prove nothing.

    Notes
    -----
    The fewest successes that would prove harm at the reference's rate are found; the group's rate at
    which at least so many come with probability `power` follows from the binomial distribution at
    that rate, not at the null's.  What the reference varies is added as for independent normals.
    """
    (_, n1), (x2, n2) = first, second
    if not higher_is_worse:
        x2 = n2 - x2
    n1, x2, n2 = (np.asarray(side, float) for side in (n1, x2, n2))
    with np.errstate(divide="ignore", invalid="ignore"):
        base = x2 / n2
    fewest = _fewest_successes(n1, x2, n2, z, exact=exact, tolerance=tolerance)
    possible = (fewest <= n1) & (n1 > 0) & (n2 > 0)
    count = np.where(possible, fewest, 1.0)
    # P(X >= count) = power at this rate.
    rate = special.betaincinv(count, np.maximum(n1 - count, 0) + 1, power)
    with np.errstate(divide="ignore", invalid="ignore"):
        threshold = count / n1
        spread = z_of(2 * power - 1) * np.sqrt(base * (1 - base) / n2)
    reach = np.maximum(threshold - base, 0.0) + np.hypot(np.maximum(rate - threshold, 0.0), spread)
    found = np.minimum(reach, 1 - base)
    return np.asarray(np.where(possible, found, np.nan), float)


def _fewest_successes(
    n1: Floats, x2: Floats, n2: Floats, z: float, *, exact: bool, tolerance: npt.ArrayLike
) -> Floats:
    """Fewest successes among `n1` whose difference to `x2` of `n2` is proven above the tolerance."""

    def limits(x: Floats, n: Floats) -> tuple[Floats, Floats]:
        if exact:
            return clopper_pearson(x, n, tail=special.ndtr(-z))
        return wilson(x, n, z, each_end=True)

    with np.errstate(divide="ignore", invalid="ignore"):
        base = x2 / n2
        above = limits(x2, n2)[1] - base

    def proven(x: Floats) -> npt.NDArray[np.bool_]:
        tried = np.clip(x, 0, n1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = tried / n1
            lower = rate - base - np.hypot(rate - limits(tried, n1)[0], above)
        return np.asarray((lower > np.asarray(tolerance, float)) & (x <= n1), bool)

    # From what the normal approximation says, outwards until it is enclosed, then halving.
    rate = np.clip(np.nan_to_num(base) + np.asarray(tolerance, float), 0, 1)
    guess = np.floor(n1 * rate + z * np.sqrt(n1 * rate * (1 - rate) * (1 + n1 / np.maximum(n2, 1))))
    step = 4.0
    few, many = guess - step, guess + step
    while True:
        low, high = proven(few) & (few > 0), ~proven(many) & (many <= n1)
        if not (low.any() or high.any()):
            break
        step *= 4
        few, many = np.where(low, few - step, few), np.where(high, many + step, many)
    few, many = np.maximum(few, 0.0), np.minimum(many, n1 + 1)
    while (many - few > 1).any():
        middle = np.floor((few + many) / 2)
        good = proven(middle)
        few, many = np.where(good, few, middle), np.where(good, middle, many)
    return np.asarray(many, float)
