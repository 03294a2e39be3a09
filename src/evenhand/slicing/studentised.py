"""Studentised differences of slices and their rests, on one scale for all sizes.

A slice's statistic divides by the spread of its own units and of its rest's, so that slices of equal
means compare whatever their variances are.  A statistic that divides by a common spread instead
takes a noisy slice for a bad one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.deferred import sparse
from evenhand.slicing.losses import Losses

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
#: Units of the overall variance that a slice's own is steadied with, so that a slice whose units are
#: all alike has a finite statistic.
STEADYING_UNITS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitSample:
    """What units say: excess over the overall rate, in standard deviations of a unit.

    Attributes
    ----------
    told : bool array of shape (all cells,)
        Cells that say something about the metric; the other arrays are of these only.
    psi : array of shape (cells,)
        Excess of a cell over the overall rate times its denominator.
    share : array of shape (cells,)
        Its part of the whole denominator.
    unit : integer array of shape (cells,)
        Number of its unit.
    psi_of_units, cells_of_units : arrays of shape (units,)
        Excess and number of cells of each unit.
    """

    told: Bools
    psi: Floats
    share: Floats
    unit: Integers
    psi_of_units: Floats
    cells_of_units: Floats

    @property
    def units(self) -> int:
        """How many units say something."""
        return len(self.psi_of_units)


def sample_of(cells: Cells, losses: Losses) -> UnitSample:
    """Excess of every cell and unit that says something about the metric."""
    told = (losses.above != 0) | (losses.below != 0)
    psi, count = losses.psi[told], int(told.sum())
    unit = np.arange(count)
    if cells.unit is not None:
        unit = np.unique(cells.unit[told], return_inverse=True)[1].astype(np.int64)
    of_units = np.bincount(unit, psi)
    scale = float(np.sqrt((of_units**2).mean()))
    scale = scale if scale > 0 else 1.0
    return UnitSample(
        told=told,
        psi=psi / scale,
        share=losses.below[told] / losses.below.sum(),
        unit=unit,
        psi_of_units=of_units / scale,
        cells_of_units=np.bincount(unit).astype(float),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrasts:
    """Slices against their rests; arrays have one value a slice, `change` one a unit in a slice.

    The contrast is the rate in the slice less that of its rest, times the harmonic mean of the two
    denominators: the excess inside times `inner`, the rest's part of the denominator, less the excess
    outside times `outer`, the slice's part.  Its spread is that of the units about their mean inside
    and outside.  A unit outside adds ``-outer (psi - middle)``; a unit inside changes that, and its
    square, by `change` and `change_of_square`.  `typical` is the variance if cells were exchangeable.
    """

    inner: Floats
    outer: Floats
    middle: Floats
    smaller: Floats
    value: Floats
    variance: Floats
    typical: Floats
    total: float
    squares: float
    units: int
    indices: npt.NDArray[Any]
    indptr: npt.NDArray[Any]
    change: Floats
    change_of_square: Floats

    @property
    def usable(self) -> Bools:
        """Whether a slice and its rest have two units each."""
        return np.asarray(self.smaller >= 2)

    @property
    def t(self) -> Floats:
        """Student's statistic of the data."""
        return self._t(self.value[:, None], self.variance[:, None])[:, 0]

    @property
    def z(self) -> Floats:
        """The same on the normal scale; minus infinity where a slice is not usable."""
        return np.where(self.usable, normal(self.t, self.df), -np.inf)

    @property
    def df(self) -> Floats:
        """Degrees of freedom: those of the smaller side."""
        return np.maximum(self.smaller - 1, 1.0)

    def members(self) -> Any:
        """Which units are in which slice."""
        return self._matrix(np.ones_like(self.change), np.float64)

    def changes(self) -> tuple[Any, Any]:
        """`change` and `change_of_square` as sparse matrices (slices, units)."""
        parts = (self.change, self.change_of_square)
        first, second = (self._matrix(part, np.float32) for part in parts)
        return first, second

    def dealt(self, sums: Floats, squares: Floats) -> Floats:
        """Statistics on the normal scale of usable slices when losses are dealt out.

        Parameters
        ----------
        sums, squares : arrays of shape (slices, draws)
            Of the losses dealt to each slice, and of their squares.
        """
        size = np.diff(self.indptr).astype(float)[:, None]
        rest = np.maximum(self.units - size, 1.0)
        size = np.maximum(size, 1.0)
        outside = self.total - sums
        inner, outer = self.inner[:, None], self.outer[:, None]
        within = np.maximum(squares - sums**2 / size, 0.0)
        without = np.maximum(self.squares - squares - outside**2 / rest, 0.0)
        return self._z(inner * sums - outer * outside, inner**2 * within + outer**2 * without)

    def drawn(self, first: Floats, second: Floats, totals: Floats) -> Floats:
        """Statistics on the normal scale of usable slices when units are drawn anew.

        Parameters
        ----------
        first, second : arrays of shape (slices, draws)
            `change` and `change_of_square` times how often each unit was drawn.
        totals : array of shape (3, draws)
            Units drawn, and their excess and squared excess, summed.
        """
        count, psi, squares = totals
        outer, middle = self.outer[:, None], self.middle[:, None]
        value = first - outer * (psi - middle * count)
        about = second + outer**2 * (squares - 2 * middle * psi + middle**2 * count)
        # Centred at what was drawn; a unit of the smaller side carries the most.
        variance = np.maximum(about - value**2 / np.maximum(self.smaller, 1.0)[:, None], 0.0)
        return self._z(value, variance)

    def _z(self, value: Floats, variance: Floats) -> Floats:
        t = self._t(value, variance)
        return normal(t[self.usable], self.df[self.usable, None])

    def _t(self, value: Floats, variance: Floats) -> Floats:
        """Value over its standard error, which `STEADYING_UNITS` keep above 0."""
        df = self.df[:, None]
        unit = STEADYING_UNITS * (self.typical / np.maximum(self.smaller, 1.0))[:, None]
        steadied = (variance + unit) * df / (df + STEADYING_UNITS)
        error = np.sqrt(np.maximum(variance, steadied) * (df + 1) / df)
        return np.asarray(np.divide(value, error, out=np.zeros_like(value), where=error > 0))

    def _matrix(self, data: Floats, kind: npt.DTypeLike) -> Any:
        shape = (len(self.inner), self.units)
        return sparse.csr_matrix((data.astype(kind), self.indices, self.indptr), shape)


