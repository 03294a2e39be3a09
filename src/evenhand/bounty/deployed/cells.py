"""Groups as tables over cells: what a row's place on each column says of all groups at once.

Each column is cut at the numbers that groups compare it with; between two cuts, and on one, every
group says the same of it.  A row is in those groups that all of its cells allow.  (Rules of packet
filters are matched so: Lakshman & Stiliadis 1998, doi:10.1145/285243.285283.)
"""

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.membership import AllOf, Formula, MembershipLiteral, literals_of

Truth = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
#: One way into a group: what it asks of the cell on each column.
Way = dict[int, Truth]
#: Ways into one group; with more it is asked by itself.
MAX_WAYS = 16
#: Numbers up to which whole ones find their cell in a table instead of by search.
MAX_TABLE = 4_096
#: Places of several columns that are looked up together, and of one column.
MAX_JOINT, MAX_PLACES = 512, 65_535
#: Cells of one column times ways: what is looked through at once.
MAX_TRUTHS = 1 << 27
#: How the cells of a column are found where not by a table: by search, or they are given as bits.
SEARCH, BITS = -1, -2


@dataclass(frozen=True, slots=True, kw_only=True)
class CutColumn:
    """A column and its cuts; cell 2i + 1 is on cut i, cell 2i below it, the last is of missing numbers."""

    column: int
    cuts: npt.NDArray[np.float32]

    @property
    def cells(self) -> int:
        """How many there are."""
        return 2 * len(self.cuts) + 2

    def truth(self, literal: MembershipLiteral) -> Truth:
        """The cells where a literal holds."""
        at = 2 * np.searchsorted(self.cuts, np.array(literal.values, np.float32)) + 1
        cells = np.arange(self.cells)
        missing = np.asarray(cells == self.cells - 1)
        found: Any
        match literal.operator:
            case "null" | "not null":
                return missing if literal.operator == "null" else ~missing
            case "in" | "=":
                found = np.isin(cells, at)
            case "not in" | "!=":
                found = ~np.isin(cells, at)
            case "<":
                found = cells < at[0]
            case "<=":
                found = cells <= at[0]
            case ">":
                found = cells > at[0]
            case _:
                found = cells >= at[0]
        return np.asarray(found & ~missing)

    def padded(self) -> npt.NDArray[np.float32]:
        """The cuts and numbers that are none, one less than a power of two, for the kernel's search."""
        size = (1 << (len(self.cuts) + 1).bit_length()) - 1
        return np.pad(self.cuts, (0, size - len(self.cuts)), constant_values=np.nan)

    def table(self, place: Places) -> tuple[Places, int]:
        """Places by cell; where all cuts are small whole numbers, by number, with the highest one.

        Such a table holds each whole number and the gap above it, then what is below 0 and what is missing.
        """
        if not len(self.cuts) or not self.cuts[0] >= 0 or not self.cuts[-1] < MAX_TABLE:
            return place, SEARCH
        if (self.cuts != np.floor(self.cuts)).any():
            return place, SEARCH
        top = int(self.cuts[-1]) + 1
        below = np.searchsorted(self.cuts, np.arange(top + 1))
        on = np.isin(np.arange(top + 1), self.cuts)
        cells = np.column_stack([2 * below + on, 2 * (below + on)]).ravel()[:-1]
        return place[np.concatenate([cells, [0, self.cells - 1]])], top


def cut_columns(formulas: Sequence[Formula]) -> dict[int, CutColumn]:
    """The columns that formulas ask about."""
    cuts: dict[int, set[float]] = {}
    for formula in formulas:
        for literal in literals_of(formula):
            cuts.setdefault(literal.column, set()).update(literal.values)
    return {
        column: CutColumn(column=column, cuts=np.unique(np.array([*found], np.float32)))
        for column, found in sorted(cuts.items())
    }


