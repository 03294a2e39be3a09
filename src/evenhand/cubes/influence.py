"""Cube to estimates: values, standard errors and covariances of sets of cells.

The bridge between counts and statistics.  A *set* is any union of cells: a group, the rest, all.
The influence of a unit on a set's value is ``gradient . s_u`` (see `evenhand.stats.forms`), so the
covariance of any two sets' values, sharing units or not, is a sum of products of influences.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.stats.forms import Form, Ratio, Smooth

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
    n_effective : array of shape (sets,)
        Units that would know as much if all were of one size (Kish): ``(Σ w)² / Σ w²``, `w` the size
        of a unit, its share of the denominator; `n_units` where all are of one size.
    n_whole : array of shape (sets,)
        Units of the largest one's size that the sizes add up to: ``Σ w / max w``.
    variances : array of shape (sets,)
        Linearised variances, without the bias that units have by their own part in the value.
    third, fourth : arrays of shape (sets,)
        Sums of the third and fourth powers of influences; NaN where only second moments are known.
    shared : integer array of shape (sets, sets) or (pairs,)
        Units that occur in both sets.
    covariance : array, as `shared`
        Covariances: of all pairs of sets, or only of the pairs asked for.
    ways : tuple of (variances, covariance)
        Where several columns name units, those by each column alone: no difference is surer than by
        one of them.
    """

    values: Floats
    sums: Floats
    n_rows: Integers
    n_units: Integers
    n_effective: Floats
    n_whole: Floats
    variances: Floats
    third: Floats
    fourth: Floats
    shared: Integers
    covariance: Floats
    ways: tuple[tuple[Floats, Floats], ...] = ()

    @property
    def skewness(self) -> Floats:
        """Of each estimate, shape (sets,); NaN where unknown."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.third / self.variances**1.5, float)


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

    The residual of a unit is too small by its own part in the value.  Where units differ in their own
    rates, so that the variance of a unit's sum goes with the square of its size, the mean square of
    the residual of a unit with share h of the size is ``1 - 2 h + Σ h²`` of its variance; each
    influence is divided by the root of that, which for units of one size is n / (n - 1) on the
    variance.  Bell & McCaffrey (2002), Survey Methodology 28(2); Pustejovsky & Tipton (2018),
    doi:10.1080/07350015.2016.1247004.  With 12 callers of whom one has 40 % of the words, Student's t
    on the effective number of units less 1 covers 95 % where n / (n - 1) and n - 1 cover 87 %.
    """
    sums = _set_sums(cube, sets)
    gradient = form.gradient(sums)
    values = form.value(sums)
    found = (
        _of_rows(cube, form, sets, sums, gradient, pairs)
        if cube.units is None
        else _of_units(cube, form, sets, gradient, pairs)
    )
    return Estimates(
        values=values,
        sums=sums,
        n_rows=sets @ cube.n_rows,
        n_units=found.n_units,
        n_effective=found.n_effective,
        n_whole=found.n_whole,
        variances=_without_rounding(found.squares, values),
        third=found.third,
        fourth=found.fourth,
        shared=found.shared,
        covariance=found.products,
        ways=found.ways,
    )


def unit_values(cube: Cube, form: Ratio, cells: Bools) -> tuple[Floats, Floats]:
    """Value and denominator of each named unit in some cells; units without a denominator have none."""
    units = cube.units
    assert units is not None
    inside = cells[units.cell]
    _, place = np.unique(units.coarsest[inside], return_inverse=True)
    count = int(place.max(initial=-1)) + 1
    above, below = (
        np.bincount(place, units.sums[inside] @ np.asarray(weights, float), count)
        for weights in (form.numerator, form.denominator)
    )
    told = below > 0
    sizes = np.asarray(below[told], float)
    return above[told] / sizes, sizes


