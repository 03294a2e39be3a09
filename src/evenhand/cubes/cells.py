"""Cells: counts with their attributes as small codes, column by column.

The same type holds the rows of a table and the cells of a cube, so whatever reads cells (the search
for slices) gives one answer for both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes.columns import floats_of, key_of, values_of
from evenhand.cubes.cube import Cube, Units, cube_of_units
from evenhand.cubes.measure import Measure, Moments
from evenhand.cubes.query import CubeQuery, meaning
from evenhand.deferred import compute
from evenhand.errors import InputError
from evenhand.groups import Attribute, Predicate
from evenhand.groups.partition import Key
from evenhand.records import Records

Codes = npt.NDArray[np.unsignedinteger[Any]]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: More frequent values of one attribute than this are no attribute but a name of the row.
MAX_VALUES = 60_000


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
    sums : array of shape (cells, parts)
        Counts.
    comoments : array of shape (cells, parts, parts), optional
        Centred second moments over the rows of a cell; absent where each cell is one row or one
        unit.
    unit : integer array of shape (cells,), optional
        Number of the unit; present where units are named, and then a cell holds one unit only.
    indicators : bool
        Whether each row adds 1 to at most one count and 0 to the others.
    """

    attributes: tuple[Attribute, ...]
    codes: tuple[Codes, ...]
    keys: tuple[tuple[Key, ...], ...]
    parts: tuple[str, ...]
    n_rows: Integers
    sums: Floats
    comoments: Floats | None = None
    unit: Integers | None = None
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

        Notes
        -----
        Centred moments are merged by Chan, Golub & LeVeque (1983),
        doi:10.1080/00031305.1983.10483115.
        """
        count = int(group.max(initial=-1)) + 1
        says = (self.sums != 0).any(axis=1)
        shared: dict[str, Any] = {
            "attributes": ("group",),
            "parts": self.parts,
            "keys": tuple((number,) for number in range(count)),
            "n_rows": _summed(self.n_rows, group, count).astype(np.int64),
            "n_defined": _summed(self.n_rows * says, group, count).astype(np.int64),
            "indicators": self.indicators,
            "meaning": self.meaning,
        }
        if self.unit is not None:
            pairs, place = np.unique(group * self.n_units + self.unit, return_inverse=True)
            units = Units(
                cell=pairs // self.n_units,
                unit=pairs % self.n_units,
                sums=np.stack([_summed(part, place, len(pairs)) for part in self.sums.T], axis=1),
                names=tuple(map(str, range(self.n_units))),
            )
            return cube_of_units(units=units, **shared)
        sums = np.stack([_summed(part, group, count) for part in self.sums.T], axis=1)
        return Cube(
            sums=sums,
            comoments=self._comoments(group, sums, shared["n_rows"]),
            level=np.zeros(count, np.int64),
            **shared,
        )

    def _comoments(self, group: Integers, sums: Floats, n_rows: Integers) -> Floats:
        count, parts = sums.shape
        out = np.zeros((count, parts, parts))
        means = sums / np.maximum(n_rows, 1)[:, None]
        apart = self.sums / np.maximum(self.n_rows, 1)[:, None] - means[group]
        for i, j in np.ndindex(parts, parts):
            if j <= i:
                products = self.n_rows * apart[:, i] * apart[:, j]
                if self.comoments is not None:
                    products = products + self.comoments[:, i, j]
                out[:, i, j] = out[:, j, i] = _summed(products, group, count)
        return out


def _summed(values: npt.NDArray[Any], group: Integers, count: int) -> Floats:
    return np.bincount(group, values, count).astype(float)


def read_cells(
    records: Records,
    measure: Measure,
    attributes: Sequence[Attribute],
    *,
    unit: str | None = None,
    where: Predicate | None = None,
    missing_values: Sequence[str] = (),
    least: int = 1,
) -> Cells:
    """Read the rows of a table as cells.

    Rows that lack what the metric needs are left out; faults are not looked for (`build_cube` does).

    Parameters
    ----------
    records, measure, attributes, unit, where
        As in `build_cube`.
    missing_values : Sequence of str
        Texts that mean *missing*, in units and attributes.
    least : int
        Values of an attribute that fewer rows have are not told apart.
    """
    plain = replace(measure, few_values=False)
    query = CubeQuery(records, plain, attributes, unit, where, missing_values, as_written=True)
    values = [_frequent(records, query, attribute, least) for attribute in attributes]
    columns, units, sums = _columns(records, query, values)
    keys = [
        tuple(key_of(value) for value in values_of(column, attribute.name))
        for column, attribute in zip(values, attributes, strict=True)
    ]
    for number, attribute in enumerate(attributes):
        if attribute.edges is None:
            columns[number], keys[number] = _scored(columns[number], keys[number], least)
    cells = Cells(
        attributes=tuple(attributes),
        codes=tuple(columns),
        keys=tuple(keys),
        parts=measure.names,
        n_rows=np.ones(len(sums), np.int64),
        sums=sums,
        unit=units,
        indicators=measure.moments is Moments.INDICATORS,
        meaning=meaning(measure, attributes, [unit] if unit else []),
    )
    return cells if units is None else _by_unit(cells)


def _scored(codes: Codes, keys: tuple[Key, ...], least: int) -> tuple[Codes, tuple[Key, ...]]:
    """Values that are frequent among the rows that can be scored, too."""
    counts = np.bincount(codes, minlength=len(keys) + 1)[: len(keys)]
    kept = np.flatnonzero(counts >= least)
    if len(kept) == len(keys):
        return codes, keys
    place = np.full(len(keys) + 1, len(kept))
    place[kept] = np.arange(len(kept))
    small = np.min_scalar_type(len(kept))
    return place[codes].astype(small), tuple(keys[number] for number in kept)


def _frequent(records: Records, query: CubeQuery, attribute: Attribute, least: int) -> pa.Array:
    # Bins are few, and runs of rare ones may be frequent.
    least = least if attribute.edges is None else 1
    table = records.engine.query(query.values_sql(attribute, least))
    if table.num_rows > MAX_VALUES:
        raise InputError(
            f"{attribute.name} has {table.num_rows:,} values of at least {least} rows each; "
            f"at most {MAX_VALUES:,} can be searched.  Raise the minimum support, or leave it out."
        )
    column = table["value"]
    if pa.types.is_floating(column.type):
        known = compute.or_kleene(compute.is_null(column), compute.is_finite(column))
        column = column.filter(compute.fill_null(known, fill_value=True))
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        # A text that means missing is no value, and not NULL either: no literal selects it.
        texts = pa.array(query.missing_values, column.type)
        column = column.filter(compute.invert(compute.is_in(column, value_set=texts)))
    elif attribute.edges is not None:
        column = column.filter(compute.fill_null(compute.greater_equal(column, 0), fill_value=True))
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _columns(
    records: Records, query: CubeQuery, values: list[pa.Array]
) -> tuple[list[Codes], Integers | None, Floats]:
    codes: list[list[Codes]] = [[] for _ in values]
    sums: list[Floats] = []
    units: list[Integers] = []
    known: dict[Any, int] = {}
    for batch in _batches(records, query):
        for index, column in enumerate(values):
            codes[index].append(_coded(batch[f"a{index}"], column))
        parts = range(len(query.measure.parts))
        sums.append(np.stack([floats_of(batch[f"s{i}"]) for i in parts], axis=1))
        if query.units:
            units.append(_numbered(batch["unit"], known))
    if not sums:
        raise InputError(f"There is nothing to search: no row of {records.name} can be scored.")
    return (
        [np.concatenate(column) for column in codes],
        np.concatenate(units) if query.units else None,
        np.concatenate(sums),
    )


def _batches(records: Records, query: CubeQuery) -> Iterator[pa.Table]:
    for batch in records.engine.batches(query.rows_sql()):
        table = pa.Table.from_batches([batch])
        # A unit that is written as missing is.
        table = table.filter(compute.is_valid(table["unit"])) if query.units else table
        if table.num_rows:
            yield table


def _coded(column: pa.ChunkedArray, values: pa.Array) -> Codes:
    small = np.min_scalar_type(len(values))
    if not len(values):
        return np.zeros(len(column), small)
    if column.type != values.type:
        column = column.cast(values.type)
    if pa.types.is_floating(values.type):
        # To SQL 0 and -0 are one value.
        column, values = compute.add(column, 0.0), compute.add(values, 0.0)
    if pa.types.is_dictionary(values.type):
        column, values = column.cast(values.type.value_type), values.dictionary_decode()
    codes = compute.fill_null(compute.index_in(column, value_set=values), len(values))
    return np.asarray(codes.to_numpy()).astype(small)


def _numbered(column: pa.ChunkedArray, known: dict[Any, int]) -> Integers:
    coded = column.combine_chunks()
    if not pa.types.is_dictionary(coded.type):
        coded = coded.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
    names = coded.dictionary.to_pylist()
    place = np.array([known.setdefault(name, len(known)) for name in names], np.int64)
    return np.asarray(place[coded.indices.to_numpy()], np.int64)


def _by_unit(cells: Cells) -> Cells:
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


def cells_of(cube: Cube, attributes: Sequence[Attribute] | None = None, least: int = 1) -> Cells:
    """The cells of a cube.

    Parameters
    ----------
    cube : Cube
        Counts by its attributes; it must keep no score levels.
    attributes : Sequence of Attribute, optional
        What the cube's attributes stand for, where they are cut at edges; else they are columns.
    least : int
        Values of an attribute that fewer rows have are not told apart.
    """
    if cube.n_levels > 1:
        raise InputError("A cube that keeps score levels (auc) cannot be searched.")
    known = {attribute.name: attribute for attribute in attributes or ()}
    given = tuple(known.get(name, Attribute(name=name)) for name in cube.attributes)
    coded = [_cell_codes(cube, a.name, least if a.edges is None else 1) for a in given]
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
    return _by_unit(cells_now)


def _rows_of_units(cube: Cube, units: Units) -> Integers:
    """Rows of each unit in each cell, which a cube counts by cell only: by the units' share of counts.

    Exact where each row counts once (an error rate); of any metric the rows of a cell add up.
    """
    order = np.argsort(units.cell, kind="stable")
    cell = units.cell[order]
    weight = np.abs(units.sums[order]).sum(axis=1) + 1e-9
    share = weight / _summed(weight, cell, len(cube.n_rows))[cell]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    run = np.cumsum(share)
    before = np.repeat(run[starts] - share[starts], np.diff(np.append(starts, len(cell))))
    upto = np.rint((run - before) * cube.n_rows[cell])
    rows = np.diff(upto, prepend=0.0)
    rows[starts] = upto[starts]
    out = np.zeros(len(cell), np.int64)
    out[order] = rows.astype(np.int64)
    return out


def _cell_codes(cube: Cube, name: str, least: int) -> tuple[tuple[Key, ...], Codes]:
    codes, groups = cube.codes((name,))
    rows = _summed(cube.n_rows, codes, len(groups))
    # The most frequent first, as `read_cells` has them.
    order = [int(i) for i in np.argsort(-rows, kind="stable") if rows[i] >= least]
    place = np.full(len(groups), len(order))
    place[order] = np.arange(len(order))
    return tuple(groups[i][0] for i in order), place[codes].astype(np.min_scalar_type(len(order)))
