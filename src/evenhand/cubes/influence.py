"""Cube to estimates: values, standard errors and covariances of sets of cells.

The bridge between counts and statistics.  A *set* is any union of cells: a group, the rest, all.
The influence of a unit on a set's value is ``gradient . s_u`` (see `evenhand.stats.forms`), so the
covariance of any two sets' values, sharing units or not, is a sum of products of influences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.stats.forms import Form

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# Influence values are made in blocks of at most this many numbers.
BLOCK_NUMBERS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Values of sets of cells, and how they vary together.

    Attributes
    ----------
    values : array of shape (sets,)
        NaN where undefined.
    sums : array of shape (sets, levels, parts)
        The counts behind them.
    n_rows, n_units : integer arrays of shape (sets,)
        Rows scored, and independent units that say something about the metric.
    variances : array of shape (sets,)
        Linearised variances, times n / (n - 1).
    shared : integer array of shape (sets, sets) or (pairs,)
        Units that occur in both sets.
    covariance : array, as `shared`
        Covariances: of all pairs of sets, or only of the pairs asked for.
    """

    values: Floats
    sums: Floats
    n_rows: Integers
    n_units: Integers
    variances: Floats
    shared: Integers
    covariance: Floats


def estimate(cube: Cube, form: Form, sets: Bools, pairs: Integers | None = None) -> Estimates:
    """Values and covariances of sets of cells.

    Parameters
    ----------
    cube : Cube
        The counts.
    form : Form
        How the metric's value follows from them.
    sets : bool array of shape (sets, cells)
        Which cells belong to each set.
    pairs : integer array of shape (pairs, 2), optional
        Where given, covariances of these pairs of sets only; it keeps thousands of groups cheap.

    Notes
    -----
    Units are assumed independent of each other; a unit may fall in several sets, which is how
    paired comparisons come about.  Cost: sets² · units, or (sets + pairs) · units.
    """
    sums = _set_sums(cube, sets)
    gradient = form.gradient(sums)
    values = form.value(sums)
    n_rows = sets @ cube.n_rows
    relevant = form.relevant(len(cube.parts))
    if cube.units is None:
        counted = (
            np.rint(cube.sums @ relevant).astype(np.int64) if cube.indicators else cube.n_defined
        )
        n_units = (sets @ counted).astype(np.int64)
        gram = _cell_products(cube, sets, gradient, pairs)
        shared = _cell_overlap(counted, sets, pairs)
    else:
        gram, shared, n_units = _unit_products(cube, sets, gradient, relevant, pairs)
    correction = np.sqrt(np.where(n_units > 1, n_units / np.maximum(n_units - 1, 1), np.nan))
    products, squares = gram
    if pairs is None:
        covariance = products * correction[:, None] * correction[None, :]
    else:
        covariance = products * correction[pairs[:, 0]] * correction[pairs[:, 1]]
    return Estimates(
        values=values,
        sums=sums,
        n_rows=n_rows,
        n_units=n_units,
        variances=_without_rounding(squares * correction**2, values),
        shared=shared,
        covariance=covariance,
    )


def _without_rounding(variances: Floats, values: Floats) -> Floats:
    """Variances that are nothing but rounding become exactly 0."""
    return np.where(variances <= (1e-13 * np.nan_to_num(values)) ** 2, 0.0, variances)


def _set_sums(cube: Cube, sets: Bools) -> Floats:
    if cube.n_levels == 1:
        return (sets.astype(float) @ cube.sums)[:, None, :]
    out = np.zeros((len(sets), cube.n_levels, cube.sums.shape[1]))
    for row, cells in enumerate(sets):
        for part in range(out.shape[2]):
            out[row, :, part] = np.bincount(
                cube.level[cells], cube.sums[cells, part], cube.n_levels
            )
    return out


Gram = tuple[Floats, Floats]


