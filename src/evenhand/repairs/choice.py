"""The choice of one repair on practice rows: each is learnt on most of them, and looked at on the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.metrics import Metric
from evenhand.questions.question import By, Question, read_question
from evenhand.records import Records, open_records
from evenhand.repairs.decisions import (
    AnswersByGroup,
    AsItStands,
    GroupThresholds,
    OneThreshold,
    Repair,
    RepairWish,
)
from evenhand.repairs.fitted import FittedRepair
from evenhand.repairs.judge import RuleEvidence, judge_rule
from evenhand.repairs.parting import turns
from evenhand.repairs.rows import RepairRows, with_prediction

Floats = npt.NDArray[np.float64]
#: Parts of the practice rows; a repair is learnt on all but one.
FOLDS = 5
#: Parts of a difference's limit that thresholds aim at.
STRICT = (1.0, 0.5, 0.0)
_RANK = {"reached": 0, "insufficient evidence": 1, "not reached": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that is known before the first repair.

    Attributes
    ----------
    rows : RepairRows
    sealed : bool array
        Rows that no repair sees.
    wish : RepairWish
    metric : Metric
        Of the decisions as they stand.
    by, units, level, min_units, seed
        As asked for.
    column : str
        What the column of repaired decisions is called.
    """

    rows: RepairRows
    sealed: npt.NDArray[np.bool_]
    wish: RepairWish
    metric: Metric
    by: By
    units: tuple[str, ...]
    level: float
    min_units: int
    seed: int
    column: str

    @property
    def rules(self) -> VerdictRules:
        """How intervals are made."""
        return VerdictRules(
            level=self.level, min_units=self.min_units, seed=self.seed, units=self.units
        )

    def asked(self, rows: RepairRows, decisions: Floats) -> tuple[Records, Question]:
        """A table with repaired decisions beside those as they stand, and the question of it."""
        table = rows.table.append_column(self.column, self.wish.label.column(decisions))
        records = open_records(table, missing_values=self.wish.missing_values)
        bins = {name: list(edges) for name, edges in self.wish.bins.items()}
        question = read_question(records, self.by, units=self.units, bins=bins)
        finest = question.finest("A row is decided for one group")
        return records, replace(question, partitions=(finest,))

    def judge(self, rows: RepairRows, decisions: Floats, worst: str) -> RuleEvidence:
        """What rows say of the rule."""
        records, question = self.asked(rows, decisions)
        try:
            return judge_rule(
                question,
                self.metric,
                with_prediction(self.metric, self.column),
                self.wish.goal,
                self.rules,
                worst,
            )
        finally:
            records.close()

    @property
    def practice(self) -> RepairRows:
        """Rows to learn from and to choose with."""
        return self.rows.take(np.flatnonzero(~self.sealed))

    @property
    def held_out(self) -> RepairRows:
        """Rows for the one test."""
        return self.rows.take(np.flatnonzero(self.sealed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A repair, and what practice rows that it had not seen say of it."""

    repair: Repair
    evidence: RuleEvidence
    errors: float
    uses_group: bool

    def rank(self, goal: Any) -> tuple[float, ...]:
        """The first is chosen: what meets the goal at the fewest errors, else what comes nearest."""
        worst = self.evidence.value if self.evidence.value is not None else np.inf
        if goal.kind == "worst group":
            # Fewer errors of the worst group first; a tie within a ten-thousandth of them by all errors.
            return (round(worst, 4), self.errors)
        limit = goal.limit
        reach = _RANK[self.evidence.answer]
        high = self.evidence.high if goal.kind != "minimum" else self.evidence.low
        if high is None:
            return (3, np.inf, self.errors)
        beyond = (limit - high) if goal.kind == "minimum" else (high - limit)
        return (0, self.errors, 0.0) if reach == 0 else (1, max(beyond, 0.0), self.errors)


def repairs_of(rows: RepairRows, wish: RepairWish) -> list[Repair]:
    """All that can be tried on what the rows hold."""
    out: list[Repair] = [AsItStands()]
    strict = STRICT if wish.goal.kind == "maximum difference" else (1.0,)
    for score in rows.scores:
        out.append(OneThreshold(score=score))
        out += [GroupThresholds(score=score, strictness=part) for part in strict]
    if len(rows.answers) > 1:
        out.append(AnswersByGroup())
    return out


def cross_fitted(repair: Repair, rows: RepairRows, wish: RepairWish, seed: int) -> Floats:
    """Decisions of each row by a repair that was learnt without it."""
    turn = turns(rows.units, rows.group, FOLDS, np.random.default_rng([seed, 1]))
    out = np.full(len(rows), np.nan)
    for one in range(FOLDS):
        own = np.flatnonzero(turn == one)
        others = np.flatnonzero(turn != one)
        if len(own) and len(others):
            out[own] = decide(repair.learn(rows.take(others), wish), rows.take(own))
    return out


def decide(fitted: FittedRepair, rows: RepairRows) -> Floats:
    """Decisions of rows; those that lack the score are decided as they stand."""
    score = None if fitted.score is None else rows.scores[fitted.score]
    told = fitted.decide(rows.group, score, rows.answers)
    return np.where(np.isnan(told), rows.now, told)


def candidates(
    prepared: Prepared, worst: str, progress: Callable[[int, int], None] | None
) -> list[Candidate]:
    """All repairs with what practice rows say of them, the chosen one first."""
    rows, wish = prepared.practice, prepared.wish
    found = []
    repairs = repairs_of(rows, wish)
    for number, repair in enumerate(repairs):
        decisions = cross_fitted(repair, rows, wish, prepared.seed)
        evidence = prepared.judge(rows, decisions, worst)
        fitted = repair.learn(rows, wish)
        found.append(
            Candidate(
                repair=repair,
                evidence=evidence,
                errors=error_share(decisions, rows.truth),
                uses_group=fitted.uses_group,
            )
        )
        if progress is not None:
            progress(number + 1, len(repairs))
    return sorted(found, key=lambda one: one.rank(wish.goal))


def error_share(decisions: Floats, truth: Floats) -> float:
    """Share of the rows with a decision and a label that are wrong."""
    known = np.isfinite(decisions) & np.isfinite(truth)
    return float((decisions[known] != truth[known]).mean()) if known.any() else float("nan")


def worst_now(rows: RepairRows, wish: RepairWish) -> str:
    """The group that is worst off as it stands."""
    counts = np.array([_counts(rows.now, rows.truth, rows.group == g) for g in range(len(rows.cells))])
    harm = wish.goal.sign * wish.confusion.values(counts)
    harm = np.where(np.isfinite(harm), harm, -np.inf)
    return rows.cells[int(harm.argmax())].predicate


def _counts(now: Floats, truth: Floats, own: Sequence[bool] | npt.NDArray[np.bool_]) -> list[float]:
    yes, right = now[own] == 1, truth[own] == 1
    no, wrong = now[own] == 0, truth[own] == 0
    return [
        float((yes & right).sum()),
        float((yes & wrong).sum()),
        float((no & right).sum()),
        float((no & wrong).sum()),
    ]
