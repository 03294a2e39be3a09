"""Records to cube: one generated query, and one more of the units where they are named."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes.columns import coded_keys, floats_of, integers_of
from evenhand.cubes.cube import Cube, Units, cube_of_units
from evenhand.cubes.extent import FirstRows, check_cells, check_pairs, first_rows
from evenhand.cubes.faults import raise_faults
from evenhand.cubes.joint_query import cells_query, sums_of_others, units_query
from evenhand.cubes.keys import CellKeys
from evenhand.cubes.measure import Input, Measure, Moments
from evenhand.cubes.moments import LARGEST_SUM, indicator_comoments
from evenhand.cubes.query import DEGREES, CubeQuery, meaning
from evenhand.cubes.unit_reading import UnitPlaces, read_places
from evenhand.deferred import compute
from evenhand.errors import InputError, NoRowError
from evenhand.groups import Attribute, Predicate
from evenhand.records import Records
from evenhand.stats.forms import Form

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
    as_written: bool = False,
) -> list[Cube]:
    """Reduce records to a cube for each of several measures, with as few scans as they allow.

    Parameters
    ----------
    records, attributes, unit, where, missing_values
        As for `build_cube`.
    counted : sequence of (Measure, Form)
        What each row counts, and the form of the metric.
    as_written : bool
        Whether columns and bins keep what means missing apart from NULL (see `evenhand.groups.partition.readings`).

    Notes
    -----
    Measures of few values are counted together, each combination of all their values once; the others
    have a scan each, since their rows cannot be told together.
    """
    made: dict[int, Cube] = {}
    first: FirstRows | None = None
    for batch in _batches([measure for measure, _ in counted]):
        queries = [
            CubeQuery(
                records,
                measure,
                attributes,
                unit,
                where,
                missing_values,
                as_written=as_written,
                form=counted[place][1],
                prefix=f"q{place}_" if len(batch) > 1 else "",
            )
            for place, measure in batch.items()
        ]
        if not made:
            first = first_rows(queries[0])
            check_cells(queries[0], first)
        cubes = _counted(queries, [counted[place][0] for place in batch], first)
        made |= zip(batch, cubes, strict=True)
    return [made[place] for place in range(len(counted))]


def _counted(
    queries: Sequence[CubeQuery], measures: Sequence[Measure], first: FirstRows | None
) -> list[Cube]:
    """Cubes of measures that are counted together."""
    records, where = queries[0].records, queries[0].where
    table = cells_query(queries).run(records.engine)
    if table.num_rows == 0:
        rows = (
            f"no row of {records.name} satisfies --where"
            if where is not None
            else f"{records.name} has no rows"
        )
        raise NoRowError(f"There is nothing to measure: {rows}.")
    own = [_columns_of(table, query) for query in queries]
    for cells, measure in zip(own, measures, strict=True):
        _check_faults(cells, records, where, measure)
    units = _UnitReader(_units_of(table, own, queries, first)) if queries[0].units else None
    return [
        _read(cells, query, measure, units)
        for cells, query, measure in zip(own, queries, measures, strict=True)
    ]


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
    others = len(measure.inputs) + len(measure.checks) + len(DEGREES) + 3 * len(measure.sides)
    return 2 + parts + moments + others


def _columns_of(table: pa.Table, query: CubeQuery) -> pa.Table:
    """What was counted for one of several measures, under the names that it has alone."""
    if not query.prefix:
        return table
    names = [name for name in table.column_names if name.startswith(query.prefix)]
    keys = [name for name in (*query.keys(), *query.units) if name in table.column_names]
    own = table.select([*keys, *names])
    return own.rename_columns([*keys, *(name.removeprefix(query.prefix) for name in names)])


def _units_of(
    table: pa.Table,
    cells: Sequence[pa.Table],
    queries: Sequence[CubeQuery],
    first: FirstRows | None,
) -> pa.Table:
    """What each unit has in each cell, asked once it is known what some row lacks."""
    rows = max(int(floats_of(own["n_rows"]).sum()) for own in cells)
    check_pairs(queries[0], first, table.num_rows, rows)
    missing = {name for name in queries[0].keys() if table[name].null_count}  # noqa: SIM118
    for query, own in zip(queries, cells, strict=True):
        missing |= {lacked for lacked, count in _missing(own, query) if count}
    # Sums of fractions depend on how rows were grouped before.
    whole = all(
        query.measure.few_values and query.measure.moments is not Moments.CENTRED
        for query in queries
    )
    sums = None
    if first is not None and whole and not first.units_repeat(rows):
        sums = sums_of_others(queries, missing)
        queries = [query.ungrouped() for query in queries]
    return units_query(queries, missing, sums).run(queries[0].records.engine)


def _missing(table: pa.Table, query: CubeQuery) -> Iterator[tuple[str, int]]:
    """What a row must have, by its name in the query, and how many rows lack it."""
    for index, name in enumerate(query.needed):
        yield name, int(floats_of(table[f"missing{index}"]).sum())


def _check_faults(
    table: pa.Table, records: Records, where: Predicate | None, measure: Measure
) -> None:
    counts = [int(floats_of(table[f"fault{i}"]).sum()) for i in range(len(measure.checks))]
    broken = [(check, count) for check, count in zip(measure.checks, counts, strict=True) if count]
    if broken:
        raise_faults(records, where, measure, broken)


class _UnitReader:
    """Reads the units of several measures; those of the same cells and rows have the same places."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._places: UnitPlaces | None = None

    def read(self, query: CubeQuery, cells: CellKeys, levels: npt.NDArray[np.float64]) -> Units:
        table, known = _columns_of(self._table, query), self._places
        if known is None or "n_rows" in table.column_names or known.cells != cells:
            known = read_places(table, query, cells, levels)
        self._places = known
        return known.units(table, len(query.measure.parts))


