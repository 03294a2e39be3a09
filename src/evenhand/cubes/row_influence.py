"""Influences of rows that are their own units: from second moments of cells, never from rows."""

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.cubes.influence import InfluenceMoments, blocks
from evenhand.stats.forms import Form, Ratio, Sized, Smooth

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def moments_of_rows(
    cube: Cube, form: Form, sets: Bools, sums: Floats, gradient: Floats, pairs: Integers | None
) -> InfluenceMoments:
    """Moments of influences where each row is its own unit."""
    n_units = _row_units(cube, form, sets, sums)
    squares, products = cell_products(cube, sets, gradient, pairs)
    root = np.sqrt(np.where(n_units > 1, n_units / np.maximum(n_units - 1, 1), np.nan))
    one, two = (root[:, None], root[None, :]) if pairs is None else root[pairs.T]
    third, fourth = _row_powers(cube, form, sets, sums, gradient)
    n_effective = _row_sizes(cube, form, sets, n_units)
    return InfluenceMoments(
        squares=squares * root**2,
        products=products * one * two,
        third=third,
        fourth=fourth,
        shared=_cell_overlap(cube, sets, pairs),
        n_units=n_units,
        n_effective=n_effective,
        n_whole=n_effective,
    )


def _row_sizes(cube: Cube, form: Form, sets: Bools, n_units: Integers) -> Floats:
    """Effective number of rows, from the second moments of their denominators."""
    n = n_units.astype(float)
    if cube.indicators or not isinstance(form, Sized) or cube.n_levels > 1:
        return n
    weights = np.asarray(form.sizes[0], float)
    below = cube.sums @ weights
    rows = np.maximum(cube.n_rows, 1)
    squares = np.einsum("cij,i,j->c", cube.comoments, weights, weights) + below**2 / rows
    total, square = sets @ below, sets @ squares
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(square > 0, total**2 / square, n)
    return np.asarray(np.minimum(effective, n), float)


def _row_powers(
    cube: Cube, form: Form, sets: Bools, sums: Floats, gradient: Floats
) -> tuple[Floats, Floats]:
    """Third and fourth powers of rows' influences; NaN where a row's counts do not tell them."""
    unknown = np.full(len(sets), np.nan)
    if cube.indicators and cube.n_levels == 1:
        counts, slopes = sums[:, 0, :], gradient[:, 0, :]
        return (counts * slopes**3).sum(axis=1), (counts * slopes**4).sum(axis=1)
    if cube.powers is None or not isinstance(form, Ratio) or cube.powers_of != form:
        return unknown, unknown
    # Influence (x - R y) / Y, to the third and fourth power.
    powers = sets.astype(float) @ cube.powers
    rate, below = form.value(sums), form.split(sums)[1]
    with np.errstate(all="ignore"):
        third = np.stack([np.ones_like(rate), -3 * rate, 3 * rate**2, -(rate**3)], axis=1)
        fourth = np.stack(
            [np.ones_like(rate), -4 * rate, 6 * rate**2, -4 * rate**3, rate**4], axis=1
        )
        found3, found4 = (third * powers[:, :4]).sum(1), (fourth * powers[:, 4:]).sum(1)
        # Where values lie far from 0 beside their spread, nothing is left of the digits.
        kept = found4 > 1e-10 * np.abs(fourth * powers[:, 4:]).sum(1)
        third_power, fourth_power = found3 / below**3, found4 / below**4
    kept &= np.isfinite(third_power) & np.isfinite(fourth_power)
    return np.where(kept, third_power, np.nan), np.where(kept, fourth_power, np.nan)


def cell_products(
    cube: Cube,
    sets: Bools,
    gradient: Floats,
    pairs: Integers | None,
    some: Integers | None = None,
) -> tuple[Floats, Floats]:
    """Squares and products of influences of rows: from the cells' second moments.

    Of `some` cells only, `sets` has a column for each of these.
    """
    own = slice(None) if some is None else some
    sums, comoments, levels = cube.sums[own], cube.comoments[own], cube.level[own]
    cells, parts = sums.shape
    products = np.zeros((len(sets), len(sets)) if pairs is None else len(pairs))
    squares = np.zeros(len(sets))
    one, two = pairs.T if pairs is not None else (slice(None), slice(None))
    rows = np.maximum(cube.n_rows[own], 1).astype(float)
    for block in blocks(cells, len(sets) * (parts + 2)):
        # Weight of each count of each cell in each set: one array (sets, block) a part.
        level = levels[block]
        weights = [np.where(sets[:, block], gradient[:, level, i], 0.0) for i in range(parts)]
        # Influences vary within cells by the centred moments, and between them by the means.
        means = sum(
            w * m for w, m in zip(weights, (sums[block] / rows[block, None]).T, strict=True)
        )
        squares += means**2 @ rows[block]
        products += _product(means[one], means[two], rows[block], pairs)
        for i, j in np.ndindex(parts, parts):
            moment = comoments[block, i, j]
            if moment.any():
                squares += (weights[i] * weights[j]) @ moment
                products += _product(weights[i][one], weights[j][two], moment, pairs)
    return squares, products


def _product(first: Floats, second: Floats, scale: Floats, pairs: Integers | None) -> Floats:
    """Scaled products of two arrays (sets, cells) summed over cells: of all rows, or row by row."""
    return np.asarray(
        (first * scale) @ second.T if pairs is None else (first * second) @ scale, float
    )


def _row_units(cube: Cube, form: Form, sets: Bools, sums: Floats) -> Integers:
    """Rows that say something about the metric, of the scarcest side."""
    if cube.weights is not None:
        return np.asarray(np.tensordot(sets, cube.weights[:, :, 0], 1).min(axis=1), np.int64)
    if isinstance(form, Ratio) and not cube.indicators:
        return np.asarray(sets @ cube.n_defined, np.int64)
    fewest = np.min([sums[:, :, list(side)].sum(axis=(1, 2)) for side in form.sides], axis=0)
    if isinstance(form, Smooth) and form.votes:
        # A row is of a side as much as its votes are; rounded down, a half of one is none.
        votes = sums[:, 0, list(form.votes)].sum(axis=1)
        fewest = np.floor(fewest * sums[:, 0, 0] / np.maximum(votes, 1) + 1e-9)
    return np.asarray(np.rint(fewest), np.int64)


def _cell_overlap(cube: Cube, sets: Bools, pairs: Integers | None) -> Integers:
    """Rows that two sets share."""
    if pairs is None:
        overlap = (sets * cube.n_rows.astype(float)) @ sets.T.astype(float)
        return np.asarray(np.rint(overlap), np.int64)
    return np.array([(sets[one] & sets[two]) @ cube.n_rows for one, two in pairs], np.int64)