def _cell_products(cube: Cube, sets: Bools, gradient: Floats, pairs: Integers | None) -> Gram:
    """Products of influences where each row is its own unit: from the cells' second moments."""
    cells, parts = cube.sums.shape
    products = np.zeros((len(sets), len(sets)) if pairs is None else len(pairs))
    squares = np.zeros(len(sets))
    rows = np.maximum(cube.n_rows, 1).astype(float)
    for block in _blocks(cells, len(sets) * (parts + 1)):
        # Weight of each count of each cell in each set: shape (parts, sets, block).
        weights = np.where(
            sets[:, block], gradient[:, cube.level[block], :].transpose(2, 0, 1), 0.0
        )
        mean = np.einsum("pkc,cp->kc", weights, cube.sums[block] / rows[block, None])
        moment = cube.comoments[block]
        spread = np.einsum("pkc,cpq->qkc", weights, moment)
        squares += (spread * weights).sum(axis=(0, 2)) + (mean**2 * rows[block]).sum(axis=1)
        if pairs is None:
            products += (
                sum(spread[q] @ weights[q].T for q in range(parts)) + (mean * rows[block]) @ mean.T
            )
        else:
            one, two = pairs.T
            products += (spread[:, one] * weights[:, two]).sum(axis=(0, 2))
            products += (mean[one] * mean[two] * rows[block]).sum(axis=1)
    return products, squares


def _cell_overlap(counted: Integers, sets: Bools, pairs: Integers | None) -> Integers:
    if pairs is None:
        return np.asarray((sets * counted) @ sets.T.astype(np.int64), np.int64)
    return np.array([(sets[one] & sets[two]) @ counted for one, two in pairs], np.int64)


def _unit_products(
    cube: Cube, sets: Bools, gradient: Floats, relevant: Bools, pairs: Integers | None
) -> tuple[Gram, Integers, Integers]:
    """Products of influences over named units."""
    assert cube.units is not None
    shape = (len(sets), len(sets)) if pairs is None else (len(pairs),)
    products, shared = np.zeros(shape), np.zeros(shape)
    squares, n_units = np.zeros(len(sets)), np.zeros(len(sets))
    for influence, present in _unit_influences(cube, sets, gradient, relevant):
        squares += (influence**2).sum(axis=0)
        n_units += present.sum(axis=0)
        if pairs is None:
            products += influence.T @ influence
            shared += present.T @ present
        else:
            one, two = pairs.T
            products += (influence[:, one] * influence[:, two]).sum(axis=0)
            shared += (present[:, one] * present[:, two]).sum(axis=0)
    return (products, squares), shared.astype(np.int64), n_units.astype(np.int64)


def _unit_influences(
    cube: Cube, sets: Bools, gradient: Floats, relevant: Bools
) -> Iterator[tuple[Floats, Floats]]:
    """Influence of each unit on each set, and whether it occurs there: blocks of (units, sets)."""
    units = cube.units
    assert units is not None
    order = np.argsort(units.unit, kind="stable")
    cell, unit, sums = units.cell[order], units.unit[order], units.sums[order]
    says_something = (sums[:, relevant] != 0).any(axis=1)
    for block in _blocks(len(order), len(sets) * 4, boundaries=unit):
        inside = sets[:, cell[block]]
        weights = gradient[:, cube.level[cell[block]], :]
        influence = np.where(inside, np.einsum("krp,rp->kr", weights, sums[block]), 0.0)
        present = inside & says_something[block]
        starts = np.flatnonzero(np.diff(unit[block], prepend=-1))
        yield (
            np.add.reduceat(influence, starts, axis=1).T,
            np.maximum.reduceat(present, starts, axis=1).T.astype(float),
        )


def _blocks(length: int, numbers_each: int, boundaries: Integers | None = None) -> Iterator[slice]:
    """Slices of at most `BLOCK_NUMBERS` numbers; a boundary value is never cut in two."""
    size = max(1, BLOCK_NUMBERS // max(numbers_each, 1))
    start = 0
    while start < length:
        stop = min(start + size, length)
        while boundaries is not None and stop < length and boundaries[stop] == boundaries[stop - 1]:
            stop += 1
        yield slice(start, stop)
        start = stop