def contrast_powers(
    cube: Cube, form: Form, sets: Bools, first: Integers, second: Integers
) -> tuple[Floats, Floats]:
    """Sums of third and fourth powers of units' influences on differences of two sets' values.

    Parameters
    ----------
    cube, form, sets
        As in `estimate`; units are named.
    first, second : integer arrays of shape (differences,)
        Sets of each difference.
    """
    third, fourth = np.zeros(len(first)), np.zeros(len(first))
    gradient = form.gradient(_set_sums(cube, sets))
    assert cube.units is not None
    for influence, _, _ in _unit_blocks(cube, sets, gradient, form, cube.units.coarsest):
        apart = influence[:, first] - influence[:, second]
        third += (apart**3).sum(axis=0)
        fourth += (apart**4).sum(axis=0)
    return third, fourth


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """What each named unit adds to a sum of signed values of sets, and its range; shape (units,)."""

    value: Floats
    low: Floats
    high: Floats


def unit_contributions(
    cube: Cube, form: Ratio, sets: Bools, signs: Floats, low: float, high: float
) -> Contributions:
    """Units' parts in ``Σ sign · value`` over sets of a ratio whose units lie within [low, high].

    Given the sizes, each part is the sum of the unit's values in the sets, weighed by its signed
    shares of their denominators, so its range follows from the values' range.
    """
    units = cube.units
    assert units is not None
    named = units.coarsest
    count = int(named.max(initial=-1)) + 1
    value, lowest, highest = np.zeros(count), np.zeros(count), np.zeros(count)
    for cells, sign in zip(sets, signs, strict=True):
        inside = cells[units.cell]
        above, below = (
            np.bincount(named[inside], units.sums[inside] @ np.asarray(weights, float), count)
            for weights in (form.numerator, form.denominator)
        )
        total = below.sum()
        if total <= 0:
            continue
        value += sign * above / total
        ends = np.stack([sign * below / total * end for end in (low, high)])
        lowest += ends.min(axis=0)
        highest += ends.max(axis=0)
    there = highest > lowest
    return Contributions(value=value[there], low=lowest[there], high=highest[there])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """What influences add up to over units; fields as in `Estimates`."""

    squares: Floats
    products: Floats
    third: Floats
    fourth: Floats
    shared: Integers
    n_units: Integers
    n_effective: Floats
    n_whole: Floats
    ways: tuple[tuple[Floats, Floats], ...] = ()


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


