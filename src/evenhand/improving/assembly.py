"""A plan of rows to train on put together: curves of what was measured, what each group gains, what comes next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.sets import GroupSet
from evenhand.errors import InputError, Note, RefusedError
from evenhand.improving.measured import MeasuredRuns, noise_of_training
from evenhand.improving.result import CurveReading, GroupOutlook, Outlook
from evenhand.improving.trainings import TrainingRows
from evenhand.pages.numbers import listed
from evenhand.stats.learning import LearningCurves, fit_curves, next_round

Floats = npt.NDArray[np.float64]
#: Part of the budget that a round may spend: curves are known better after it.
ROUND = 0.25
#: No curve is told further than this many times the rows that there are beyond them.
REACH = 3
#: Draws of the curves, and places at which they are told.
DRAWS, PLACES = 4_000, 9
#: Rows for training that a group needs for a curve: the least part of them is a quarter.
LEAST_ROWS = 40
#: And to be told that more do not help: few rows teach some learners nothing yet.
ENOUGH_ROWS = 100
#: And that a budget may buy: beyond this, rows are not counted one by one.
MOST_ROWS = 1e12
#: Whether a group's verdict says that more data are worth it.
HELPS, DOES_NOT, UNKNOWN = "helps", "does not help", "insufficient evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked: money, what is worth it, what is spent alike, how surely."""

    budget: float
    worth: float
    floor: float
    level: float
    min_units: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRound:
    """What a round collects: groups with what they gain, and how many rows."""

    groups: tuple[GroupOutlook, ...]
    collect: int
    cost: float
    notes: tuple[Note, ...]


def check_budget(budget: float, costs: Floats) -> None:
    """Refuse what buys no row of some group, or more than can be counted.

    Raises
    ------
    InputError
    """
    amount = ROUND * budget
    if (costs > amount).any():
        raise InputError(
            f"budget is {budget:g}, of which a round spends a quarter, {amount:g}: less than one row costs "
            f"({costs.max():g}).  Raise it."
        )
    if budget > MOST_ROWS * float(costs.min()):
        raise InputError(
            f"budget is {budget:g}, and a row costs {costs.min():g}: more than {MOST_ROWS:,.0f} rows.  Lower it, or "
            "correct the cost."
        )


def look_ahead(
    training: TrainingRows,
    sizes: Floats,
    measured: MeasuredRuns,
    repeats: Sequence[Sequence[int]],
    best: float,
    costs: Floats,
    wish: Wish,
    *,
    higher_is_worse: bool,
) -> PlannedRound:
    """What more rows do for each group.

    Parameters
    ----------
    training : TrainingRows
    sizes : array of shape (runs, groups)
        Rows of each training.
    measured : MeasuredRuns
    repeats
        See `trainings.layout`.
    best : float
        The best that the metric can be: errors are counted from there.
    costs : array of shape (groups,)
    wish : Wish
    higher_is_worse : bool
    """
    sign = 1.0 if higher_is_worse else -1.0
    errors = sign * (measured.values - best)
    now = training.sizes.astype(float)
    reasons = [
        _reason(errors[:, g], int(measured.units[g]), int(now[g]), wish) for g in range(len(now))
    ]
    able = np.array([reason is None for reason in reasons])
    if not able.any():
        raise RefusedError(
            f"No group has what a curve needs: {LEAST_ROWS} rows for training and {wish.min_units} units that the "
            "metric counts among those for testing.  Add rows, or cut the groups more coarsely."
        )
    spread = np.stack(
        [
            _covariance(errors[:, g], measured.covariance[g], int(measured.units[g]), repeats)
            for g in np.flatnonzero(able)
        ]
    )
    curves = fit_curves(
        sizes,
        errors[:, able],
        spread,
        now,
        np.random.default_rng(wish.seed),
        DRAWS,
        groups=np.flatnonzero(able),
    )
    return _told(training.cells, curves, measured, able, reasons, best, sign, costs, now, wish)


def _reason(errors: Floats, units: int, rows: int, wish: Wish) -> str | None:
    if not np.isfinite(errors).all():
        return "no_denominator"
    if units < wish.min_units:
        return "too_few_units"
    return "too_few_training_rows" if rows < LEAST_ROWS else None


