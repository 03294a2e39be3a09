"""Repairs of decisions: which score from which threshold up, or whose answer, decides for which group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evenhand.repairs.fitted import FittedRepair, GroupDecision, RepairKind
from evenhand.repairs.goals import RepairGoal, choose, choose_alike
from evenhand.repairs.rows import ConfusionMetric, DecidedLabel, RepairRows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Rows with a label that a group needs for a decision of its own.
LEAST_ROWS = 30
#: Thresholds for everybody that are looked at.
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairWish:
    """What all repairs are learnt for.

    Attributes
    ----------
    goal : RepairGoal
    confusion : ConfusionMetric
    label : DecidedLabel
    by : tuple of str
    bins : dict
    answers : dict
        Decisions that are there, by what they are called, as they are written.
    missing_values : tuple of str
    columns : dict
        How columns are read that a repair may read.
    """

    goal: RepairGoal
    confusion: ConfusionMetric
    label: DecidedLabel
    by: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    answers: dict[str, str]
    missing_values: tuple[str, ...]
    columns: dict[str, str]


class Learnable(Protocol):
    """Something that is learnt from rows, and then decides of others."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def score(self) -> str | None:
        """The score that it reads."""
        ...

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """Learn from rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Ways in which a group's rows may be decided, and what comes of each.

    Attributes
    ----------
    thresholds : array of shape (options,)
        NaN where the option is an answer.
    answers : tuple of (str or None)
    counts : array of shape (options, 4)
        True positives, false positives, misses and true negatives.
    """

    thresholds: Floats
    answers: tuple[str | None, ...]
    counts: Floats

    @property
    def errors(self) -> Floats:
        """Wrong rows."""
        return np.asarray(self.counts[:, 1] + self.counts[:, 2], float)


def of_thresholds(
    score: Floats, truth: Floats, at: Floats | None = None, *, whole: bool = False
) -> Options:
    """Every threshold that decides of some row otherwise, exact on counts.

    Parameters
    ----------
    score, truth : arrays of shape (rows,)
        Rows without either are left out.
    at : array, optional
        Thresholds to look at in place of all.
    whole : bool
        Whether all scores are whole numbers, as those of no group alone say.
    """
    known = np.isfinite(score) & np.isfinite(truth)
    score, truth = score[known], truth[known]
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    positives = np.concatenate([[0.0], np.cumsum(truth[order])])
    if at is None:
        at = thresholds_of(score, whole=whole)
    taken = np.searchsorted(-ordered, -at, side="right")
    hits = positives[taken]
    alarms = taken - hits
    total = positives[-1]
    counts = np.stack([hits, alarms, total - hits, len(score) - total - alarms], axis=1)
    return Options(thresholds=at, answers=(None,) * len(at), counts=counts)


def thresholds_of(score: Floats, *, whole: bool = False) -> Floats:
    """Thresholds between neighbouring scores, from one above all to one that none is below.

    Of whole numbers they are whole: 5 up, and not 4.5 up.
    """
    values = np.unique(score)[::-1]
    if not len(values):
        return np.array([0.0])
    between = (values[:-1] + values[1:]) / 2
    # Where two scores have no number between them the upper one decides.
    between = np.where(between > values[1:], between, values[:-1])
    above = np.nextafter(values[0], np.inf)
    if whole:
        between, above = np.ceil(between), max(values[0] + 1, above)
    return np.concatenate([[above], between, values[-1:]])


