"""The cube: counts per cell, and per unit within a cell where units are named.

A *cell* is one combination of the attributes' values.  Cubes with the same attributes and parts
add: over shards, days, machines and customers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes.keys import CellKeys
from evenhand.cubes.moments import indicator_comoments, merged_comoments, summed
from evenhand.errors import InputError
from evenhand.groups.partition import Key
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


#: More distinct scores than this are rounded to as many quantiles.
MAX_LEVELS = 32_768


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

    def beside(self, other: "Units", *, first: int) -> "Units":
        """The pairs of both, not yet added up; the other's cells are numbered from `first`."""
        names = tuple(dict.fromkeys(self.names + other.names))
        place = {name: index for index, name in enumerate(names)}
        unit = [
            np.array([place[name] for name in one.names], np.int64)[one.unit]
            for one in (self, other)
        ]
        return replace(
            self,
            cell=np.concatenate([self.cell, other.cell + first]),
            unit=np.concatenate(unit),
            sums=np.concatenate([self.sums, other.sums]),
            names=names,
        )

    def regrouped(self, group: Integers, numbered: Sequence[bool]) -> "Units":
        """Pairs of a new cell and a unit, units in the order in which they are met.

        Parameters
        ----------
        group : integer array of shape (cells,)
            Number of each cell's new cell, -1 where it is left out.
        numbered : sequence of bool
            As for `Cube.regrouped`.
        """
        rank, count = self._ranks(numbered), max(len(self.names), 1)
        kept = group[self.cell] >= 0
        pairs, where = np.unique(
            group[self.cell][kept] * count + rank[self.unit[kept]], return_inverse=True
        )
        met, first, unit = np.unique(pairs % count, return_index=True, return_inverse=True)
        names = [self.names[i] for i in np.argsort(rank)[met].tolist()]
        order = self._order(names, np.argsort(first).tolist())
        number = np.empty(len(order), np.int64)
        number[order] = np.arange(len(order))
        return replace(
            self,
            cell=pairs // count,
            unit=number[unit],
            sums=summed(self.sums[kept], where, len(pairs)),
            names=tuple(names[i] for i in order),
        )

    def _order(self, names: Sequence[str], met: list[int]) -> list[int]:
        """Units in the order of an engine's answer: as they are met, column by column."""
        if self.ways == 1:
            return met
        told = [json.loads(names[i]) for i in met]
        place: list[dict[str, int]] = [{} for _ in range(self.ways)]
        codes = [
            [one.setdefault(name, len(one)) for one, name in zip(place, own, strict=True)]
            for own in told
        ]
        return [i for _, i in sorted(zip(codes, met, strict=True))]

    def _ranks(self, numbered: Sequence[bool]) -> Integers:
        """Place of each unit among all, as an engine sorts them: texts by their characters, numbers as numbers."""

        def key(place: int) -> list[Any]:
            name = self.names[place]
            one = json.loads(name) if self.ways > 1 else [name]
            told = numbered or [False] * self.ways
            # Numbers of many digits differ where their floats are equal.
            return [
                Decimal(text) if is_number else text
                for text, is_number in zip(one, told, strict=True)
            ]

        rank = np.empty(len(self.names), np.int64)
        rank[sorted(range(len(self.names)), key=key)] = np.arange(len(self.names))
        return rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """Sufficient statistics of a measure.

    Attributes
    ----------
    attributes, parts : tuple of str
        Names of the attributes and of the counts.
    keys : CellKeys
        Attribute values of each cell, a tuple each; `None` is missing.
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
    levels : array of shape (levels,)
        Values of the levels in rising order; empty where the measure keeps none.
    indicators : bool
        Whether each row adds 1 to at most one count and 0 to the others.
    units : Units, optional
        Present where a unit was named.
    powers : array of shape (cells, 9), optional
        Of a ratio of numbers of rows: sums of products of numerator and denominator of degree 3 and
        4, which tell how skewed rows are.
    powers_of : Ratio, optional
        The ratio whose numerator and denominator these are.
    weights : array of shape (cells, sides, 3), optional
        Of weighted rows: for each side of the ratio the rows that have it, the sum of their weights
        and the sum of the squares.
    stratum : str, optional
        The attribute that tells strata of the sample apart.
    missing : tuple of (str, int)
        Columns that the metric or the unit needs, with the rows that lack them.
    meaning : str
        What counts and keys stand for; only cubes of one meaning add.
    """

    attributes: tuple[str, ...]
    parts: tuple[str, ...]
    keys: CellKeys
    n_rows: Integers
    n_defined: Integers
    sums: Floats
    comoments: Floats
    level: Integers
    levels: Floats = field(default_factory=lambda: np.zeros(0))
    indicators: bool = False
    units: Units | None = None
    powers: Floats | None = None
    powers_of: Ratio | None = None
    weights: Floats | None = None
    stratum: str | None = None
    missing: tuple[tuple[str, int], ...] = ()
    meaning: str = ""

    @property
    def n_levels(self) -> int:
        """How many levels there are: 1 where the measure keeps none."""
        return max(len(self.levels), 1)

    def codes(self, names: tuple[str, ...]) -> tuple[Integers, list[tuple[Key, ...]]]:
        """Number the cells by the values of some attributes.

        Returns
        -------
        (codes, groups)
            Code of each cell, and the values behind each code in a stable order.
        """
        places = [self.attributes.index(name) for name in names]
        codes, groups = self.keys.only(places).numbered()
        return codes, list(groups)

    def merge(self, other: "Cube") -> "Cube":
        """Add two cubes of the same attributes and parts.

        Raises
        ------
        InputError
            If the cubes do not describe the same thing.
        """
        if (self.attributes, self.parts) != (other.attributes, other.parts):
            raise InputError("These cubes differ in attributes or counts; only like cubes add.")
        if (self.units is None) != (other.units is None):
            raise InputError("One cube names its units and the other does not; they do not add.")
        if self.meaning != other.meaning:
            mine, theirs = (one.meaning.split("; ") for one in (self, other))
            own = "; ".join(part for part in mine if part not in theirs)
            its = "; ".join(part for part in theirs if part not in mine)
            raise InputError(
                f"These cubes count different things, so they do not add:\n  {own}\n  {its}\n"
                "Where numbers are told from a middle of their own (r_squared, level='interval'), count all records "
                "in one run."
            )
        both = self.beside(other)
        added = both.regrouped(self.attributes, both.keys)
        return _coarser(added) if len(added.levels) > MAX_LEVELS else added

    def beside(self, other: "Cube") -> "Cube":
        """The cells of both, not yet added up; the other's counts must be those of this one."""
        missing: dict[str, int] = dict(self.missing)
        for name, number in other.missing:
            missing[name] = missing.get(name, 0) + number
        levels = np.union1d(self.levels, other.levels)
        own = [
            np.searchsorted(levels, cube.levels)[cube.level] if len(levels) else cube.level
            for cube in (self, other)
        ]
        powers = None
        if self.powers is not None and other.powers is not None:
            alike = self.powers_of == other.powers_of
            powers = np.concatenate([self.powers, other.powers]) if alike else None
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        units = None
        if self.units is not None and other.units is not None:
            units = self.units.beside(other.units, first=len(self.keys))
        return replace(
            self,
            keys=self.keys.beside(other.keys),
            n_rows=np.concatenate([self.n_rows, other.n_rows]),
            n_defined=np.concatenate([self.n_defined, other.n_defined]),
            sums=np.concatenate([self.sums, other.sums]),
            comoments=np.concatenate([self.comoments, other.comoments]),
            powers=powers,
            weights=weights,
            level=np.concatenate(own),
            levels=levels,
            units=units,
            missing=tuple(missing.items()),
        )

    def regrouped(
        self,
        attributes: Sequence[str],
        keys: CellKeys,
        *,
        kept: npt.NDArray[np.bool_] | None = None,
        numbered: Sequence[bool] = (),
    ) -> "Cube":
        """Add up the cells that have one key under other attributes.

        Parameters
        ----------
        attributes : sequence of str
            Names of the other attributes.
        keys : CellKeys
            Key of each cell under them.
        kept : bool array of shape (cells,), optional
            Cells that are not left out.
        numbered : sequence of bool
            For each column that names units, whether its values are numbers and stand in their order.

        Returns
        -------
        Cube
            As it would have been counted from the rows: cells, levels and units in the order in which an engine gives
            them, whole numbers digit for digit.
        """
        some = np.arange(len(keys)) if kept is None else np.flatnonzero(kept)
        group, cells = keys.take(some).with_numbers(self.level[some]).numbered()
        used, count = np.flatnonzero(np.bincount(self.level[some])), len(cells)
        shared: dict[str, Any] = {
            "attributes": tuple(attributes),
            "parts": self.parts,
            "keys": cells.only(range(len(attributes))),
            "n_rows": summed(self.n_rows[some], group, count),
            "n_defined": summed(self.n_defined[some], group, count),
            "level": np.searchsorted(used, cells.codes[-1]),
            "levels": self.levels[used] if len(self.levels) else self.levels,
            "indicators": self.indicators,
            "missing": self.missing,
            "meaning": self.meaning,
            "stratum": self.stratum if self.stratum in attributes else None,
            "weights": None if self.weights is None else summed(self.weights[some], group, count),
        }
        if self.units is not None:
            whole = np.full(len(self.keys), -1, np.int64)
            whole[some] = group
            return cube_of_units(units=self.units.regrouped(whole, numbered), **shared)
        sums, rows = summed(self.sums[some], group, count), shared["n_rows"]
        comoments = (
            indicator_comoments(rows, sums)
            if self.indicators
            else merged_comoments(
                self.n_rows[some], self.sums[some], self.comoments[some], group, sums, rows
            )
        )
        return Cube(
            sums=sums,
            comoments=comoments,
            powers=None if self.powers is None else summed(self.powers[some], group, count),
            powers_of=self.powers_of,
            **shared,
        )


def _coarser(cube: Cube) -> Cube:
    """Scores rounded down to as many quantiles as are kept of a table that has more."""
    rows = np.bincount(cube.level, cube.n_rows, len(cube.levels))
    before = np.cumsum(rows) - rows
    tile = (before * MAX_LEVELS // max(rows.sum(), 1)).astype(np.int64)
    _, first, number = np.unique(tile, return_index=True, return_inverse=True)
    rounded = replace(cube, level=number[cube.level], levels=cube.levels[first])
    return rounded.regrouped(cube.attributes, cube.keys)


def cube_of_units(
    *, keys: CellKeys, units: Units, level: Integers | None = None, **rest: Any
) -> Cube:
    """Cube whose cell sums are those of its units."""
    parts = units.sums.shape[1]
    return Cube(
        keys=keys,
        units=units,
        sums=summed(units.sums, units.cell, len(keys)),
        comoments=np.zeros((len(keys), parts, parts)),
        level=np.zeros(len(keys), np.int64) if level is None else level,
        **rest,
    )
