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
#: Steps at most to find about how many units a width takes.
SECANTS = 12
#: Widths are looked for down to this many times narrower (as a logarithm).
LEAST_LOG = 40.0
#: A budget that is used up to this part is used up: what is left is spent unit by unit.
SLACK = 1e-6
#: A promise is at most this many times as wide as what is expected, of however many labels: of a wider one most would
#: tell how small the pilot is, and nothing of the cell.
MOST_PROMISED = 2.0
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
        """Degrees of freedom of the variance of so many units of each cell."""
        return variance_df(units * self.effective, self.kurtosis, float(self.units.sum()))


def variance_df(effective: Floats, kurtosis: float, known: float) -> Floats:
    """Degrees of freedom of the variance of units, fewer where tails are heavy.

    Parameters
    ----------
    effective : array
        Effective units.
    kurtosis : float
        Of units about the value of their cell.
    known : float
        How many units the kurtosis was seen in.  Few show light tails whatever they are, so that it is mixed with a
        heavy one.

    Notes
    -----
    O'Neill (2014), doi:10.1080/00031305.2014.966589.
    """
    mixed = (known * kurtosis + HEAVY_UNITS * HEAVY) / (known + HEAVY_UNITS)
    n = np.maximum(effective, 1.0 + 1e-9)
    heavy = 2 * n / np.maximum(mixed - (n - 3) / (n - 1), 1e-9)
    return np.asarray(np.maximum(np.minimum(n - 1, heavy), 0.3), float)


def told_enough(df: Floats, assurance: float) -> npt.NDArray[np.bool_]:
    """Of which cells a pilot tells how much units vary: those whose promises need be no `MOST_PROMISED` times as wide.

    Parameters
    ----------
    df : array of shape (cells,)
        Degrees of freedom of the pilot's variance of each cell.
    assurance : float
        With what probability no cell that is told of shall be wider than promised.

    Returns
    -------
    bool array of shape (cells,)

    Notes
    -----
    Of very many new units Fisher's F is ``df / chi²``: its root is what the smallness of the pilot alone adds to a
    width, whatever the cell and the goal are.  The fewer cells are promised, the less each one's promise needs
    (Bonferroni): the most are taken that keep within the bound together.  Less than one degree of freedom tells of no
    other sample.

    Examples
    --------
    >>> told_enough(np.array([5.0, 12.0, 40.0]), 0.95).tolist()
    [False, True, True]
    """
    order = np.argsort(-df, kind="stable")
    each = (1 - assurance) / np.arange(1, len(df) + 1)
    ordered = df[order]
    factor = np.sqrt(ordered / special.chdtri(ordered, 1 - each))
    within = np.cumprod((factor <= MOST_PROMISED) & (ordered >= 1)).astype(bool)
    out = np.zeros(len(df), bool)
    out[order] = within
    return out


