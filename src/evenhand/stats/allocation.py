"""How many labels each cell needs, or gets of a budget: widths that are promised, not only expected."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evenhand.deferred import optimize, special
from evenhand.stats.intervals import t_of, wilson, z_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Rule = Literal["minimax-pair", "neyman", "proportional", "equal"]
#: By these a budget can be spent; the first is the usual one.
RULES: tuple[Rule, ...] = ("minimax-pair", "neyman", "proportional", "equal")
#: No plan asks for more units of a cell.
MOST_UNITS = 10**12
#: Kurtosis that is taken for granted, and how many units say so.
HEAVY, HEAVY_UNITS = 6.0, 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """What a pilot tells of the units of cells.

    Attributes
    ----------
    variance : array of shape (cells,)
        Of one unit: the variance of the cell's value times its units.
    units : array of shape (cells,)
        Units of the pilot.
    effective : array of shape (cells,)
        Part of its units that would know as much if all were of one size; 1 where they are.
    kurtosis : float
        Of units about the value of their cell, all cells together.
    successes, trials : arrays of shape (cells,)
        Of proportions of rows that are their own units; NaN elsewhere.
    rows : array of shape (cells,)
        Labels that a unit takes: rows of the pilot over its effective units; 1 where each row is one.
    share : array of shape (cells,)
        Of the population, or of the pilot's rows.
    cost : array of shape (cells,)
        Of one label.
    """

    variance: Floats
    units: Floats
    effective: Floats
    kurtosis: float
    successes: Floats
    trials: Floats
    rows: Floats
    share: Floats
    cost: Floats

    @property
    def unit_cost(self) -> Floats:
        """Cost of all labels of one unit."""
        return np.asarray(self.cost * self.rows, float)

    def labels(self, units: npt.ArrayLike) -> Integers:
        """Whole labels of so many units of each cell."""
        return np.ceil(np.asarray(units) * self.rows - 1e-9).astype(np.int64)

    def variance_df(self, units: Floats) -> Floats:
        """Degrees of freedom of the variance of so many units of each cell, fewer where tails are heavy.

        A pilot of few units shows light tails whatever they are, so the kurtosis is mixed with a heavy one.
        O'Neill (2014), doi:10.1080/00031305.2014.966589.
        """
        known = float(self.units.sum())
        kurtosis = (known * self.kurtosis + HEAVY_UNITS * HEAVY) / (known + HEAVY_UNITS)
        n = np.maximum(units * self.effective, 1.0 + 1e-9)
        heavy = 2 * n / np.maximum(kurtosis - (n - 3) / (n - 1), 1e-9)
        return np.asarray(np.maximum(np.minimum(n - 1, heavy), 0.3), float)


def half_widths(pilot: Pilot, units: npt.ArrayLike, level: float, assurance: float = 0.0) -> Floats:
    """Half-widths of the intervals that so many new units of each cell will give.

    Parameters
    ----------
    pilot : Pilot
    units : array of shape (cells,)
        New units; more than one.
    level : float
        Of each interval.
    assurance : float
        With what probability no cell has a wider one; 0 for what the pilot's own values give.

    Returns
    -------
    array of shape (cells,)

    Notes
    -----
    Two things may make an interval wider than the pilot's values have it: the pilot was lucky, and the new
    sample will not be.  Both are in the distribution of the new sample given the pilot.  Of a proportion that is
    beta-binomial from Jeffreys' prior, told by the beta distribution of its mean and variance; the interval is
    Wilson's.  Elsewhere the ratio of the two variances is Fisher's F, and the interval Student's t.  That no cell
    is wider is Bonferroni's.  Kupper & Hafner (1989), doi:10.1080/00031305.1989.10475628, on why sizes from expected
    widths fail in half of all samples.
    """
    k = np.asarray(units, float)
    each = 1 - (1 - assurance) / len(pilot.variance)
    t = t_of(level, np.maximum(k * pilot.effective - 1, 0.5))
    factor: npt.ArrayLike = 1.0
    if assurance:
        factor = special.fdtri(pilot.variance_df(k), pilot.variance_df(pilot.units), each)
    half = t * np.sqrt(pilot.variance * factor / k)
    binary = np.isfinite(pilot.trials)
    if not binary.any():
        return np.asarray(half, float)
    x, n, new = pilot.successes[binary], pilot.trials[binary], k[binary]
    rate = x / n
    if assurance:
        rate = _widest_rate(x, n, new, each)
    low, high = wilson(rate * new, new, z_of(level))
    half[binary] = (high - low) / 2
    return np.asarray(half, float)


def _widest_rate(x: Floats, n: Floats, new: Floats, assurance: float) -> Floats:
    """The rate of a new sample nearest to one half that is not passed with this probability."""
    mean, own = (x + 0.5) / (n + 1), n + 1
    variance = mean * (1 - mean) * (own + new) / (new * (own + 1))
    strength = mean * (1 - mean) / variance - 1
    a, b = mean * strength, (1 - mean) * strength
    up = np.minimum(special.betaincinv(a, b, assurance), 0.5)
    down = np.maximum(special.betaincinv(a, b, 1 - assurance), 0.5)
    return np.asarray(np.where(mean <= 0.5, up, down), float)


def worst_pair(halves: Floats) -> tuple[int, int, float]:
    """The two cells whose difference is known least, and the half-width of that, squares added."""
    first, second = np.argsort(-halves, kind="stable")[:2].tolist()
    return first, second, float(np.hypot(halves[first], halves[second]))


def units_for(
    pilot: Pilot, wanted: npt.ArrayLike, level: float, assurance: float, least: int
) -> Integers:
    """The fewest units of each cell whose half-width is at most what is wanted.

    Parameters
    ----------
    wanted : array of shape (cells,) or float
        Half-widths above 0.
    least : int
        Units that each cell has at least, two or more.
    """
    wanted = np.broadcast_to(np.asarray(wanted, float), pilot.variance.shape)
    low = np.full(wanted.shape, least - 1, np.int64)
    high = np.full(wanted.shape, least, np.int64)
    while (wide := half_widths(pilot, high, level, assurance) > wanted).any():
        low = np.where(wide, high, low)
        high = np.where(wide, np.minimum(high * 2, MOST_UNITS), high)
        if (wide & (high == MOST_UNITS)).any():
            break
    while (high - low > 1).any():
        middle = np.where(high - low > 1, (low + high) // 2, high)
        wide = half_widths(pilot, middle, level, assurance) > wanted
        low = np.where(wide & (middle < high), middle, low)
        high = np.where(wide, high, middle)
    return high


def units_for_pairs(
    pilot: Pilot, wanted: float, level: float, assurance: float, least: int
) -> Integers:
    """Units at least cost such that no difference of two cells has a wider half-width.

    Notes
    -----
    The half-width of a difference is the root of the sum of squares.  At least cost at most one cell is known
    less well than the others, the one whose labels cost most: if it is by ``d``, the others are better known by as much,
    which is a search in one variable.  With ``c v`` the cost and variance of a cell it pays where one is above the
    sum of all others: of two cells that is Neyman's allocation, of many alike none differs.
    """

    def cost(units: Integers) -> float:
        return float((units * pilot.unit_cost).sum())

    alike = units_for(pilot, wanted / np.sqrt(2), level, assurance, least)
    dear = int(np.argmax(alike * pilot.unit_cost))

    def uneven(part: float) -> Integers:
        """Units where the others have this part of the squared half-width, and the dear cell has the rest."""
        halves = np.full(len(alike), wanted * np.sqrt(part))
        halves[dear] = wanted * np.sqrt(1 - part)
        return units_for(pilot, halves, level, assurance, least)

    if alike[dear] * pilot.unit_cost[dear] <= cost(alike) / 2:
        return alike
    found = optimize.minimize_scalar(
        lambda part: cost(uneven(part)), bounds=(0.01, 0.5), method="bounded"
    )
    better = uneven(float(found.x))
    return better if cost(better) < cost(alike) else alike


def spend(
    pilot: Pilot, budget: float, rule: Rule, level: float, assurance: float, least: int
) -> Integers:
    """Units of each cell that a budget buys.

    Parameters
    ----------
    budget : float
        Enough for `least` units of each cell.
    rule : str
        ``minimax-pair``: the least known difference of two cells is known as well as can be.  ``neyman``: the
        value of all together is (Neyman 1934, doi:10.2307/2342192).  ``proportional``: as the population is.
        ``equal``: as many labels of each.

    Notes
    -----
    Whole units; what is left after rounding down goes, unit by unit, to the cell that lacks most by the rule.
    """
    # Labels are whole: rounding up may take one more of each cell.
    budget -= float(pilot.cost[pilot.rows % 1 > 0].sum())
    if rule == "minimax-pair":
        units = _closest_pairs(pilot, budget, level, assurance, least)
    else:
        weight = {
            "equal": np.ones(len(pilot.share)),
            "proportional": pilot.share,
            "neyman": pilot.share * np.sqrt(pilot.variance * pilot.rows / pilot.cost),
        }[rule]
        units = _by_weight(pilot, budget, weight, least)
    return units


def _by_weight(pilot: Pilot, budget: float, weight: Floats, least: int) -> Integers:
    """Labels in proportion to a weight, cells that would have too few raised to what they need."""
    raised = np.zeros(len(weight), bool)
    while True:
        left = budget - (least * pilot.unit_cost)[raised].sum()
        free = (weight * pilot.cost)[~raised].sum()
        labels = weight * (left / free if free > 0 else 0.0)
        units = np.where(raised, least, labels / pilot.rows)
        low = (units < least) & ~raised
        if not low.any():
            break
        raised |= low
    whole = np.floor(units + 1e-9)
    return _with_rest(pilot, budget, whole, lambda now: units - now)


def _closest_pairs(
    pilot: Pilot, budget: float, level: float, assurance: float, least: int
) -> Integers:
    """The narrowest half-width of all pairs that the budget buys."""
    few = np.full(len(pilot.variance), least)
    low, high = 0.0, 2 * worst_pair(half_widths(pilot, few, level, assurance))[2]
    best = few
    for _ in range(50):
        middle = (low + high) / 2
        units = units_for_pairs(pilot, middle, level, assurance, least)
        if (units * pilot.unit_cost).sum() <= budget:
            best, high = units, middle
        else:
            low = middle
        if high - low < 1e-6 * high:
            break
    return _with_rest(
        pilot, budget, best.astype(float), lambda now: half_widths(pilot, now, level, assurance)
    )


def _with_rest(
    pilot: Pilot, budget: float, units: Floats, lack: Callable[[Floats], Floats]
) -> Integers:
    """What is left of the budget, spent unit by unit where most is lacking."""
    units = units.copy()
    left = budget - float((units * pilot.unit_cost).sum())
    for _ in range(4 * len(units)):
        able = pilot.unit_cost <= left + 1e-9
        if not able.any():
            break
        place = int(np.argmax(np.where(able, lack(units), -np.inf)))
        units[place] += 1
        left -= float(pilot.unit_cost[place])
    return units.astype(np.int64)
