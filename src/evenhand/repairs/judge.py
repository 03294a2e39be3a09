"""Whether a rule holds of repaired decisions: the intervals decide, never the points."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import GroupEvidence
from evenhand.comparisons.comparison import compare
from evenhand.comparisons.limits import contrast_limit
from evenhand.comparisons.rates import bounds_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import build_cube, estimate
from evenhand.differential.assembly import group_sets, members_under
from evenhand.gates.bounds import gap_bounds, rate_bounds
from evenhand.metrics import Metric
from evenhand.questions.question import Question, metric_rules
from evenhand.repairs.goals import RepairGoal
from evenhand.results.estimate import Estimate
from evenhand.stats.forms import Ratio
from evenhand.stats.simultaneous import bonferroni_quantile
from evenhand.switching.pairing import SERVICE, pair_services
from evenhand.switching.services import check_services

Floats = npt.NDArray[np.float64]
Answer = Literal["reached", "not reached", "insufficient evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalEvidence:
    """What rows say of a rule.

    Attributes
    ----------
    answer : str
    value : float or None
        What the rule is about: the largest difference; the value furthest on the wrong side; or how much worse the
        worst group is after the repair than the worst one was before.
    low, high : float or None
        Bounds of it.
    cells : tuple of GroupSet
    rates : tuple of Estimate
        Of each group; their intervals hold at once.
    kept : tuple of (bool or None)
        Of each group, whether it keeps the rule; `None` where that is not known, or the rule is not of groups.
    complete : bool
        Whether something is known of every group; else the bounds are those of the others.
    """

    answer: Answer
    value: float | None
    low: float | None
    high: float | None
    cells: tuple[GroupSet, ...]
    rates: tuple[Estimate, ...]
    kept: tuple[bool | None, ...]
    complete: bool

    def partly(self) -> "GoalEvidence":
        """The same where a group is known of which these rows say nothing."""
        reached = self.answer == "reached"
        answer: Answer = "insufficient evidence" if reached else self.answer
        return replace(self, complete=False, answer=answer)

    def open(self) -> "GoalEvidence":
        """The same where these rows prove nothing."""
        return replace(self, answer="insufficient evidence", low=None, high=None)


def judge_rule(
    question: Question,
    before: Metric,
    after: Metric,
    goal: RepairGoal,
    rules: VerdictRules,
    worst: str,
) -> GoalEvidence:
    """Judge a rule by simultaneous intervals.

    Parameters
    ----------
    question : Question
        Of rows that no repair has seen.
    before, after : Metric
        Of the decisions as they stand, and of the repaired ones.
    goal : RepairGoal
    rules : VerdictRules
    worst : str
        The group that is worst off as it stands, by rows other than these.

    Notes
    -----
    Limits and differences: the bounds of `evenhand.gates`, of all groups by Bonferroni's inequality; of few or skewed
    units they are as wide as what one unit can be allows.  The worst group:
    every group's repaired value is compared with that of `worst` as it stands, rows of which are in both; that all
    of them are better proves that the largest is better than the largest was, whoever was worst.
    """
    records = question.records
    plan = after.plan(records, question.columns, None)
    cube = build_cube(
        plan.records,
        plan.measure,
        question.attributes,
        unit=question.units,
        missing_values=records.missing_values,
        form=plan.form,
    )
    ruled = metric_rules(rules, after, plan, higher_is_worse=goal.higher_is_worse)
    cells, _ = group_sets(cube, question)
    tail = (1 - rules.level) / 2
    # A family of more than one has exact limits of proportions; Bonferroni's quantile needs no draws.
    found = GroupEvidence(
        cube,
        plan.form,
        question.attributes,
        question.partitions,
        replace(ruled, family=2, adjust="holm", interval="clopper-pearson"),
        proportion=plan.proportion,
    )
    rates = _rates(found, tail / len(cells))
    able = np.array([one.low is not None for one in rates])
    values = np.array([np.nan if one.value is None else one.value for one in rates])
    told = goal.statistic(values)
    value = float(told) if np.isfinite(told) else None
    failed = False
    kept: tuple[bool | None, ...] = (None,) * len(cells)
    if goal.kind in ("maximum", "minimum"):
        assert goal.limit is not None
        kept = tuple(_keeps(one, goal) for one in rates)
        low, high = _furthest(rates, goal)
    elif goal.kind == "maximum difference":
        low, high = _widest(found, found.group_index[able], tail)
    else:
        value, low, high, kept, failed = _against_worst(
            question, before, after, goal, ruled, worst, len(cells)
        )
    # A group of which nothing is known may break the rule; so may one without a case among these rows.
    complete = bool(able.all())
    answer = "not reached" if failed else _answer(goal, low, high, complete=complete)
    return GoalEvidence(
        answer=answer,
        value=value,
        low=low,
        high=high,
        cells=tuple(cells),
        rates=tuple(rates),
        kept=kept,
        complete=complete,
    )


def _answer(goal: RepairGoal, low: float | None, high: float | None, *, complete: bool) -> Answer:
    if low is None or high is None:
        return "insufficient evidence"
    limit = 0.0 if goal.limit is None else goal.limit
    if goal.kind == "minimum":
        if high < limit:
            return "not reached"
        return "reached" if complete and low >= limit else "insufficient evidence"
    if goal.kind == "worst group":
        return "reached" if complete and high < 0 else "insufficient evidence"
    if low > limit:
        return "not reached"
    met = high <= limit
    return "reached" if complete and met else "insufficient evidence"


def _keeps(one: Estimate, goal: RepairGoal) -> bool | None:
    assert goal.limit is not None
    if one.low is None or one.high is None:
        return None
    if goal.kind == "maximum":
        return True if one.high <= goal.limit else False if one.low > goal.limit else None
    return True if one.low >= goal.limit else False if one.high < goal.limit else None


def _furthest(rates: Sequence[Estimate], goal: RepairGoal) -> tuple[float | None, float | None]:
    """Bounds of the value that is furthest on the wrong side."""
    ends = [(one.low, one.high) for one in rates if one.low is not None and one.high is not None]
    if not ends:
        return None, None
    pick = max if goal.kind == "maximum" else min
    return pick(low for low, _ in ends), pick(high for _, high in ends)


def _rates(found: GroupEvidence, tail: float) -> list[Estimate]:
    """Each group's rate between bounds of which each is wrong with at most this chance.

    The method is ``bounded-units`` where what units can be allows more than the interval.
    """
    low, high = rate_bounds(found, tail)
    level = replace(found.rules, level=1 - 2 * tail)
    inner, outer, _ = bounds_of(found.estimates, found.form, level, binomial=found.shares)
    wider = (low < inner) | (high > outer)
    out = []
    for index in found.group_index:
        one = found.rates[index]
        if one.reason is None and not np.isfinite([low[index], high[index]]).all():
            one = replace(one, low=None, high=None, method=None, reason="no_variation")
        elif one.reason is None:
            method = "bounded-units" if wider[index] else one.method
            one = replace(one, low=float(low[index]), high=float(high[index]), method=method)
        out.append(one)
    return out


def _widest(
    found: GroupEvidence, index: npt.NDArray[np.int64], chance: float
) -> tuple[float | None, float | None]:
    """Bounds of the largest difference."""
    if len(index) < 2:
        return None, None
    told = gap_bounds(found, index, chance)
    if not np.isfinite([told.low, told.high]).all():
        return None, None
    return told.low, told.high


def _against_worst(
    question: Question,
    before: Metric,
    after: Metric,
    goal: RepairGoal,
    rules: VerdictRules,
    worst: str,
    groups: int,
) -> tuple[float | None, float | None, float | None, tuple[bool | None, ...], bool]:
    """How much worse the worst group is after the repair than `worst` was before, its bounds, and each group's part.

    Last whether some group is proven to be worse off than every group was.
    """
    names = check_services([before, after])
    paired = pair_services(question, [before, after], names)
    cube, form = paired.together, paired.plans[0].form
    cells, _ = group_sets(cube, question)
    under = members_under(cube, SERVICE, names)
    nothing = (None, None, None, (None,) * groups, False)
    place = next((i for i, cell in enumerate(cells) if cell.predicate == worst), None)
    if place is None:
        return nothing
    sets = np.array([cell.members & side for side in (under[1], under[0]) for cell in cells])
    found = estimate(cube, form, sets)
    number, own = len(cells), np.arange(len(cells))
    limits = None if rules.low is None or rules.high is None else (rules.low, rules.high)
    z = bonferroni_quantile(number, rules.level)
    sign = 1.0 if goal.higher_is_worse else -1.0

    def guarded(group: int) -> float:
        """How much worse a group is than the worst one was, whatever units within their range are like."""
        assert limits is not None
        assert isinstance(form, Ratio)
        tail = (1 - rules.level) / (2 * number)
        pair = sets[[group, number + place]]
        return contrast_limit(cube, form, pair, sign * np.array([1.0, -1.0]), limits, tail)

    def bounds(now: int) -> tuple[Floats, Floats]:
        pairs = compare(
            found, form, own, np.full(number, number + now), proportion=False, bounds=limits
        )
        low, high = pairs.interval(z)
        few = np.fmin(found.n_units[own], found.n_units[number + now]) < rules.min_units
        low, high = np.where(few, np.nan, low), np.where(few, np.nan, high)
        return (low, high) if goal.higher_is_worse else (-high, -low)

    low, high = bounds(place)
    if question.units and limits is not None and isinstance(form, Ratio):
        # Few or skewed units tell too little of their own spread.
        guards = [guarded(group) if np.isfinite(high[group]) else np.nan for group in range(number)]
        high = np.maximum(high, guards)
    kept = tuple(
        None if not np.isfinite(top) else True if top < 0 else False if end > 0 else None
        for end, top in zip(low, high, strict=True)
    )
    harm = goal.sign * (found.values[:number] - found.values[number + place])
    if np.isnan(high).any() or not np.isfinite(harm).any():
        return (*nothing[:3], kept, False)
    # Beyond what every group had, as no one of them may have been as bad.
    beyond = np.array([bounds(now)[0] for now in range(number)]).min(axis=0)
    return (
        float(np.nanmax(harm)),
        float(low.max()),
        float(high.max()),
        kept,
        bool((beyond > 0).any()),
    )
