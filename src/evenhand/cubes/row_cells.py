"""Rows of a table as cells: each row one, or rows that are alike folded into one where they lie."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from evenhand.cubes.cells import Cells, Codes, by_unit, least_rows
from evenhand.cubes.columns import floats_of, key_of, values_of
from evenhand.cubes.keys import frequent_first
from evenhand.cubes.measure import Measure, Moments
from evenhand.cubes.query import CubeQuery, meaning
from evenhand.deferred import compute
from evenhand.errors import InputError, NoRowError
from evenhand.groups import Attribute, Predicate
from evenhand.groups.partition import Key, readings
from evenhand.groups.predicate import finite, literal
from evenhand.records import Kind, Records

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: More frequent values of one attribute than this are no attribute but a name of the row.
MAX_VALUES = 60_000
#: Values of an attribute that a query names, so that rows with others are one group, at most.
NAMED_VALUES = 1000


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
    reading = RowReading.of(records, measure, attributes, unit, where, missing_values, least)
    cells = reading.cells(reading.query.rows_sql(), least)
    return cells if unit is None else by_unit(cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReading:
    """What is read of a table: its rows, or cells that rows which are alike are folded into where they lie.

    Folded cells say all that the rows say but their order, so what does not ask for it has the same answer.

    Attributes
    ----------
    records : Records
        The table.
    query : CubeQuery
        What is asked of each row.
    values : tuple of Arrow arrays
        Values of each attribute that are told apart.
    """

    records: Records
    query: CubeQuery
    values: tuple[pa.Array, ...]

    @classmethod
    def of(
        cls,
        records: Records,
        measure: Measure,
        attributes: Sequence[Attribute],
        unit: str | None,
        where: Predicate | None,
        missing_values: Sequence[str],
        least: int,
    ) -> "RowReading":
        """Look up the values that at least so many rows have."""
        plain = replace(measure, few_values=False)
        query = CubeQuery(records, plain, attributes, unit, where, missing_values, as_written=True)
        values = tuple(_frequent(records, query, attribute, least) for attribute in attributes)
        return cls(records=records, query=query, values=values)

    def cells(self, sql: str, least: int) -> Cells:
        """Cells of what a query gives: rows, or rows with their number ``n``."""
        attributes, measure = self.query.attributes, self.query.measure
        columns, units, n_rows, sums = _columns(self, sql)
        keys = [
            tuple(key_of(value) for value in values_of(column, attribute.name))
            for column, attribute in zip(self.values, attributes, strict=True)
        ]
        if least:
            for number, attribute in enumerate(attributes):
                columns[number], keys[number] = _scored(
                    columns[number], keys[number], n_rows, least_rows(attribute, least)
                )
        return Cells(
            attributes=tuple(attributes),
            codes=tuple(columns),
            keys=tuple(keys),
            parts=measure.names,
            n_rows=n_rows,
            sums=sums,
            unit=units,
            indicators=measure.moments is Moments.INDICATORS,
            meaning=meaning(measure, attributes, self.query.units.values()),
        )

    def folded(self, told: Sequence[int], most: int, least: int = 0) -> Cells | None:
        """Cells told apart by some attributes only; `None` where there would be more than `most`.

        They are counted where they lie before any is fetched.  In the attributes that are not told
        all values are one, as rare ones are.
        """
        sql = self._folded_sql(told)
        if self._most(told) > most:
            counted = f"SELECT COUNT(*) AS n FROM ({sql} LIMIT {most + 1}) AS folded"
            if self.records.engine.query(counted)["n"][0].as_py() > most:
                return None
        return replace(self.cells(sql, least), folded=True)

    def _most(self, told: Sequence[int]) -> float:
        """Cells that there can be: known where values are named and a row adds to one count at most."""
        parts = len(self.query.measure.parts) + 1
        named = all(self._named(place) for place in told)
        if not named or self.query.measure.moments is not Moments.INDICATORS:
            return np.inf
        return parts * float(np.prod([len(self.values[place]) + 2.0 for place in told]))

    def _named(self, place: int) -> bool:
        """Whether a query names the values of an attribute, or they are bins."""
        attribute = self.query.attributes[place]
        # A date is not named in a list: engines compare it with a text each in its own way.
        dated = attribute.edges is None and self.query.kinds[attribute.name] is Kind.DATE
        return not dated and len(self.values[place]) <= NAMED_VALUES

    def scored(self, least: int) -> "RowReading":
        """Only values that at least so many of the rows that can be scored have."""
        values = []
        for place, (attribute, column) in enumerate(
            zip(self.query.attributes, self.values, strict=True)
        ):
            cells = self.cells(self._folded_sql([place]), 0)
            counts = np.bincount(cells.codes[place], cells.n_rows, len(column) + 1)[:-1]
            order = frequent_first(cells.keys[place], counts)
            values.append(
                column.take(pa.array(order[counts[order] >= least_rows(attribute, least)]))
            )
        return replace(self, values=tuple(values))

    def only(self, attributes: Sequence[int]) -> "RowReading":
        """Only some of the attributes."""
        was = self.query
        query = CubeQuery(
            self.records,
            was.measure,
            [was.attributes[place] for place in attributes],
            None,
            was.where,
            was.missing_values,
            as_written=True,
        )
        return replace(self, query=query, values=tuple(self.values[place] for place in attributes))

    def of_codes(self, codes: Sequence[Sequence[int]]) -> "RowReading":
        """With fewer values of each attribute, by their numbers."""
        values = (
            column.take(pa.array(some, pa.int64()))
            for column, some in zip(self.values, codes, strict=True)
        )
        return replace(self, values=tuple(values))

    def _folded_sql(self, told: Sequence[int]) -> str:
        keys = [key for place in told for key in self._keys(place, self.query.attributes[place])]
        keys += [f"s{i}" for i in range(len(self.query.measure.parts))]
        groups = ", ".join(str(i + 1) for i in range(len(keys)))
        rows = self.query.rows_sql()
        return f"SELECT {', '.join(keys)}, COUNT(*) AS n FROM ({rows}) AS scored GROUP BY {groups}"

    def _keys(self, place: int, attribute: Attribute) -> Iterator[str]:
        kind, values = self.query.kinds[attribute.name], self.values[place]
        if attribute.edges is not None or not self._named(place):
            yield f"a{place}"
            return
        dialect, column = self.records.engine.dialect, exp.column(f"a{place}")
        null = exp.Is(this=column, expression=exp.Null())
        named = [literal(key) for v in values.to_pylist() if (key := key_of(v)) is not None]
        # Sail 0.7.2 finds -0.0 in no list that has 0.0: both are 0.0 once that is added.
        signless = exp.Add(this=column, expression=literal(0.0))
        asked = finite(signless) if kind is Kind.NUMBER else column
        frequent = exp.In(this=asked, expressions=named) if named else exp.false()
        either = exp.or_(frequent, null).sql(dialect)
        yield f"CASE WHEN {frequent.sql(dialect)} THEN a{place} END AS a{place}"
        yield f"CASE WHEN {either} THEN 0 ELSE 1 END AS rare{place}"


def _scored(
    codes: Codes, keys: tuple[Key, ...], n_rows: Integers, least: int
) -> tuple[Codes, tuple[Key, ...]]:
    """Values that are frequent among the rows that can be scored, too; the most frequent of these first."""
    counts = np.bincount(codes, n_rows, len(keys) + 1)[: len(keys)]
    order = frequent_first(keys, counts)
    kept = order[counts[order] >= least]
    if np.array_equal(kept, np.arange(len(keys))):
        return codes, keys
    place = np.full(len(keys) + 1, len(kept))
    place[kept] = np.arange(len(kept))
    small = np.min_scalar_type(len(kept))
    return place[codes].astype(small), tuple(keys[number] for number in kept)


def _frequent(records: Records, query: CubeQuery, attribute: Attribute, least: int) -> pa.Array:
    least = least_rows(attribute, least)
    table = records.engine.query(query.values_sql(attribute, least))
    if table.num_rows > MAX_VALUES:
        raise InputError(
            f"{attribute.name} has {table.num_rows:,} values of at least {least} rows each; "
            f"at most {MAX_VALUES:,} can be searched.  Raise the minimum support, or leave it out."
        )
    column = table["value"]
    if pa.types.is_floating(column.type):
        # To SQL 0 and -0 are one value, of which an engine gives the first it sees.
        column = compute.add(column, 0.0)
    if query.kinds[attribute.name] is not Kind.DATE:
        # What means missing is no value, and not NULL either: no literal selects it.
        (read,) = readings([attribute], records.columns, query.missing_values)
        keys = map(key_of, column.to_pylist())
        column = column.filter(pa.array([read(key) is key for key in keys], pa.bool_()))
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _columns(
    reading: RowReading, sql: str
) -> tuple[list[Codes], Integers | None, Integers, Floats]:
    query, values = reading.query, reading.values
    codes: list[list[Codes]] = [[] for _ in values]
    sums: list[Floats] = []
    n_rows: list[Integers] = []
    units: list[Integers] = []
    known: dict[Any, int] = {}
    for batch in _batches(reading, sql):
        for index, column in enumerate(values):
            if f"a{index}" not in batch.column_names:
                coded = np.full(batch.num_rows, len(column), np.min_scalar_type(len(column)))
            else:
                coded = _coded(batch[f"a{index}"], column)
            if f"rare{index}" in batch.column_names:
                rare = floats_of(batch[f"rare{index}"]) == 1
                coded = np.where(rare, len(column), coded).astype(coded.dtype)
            codes[index].append(coded)
        folded = "n" in batch.column_names
        number = floats_of(batch["n"]) if folded else np.ones(batch.num_rows)
        n_rows.append(number.astype(np.int64))
        parts = [floats_of(batch[f"s{i}"]) for i in range(len(query.measure.parts))]
        counts = np.stack(parts, axis=1)
        sums.append(counts * number[:, None] if folded else counts)
        if query.units:
            units.append(_numbered(batch["unit"], known))
    if not sums:
        raise NoRowError(
            f"There is nothing to search: no row of {reading.records.name} can be scored."
        )
    return (
        [np.concatenate(column) for column in codes],
        np.concatenate(units) if query.units else None,
        np.concatenate(n_rows),
        np.concatenate(sums),
    )


def _batches(reading: RowReading, sql: str) -> Iterator[pa.Table]:
    for batch in reading.records.engine.batches(sql):
        table = pa.Table.from_batches([batch])
        # A unit that is written as missing is.
        units = reading.query.units
        table = table.filter(compute.is_valid(table["unit"])) if units else table
        if table.num_rows:
            yield table


def _coded(column: pa.ChunkedArray, values: pa.Array) -> Codes:
    small = np.min_scalar_type(len(values))
    if not len(values):
        return np.zeros(len(column), small)
    if column.type != values.type:
        column = column.cast(values.type)
    if pa.types.is_floating(values.type):
        column = compute.add(column, 0.0)
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
