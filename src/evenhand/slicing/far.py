"""Rows that stay on a server: counted there level by level, a few attributes at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells, RowReading
from evenhand.errors import InputError
from evenhand.pages.numbers import plural
from evenhand.slicing.counter import Counted, by_attributes
from evenhand.slicing.judging import Aim
from evenhand.slicing.losses import Losses, losses_of
from evenhand.slicing.space import Item

Integers = npt.NDArray[np.int64]
Slices32 = npt.NDArray[np.int32]
#: Combinations of values in what is asked at once, where it could be asked in parts; and at most.
BLOCK, LARGEST = 100_000, 8_000_000
#: Folded cells that are fetched at most.
MOST_CELLS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FarRows:
    """Rows of independent examples with a 0/1 loss, on a server.

    Attributes
    ----------
    reading : RowReading
        What is asked of the server, with only the values that are told apart.
    question : Aim
        The metric.
    """

    reading: RowReading
    question: Aim

    def cells(self, told: Sequence[int]) -> Cells:
        """All rows as cells told apart by some attributes."""
        cells = self.reading.folded(told, MOST_CELLS)
        if cells is None:
            names = ", ".join(self.reading.query.attributes[place].name for place in told)
            raise InputError(
                f"The values of {names} have more than {MOST_CELLS:,} combinations.  Raise the minimum support, name "
                "fewer features, or ask for fewer slices with --top."
            )
        return cells

    def telling(self, slices: Iterable[Sequence[Item]]) -> Cells:
        """All rows as cells that tell some slices apart, with codes as the literals have them."""
        wanted: dict[int, set[int]] = {}
        for items in slices:
            for item in items:
                wanted.setdefault(item.attribute, set()).update(item.codes)
        codes = [sorted(wanted.get(place, ())) for place in range(len(self.reading.values))]
        cells = replace(self, reading=self.reading.of_codes(codes)).cells(sorted(wanted))
        keys = self.cells(()).keys
        places = [np.array([*some, len(all_)]) for some, all_ in zip(codes, keys, strict=True)]
        mapped = (
            place[own].astype(np.min_scalar_type(len(all_)))
            for place, own, all_ in zip(places, cells.codes, keys, strict=True)
        )
        return replace(cells, codes=tuple(mapped), keys=keys)

    def only(self, attributes: Sequence[int]) -> "FarRows":
        """Only some of the attributes."""
        return replace(self, reading=self.reading.only(attributes))

    def losses(self, cells: Cells) -> Losses:
        """Losses of such cells."""
        aim = self.question
        return losses_of(
            cells, aim.form, higher_is_worse=aim.higher_is_worse, proportion=aim.proportion
        )


@dataclass(slots=True, kw_only=True, eq=False)
class FarCounter:
    """Counts where the rows lie: one query for as many attributes as have few combinations."""

    rows: FarRows
    items: tuple[Item, ...]
    #: Number of values of each attribute, the one that stands for rare ones included.
    sizes: tuple[int, ...]
    words: int
    _attribute: Integers = field(init=False)
    _first: Integers = field(init=False)
    _tables: dict[tuple[int, ...], Integers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._attribute = np.array([item.attribute for item in self.items], np.int64)
        self._first = np.searchsorted(self._attribute, np.arange(len(self.sizes) + 1))

    def sums(self, slices: Slices32) -> Integers:
        """Rows, numerator and denominator of slices, shape (slices, 3)."""
        out = np.zeros((len(slices), 3), np.int64)
        if not len(slices):
            return out
        asked = list(by_attributes(slices, self._attribute))
        self._ask([attributes for attributes, _ in asked if attributes not in self._tables])
        for attributes, chosen in asked:
            places = (slices[chosen, i] - self._first[a] for i, a in enumerate(attributes))
            out[chosen] = self._tables[attributes][tuple(places)]
        return out

    def supports(self) -> "FarCounter":
        """The same: what numerators cost is nothing here."""
        return self

    def _ask(self, sets: Sequence[tuple[int, ...]]) -> None:
        """Tables of some sets of attributes: those that fit one block come with one query."""
        left = list(sets)
        while left:
            block = set(left[0])
            for other in left[1:]:
                if self._combinations(block | set(other)) <= BLOCK:
                    block |= set(other)
            if self._combinations(block) > LARGEST:
                raise InputError(
                    f"{plural(len(block), 'feature')} have more than {LARGEST:,} combinations of values.  Raise the "
                    "minimum support, or name fewer features."
                )
            cells = self.rows.cells(sorted(block))
            counted = Counted.of(cells, self.rows.losses(cells))
            for attributes in left:
                if block.issuperset(attributes):
                    sizes = [self.sizes[a] for a in attributes]
                    literals = [self.items[self._first[a] : self._first[a + 1]] for a in attributes]
                    self._tables[attributes] = counted.table(attributes, literals, sizes)
            left = [attributes for attributes in left if not block.issuperset(attributes)]

    def _combinations(self, attributes: Iterable[int]) -> float:
        return float(np.prod([self.sizes[a] for a in attributes], dtype=float))
