"""What each named unit has of a ratio by itself, and adds to sums of sets."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


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
