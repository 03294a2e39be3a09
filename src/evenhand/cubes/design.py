"""The variance that a survey's design gives: influences about the mean of their stratum, added over strata."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.cubes.cube import Cube
from evenhand.cubes.influence import InfluenceMoments
from evenhand.cubes.row_influence import cell_products
from evenhand.cubes.unit_influence import UnitBlocks
from evenhand.errors import InputError
from evenhand.stats.forms import Form

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignMoments:
    """Variances and covariances of sets by the design.

    Attributes
    ----------
    squares : array of shape (sets,)
        Variances.
    products : array, as in `InfluenceMoments`
        Covariances.
    unstratified : array of shape (sets,)
        What the variances would be if all units were of one stratum.
    """

    squares: Floats
    products: Floats
    unstratified: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stratum:
    """Influences of the units of one stratum, added up: of each set, their squares, and their products."""

    n_units: int
    total: Floats
    squares: Floats
    products: Floats


def design_moments(
    cube: Cube, form: Form, sets: Bools, gradient: Floats, pairs: Integers | None
) -> DesignMoments | None:
    """Variances by the design; `None` where several columns name units, of which no design tells.

    Notes
    -----
    Of units drawn with replacement within strata (the ultimate clusters):
    ``Σ_h n_h / (n_h - 1) Σ_u (ψ_u - mean ψ_h)²``, with ψ the influence of a unit, 0 of one outside the set, and
    n_h all units of stratum h: a group is a domain of the sample.  Särndal, Swensson & Wretman (1992), Model
    Assisted Survey Sampling, sections 5.5 and 5.8; R's ``survey``, Stata's ``svy`` and ``samplics`` give the same.
    A unit that is alone in its stratum shows no variance within it: its influence is taken from 0, its mean over
    all units, which is R's ``survey.lonely.psu="adjust"`` and too large rather than too small.
    """
    if cube.units is not None and cube.units.ways > 1:
        return None
    strata = list(
        _strata_of_rows(cube, sets, gradient, pairs)
        if cube.units is None
        else _strata_of_units(cube, form, sets, gradient, pairs)
    )
    units = sum(one.n_units for one in strata)
    squares = np.zeros(len(sets))
    products = np.zeros_like(strata[0].products)
    for one in strata:
        n = one.n_units
        whole, about = (n / (n - 1), 1 / n) if n > 1 else (1.0, 0.0)
        squares += whole * (one.squares - about * one.total**2)
        products += whole * (one.products - about * _products(one.total, pairs))
    every = sum(one.squares for one in strata)
    return DesignMoments(
        squares=np.maximum(squares, 0.0) if units > 1 else np.full(len(sets), np.nan),
        products=products,
        unstratified=np.asarray(every * (units / max(units - 1, 1)), float),
    )


def stratified(
    found: InfluenceMoments,
    design: DesignMoments,
    cube: Cube,
    sets: Bools,
    pairs: Integers | None,
) -> InfluenceMoments:
    """Moments of influences with the variances of a design of several strata.

    What small sets add to their variances without strata (see `estimate`) they add here too, by the same
    factor, so that one stratum changes nothing.  Strata take degrees of freedom, one each beyond the first
    (Korn & Graubard 1999, Analysis of Health Surveys, section 5.2).  Sets without a common unit vary together
    where they share strata; how skewed influences are about the means of their strata is not known.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        times = found.squares / design.unstratified
    times = np.where(np.isfinite(times), times, 1.0)
    strata = _strata_of_sets(cube, sets)
    if strata.max(initial=1) <= 1:
        return found
    squares = np.where(np.isnan(found.squares), np.nan, design.squares * times)
    products = design.products * np.sqrt(_products(times, pairs))
    unknown = np.full(len(sets), np.nan)
    freedom = np.maximum(found.n_effective - strata + 1, np.minimum(found.n_effective, 1.0))
    return replace(
        found,
        squares=squares,
        products=products,
        third=unknown,
        fourth=unknown,
        shared=np.where(products != 0, np.maximum(found.shared, 1), found.shared),
        n_effective=freedom,
    )


def lonely_strata(cube: Cube) -> list[str]:
    """Strata that have one unit alone."""
    if cube.stratum is None:
        return []
    codes, keys = cube.codes((cube.stratum,))
    if cube.units is None:
        counts = np.bincount(codes, cube.n_rows, len(keys))
    else:
        counts = np.bincount(_unit_strata(cube, codes), minlength=len(keys))
    return [str(key) for (key,), count in zip(keys, counts, strict=True) if count == 1]


