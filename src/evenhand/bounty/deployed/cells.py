"""Groups as tables over cells: what a row's place on each column says of all groups at once.

Each column is cut at the numbers that groups compare it with; between two cuts, and on one, every
group says the same of it.  A row is in those groups that all of its cells allow.  (Rules of packet
filters are matched so: Lakshman & Stiliadis 1998, doi:10.1145/285243.285283.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.membership import AllOf, Formula, MembershipLiteral, literals_of

Truth = npt.NDArray[np.bool_]
#: One way into a group: what it asks of the cell on each column.
Way = dict[int, Truth]
#: Ways into one group; with more it is asked by itself.
MAX_WAYS = 16
#: Numbers up to which whole ones find their cell in a table instead of by search.
MAX_TABLE = 4_096
#: Cells of several columns that are looked up together.
MAX_JOINT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
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
        cells, missing = np.arange(self.cells), np.arange(self.cells) == self.cells - 1
        match literal.operator:
            case "null":
                return missing
            case "not null":
                return ~missing
            case "in" | "=":
                return np.isin(cells, at)
            case "not in" | "!=":
                return ~missing & ~np.isin(cells, at)
            case "<":
                return ~missing & (cells < at[0])
            case "<=":
                return ~missing & (cells <= at[0])
            case ">":
                return ~missing & (cells > at[0])
            case _:
                return ~missing & (cells >= at[0])


def axes_of(formulas: Sequence[Formula]) -> dict[int, Axis]:
    """The columns that formulas ask about."""
    cuts: dict[int, set[float]] = {}
    for formula in formulas:
        for literal in literals_of(formula):
            # 0.0 and -0.0 are one cut, as they are one number of a set.
            cuts.setdefault(literal.column, set()).update(literal.values)
    return {
        column: Axis(column=column, cuts=np.array(sorted(found), np.float32))
        for column, found in sorted(cuts.items())
    }


def ways_of(formula: Formula, axes: dict[int, Axis]) -> list[Way] | None:
    """A formula as a choice of ways; none where there are too many."""
    if isinstance(formula, MembershipLiteral):
        return [{formula.column: axes[formula.column].truth(formula)}]
    parts = [ways_of(part, axes) for part in formula.parts]
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


@dataclass(slots=True)
class CellTables:
    """Tables of all columns for the kernel.

    Attributes
    ----------
    columns : list of int
        Of the matrix; of a group that is asked by itself, its place among those.
    kinds : list of int
        Highest whole number of the table by which a cell is found, -1 for a search, -2 for bits.
    joints : list of int
        Which table of words a column is part of.
    places : list of integer arrays
        Place of each cell within the joint table.
    cuts : list of arrays
    words : list of integer arrays of shape (words, places)
        For each joint table: the ways that are open to a row of that place, newest first.
    """

    columns: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    joints: list[int] = field(default_factory=list)
    places: list[npt.NDArray[np.uint16]] = field(default_factory=list)
    cuts: list[npt.NDArray[np.float32]] = field(default_factory=list)
    words: list[npt.NDArray[np.uint64]] = field(default_factory=list)


def tables_of(axes: dict[int, Axis], ways: Sequence[Way], alone: Sequence[int]) -> CellTables:
    """Tables of all ways, newest first; groups that are asked by themselves are columns from `alone` on.

    Parameters
    ----------
    axes : dict
        By column.
    ways : sequence of dict
        What each way asks of the cells of each column; of a column beyond the axes, of its two bits.
    alone : sequence of int
        The columns beyond the axes.
    """
    tables = CellTables()
    sized: list[tuple[int, int, Truth, npt.NDArray[np.int64]]] = []
    for column in [*axes, *alone]:
        cells = axes[column].cells if column in axes else 2
        allowed = np.ones((cells, len(ways)), bool)
        for number, way in enumerate(ways):
            if column in way:
                allowed[:, number] = way[column]
        # Cells that allow the same are one place.
        distinct, place = np.unique(allowed, axis=0, return_inverse=True)
        if len(distinct) > 1:
            sized.append((len(distinct), column, distinct, place.ravel()))
    # Largest first, each with as many small ones as fit beside it.
    sized.sort(key=lambda item: -item[0])
    while sized:
        _join(tables, sized, axes, alone)
    if ways and not tables.words:
        tables.words.append(_packed(np.ones((1, len(ways)), bool)))
    return tables


def _join(
    tables: CellTables,
    sized: list[tuple[int, int, Truth, npt.NDArray[np.int64]]],
    axes: dict[int, Axis],
    alone: Sequence[int],
) -> None:
    """Take the first column and those that fit beside it, and write their common table."""
    joint, whole, left = len(tables.words), 1, list(sized)
    truth: Truth = np.ones((1, sized[0][2].shape[1]), bool)
    sized.clear()
    for size, column, allowed, place in left:
        if whole > 1 and whole * size > MAX_JOINT:
            sized.append((size, column, allowed, place))
            continue
        axis = axes.get(column)
        table, kind = (place, -2) if axis is None else _table(axis, place)
        tables.columns.append(column if axis is not None else list(alone).index(column))
        tables.kinds.append(kind)
        tables.joints.append(joint)
        tables.cuts.append(np.zeros(0, np.float32) if axis is None else axis.cuts)
        tables.places.append((table * whole).astype(np.uint16))
        truth = (allowed[:, None, :] & truth[None, :, :]).reshape(-1, truth.shape[1])
        whole *= size
    tables.words.append(_packed(truth))


def _packed(truth: Truth) -> npt.NDArray[np.uint64]:
    """Truth of shape (places, ways) as words of shape (words, places)."""
    bits = np.zeros((len(truth), -(-truth.shape[1] // 64) * 64), bool)
    bits[:, : truth.shape[1]] = truth
    packed = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    return np.ascontiguousarray(packed.T)


def _table(axis: Axis, place: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
    """Places by whole number and half between two, below all, and missing; or by cell."""
    top = int(axis.cuts[-1]) + 1 if len(axis.cuts) and 0 <= axis.cuts[0] and axis.cuts[-1] < MAX_TABLE else 0
    if not top or (axis.cuts != np.floor(axis.cuts)).any():
        return place, -1
    whole = np.arange(top + 1)
    at = np.searchsorted(axis.cuts, whole)
    on = np.isin(whole, axis.cuts)
    table = np.empty(2 * top + 3, np.int64)
    table[0 : 2 * top + 1 : 2] = place[2 * at + on]
    table[1 : 2 * top : 2] = place[2 * (at + on)[:-1]]
    table[2 * top + 1], table[2 * top + 2] = place[0], place[-1]
    return table, top
