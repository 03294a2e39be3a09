"""Sets hidden so that they stay hidden: linear programming over what is shown leaves each a wide range."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.stats.ranges import RangeRepair, Ranges

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: Work at most that goes into showing again what need not be hidden: cells of linear programs, some seconds.
MOST_WORK = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantity:
    """One kind of number that is published of every visible set: rows, units, a sum.

    Attributes
    ----------
    amounts : array of shape (cells,)
        The truth, in the finest cells that can be told apart.
    sets : bool array of shape (sets, cells)
        Which cells add to the number of each published set.
    apart : bool array of shape (others, cells)
        Sets that are never published but follow from others, and must stay unknown too.
    width : float
        The least width of the range that must be left to whoever knows all that is shown.
    needed_apart : array of shape (others,)
        The same for the sets apart.
    least : float
        What everybody knows of a hidden set: it has at least so much.
    fixed : bool array of shape (sets,)
        Sets whose number is shown whatever is hidden.
    """

    amounts: Floats
    sets: Bools
    apart: Bools
    width: float
    needed_apart: Floats
    least: float
    fixed: Bools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hiding:
    """Which sets are hidden, and whether that protects all of them."""

    hidden: Bools
    protects: bool


def suppress(
    quantities: Sequence[Quantity],
    small: npt.ArrayLike,
    guarded: npt.ArrayLike,
    cost: npt.ArrayLike,
) -> Hiding:
    """Choose sets to hide.

    Parameters
    ----------
    quantities : sequence of Quantity
        All that is published of a visible set.
    small : bool array of shape (sets,)
        Sets that must be hidden.
    guarded : bool array of shape (sets,)
        Sets whose numbers must have a range once they are hidden.
    cost : array of shape (sets,)
        What hiding each set costs, in people.

    Returns
    -------
    Hiding
        Hidden because small, or because otherwise the range of a hidden set would be too narrow.
        Which of the two is not told: that would be a clue.

    Notes
    -----
    Interval protection with one sliding width for each quantity: Fischetti & Salazar (2001),
    doi:10.1287/mnsc.47.7.1008.9805.  Sets are added by the linear program of Kelly, Golden & Assad
    (1992), doi:10.1002/net.3230220407: the cheapest change of visible numbers that would widen the
    range; those that it changes are hidden.  Then each is shown again, dearest first, where the
    ranges hold without it.  Greedy, so possibly a set more than the least.
    """
    small, guarded = np.asarray(small, bool), np.asarray(guarded, bool)
    cost = np.asarray(cost, float)
    hidden = small.copy()
    if not small.any() and not any(len(quantity.apart) for quantity in quantities):
        return Hiding(hidden=hidden, protects=True)
    ranges = [_ranges(quantity, hidden) for quantity in quantities]
    failed: set[tuple[int, int]] = set()
    while (leak := _first_leak(ranges, hidden & guarded, failed)) is not None:
        place, target = leak
        repair = RangeRepair.of(ranges[place], target, cost, quantities[place].fixed)
        if repair is None:
            failed.add(leak)
            continue
        hidden |= repair.changed
        for quantity, known in zip(quantities, ranges, strict=True):
            known.hide(hidden & ~quantity.fixed)
        for moves in repair.moves:
            ranges[place].learn(moves)
    if failed:
        return Hiding(hidden=hidden, protects=False)
    found = [known.moves for known in ranges]
    return Hiding(hidden=_fewer(quantities, hidden, found, (small, guarded, cost)), protects=True)


def _ranges(quantity: Quantity, hidden: Bools) -> Ranges:
    return Ranges(
        amounts=quantity.amounts,
        sets=quantity.sets,
        apart=quantity.apart,
        hidden=hidden & ~quantity.fixed,
        least=quantity.least,
        width=quantity.width,
        needed_apart=quantity.needed_apart,
    )


def _first_leak(
    ranges: Sequence[Ranges], targets: Bools, failed: set[tuple[int, int]]
) -> tuple[int, int] | None:
    """Quantity and target whose range is too narrow; `None` where there is none."""
    for place, known in enumerate(ranges):
        chosen = known.narrow(np.concatenate([np.flatnonzero(targets), known.others]))
        known.sweep(chosen)
        for target in known.narrow(chosen).tolist():
            if (place, target) not in failed and not known.is_wide(target):
                return place, target
    return None


def _fewer(
    quantities: Sequence[Quantity],
    hidden: Bools,
    moves: Sequence[list[Floats]],
    asked: tuple[Bools, Bools, Floats],
) -> Bools:
    """The hidden sets without those that protect nothing; `moves` were found with all of them hidden."""
    small, guarded, cost = asked
    extra = np.flatnonzero(hidden & ~small)
    work = 0
    for number in extra[np.argsort(-cost[extra], kind="stable")].tolist():
        if work > MOST_WORK:
            break
        without = hidden.copy()
        without[number] = False
        ranges = [_ranges(quantity, without) for quantity in quantities]
        for known, found in zip(ranges, moves, strict=True):
            known.learn_again(found)
        if _first_leak(ranges, without & guarded, set()) is None:
            hidden = without
        work += sum(known.work for known in ranges)
    return hidden