def with_strata(cube: Cube, stratum: str | None) -> Cube:
    """The cube, told which of its attributes tells strata apart.

    Raises
    ------
    InputError
        Where a unit lies in several strata: who was drawn where is then not known.
    """
    if stratum is None:
        return cube
    told = replace(cube, stratum=stratum)
    _check_nested(told)
    return told


def _check_nested(cube: Cube) -> None:
    assert cube.stratum is not None
    if cube.units is None:
        return
    codes, keys = cube.codes((cube.stratum,))
    of_unit = _unit_strata(cube, codes)
    other = np.flatnonzero(of_unit[cube.units.unit] != codes[cube.units.cell])
    if len(other):
        unit = int(cube.units.unit[other[0]])
        first, second = (
            keys[code][0] for code in (of_unit[unit], codes[cube.units.cell[other[0]]])
        )
        raise InputError(
            f"The unit {cube.units.names[unit]!r} lies in two strata, {first!r} and {second!r} of {cube.stratum}, but "
            "units are drawn within strata.  If units are numbered anew in each stratum, add a column that joins both "
            "and name it as the unit; if one unit truly spans strata, leave the stratum out."
        )


def _unit_strata(cube: Cube, codes: Integers) -> Integers:
    """Number of each unit's stratum, that of the first of its cells."""
    assert cube.units is not None
    of_unit = np.full(len(cube.units.names), -1, np.int64)
    of_unit[cube.units.unit[::-1]] = codes[cube.units.cell[::-1]]
    return of_unit


def _codes(cube: Cube) -> tuple[Integers, int]:
    """Number of each cell's stratum, and how many there are."""
    if cube.stratum is None:
        return np.zeros(len(cube.keys), np.int64), 1
    codes, keys = cube.codes((cube.stratum,))
    return codes, len(keys)


def _strata_of_sets(cube: Cube, sets: Bools) -> Integers:
    """Strata in which each set has rows that say something about the metric."""
    codes, count = _codes(cube)
    says = cube.n_defined > 0
    return np.array(
        [(np.bincount(codes[own & says], minlength=count) > 0).sum() for own in sets], np.int64
    )


def _products(values: Floats, pairs: Integers | None) -> Floats:
    """Products of two sets' values: of all pairs of sets, or of those asked for."""
    if pairs is None:
        return values[:, None] * values[None, :]
    one, two = pairs.T
    return np.asarray(values[one] * values[two], float)


def _strata_of_rows(
    cube: Cube, sets: Bools, gradient: Floats, pairs: Integers | None
) -> Iterator[_Stratum]:
    codes, count = _codes(cube)
    for stratum in range(count):
        own = np.flatnonzero(codes == stratum)
        inside = sets[:, own]
        squares, products = cell_products(cube, inside, gradient, pairs, own)
        influence = gradient[:, 0, :] @ cube.sums[own].T
        yield _Stratum(
            n_units=int(cube.n_rows[own].sum()),
            total=np.where(inside, influence, 0.0).sum(axis=1),
            squares=squares,
            products=products,
        )


def _strata_of_units(
    cube: Cube, form: Form, sets: Bools, gradient: Floats, pairs: Integers | None
) -> Iterator[_Stratum]:
    assert cube.units is not None
    codes, count = _codes(cube)
    of_unit = _unit_strata(cube, codes)
    units = UnitBlocks(cube, form, sets, cube.units.unit)
    shape = (len(sets), len(sets)) if pairs is None else (len(pairs),)
    total, squares = np.zeros((count, len(sets))), np.zeros((count, len(sets)))
    products = np.zeros((count, *shape))
    for number, influence in zip(units.numbers(), units.influences(gradient), strict=True):
        own = of_unit[number]
        for stratum in np.unique(own).tolist():
            some = influence[own == stratum]
            total[stratum] += some.sum(axis=0)
            squares[stratum] += (some**2).sum(axis=0)
            if pairs is None:
                products[stratum] += some.T @ some
            else:
                one, two = pairs.T
                products[stratum] += (some[:, one] * some[:, two]).sum(axis=0)
    sizes = np.bincount(of_unit[np.unique(cube.units.unit)], minlength=count)
    for stratum in range(count):
        yield _Stratum(
            n_units=int(sizes[stratum]),
            total=total[stratum],
            squares=squares[stratum],
            products=products[stratum],
        )
