"""Counted records as a Parquet file: a row for each cell (and unit) of each metric, the question in its metadata."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes.columns import coded, key_of
from evenhand.cubes.counted import CountedMetric, CountedRecords, CountedSource
from evenhand.cubes.counted_checks import check_counts, check_places, check_told
from evenhand.cubes.cube import Cube, Units, cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.cubes.moments import summed
from evenhand.deferred import parquet
from evenhand.errors import InputError, Note
from evenhand.groups import Attribute, parse_predicate
from evenhand.groups.partition import Key
from evenhand.records import Column, Kind
from evenhand.records.files import CUBE_SCHEMA, begins_as_parquet
from evenhand.records.output import write_file
from evenhand.results.origin import versions
from evenhand.stats.forms import Ratio

SCHEMA = f"{CUBE_SCHEMA}3"
_COMMAND = "evenhand cube count TABLE --metric … --by … --out FILE"
_ADVICE = f"Count the records again: {_COMMAND}"


def write_cube(counted: CountedRecords, path: str | Path) -> None:
    """Write counted records as a Parquet file that `read_cube` understands."""
    if not isinstance(counted, CountedRecords) or not isinstance(path, str | Path):
        raise InputError(
            "write_cube takes what count_cube gave, and then the path of a file: write_cube(counted, 'sum.cube')"
        )
    tables = [_rows(place, metric.cube) for place, metric in enumerate(counted.metrics)]
    table = pa.concat_tables(tables, promote_options="default")
    metadata = {
        "schema": SCHEMA,
        "attributes": [
            {"name": a.name, "edges": a.edges, "predicate": a.predicate is not None}
            for a in counted.attributes
        ],
        "by": counted.by,
        "units": counted.units,
        "weight": counted.weight,
        "stratum": counted.stratum,
        "columns": [[column.name, column.kind] for column in counted.columns],
        "missing_values": counted.missing_values,
        "declared": counted.declared,
        "sources": [asdict(source) for source in counted.sources],
        "notes": [asdict(note) for note in counted.notes],
        "metrics": [_described(metric) for metric in counted.metrics],
        "versions": dict(versions()),
    }
    marked = table.replace_schema_metadata({"evenhand": json.dumps(metadata)})
    write_file(
        Path(path), lambda beside: parquet.write_table(marked, beside, write_page_checksum=True)
    )


def read_cube(path: str | Path) -> CountedRecords:
    """Read what `write_cube` wrote.

    Raises
    ------
    InputError
        Where it is no such file, or a damaged one.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"path is {path!r:.40}, but must be the path of a file.")
    metadata = _metadata(path)
    try:
        check_told(metadata)
        table = parquet.read_table(path, page_checksum_verification=True)
        check_places(table["metric"], len(metadata["metrics"]))
        columns = tuple(Column(name=n, kind=Kind(kind)) for n, kind in metadata["columns"])
        attributes = tuple(_attribute(told, columns) for told in metadata["attributes"])
        metrics = tuple(
            _metric(table, place, told, attributes, len(metadata["units"]))
            for place, told in enumerate(metadata["metrics"])
        )
        for metric in metrics:
            check_counts(metric, attributes, metadata["units"], columns)
        return CountedRecords(
            attributes=attributes,
            by=tuple(metadata["by"]),
            units=tuple(metadata["units"]),
            weight=metadata.get("weight"),
            stratum=metadata.get("stratum"),
            columns=columns,
            metrics=metrics,
            sources=tuple(CountedSource(**source) for source in metadata["sources"]),
            notes=_notes(metadata["notes"]),
            missing_values=tuple(metadata["missing_values"]),
            declared=metadata["declared"],
            path=Path(path),
        )
    except (
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        InputError,
        OSError,
        pa.ArrowException,
    ) as error:
        raise InputError(f"{path} is a damaged cube ({_first(error)}).  {_ADVICE}") from error


def _metadata(path: str | Path) -> dict[str, Any]:
    try:
        held = parquet.read_schema(path).metadata or {}
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        if Path(path).stat().st_size and not begins_as_parquet(Path(path)):
            raise _no_cube(path) from error
        raise InputError(
            f"{path} is not a whole Parquet file, so it is no cube.  Copy it again, or count the records again: "
            f"{_COMMAND}"
        ) from error
    try:
        metadata = json.loads(held.get(b"evenhand", b"{}"))
    except (ValueError, RecursionError):
        metadata = {}
    schema = metadata.get("schema", "") if isinstance(metadata, dict) else ""
    if schema == SCHEMA:
        return dict(metadata)
    if str(schema).startswith(CUBE_SCHEMA):
        raise InputError(
            f"{path} is a cube of another version ({schema}, not {SCHEMA}).  {_ADVICE}"
        )
    raise _no_cube(path)