def studentised(sample: UnitSample, slices: Integers, cells: Integers, count: int) -> Contrasts:
    """Contrasts of some slices.

    Parameters
    ----------
    sample : UnitSample
        What units say.
    slices, cells : integer arrays of shape (memberships,)
        Numbers of a slice and of one of its cells, in order.
    count : int
        How many slices there are.
    """
    place = np.cumsum(sample.told) - 1
    kept = sample.told[cells]
    slices, cells = slices[kept], place[cells[kept]]
    # One sum carries both the excess and the number of cells of each unit in each slice.
    both = sparse.csr_matrix(
        (sample.psi[cells] + 1j, (slices, sample.unit[cells])), (count, sample.units)
    )
    both.sum_duplicates()
    size = np.diff(both.indptr)
    of = np.repeat(np.arange(count), size)
    inside, number = both.data.real, both.data.imag
    psi = sample.psi_of_units[both.indices]
    only = number > sample.cells_of_units[both.indices] - 0.5
    total, squares = float(sample.psi_of_units.sum()), float((sample.psi_of_units**2).sum())
    rest = sample.units - np.bincount(of, only, count)
    sums = np.asarray(np.bincount(of, inside, count), float)
    mean, middle = sums / np.maximum(size, 1), (total - sums) / np.maximum(rest, 1.0)
    outer = np.asarray(np.bincount(slices, sample.share[cells], count), float)
    inner = 1 - outer
    away = -outer[of] * (psi - middle[of])
    here = inner[of] * (inside - mean[of]) - outer[of] * np.where(
        only, 0.0, psi - inside - middle[of]
    )
    change_of_square = here**2 - away**2
    around = squares - 2 * middle * total + middle**2 * sample.units
    return Contrasts(
        inner=inner,
        outer=outer,
        middle=middle,
        smaller=np.minimum(size, rest).astype(float),
        value=inner * sums - outer * (total - sums),
        variance=np.maximum(np.bincount(of, change_of_square, count) + outer**2 * around, 0.0),
        typical=inner * outer * float((sample.psi**2).sum()),
        total=total,
        squares=squares,
        units=sample.units,
        indices=both.indices,
        indptr=both.indptr,
        change=here - away,
        change_of_square=change_of_square,
    )


def normal(t: Floats, df: Floats) -> Floats:
    """Normal quantile of the same tail as Student's t, about.

    Wallace (1959), doi:10.1214/aoms/1177706092.  Up to z = 4 it is too small by .02 at most from eight
    degrees of freedom on, by .07 with four, by .65 with one.  Only how slices of different sizes compare
    depends on it, since all draws are put through it too.

    Examples
    --------
    >>> round(float(normal(2.228, 10)), 2)
    1.96
    """
    size = (8 * df + 1) / (8 * df + 3) * np.sqrt(df * np.log1p(t**2 / df))
    return np.asarray(np.copysign(size, t), float)


def student(z: float, df: Floats) -> Floats:
    """Inverse of `normal`."""
    size = (abs(z) * (8 * df + 3) / (8 * df + 1)) ** 2 / df
    return np.asarray(np.sign(z) * np.sqrt(df * np.expm1(np.minimum(size, 700.0))), float)
