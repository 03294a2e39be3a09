"""The cube: counts per cell, and per unit within a cell where units are named.

A *cell* is one combination of the attributes' values.  Cubes with the same attributes and parts
add: over shards, days, machines and customers.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.deferred import parquet
from evenhand.errors import InputError
from evenhand.groups.partition import Key
from evenhand.records.output import write_file
from evenhand.results.origin import Source
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SCHEMA = "evenhand.cube/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Counts of each unit in each cell that it falls in.

    Attributes
    ----------
    cell, unit : integer arrays of shape (pairs,)
        Index of the cell, and of the unit in `names`.
    sums : array of shape (pairs, parts)
        Counts of that unit in that cell.
    names : tuple of str
        The units; where several columns name them, the JSON list of a unit's names in each.
    ways : int
        Columns that name units: rows that share any of them are not independent.
    """

    cell: Integers
    unit: Integers
    sums: Floats
    names: tuple[str, ...]
    ways: int = 1

    def by_way(self) -> list[Integers]:
        """Number of the unit of each pair, by each column that names units."""
        if self.ways == 1:
            return [self.unit]
        named = [json.loads(name) for name in self.names]
        codes = []
        for way in range(self.ways):
            place: dict[str, int] = {}
            own = [place.setdefault(name[way], len(place)) for name in named]
            codes.append(np.array(own, np.int64)[self.unit])
        return codes

    @property
    def coarsest(self) -> Integers:
        """Number of the unit of each pair, by the column that names the fewest."""
        return min(self.by_way(), key=lambda codes: int(codes.max(initial=-1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """Sufficient statistics of a measure.

    Attributes
    ----------
    attributes, parts : tuple of str
        Names of the attributes and of the counts.
    keys : tuple of tuples
        Attribute values of each cell; `None` is missing.
    n_rows : array of shape (cells,)
        Rows scored.
    n_defined : array of shape (cells,)
        Rows with a count other than zero: those that say something about the metric.
    sums : array of shape (cells, parts)
        Sums of the counts.
    comoments : array of shape (cells, parts, parts)
        Centred second moments over the `n_rows` rows; zero where `units` holds them instead.
    level : integer array of shape (cells,)
        Index of the cell's level in rising order; 0 where the measure keeps no level.
    n_levels : int
        How many levels there are.
    indicators : bool
        Whether each row adds 1 to at most one count and 0 to the others.
    units : Units, optional
        Present where a unit was named.
    powers : array of shape (cells, 9), optional
        Of a ratio of numbers of rows: sums of products of numerator and denominator of degree 3 and
        4, which tell how skewed rows are.
    powers_of : Ratio, optional
        The ratio whose numerator and denominator these are.
    missing : tuple of (str, int)
        Columns that the metric or the unit needs, with the rows that lack them.
    meaning : str
        What counts and keys stand for; only cubes of one meaning add.
    """

    attributes: tuple[str, ...]
    parts: tuple[str, ...]
    keys: tuple[tuple[Key, ...], ...]
    n_rows: Integers
    n_defined: Integers
    sums: Floats
    comoments: Floats
    level: Integers
    n_levels: int = 1
    indicators: bool = False
    units: Units | None = None
    powers: Floats | None = None
    powers_of: Ratio | None = None
    missing: tuple[tuple[str, int], ...] = ()
    meaning: str = ""

    def codes(self, names: tuple[str, ...]) -> tuple[Integers, list[tuple[Key, ...]]]:
        """Number the cells by the values of some attributes.

        Returns
        -------
        (codes, groups)
            Code of each cell, and the values behind each code in a stable order.
        """
        count = len(self.keys)
        place = np.zeros(count, np.int64)
        groups: list[tuple[Key, ...]] = [()] if count else []
        for name in names:
            codes, values = self._coded(self.attributes.index(name))
            # Numbers of combinations are in the order of their values, one attribute after the other.
            there, place = np.unique(place * len(values) + codes, return_inverse=True)
            groups = [
                (*groups[pair // len(values)], values[pair % len(values)])
                for pair in there.tolist()
            ]
        return place, groups

    def _coded(self, column: int) -> tuple[Integers, list[Key]]:
        """Number of the value of one attribute in each cell, and the values in a stable order."""
        found = [key[column] for key in self.keys]
        values = sorted(set(found), key=_order)
        place = {value: code for code, value in enumerate(values)}
        return np.fromiter(map(place.__getitem__, found), np.int64, len(found)), values

    def merge(self, other: "Cube") -> "Cube":
        """Add two cubes of the same attributes and parts.

        Centred moments are merged by Chan, Golub & LeVeque (1983),
        doi:10.1080/00031305.1983.10483115.

        Raises
        ------
        InputError
            If the cubes do not describe the same thing, or keep levels.
        """
        if (self.attributes, self.parts) != (other.attributes, other.parts):
            raise InputError("These cubes differ in attributes or counts; only like cubes add.")
        if (self.units is None) != (other.units is None):
            raise InputError("One cube names its units and the other does not; they do not add.")
        if self.meaning != other.meaning:
            raise InputError(
                f"These cubes count different things, so they do not add:\n  {self.meaning}\n  {other.meaning}"
            )
        if max(self.n_levels, other.n_levels) > 1:
            raise InputError("Cubes that keep score levels do not add; audit the joined records.")
        keys = tuple(dict.fromkeys(self.keys + other.keys))
        place = {key: index for index, key in enumerate(keys)}
        total = _placed(self, place)
        return replace(_added(total, _placed(other, place)), keys=keys)

    def write(self, path: str | Path, sources: Sequence[Source] = ()) -> None:
        """Write the cube, and which records it counts, as a Parquet file that `read` understands."""
        table = _to_arrow(self, sources)
        write_file(Path(path), lambda beside: parquet.write_table(table, beside))

    @classmethod
    def read(cls, path: str | Path) -> "Cube":
        """Read a cube that `write` wrote."""
        _metadata(path)
        table = parquet.read_table(path)
        return _from_arrow(table, json.loads(table.schema.metadata[b"evenhand"]))


def read_sources(path: str | Path) -> tuple[Source, ...]:
    """The records that a cube's file says it counts; none in files of old."""
    return tuple(Source(**source) for source in _metadata(path).get("sources", ()))


def _metadata(path: str | Path) -> dict[str, Any]:
    try:
        held = parquet.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a whole Parquet file, so it is no cube.") from error
    metadata: dict[str, Any] = json.loads(held.get(b"evenhand", b"{}"))
    if metadata.get("schema") != SCHEMA:
        raise InputError(f"{path} is no cube.  Make one with: evenhand audit … --cube FILE")
    return metadata


def _order(key: Key) -> tuple[bool, bool, Any]:
    return (key is None, isinstance(key, str), 0 if key is None else key)


def _placed(cube: Cube, place: dict[tuple[Key, ...], int]) -> Cube:
    """The same cube with its cells moved to the places of `place`; other cells are empty."""
    target = np.array([place[key] for key in cube.keys], dtype=np.int64)
    cells, parts = len(place), len(cube.parts)

    def moved(values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        out = np.zeros(shape, dtype=values.dtype)
        out[target] = values
        return out

    units = cube.units and replace(cube.units, cell=target[cube.units.cell])
    return replace(
        cube,
        n_rows=moved(cube.n_rows, (cells,)),
        n_defined=moved(cube.n_defined, (cells,)),
        sums=moved(cube.sums, (cells, parts)),
        comoments=moved(cube.comoments, (cells, parts, parts)),
        powers=None if cube.powers is None else moved(cube.powers, (cells, cube.powers.shape[1])),
        level=np.zeros(cells, np.int64),
        units=units,
    )


def _added(a: Cube, b: Cube) -> Cube:
    n = a.n_rows + b.n_rows
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.nan_to_num(a.sums / a.n_rows[:, None] - b.sums / b.n_rows[:, None])
        weight = np.where(n > 0, a.n_rows * b.n_rows / np.maximum(n, 1), 0.0)
    between = weight[:, None, None] * apart[:, :, None] * apart[:, None, :]
    if a.units is not None:
        between = np.zeros_like(between)
    missing: dict[str, int] = dict(a.missing)
    for name, count in b.missing:
        missing[name] = missing.get(name, 0) + count
    return replace(
        a,
        n_rows=n,
        n_defined=a.n_defined + b.n_defined,
        sums=a.sums + b.sums,
        comoments=a.comoments + b.comoments + between,
        powers=None
        if a.powers is None or b.powers is None or a.powers_of != b.powers_of
        else a.powers + b.powers,
        units=_added_units(a.units, b.units),
        missing=tuple(missing.items()),
    )


def _added_units(a: Units | None, b: Units | None) -> Units | None:
    if a is None or b is None:
        return None
    names = tuple(dict.fromkeys(a.names + b.names))
    place = {name: index for index, name in enumerate(names)}
    moved = [
        np.array([place[name] for name in units.names], np.int64)[units.unit] for units in (a, b)
    ]
    cell, unit = np.concatenate([a.cell, b.cell]), np.concatenate(moved)
    pairs, where = np.unique(np.stack([cell, unit]), axis=1, return_inverse=True)
    sums = np.zeros((pairs.shape[1], a.sums.shape[1]))
    np.add.at(sums, where, np.concatenate([a.sums, b.sums]))
    return Units(cell=pairs[0], unit=pairs[1], sums=sums, names=names, ways=a.ways)


def _to_arrow(cube: Cube, sources: Sequence[Source]) -> pa.Table:
    columns: dict[str, Any] = {}
    rows = np.arange(len(cube.keys)) if cube.units is None else cube.units.cell
    for index, name in enumerate(cube.attributes):
        values = [cube.keys[row][index] for row in rows]
        columns[f"attribute:{name}"] = pa.array(
            [None if v is None else json.dumps(v) for v in values], pa.string()
        )
    columns["level"] = cube.level[rows]
    if cube.units is None:
        columns |= {"n_rows": cube.n_rows, "n_defined": cube.n_defined}
        sums = cube.sums
        for i, first in enumerate(cube.parts):
            for j, second in enumerate(cube.parts[: i + 1]):
                columns[f"comoment:{first}:{second}"] = cube.comoments[:, i, j]
        if cube.powers is not None:
            columns |= {f"power:{i}": cube.powers[:, i] for i in range(cube.powers.shape[1])}
    else:
        columns["unit"] = [cube.units.names[unit] for unit in cube.units.unit]
        # Cell counts stand once, at the first unit of each cell.
        heads = np.unique(rows, return_index=True)[1]
        for name, counts in (("n_rows", cube.n_rows), ("n_defined", cube.n_defined)):
            placed = np.zeros(len(rows), np.int64)
            placed[heads] = counts[rows[heads]]
            columns[name] = placed
        sums = cube.units.sums
    for index, name in enumerate(cube.parts):
        columns[f"sum:{name}"] = sums[:, index]
    metadata = {
        "schema": SCHEMA,
        "attributes": cube.attributes,
        "parts": cube.parts,
        "n_levels": cube.n_levels,
        "indicators": cube.indicators,
        "missing": cube.missing,
        "meaning": cube.meaning,
        "sources": [asdict(source) for source in sources],
        "units": cube.units is not None,
        "ways": 1 if cube.units is None else cube.units.ways,
        "powers_of": cube.powers_of
        and {"numerator": cube.powers_of.numerator, "denominator": cube.powers_of.denominator},
    }
    return pa.table(columns).replace_schema_metadata({"evenhand": json.dumps(metadata)})


def _from_arrow(table: pa.Table, metadata: dict[str, Any]) -> Cube:
    attributes, parts = tuple(metadata["attributes"]), tuple(metadata["parts"])
    columns = [table[f"attribute:{name}"].to_pylist() for name in attributes]
    decoded = [
        [None if value is None else json.loads(value) for value in column] for column in columns
    ]
    row_keys = list(zip(*decoded, strict=True)) if decoded else [()] * table.num_rows
    sums = np.stack([table[f"sum:{name}"].to_numpy() for name in parts], axis=1).astype(float)
    counts = {name: table[name].to_numpy().astype(np.int64) for name in ("n_rows", "n_defined")}
    shared: dict[str, Any] = {
        "attributes": attributes,
        "parts": parts,
        "n_levels": metadata["n_levels"],
        "indicators": metadata["indicators"],
        "meaning": metadata["meaning"],
        "missing": tuple((name, int(count)) for name, count in metadata["missing"]),
    }
    if not metadata["units"]:
        comoments = np.zeros((table.num_rows, len(parts), len(parts)))
        for i, first in enumerate(parts):
            for j, second in enumerate(parts[: i + 1]):
                comoments[:, i, j] = comoments[:, j, i] = table[
                    f"comoment:{first}:{second}"
                ].to_numpy()
        level = table["level"].to_numpy().astype(np.int64)
        named = [name for name in table.column_names if name.startswith("power:")]
        powers = np.stack([table[name].to_numpy() for name in named], axis=1) if named else None
        return Cube(
            keys=tuple(row_keys),
            sums=sums,
            comoments=comoments,
            powers=powers,
            powers_of=_ratio(metadata.get("powers_of")),
            level=level,
            **counts,
            **shared,
        )
    leveled = list(zip(row_keys, table["level"].to_pylist(), strict=True))
    cells = list(dict.fromkeys(leveled))
    place = {cell: index for index, cell in enumerate(cells)}
    keys, levels = tuple(key for key, _ in cells), np.array([level for _, level in cells], np.int64)
    cell = np.array([place[item] for item in leveled], np.int64)
    names = tuple(dict.fromkeys(table["unit"].to_pylist()))
    order = {name: index for index, name in enumerate(names)}
    unit = np.array([order[name] for name in table["unit"].to_pylist()], np.int64)
    return cube_of_units(
        keys=keys,
        units=Units(cell=cell, unit=unit, sums=sums, names=names, ways=metadata.get("ways", 1)),
        n_rows=summed_by_cell(counts["n_rows"], cell, len(keys)),
        n_defined=summed_by_cell(counts["n_defined"], cell, len(keys)),
        level=levels,
        **shared,
    )


def _ratio(found: dict[str, list[float]] | None) -> Ratio | None:
    if not found:
        return None
    return Ratio(
        numerator=tuple(map(float, found["numerator"])),
        denominator=tuple(map(float, found["denominator"])),
    )


def summed_by_cell(values: Integers, cell: Integers, cells: int) -> Integers:
    """Sum of the values of each cell, shape (cells,)."""
    out = np.zeros(cells, np.int64)
    np.add.at(out, cell, values)
    return out


def cube_of_units(
    *, keys: tuple[tuple[Key, ...], ...], units: Units, level: Integers | None = None, **rest: Any
) -> Cube:
    """Cube whose cell sums are those of its units."""
    parts = units.sums.shape[1]
    sums = np.zeros((len(keys), parts))
    np.add.at(sums, units.cell, units.sums)
    return Cube(
        keys=keys,
        units=units,
        sums=sums,
        comoments=np.zeros((len(keys), parts, parts)),
        level=np.zeros(len(keys), np.int64) if level is None else level,
        **rest,
    )