def _covariance(
    errors: Floats, covariance: Floats, units: int, repeats: Sequence[Sequence[int]]
) -> Floats:
    """Of the values of a group: of the rows tested, which trainings share, and of the trainings."""
    own = noise_of_training(errors, covariance, repeats)
    # Nobody knows a rate without an event to be exactly 0.
    least = max(float(errors.max()), 1.0 / (units + 1)) / (units + 1) / 4
    return np.asarray(covariance + np.eye(len(errors)) * max(own, least), float)


def _told(
    cells: Sequence[GroupSet],
    curves: LearningCurves,
    measured: MeasuredRuns,
    able: npt.NDArray[np.bool_],
    reasons: Sequence[str | None],
    best: float,
    sign: float,
    costs: Floats,
    now: Floats,
    wish: Wish,
) -> PlannedRound:
    amount = ROUND * wish.budget
    collect = whole_rows(next_round(curves, amount, costs, wish.floor), costs, amount)
    each = 1 - (1 - wish.level) / int(able.sum())
    round_gains = curves.gains(collect)
    groups = []
    for g, cell in enumerate(cells):
        value = float(measured.values[0, g])
        told = GroupOutlook(
            group=cell.group,
            predicate=cell.predicate,
            training_rows=int(now[g]),
            test_rows=int(measured.rows[g]),
            test_units=int(measured.units[g]),
            value=value if np.isfinite(value) else None,
            floor=None,
            gain=None,
            gain_rows=0,
            next_gain=None,
            verdict=UNKNOWN,
            collect=int(collect[g]),
            cost=float(costs[g]),
            curve=(),
            reason=reasons[g],
        )
        if able[g]:
            told = _with_curve(told, curves, g, round_gains, best, sign, each, wish)
        groups.append(told)
    order = sorted(groups, key=lambda one: -sign * (np.inf if one.value is None else one.value))
    return PlannedRound(
        groups=tuple(order),
        collect=int(collect.sum()),
        cost=float(collect @ costs),
        notes=tuple(_notes(measured)),
    )


def _with_curve(
    told: GroupOutlook,
    curves: LearningCurves,
    group: int,
    round_gains: Floats,
    best: float,
    sign: float,
    level: float,
    wish: Wish,
) -> GroupOutlook:
    more = np.zeros(len(curves.now))
    reach = int(min(wish.budget / told.cost, REACH * curves.now[group]))
    more[group] = reach
    own = curves.place(group)
    gains = curves.gains(more)[:, own]
    error = curves.values(curves.now)[:, own]
    gain = _outlook(gains, level)
    low, high = np.quantile(gains / np.maximum(error, 1e-300), _ends(level))
    enough = told.training_rows >= ENOUGH_ROWS
    verdict = HELPS if low >= wish.worth else DOES_NOT if high < wish.worth and enough else UNKNOWN
    at = np.geomspace(0.25, 1 + min(wish.budget / told.cost / curves.now.sum(), REACH), PLACES)
    readings = []
    for part in at:
        value = best + sign * curves.values(curves.now * part)[:, own]
        readings.append(
            CurveReading(rows=float(curves.now[group] * part), value=_outlook(value, level))
        )
    return replace(
        told,
        floor=_outlook(best + sign * curves.floor[:, own], level),
        gain=gain,
        gain_rows=reach,
        next_gain=_outlook(round_gains[:, own], level),
        verdict=verdict,
        curve=tuple(readings),
    )


def _ends(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _outlook(draws: Floats, level: float) -> Outlook:
    low, high = np.quantile(draws, _ends(level))
    return Outlook(middle=float(np.median(draws)), low=float(low), high=float(high))


def whole_rows(wanted: Floats, costs: Floats, amount: float) -> npt.NDArray[np.int64]:
    """Whole rows within an amount, what is left given to those that lost most by rounding."""
    rows = np.floor(wanted + 1e-9).astype(np.int64)
    left = amount - float(rows @ costs)
    for g in np.argsort(-(wanted - rows), kind="stable"):
        if costs[g] <= left + 1e-9:
            rows[g] += 1
            left -= float(costs[g])
    return rows


def _notes(measured: MeasuredRuns) -> Iterator[Note]:
    if measured.others:
        yield Note(
            code="tested_not_trained",
            text=f"Tested and without a row for training, so not planned: {listed(list(measured.others))}.",
        )
