"""Rules judged: all bounds hold at once, so that a wrong pass or fail is as rare as the policy says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.audits.disclosure.hiding import rounded
from evenhand.comparisons.limits import interval_alone
from evenhand.comparisons.told import ToldRate
from evenhand.errors import Note
from evenhand.gates.baseline import Baseline
from evenhand.gates.bounds import (
    Bound,
    gap_bounds,
    harm_bounds,
    labels_of,
    rate_bounds,
    ratio_bounds,
    unit_range,
)
from evenhand.gates.evidence import RuleEvidence
from evenhand.gates.keys import DIFFERENCES, LIMITS, RATES, RATIOS
from evenhand.gates.result import GateAnswer, RuleCheck
from evenhand.gates.rules import Rule
from evenhand.pages.edition import PLAIN
from evenhand.pages.nouns import count_units
from evenhand.results.estimate import finite

#: Groups that are excused and named; how many more there are is said.
_NAMED = 12
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsTogether:
    """Groups of a partition, under one condition, that are compared with each other."""

    by: tuple[str, ...]
    under: dict[str, str | int | float | bool | None]
    index: tuple[int, ...]


def judge_rule(
    rule: Rule, found: RuleEvidence, chance: float, baseline: Baseline | None = None
) -> tuple[RuleCheck, ...]:
    """Every demand of a rule on rates, asked of every group.

    Parameters
    ----------
    rule, found
        What is demanded, and what the rows say.
    chance : float
        That some answer of the rule is wrong; shared among its checks (Bonferroni).
    baseline : Baseline, optional
        The last release, where it is asked for.
    """
    gates = _gates(rule, found)
    asked = sum(len(_able(found)) for key in rule.limits if key in (*RATES, "not_worse_than"))
    asked += sum(len(gates) for key in rule.limits if key in (*DIFFERENCES, *RATIOS))
    each = chance / max(asked, 1)
    checks: list[RuleCheck] = []
    rates = None
    for key in rule.limits:
        if key in RATES:
            rates = rate_bounds(found.groups, each) if rates is None else rates
            low, high = rates
            checks += (
                _rate_check(rule, found, key, index, (low[index], high[index]))
                for index in found.chosen
            )
        elif key in (*DIFFERENCES, *RATIOS):
            checks += (_gap_check(rule, found, key, one, each) for one in gates)
        elif baseline is not None:
            rates = rate_bounds(found.groups, each) if rates is None else rates
            checks += _baseline_checks(rule, found, baseline, rates, each)
    if "coverage" in rule.given:
        checks += (_coverage_check(rule, found, index) for index in found.chosen)
    # Last bits of a number could tell what it was added up from.
    return tuple(map(rounded, checks)) if rule.get("suppress_below", 0) else tuple(checks)


def notes_of(rule: Rule, found: RuleEvidence, checks: Sequence[RuleCheck]) -> tuple[Note, ...]:
    """What is told of a limit against the direction of harm, of groups left out, and of passes on intervals alone."""
    return (
        *_against_harm(rule, found),
        *_left_out(rule, found),
        *_on_interval_alone(found, checks),
    )


def _left_out(rule: Rule, found: RuleEvidence) -> Iterator[Note]:
    """Groups that the rule excuses: a pass says nothing of them."""
    if rule.get("small_groups") != "excused" or not rule.limits:
        return
    groups, hide = found.groups, rule.get("suppress_below", 0)
    told = []
    for index in found.chosen:
        if not groups.able(index) and index not in groups.hidden:
            units = int(groups.estimates.n_units[index])
            number = "" if hide else f" ({count_units(units, groups.rules.units_name or 'row')})"
            told.append(f"{PLAIN.named(groups.cell_of(index).group)}{number}")
    if told:
        more = f" and {len(told) - _NAMED:,} more" if len(told) > _NAMED else ""
        names = ", ".join(told[:_NAMED]) + more
        yield Note(
            code="excused_groups",
            text=f"Too small to be judged, and excused by the rule, so that nothing is said of them: {names}.",
        )


def _against_harm(rule: Rule, found: RuleEvidence) -> Iterator[Note]:
    """A limit that forbids a value to be good."""
    told = found.definition is not None and found.definition.definition.higher_is_worse is not None
    if not told and "worse" not in rule.given:
        return
    higher_is_worse = found.metric.higher_is_worse
    odd, meant = ("minimum", "maximum") if higher_is_worse else ("maximum", "minimum")
    if odd in rule.given and meant not in rule.given:
        better = "lower" if higher_is_worse else "higher"
        text = (
            f"{found.metric.name} is better when {better}, and {odd} = {rule.given[odd]:g} forbids that.  Was {meant} "
            "meant?"
        )
        yield Note(code="limit_against_harm", text=text)


def _on_interval_alone(found: RuleEvidence, checks: Sequence[RuleCheck]) -> tuple[Note, ...]:
    groups = found.groups
    kept = any(check.answer == "pass" and check.limit in LIMITS for check in checks)
    if not kept or groups.shares or unit_range(groups) is not None or not _able(found):
        return ()
    units = min(int(groups.estimates.n_units[index]) for index in _able(found))
    counted = not groups.rules.suppress_below
    return tuple(interval_alone(units, groups.rules.unit, "“pass”", counted=counted))


def _able(found: RuleEvidence) -> list[int]:
    return [index for index in found.chosen if found.groups.able(index)]


def _gates(rule: Rule, found: RuleEvidence) -> list[GroupsTogether]:
    """Groups that are compared: those of a partition, under each condition by itself."""
    out: list[GroupsTogether] = []
    condition = rule.get("condition")
    for partition, members in found.groups.partitions:
        sets: dict[object, list[int]] = {}
        under: dict[object, dict[str, str | int | float | bool | None]] = {}
        for place in members:
            index = int(found.groups.group_index[place])
            if index not in found.chosen:
                continue
            cell = found.groups.cells[place]
            at = cell.group[condition] if condition is not None else None
            sets.setdefault(at, []).append(index)
            under[at] = {} if condition is None else {condition: at}
        out += (
            GroupsTogether(by=partition.names, under=under[at], index=tuple(index))
            for at, index in sets.items()
        )
    return out


def answer_of(key: str, low: float, high: float, allowed: float) -> GateAnswer:
    """What bounds say of a limit.

    Examples
    --------
    >>> answer_of("maximum", 0.1, 0.2, 0.3), answer_of("minimum", 0.1, 0.2, 0.3), answer_of("maximum", 0.1, 0.4, 0.3)
    ('pass', 'fail', 'insufficient evidence')
    """
    if np.isnan(allowed):
        return "insufficient evidence"
    if key in ("minimum", "minimum_ratio"):
        low, high, allowed = -high, -low, -allowed
    if low > allowed:
        return "fail"
    return "pass" if high <= allowed else "insufficient evidence"


def answer_under(check: RuleCheck, allowed: float) -> GateAnswer | None:
    """What a check comes to under a limit; `None` where neither a count nor bounds tell."""
    if check.limit == "coverage":
        return None if check.value is None else "pass" if check.value >= allowed else "fail"
    if check.limit not in LIMITS or (check.low is None and check.high is None):
        return None
    low = -np.inf if check.low is None else check.low
    high = np.inf if check.high is None else check.high
    return answer_of(check.limit, low, high, allowed)


def _group_check(rule: Rule, found: RuleEvidence, key: str, index: int) -> RuleCheck:
    """A check of a group before anything is known."""
    cell, groups = found.groups.cell_of(index), found.groups
    rate, few = groups.rates[index], rule.get("suppress_below", 0)
    hidden = index in groups.hidden
    reason = "suppressed" if hidden else None
    if reason is None and not groups.able(index):
        reason = (
            "too_few_units"
            if 0 < groups.estimates.n_units[index] < groups.rules.min_units
            else rate.reason or "no_denominator"
        )
    return RuleCheck.undecided(
        key,
        by=cell.partition.names,
        group=cell.group,
        predicate=cell.predicate,
        value=None if hidden else finite(groups.estimates.values[index]),
        numerator=None if few else rate.numerator,
        denominator=None if few else rate.denominator,
        n_units=None if few else int(groups.estimates.n_units[index]),
        reason=reason,
        excused=reason in ("too_few_units", "no_denominator", "class_absent")
        and rule.get("small_groups") == "excused",
    )


def _rate_check(
    rule: Rule, found: RuleEvidence, key: str, index: int, bounds: tuple[float, float]
) -> RuleCheck:
    check = replace(_group_check(rule, found, key, index), allowed=float(rule.given[key]))
    if check.reason is not None:
        return check
    low, high = bounds
    if not (np.isfinite(low) or np.isfinite(high)):
        return replace(check, reason=found.groups.rates[index].reason or "no_variation")
    return replace(
        check,
        low=finite(low),
        high=finite(high),
        answer=answer_of(key, low, high, rule.given[key]),
    )


def _coverage_check(rule: Rule, found: RuleEvidence, index: int) -> RuleCheck:
    """How many units a group has: counted, without any doubt."""
    check = replace(
        _group_check(rule, found, "coverage", index), allowed=float(rule.given["coverage"])
    )
    if index in found.groups.hidden:
        return check
    units = int(found.groups.estimates.n_units[index])
    enough = units >= rule.given["coverage"]
    seen = None if rule.get("suppress_below", 0) else float(units)
    return replace(
        check, value=seen, answer="pass" if enough else "fail", reason=None, excused=False
    )


def _gap_check(
    rule: Rule, found: RuleEvidence, key: str, together: GroupsTogether, chance: float
) -> RuleCheck:
    """How far the groups of a partition are apart."""
    groups = found.groups
    allowed = float(rule.given[key])
    able = [index for index in together.index if groups.able(index)]
    left = [index for index in together.index if index not in able]
    excused = rule.get("small_groups") == "excused"
    check = RuleCheck.undecided(key, by=together.by, group=together.under, allowed=allowed)
    if groups.hidden.intersection(together.index):
        # Whatever is computed from hidden groups could give them away.
        return replace(check, reason="suppressed")
    if len(able) < 2:
        return replace(check, reason="too_few_units" if left else "no_reference")
    index = np.array(able, np.int64)
    if key in DIFFERENCES:
        bound = gap_bounds(groups, index, chance)
    elif groups.rules.low is None or groups.rules.low < 0:
        return replace(check, reason="no_ratio")
    else:
        bound = ratio_bounds(groups, index, chance)
        bound = _inverted(bound) if key == "minimum_ratio" else bound
    answer = answer_of(key, bound.low, bound.high, allowed)
    reason = None
    if left and not excused and answer == "pass":
        # A group of which nothing is known may be the one that differs.
        answer, reason = "insufficient evidence", "too_few_units"
    elif left and excused:
        reason = "excused_groups"
    return replace(
        check,
        others=labels_of(groups, bound.pair),
        other_values=tuple(float(groups.estimates.values[one]) for one in bound.pair or ()),
        value=finite(bound.value),
        low=finite(bound.low),
        high=finite(bound.high),
        answer=answer,
        reason=reason,
    )


def _inverted(bound: Bound) -> Bound:
    """Lowest over highest, from highest over lowest."""
    value, low, high = (
        0.0 if np.isinf(one) else 1 / one if one else np.nan
        for one in (bound.value, bound.high, bound.low)
    )
    return replace(bound, value=value, low=low, high=high)


def _baseline_checks(
    rule: Rule,
    found: RuleEvidence,
    baseline: Baseline,
    rates: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    chance: float,
) -> Iterator[RuleCheck]:
    """How much worse each group is than in the last release."""
    key, tolerance = "not_worse_than", float(rule.get("tolerance", 0.0))
    low, high = rates
    met: set[str] = set()
    units = unit_range(found.groups)
    for index in found.chosen:
        check = replace(_group_check(rule, found, key, index), allowed=tolerance)
        met.add(check.predicate)
        old = baseline.groups.get(check.predicate)
        check = replace(check, baseline=None if old is None else old.value)
        if check.reason is not None or old is None or old.value is None:
            # A last release that says nothing of a group proves nothing of it.
            yield replace(check, value=None, reason=check.reason or "no_baseline")
            continue
        now = (float(found.groups.estimates.values[index]), float(low[index]), float(high[index]))
        least, most = ToldRate.of(old, baseline.level).limits(1 - 2 * chance, units)
        before = (old.value, float(least), float(most))
        bound = harm_bounds(now, before, higher_is_worse=found.metric.higher_is_worse)
        known = np.isfinite(bound.low) or np.isfinite(bound.high)
        yield replace(
            check,
            value=finite(bound.value),
            low=finite(bound.low),
            high=finite(bound.high),
            answer=answer_of(key, bound.low, bound.high, tolerance),
            reason=None if known else "no_baseline",
        )
    chosen = {name for name in met if name}
    if rule.texts("groups"):
        return
    for predicate, (by, group, old) in baseline.labelled.items():
        if predicate not in chosen and by in {cell.partition.names for cell in found.groups.cells}:
            yield RuleCheck.undecided(
                key,
                by=by,
                group=group,
                predicate=predicate,
                allowed=tolerance,
                baseline=old.value,
                reason="group_gone",
            )