def _of_rows(
    cube: Cube, form: Form, sets: Bools, sums: Floats, gradient: Floats, pairs: Integers | None
) -> _Moments:
    """Moments of influences where each row is its own unit."""
    n_units = _row_units(cube, form, sets, sums)
    squares, products = _cell_products(cube, sets, gradient, pairs)
    root = np.sqrt(np.where(n_units > 1, n_units / np.maximum(n_units - 1, 1), np.nan))
    one, two = (root[:, None], root[None, :]) if pairs is None else root[pairs.T]
    third, fourth = _row_powers(cube, form, sets, sums, gradient)
    n_effective = _row_sizes(cube, form, sets, n_units)
    return _Moments(
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
    if cube.indicators or not isinstance(form, Ratio) or cube.n_levels > 1:
        return n
    weights = np.asarray(form.denominator, float)
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


def _cell_products(
    cube: Cube, sets: Bools, gradient: Floats, pairs: Integers | None
) -> tuple[Floats, Floats]:
    """Squares and products of influences of rows: from the cells' second moments."""
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
    return squares, products


def _product(first: Floats, second: Floats, scale: Floats, pairs: Integers | None) -> Floats:
    """Scaled products of two arrays (sets, cells) summed over cells: of all rows, or row by row."""
    return np.asarray(
        (first * scale) @ second.T if pairs is None else (first * second) @ scale, float
    )


def _row_units(cube: Cube, form: Form, sets: Bools, sums: Floats) -> Integers:
    """Rows that say something about the metric, of the scarcest side."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """Sizes of units in each set; arrays of shape (sides, sets)."""

    total: Floats
    squares: Floats
    largest: Floats
    n_units: Integers

    @property
    def concentration(self) -> Floats:
        """``Σ h²`` of the units' shares: one over their effective number."""
        return np.asarray(_divided(self.squares, self.total**2), float)

    def own_part(self, sizes: Floats) -> Floats:
        """What is left of each unit's variance in its residual, shape (units, sets)."""
        share = _divided(sizes, self.total[:, None, :])
        left = 1 - 2 * share + self.concentration[:, None, :]
        return np.asarray(np.where(share > 0, left, np.inf).min(axis=0), float)


def _divided(above: Floats, below: Floats) -> Floats:
    out: Floats = np.zeros(np.broadcast_shapes(above.shape, below.shape))
    np.divide(above, below, out=out, where=below > 0)
    return out


def _of_units(
    cube: Cube, form: Form, sets: Bools, gradient: Floats, pairs: Integers | None
) -> _Moments:
    """Moments of the influences of named units.

    Of units that two columns name, what each column gives is added, and what their combinations give
    comes off: Cameron, Gelbach & Miller (2011), doi:10.1198/jbes.2010.07136.  The difference may be
    negative, so no variance is below that of one column.  Units that are as many as the scarcer
    column names give the degrees of freedom.
    """
    assert cube.units is not None
    ways = [_of_one_way(cube, form, sets, gradient, pairs, way) for way in cube.units.by_way()]
    if len(ways) == 1:
        return ways[0]
    both = _of_one_way(cube, form, sets, gradient, pairs, cube.units.unit)
    squares = sum(way.squares for way in ways) - both.squares
    largest = np.max([way.squares for way in ways], axis=0)
    scarce = np.argmin([way.n_effective for way in ways], axis=0)

    def of_scarcest(field: str) -> Floats:
        return np.asarray(np.choose(scarce, [getattr(way, field) for way in ways]))

    n_units = np.min([way.n_units for way in ways], axis=0)
    return _Moments(
        squares=np.fmax(squares, largest),
        products=sum(way.products for way in ways) - both.products,
        third=of_scarcest("third"),
        fourth=of_scarcest("fourth"),
        shared=_shared_by_all(ways, n_units, pairs),
        n_units=n_units,
        n_effective=of_scarcest("n_effective"),
        n_whole=of_scarcest("n_whole"),
        ways=tuple((way.squares, way.products) for way in ways),
    )


def _shared_by_all(ways: Sequence[_Moments], n_units: Integers, pairs: Integers | None) -> Integers:
    """Units that two sets share: none where they share none of any column, all where all of each."""
    if pairs is None:
        one, two = n_units[:, None], n_units[None, :]
        numbers = [(way.n_units[:, None], way.n_units[None, :]) for way in ways]
    else:
        one, two = n_units[pairs.T]
        numbers = [tuple(way.n_units[pairs.T]) for way in ways]
    any_shared = np.max([way.shared for way in ways], axis=0) > 0
    all_shared = np.all(
        [(way.shared == a) & (way.shared == b) for way, (a, b) in zip(ways, numbers, strict=True)],
        axis=0,
    )
    some = np.maximum(np.minimum(one, two) - 1, 1)
    return np.asarray(np.where(all_shared, np.minimum(one, two), np.where(any_shared, some, 0)))


def _of_one_way(
    cube: Cube,
    form: Form,
    sets: Bools,
    gradient: Floats,
    pairs: Integers | None,
    named: Integers,
) -> _Moments:
    """Moments of the influences of units with these numbers."""
    shape = (len(sets), len(sets)) if pairs is None else (len(pairs),)
    products, shared = np.zeros(shape), np.zeros(shape)
    squares, third, fourth = (np.zeros(len(sets)) for _ in range(3))
    known = _sizes_of(cube, sets, form, named)
    one, two = (slice(None), slice(None)) if pairs is None else pairs.T
    for influence, says, sizes in _unit_blocks(cube, sets, gradient, form, named):
        third += (influence**3).sum(axis=0)
        fourth += (influence**4).sum(axis=0)
        left = known.own_part(sizes)
        # A unit that is all of its set has no residual, and shows no variance.
        usable = (left > 1e-9) & np.isfinite(left)
        corrected = np.where(usable, influence / np.sqrt(np.where(usable, left, 1.0)), influence)
        squares += (corrected**2).sum(axis=0)
        present = says.max(axis=0).astype(float)
        if pairs is None:
            products += corrected.T @ corrected
            shared += present.T @ present
        else:
            products += (corrected[:, one] * corrected[:, two]).sum(axis=0)
            shared += (present[:, one] * present[:, two]).sum(axis=0)
    n_units = known.n_units.min(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.nan_to_num(1 / known.concentration, posinf=0.0).min(axis=0)
        whole = _divided(known.total, known.largest).min(axis=0)
    return _Moments(
        squares=np.where(n_units > 1, squares, np.nan),
        products=products,
        third=third,
        fourth=fourth,
        shared=shared.astype(np.int64),
        n_units=n_units,
        n_effective=np.where(effective > 0, np.minimum(effective, n_units), n_units),
        n_whole=np.where(whole > 0, np.minimum(whole, n_units), n_units),
    )


def _sizes_of(cube: Cube, sets: Bools, form: Form, named: Integers) -> _Sizes:
    shape = (len(form.sides), len(sets))
    total, squares, largest, n_units = (np.zeros(shape) for _ in range(4))
    for _, says, sizes in _unit_blocks(cube, sets, None, form, named):
        total += sizes.sum(axis=1)
        squares += (sizes**2).sum(axis=1)
        np.maximum(largest, sizes.max(axis=1), out=largest)
        n_units += says.sum(axis=1)
    return _Sizes(total=total, squares=squares, largest=largest, n_units=n_units.astype(np.int64))


def _unit_blocks(
    cube: Cube, sets: Bools, gradient: Floats | None, form: Form, named: Integers
) -> Iterator[tuple[Floats, Bools, Floats]]:
    """Influence of each unit on each set, which sides of the form it has there, and its size on each.

    Blocks of shape (units, sets), and twice (sides, units, sets).
    """
    units = cube.units
    assert units is not None
    order = np.argsort(named, kind="stable")
    cell, unit, sums = units.cell[order], named[order], units.sums[order]
    says = np.array([(sums[:, list(side)] != 0).any(axis=1) for side in form.sides])
    sizes = _sized(cube, form, sums, says)
    for block in _blocks(len(order), len(sets) * (3 + 2 * len(says)), boundaries=unit):
        inside = sets[:, cell[block]]
        starts = np.flatnonzero(np.diff(unit[block], prepend=-1))
        influence = np.zeros((len(starts), len(sets)))
        if gradient is not None:
            weights = gradient[:, cube.level[cell[block]], :]
            parts = np.where(inside, np.einsum("krp,rp->kr", weights, sums[block]), 0.0)
            influence = np.add.reduceat(parts, starts, axis=1).T
        there = np.maximum.reduceat(inside & says[:, None, block], starts, axis=2)
        size = np.add.reduceat(np.where(inside, sizes[:, None, block], 0.0), starts, axis=2)
        there, size = there.transpose(0, 2, 1), size.transpose(0, 2, 1)
        yield influence, there, np.where(there, np.abs(size), 0.0)


def _sized(cube: Cube, form: Form, sums: Floats, says: Bools) -> Floats:
    """How much of each side of a form its counts are, shape (sides, rows).

    The denominator of a ratio; the counts of a side where counts are of rows; else units count alike.
    """
    if isinstance(form, Ratio):
        return np.asarray((sums @ np.asarray(form.denominator, float))[None, :], float)
    if cube.indicators:
        return np.array([sums[:, list(side)].sum(axis=1) for side in form.sides])
    return says.astype(float)


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
