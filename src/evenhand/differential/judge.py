"""Evidence to verdicts: the interval decides, never the point."""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.differential.evidence import ConditionEvidence, JudgedCosts
from evenhand.differential.result import (
    ConditionOverall,
    Effect,
    GroupEffect,
    Paid,
    Pair,
    RefusedEffect,
    Verdict,
)
from evenhand.errors import REASONS
from evenhand.pages.nouns import unit_noun

Integers = npt.NDArray[np.int64]


def judge_everybody(
    evidence: ConditionEvidence, names: Sequence[str]
) -> tuple[ConditionOverall, ...]:
    """Everybody under the reference (the first name) and under each condition."""
    first = ConditionOverall(
        condition=names[0], estimate=evidence.everybody[0], cost=None, verdict=None
    )
    others = (
        ConditionOverall(
            condition=name,
            estimate=evidence.everybody[k + 1],
            cost=effect_of(evidence.overall, k),
            verdict=paid_verdict(evidence.overall, k, evidence.rules),
        )
        for k, name in enumerate(names[1:])
    )
    return (first, *others)


def judge_groups(evidence: ConditionEvidence, names: Sequence[str]) -> Iterator[GroupEffect]:
    """Each group under the reference and under each condition, group by group."""
    for i, cell in enumerate(evidence.cells):
        for k, name in enumerate(names):
            place = i * evidence.conditions + k - 1
            yield GroupEffect(
                by=cell.partition.names,
                group=cell.group,
                predicate=cell.predicate,
                condition=name,
                estimate=evidence.rates[i][k],
                cost=effect_of(evidence.paid, place) if k else None,
                paid=paid_verdict(evidence.paid, place, evidence.rules) if k else None,
                differential=effect_of(evidence.beyond, place) if k else None,
                verdict=verdict_of(evidence.beyond, place, evidence.rules) if k else None,
            )


def judge_pairs(evidence: ConditionEvidence, names: Sequence[str]) -> Iterator[Pair]:
    """Pairs of groups under one condition of each partition: where they are proven furthest apart."""
    keys = [evidence.cells[i].partition.names for i in evidence.first]
    for by in dict.fromkeys(keys):
        own = np.array([n for n, key in enumerate(keys) if key == by])
        k = _worst_condition(evidence, own)
        pairs = (_pair(evidence, int(n), k, names[k + 1]) for n in own)
        yield from sorted(pairs, key=_apart)


def _apart(pair: Pair) -> float:
    """The widest proven first, then the widest; those that cannot be judged last."""
    low = pair.differential.low
    return np.inf if low is None else -low


def _worst_condition(evidence: ConditionEvidence, own: Integers) -> int:
    """The condition with the widest proven difference; else the one that costs everybody most."""
    places = own[:, None] * evidence.conditions + np.arange(evidence.conditions)
    tested = evidence.pairs.tested[places]
    low, high = evidence.pairs.low[places], evidence.pairs.high[places]
    proven = np.where(tested, np.maximum(low, -high), -np.inf).max(axis=0)
    if proven.max() > 0:
        return int(np.argmax(proven))
    return int(np.argmax(np.nan_to_num(evidence.overall.difference, nan=-np.inf)))


def _pair(evidence: ConditionEvidence, number: int, k: int, condition: str) -> Pair:
    """A pair, turned so that the first pays more."""
    place = number * evidence.conditions + k
    one, two = (evidence.cells[side[number]] for side in (evidence.first, evidence.second))
    judged = evidence.pairs
    if judged.told[place] < 0:
        one, two = two, one
    return Pair(
        by=one.partition.names,
        condition=condition,
        first=one.predicate,
        second=two.predicate,
        differential=effect_of(judged, place),
        verdict=verdict_of(judged, place, evidence.rules),
    )


def effect_of(judged: JudgedCosts, place: int) -> Effect:
    """A comparison as a result; all but the reason is `None` where it could not be tested."""
    sign = float(judged.told[place])
    reason = judged.why[place]
    known = reason is None or reason == "no_variation"
    value = float(judged.difference[place]) * sign
    bounds = sorted((float(judged.low[place]) * sign, float(judged.high[place]) * sign))
    tested = reason is None
    detectable = float(judged.detectable[place])
    return Effect(
        # Adding 0 turns -0.0 into 0.0.
        value=value + 0.0 if known and np.isfinite(value) else None,
        low=bounds[0] if tested else None,
        high=bounds[1] if tested else None,
        standard_error=float(judged.standard_error[place]) if tested else None,
        p_value=float(judged.p[place]) if tested else None,
        p_adjusted=float(judged.p_adjusted[place]) if tested else None,
        minimum_detectable=detectable if tested and detectable > 0 else None,
        method=judged.methods[place] if tested else None,
        reason=reason,
    )


def verdict_of(judged: JudgedCosts, place: int, rules: VerdictRules) -> Verdict:
    """Whether it is proven that a condition costs one more than the other."""
    found = {"worse": "costs more", "better": "not more", "not worse": "not more"}
    paid = paid_verdict(judged, place, rules)
    return cast("Verdict", found.get(paid, paid))


def paid_verdict(judged: JudgedCosts, place: int, rules: VerdictRules) -> Paid:
    """Whether a condition is proven to do harm, good, or no harm beyond the tolerance."""
    if not judged.tested[place]:
        return "insufficient evidence"
    ends = judged.told[place] * judged.low[place], judged.told[place] * judged.high[place]
    low, high = sorted(ends)
    if low > rules.tolerance:
        return "worse"
    if high < -rules.tolerance:
        return "better"
    at_most = max(high, judged.limit[place])
    return "not worse" if at_most <= rules.tolerance else "insufficient evidence"


def refusals(evidence: ConditionEvidence, names: Sequence[str]) -> Iterator[RefusedEffect]:
    """Groups under conditions that cannot be judged, and why."""
    for i, k, reason in evidence.refused(evidence.beyond):
        cell = evidence.cells[i]
        yield RefusedEffect(
            by=cell.partition.names,
            predicate=cell.predicate,
            condition=names[k + 1],
            reason=reason,
            message=f"Refused [{reason}]: {_told(evidence, i, k, cell, reason, names)}.",
        )


def _told(
    evidence: ConditionEvidence, i: int, k: int, cell: GroupSet, reason: str, names: Sequence[str]
) -> str:
    """What is missing where."""
    rules = evidence.rules
    under, plain = evidence.rates[i][k + 1], evidence.rates[i][0]
    if reason == "too_few_units" or not under.n_units or not plain.n_units:
        few = under if (under.n_units or 0) <= (plain.n_units or 0) else plain
        where = names[k + 1] if few is under else names[0]
        count = few.n_units or 0
        if count >= rules.min_units:
            return f"the others than {cell.predicate} have too few {unit_noun(rules.unit)} under {where}"
        return (
            f"group {cell.predicate} has {count} {unit_noun(rules.unit, count)} under {where}; this interval needs at "
            f"least {rules.min_units}"
        )
    if reason == "no_reference":
        return (
            f"group {cell.predicate} under {names[k + 1]}: the reference {names[0]}, or the other "
            "groups, have nothing to compare it with"
        )
    return f"group {cell.predicate} under {names[k + 1]}: {REASONS[reason]}"