def _read(table: pa.Table, query: CubeQuery, measure: Measure, units: _UnitReader | None) -> Cube:
    # Those that no row lacks stand there too, so that sums keep the order of the metric.
    missing = {query.needed[name]: count for name, count in _missing(table, query)}
    if measure.level and table["level"].null_count:
        table = table.filter(compute.is_valid(table["level"]))
    counted = floats_of(table["n_rows"]) > 0
    table = table if counted.all() else table.filter(pa.array(counted))
    coded = [coded_keys(table[f"a{i}"], a.name) for i, a in enumerate(query.attributes)]
    keys = CellKeys.of_codes([k for k, _ in coded], [c for _, c in coded], table.num_rows)
    levels, level = _levels(table, measure)
    shared: dict[str, Any] = {
        "attributes": tuple(attribute.name for attribute in query.attributes),
        "parts": measure.names,
        "keys": keys,
        "n_rows": integers_of(table["n_rows"]),
        "n_defined": integers_of(table["n_defined"]),
        "level": level,
        "levels": levels,
        "indicators": measure.moments is Moments.INDICATORS,
        "missing": tuple(missing.items()),
        "meaning": meaning(measure, query.attributes, query.units.values()),
        "weights": _weights(table, measure),
    }
    if units is not None:
        found = units.read(query, keys.with_numbers(level), levels)
        _check_sizes(found.sums)
        return cube_of_units(units=found, **shared)
    sums = np.stack([floats_of(table[f"s{i}"]) for i in range(len(measure.parts))], axis=1)
    _check_sizes(sums)
    comoments = _comoments(table, measure, sums)
    return Cube(
        sums=sums,
        comoments=comoments,
        powers=_powers(table, query, sums, comoments),
        powers_of=query.ratio,
        **shared,
    )


def _check_sizes(sums: npt.NDArray[np.float64]) -> None:
    """Refuse numbers whose fourth powers, which tell how surely a variance is known, fit in no float."""
    if not np.isfinite(sums).all() or np.abs(sums).max(initial=0) > LARGEST_SUM:
        raise InputError("The numbers are too large to add.  Measure them in a larger unit.")


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


def _weights(table: pa.Table, measure: Measure) -> npt.NDArray[np.float64] | None:
    """Rows of each side of a ratio and what their weights and squares add up to; shape (cells, sides, 3)."""
    if measure.weight is None:
        return None
    sides = range(len(measure.sides))
    told = [[floats_of(table[f"w{side}_{power}"]) for power in range(3)] for side in sides]
    return np.array(told).transpose(2, 0, 1)


def _levels(
    table: pa.Table, measure: Measure
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Values of the levels in rising order, and the number of each row's."""
    if not measure.level:
        return np.zeros(0), np.zeros(table.num_rows, np.int64)
    values, codes = np.unique(floats_of(table["level"]), return_inverse=True)
    return values, codes.astype(np.int64)


def _comoments(
    table: pa.Table, measure: Measure, sums: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    parts = len(measure.parts)
    n = floats_of(table["n_rows"])
    if measure.moments is Moments.INDICATORS:
        return indicator_comoments(n, sums)
    out = np.zeros((table.num_rows, parts, parts))
    for i in range(parts):
        for j in range(i + 1):
            if measure.moments is Moments.CENTRED:
                out[:, i, j] = floats_of(table[f"m{i}_{j}"]) * n
            else:
                asked = (j, i) not in measure.exclusive
                exact = floats_of(table[f"m{i}_{j}"]) if asked else (i == j) * sums[:, i]
                out[:, i, j] = exact - sums[:, i] * sums[:, j] / n
            out[:, j, i] = out[:, i, j]
    if not np.isfinite(out).all() or np.abs(out).max(initial=0) > LARGEST_SUM**2:
        raise InputError("The numbers are too large to square.  Measure them in a larger unit.")
    return out
