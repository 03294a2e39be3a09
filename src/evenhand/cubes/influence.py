"""What influences add up to over units, whatever the units are.

The influence of a unit on a set's value is ``gradient . s_u`` (see `evenhand.stats.forms`), so the
covariance of any two sets' values, sharing units or not, is a sum of products of influences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# Influence values are made in blocks of at most this many numbers.
BLOCK_NUMBERS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceMoments:
    """What influences add up to over units; fields as in `Estimates`."""

    squares: Floats
    products: Floats
    third: Floats
    fourth: Floats
    shared: Integers
    n_units: Integers
    n_effective: Floats
    n_whole: Floats
    ways: tuple[tuple[Floats, Floats], ...] = ()


def set_sums(cube: Cube, sets: Bools) -> Floats:
    """Counts of each set, shape (sets, levels, parts)."""
    if cube.n_levels == 1:
        return (sets.astype(float) @ cube.sums)[:, None, :]
    out = np.zeros((len(sets), cube.n_levels, cube.sums.shape[1]))
    for row, cells in enumerate(sets):
        for part in range(out.shape[2]):
            out[row, :, part] = np.bincount(
                cube.level[cells], cube.sums[cells, part], cube.n_levels
            )
    return out


def blocks(length: int, numbers_each: int, boundaries: Integers | None = None) -> Iterator[slice]:
    """Slices of at most `BLOCK_NUMBERS` numbers; a boundary value is never cut in two."""
    size = max(1, BLOCK_NUMBERS // max(numbers_each, 1))
    start = 0
    while start < length:
        stop = min(start + size, length)
        while boundaries is not None and stop < length and boundaries[stop] == boundaries[stop - 1]:
            stop += 1
        yield slice(start, stop)
        start = stop
