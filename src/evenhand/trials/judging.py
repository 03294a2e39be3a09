"""Judges: a second trial whose samples are the answers of the first, and its agreement with people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evenhand.deferred import Deferred
from evenhand.trials.design import Treatment
from evenhand.trials.manifest import ListedSample
from evenhand.trials.plan import Plan
from evenhand.trials.records import Row
from evenhand.trials.scoring import NOTHING_TO_JUDGE, AnswerScore, Judge, ScoredColumn
from evenhand.trials.trial import Agreement

#: Brings the engine, which trials without people's labels do without.
_KAPPA = Deferred("evenhand.trials.kappa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a judge said of one answer: its score, or why there is none."""

    score: float | None
    reason: str | None = None


def judging_plan(plan: Plan, rows: Sequence[Row], judge: Judge, spent: float) -> Plan:
    """Plan that puts every different answer of each sample before the judge.

    Parameters
    ----------
    plan : Plan
        Of the trial that gave the answers.
    rows : sequence of Row
    judge : Judge
    spent : float
        What of the budget is gone.
    """
    samples = []
    for number, (sample, output) in enumerate(_answers(rows)):
        listed = plan.samples[sample]
        known = {"reference": listed.reference}
        if isinstance(listed.media, str):
            known["input"] = listed.media
        samples.append(
            ListedSample(id=f"{listed.id} {number}", kind="text", media=output,
                   attributes={**listed.attributes, **known}, unit=listed.unit)
        )  # fmt: skip
    return replace(
        plan,
        samples=tuple(samples),
        treatments=(Treatment(label="clean"),),
        services=(judge.wired,),
        budget=None if plan.budget is None else max(0.0, plan.budget - spent),
        design="full",
        balance=(),
        repeats=1,
        measure=False,
        scores=(),
    )


def _answers(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """Different answers of each sample, in the order of the rows."""
    found = {_answer(row) for row in rows}
    return sorted(answer for answer in found if answer is not None)


def _answer(row: Row) -> tuple[int, str] | None:
    if row.outcome != "answered" or row.answer.output is None:
        return None
    return row.sample, str(row.answer.output)


def verdicts_of(rows: Sequence[Row], judged: Sequence[Row], judge: Judge) -> ScoredColumn:
    """Verdict on each row, from the rows of the judging."""
    found: Mapping[tuple[int, str], Row] = dict(zip(_answers(rows), judged, strict=True))
    opinions = [_verdict(found, _answer(row), judge) for row in rows]
    return ScoredColumn(
        scores=[each.score for each in opinions], reasons=[each.reason for each in opinions]
    )


def _verdict(
    found: Mapping[tuple[int, str], Row], answer: tuple[int, str] | None, judge: Judge
) -> Opinion:
    if answer is None:
        return Opinion(score=None, reason=NOTHING_TO_JUDGE)
    row = found[answer]
    if row.outcome != "answered":
        return Opinion(score=None, reason=f"judge_{row.outcome}: {row.answer.reason or ''}".strip())
    score = judge.number(row.answer.output)
    reason = None if score is not None else f"judge_unclear: {str(row.answer.output)[:80]}"
    return Opinion(score=score, reason=reason)


def agreement(
    plan: Plan, score: AnswerScore, rows: Sequence[Row], scored: ScoredColumn
) -> Agreement | None:
    """Cohen's kappa of a judge and people; `None` where the plan names no people's labels."""
    judge = score.judge
    if judge is None or judge.human is None:
        return None
    human, said, units = [], [], []
    unread = unjudged = 0
    for row, given in zip(rows, scored.scores, strict=True):
        listed = plan.samples[row.sample]
        label, verdict = judge.people(listed.attributes), judge.yes(given)
        if label is not None and verdict is not None:
            human.append(label)
            said.append(verdict)
            units.append(listed.unit or listed.id)
        unread += label is None and listed.attributes.get(judge.human) not in (None, "")
        unjudged += label is not None and verdict is None
    agreed = sum(a == b for a, b in zip(human, said, strict=True))
    found = Agreement(
        column=score.column,
        human=judge.human,
        rows=len(human),
        agreed=agreed,
        unread=unread,
        unjudged=unjudged,
    )
    if not human:
        return replace(found, reason="no rows")
    told: Agreement = _KAPPA.with_kappa(found, human, said, units)
    if told.kappa is None:  # on a scale from 1 to 5 a threshold of .5 makes all alike
        return replace(told, reason=f"{told.reason} (threshold = {judge.threshold:g})")
    return told
