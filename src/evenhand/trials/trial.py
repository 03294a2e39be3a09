"""What a trial did, as values: counts by outcome, reason, service and condition; time and cost."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from evenhand.results.protocol import Result
from evenhand.trials.plan import Plan
from evenhand.trials.records import Row
from evenhand.trials.scoring import NOTHING_TO_JUDGE, ScoredColumn

#: Outcomes in which the service said nothing.
NO_ANSWER = ("failed", "not run")
#: Attributes with more values are shown by none.
MOST_VALUES = 20
OUTCOMES = ("answered", "refused", "empty", "cut_off", "failed", "not run")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProgress:
    """How far a trial is; given to the caller's function at most ten times a second."""

    done: int
    total: int
    cached: int
    failed: int
    retries: int
    cost: float
    seconds: float
    waiting: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second since the start."""
        return (self.done - self.cached) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Calls that a service has before it; `None` where nothing tells.

    Attributes
    ----------
    service : str
        Name of the service.
    calls : int
        Calls still to make; of a judge, at most.
    cached : int
        Calls whose answer is known.
    seconds : float or None
        Time to expect, from earlier answers and the rate allowed; `None` where neither tells.
    cost : float or None
        Cost to expect from earlier answers, else at most; `None` where no price is given.
    """

    service: str
    calls: int
    cached: int
    seconds: float | None
    cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a judge and people agree on the same answers.

    Attributes
    ----------
    column : str
        Column of the judge's score.
    human : str
        Attribute with people's labels.
    rows : int
        Rows with both.
    agreed : int
        Rows in which both say the same.
    units : int
        Independent units among them.
    kappa : float or None
        Cohen's kappa; `None` where it is undefined.
    low : float or None
        Lower end of its interval at 95 % over units; `None` below five units.
    high : float or None
        Upper end.
    reason : str or None
        Why there is no kappa.
    unread : int
        Rows with people's label that cannot be read as a score.
    unjudged : int
        Rows with people's label and without the judge's score.
    """

    column: str
    human: str
    rows: int
    agreed: int
    units: int = 0
    kappa: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    unread: int = 0
    unjudged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many rows of a group something happened to; without `attribute`, of all rows.

    Attributes
    ----------
    attribute : str or None
        Attribute; `None` for all rows.
    value : str or None
        Its value; `None` for all rows.
    rows : int
        Rows that it happened to.
    of : int
        Rows in all.
    """

    attribute: str | None
    value: str | None
    rows: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """How many answers have no score for one reason.

    Attributes
    ----------
    column : str
        Column of the score.
    reason : str
        Code of the reason.
    rows : int
        Answers without a score for it.
    of : int
        Answers that have a score or a reason why not.
    """

    column: str
    reason: str
    rows: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Result):
    """Summary of a trial.

    Attributes
    ----------
    name : str
        Name of the trial.
    records : str or None
        File of the records; `None` for a dry run.
    dry_run : bool
        Whether nothing was called.
    rows : int
        Samples × conditions × services × repeats.
    calls : int
        Calls of this run that ended in an outcome, those of judges included.
    cached : int
        Rows answered by an earlier run, or by the same call elsewhere in this one.
    retries : int
        Calls tried again.
    cost : float
        Spent in this run, as far as prices were given.
    cost_total : float
        Spent on all rows, earlier runs included.
    cost_at_most : float
        Part of `cost_total` that is the most it can be, since replies do not say what they
        cost.
    possibly_spent : float
        What calls without an answer may have cost: time-outs, broken replies, calls in flight
        at a kill.
    seconds : float
        Duration of the calls.
    outcomes : dict
        Rows by outcome.
    reasons : dict
        Rows by the code of their reason, where they have one.
    services : dict
        Rows by outcome, for each service.
    conditions : dict
        Rows by outcome, for each condition.
    expected : tuple of Expected
        For a dry run, what is still to be done by each service.
    agreements : tuple of Agreement
        Of each judge with people's labels.
    parked : dict
        Services that asked to wait longer than the plan allows, with the time until when.
    stopped : dict
        Services that were given up, with the reason.
    causes : dict
        Rows that failed by their whole reason, at most three, the most frequent first.
    unanswered : tuple of Share
        Rows that failed or were not run: of all, and by each attribute of few values.
    cut_off : tuple of Share
        Rows whose answer ended at a limit of length, likewise.
    unsteady : dict
        Of each service that was asked repeatedly: calls with different answers, and calls with
        several answers.
    unscored : tuple of Unscored
        Answers without a score, by score and reason: a language in which a scorer was not
        measured, no choice or number, a judge that was not clear.
    problems : tuple of str
        For a dry run, what is missing before the first call: packages, keys, addresses.
    """

    SCHEMA: ClassVar[str] = "evenhand.trial/1"

    name: str
    records: str | None
    dry_run: bool
    rows: int
    calls: int = 0
    cached: int = 0
    retries: int = 0
    cost: float = 0.0
    cost_total: float = 0.0
    cost_at_most: float = 0.0
    possibly_spent: float = 0.0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    services: dict[str, dict[str, int]] = field(default_factory=dict)
    conditions: dict[str, dict[str, int]] = field(default_factory=dict)
    expected: tuple[Expected, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    parked: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    unanswered: tuple[Share, ...] = ()
    cut_off: tuple[Share, ...] = ()
    unsteady: dict[str, tuple[int, int]] = field(default_factory=dict)
    unscored: tuple[Unscored, ...] = ()
    problems: tuple[str, ...] = ()


def count_rows(plan: Plan, rows: Sequence[Row]) -> dict[str, Any]:
    """Counts of a summary."""
    outcomes = Counter(row.outcome for row in rows)
    services: dict[str, Counter[str]] = {w.service.name: Counter() for w in plan.services}
    conditions: dict[str, Counter[str]] = {t.label: Counter() for t in plan.treatments}
    for row in rows:
        services[plan.services[row.service].service.name][row.outcome] += 1
        conditions[plan.treatments[row.treatment].label][row.outcome] += 1
    reasons = Counter(row.answer.reason.partition(":")[0] for row in rows if row.answer.reason)
    return {
        "causes": _causes(rows),
        "unsteady": _unsteady(plan, rows),
        "unanswered": shares(plan, rows, lambda row: row.outcome in NO_ANSWER),
        "cut_off": shares(plan, rows, lambda row: row.outcome == "cut_off"),
        "cost_at_most": sum(r.answer.cost or 0.0 for r in rows if r.answer.at_most and r.first),
        "outcomes": {name: outcomes[name] for name in OUTCOMES if outcomes[name]},
        "reasons": dict(reasons.most_common()),
        "services": {name: dict(counts) for name, counts in services.items()},
        "conditions": {name: dict(counts) for name, counts in conditions.items()},
    }


def _unsteady(plan: Plan, rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Calls that were repeated, and how many of them were not always answered alike."""
    if plan.repeats < 2:
        return {}
    said: dict[tuple[int, int, int], list[str]] = {}
    for row in rows:
        if row.outcome not in NO_ANSWER:
            place = (row.service, row.sample, row.treatment)
            said.setdefault(place, []).append(f"{row.outcome} {row.answer.output}")
    found: dict[str, tuple[int, int]] = {}
    for (service, _, _), answers in said.items():
        name = plan.services[service].service.name
        differ, of = found.get(name, (0, 0))
        if len(answers) > 1:
            found[name] = (differ + (len(set(answers)) > 1), of + 1)
    return found


def _causes(rows: Sequence[Row]) -> dict[str, int]:
    """Why rows have no answer; what follows from an earlier failure tells nothing new."""
    told = Counter(
        row.answer.reason
        for row in rows
        if row.outcome == "failed" and row.answer.reason is not None
    )
    return dict(told.most_common(3))


def shares(plan: Plan, rows: Sequence[Row], happened: Callable[[Row], bool]) -> tuple[Share, ...]:
    """Rows that something happened to: all, and by the values of every attribute that has few."""
    hit = [happened(row) for row in rows]
    if not any(hit):
        return ()
    found = [Share(attribute=None, value=None, rows=sum(hit), of=len(rows))]
    for name in group_attributes(plan):
        of: Counter[str] = Counter()
        hits: Counter[str] = Counter()
        for row, is_hit in zip(rows, hit, strict=True):
            value = str(plan.samples[row.sample].attributes.get(name))
            of[value] += 1
            hits[value] += is_hit
        found += [
            Share(attribute=name, value=value, rows=hits[value], of=of[value])
            for value in sorted(of, key=lambda value: (-hits[value] / of[value], value))
        ]
    return tuple(found)


def unscored(column: str, made: ScoredColumn) -> Iterator[Unscored]:
    """Answers without a score by reason, the most frequent first; rows without an answer are none."""
    codes = [reason.partition(":")[0] if reason else None for reason in made.reasons]
    counts = Counter(code for code in codes if code and code != NOTHING_TO_JUDGE)
    scored = sum(score is not None for score in made.scores)
    for code, rows in counts.most_common():
        yield Unscored(column=column, reason=code, rows=rows, of=scored + counts.total())


def group_attributes(plan: Plan) -> list[str]:
    """Attributes that can be groups: two to twenty values, each of several samples; no labels of people."""
    labels = {s.judge.human for s in plan.scores if s.judge}
    labels |= {name for s in plan.scores for name in (s.against, s.among)}
    names = dict.fromkeys(name for sample in plan.samples for name in sample.attributes)
    found = []
    for name in names:
        values = [str(sample.attributes.get(name)) for sample in plan.samples]
        if (
            name != plan.unit
            and name not in labels
            and 2 <= len(set(values)) <= min(MOST_VALUES, len(values) / 2)
        ):
            found.append(name)
    return found
