"""What a pilot tells of the cells of a plan: how much units vary, and how many rows they have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import Cube, estimate
from evenhand.metrics import MetricPlan
from evenhand.stats.allocation import Pilot, told_enough, units_that_tell, variance_df
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Units that a pilot needs of a cell: of fewer it does not tell how much they vary.
LEAST_UNITS = 5
#: Units to label first of a cell of which the pilot does not tell; more where tails are heavy.
FIRST_UNITS = 30
#: Not more than these at first, however heavy tails are: how heavy few units hardly tell.
MOST_FIRST_UNITS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotCells:
    """The pilot of all cells.

    Attributes
    ----------
    pilot : Pilot
        Of the cells that can be planned.
    able : bool array of shape (cells,)
        Which these are.
    values : array of shape (cells,)
        The metric; NaN where undefined.
    rows, units : integer arrays of shape (cells,)
        Scored, and those that say something about the metric.
    reasons : tuple of (str or None)
        Why a cell cannot be planned.
    first : integer array of shape (cells,)
        Units that would tell, of those that cannot be planned.
    """

    pilot: Pilot
    able: npt.NDArray[np.bool_]
    values: Floats
    rows: Integers
    units: Integers
    reasons: tuple[str | None, ...]
    first: Integers


def read_pilot(
    cube: Cube,
    plan: MetricPlan,
    cells: Sequence[GroupSet],
    share: Floats,
    cost: Floats,
    assurance: float,
) -> PilotCells:
    """What the cube of a pilot tells of cells.

    Parameters
    ----------
    cube : Cube
    plan : MetricPlan
        Of the metric.
    cells : sequence of GroupSet
    share, cost : arrays of shape (cells,)
        Of the population; of one label.
    assurance : float
        Of what is promised.
    """
    sets = np.array([cell.members for cell in cells])
    found = estimate(cube, plan.form, sets, np.zeros((0, 2), np.int64))
    proportion = plan.proportion and cube.units is None and isinstance(plan.form, Ratio)
    trials = np.full(len(cells), np.nan)
    successes = trials.copy()
    if proportion:
        assert isinstance(plan.form, Ratio)
        successes, trials = (np.asarray(side, float) for side in plan.form.split(found.sums))
    units = found.n_units.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = found.variances * units
        effective = np.where(units > 0, found.n_effective / units, 1.0)
        rows = np.where(units > 0, found.n_rows / units, 1.0)
    reasons = tuple(
        _reason(value, known, of_rows=proportion, varies=one > 0)
        for value, known, one in zip(found.values, found.n_units, variance, strict=True)
    )
    able = np.array([reason is None for reason in reasons], bool)
    first = np.full(len(cells), FIRST_UNITS)
    if able.any() and not proportion:
        part = np.minimum(effective, 1.0)
        known = float(units[able].sum())
        kurtosis = kurtosis_of(variance[able], units[able], found.fourth[able])
        df = np.where(able, variance_df(units * part, kurtosis, known), 0.0)
        told = told_enough(df, assurance)
        needed = units_that_tell(kurtosis, known, int(able.sum()), assurance)
        enough = np.ceil(needed / np.where(part > 0, part, 1.0))
        enough = np.clip(enough, FIRST_UNITS, MOST_FIRST_UNITS)
        first = np.where(able & ~told, enough, FIRST_UNITS).astype(int)
        reasons = tuple(
            "pilot_too_small" if one and not enough_of_it else reason
            for one, enough_of_it, reason in zip(able, told, reasons, strict=True)
        )
        able &= told
    return PilotCells(
        pilot=Pilot(
            variance=variance[able],
            units=units[able],
            effective=np.minimum(effective[able], 1.0),
            kurtosis=kurtosis_of(variance[able], units[able], found.fourth[able]),
            successes=successes[able],
            trials=trials[able],
            rows=np.maximum(rows[able], 1.0),
            share=share[able],
            cost=cost[able],
        ),
        able=able,
        values=found.values,
        rows=found.n_rows,
        units=found.n_units,
        reasons=reasons,
        first=first,
    )


def _reason(value: float, units: int, *, of_rows: bool, varies: bool) -> str | None:
    if not np.isfinite(value):
        return "no_denominator"
    if units < LEAST_UNITS:
        return "too_few_units"
    # Of rows of 0 and 1 a pilot without an event still tells how few there may be.
    return None if of_rows or varies else "no_variation"


def kurtosis_of(variance: Floats, units: Floats, fourth: Floats) -> float:
    """Of units about the value of their cell, all cells together; a normal one's where it is not known.

    `fourth` holds sums of fourth powers of influences, each the residual over the size of all.
    """
    known = np.isfinite(fourth) & (variance > 0)
    if not known.any():
        return 3.0
    each = fourth[known] * units[known] ** 3 / variance[known] ** 2
    return float((units[known] * each).sum() / units[known].sum())
