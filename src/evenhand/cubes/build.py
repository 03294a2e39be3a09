"""Records to cube: one generated query, run where the records lie."""

import datetime
import decimal
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes.cube import Cube, Units, cube_of_units, summed_by_cell
from evenhand.cubes.faults import raise_faults
from evenhand.cubes.measure import Input, Measure, Moments
from evenhand.cubes.query import DEGREES, CubeQuery, joint_query, meaning
from evenhand.deferred import compute
from evenhand.errors import InputError
from evenhand.groups import Attribute, Predicate
from evenhand.groups.partition import Key
from evenhand.records import Records
from evenhand.stats.forms import Form

#: Columns up to so long are read without Arrow's functions, which take 25 ms to load.
_FEW_ROWS = 4096
#: Columns at most of what is asked at once: PostgreSQL gives no more than 1,664.
_MOST_COLUMNS = 800


def build_cube(
    records: Records,
    measure: Measure,
    attributes: Sequence[Attribute],
    *,
    unit: str | Sequence[str] | None = None,
    where: Predicate | None = None,
    missing_values: Sequence[str] = (),
    form: Form | None = None,
) -> Cube:
    """Reduce records to a cube.

    Parameters
    ----------
    records : Records
        The table.
    measure : Measure
        What each row counts.
    attributes : Sequence of Attribute
        What cells are told apart by.
    unit : str or sequence of str, optional
        Column that names the independent unit; each row is its own where absent.  Of several
        columns, rows that share any are dependent.
    where : Predicate, optional
        Keep only these rows.
    missing_values : Sequence of str
        Texts that mean *missing* in attribute and unit columns.
    form : Form, optional
        Of the metric: for a ratio of numbers the powers are kept that tell how skewed rows are.

    Raises
    ------
    FaultsError
        With line numbers, where rows break the measure's checks.
    InputError
        Where no row is left.
    """
    (cube,) = build_cubes(
        records,
        [(measure, form)],
        attributes,
        unit=unit,
        where=where,
        missing_values=missing_values,
    )
    return cube


def build_cubes(
    records: Records,
    counted: Sequence[tuple[Measure, Form | None]],
    attributes: Sequence[Attribute],
    *,
    unit: str | Sequence[str] | None = None,
    where: Predicate | None = None,
    missing_values: Sequence[str] = (),
) -> list[Cube]:
    """Reduce records to a cube for each of several measures, with as few scans as they allow.

    Parameters
    ----------
    records, attributes, unit, where, missing_values
        As for `build_cube`.
    counted : sequence of (Measure, Form)
        What each row counts, and the form of the metric.

    Notes
    -----
    Measures of few values are counted together, each combination of all their values once; the others
    have a scan each, since their rows cannot be told together.
    """
    made: dict[int, Cube] = {}
    for batch in _batches([measure for measure, _ in counted]):
        queries = [
            CubeQuery(
                records,
                measure,
                attributes,
                unit,
                where,
                missing_values,
                form=counted[place][1],
                prefix=f"q{place}_" if len(batch) > 1 else "",
            )
            for place, measure in batch.items()
        ]
        asked = joint_query(queries)
        table = records.engine.query(asked.sql)
        for name, kept in asked.same.items():
            table = table.append_column(name, table[kept])
        if table.num_rows == 0:
            rows = (
                f"no row of {records.name} satisfies --where"
                if where is not None
                else f"{records.name} has no rows"
            )
            raise InputError(f"There is nothing to audit: {rows}.")
        for place, query in zip(batch, queries, strict=True):
            measure, own = counted[place][0], _columns_of(table, query)
            _check_faults(own, records, where, measure)
            made[place] = _read(own, query, measure)
    return [made[place] for place in range(len(counted))]


def _batches(measures: Sequence[Measure]) -> list[dict[int, Measure]]:
    """Measures that are counted together, by their places; names of inputs mean one thing in each batch."""
    alone: list[dict[int, Measure]] = []
    together: list[dict[int, Measure]] = []
    room, known = 0, dict[str, Input]()
    for place, measure in enumerate(measures):
        if not measure.few_values or measure.level:
            alone.append({place: measure})
            continue
        if _width(measure) > room:
            together.append({})
            room, known = _MOST_COLUMNS, {}
        room -= _width(measure)
        others = {
            item.name: f"{item.name}:{place}"
            for item in measure.inputs
            if known.setdefault(item.name, item).expression != item.expression
        }
        together[-1][place] = measure.renamed(others) if others else measure
    return together + alone


