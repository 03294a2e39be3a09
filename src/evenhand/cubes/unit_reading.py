"""Units of each cell, from what an engine counted in any order, in one order."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes.columns import coded, floats_of, keys_of, values_of
from evenhand.cubes.cube import Units
from evenhand.cubes.keys import CellKeys
from evenhand.cubes.query import CubeQuery
from evenhand.deferred import compute
from evenhand.errors import InputError
from evenhand.groups.partition import Key

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlaces:
    """Where the rows of an answer belong: cells and units in order, without their counts.

    Attributes
    ----------
    cells : CellKeys
        Keys of each cell, the last the number of its level.
    rows : array
        Rows of the answer in order of cells, and of the units' values in each cell.
    cell, unit, names
        As in `Units`.
    ways : int
        Columns that name units.
    """

    cells: CellKeys
    rows: Integers
    cell: Integers
    unit: Integers
    names: tuple[str, ...]
    ways: int

    def units(self, table: pa.Table, parts: int) -> Units:
        """The units with their counts."""
        sums = [floats_of(table[f"s{i}"])[self.rows] for i in range(parts)]
        return Units(
            cell=self.cell,
            unit=self.unit,
            sums=np.stack(sums, axis=1),
            names=self.names,
            ways=self.ways,
        )


def read_places(table: pa.Table, query: CubeQuery, cells: CellKeys, levels: Floats) -> UnitPlaces:
    """Find the places of units.

    Parameters
    ----------
    table : Table
        Keys and units of an answer, in any order, with ``n_rows`` where some have no row.
    query : CubeQuery
        What was asked.
    cells : CellKeys
        Keys of each cell, the last the number of its level.
    levels : array
        Values of the levels, in rising order.
    """
    used = None
    if "n_rows" in table.column_names:
        used = np.flatnonzero(floats_of(table["n_rows"]) > 0)
        table = table.take(pa.array(used))
    cell = _cells(table, query, cells, levels)
    ranked = [_ranked(table[name]) for name in query.units]
    within = cell
    for rank, values in ranked:
        within = within * max(len(values), 1) + rank
    order = np.argsort(within, kind="stable")
    numbered = [_by_appearance(rank[order], values) for rank, values in ranked]
    unit, names = numbered[0] if len(numbered) == 1 else _joined(numbered)
    return UnitPlaces(
        cells=cells,
        rows=order if used is None else used[order],
        cell=cell[order],
        unit=unit,
        names=names,
        ways=len(ranked),
    )


def _cells(table: pa.Table, query: CubeQuery, cells: CellKeys, levels: Floats) -> Integers:
    """Number of the cell of each row."""
    codes, values = zip(*_keyed(table, query, levels), strict=True)
    number, distinct = cells.beside(CellKeys.of_codes(values, codes, table.num_rows)).numbered()
    place = np.full(len(distinct), -1, np.int64)
    place[number[: len(cells)]] = np.arange(len(cells))
    found = place[number[len(cells) :]]
    if (found < 0).any():
        raise InputError(
            f"{query.records.name} changed while it was counted.  Ask again when nobody writes to it, or ask a copy."
        )
    return found


def _keyed(
    table: pa.Table, query: CubeQuery, levels: Floats
) -> Iterator[tuple[Integers, list[Key]]]:
    """Numbers of each column's keys, and the keys."""
    for index, attribute in enumerate(query.attributes):
        own, values = coded(table[f"a{index}"])
        yield own, keys_of(values_of(values, attribute.name))
    # As in `cells`: the number of the level is the last key, 0 where there are none.
    yield (
        (np.searchsorted(levels, floats_of(table["level"])), list(range(len(levels) + 1)))
        if query.measure.level
        else (np.zeros(table.num_rows, np.int64), [0])
    )


def _ranked(column: pa.ChunkedArray) -> tuple[Integers, pa.Array]:
    """Rank of each row's value among the values, and the values in order: texts by code point."""
    if pa.types.is_floating(column.type):
        # To engines -0.0 and 0.0 are one unit; arrow takes them for two.
        column = compute.add(column, 0.0)
    codes, values = coded(column)
    order = compute.array_sort_indices(values)
    rank = np.empty(len(values), np.int64)
    rank[order.to_numpy()] = np.arange(len(values))
    return rank[codes], values.take(order)


def _by_appearance(rank: Integers, values: pa.Array) -> tuple[Integers, tuple[str, ...]]:
    """Numbers of values in order of appearance, and the values as text."""
    codes, present = coded(pa.array(rank))
    return codes, tuple(str(value) for value in values.take(present).to_pylist())


def _joined(
    numbered: Sequence[tuple[Integers, tuple[str, ...]]],
) -> tuple[Integers, tuple[str, ...]]:
    """Combinations of the units of several columns."""
    together = np.zeros(len(numbered[0][0]), np.int64)
    for codes, names in numbered:
        together = together * max(len(names), 1) + codes
    present, unit = np.unique(together, return_inverse=True)
    each = []
    for _, names in reversed(numbered):
        each.append([names[code] for code in (present % max(len(names), 1)).tolist()])
        present //= max(len(names), 1)
    joined = [json.dumps(row, ensure_ascii=False) for row in zip(*reversed(each), strict=True)]
    return unit.astype(np.int64), tuple(joined)