def _no_cube(path: str | Path) -> InputError:
    return InputError(f"{path} is no cube.  Make one with: {_COMMAND}")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


# -- writing ------------------------------------------------------------------------------------


def _described(metric: CountedMetric) -> dict[str, Any]:
    cube = metric.cube
    return {
        "metric": metric.text,
        "higher_is_worse": metric.higher_is_worse,
        "form": metric.form,
        "proportion": metric.proportion,
        "bounds": metric.bounds,
        "notes": [asdict(note) for note in metric.notes],
        "parts": cube.parts,
        "leveled": bool(len(cube.levels)),
        "indicators": cube.indicators,
        "missing": cube.missing,
        "meaning": cube.meaning,
        "weighted": None if cube.weights is None else cube.weights.shape[1],
        "powers_of": cube.powers_of
        and {"numerator": cube.powers_of.numerator, "denominator": cube.powers_of.denominator},
    }


def _rows(place: int, cube: Cube) -> pa.Table:
    """Cells of a cube, or its pairs of a cell and a unit."""
    rows = np.arange(len(cube.keys)) if cube.units is None else cube.units.cell
    columns: dict[str, Any] = {"metric": np.full(len(rows), place, np.int16)}
    for index in range(len(cube.attributes)):
        columns[f"attribute:{index}"] = _written(cube.keys, index, rows)
    if len(cube.levels):
        columns["level"] = cube.levels[cube.level[rows]]
    if cube.units is None:
        columns |= {"n_rows": cube.n_rows, "n_defined": cube.n_defined, **dict(_weights(cube))}
        sums = cube.sums
        for i in range(len(cube.parts)):
            for j in range(i + 1):
                columns[f"comoment:{i}:{j}"] = cube.comoments[:, i, j]
        if cube.powers is not None:
            columns |= {f"power:{i}": cube.powers[:, i] for i in range(cube.powers.shape[1])}
    else:
        columns["unit"] = pa.array(cube.units.names, pa.string()).take(pa.array(cube.units.unit))
        # Cell counts stand once, at the first unit of each cell.
        heads = np.unique(rows, return_index=True)[1]
        for name, counts in (
            ("n_rows", cube.n_rows),
            ("n_defined", cube.n_defined),
            *_weights(cube),
        ):
            placed = np.zeros(len(rows), counts.dtype)
            placed[heads] = counts[rows[heads]]
            columns[name] = placed
        sums = cube.units.sums
    for index in range(len(cube.parts)):
        columns[f"sum:{index}"] = sums[:, index]
    return pa.table(columns)


def _weights(cube: Cube) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """What is known of the weights of each cell's rows, by the names of its columns."""
    if cube.weights is not None:
        for name, place in zip(
            _weight_names(cube.weights.shape[1]), np.ndindex(cube.weights.shape[1:]), strict=True
        ):
            yield name, cube.weights[(slice(None), *place)]


def _weight_names(sides: int) -> list[str]:
    return [f"weight:{side}:{power}" for side in range(sides) for power in range(3)]


def _written(keys: CellKeys, place: int, rows: npt.NDArray[np.int64]) -> pa.Array:
    """Values of cells as JSON, one for each row; each value is written once."""
    texts = [None if value is None else json.dumps(value) for value in keys.values[place]]
    return pa.array(texts, pa.string()).take(pa.array(keys.codes[place][rows]))


# -- reading ------------------------------------------------------------------------------------


def _attribute(told: Mapping[str, Any], columns: Sequence[Column]) -> Attribute:
    name = told["name"]
    predicate = parse_predicate(name, columns, label="by") if told["predicate"] else None
    edges = None if told["edges"] is None else tuple(told["edges"])
    return Attribute(name=name, edges=edges, predicate=predicate)


def _notes(told: Sequence[Mapping[str, str]]) -> tuple[Note, ...]:
    return tuple(Note(code=note["code"], text=note["text"]) for note in told)


def _metric(
    table: pa.Table,
    place: int,
    told: Mapping[str, Any],
    attributes: Sequence[Attribute],
    ways: int,
) -> CountedMetric:
    chosen = np.flatnonzero(table["metric"].to_numpy() == place)
    rows = table.take(pa.array(chosen)) if len(chosen) < table.num_rows else table
    return CountedMetric(
        text=told["metric"],
        higher_is_worse=None if told["higher_is_worse"] is None else bool(told["higher_is_worse"]),
        form=dict(told["form"]),
        cube=_cube(rows, told, attributes, ways),
        proportion=bool(told["proportion"]),
        bounds=None if told["bounds"] is None else (told["bounds"][0], told["bounds"][1]),
        notes=_notes(told["notes"]),
    )


