"""The counter: sums of slices, from bitmaps or from tables of the attributes' combinations.

Where many slices of the same attributes are asked for, their cells are added once into a table of all
combinations of these attributes' values; both ways give the same whole numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.slicing.bitmaps import Bitmaps
from evenhand.slicing.kernels import count_numpy
from evenhand.slicing.losses import Losses
from evenhand.slicing.space import Item

Integers = npt.NDArray[np.int64]
Slices32 = npt.NDArray[np.int32]
#: Slices of the same attributes, times bits of a cell that each of them counts, from which on a table
#: costs less than bitmaps (those ever asked for): about 60 of a cube, and 330 of rows with a 0/1 loss.
TABLE_FROM, COMPILED_TABLE_FROM = 660, 6600
#: Combinations in a table, and numbers kept of all tables (128 MB), at most.
LARGEST, KEPT = 1 << 20, 1 << 24
#: Whole numbers are added exactly in double precision below this.
EXACT = 2.0**53


class Counter(Protocol):
    """What the search asks: rows, numerator and denominator of slices."""

    def sums(self, slices: Slices32) -> Integers:
        """Rows, numerator and denominator of slices, shape (slices, 3).

        Parameters
        ----------
        slices : integer array of shape (slices, literals)
            Numbers of the literals, in rising order; best in lexicographic order.
        """
        ...

    def supports(self) -> Self:
        """The same where only rows and denominators matter."""
        ...

    @property
    def words(self) -> int:
        """Words of 64 cells, as a measure of what a slice costs."""
        ...


def by_attributes(
    slices: Slices32, attribute: Integers
) -> Iterator[tuple[tuple[int, ...], Integers]]:
    """Slices by their attributes: these, and the places of the slices."""
    key = np.zeros(len(slices), np.int64)
    for column in slices.T:
        key = key * (int(attribute.max(initial=0)) + 1) + attribute[column]
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    for chosen in np.split(order, starts[1:]):
        yield tuple(attribute[slices[chosen[0]]].tolist()), chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """Cells as a table adds them: codes, and what each cell adds to rows, numerator and denominator."""

    codes: tuple[npt.NDArray[np.unsignedinteger], ...]
    channels: tuple[Integers, ...]

    @classmethod
    def of(cls, cells: Cells, losses: Losses) -> "Counted":
        """Of cells with their losses."""
        return cls(codes=cells.codes, channels=(cells.n_rows, losses.above, losses.below))

    @property
    def exact(self) -> bool:
        """Whether doubles add these numbers without rounding."""
        return all(float(np.abs(channel).sum(dtype=float)) < EXACT for channel in self.channels)

    def table(
        self, attributes: Sequence[int], literals: Sequence[Sequence[Item]], sizes: Sequence[int]
    ) -> Integers:
        """Sums of all conjunctions of one literal of each attribute, shape (literals, …, 3)."""
        place = np.zeros(len(self.channels[0]), np.int64)
        for attribute, size in zip(attributes, sizes, strict=True):
            place *= size
            place += self.codes[attribute]
        count = int(np.prod(sizes))
        known: list[tuple[Integers, npt.NDArray[Any]]] = []
        for channel in self.channels:
            same = (summed for other, summed in known if np.array_equal(other, channel))
            summed = next(same, None)
            if summed is None:
                summed = np.bincount(place, channel, count).astype(float)
            known.append((channel, summed))
        out = np.stack([summed for _, summed in known], axis=-1).reshape(*sizes, 3)
        for axis, (items, size) in enumerate(zip(literals, sizes, strict=True)):
            chosen = np.zeros((len(items), size))
            for number, item in enumerate(items):
                chosen[number, list(item.codes)] = 1.0
            out = np.moveaxis(np.tensordot(chosen, out, (1, axis)), 0, axis)
        counts: Integers = np.rint(out).astype(np.int64)
        return counts


@dataclass(slots=True, kw_only=True, eq=False)
class LocalCounter:
    """Counts cells that lie here."""

    bitmaps: Bitmaps
    counted: Counted
    items: tuple[Item, ...]
    #: Number of values of each attribute, the one that stands for rare ones included.
    sizes: tuple[int, ...]
    _attribute: Integers = field(init=False)
    _first: Integers = field(init=False)
    _from: float = field(init=False)
    _exact: bool | None = None
    _tables: dict[tuple[int, ...], Integers] = field(default_factory=dict)
    _asked: dict[tuple[int, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._attribute = np.array([item.attribute for item in self.items], np.int64)
        self._first = np.searchsorted(self._attribute, np.arange(len(self.sizes) + 1))
        least = TABLE_FROM if self.bitmaps.kernel is count_numpy else COMPILED_TABLE_FROM
        self._from = least / len(self.bitmaps.weights)

    def sums(self, slices: Slices32) -> Integers:
        """Rows, numerator and denominator of slices, shape (slices, 3)."""
        most = np.sort(np.diff(self._first))[-slices.shape[1] :].prod(dtype=float)
        if most < self._from or not len(slices):
            return self.bitmaps.sums(slices)
        out, left = np.zeros((len(slices), 3), np.int64), np.ones(len(slices), bool)
        for attributes, chosen in by_attributes(slices, self._attribute):
            table = self._table(attributes, len(chosen))
            if table is not None:
                places = (slices[chosen, i] - self._first[a] for i, a in enumerate(attributes))
                out[chosen] = table[tuple(places)]
                left[chosen] = False
        if left.any():
            out[left] = self.bitmaps.sums(slices[left])
        return out

    @property
    def words(self) -> int:
        """Words of 64 cells."""
        return int(self.bitmaps.items.shape[0] * self.bitmaps.items.shape[2])

    def _table(self, attributes: tuple[int, ...], asked: int) -> Integers | None:
        """The table of some attributes, where it is worth its cost."""
        known = self._tables.get(attributes)
        if known is not None:
            return known
        self._asked[attributes] = self._asked.get(attributes, 0) + asked
        if self._asked[attributes] < self._from:
            return None
        sizes = [self.sizes[a] for a in attributes]
        literals = [self.items[self._first[a] : self._first[a + 1]] for a in attributes]
        kept = sum(table.size for table in self._tables.values())
        largest = min(LARGEST, 4 * len(self.counted.channels[0]))
        if np.prod(sizes, dtype=float) > largest or kept + 3 * largest > KEPT:
            return None
        if self._exact is None:
            self._exact = self.counted.exact
        if not self._exact:
            return None
        self._tables[attributes] = table = self.counted.table(attributes, literals, sizes)
        return table

    def supports(self) -> "LocalCounter":
        """The same where only rows and denominators matter."""
        out = LocalCounter(
            bitmaps=self.bitmaps.supports(),
            counted=self.counted,
            items=self.items,
            sizes=self.sizes,
        )
        out._tables, out._asked = self._tables, self._asked
        return out
