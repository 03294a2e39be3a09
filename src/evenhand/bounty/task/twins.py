"""Rows that stand in two tables: by chance, as in independent draws, or more often than that.

A copy need not be whole: its label was mended, a number rounded, a little noise added.  So rows are compared in
several readings, each of which is a function of the pooled rows alone: whole; without the label; without a part of
the columns; with numbers as the ranks of their values, coarser and coarser.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.task import Labels

#: Probability of calling an honest draw copied; half of it for whole rows.
CHANCE = 0.01
#: Copies that are named.
NAMED = 5
#: Parts that the columns are left out by; narrow tables have one column in each.
PARTS = 32
#: Ranks that numbers are read as, and by more different values than that.
RANKS = (256, 64, 16)
Keys = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Sealed rows that stand in a public table too.

    Attributes
    ----------
    rows : int
        So many sealed rows.
    different : int
        Different rows among them.
    expected : float
        Different rows that would stand in both if all rows had been dealt out to the tables by chance.
    p_value : float
        At most the probability of so many, or more, by chance.
    places : tuple of (str, int, int)
        The first few: the public table, its row and the sealed one, from 1.
    alike : str
        In what they are alike where not in all: "in all but the label".
    readings : int
        So many others were tried.
    """

    rows: int
    different: int
    expected: float
    p_value: float
    places: tuple[tuple[str, int, int], ...]
    alike: str = ""
    readings: int = 0

    @property
    def excess(self) -> bool:
        """Whether they are too many for independent draws."""
        return self.p_value <= CHANCE / 2 / max(self.readings, 1)


def find_twins(
    public: Sequence[tuple[str, npt.NDArray[Any], Labels]],
    sealed: tuple[npt.NDArray[Any], Labels],
    names: Sequence[str] = (),
) -> Twins:
    """Compare sealed rows with public ones.

    Parameters
    ----------
    public : Sequence of (name, matrix, labels)
    sealed : (matrix, labels)
    names : Sequence of str, optional
        Of the columns, where copies in parts are looked for too.

    Returns
    -------
    Twins
        Of whole rows, unless another reading has too many.

    Notes
    -----
    If the tables are independent draws of one population, any way to deal the pooled rows out to them is as
    likely as any other.  Then a row that occurs k times stands on both sides of the seal with probability
    ``1 - s^k - (1 - s)^k``, s the sealed share of all rows.  The number of such rows is compared with that sum
    by Chernoff's bound, ``min over t of exp(-t x) Π (1 + q (e^t - 1))``; that rows are dealt without
    replacement changes it by shares of one over their number.  Chernoff (1952), doi:10.1214/aoms/1177729330.  A
    table of few different rows has many twins by chance, and few of them tell anything; one of measurements has
    none.  The same holds of any function of a row that depends on the pool alone; half of the error is for
    all such readings together.
    """
    matrix = np.concatenate([*(found for _, found, _ in public), sealed[0]])
    labels = np.concatenate([*(found for _, _, found in public), sealed[1]])
    first = len(labels) - len(sealed[1])
    tables = [(name, len(found)) for name, _, found in public]
    columns = [_codes(column) for column in [*matrix.T, labels]]
    whole = _crossing(_sum(columns), first, tables)
    if whole.excess or not names:
        return whole
    readings = list(_readings(columns, names))
    others = [_crossing(keys, first, tables, alike, len(readings)) for alike, keys in readings]
    return next((found for found in others if found.excess), whole)


def _readings(columns: Sequence[Integers], names: Sequence[str]) -> Iterator[tuple[str, Keys]]:
    """Rows in part, or less exactly, with what is said of two that are alike so."""
    everything = _sum(columns)
    yield "in all but the label", everything - _sum(columns[-1:], len(columns) - 1)
    if len(names) > 1:
        for part in np.array_split(np.arange(len(names)), min(len(names), PARTS)):
            left = f"{names[part[0]]!r}" + (f" to {names[part[-1]]!r}" if len(part) > 1 else "")
            yield f"in all but {left}", everything - _sum([columns[i] for i in part], *part)
    for ranks in RANKS:
        if any(column.max(initial=0) >= ranks for column in columns):
            coarse = [_ranked(column, ranks) for column in columns]
            yield f"in all but small differences of numbers (read as {ranks} ranks)", _sum(coarse)


def _codes(column: npt.NDArray[Any]) -> Integers:
    return np.unique(column, return_inverse=True)[1]


def _ranked(codes: Integers, ranks: int) -> Integers:
    """Ranks of a column's values in so many steps; one of few values as it is."""
    if codes.max(initial=0) < ranks:
        return codes
    below = np.concatenate([[0], np.cumsum(np.bincount(codes))[:-1]])
    return np.asarray(below[codes] * ranks // len(codes), np.intp)


def _sum(columns: Sequence[Integers], *places: int) -> Keys:
    """Keys of rows that add up over columns, so that one is taken away without reading the others.

    A key is a sum of words that a generator draws for each value, so unlike rows share one with probability 2^-64.
    """
    out = np.zeros(len(columns[0]), np.uint64)
    for column, place in zip(columns, places or range(len(columns)), strict=False):
        words = np.random.default_rng([7, int(place)]).integers(
            0, 2**64, int(column.max(initial=0)) + 1, np.uint64
        )
        out += words[column]
    return out


def _crossing(
    keys: Keys, first: int, tables: Sequence[tuple[str, int]], alike: str = "", readings: int = 0
) -> Twins:
    """Rows with one key on both sides of the seal; the sealed ones begin at a place."""
    _, codes = np.unique(keys, return_inverse=True)
    kinds = int(codes.max(initial=-1)) + 1
    outside, inside = (
        np.bincount(part, minlength=kinds) for part in (codes[:first], codes[first:])
    )
    crossing, share = (outside > 0) & (inside > 0), (len(keys) - first) / max(len(keys), 1)
    times, counts = np.unique((outside + inside)[outside + inside > 1], return_counts=True)
    chances = 1 - share**times - (1 - share) ** times
    return Twins(
        rows=int(inside[crossing].sum()),
        different=int(crossing.sum()),
        expected=float(counts @ chances),
        p_value=_at_least(int(crossing.sum()), chances, counts),
        places=tuple(_places(crossing, codes, first, tables)),
        alike=alike,
        readings=readings,
    )


def _at_least(seen: int, chances: Floats, counts: npt.NDArray[Any]) -> float:
    """Chernoff's bound of the probability that so many, or more, of independent events happen."""
    if seen <= counts @ chances:
        return 1.0
    if seen >= counts.sum():
        return math.exp(float(counts @ np.log(chances)))
    low, high = 0.0, 60.0
    for _ in range(80):
        tilt = (low + high) / 2
        weight = chances * math.exp(tilt)
        low, high = (
            (tilt, high) if counts @ (weight / (weight + 1 - chances)) < seen else (low, tilt)
        )
    generating = float(counts @ np.log1p(chances * math.expm1(low)))
    return min(math.exp(generating - low * seen), 1.0)


def _places(
    crossing: npt.NDArray[np.bool_], codes: Integers, first: int, tables: Sequence[tuple[str, int]]
) -> Iterator[tuple[str, int, int]]:
    starts = np.cumsum([0, *(rows for _, rows in tables)])
    for row in np.flatnonzero(crossing[codes[:first]])[:NAMED].tolist():
        table = int(np.searchsorted(starts, row, side="right")) - 1
        mine = int(np.argmax(codes[first:] == codes[row])) + 1
        yield tables[table][0], row - int(starts[table]) + 1, mine
