"""Influences of named units, summed over what each has in every cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.cubes.influence import InfluenceMoments, blocks, set_sums
from evenhand.stats.forms import Form, Sized

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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


def _by_unit(reduce: np.ufunc, values: npt.NDArray[Any], starts: Integers) -> npt.NDArray[Any]:
    """What the values of each unit come to, along the last axis; units of one cell have one."""
    if len(starts) == values.shape[-1]:
        return values
    return np.asarray(reduce.reduceat(values, starts, axis=-1))


class UnitBlocks:
    """Units with their influences on sets and their sizes there, in blocks that fit into memory."""

    def __init__(self, cube: Cube, form: Form, sets: Bools, named: Integers) -> None:
        assert cube.units is not None
        self._cube, self._sets = cube, sets
        order = np.argsort(named, kind="stable")
        self._cell, self._unit = cube.units.cell[order], named[order]
        self._sums = cube.units.sums[order]
        says = [(self._sums[:, list(side)] != 0).any(axis=1) for side in form.sides]
        self._says = np.array(says)
        self._sizes = _sized(cube, form, self._sums, self._says)
        numbers = len(sets) * (3 + 2 * len(says))
        self._places = list(blocks(len(order), numbers, boundaries=self._unit))
        self._only: tuple[Bools, Floats] | None = None

    def numbers(self) -> Iterator[Integers]:
        """Number of each unit of a block."""
        for place in self._places:
            yield self._unit[place][self._starts(place)]

    def influences(self, gradient: Floats) -> Iterator[Floats]:
        """Influence of each unit of a block on each set, shape (units, sets)."""
        for place in self._places:
            cell, sums = self._cell[place], self._sums[place]
            if self._cube.n_levels == 1:
                parts = np.einsum("kp,rp->kr", gradient[:, 0, :], sums)
            else:
                parts = np.einsum("krp,rp->kr", gradient[:, self._cube.level[cell], :], sums)
            inside = self._sets[:, cell]
            yield _by_unit(np.add, np.where(inside, parts, 0.0), self._starts(place)).T

    def sizes(self) -> Iterator[tuple[Bools, Floats]]:
        """Which sides of the form each unit of a block has in each set, and its size on each.

        Twice of shape (sides, units, sets); a single block is kept, as it is walked through twice.
        """
        for place in self._places:
            found = self._only or self._sizes_there(place)
            self._only = found if len(self._places) == 1 else None
            yield found

    def _sizes_there(self, place: slice) -> tuple[Bools, Floats]:
        starts, inside = self._starts(place), self._sets[:, self._cell[place]]
        there = _by_unit(np.logical_or, inside & self._says[:, None, place], starts)
        size = _by_unit(np.add, np.where(inside, self._sizes[:, None, place], 0.0), starts)
        there, size = there.transpose(0, 2, 1), size.transpose(0, 2, 1)
        return there, np.where(there, np.abs(size), 0.0)

    def _starts(self, place: slice) -> Integers:
        return np.flatnonzero(np.diff(self._unit[place], prepend=-1))


def moments_of_units(
    cube: Cube, form: Form, sets: Bools, gradient: Floats, pairs: Integers | None
) -> InfluenceMoments:
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
    return InfluenceMoments(
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


def _shared_by_all(
    ways: Sequence[InfluenceMoments], n_units: Integers, pairs: Integers | None
) -> Integers:
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
    gradient = form.gradient(set_sums(cube, sets))
    assert cube.units is not None
    for influence in UnitBlocks(cube, form, sets, cube.units.coarsest).influences(gradient):
        apart = influence[:, first] - influence[:, second]
        squared = apart**2
        third += (squared * apart).sum(axis=0)
        fourth += (squared**2).sum(axis=0)
    return third, fourth


def _of_one_way(
    cube: Cube,
    form: Form,
    sets: Bools,
    gradient: Floats,
    pairs: Integers | None,
    named: Integers,
) -> InfluenceMoments:
    """Moments of the influences of units with these numbers."""
    shape = (len(sets), len(sets)) if pairs is None else (len(pairs),)
    products, shared = np.zeros(shape), np.zeros(shape)
    squares, third, fourth = (np.zeros(len(sets)) for _ in range(3))
    units = UnitBlocks(cube, form, sets, named)
    known = _sizes_of(units, (len(form.sides), len(sets)))
    one, two = (slice(None), slice(None)) if pairs is None else pairs.T
    for influence, (says, sizes) in zip(units.influences(gradient), units.sizes(), strict=True):
        # Powers as products: of an array they are told one by one, and take ten times as long.
        squared = influence**2
        third += (squared * influence).sum(axis=0)
        fourth += (squared**2).sum(axis=0)
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
    return InfluenceMoments(
        squares=np.where(n_units > 1, squares, np.nan),
        products=products,
        third=third,
        fourth=fourth,
        shared=shared.astype(np.int64),
        n_units=n_units,
        n_effective=np.where(effective > 0, np.minimum(effective, n_units), n_units),
        n_whole=np.where(whole > 0, np.minimum(whole, n_units), n_units),
    )


def _sizes_of(units: UnitBlocks, shape: tuple[int, int]) -> _Sizes:
    total, squares, largest, n_units = (np.zeros(shape) for _ in range(4))
    for says, sizes in units.sizes():
        total += sizes.sum(axis=1)
        squares += (sizes**2).sum(axis=1)
        np.maximum(largest, sizes.max(axis=1), out=largest)
        n_units += says.sum(axis=1)
    return _Sizes(total=total, squares=squares, largest=largest, n_units=n_units.astype(np.int64))


def _sized(cube: Cube, form: Form, sums: Floats, says: Bools) -> Floats:
    """How much of each side of a form its counts are, shape (sides, rows).

    The denominators of ratios; the counts of a side where counts are of rows; else units count alike.
    """
    if isinstance(form, Sized):
        return np.asarray((sums @ np.asarray(form.sizes, float).T).T, float)
    if cube.indicators:
        return np.array([sums[:, list(side)].sum(axis=1) for side in form.sides])
    return says.astype(float)
