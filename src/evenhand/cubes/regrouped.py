"""A cube told by other attributes: its cells added up, in the order in which an engine gives them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube, Units, cube_of_units, summed_by_cell
from evenhand.groups.partition import Key

Integers = npt.NDArray[np.int64]


def regrouped(
    cube: Cube,
    attributes: Sequence[str],
    keys: Mapping[tuple[Key, ...], tuple[Key, ...]],
    *,
    numbered: Sequence[bool] = (),
) -> Cube:
    """Add up the cells of a cube that have one key under other attributes.

    Parameters
    ----------
    cube : Cube
    attributes : sequence of str
        Names of the other attributes.
    keys : Mapping of tuple to tuple
        Key of each cell under them; cells that have none are left out.
    numbered : sequence of bool
        For each column that names units, whether its values are numbers and stand in their order.

    Returns
    -------
    Cube
        As it would have been counted from the rows: cells, levels and units in the same order, whole numbers digit
        for digit; centred moments merge by Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115.
    """
    kept = np.array([key in keys for key in cube.keys], bool)
    level = np.unique(cube.level[kept], return_inverse=True)[1].reshape(-1)
    old = [key for key in cube.keys if key in keys]
    rows = list(zip((keys[key] for key in old), level.tolist(), strict=True))
    cells = sorted(set(rows), key=lambda row: (*map(_order, row[0]), row[1]))
    place = {cell: number for number, cell in enumerate(cells)}
    group = np.array([place[row] for row in rows], np.int64)
    count = len(cells)
    shared: dict[str, Any] = {
        "attributes": tuple(attributes),
        "parts": cube.parts,
        "keys": tuple(key for key, _ in cells),
        "n_rows": summed_by_cell(cube.n_rows[kept], group, count),
        "n_defined": summed_by_cell(cube.n_defined[kept], group, count),
        "level": np.array([number for _, number in cells], np.int64),
        "n_levels": 1 if cube.n_levels == 1 else int(level.max(initial=0)) + 1,
        "indicators": cube.indicators,
        "missing": cube.missing,
        "meaning": cube.meaning,
    }
    if cube.units is not None:
        whole = np.full(len(cube.keys), -1, np.int64)
        whole[kept] = group
        return cube_of_units(units=_units(cube.units, whole, numbered), **shared)
    sums = _summed(cube.sums[kept], group, count)
    n = np.maximum(cube.n_rows[kept], 1)[:, None]
    apart = cube.sums[kept] / n - (sums / np.maximum(shared["n_rows"], 1)[:, None])[group]
    between = cube.n_rows[kept][:, None, None] * apart[:, :, None] * apart[:, None, :]
    # One cell of its own is what it was: no rounding is added to it.
    between[np.bincount(group, minlength=count)[group] == 1] = 0
    return Cube(
        sums=sums,
        comoments=_summed(cube.comoments[kept] + between, group, count),
        powers=None if cube.powers is None else _summed(cube.powers[kept], group, count),
        powers_of=cube.powers_of,
        **shared,
    )


def _order(key: Key) -> tuple[bool, bool, Any]:
    return (key is None, isinstance(key, str), 0 if key is None else key)


def _summed(values: npt.NDArray[Any], group: Integers, count: int) -> npt.NDArray[Any]:
    out = np.zeros((count, *values.shape[1:]), values.dtype)
    np.add.at(out, group, values)
    return out


def _units(units: Units, group: Integers, numbered: Sequence[bool]) -> Units:
    """Pairs of a new cell and a unit, units in the order in which they are met."""
    rank, unit = _ranked(units.names, numbered), units.unit
    kept = group[units.cell] >= 0
    pairs, where = np.unique(
        group[units.cell][kept] * len(units.names) + rank[unit[kept]], return_inverse=True
    )
    by_rank = np.argsort(rank)
    met, first, unit = np.unique(pairs % len(units.names), return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return replace(
        units,
        cell=pairs // len(units.names),
        unit=number[unit],
        sums=_summed(units.sums[kept], where, len(pairs)),
        names=tuple(units.names[i] for i in by_rank[met[order]].tolist()),
    )


def _ranked(names: Sequence[str], numbered: Sequence[bool]) -> Integers:
    """Place of each unit among all, as an engine sorts them: texts by their characters, numbers as numbers."""
    several = len(numbered) > 1

    def key(place: int) -> list[Any]:
        one = json.loads(names[place]) if several else [names[place]]
        return [float(t) if n else t for t, n in zip(one, numbered or [False], strict=True)]

    rank = np.empty(len(names), np.int64)
    rank[sorted(range(len(names)), key=key)] = np.arange(len(names))
    return rank
