"""Cells: counts with their attributes as small codes, column by column.

The same type holds the rows of a table and the cells of a cube, so whatever reads cells (the search
for slices) gives one answer for both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube, Units, cube_of_units
from evenhand.cubes.keys import CellKeys, frequent_first
from evenhand.cubes.moments import merged_comoments, summed
from evenhand.errors import InputError
from evenhand.groups import Attribute
from evenhand.groups.partition import Key

Codes = npt.NDArray[np.unsignedinteger[Any]]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Counts of cells whose attributes are codes.

    Attributes
    ----------
    attributes : tuple of Attribute
        What cells are told apart by.
    codes : tuple of unsigned integer arrays of shape (cells,)
        For each attribute the number of its value in `keys`; a number beyond them stands for all
        values that are too rare to be told apart.
    keys : tuple of tuples
        Values of each attribute; `None` is missing.
    parts : tuple of str
        Names of the counts.
    n_rows : integer array of shape (cells,)
        Rows scored.
    n_defined : integer array of shape (cells,), optional
        Rows with a count other than zero; absent where the rows of a cell are alike.
    sums : array of shape (cells, parts)
        Counts.
    comoments : array of shape (cells, parts, parts), optional
        Centred second moments over the rows of a cell; absent where each cell is one row, one unit,
        or rows that are alike.
    unit : integer array of shape (cells,), optional
        Number of the unit; present where units are named, and then a cell holds one unit only.
    folded : bool
        Whether a cell stands for `n_rows` rows that are all alike, where it else is one row.
    indicators : bool
        Whether each row adds 1 to at most one count and 0 to the others.
    """

    attributes: tuple[Attribute, ...]
    codes: tuple[Codes, ...]
    keys: tuple[tuple[Key, ...], ...]
    parts: tuple[str, ...]
    n_rows: Integers
    sums: Floats
    n_defined: Integers | None = None
    comoments: Floats | None = None
    unit: Integers | None = None
    folded: bool = False
    indicators: bool = False
    meaning: str = ""

    def __len__(self) -> int:
        return len(self.n_rows)

    @property
    def n_units(self) -> int:
        """Independent units: those named, else rows."""
        return int(self.n_rows.sum()) if self.unit is None else int(self.unit.max(initial=-1)) + 1

    def only(self, attributes: Sequence[int]) -> "Cells":
        """Only some of the attributes."""
        return replace(
            self,
            attributes=tuple(self.attributes[number] for number in attributes),
            codes=tuple(self.codes[number] for number in attributes),
            keys=tuple(self.keys[number] for number in attributes),
        )

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Cells":
        """Only some of the cells."""
        unit = None
        if self.unit is not None:
            unit = np.unique(self.unit[chosen], return_inverse=True)[1].astype(np.int64)
        return replace(
            self,
            codes=tuple(codes[chosen] for codes in self.codes),
            n_rows=self.n_rows[chosen],
            n_defined=None if self.n_defined is None else self.n_defined[chosen],
            sums=self.sums[chosen],
            comoments=None if self.comoments is None else self.comoments[chosen],
            unit=unit,
        )

    def to_cube(self, group: Integers) -> Cube:
        """Cube whose cells are numbered groups of these cells.

        Parameters
        ----------
        group : integer array of shape (cells,)
            Number of the group of each cell, from 0 without gaps.
        """
        count = int(group.max(initial=-1)) + 1
        defined = self.n_defined
        if defined is None:
            defined = self.n_rows * (self.sums != 0).any(axis=1)
        shared: dict[str, Any] = {
            "attributes": ("group",),
            "parts": self.parts,
            "keys": CellKeys.of_columns([range(count)], count),
            "n_rows": summed(self.n_rows, group, count),
            "n_defined": summed(defined, group, count),
            "indicators": self.indicators,
            "meaning": self.meaning,
        }
        if self.unit is not None:
            pairs, place = np.unique(group * self.n_units + self.unit, return_inverse=True)
            units = Units(
                cell=pairs // self.n_units,
                unit=pairs % self.n_units,
                sums=summed(self.sums, place, len(pairs)),
                names=tuple(map(str, range(self.n_units))),
            )
            return cube_of_units(units=units, **shared)
        sums = summed(self.sums, group, count)
        return Cube(
            sums=sums,
            comoments=merged_comoments(
                self.n_rows, self.sums, self.comoments, group, sums, shared["n_rows"]
            ),
            level=np.zeros(count, np.int64),
            **shared,
        )


