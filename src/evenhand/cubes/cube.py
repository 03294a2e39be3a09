"""The cube: counts per cell, and per unit within a cell where units are named.

A *cell* is one combination of the attributes' values.  Cubes with the same attributes and parts
add: over shards, days, machines and customers.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError
from evenhand.groups.partition import Key
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


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
        place, groups = np.zeros(count, np.int64), [()] if count else []
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
