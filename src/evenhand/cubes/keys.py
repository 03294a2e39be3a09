"""Keys of a cube's cells, column by column: a number for each cell, and the values behind the numbers."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.groups.partition import Key

Integers = npt.NDArray[np.int64]

#: Numbers beyond this are ranked before they are multiplied further.
_MOST = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellKeys(Sequence[tuple[Key, ...]]):
    """A sequence of the keys of cells, one tuple each, kept as columns of small numbers.

    Attributes
    ----------
    values : tuple of tuples
        For each attribute its values, each once.
    codes : tuple of integer arrays of shape (cells,)
        For each attribute which of its values a cell has.
    n_cells : int

    Examples
    --------
    >>> keys = CellKeys.of([("uk", 1), ("us", 1), ("uk", None)])
    >>> keys[2], keys.codes[0].tolist()
    (('uk', None), [0, 1, 0])
    """

    values: tuple[tuple[Key, ...], ...]
    codes: tuple[Integers, ...]
    n_cells: int

    @classmethod
    def of(cls, keys: Sequence[tuple[Key, ...]], n_attributes: int | None = None) -> "CellKeys":
        """From tuples; of no tuple, the number of attributes must be told."""
        width = len(keys[0]) if keys else n_attributes or 0
        return cls.of_columns([[key[i] for key in keys] for i in range(width)], len(keys))

    @classmethod
    def of_columns(cls, columns: Sequence[Sequence[Key]], n_cells: int) -> "CellKeys":
        """From the values of each attribute, cell by cell."""
        values, codes = [], []
        for column in columns:
            place: dict[Key, int] = {}
            own = [place.setdefault(value, len(place)) for value in column]
            values.append(tuple(place))
            codes.append(np.array(own, np.int64))
        return cls(values=tuple(values), codes=tuple(codes), n_cells=n_cells)

    @classmethod
    def of_codes(
        cls, values: Sequence[Sequence[Key]], codes: Sequence[Integers], n_cells: int
    ) -> "CellKeys":
        """From numbers and the values behind them, of which some may be equal."""
        distinct = cls.of_columns(values, 0)
        mapped = [place[own] for place, own in zip(distinct.codes, codes, strict=True)]
        return cls(values=distinct.values, codes=tuple(mapped), n_cells=n_cells)

    def __len__(self) -> int:
        return self.n_cells

    def __getitem__(self, cell: Any) -> Any:
        if isinstance(cell, slice):
            return self.take(np.arange(self.n_cells)[cell])
        if not -self.n_cells <= cell < self.n_cells:
            raise IndexError(cell)
        pairs = zip(self.values, self.codes, strict=True)
        return tuple(values[codes[cell]] for values, codes in pairs)

    def __iter__(self) -> Iterator[tuple[Key, ...]]:
        if not self.codes:
            return iter(((),) * self.n_cells)
        return zip(*(self.column(place) for place in range(len(self.codes))), strict=True)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CellKeys) and self.values == other.values:
            return self.n_cells == other.n_cells and all(
                map(np.array_equal, self.codes, other.codes)
            )
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def column(self, place: int) -> list[Key]:
        """Values of one attribute, cell by cell."""
        values = self.values[place]
        return [values[code] for code in self.codes[place].tolist()]

    def take(self, cells: Integers) -> "CellKeys":
        """Some of the cells, by their numbers."""
        codes = tuple(codes[cells] for codes in self.codes)
        return replace(self, codes=codes, n_cells=len(cells))

    def only(self, places: Sequence[int]) -> "CellKeys":
        """Some of the attributes."""
        return replace(
            self,
            values=tuple(self.values[place] for place in places),
            codes=tuple(self.codes[place] for place in places),
        )

    def changed(self, changes: Mapping[int, Callable[[Key], Key]]) -> "CellKeys":
        """With what becomes of the values of some attributes, by their places; itself where none changes."""
        values = list(self.values)
        for place, change in changes.items():
            values[place] = tuple(map(change, values[place]))
        same = all(
            all(map(operator.is_, new, own)) for new, own in zip(values, self.values, strict=True)
        )
        return self if same else CellKeys.of_codes(values, self.codes, self.n_cells)

    def with_numbers(self, numbers: Integers) -> "CellKeys":
        """One more attribute, whose values are numbers from 0, such as those of levels."""
        values = tuple(range(int(numbers.max(initial=-1)) + 1))
        return replace(self, values=(*self.values, values), codes=(*self.codes, numbers))

    def beside(self, other: "CellKeys") -> "CellKeys":
        """Cells of both, of the same attributes."""
        pairs = zip(self.values, other.values, strict=True)
        values = [own + its for own, its in pairs]
        codes = [
            np.concatenate([mine, theirs + len(own)])
            for mine, theirs, own in zip(self.codes, other.codes, self.values, strict=True)
        ]
        return CellKeys.of_codes(values, codes, self.n_cells + other.n_cells)

    def numbered(self) -> tuple[Integers, "CellKeys"]:
        """Number the cells by their keys.

        Returns
        -------
        (codes, distinct)
            Number of each cell's key, and the keys in the order of the values of one attribute after the other.
        """
        place, size = np.zeros(self.n_cells, np.int64), 1
        for values, codes in zip(self.values, self.codes, strict=True):
            if size * max(len(values), 1) > _MOST:
                place, size = _ranked(place, size)
            place, size = place * len(values) + _ranks(values)[codes], size * len(values)
        place, count = _ranked(place, size)
        one_of = np.empty(count, np.int64)
        one_of[place] = np.arange(self.n_cells)
        return place, self.take(one_of)


def frequent_first(values: Sequence[Key], rows: npt.NDArray[Any]) -> Integers:
    """Numbers of the values, the most frequent first; of equally frequent ones missing, then as they are ordered."""
    missing = np.array([value is None for value in values], bool)
    return np.lexsort([_ranks(values), ~missing, -rows])


def _ranks(values: Sequence[Key]) -> Integers:
    """Rank of each value: numbers (NaN last), then texts by code point, then missing."""
    rank = np.empty(len(values), np.int64)
    rank[sorted(range(len(values)), key=lambda i: _order(values[i]))] = np.arange(len(values))
    return rank


def _order(key: Key) -> tuple[bool, bool, bool, Any]:
    nan = isinstance(key, float) and math.isnan(key)
    return (key is None, isinstance(key, str), nan, 0 if nan or key is None else key)


def _ranked(codes: Integers, size: int) -> tuple[Integers, int]:
    """Rank of each of the numbers below `size` among those that are there, and how many these are."""
    if size > 4 * len(codes) + 1000:
        there, place = np.unique(codes, return_inverse=True)
        return place.reshape(-1).astype(np.int64), len(there)
    used = np.bincount(codes, minlength=size) > 0
    return (np.cumsum(used) - 1)[codes], int(np.count_nonzero(used))
