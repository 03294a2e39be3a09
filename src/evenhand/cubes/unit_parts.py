"""What each named unit has of a ratio by itself, and adds to sums of sets."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def unit_values(cube: Cube, form: Ratio, cells: Bools) -> tuple[Floats, Floats]:
    """Value and denominator of each named unit in some cells; units without a denominator have none."""
    units = cube.units
    assert units is not None
    inside = cells[units.cell]
    named = units.coarsest[inside]
    numbers = np.cumsum(np.bincount(named) > 0) - 1
    place, count = numbers[named], int(numbers.max(initial=-1)) + 1
    above, below = (
        np.bincount(place, units.sums[inside] @ np.asarray(weights, float), count)
        for weights in (form.numerator, form.denominator)
    )
    told = below > 0
    sizes = np.asarray(below[told], float)
    return above[told] / sizes, sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """What each named unit adds to a sum of signed values of sets, and its range; shape (units,)."""

    value: Floats
    low: Floats
    high: Floats


def unit_contributions(
    cube: Cube, form: Ratio, sets: Bools, signs: Floats, low: float, high: float
) -> Contributions:
    """Units' parts in ``Σ sign · value`` over sets of a ratio whose units lie within [low, high].

    Given the sizes, each part is the sum of the unit's values in the sets, weighed by its signed
    shares of their denominators, so its range follows from the values' range.
    """
    units = cube.units
    assert units is not None
    named = units.coarsest
    count = int(named.max(initial=-1)) + 1
    value, lowest, highest = np.zeros(count), np.zeros(count), np.zeros(count)
    for cells, sign in zip(sets, signs, strict=True):
        inside = cells[units.cell]
        above, below = (
            np.bincount(named[inside], units.sums[inside] @ np.asarray(weights, float), count)
            for weights in (form.numerator, form.denominator)
        )
        total = below.sum()
        if total <= 0:
            continue
        value += sign * above / total
        ends = np.stack([sign * below / total * end for end in (low, high)])
        lowest += ends.min(axis=0)
        highest += ends.max(axis=0)
    there = highest > lowest
    return Contributions(value=value[there], low=lowest[there], high=highest[there])


def unit_turns(
    cube: Cube, form: Ratio, sets: Bools, first: Integers, second: Integers
) -> tuple[Floats, Floats, Floats]:
    """Units that have 1 in the first of two sets and 0 in the second, the other way round, and all of them.

    Parameters
    ----------
    cube, form, sets
        As in `estimate`; units are named.
    first, second : integer arrays of shape (pairs,)
        Sets of each pair.

    Returns
    -------
    (up, down, units) : arrays of shape (pairs,)
        NaN where a unit has anything but 0 or 1 of 1 in either set, or is in one of them only.
    """
    units = cube.units
    assert units is not None
    count = int(units.unit.max(initial=-1)) + 1
    above, below = (
        units.sums @ np.asarray(weights, float) for weights in (form.numerator, form.denominator)
    )
    known: dict[int, tuple[Floats, Floats]] = {}
    for index in {*first.tolist(), *second.tolist()}:
        inside = sets[index][units.cell]
        of = units.unit[inside]
        known[index] = (
            np.bincount(of, above[inside], count).astype(float),
            np.bincount(of, below[inside], count).astype(float),
        )
    out = np.full((3, len(first)), np.nan)
    for pair, (one, two) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        (above1, below1), (above2, below2) = known[one], known[two]
        single = (below1 == below2) & ((below1 == 0) | (below1 == 1))
        whole = [np.isin(side, (0.0, 1.0)).all() for side in (above1, above2)]
        if single.all() and all(whole):
            out[:, pair] = (above1 > above2).sum(), (above1 < above2).sum(), below1.sum()
    return out[0], out[1], out[2]
