"""Rows parted by unit: those to learn and choose with, and those that are kept sealed for one test."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def held_out(
    units: Integers, group: Integers, share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Which rows are kept sealed: whole units, about this share of each group's.

    Parameters
    ----------
    units, group : integer arrays of shape (rows,)
        A unit is counted to the group of its first row.
    share : float
        Of the units.
    rng : numpy.random.Generator
    """
    return turns(units, group, 1_000_000, rng) < round(share * 1_000_000)


def turns(units: Integers, group: Integers, number: int, rng: np.random.Generator) -> Integers:
    """A turn from 0 on for each row, whole units, every group spread evenly over the turns."""
    _, first, where = np.unique(units, return_index=True, return_inverse=True)
    own = group[first]
    turn = np.empty(len(first), np.int64)
    for one in np.unique(own):
        members = np.flatnonzero(own == one)
        place = rng.permutation(len(members))
        # From a random place on: groups of a few units do not all begin with the same turn.
        spread = (place + rng.random()) / len(members) % 1.0
        turn[members] = np.minimum((spread * number).astype(np.int64), number - 1)
    return turn[where]
