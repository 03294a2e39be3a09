"""Losses: a metric's counts as whole numbers in which higher is worse."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.errors import InputError, NoRowError
from evenhand.stats.forms import Form, Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Bits of a real loss in fixed point: sums over 2³⁰ rows stay exact.
FIXED_BITS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Losses:
    """Numerator and denominator of each cell, as the search adds them.

    Where lower values are worse the sign is turned; then a multiple of the denominator is added, so
    that no numerator is negative.  Such a shift changes no difference, z or harm.

    Attributes
    ----------
    above, below : integer arrays of shape (cells,)
        Numerator and denominator; `below` is never negative, `above` only where not `bounded`.
    rate_step, size_step : float
        What a rate of 1 in ``above / below``, and a `below` of 1, are in the metric's own units.
    plain : bool
        Whether rates are the metric's own, from 0 upwards: only then ratios of rates mean something.
    steepest : float
        Largest ``above / below`` of a cell; infinite where a cell has harm without denominator.
    bounded : bool
        Whether `steepest` bounds every cell; without it nothing can be pruned.
    binary : bool
        Whether each row has a denominator of 0 or 1 and a numerator of at most that.
    squares : array of shape (cells,)
        Squared excess over the overall rate, added over the rows of each cell (over units, where
        they are named).
    """

    above: Integers
    below: Integers
    rate_step: float
    size_step: float
    plain: bool
    steepest: float
    bounded: bool
    binary: bool
    squares: Floats

    @property
    def shares(self) -> bool:
        """Whether the metric's rate lies within [0, 1] in every cell."""
        return self.binary or (self.plain and self.steepest * self.rate_step <= 1)

    @property
    def psi(self) -> Floats:
        """What each cell adds to the excess over the overall rate: ``above - rate * below``."""
        rate = self.above.sum() / self.below.sum()
        return np.asarray(self.above - rate * self.below, float)


def losses_of(cells: Cells, form: Form, *, higher_is_worse: bool, proportion: bool) -> Losses:
    """Losses of a metric.

    Raises
    ------
    InputError
        Where the metric is no ratio of sums, nothing can be divided by, or the loss does not vary.
    """
    if not isinstance(form, Ratio):
        raise InputError(
            "Slices are searched by a ratio of sums; this metric is another function of its counts.  "
            "Choose one such as error_rate, false_negative_rate, wer, mae, mse or mean."
        )
    above, below = form.split(cells.sums[:, None, :])
    if (below < 0).any():
        raise InputError("A denominator is negative; slices need one that is not.")
    above = above if higher_is_worse else -above
    # Rows of a cell without units are counted apart: what each of them adds at most decides the steps.
    rows = np.maximum(cells.n_rows, 1) if cells.unit is None else np.ones(len(cells), np.int64)
    below_fixed, below_scale = _fixed(below, rows)
    above_fixed, above_scale = _fixed(above, rows)
    if not below_fixed.sum():
        raise NoRowError(
            "There is nothing to divide by: the metric's denominator is 0 in all rows."
        )
    above_fixed, shifted, bounded = _shifted(above_fixed, below_fixed)
    sign = 1.0 if higher_is_worse else -1.0
    squares = _squares(cells, form, sign * above_scale, above_fixed, below_fixed)
    counts = below_fixed > 0
    steepest = float((above_fixed[counts] / below_fixed[counts]).max())
    if (above_fixed[~counts] > 0).any():
        steepest = float("inf")
    return Losses(
        above=above_fixed,
        below=below_fixed,
        rate_step=below_scale / above_scale,
        size_step=1 / below_scale,
        plain=not shifted if higher_is_worse else proportion,
        steepest=steepest,
        bounded=bounded,
        binary=proportion,
        squares=squares,
    )


def is_binary(cells: Cells, form: Form) -> bool:
    """Whether each row has a denominator of 0 or 1 and a numerator of at most that."""
    alone = cells.folded or (cells.n_rows == 1).all()
    if not isinstance(form, Ratio) or cells.unit is not None or not alone:
        return False
    above, below = form.split(cells.sums[:, None, :])
    whole = all(((side == 0) | (side == cells.n_rows)).all() for side in (above, below))
    return bool(whole and (above <= below).all())


def _squares(
    cells: Cells,
    form: Ratio,
    scale: float,
    above: Integers,
    below: Integers,
) -> Floats:
    rate = above.sum() / below.sum()
    excess = above - rate * below
    if cells.comoments is None:
        return np.asarray(excess**2 / cells.n_rows if cells.folded else excess**2, float)
    # Of the metric's own counts: the shift of numerators cancels against that of the rate.
    sums = form.split(cells.sums.sum(axis=0)[None, None, :])
    weights = np.asarray(form.numerator) - sums[0] / sums[1] * np.asarray(form.denominator)
    within = np.einsum("cij,i,j->c", cells.comoments, weights, weights) * scale**2
    return np.asarray(within + excess**2 / np.maximum(cells.n_rows, 1), float)


def _fixed(values: Floats, rows: Integers) -> tuple[Integers, float]:
    """Whole numbers as they are, where a row adds less than 2³⁰; others in steps of 2⁻³⁰ of the largest."""
    if not np.isfinite(values).all():
        raise InputError("The numbers are too large to add.  Measure them in a larger unit.")
    largest = float(np.abs(values).max(initial=0.0))
    each = float((np.abs(values) / rows).max(initial=0.0))
    if (values == np.rint(values)).all() and each < 2**FIXED_BITS:
        return values.astype(np.int64), 1.0
    if not 1e-150 < largest < 1e150:
        which, unit = ("large", "larger") if largest > 1 else ("small", "smaller")
        raise InputError(f"The numbers are too {which} to square.  Measure them in a {unit} unit.")
    scale = 2.0**FIXED_BITS / largest
    return np.rint(values * scale).astype(np.int64), scale


def _shifted(above: Integers, below: Integers) -> tuple[Integers, bool, bool]:
    """Numerators made non-negative by adding a multiple of the denominator, if one is enough."""
    negative = above < 0
    if not negative.any():
        return above, False, True
    if (below[negative] == 0).any():
        return above, True, False
    factor = int(np.ceil((-above[negative] / below[negative]).max()))
    if factor * float(below.sum()) > 2.0**61:
        # One loss far below all others, on next to no denominator: sums would not fit.
        return above, True, False
    return above + factor * below, True, True