def ways_of(formula: Formula, cut: dict[int, CutColumn]) -> list[Way] | None:
    """A formula as a choice of ways; none where there are too many."""
    if isinstance(formula, MembershipLiteral):
        return [{formula.column: cut[formula.column].truth(formula)}]
    parts = [ways_of(part, cut) for part in formula.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if not isinstance(formula, AllOf):
        return _merged([way for part in known for way in part])
    found: list[Way] = [{}]
    for part in known:
        if len(found) * len(part) > MAX_WAYS:
            return None
        found = [_both(one, other) for one, other in product(found, part)]
    return found


def _both(one: Way, other: Way) -> Way:
    return one | {
        column: one[column] & truth if column in one else truth for column, truth in other.items()
    }


def _merged(ways: list[Way]) -> list[Way] | None:
    """Fewer ways where several ask about the same one column."""
    alone: dict[int, Truth] = {}
    rest: list[Way] = []
    for way in ways:
        if len(way) == 1:
            ((column, truth),) = way.items()
            alone[column] = alone[column] | truth if column in alone else truth
        else:
            rest.append(way)
    found = [*({column: truth} for column, truth in alone.items()), *rest]
    return found if len(found) <= MAX_WAYS else None


class CellTables:
    """Tables of all ways, newest first.

    Parameters
    ----------
    cut : dict
        Columns that formulas ask about, by number.
    ways : sequence of dict
        What each way asks of the cells of each column; of a column beyond those, of its two bits.
    alone : range
        The columns beyond those.

    Raises
    ------
    OverflowError
        Where a column has more than 65,535 cells that differ, or too many for so many ways.
    """

    def __init__(self, cut: dict[int, CutColumn], ways: Sequence[Way], alone: range) -> None:
        self._alone = alone
        #: Columns, what their cells allow, and which of these lines each cell is.
        self._columns: list[tuple[int, CutColumn | None, Truth, Places]] = []
        sizes = [*(known.cells for known in cut.values()), *(2 for _ in alone)]
        if max(sizes, default=0) * len(ways) > MAX_TRUTHS:
            raise OverflowError("too many cells for so many ways")
        for column in [*cut, *alone]:
            known = cut.get(column)
            allowed = np.ones((2 if known is None else known.cells, len(ways)), bool)
            for number, way in enumerate(ways):
                if column in way:
                    allowed[:, number] = way[column]
            # Cells that allow the same are one place.
            lines, place = np.unique(allowed, axis=0, return_inverse=True)
            if len(lines) > 1:
                self._columns.append((column, known, lines, place.ravel()))
        # The largest first, each with as many others as fit beside it.
        self._columns.sort(key=lambda item: -len(item[2]))
        #: Where a column's rows stand, how its cells are found, and the joint table it is part of.
        self._kinds: list[tuple[int, int, int]] = []
        self._cuts: list[npt.NDArray[np.float32]] = []
        self._places: list[npt.NDArray[np.uint16]] = []
        self._words: list[npt.NDArray[np.uint64]] = []
        while self._columns:
            self._join()
        if ways and not self._words:
            self._words.append(_packed(np.ones((1, len(ways)), bool)))

    def _join(self) -> None:
        """Take the first column and those that fit beside it, and write their common table."""
        waiting, self._columns = self._columns, []
        truth: Truth = np.ones((1, waiting[0][2].shape[1]), bool)
        for column, known, lines, place in waiting:
            whole = len(truth)
            if whole > 1 and whole * len(lines) > MAX_JOINT:
                self._columns.append((column, known, lines, place))
                continue
            if whole * len(lines) > MAX_PLACES:
                raise OverflowError("too many cells that differ")
            table, kind = (place, BITS) if known is None else known.table(place)
            at = column if known is not None else column - self._alone.start
            self._kinds.append((at, kind, len(self._words)))
            self._cuts.append(np.zeros(0, np.float32) if known is None else known.padded())
            self._places.append((table * whole).astype(np.uint16))
            truth = (lines[:, None, :] & truth[None, :, :]).reshape(-1, truth.shape[1])
        self._words.append(_packed(truth))

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """All that the kernel reads, one part after the other, each kind with where its parts begin."""
        words = [part.ravel() for part in self._words]
        return (
            np.array(self._kinds, np.int64).reshape(-1, 3),
            np.concatenate([np.zeros(0, np.float32), *self._cuts]),
            _starts(self._cuts),
            np.concatenate([np.zeros(0, np.uint16), *self._places]),
            _starts(self._places),
            np.concatenate([np.zeros(0, np.uint64), *words]),
            _starts(words),
            np.array([part.shape[1] for part in self._words], np.int64),
        )


def _starts(parts: Sequence[Sized]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *map(len, parts)])


def _packed(truth: Truth) -> npt.NDArray[np.uint64]:
    """Truth of shape (places, ways) as words of shape (words, places)."""
    bits = np.zeros((len(truth), -(-truth.shape[1] // 64) * 64), bool)
    bits[:, : truth.shape[1]] = truth
    packed = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    return np.ascontiguousarray(packed.T)
