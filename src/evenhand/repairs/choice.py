"""The choice of one repair on practice rows: each is learnt on most of them, and looked at on the others."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.comparisons.rules import VerdictRules
from evenhand.metrics import Metric
from evenhand.questions.question import By, Question, read_question
from evenhand.records import Records, open_records
from evenhand.repairs.candidate import RepairCandidate
from evenhand.repairs.decisions import (
    AnswersByGroup,
    AsItStands,
    AtOneHalf,
    GroupThresholds,
    Learnable,
    OneAnswer,
    OneThreshold,
    RepairWish,
    decidable,
    of_answers,
)
from evenhand.repairs.extremes import extreme_groups
from evenhand.repairs.fitted import FittedRepair, TrainingRecipe
from evenhand.repairs.judge import GoalEvidence, judge_rule
from evenhand.repairs.linear import LinearScorer, learn_scores, numbers_of
from evenhand.repairs.parting import turns
from evenhand.repairs.reductions import chance_thresholds, learn_reduction
from evenhand.repairs.rows import RepairRows, with_prediction
from evenhand.repairs.seen import SeenNumbers, seen_numbers

Floats = npt.NDArray[np.float64]
#: Parts of the practice rows; a repair is learnt on all but one.
FOLDS = 5
#: Standard errors by which a repair must be better than a simpler one.
_CHANCE = 2.0
#: How much wider bounds may be where a proof shall come off in four of five tests, not in one of two.
_SURE = 1.4
#: Parts of the practice rows for scores that are learnt here; penalties on what a group adds to them.
SCORE_FOLDS = 3
PENALTIES: Mapping[str, float | None] = {
    "learnt score": None,
    "learnt score, a little by group": 100.0,
    "learnt score by group": 10.0,
}


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
    scorers : mapping of str to LinearScorer
        Models behind scores that were learnt here.
    fresh : bool
        Whether what stands was learnt here, too.
    recipes : mapping of str to TrainingRecipe
        How answers and scores came about that a training gave.
    fairlearn : bool
        Whether fairlearn's repairs are tried, too.
    failed : tuple of (str, str)
        Trainings that failed, and what they said.
    copies : int
        Sealed rows that are copies of others.
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
    scorers: Mapping[str, LinearScorer] = field(default_factory=dict)
    fresh: bool = False
    recipes: Mapping[str, TrainingRecipe] = field(default_factory=dict)
    fairlearn: bool = False
    failed: tuple[tuple[str, str], ...] = ()
    copies: int = 0

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

    def judge(self, rows: RepairRows, decisions: Floats, worst: str) -> GoalEvidence:
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

    def learn(self, repair: Learnable, rows: RepairRows) -> FittedRepair:
        """A repair learnt from rows, with the model behind its score."""
        fitted = repair.learn(rows, self.wish)
        scorer = self.scorers.get(fitted.score or "")
        if scorer is None:
            return fitted
        by_group = fitted.uses_group or len(scorer.parts) > 1
        reads = any(feature.column in fitted.by for feature in scorer.features)
        return replace(fitted, scorer=scorer, uses_group=by_group or reads)

    def written(self, fitted: FittedRepair) -> FittedRepair:
        """A repair with the columns that it reads where it is applied, and how they come about."""
        read = [fitted.score, *(one.answer for one in (*fitted.groups, fitted.otherwise))]
        names = dict.fromkeys(name for name in read if name in self.recipes)
        used = tuple(self.recipes[name] for name in names if name is not None)
        seen = tuple(self._seen(fitted))
        if not used:
            return replace(fitted, seen=seen)
        # Answers of several trainings are told apart by what they are called here.
        one = len({recipe.rows for recipe in used}) == 1
        score = used[0].column if fitted.score in names and one else fitted.score
        answers = {
            name: self.recipes[name].column if one and name in self.recipes else text
            for name, text in fitted.answers.items()
        }
        seen = tuple(replace(each, column=score or each.column) for each in seen)
        return replace(fitted, score=score, answers=answers, trainings=used, seen=seen)

    def _seen(self, fitted: FittedRepair) -> Iterator[SeenNumbers]:
        """What practice rows hold of the numbers that a repair reads."""
        practice, found = self.practice, []
        if fitted.scorer is not None:
            numbers = numbers_of(practice.table, fitted.scorer.features)
            found = [seen_numbers(name, column, score=False) for name, column in numbers.items()]
        elif fitted.score is not None:
            found = [seen_numbers(fitted.score, practice.scores[fitted.score], score=True)]
        yield from (one for one in found if one is not None)

    @property
    def practice(self) -> RepairRows:
        """Rows to learn from and to choose with."""
        return self.rows.take(np.flatnonzero(~self.sealed))

    @property
    def held_out(self) -> RepairRows:
        """Rows for the one test."""
        return self.rows.take(np.flatnonzero(self.sealed))


def repairs_of(
    rows: RepairRows, wish: RepairWish, learnt: Collection[str], *, fresh: bool
) -> list[Learnable]:
    """All that can be tried on what the rows hold."""
    # What was learnt here without a repair stands among the scores.
    out: list[Learnable] = [] if fresh else [AsItStands()]
    aims = (None, *wish.goal.stricter())
    for score in rows.scores:
        if score in learnt:
            out.append(AtOneHalf(score=score))
        out += [OneThreshold(score=score, aim=aim) for aim in aims]
        out += [GroupThresholds(score=score, aim=aim) for aim in aims]
    if len(rows.answers) > 1:
        out += [OneAnswer(answer=name) for name in list(rows.answers)[1:]]
        out.append(AnswersByGroup())
    return out


def with_learnt_scores(prepared: Prepared, columns: Sequence[str]) -> Prepared:
    """The same with scores that are learnt from columns: of practice rows by models that had not seen them."""
    rows, sealed = prepared.rows, prepared.sealed
    own, others = np.flatnonzero(~sealed), np.flatnonzero(sealed)
    practice = rows.take(own)
    turn = turns(
        practice.units, practice.group, SCORE_FOLDS, np.random.default_rng([prepared.seed, 2])
    )
    penalties = PENALTIES if len(rows.cells) > 1 else {"learnt score": None}
    taken = set(rows.scores)
    named = {_free(name, taken): penalty for name, penalty in penalties.items()}
    found = learn_scores(
        practice.table, columns, practice.truth, practice.group, rows.cells, turn, named
    )
    if prepared.fairlearn:
        found.append(
            learn_reduction(
                practice.table,
                columns,
                practice.truth,
                practice.group,
                turn,
                prepared.metric.name,
                prepared.wish.goal,
            )
        )
    scorers = {}
    for one in found:
        score = np.empty(len(rows))
        score[own] = one.scores
        score[others] = one.scorer.score(
            rows.table.take(pa.array(others)),
            rows.group[others],
            [cell.predicate for cell in rows.cells],
        )
        rows = rows.with_score(one.scorer.name, score)
        scorers[one.scorer.name] = one.scorer
    return replace(prepared, rows=rows, scorers={**prepared.scorers, **scorers})


def with_learnt_answer(prepared: Prepared, name: str) -> Prepared:
    """The same with what is learnt without a repair as the decisions that stand."""
    score = prepared.rows.scores[next(iter(prepared.scorers))]
    now = (score >= 0.5).astype(float)
    rows = prepared.rows
    column = prepared.wish.label.column(now)
    table = rows.table.set_column(rows.table.column_names.index(name), name, column)
    rows = replace(rows, table=table, answers={**rows.answers, name: now})
    return replace(prepared, rows=rows, fresh=True)


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += " (learnt)"
    return name


def cross_fitted(repair: Learnable, rows: RepairRows, wish: RepairWish, seed: int) -> Floats:
    """Decisions of each row by a repair that was learnt without it."""
    turn = turns(rows.units, rows.group, FOLDS, np.random.default_rng([seed, 1]))
    out = np.full(len(rows), np.nan)
    # What is learnt from are arrays: the table need not be cut as well.
    rows = replace(rows, table=rows.table.select(rows.table.column_names[:1]))
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
) -> list[RepairCandidate]:
    """All repairs with what practice rows say of them, the chosen one first."""
    rows, wish = prepared.practice, prepared.wish
    found = []
    repairs = repairs_of(rows, wish, prepared.scorers, fresh=prepared.fresh)
    for number, repair in enumerate(repairs):
        decisions = cross_fitted(repair, rows, wish, prepared.seed)
        fitted = prepared.learn(repair, rows)
        found.append(
            _looked_at(
                prepared, rows, worst, decisions, repair.name, repair, uses_group=fitted.uses_group
            )
        )
        if progress is not None:
            progress(number + 1, len(repairs))
    by_chance = list(_by_chance(prepared, rows, worst)) if prepared.fairlearn else []
    now = error_share(rows.now, rows.truth)
    order = sorted(found, key=lambda one: one.rank(wish.goal, now))
    chosen = _simplest(found, order[0], now, rows, wish)
    return [chosen, *(one for one in order if one is not chosen), *by_chance]


def _by_chance(prepared: Prepared, rows: RepairRows, worst: str) -> Iterator[RepairCandidate]:
    """Thresholds that are drawn for each row: shown beside the others, never chosen."""
    turn = turns(rows.units, rows.group, FOLDS, np.random.default_rng([prepared.seed, 1]))
    for name in list(rows.scores)[:1]:
        decisions = chance_thresholds(
            rows.scores[name], rows.truth, rows.group, turn, prepared.metric.name, prepared.seed
        )
        called = f"fairlearn's thresholds on {name}"
        yield _looked_at(prepared, rows, worst, decisions, called, None, uses_group=True)


def _looked_at(
    prepared: Prepared,
    rows: RepairRows,
    worst: str,
    decisions: Floats,
    name: str,
    repair: Learnable | None,
    *,
    uses_group: bool,
) -> RepairCandidate:
    """What rows say of decisions by a repair that had not seen them."""
    evidence, value = None, _excess(rows, decisions, prepared.wish, worst)
    if prepared.wish.goal.kind != "worst group":
        # Groups of a few rows are chance: no choice among repairs is theirs.  The test is of all groups.
        large = np.flatnonzero(np.isin(rows.group, decidable(rows)) | (rows.group < 0))
        evidence = prepared.judge(rows.take(large), decisions[large], worst)
        value = evidence.value
    return RepairCandidate(
        repair=repair,
        name=name,
        decisions=decisions,
        value=value,
        evidence=evidence,
        errors=error_share(decisions, rows.truth),
        uses_group=uses_group,
        extreme=any(extreme_groups(rows, decisions)),
        hopeful=evidence is not None and _hopeful(evidence, prepared),
    )


def _hopeful(evidence: GoalEvidence, prepared: Prepared) -> bool:
    """Whether the test will likely prove what the practice rows show: of fewer rows bounds are wider."""
    goal, lower = prepared.wish.goal, prepared.wish.goal.kind == "minimum"
    end = evidence.low if lower else evidence.high
    if end is None or evidence.value is None or goal.limit is None:
        return False
    number = prepared.sealed.sum()
    wider = _SURE * np.sqrt((len(prepared.sealed) - number) / max(number, 1))
    expected = evidence.value + wider * (end - evidence.value)
    return bool(expected >= goal.limit if lower else expected <= goal.limit)


def _simplest(
    found: Sequence[RepairCandidate],
    best: RepairCandidate,
    now: float,
    rows: RepairRows,
    wish: RepairWish,
) -> RepairCandidate:
    """The first, hence simplest, repair that is no worse than the best by more than two standard errors.

    What looks best of many is so partly by chance (Breiman, Friedman, Olshen & Stone 1984, section 3.4.3).
    """
    goal = wish.goal
    for one in found:
        ahead, lead = one.rank(goal, now), best.rank(goal, now)
        if goal.kind == "worst group":
            alike = ahead[0] == lead[0] and one.value is not None and best.value is not None
            apart = (
                one.value - best.value if one.value is not None and best.value is not None else 0.0
            )
            if alike and apart <= _error_of_worst(one.decisions, best.decisions, rows, wish):
                return one
        elif ahead[:3] == lead[:3] and lead[1] < 1.0:
            differ = (one.decisions != best.decisions) & np.isfinite(rows.truth)
            if one.errors - best.errors <= _CHANCE * np.sqrt(differ.sum()) / max(
                np.isfinite(rows.truth).sum(), 1
            ):
                return one
    return best


def _error_of_worst(one: Floats, best: Floats, rows: RepairRows, wish: RepairWish) -> float:
    """Two standard errors of the difference of two repairs in the group that is worst off under the first.

    Each row that they decide otherwise moves the metric by what one such row does.
    """
    own = rows.group == _worst_under(rows, one, wish)
    counts = of_answers([("", one[own])], rows.truth[own]).counts[0]
    differ = one[own] != best[own]
    shifts = np.array([[0.0, 1.0, 0.0, -1.0], [1.0, 0.0, -1.0, 0.0]])
    steps = wish.confusion.values(counts + shifts) - wish.confusion.values(counts[None])
    number = [(differ & (rows.truth[own] == label)).sum() for label in (0, 1)]
    return float(_CHANCE * np.sqrt(np.nansum(steps**2 * number)))


def error_share(decisions: Floats, truth: Floats) -> float:
    """Share of the rows with a decision and a label that are wrong."""
    known = np.isfinite(decisions) & np.isfinite(truth)
    return float((decisions[known] != truth[known]).mean()) if known.any() else float("nan")


def worst_place(rows: RepairRows, wish: RepairWish) -> int:
    """Number of the group that is worst off as it stands."""
    return _worst_under(rows, rows.now, wish)


def _worst_under(rows: RepairRows, decisions: Floats, wish: RepairWish) -> int:
    harm = _harms(rows, decisions, wish)
    return int(np.where(np.isfinite(harm), harm, -np.inf).argmax())


def worst_now(rows: RepairRows, wish: RepairWish) -> str:
    """The group that is worst off as it stands."""
    return rows.cells[worst_place(rows, wish)].predicate


def _excess(rows: RepairRows, decisions: Floats, wish: RepairWish, worst: str) -> float | None:
    """How much worse the worst group is under decisions than one group is as it stands."""
    place = next(g for g, cell in enumerate(rows.cells) if cell.predicate == worst)
    harm = _harms(rows, decisions, wish)
    before = _harms(rows, rows.now, wish)[place]
    known = harm[np.isfinite(harm)]
    return float(known.max() - before) if len(known) and np.isfinite(before) else None


def _harms(rows: RepairRows, decisions: Floats, wish: RepairWish) -> Floats:
    """The metric of each group, turned so that more is worse."""
    counts = np.array(
        [
            of_answers([("", decisions[rows.group == g])], rows.truth[rows.group == g]).counts[0]
            for g in range(len(rows.cells))
        ]
    )
    return wish.goal.sign * wish.confusion.values(counts)