def _width(measure: Measure) -> int:
    """How many columns the counts of a measure take at most."""
    parts = len(measure.parts)
    moments = 0 if measure.moments is Moments.INDICATORS else parts * (parts + 1) // 2
    return 2 + parts + moments + len(measure.inputs) + len(measure.checks) + len(DEGREES)


def _columns_of(table: pa.Table, query: CubeQuery) -> pa.Table:
    """What was counted for one of several measures, under the names that it has alone."""
    if not query.prefix:
        return table
    names = [name for name in table.column_names if name.startswith(query.prefix)]
    own = table.select([*query.keys, *names])
    return own.rename_columns([*query.keys, *(name.removeprefix(query.prefix) for name in names)])


def _check_faults(
    table: pa.Table, records: Records, where: Predicate | None, measure: Measure
) -> None:
    counts = [int(floats_of(table[f"fault{i}"]).sum()) for i in range(len(measure.checks))]
    broken = [(check, count) for check, count in zip(measure.checks, counts, strict=True) if count]
    if broken:
        raise_faults(records, where, measure, broken)


def floats_of(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Numbers of an Arrow column, decimals included."""
    if pa.types.is_decimal(column.type):
        if len(column) <= _FEW_ROWS:
            return np.array(column.to_pylist(), dtype=float)
        column = column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy(), dtype=float)


def _integers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return floats_of(column).astype(np.int64)


def values_of(column: pa.ChunkedArray | pa.Array, name: str) -> list[Any]:
    """Values of an attribute; dates that Python has no word for are refused."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError) as error:
        raise InputError(
            f"{name} holds a date outside the years 1 to 9999 (or an infinite one).  Mend it, leave it "
            f"out with --where, or take the dates as text: --columns '{name}=text'"
        ) from error


def key_of(value: Any) -> Key:
    """An attribute's value as it stands in a cube: text, number, truth or missing."""
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _keys_of(values: Sequence[Any]) -> list[Key]:
    """Keys of an attribute's values, each value turned once: units repeat them."""
    known = {value: key_of(value) for value in dict.fromkeys(values)}
    return [known[value] for value in values]


def _read(table: pa.Table, query: CubeQuery, measure: Measure) -> Cube:
    missing = {
        name: count
        for index, name in enumerate(query.needed.values())
        if (count := int(floats_of(table[f"missing{index}"]).sum()))
    }
    for name in (*query.units, *["level"] * bool(measure.level)):
        if table[name].null_count:
            table = table.filter(compute.is_valid(table[name]))
    counted = floats_of(table["n_rows"]) > 0
    table = table if counted.all() else table.filter(pa.array(counted))
    columns = [
        values_of(table[f"a{i}"], attribute.name) for i, attribute in enumerate(query.attributes)
    ]
    levels, level = _levels(table, measure)
    keyed = [_keys_of(column) for column in columns]
    rows = list(zip(*keyed, level.tolist(), strict=True))
    cells = list(dict.fromkeys(rows))
    place = {cell: index for index, cell in enumerate(cells)}
    cell = np.array([place[row] for row in rows], np.int64)
    sums = np.stack([floats_of(table[f"s{i}"]) for i in range(len(measure.parts))], axis=1)
    with np.errstate(over="ignore"):
        squares_fit = np.isfinite((sums**2).sum())
    if not np.isfinite(sums).all() or ((query.units or measure.level) and not squares_fit):
        raise InputError("The numbers are too large to add.  Measure them in a larger unit.")
    shared: dict[str, Any] = {
        "attributes": tuple(attribute.name for attribute in query.attributes),
        "parts": measure.names,
        "keys": tuple(row[:-1] for row in cells),
        "n_rows": summed_by_cell(_integers(table["n_rows"]), cell, len(cells)),
        "n_defined": summed_by_cell(_integers(table["n_defined"]), cell, len(cells)),
        "level": np.array([row[-1] for row in cells], np.int64),
        "n_levels": levels,
        "indicators": measure.moments is Moments.INDICATORS,
        "missing": tuple(missing.items()),
        "meaning": meaning(measure, query.attributes, query.units.values()),
    }
    if query.units:
        coded = [_coded(table[name]) for name in query.units]
        return cube_of_units(units=_units(coded, cell, sums), **shared)
    comoments = _comoments(table, measure, sums)
    return Cube(
        sums=sums,
        comoments=comoments,
        powers=_powers(table, query, sums, comoments),
        powers_of=query.ratio,
        **shared,
    )


def _powers(
    table: pa.Table,
    query: CubeQuery,
    sums: npt.NDArray[np.float64],
    comoments: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64] | None:
    """Sums of products of a ratio's sides, of degree 3 and 4; shape (cells, degrees)."""
    if query.ratio is None:
        return None
    out = np.zeros((table.num_rows, len(DEGREES)))
    for place in query.degrees:
        out[:, place] = floats_of(table[f"p{place}"])
    if query.counts_rows:
        # A denominator of 1 a row: lower powers of the numerator, which are known.
        weights = np.asarray(query.ratio.numerator, float)
        total, rows = sums @ weights, np.maximum(floats_of(table["n_rows"]), 1)
        squares = np.einsum("cij,i,j->c", comoments, weights, weights) + total**2 / rows
        known = {0: out[:, 0], 1: squares, 2: total, 3: rows}
        out[:, 1:4] = np.stack([known[place] for place in (1, 2, 3)], axis=1)
        out[:, 5:9] = np.stack([known[place] for place in (0, 1, 2, 3)], axis=1)
    return out


def _levels(table: pa.Table, measure: Measure) -> tuple[int, npt.NDArray[np.int64]]:
    if not measure.level:
        return 1, np.zeros(table.num_rows, np.int64)
    values, codes = np.unique(floats_of(table["level"]), return_inverse=True)
    return max(len(values), 1), codes.astype(np.int64)


def _coded(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Numbers of a column's values, and the values as text."""
    coded = column.combine_chunks().dictionary_encode() if column.num_chunks else None
    if coded is None or isinstance(coded, pa.ChunkedArray):
        coded = (
            pa.chunked_array(column.chunks, type=column.type).combine_chunks().dictionary_encode()
        )
    if pa.types.is_dictionary(column.type):
        coded = column.combine_chunks()
    names = tuple(str(value) for value in coded.dictionary.to_pylist())
    return coded.indices.to_numpy().astype(np.int64), names


def _units(
    coded: Sequence[tuple[npt.NDArray[np.int64], tuple[str, ...]]],
    cell: npt.NDArray[np.int64],
    sums: npt.NDArray[np.float64],
) -> Units:
    """Units of one column, or the combinations of several."""
    if len(coded) == 1:
        ((unit, names),) = coded
        return Units(cell=cell, unit=unit, sums=sums, names=names)
    together, unit = np.unique(
        np.stack([codes for codes, _ in coded], axis=1), axis=0, return_inverse=True
    )
    lists = [names for _, names in coded]
    joined = tuple(
        json.dumps([names[i] for names, i in zip(lists, row, strict=True)], ensure_ascii=False)
        for row in together.tolist()
    )
    return Units(cell=cell, unit=unit.reshape(-1), sums=sums, names=joined, ways=len(coded))


def _comoments(
    table: pa.Table, measure: Measure, sums: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    parts = len(measure.parts)
    n = floats_of(table["n_rows"])
    out = np.zeros((table.num_rows, parts, parts))
    for i in range(parts):
        for j in range(i + 1):
            if measure.moments is Moments.CENTRED:
                out[:, i, j] = floats_of(table[f"m{i}_{j}"]) * n
            else:
                asked = measure.moments is Moments.COUNTS and (j, i) not in measure.exclusive
                exact = floats_of(table[f"m{i}_{j}"]) if asked else (i == j) * sums[:, i]
                out[:, i, j] = exact - sums[:, i] * sums[:, j] / n
            out[:, j, i] = out[:, i, j]
    if not np.isfinite(out).all():
        raise InputError("The numbers are too large to square.  Measure them in a larger unit.")
    return out