def units_that_tell(kurtosis: float, known: float, cells: int, assurance: float) -> float:
    """Effective units of a pilot of which `told_enough` is true, where it is of so many cells together."""
    each = (1 - assurance) / cells

    def excess(units: float) -> float:
        df = float(variance_df(np.array([units]), kurtosis, known)[0])
        if df < 1:
            return MOST_PROMISED
        return float(np.sqrt(df / special.chdtri(df, 1 - each))) - MOST_PROMISED

    most = 4.0
    while excess(most) > 0:
        most *= 2
    return float(optimize.brentq(excess, 2.0, most)) if excess(2.0) > 0 else 2.0


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
    factor = np.ones(len(pilot.variance))
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
    guess = np.ceil(_real_units(pilot, wanted, level, assurance, least))
    high = np.clip(guess, least, MOST_UNITS).astype(np.int64)
    low = np.maximum(high - 1, least - 1)
    step = 1
    while True:
        wide = (half_widths(pilot, high, level, assurance) > wanted) & (high < MOST_UNITS)
        near = (low >= least) & (half_widths(pilot, low, level, assurance) <= wanted)
        if not (wide.any() or near.any()):
            break
        low, high = (
            np.where(wide, high, np.where(near, np.maximum(low - step, least - 1), low)),
            np.where(wide, np.minimum(high + step, MOST_UNITS), np.where(near, low, high)),
        )
        step *= 2
    while (high - low > 1).any():
        middle = np.where(high - low > 1, (low + high) // 2, high)
        wide = half_widths(pilot, middle, level, assurance) > wanted
        low = np.where(wide & (middle < high), middle, low)
        high = np.where(wide, high, middle)
    return high


def _real_units(pilot: Pilot, wanted: Floats, level: float, assurance: float, least: int) -> Floats:
    """Units, not yet whole, that give the wanted half-widths closely enough for a search to begin there.

    Half-widths go nearly with the root of the units, so that their logarithms lie nearly on a line: the secant of
    the last two points is followed.
    """
    goal = np.log(wanted)
    most, few = np.log(MOST_UNITS), np.log(least)
    at = np.full(wanted.shape, np.log(max(2.0 * least, 50.0)))
    slope = np.full(wanted.shape, -0.5)
    # Where units do not vary and are many, nothing is wide: the logarithm of 0 is far below every goal.
    with np.errstate(divide="ignore"):
        value = np.log(half_widths(pilot, np.exp(at), level, assurance))
        for _ in range(SECANTS):
            moved = np.clip(at + (goal - value) / slope, few, most)
            if (np.abs(moved - at) < 1e-9).all():
                break
            new = np.log(half_widths(pilot, np.exp(moved), level, assurance))
            far = (np.abs(moved - at) > 1e-9) & np.isfinite(new)
            found = (new - value) / np.where(far, moved - at, 1.0)
            slope = np.where(far, np.clip(found, -4.0, -0.25), slope)
            at, value = moved, new
            if (np.abs(goal - value)[(at > few) & (at < most)] < 1e-7).all():
                break
    return np.asarray(np.exp(at), float)


def units_for_pairs(
    pilot: Pilot, wanted: float, level: float, assurance: float, least: int
) -> Integers:
    """Units at least cost such that no difference of two cells has a wider half-width.

    Notes
    -----
    The half-width of a difference is the root of the sum of squares.  At least cost at most one cell is known
    less well than the others, the one whose labels cost most: if it is by ``d``, the others are better known by as
    much, which is a search in one variable.  With ``c v`` the cost and variance of a cell it pays where one is above
    the sum of all others: of two cells that is Neyman's allocation, of many alike none differs.
    """
    alike = units_for(pilot, wanted / np.sqrt(2), level, assurance, least)
    uneven = _Uneven(pilot, level, assurance, least)
    dear = uneven.dear(wanted)
    if dear is None:
        return alike
    better = uneven.units(wanted, dear, uneven.part(wanted, dear))
    return better if _cost(pilot, better) < _cost(pilot, alike) else alike


def _cost(pilot: Pilot, units: Integers | Floats) -> float:
    return float((units * pilot.unit_cost).sum())


@dataclass(frozen=True, slots=True)
class _Uneven:
    """Widths of which one cell has more than the others."""

    pilot: Pilot
    level: float
    assurance: float
    least: int

    def real(self, halves: Floats) -> Floats:
        """Units, not whole, that give half-widths."""
        return _real_units(self.pilot, halves, self.level, self.assurance, self.least)

    def dear(self, wanted: float) -> int | None:
        """The cell that costs more than all others together, if all are known alike; `None` where none does."""
        halves = np.full(len(self.pilot.variance), wanted / np.sqrt(2))
        costs = self.real(halves) * self.pilot.unit_cost
        place = int(np.argmax(costs))
        return place if len(costs) > 1 and costs[place] > costs.sum() / 2 else None

    def halves(self, wanted: float, dear: int | None, part: float) -> Floats:
        """Half-widths where the others have this part of the square of what a pair has, and the dear cell the rest."""
        halves = np.full(len(self.pilot.variance), wanted * np.sqrt(part))
        if dear is not None:
            halves[dear] = wanted * np.sqrt(1 - part)
        return halves

    def units(self, wanted: float, dear: int | None, part: float) -> Integers:
        """Whole units of these half-widths."""
        halves = self.halves(wanted, dear, part)
        return units_for(self.pilot, halves, self.level, self.assurance, self.least)

    def part(self, wanted: float, dear: int) -> float:
        """The part that costs least."""
        found = optimize.minimize_scalar(
            lambda part: _cost(self.pilot, self.real(self.halves(wanted, dear, part))),
            bounds=(0.01, 0.5),
            method="bounded",
            options={"xatol": 1e-4},
        )
        return float(found.x)


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
    weights = {
        "equal": np.ones(len(pilot.share)),
        "proportional": pilot.share,
        "neyman": pilot.share * np.sqrt(pilot.variance * pilot.rows / pilot.cost),
    }
    if rule != "minimax-pair":
        return _by_weight(pilot, budget, weights[rule], least)
    others = [_by_weight(pilot, budget, weight, least) for weight in weights.values()]
    if len(pilot.variance) < 2:
        return others[0]
    own = _closest_pairs(pilot, budget, level, assurance, least)
    # Of few whole units another rule may by chance leave less unspent.
    return min(
        (own, *others), key=lambda units: worst_pair(half_widths(pilot, units, level, assurance))[2]
    )


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
    whole = np.floor(np.minimum(units, MOST_UNITS) + 1e-9)
    return _with_rest(pilot, budget, whole, lambda now: units - now)


def _closest_pairs(
    pilot: Pilot, budget: float, level: float, assurance: float, least: int
) -> Integers:
    """The narrowest half-width of all pairs that the budget buys."""
    uneven = _Uneven(pilot, level, assurance, least)
    few = np.full(len(pilot.variance), least)
    widest = 2 * worst_pair(half_widths(pilot, few, level, assurance))[2]
    wanted, units = _narrowest(uneven, budget, widest, None, 0.5, few)
    # Which part pays depends little on the width: twice is enough.
    for _ in range(2):
        dear = uneven.dear(wanted)
        if dear is None:
            break
        part = uneven.part(wanted, dear)
        narrower, better = _narrowest(uneven, budget, widest, dear, part, few)
        if narrower >= wanted:
            break
        wanted, units = narrower, better
    return _with_rest(
        pilot, budget, units.astype(float), lambda now: half_widths(pilot, now, level, assurance)
    )


def _narrowest(
    uneven: _Uneven, budget: float, widest: float, dear: int | None, part: float, few: Integers
) -> tuple[float, Integers]:
    """The narrowest half-width of pairs that a budget buys at this part, and its units.

    The cost goes nearly with the square of the width: a false position in logarithms, halved where one end stays
    (Illinois; Dowell & Jarratt 1971, doi:10.1007/BF01934364).
    """

    def excess(units: Integers | Floats) -> float:
        return float(np.log(_cost(uneven.pilot, units) / budget))

    best, high, above = few, float(np.log(widest)), excess(few)
    if above > 0:
        return widest, few
    low, below = high, above
    while below <= 0 and low > np.log(widest) - LEAST_LOG:
        if low < high:
            high, above = low, below
        low = high + min(above / 2, 0.0) - 0.1
        units = uneven.units(float(np.exp(low)), dear, part)
        below = excess(units)
        best = units if below <= 0 else best
    stayed = 0
    while high - low > 1e-6 and below > 0:
        middle = (low * above - high * below) / (above - below)
        middle = min(max(middle, low + 0.001 * (high - low)), high - 0.001 * (high - low))
        units = uneven.units(float(np.exp(middle)), dear, part)
        found = excess(units)
        if found <= 0:
            best, high, above = units, middle, found
            below, stayed = (below / 2 if stayed == 1 else below), 1
        else:
            low, below = middle, found
            above, stayed = (above / 2 if stayed == -1 else above), -1
        # Costs of whole units go in steps: no cell's units differ between the two ends.
        if found <= 0 and -found < SLACK:
            break
    return float(np.exp(high)), best


def _with_rest(
    pilot: Pilot, budget: float, units: Floats, lack: Callable[[Floats], Floats]
) -> Integers:
    """What is left of the budget, spent unit by unit where most is lacking."""
    units = units.copy()
    left = budget - _cost(pilot, units)
    for _ in range(4):
        paid = False
        for place in np.argsort(-lack(units), kind="stable"):
            if pilot.unit_cost[place] <= left + 1e-9:
                units[place] += 1
                left -= float(pilot.unit_cost[place])
                paid = True
        if not paid:
            break
    return units.astype(np.int64)
