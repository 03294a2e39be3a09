"""Evidence on services to verdicts: the interval decides, never the point."""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from evenhand.comparisons.rates import rates_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import Cube, estimate
from evenhand.differential.evidence import ConditionEvidence
from evenhand.differential.judge import effect_of, paid_verdict
from evenhand.errors import REASONS
from evenhand.metrics import MetricPlan
from evenhand.pages.nouns import count_units, unit_noun
from evenhand.results.estimate import Estimate
from evenhand.stats.forms import Ratio
from evenhand.switching.result import (
    EverybodySwitch,
    Gained,
    GroupSwitch,
    Placed,
    RefusedSwitch,
)

_GAINED = {"worse": "loses", "better": "gains", "not worse": "no loss"}
_PLACED = {"worse": "falls behind", "better": "catches up", "not worse": "keeps up"}


def rates_under(
    cube: Cube, plan: MetricPlan, cells: Sequence[GroupSet], rules: VerdictRules
) -> list[Estimate]:
    """Value of everybody and of each group under one service, as an audit has it; `cells` are of its cube."""
    sets = np.array([np.ones(len(cube.keys), bool), *(cell.members for cell in cells)])
    estimates = estimate(cube, plan.form, sets, np.zeros((0, 2), np.int64))
    binomial = plan.proportion and cube.units is None and isinstance(plan.form, Ratio)
    return rates_of(estimates, plan.form, cube.parts, rules, binomial=binomial)


def judge_everybody(
    evidence: ConditionEvidence, rates: Sequence[Sequence[Estimate]], names: Sequence[str]
) -> Iterator[EverybodySwitch]:
    """Everybody under each service; `rates` has those of `rates_under` of each."""
    for k, name in enumerate(names):
        yield EverybodySwitch(
            service=name,
            estimate=rates[k][0],
            change=effect_of(evidence.overall, k - 1) if k else None,
            verdict=_gained(paid_verdict(evidence.overall, k - 1, evidence.rules)) if k else None,
        )


def judge_groups(
    evidence: ConditionEvidence, rates: Sequence[Sequence[Estimate]], names: Sequence[str]
) -> Iterator[GroupSwitch]:
    """Each group under each service, group by group."""
    gaps, rules = evidence.gaps(), evidence.rules
    for i, cell in enumerate(evidence.cells):
        for k, name in enumerate(names):
            place = i * evidence.conditions + k - 1
            yield GroupSwitch(
                by=cell.partition.names,
                group=cell.group,
                predicate=cell.predicate,
                service=name,
                estimate=rates[k][i + 1],
                change=effect_of(evidence.paid, place) if k else None,
                verdict=_gained(paid_verdict(evidence.paid, place, rules)) if k else None,
                gap=float(gaps[i, k]) if np.isfinite(gaps[i, k]) else None,
                gap_change=effect_of(evidence.beyond, place) if k else None,
                gap_verdict=_placed(paid_verdict(evidence.beyond, place, rules)) if k else None,
            )


def _gained(verdict: str) -> Gained:
    return cast("Gained", _GAINED.get(verdict, verdict))


def _placed(verdict: str) -> Placed:
    return cast("Placed", _PLACED.get(verdict, verdict))


def refusals(evidence: ConditionEvidence, names: Sequence[str]) -> Iterator[RefusedSwitch]:
    """Groups of which it cannot be said what switching changes for them, and why."""
    for i, k, reason in evidence.refused(evidence.paid):
        cell = evidence.cells[i]
        yield RefusedSwitch(
            by=cell.partition.names,
            predicate=cell.predicate,
            service=names[k + 1],
            reason=reason,
            message=f"Refused [{reason}]: {_told(evidence, i, k, cell, reason, names)}.",
        )


def _told(
    evidence: ConditionEvidence, i: int, k: int, cell: GroupSet, reason: str, names: Sequence[str]
) -> str:
    """What is missing where."""
    rules = evidence.rules
    both = [evidence.rates[i][place].n_units or 0 for place in (0, k + 1)]
    if reason == "too_few_units":
        return (
            f"group {cell.predicate} has {count_units(min(both), rules.unit)} that {names[0]} and {names[k + 1]} were "
            f"both scored on; this interval needs at least {rules.min_units}"
        )
    if reason == "no_variation":
        return (
            f"group {cell.predicate}: switching from {names[0]} to {names[k + 1]} changes all {unit_noun(rules.unit)} "
            "alike, so how sure to be cannot be told"
        )
    return f"group {cell.predicate} under {names[0]} or {names[k + 1]}: {REASONS[reason]}"
