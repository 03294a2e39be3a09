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
from evenhand.stats.forms import Form, Ratio

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
    if cube.units is None:
        gram = _cell_products(cube, sets, gradient, pairs)
        shared = _cell_overlap(cube, sets, pairs)
        n_units = _row_units(cube, form, sets, sums)
    else:
        gram, shared, n_units = _unit_products(cube, sets, gradient, form, pairs)
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
    one, two = pairs.T if pairs is not None else (slice(None), slice(None))
    rows = np.maximum(cube.n_rows, 1).astype(float)
    for block in _blocks(cells, len(sets) * (parts + 2)):
        # Weight of each count of each cell in each set: one array (sets, block) a part.
        level = cube.level[block]
        weights = [np.where(sets[:, block], gradient[:, level, i], 0.0) for i in range(parts)]
        # Influences vary within cells by the centred moments, and between them by the means.
        means = sum(
            w * m for w, m in zip(weights, (cube.sums[block] / rows[block, None]).T, strict=True)
        )
        squares += means**2 @ rows[block]
        products += _product(means[one], means[two], rows[block], pairs)
        for i, j in np.ndindex(parts, parts):
            moment = cube.comoments[block, i, j]
            if moment.any():
                squares += (weights[i] * weights[j]) @ moment
                products += _product(weights[i][one], weights[j][two], moment, pairs)
    return products, squares


def _product(first: Floats, second: Floats, scale: Floats, pairs: Integers | None) -> Floats:
    """Scaled products of two arrays (sets, cells) summed over cells: of all rows, or row by row."""
    return np.asarray(
        (first * scale) @ second.T if pairs is None else (first * second) @ scale, float
    )


def _row_units(cube: Cube, form: Form, sets: Bools, sums: Floats) -> Integers:
    """Rows that say something about the metric, of the scarcest side."""
    if isinstance(form, Ratio) and not cube.indicators:
        return np.asarray(sets @ cube.n_defined, np.int64)
    sides = [sums[:, :, list(side)].sum(axis=(1, 2)) for side in form.sides]
    return np.asarray(np.rint(np.min(sides, axis=0)), np.int64)


def _cell_overlap(cube: Cube, sets: Bools, pairs: Integers | None) -> Integers:
    """Rows that two sets share."""
    if pairs is None:
        overlap = (sets * cube.n_rows.astype(float)) @ sets.T.astype(float)
        return np.asarray(np.rint(overlap), np.int64)
    return np.array([(sets[one] & sets[two]) @ cube.n_rows for one, two in pairs], np.int64)


def _unit_products(
    cube: Cube, sets: Bools, gradient: Floats, form: Form, pairs: Integers | None
) -> tuple[Gram, Integers, Integers]:
    """Products of influences over named units."""
    assert cube.units is not None
    shape = (len(sets), len(sets)) if pairs is None else (len(pairs),)
    products, shared = np.zeros(shape), np.zeros(shape)
    squares, n_units = np.zeros(len(sets)), np.zeros((len(form.sides), len(sets)))
    for influence, sides in _unit_influences(cube, sets, gradient, form):
        squares += (influence**2).sum(axis=0)
        n_units += sides.sum(axis=1)
        present = sides.max(axis=0)
        if pairs is None:
            products += influence.T @ influence
            shared += present.T @ present
        else:
            one, two = pairs.T
            products += (influence[:, one] * influence[:, two]).sum(axis=0)
            shared += (present[:, one] * present[:, two]).sum(axis=0)
    return (products, squares), shared.astype(np.int64), n_units.min(axis=0).astype(np.int64)


def _unit_influences(
    cube: Cube, sets: Bools, gradient: Floats, form: Form
) -> Iterator[tuple[Floats, Floats]]:
    """Influence of each unit on each set, and which sides of the form it has there.

    Blocks of shape (units, sets) and (sides, units, sets).
    """
    units = cube.units
    assert units is not None
    order = np.argsort(units.unit, kind="stable")
    cell, unit, sums = units.cell[order], units.unit[order], units.sums[order]
    says = np.array([(sums[:, list(side)] != 0).any(axis=1) for side in form.sides])
    for block in _blocks(len(order), len(sets) * (3 + len(says)), boundaries=unit):
        inside = sets[:, cell[block]]
        weights = gradient[:, cube.level[cell[block]], :]
        influence = np.where(inside, np.einsum("krp,rp->kr", weights, sums[block]), 0.0)
        present = inside & says[:, None, block]
        starts = np.flatnonzero(np.diff(unit[block], prepend=-1))
        yield (
            np.add.reduceat(influence, starts, axis=1).T,
            np.maximum.reduceat(present, starts, axis=2).transpose(0, 2, 1).astype(float),
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
