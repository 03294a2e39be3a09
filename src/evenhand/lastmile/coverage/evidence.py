"""What the natural units of cells can show, and how many would show what is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Estimates
from evenhand.deferred import special
from evenhand.lastmile.pilot import LEAST_UNITS, kurtosis_of
from evenhand.metrics import MetricPlan
from evenhand.results.estimate import Missing
from evenhand.stats.allocation import variance_df
from evenhand.stats.forms import Ratio
from evenhand.stats.intervals import wilson, z_of
from evenhand.stats.power import (
    detectable_proportion,
    fewest_units,
    minimum_detectable_difference,
    variance_growth,
)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: Units of a cell at most.
MOST_UNITS = 1e9
#: What stands for an upper end where a metric has none.
NO_END = 1e9
#: With this probability a pilot's variance is not passed by the true one.
ASSURANCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What cells show.

    Attributes
    ----------
    detectable : array of shape (cells,)
        Smallest difference from the rest; NaN where none.
    basis : tuple of str
        What it rests on: ``rate``, ``cell``, ``others``, ``worst case``.
    needed : array of shape (cells,)
        Units that show the wanted difference; NaN where nothing tells, or none was wanted.
    """

    detectable: Floats
    basis: tuple[str, ...]
    needed: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The metric of what is looked at.

    Attributes
    ----------
    cells, rest : Estimates
        Of the natural rows of each cell, and of all others.
    everything : Estimates
        Of all natural rows: one set.
    plan : MetricPlan
        How the metric is computed.
    proportion : bool
        Whether rows are independent, and the metric a proportion of them.
    low, high : float or None
        Range of the metric.
    higher_is_worse : bool
    missing : tuple of Missing
        Rows that say nothing about the metric.
    """

    cells: Estimates
    rest: Estimates
    everything: Estimates
    plan: MetricPlan
    proportion: bool
    low: float | None
    high: float | None
    higher_is_worse: bool
    missing: tuple[Missing, ...]


def worst_case(units: Floats, level: float, detect: float | None) -> Shows:
    """What a proportion of one half would show, from the units alone.

    Parameters
    ----------
    units : array of shape (cells,)
    level : float
    detect : float, optional
        The difference that is wanted.
    """
    rest = units.sum() - units
    found = _of_proportions((0.5,), rest, level, higher_is_worse=True)
    return _shown(found, units, detect, ("worst case",) * len(units))


def judged(given: Judged, level: float, detect: float | None) -> Shows:
    """What the units of cells show of a metric.

    Notes
    -----
    Each cell is compared with all other natural rows, by itself, and the rest is taken to be known at least as well as
    the cell: where it is not, that is lacking in other cells.  A proportion of independent rows has the rate of all
    natural rows, or up to that limit of its interval which is nearer to one half; the power is exact (see
    `evenhand.stats.power.detectable_proportion`).  Elsewhere the variance of a cell's units is its own, larger where a
    difference makes it so; for units that are still to come the upper limit of it is taken, and where a cell has too
    few units the largest of the others'.
    """
    units = given.cells.n_units.astype(float)
    if given.proportion and isinstance(given.plan.form, Ratio):
        x, n = (np.asarray(side, float) for side in given.plan.form.split(given.everything.sums))
        rate = _possible_rates(float(x[0]), float(n[0]), level)
        rest = given.rest.n_units.astype(float)
        found = _of_proportions(rate, rest, level, higher_is_worse=given.higher_is_worse)
        basis = "worst case" if n[0] < LEAST_UNITS else "rate"
        return _shown(found, units, detect, (basis,) * len(units))
    return _of_units(given, units, level, detect)


def _possible_rates(x: float, n: float, level: float) -> tuple[float, ...]:
    """The rate of so many rows, its limit nearer to one half, and one between them; one half of too few rows.

    Successes are whole, so that what they show does not rise and fall evenly with the rate.
    """
    if n < LEAST_UNITS:
        return (0.5,)
    low, high = wilson(x, n, z_of(level))
    end = float(np.clip(0.5, low, high))
    return x / n, (x / n + end) / 2, end


def _of_proportions(
    rates: Sequence[float], rest: Floats, level: float, *, higher_is_worse: bool
) -> Callable[[Floats], Floats]:
    """The largest difference that is needed at any of several rates."""

    def detectable(units: Floats) -> Floats:
        others = np.maximum(rest, units)
        found = [
            detectable_proportion(
                (rate * units, units),
                (rate * others, others),
                float(z_of(level)),
                exact=False,
                higher_is_worse=higher_is_worse,
            )
            for rate in rates
        ]
        return np.asarray(np.max(found, axis=0), float)

    return detectable


def _shown(
    detectable: Callable[[Floats], Floats],
    units: Floats,
    detect: float | None,
    basis: tuple[str, ...],
    ahead: Callable[[Floats], Floats] | None = None,
) -> Shows:
    """What is there, and what is needed; `ahead` is of units that are still to come."""
    now = np.where(units > 0, detectable(np.maximum(units, 1.0)), np.nan)
    needed = np.full(len(units), np.nan)
    if detect is not None:
        short = ~(now <= detect)
        fewest = fewest_units(detectable, np.zeros(len(units)), detect, MOST_UNITS)
        more = fewest_units(ahead or detectable, units, detect, MOST_UNITS)
        needed = np.where(short, more, np.fmin(fewest, units))
    return Shows(detectable=now, basis=basis, needed=needed)


def _of_units(given: Judged, units: Floats, level: float, detect: float | None) -> Shows:
    own = given.cells
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = own.variances * units
        effective = np.where(units > 0, own.n_effective / units, 1.0)
    able = (units >= LEAST_UNITS) & np.isfinite(variance) & (variance > 0)
    if not able.any():
        if given.low == 0 and given.high == 1:
            return worst_case(units, level, detect)
        nothing = np.full(len(units), np.nan)
        return Shows(detectable=nothing, basis=("cell",) * len(units), needed=nothing)
    most = int(np.argmax(np.where(able, variance, -np.inf)))
    variance = np.where(able, variance, variance[most])
    effective = np.where(able, np.minimum(effective, 1.0), np.minimum(effective[able].mean(), 1.0))
    known = np.where(able, units * effective, units[most] * effective[most])
    value = np.where(able, own.values, own.values[most])
    rest = np.where(np.isfinite(given.rest.variances), given.rest.variances, 0.0)
    rest = np.where(given.rest.n_units >= LEAST_UNITS, rest, np.inf)

    def detectable_with(variance: Floats) -> Callable[[Floats], Floats]:
        def detectable(count: Floats) -> Floats:
            cell = variance / count
            both = cell + np.minimum(rest, cell)
            growth = None
            if given.low is not None:
                # From where the cell is, which under other conditions is far from the rest.  Without an upper end
                # the variance goes with the value, as that of counts does.
                growth = variance_growth(
                    value,
                    value,
                    cell / both,
                    low=given.low,
                    high=NO_END if given.high is None else given.high,
                    higher_is_worse=given.higher_is_worse,
                )
            # Of hundreds of units the third digit of their number changes nothing.
            df = np.maximum(count * effective - 1, 1.0)
            df = np.where(df > 200, np.round(df, -2), np.round(df))
            found = minimum_detectable_difference(
                np.sqrt(both), float(z_of(level)), df, growth=growth
            )
            return np.where(found <= _room(given, value), found, np.nan)

        return detectable

    kurtosis = kurtosis_of(variance[able], units[able], own.fourth[able])
    luck = special.fdtri(1e9, variance_df(known, kurtosis, float(units[able].sum())), ASSURANCE)
    return _shown(
        detectable_with(variance),
        units,
        detect,
        tuple("cell" if one else "others" for one in able),
        detectable_with(variance * luck),
    )


def _room(given: Judged, value: Floats) -> Floats:
    """How much worse than it is a cell could be at most."""
    end = given.high if given.higher_is_worse else given.low
    return np.full(len(value), np.inf) if end is None else np.abs(end - value)