def by_unit(cells: Cells) -> Cells:
    """Rows of one unit with the same attributes, added: what a cube with units holds."""
    assert cells.unit is not None
    order = np.lexsort([*cells.codes, cells.unit])
    unit = cells.unit[order]
    columns = [codes[order] for codes in cells.codes]
    new = np.ones(len(order), bool)
    new[1:] = unit[1:] != unit[:-1]
    for codes in columns:
        new[1:] |= codes[1:] != codes[:-1]
    starts = np.flatnonzero(new)
    return replace(
        cells,
        codes=tuple(codes[starts] for codes in columns),
        n_rows=np.add.reduceat(cells.n_rows[order], starts),
        sums=np.add.reduceat(cells.sums[order], starts, axis=0),
        unit=unit[starts],
    )


def cells_of(
    cube: Cube,
    attributes: Sequence[Attribute] | None = None,
    least: int = 1,
    *,
    read: Sequence[Callable[[Key], Key]] | None = None,
) -> Cells:
    """The cells of a cube.

    Parameters
    ----------
    cube : Cube
        Counts by its attributes; it must keep no score levels.
    attributes : Sequence of Attribute, optional
        What the cube's attributes stand for, where they are cut at edges; else they are columns.
    least : int
        Values of an attribute that fewer rows have are not told apart.
    read : sequence of callable, optional
        Of a cube whose keys are as they are written: for each attribute what its keys are read as.  What means
        missing is no value, and not NULL either: no literal selects it.
    """
    if cube.n_levels > 1:
        raise InputError(
            "This metric is told from the order of scores or errors, and slices are searched by a ratio of sums.  "
            "Choose one such as error_rate(label, prediction) or mean(error)."
        )
    known = {attribute.name: attribute for attribute in attributes or ()}
    given = tuple(known.get(name, Attribute(name=name)) for name in cube.attributes)
    reads = read or [_itself] * len(given)
    coded = [
        _cell_codes(cube, a.name, least_rows(a, least), reading)
        for a, reading in zip(given, reads, strict=True)
    ]
    shared: dict[str, Any] = {
        "attributes": given,
        "keys": tuple(keys for keys, _ in coded),
        "parts": cube.parts,
        "indicators": cube.indicators,
        "meaning": cube.meaning,
    }
    if cube.units is None:
        return Cells(
            codes=tuple(codes for _, codes in coded),
            n_rows=cube.n_rows,
            n_defined=cube.n_defined,
            sums=cube.sums,
            comoments=cube.comoments,
            **shared,
        )
    units = cube.units
    rows = _rows_of_units(cube, units)
    cells_now = Cells(
        codes=tuple(codes[units.cell] for _, codes in coded),
        n_rows=rows,
        sums=units.sums,
        unit=units.unit,
        **shared,
    )
    return by_unit(cells_now)


def _rows_of_units(cube: Cube, units: Units) -> Integers:
    """Rows of each unit in each cell, which a cube counts by cell only: by the units' share of counts.

    Exact where each row counts once (an error rate); of any metric the rows of a cell add up.
    """
    order = np.argsort(units.cell, kind="stable")
    cell = units.cell[order]
    weight = np.abs(units.sums[order]).sum(axis=1) + 1e-9
    share = weight / summed(weight, cell, len(cube.n_rows))[cell]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    run = np.cumsum(share)
    before = np.repeat(run[starts] - share[starts], np.diff(np.append(starts, len(cell))))
    upto = np.rint((run - before) * cube.n_rows[cell])
    rows = np.diff(upto, prepend=0.0)
    rows[starts] = upto[starts]
    out = np.zeros(len(cell), np.int64)
    out[order] = rows.astype(np.int64)
    return out


def least_rows(attribute: Attribute, least: int) -> int:
    """Rows that a value needs to be told apart: bins are few, and runs of rare ones may be frequent."""
    return least if attribute.edges is None else 1


def _itself(key: Key) -> Key:
    return key


def _cell_codes(
    cube: Cube, name: str, least: int, read: Callable[[Key], Key]
) -> tuple[tuple[Key, ...], Codes]:
    codes, groups = cube.codes((name,))
    rows = summed(cube.n_rows, codes, len(groups))
    keys = [key for (key,) in groups]
    order = [
        int(i) for i in frequent_first(keys, rows) if rows[i] >= least and read(keys[i]) is keys[i]
    ]
    place = np.full(len(groups), len(order))
    place[order] = np.arange(len(order))
    return tuple(keys[i] for i in order), place[codes].astype(np.min_scalar_type(len(order)))