def of_answers(answers: Sequence[tuple[str, Floats]], truth: Floats) -> Options:
    """Answers that are there."""
    counts = []
    for _, told in answers:
        known = np.isfinite(told) & np.isfinite(truth)
        yes, right = told[known] == 1, truth[known] == 1
        counts.append(
            [(yes & right).sum(), (yes & ~right).sum(), (~yes & right).sum(), (~yes & ~right).sum()]
        )
    return Options(
        thresholds=np.full(len(answers), np.nan),
        answers=tuple(name for name, _ in answers),
        counts=np.array(counts, float),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItStands:
    """No repair: what is decided now."""

    name: str = "as it stands"
    score: str | None = None

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """Nothing is learnt."""
        now = next(iter(wish.answers))
        return _told(self.name, "as it stands", rows, wish, None, {}, (None, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneAnswer:
    """Another answer that is there, for everybody."""

    answer: str
    score: str | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.answer

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """Nothing is learnt."""
        return _told(self.name, "one answer", rows, wish, None, {}, (None, self.answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOneHalf:
    """A probability of one half decides, for everybody: nothing is fitted to the goal."""

    score: str

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.score} of at least one half"

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """Nothing is learnt but the score."""
        return _told(self.name, "one threshold", rows, wish, self.score, {}, (0.5, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneThreshold:
    """The same threshold for everybody: no attribute is read at decision time.

    Attributes
    ----------
    score : str
    aim : float, optional
        A stricter limit, so that the rule holds of other rows as well.
    """

    score: str
    aim: float | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return f"one threshold on {self.score}{_aimed(self.aim)}"

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """The threshold that meets the goal at the fewest errors."""
        own = rows.scores[self.score]
        at = thresholds_of(
            own[np.isfinite(own) & np.isfinite(rows.truth)], whole=rows.whole_numbers(self.score)
        )
        if len(at) > _MOST:
            at = at[np.linspace(0, len(at) - 1, _MOST).astype(np.int64)]
        groups = _options(rows, self.score, at)
        place = _common(groups, wish.confusion, _aiming(wish.goal, self.aim))
        return _told(
            self.name, "one threshold", rows, wish, self.score, {}, (float(at[place]), None)
        )


def _aimed(aim: float | None) -> str:
    return "" if aim is None else f", aiming at {aim:g}"


def _aiming(goal: RepairGoal, aim: float | None) -> RepairGoal:
    return goal if aim is None else replace(goal, limit=aim)


def _common(groups: Sequence[Options], confusion: ConfusionMetric, goal: RepairGoal) -> int:
    """The option, the same for all, that is nearest to the goal at the fewest errors."""
    values = np.stack([confusion.values(one.counts) for one in groups])
    errors = np.sum([one.errors for one in groups], axis=0)
    told = goal.statistics(values)
    told = np.where(np.isfinite(told), told, np.inf)
    if goal.kind == "worst group":
        harm = goal.sign * told
        budget = errors.min() + goal.allowance * groups_rows(groups)
        harm = np.where(errors <= budget, harm, np.inf)
        return int(np.lexsort((errors, harm))[0])
    assert goal.limit is not None
    beyond = goal.limit - told if goal.kind == "minimum" else told - goal.limit
    return int(np.lexsort((errors, np.maximum(beyond, 0.0)))[0])


def groups_rows(groups: Sequence[Options]) -> float:
    """Rows of all groups."""
    return float(sum(one.counts[0].sum() for one in groups))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupThresholds:
    """A threshold for each group; exact on counts.

    Attributes
    ----------
    score : str
    aim : float, optional
        A stricter limit, so that the rule holds of other rows as well.
    """

    score: str
    aim: float | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return f"thresholds by group on {self.score}{_aimed(self.aim)}"

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """Thresholds that together meet the goal at the fewest errors."""
        goal = _aiming(wish.goal, self.aim)
        groups = _options(rows, self.score)
        chosen = _chosen(rows, wish, goal, groups)
        together = of_thresholds(
            rows.scores[self.score], rows.truth, whole=rows.whole_numbers(self.score)
        )
        values = [wish.confusion.values(groups[g].counts)[at] for g, at in chosen.items()]
        place = choose_alike(
            wish.confusion.values(together.counts), together.errors, np.array(values), goal
        )
        otherwise = (float(together.thresholds[place]), None)
        options = {g: _option(groups[g], at) for g, at in chosen.items()}
        return _told(self.name, "thresholds by group", rows, wish, self.score, options, otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersByGroup:
    """One of several answers that are there for each group: which service decides for whom."""

    name: str = "the better answer of each group"
    score: str | None = None

    def learn(self, rows: RepairRows, wish: RepairWish) -> FittedRepair:
        """For each group the answer that meets the goal at the fewest errors."""
        groups = [
            of_answers(
                [(name, one[rows.group == g]) for name, one in rows.answers.items()],
                rows.truth[rows.group == g],
            )
            for g in range(len(rows.cells))
        ]
        now = next(iter(wish.answers))
        chosen = _chosen(rows, wish, wish.goal, groups)
        options = {g: _option(groups[g], at) for g, at in chosen.items()}
        return _told(self.name, "answers by group", rows, wish, None, options, (None, now))


def _options(rows: RepairRows, score: str, at: Floats | None = None) -> list[Options]:
    """The thresholds of each group."""
    whole = rows.whole_numbers(score)
    members = (rows.group == g for g in range(len(rows.cells)))
    return [of_thresholds(rows.scores[score][m], rows.truth[m], at, whole=whole) for m in members]


def _chosen(
    rows: RepairRows, wish: RepairWish, goal: RepairGoal, groups: Sequence[Options]
) -> dict[int, int]:
    """The option of each group that has rows enough: those that together meet the goal at the fewest errors."""
    able = [g for g, one in enumerate(groups) if _learnable(one)]
    if not able:
        return {}
    budget = _errors_now(rows, able) + goal.allowance * groups_rows([groups[g] for g in able])
    places = choose(
        [wish.confusion.values(groups[g].counts) for g in able],
        [groups[g].errors for g in able],
        goal,
        budget,
    )
    return dict(zip(able, places, strict=True))


def decidable(rows: RepairRows) -> list[int]:
    """Numbers of the groups that have rows enough for a decision of their own; all where none has."""
    number = len(rows.cells)
    positives, negatives = (
        np.bincount(rows.group[(rows.group >= 0) & (rows.truth == label)], minlength=number)
        for label in (1, 0)
    )
    able = [g for g in range(number) if _are_enough(positives[g], negatives[g])]
    return able or list(range(number))


def _option(options: Options, place: int) -> tuple[float | None, str | None]:
    """An option as it decides: from a threshold up, or as an answer."""
    at = float(options.thresholds[place])
    return None if np.isnan(at) else at, options.answers[place]


def _learnable(options: Options) -> bool:
    """Whether a group has rows enough, of either label."""
    first = options.counts[0]
    return _are_enough(first[[0, 2]].sum(), first[[1, 3]].sum())


def _are_enough(positives: float, negatives: float) -> bool:
    return bool(positives + negatives >= LEAST_ROWS and positives and negatives)


def _errors_now(rows: RepairRows, groups: Sequence[int]) -> float:
    """Wrong rows of some groups as it stands."""
    own = np.isin(rows.group, groups) & np.isfinite(rows.now) & np.isfinite(rows.truth)
    return float((rows.now[own] != rows.truth[own]).sum())


def _told(
    name: str,
    kind: RepairKind,
    rows: RepairRows,
    wish: RepairWish,
    score: str | None,
    chosen: dict[int, tuple[float | None, str | None]],
    otherwise: tuple[float | None, str | None],
) -> FittedRepair:
    label = wish.label
    decisions = tuple(_decisions(rows, chosen, otherwise, kind))
    used = {one.answer for one in decisions} | {otherwise[1]}
    return FittedRepair(
        name=name,
        kind=kind,
        by=wish.by,
        bins=wish.bins,
        score=score,
        answers={called: told for called, told in wish.answers.items() if called in used},
        now=next(iter(wish.answers.values())),
        groups=decisions,
        otherwise=GroupDecision(
            group={}, predicate="", threshold=otherwise[0], answer=otherwise[1], fallback=True
        ),
        label=label.told,
        positive=label.positive,
        negative=label.negative,
        scorer=None,
        trainings=(),
        uses_group=len({(one.threshold, one.answer) for one in decisions}) > 1,
        missing_values=wish.missing_values,
        columns=wish.columns,
    )


def _decisions(
    rows: RepairRows,
    chosen: dict[int, tuple[float | None, str | None]],
    otherwise: tuple[float | None, str | None],
    kind: RepairKind,
) -> Iterator[GroupDecision]:
    for g, cell in enumerate(rows.cells):
        threshold, answer = chosen.get(g, otherwise)
        yield GroupDecision(
            group=cell.group,
            predicate=cell.predicate,
            threshold=threshold,
            answer=answer,
            fallback=g not in chosen and kind in ("thresholds by group", "answers by group"),
        )
