"""Limits that hold whatever the distribution of bounded units, where an interval alone would not."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cube, Estimates, unit_contributions
from evenhand.errors import Note
from evenhand.pages.nouns import count_units, unit_noun
from evenhand.stats.bounded_means import empirical_bernstein_half, gaffke_upper
from evenhand.stats.forms import Ratio
from evenhand.stats.intervals import clopper_pearson

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Limits = tuple[float, float]
#: With more units a kind that is rarer than one in a hundred is needed to deceive.
ENOUGH_UNITS = 200


def interval_alone(units: int, unit: str, verdict: str, *, counted: bool = True) -> Iterator[Note]:
    """Say that a denial of harm rests on the interval alone, where no bounds tell what one unit may be.

    Parameters
    ----------
    units : int
        Fewest units of which harm is denied.
    unit, verdict : str
        What a unit and the denial are called.
    counted : bool
        Whether the number may be told.
    """
    if units >= ENOUGH_UNITS:
        return
    one = unit_noun(unit, 1)
    few = f"as few as {count_units(units, unit)}" if counted else f"few {unit_noun(unit)}"
    text = (
        f"Of {few}, {verdict} rests on the interval alone, as this metric sets no bounds to one {one}: a rare "
        f"kind that none of these is would not show.  (With one bad {one} in ten or twenty it was wrong in up "
        "to 46 of 100 simulations, not in 2.)"
    )
    yield Note(code="interval_alone", text=text)


def contrast_limit(
    cube: Cube, form: Ratio, sets: Bools, signs: Floats, bounds: Limits, tail: float
) -> float:
    """Upper limit of ``Σ sign · value`` over sets that may share units, whatever units are like.

    Each unit's part lies within a range that its sizes give; parts are measured in that range, and
    Gaffke's limit weighs them by it.
    """
    parts = unit_contributions(cube, form, sets, signs, *bounds)
    width = parts.high - parts.low
    if not len(width):
        return float("inf")
    place = (parts.value - parts.low) / width
    upper = gaffke_upper(np.clip(place, 0.0, 1.0), tail, sizes=width)
    return float(parts.low.sum() + upper * width.sum())


def rows_limit(
    estimates: Estimates,
    form: Ratio,
    sets: Sequence[int],
    signs: Floats,
    bounds: Limits,
    tail: float,
    *,
    proportion: bool,
) -> float:
    """Upper limit of ``Σ sign · value`` over sets that share no row, where each row is a unit.

    Limits of independent sides add as variances do (Zou & Donner 2008, doi:10.1002/sim.3095): Clopper
    and Pearson's of proportions, empirical Bernstein's of other values within bounds.
    """
    value = estimates.values[list(sets)]
    if proportion:
        above, below = (side[list(sets)] for side in form.split(estimates.sums))
        low, high = clopper_pearson(above, below, 1 - 2 * tail)
    else:
        low, high = row_limits(estimates, np.asarray(sets), bounds, tail)
    half = np.where(signs > 0, high - value, value - low)
    return float((signs * value).sum() + np.sqrt((half**2).sum()))


def row_limits(
    estimates: Estimates,
    sets: npt.NDArray[np.int64],
    bounds: Limits,
    tail: float,
    times: float = 1.0,
) -> tuple[Floats, Floats]:
    """Limits of sets' values where each row is a unit, from two moments; with so many times the units."""
    low, high = bounds
    value, variance = estimates.values[sets], np.nan_to_num(estimates.variances[sets])
    units = estimates.n_effective[sets] * times
    half = empirical_bernstein_half(variance / times, units, tail, high - low)
    return np.maximum(value - half, low), np.minimum(value + half, high)
