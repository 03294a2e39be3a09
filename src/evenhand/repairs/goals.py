"""What a repair is to reach, and the choice for each group that comes nearest at the fewest errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Kind = Literal["maximum", "minimum", "maximum difference", "worst group"]
#: Parts of a limit that are aimed at, too.
_DIFFERENCES, _LIMITS = (0.5, 0.25), (0.75, 0.6, 0.4)
#: Lower ends of a window of values that are tried.
_ENDS = 400
#: Options of a group that are told apart where a window is looked for.
_OPTIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairGoal:
    """What is to hold of the groups.

    Attributes
    ----------
    kind : str
        ``maximum`` or ``minimum``: every group's value is on this side of the limit; ``maximum difference``: no two
        groups are further apart; ``worst group``: the worst group is better off than the worst one is now.
    limit : float or None
        The number of the rule.
    higher_is_worse : bool
        Direction of harm.
    allowance : float
        Share of the rows by which errors may grow, where the worst group is to be better off.
    """

    kind: Kind
    limit: float | None
    higher_is_worse: bool
    allowance: float = 0.0

    @property
    def sign(self) -> float:
        """With it, larger is worse."""
        return 1.0 if self.higher_is_worse else -1.0

    def stricter(self) -> tuple[float, ...]:
        """Stricter limits to aim at: what just keeps the rule on rows that it was learnt from is not proven on others.

        Parts of a difference; for an upper or lower limit, parts of the way to 0 or 1 that is left.
        """
        if self.limit is None or self.limit <= 0:
            return ()
        if self.kind == "maximum difference":
            return tuple(part * self.limit for part in _DIFFERENCES)
        if self.kind == "maximum":
            return tuple(part * self.limit for part in _LIMITS)
        left = 1 - self.limit
        return tuple(1 - part * left for part in _LIMITS) if left > 0 else ()

    def statistic(self, values: Floats) -> float:
        """What the rule is about: the largest difference, or the value furthest on the wrong side."""
        return float(self.statistics(values[:, None])[0])

    def statistics(self, values: Floats) -> Floats:
        """The same of several ways to decide, of values of shape (groups, ways); NaN where none is defined."""
        known = np.isfinite(values)
        highest = np.where(known, values, -np.inf).max(axis=0)
        lowest = np.where(known, values, np.inf).min(axis=0)
        if self.kind == "maximum difference":
            told = np.where(np.isfinite(highest), highest, 0.0) - np.where(
                np.isfinite(lowest), lowest, 0.0
            )
        elif self.kind == "worst group":
            told = highest if self.higher_is_worse else lowest
        else:
            told = highest if self.kind == "maximum" else lowest
        return np.where(known.any(axis=0), told, np.nan)


def choose(
    values: Sequence[Floats], errors: Sequence[Floats], goal: RepairGoal, budget: float
) -> list[int]:
    """One option for each group: those that meet the goal at the fewest errors, else those nearest to it.

    Parameters
    ----------
    values, errors : sequence of arrays
        Of each group, the metric and the wrong rows under each of its options; a value is NaN where it is undefined.
    goal : RepairGoal
    budget : float
        Errors of all groups together, where the worst group is to be better off.

    Notes
    -----
    Options of a group do not touch another group's value, so that for given bounds each group chooses by itself, and
    the search is over the bounds alone: exact for limits and for the worst group; for differences over a grid of 400
    windows, where of options whose values differ by less than a thousandth the cheapest stands for all.
    """
    if goal.kind == "maximum difference":
        return _within_window(values, errors, float(goal.limit or 0.0))
    if goal.kind == "worst group":
        return _least_worst(values, errors, goal, budget)
    assert goal.limit is not None
    low, high = (-np.inf, goal.limit) if goal.kind == "maximum" else (goal.limit, np.inf)
    return [_cheapest(v, e, low, high)[0] for v, e in zip(values, errors, strict=True)]


def choose_alike(values: Floats, errors: Floats, chosen: Floats, goal: RepairGoal) -> int:
    """The option of all rows together that puts them where the groups are, at the fewest errors.

    Parameters
    ----------
    values, errors : arrays of shape (options,)
        Of all rows together; a value is NaN where it is undefined.
    chosen : array of shape (groups,)
        The values of the options that groups have.
    goal : RepairGoal
    """
    known = chosen[np.isfinite(chosen)]
    low, high = -np.inf, np.inf
    if goal.kind == "maximum" and goal.limit is not None:
        high = goal.limit
    elif goal.kind == "minimum" and goal.limit is not None:
        low = goal.limit
    elif len(known) and goal.kind == "maximum difference":
        low, high = float(known.min()), float(known.max())
    elif len(known):
        worst = float((goal.sign * known).max())
        values, high = goal.sign * values, worst
    return _cheapest(values, errors, low, high)[0]


def _cheapest(values: Floats, errors: Floats, low: float, high: float) -> tuple[int, float, float]:
    """The option, how far its value is outside the bounds, and its errors."""
    outside = np.maximum(np.maximum(low - values, values - high), 0.0)
    # What is undefined breaks no bound.
    outside = np.where(np.isfinite(values), outside, 0.0)
    outside = np.where(outside < 1e-12, 0.0, outside)
    best = int(np.argmin(np.where(outside == outside.min(), errors, np.inf)))
    return best, float(outside[best]), float(errors[best])


def _cheap_ones(values: Floats, errors: Floats) -> Integers:
    """Places of options, of many with nearly one value the cheapest: a thousandth of the range is one value."""
    known = np.isfinite(values)
    if known.sum() <= _OPTIONS:
        return np.arange(len(values))
    low, high = values[known].min(), values[known].max()
    cell = np.where(known, (values - low) / max(high - low, 1e-300) * _OPTIONS, -1.0).astype(
        np.int64
    )
    order = np.lexsort((errors, cell))
    first = np.ones(len(order), bool)
    first[1:] = cell[order][1:] != cell[order][:-1]
    return np.sort(order[first])


def _within_window(values: Sequence[Floats], errors: Sequence[Floats], width: float) -> list[int]:
    kept = [_cheap_ones(v, e) for v, e in zip(values, errors, strict=True)]
    values = [v[own] for v, own in zip(values, kept, strict=True)]
    errors = [e[own] for e, own in zip(errors, kept, strict=True)]
    chosen = _best_window(values, errors, width)
    return [int(own[place]) for own, place in zip(kept, chosen, strict=True)]


def _best_window(values: Sequence[Floats], errors: Sequence[Floats], width: float) -> list[int]:
    known = np.unique(np.concatenate([v[np.isfinite(v)] for v in values]))
    if not len(known):
        return [int(np.argmin(e)) for e in errors]
    # Windows may begin below every value, too: their upper ends are what counts there.
    ends = np.unique(np.concatenate([known, known - width]))
    if len(ends) > _ENDS:
        ends = np.unique(np.quantile(ends, np.linspace(0, 1, _ENDS)))
    best: tuple[float, float] | None = None
    chosen: list[int] = []
    for low in ends:
        found = [_cheapest(v, e, low, low + width) for v, e in zip(values, errors, strict=True)]
        told = (sum(one[1] for one in found), sum(one[2] for one in found))
        if best is None or told < best:
            best, chosen = told, [one[0] for one in found]
    return chosen


def _least_worst(
    values: Sequence[Floats], errors: Sequence[Floats], goal: RepairGoal, budget: float
) -> list[int]:
    harms = [goal.sign * v for v in values]
    known = np.unique(np.concatenate([h[np.isfinite(h)] for h in harms]))

    def under(high: float) -> tuple[list[int], bool]:
        found = [_cheapest(h, e, -np.inf, high) for h, e in zip(harms, errors, strict=True)]
        fits = sum(one[2] for one in found) <= budget and not any(one[1] for one in found)
        return [one[0] for one in found], fits

    first, last = 0, len(known) - 1
    if last < 0 or not under(float(known[last]))[1]:
        return [int(np.argmin(e)) for e in errors]
    while first < last:
        middle = (first + last) // 2
        if under(float(known[middle]))[1]:
            last = middle
        else:
            first = middle + 1
    return under(float(known[last]))[0]