def _cube(
    rows: pa.Table, told: Mapping[str, Any], attributes: Sequence[Attribute], ways: int
) -> Cube:
    levels, of_row = np.zeros(0), np.zeros(rows.num_rows, np.int64)
    if told["leveled"]:
        levels, of_row = np.unique(_floats(rows, ["level"])[:, 0], return_inverse=True)
    keys, cell, level = _cells(rows, of_row, len(attributes))
    parts = tuple(told["parts"])
    sums = _floats(rows, [f"sum:{i}" for i in range(len(parts))])
    counts = {name: _counts(rows, name) for name in ("n_rows", "n_defined")}
    shared: dict[str, Any] = {
        "attributes": tuple(attribute.name for attribute in attributes),
        "parts": parts,
        "keys": keys,
        "level": level,
        "levels": levels,
        "indicators": bool(told["indicators"]),
        "meaning": str(told["meaning"]),
        "missing": tuple((str(name), int(count)) for name, count in told["missing"]),
        **{name: summed(values, cell, len(keys)) for name, values in counts.items()},
    }
    if told.get("weighted"):
        weights = _floats(rows, _weight_names(int(told["weighted"])))
        by_cell = summed(weights, cell, len(keys))
        shared["weights"] = by_cell.reshape(len(keys), -1, 3)
    if ways:
        if not pa.types.is_string(rows["unit"].type) or rows["unit"].null_count:
            raise TypeError("a unit has no name")
        named = rows["unit"].combine_chunks().dictionary_encode()
        units = Units(
            cell=cell,
            unit=named.indices.to_numpy().astype(np.int64),
            sums=sums,
            names=tuple(named.dictionary.to_pylist()),
            ways=ways,
        )
        return cube_of_units(units=units, **shared)
    if len(keys) < rows.num_rows:
        raise ValueError("a cell stands there twice")
    comoments = np.zeros((rows.num_rows, len(parts), len(parts)))
    for i in range(len(parts)):
        for j in range(i + 1):
            comoments[:, i, j] = comoments[:, j, i] = rows[f"comoment:{i}:{j}"].to_numpy()
    powers = told["powers_of"] and [n for n in rows.column_names if n.startswith("power:")]
    return Cube(
        sums=sums,
        comoments=comoments,
        powers=_floats(rows, powers) if powers else None,
        powers_of=_ratio(told["powers_of"]),
        **shared,
    )


def _cells(
    rows: pa.Table, level: npt.NDArray[np.int64], attributes: int
) -> tuple[CellKeys, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Keys and levels of the cells in the order in which they stand, and the cell of each row."""
    codes, values = [], []
    for index in range(attributes):
        own, texts = coded(rows[f"attribute:{index}"])
        values.append([_key(text) for text in texts.to_pylist()])
        codes.append(own)
    keys = CellKeys.of_codes(values, codes, rows.num_rows)
    place, cells = keys.with_numbers(level).numbered()
    first = np.empty(len(cells), np.int64)
    # Of rows of one cell, the first is written last.
    first[place[::-1]] = np.arange(len(place))[::-1]
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return keys.take(first[order]), rank[place], level[first[order]]


def _key(text: str | None) -> Key:
    value = None if text is None else json.loads(text)
    if value is None or isinstance(value, str | int | float | bool):
        return key_of(value)
    raise TypeError(f"{value!r} is no value of a group")


def _counts(rows: pa.Table, name: str) -> npt.NDArray[np.int64]:
    if not pa.types.is_integer(rows[name].type) or rows[name].null_count:
        raise TypeError(f"{name} holds {rows[name].type} values, or none")
    values: npt.NDArray[np.int64] = rows[name].to_numpy().astype(np.int64)
    if (values < 0).any():
        raise ValueError(f"{name} is below 0")
    return values


def _floats(rows: pa.Table, names: Sequence[str]) -> npt.NDArray[np.float64]:
    out = np.empty((rows.num_rows, len(names)))
    for index, name in enumerate(names):
        out[:, index] = rows[name].to_numpy()
    if not np.isfinite(out).all():
        raise ValueError("a sum is no finite number")
    return out


def _ratio(found: Mapping[str, Sequence[float]] | None) -> Ratio | None:
    if found is None:
        return None
    return Ratio(numerator=tuple(found["numerator"]), denominator=tuple(found["denominator"]))
