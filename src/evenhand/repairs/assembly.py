"""A trial of repairs put together: the one that was chosen, its one test on held-out rows, and who pays for it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from evenhand.errors import InputError, Note
from evenhand.metrics import Metric
from evenhand.pages.numbers import listed, plural
from evenhand.questions.question import bound_metric
from evenhand.repairs.candidate import RepairCandidate
from evenhand.repairs.choice import (
    Prepared,
    candidates,
    decide,
    error_share,
    worst_now,
)
from evenhand.repairs.copied import MANY_COPIED, copied_note
from evenhand.repairs.extremes import extreme_groups, extreme_notes, unseen_notes
from evenhand.repairs.fitted import FittedRepair
from evenhand.repairs.goals import RepairGoal
from evenhand.repairs.judge import GoalEvidence
from evenhand.repairs.result import (
    RepairedGroup,
    RepairRule,
    RepairSettings,
    RepairTrial,
    TriedRepair,
)
from evenhand.repairs.rows import Floats, RepairRows, with_positive, with_prediction, without_group
from evenhand.results.estimate import Missing, finite
from evenhand.results.origin import MetricNote, Source
from evenhand.switching import Switches, compare_records

#: What may be paid in: cases that are missed, and cases that are none and are flagged.
SIDES = ("false_negative_rate", "false_positive_rate")


def assemble(
    prepared: Prepared,
    *,
    source: Source,
    note: MetricNote,
    settings: RepairSettings,
    progress: Callable[[int, int], None] | None,
) -> RepairTrial:
    """Choose a repair on the practice rows, and test it on the others."""
    practice, sealed = prepared.practice, prepared.held_out
    if not len(practice) or not len(sealed):
        raise InputError(
            f"{plural(len(prepared.rows), 'row')} of {plural(len(np.unique(prepared.rows.units)), 'unit')} cannot be "
            "parted: a repair needs some to learn from, and others for its test.  Add rows, or name a smaller unit."
        )
    wish = prepared.wish
    worst = worst_now(practice, wish)
    found = candidates(prepared, worst, progress)
    chosen = found[0]
    assert chosen.repair is not None
    fitted = prepared.learn(chosen.repair, practice)
    decisions = decide(fitted, sealed)
    evidence = prepared.judge(sealed, decisions, worst)
    seen = {cell.predicate for cell in evidence.cells}
    if any(cell.predicate not in seen for cell in prepared.rows.cells):
        evidence = evidence.partly()
    copies = [copied_note(prepared.copies, len(sealed))] if prepared.copies else []
    if any(note.code == MANY_COPIED for note in copies):
        evidence = evidence.open()
    first = [*copies, *extreme_notes(list(extreme_groups(sealed, decisions)), wish.label)]
    if evidence.answer == "insufficient evidence":
        first += unseen_notes(prepared.rows.cells, evidence, prepared.metric, prepared.rules)
    before = prepared.judge(sealed, sealed.now, worst) if wish.goal.limit is not None else None
    change, errors, sides = _switches(prepared, sealed, decisions, settings)
    rates = {
        one.predicate: one.estimate
        for one in change.groups
        if one.service != prepared.column and one.by == wish.by
    }
    values = np.array([np.nan if one.value is None else one.value for one in rates.values()])
    now = before.value if before is not None else finite(wish.goal.statistic(values))
    rates_after = np.array([np.nan if r.value is None else r.value for r in evidence.rates])
    goal = wish.goal
    # A group of which nothing is known may be anywhere on the wrong side.
    open_end = None if evidence.complete else "low" if goal.kind == "minimum" else "high"
    return RepairTrial(
        metric=note,
        rule=RepairRule(
            kind=goal.kind,
            limit=goal.limit,
            before=now,
            after=finite(goal.statistic(rates_after)),
            excess=evidence.value if goal.kind == "worst group" else None,
            low=None if open_end == "low" else evidence.low,
            high=None if open_end == "high" else evidence.high,
            worst=worst,
            answer=evidence.answer,
        ),
        level=prepared.level,
        unit=prepared.rules.units_name,
        source=source,
        practice_rows=len(practice),
        practice_units=_units(practice, prepared.units),
        held_out_rows=len(sealed),
        held_out_units=_units(sealed, prepared.units),
        groups=tuple(_groups(evidence, practice)),
        change=change,
        errors=errors,
        sides=sides,
        levelling_down=levels_down(change, wish.by, higher_is_worse=goal.higher_is_worse),
        tried=(*_tried(found, practice, goal), *_failed(prepared)),
        repair=prepared.written(fitted),
        fallback_rows=tuple(_fallbacks(fitted, sealed)),
        missing=tuple(_missing(change)),
        notes=(*first, *_turned(prepared, practice), *_notes(fitted, change)),
        settings=settings,
        changed_rows=_changed(sealed, decisions, wish.by),
    )


def _changed(sealed: RepairRows, decisions: Floats, by: Sequence[str]) -> dict[str, int]:
    """Rows of each group whose decision is another, and those in none; one that is given or taken away counts."""
    same = (sealed.now == decisions) | (np.isnan(sealed.now) & np.isnan(decisions))
    names = {number: cell.predicate for number, cell in enumerate(sealed.cells)}
    if (sealed.group < 0).any():
        names[-1] = without_group(by)
    return {
        name: int((~same & (sealed.group == number)).sum())
        for number, name in names.items()
        if (sealed.group == number).any()
    }


def _units(rows: RepairRows, names: Sequence[str]) -> int:
    """How many units there are; rows whose unit is missing are in none."""
    known = np.ones(len(rows), bool)
    for name in names:
        known &= rows.table[name].is_valid().to_numpy()
    return len(np.unique(rows.units[known]))


def _groups(evidence: GoalEvidence, practice: RepairRows) -> Iterator[RepairedGroup]:
    rows = {
        cell.predicate: int((practice.group == g).sum()) for g, cell in enumerate(practice.cells)
    }
    for cell, told, kept in zip(evidence.cells, evidence.rates, evidence.kept, strict=True):
        yield RepairedGroup(
            group=cell.group,
            predicate=cell.predicate,
            practice_rows=rows.get(cell.predicate, 0),
            estimate=told,
            keeps=kept,
        )


def _tried(
    found: list[RepairCandidate], practice: RepairRows, goal: RepairGoal
) -> Iterator[TriedRepair]:
    now = error_share(practice.now, practice.truth)
    for place, one in enumerate(found):
        yield TriedRepair(
            name=one.name,
            uses_group=one.uses_group,
            by_chance=one.repair is None,
            value=one.value,
            errors=finite(one.errors),
            answer=None if one.evidence is None else one.evidence.answer,
            chosen=place == 0,
            reason=None,
            passed_over=one.passed_over(found[0], goal, now),
        )


def _failed(prepared: Prepared) -> Iterator[TriedRepair]:
    for name, reason in prepared.failed:
        yield TriedRepair(
            name=name,
            uses_group=False,
            by_chance=False,
            value=None,
            errors=None,
            answer=None,
            chosen=False,
            reason=reason,
        )


def _switches(
    prepared: Prepared, sealed: RepairRows, decisions: np.ndarray, settings: RepairSettings
) -> tuple[Switches, Switches | None, tuple[Switches, ...]]:
    """Who gains and who loses by the repair: in the metric, in wrong decisions, in misses and in false alarms."""
    label = prepared.wish.label
    now = "as_it_stands"
    while now in sealed.table.column_names or now == prepared.column:
        now += "_"
    table = sealed.table.drop_columns(_decided_by(prepared, sealed))
    rows = replace(sealed, table=table.append_column(now, label.column(sealed.now)))
    records, question = prepared.asked(rows, decisions)
    # Rows without a group may pay as well.
    groups = [*question.by, *([without_group(prepared.wish.by)] if (rows.group < 0).any() else [])]
    try:

        def between(metric: Metric, worse: str | None = None) -> Switches:
            return compare_records(
                records,
                [with_prediction(metric, name) for name in (now, prepared.column)],
                groups,
                prepared.rules,
                bins=question.bins,
                worse=worse,
                command=settings.command,
            )

        def told(name: str) -> Switches:
            metric = bound_metric(f'{name}("{label.given}", "{now}")', records)
            return between(with_positive(metric, label))

        change = between(
            prepared.metric, "higher" if prepared.wish.goal.higher_is_worse else "lower"
        )
        if not isinstance(label.given, str):
            return change, None, ()
        own = prepared.metric.name
        errors = None if own == "error_rate" else told("error_rate")
        sides = tuple(told(name) for name in SIDES if name != own)
    finally:
        records.close()
    return change, errors, sides


def _decided_by(prepared: Prepared, rows: RepairRows) -> list[str]:
    """Columns that decisions are made of: that rows of one score are decided alike is no crowding."""
    read = {feature.column for one in prepared.scorers.values() for feature in one.features}
    read |= set(rows.scores)
    kept = {*prepared.wish.by, *prepared.units, prepared.wish.label.told, prepared.column}
    return [name for name in rows.table.column_names if name in read - kept]


def levels_down(change: Switches, by: Sequence[str], *, higher_is_worse: bool) -> bool:
    """Whether a group is proven to lose, and the group that was worst off is not proven to gain."""
    sign = 1.0 if higher_is_worse else -1.0
    after = [
        one for one in change.groups if one.change is not None and one.change.value is not None
    ]
    before = {one.predicate: one.estimate.value for one in change.groups if one.change is None}
    known = [one for one in after if one.by == tuple(by) and before.get(one.predicate) is not None]
    if not known:
        return False
    worst = max(known, key=lambda one: sign * (before[one.predicate] or 0.0))
    return any(one.verdict == "loses" for one in after) and worst.verdict != "gains"


def _fallbacks(fitted: FittedRepair, sealed: RepairRows) -> Iterator[Missing]:
    lacking = int((sealed.group < 0).sum())
    if lacking:
        yield Missing(attribute=" × ".join(fitted.by), n_rows=lacking, reason="missing_attribute")
    if fitted.score is not None:
        absent = int(np.isnan(sealed.scores[fitted.score]).sum())
        if absent:
            yield Missing(attribute=fitted.score, n_rows=absent, reason="missing_input")


def _missing(change: Switches) -> Iterator[Missing]:
    """Rows that are in no number, by what they lack; decisions have no name that a reader knows."""
    before, after = (one.name for one in change.services)
    told = {before: "a decision as it stands", after: "a repaired decision"}
    yield from (
        replace(one, attribute=told.get(one.attribute, one.attribute)) for one in change.missing
    )


def _unpaired(change: Switches) -> Iterator[Note]:
    """Rows that are decided before or after only."""
    before, after = change.services
    told = [
        f"{plural(number, 'held-out row')} {are}"
        for number, are in (
            (after.n_unpaired, "had no decision before, and the repair decides them"),
            (before.n_unpaired, "had a decision before, and the repair gives none"),
        )
        if number
    ]
    if told:
        uneven = next((one.predicate for one in change.unpaired if one.uneven), None)
        more = f"  Groups differ in how many, {uneven} among them." if uneven else ""
        yield Note(
            code="decided_once",
            text=f"{'; '.join(told)}: who gains and who pays says nothing of them.{more}",
        )


def _turned(prepared: Prepared, practice: RepairRows) -> Iterator[Note]:
    """Scores that are lower for those whom they should be higher for."""
    for name, score in practice.scores.items():
        known = np.isfinite(score)
        right, wrong = (score[known & (practice.truth == one)] for one in (1.0, 0.0))
        if (
            name not in prepared.scorers
            and len(right)
            and len(wrong)
            and right.mean() < wrong.mean()
        ):
            yield Note(
                code="score_turned",
                text=f"{name} is lower on average where {prepared.wish.label.told} is "
                f"{prepared.wish.label.positive!r}, and thresholds take high scores for that.  Turn it in the "
                "table, or say which value it stands for: --positive.",
            )


def _notes(fitted: FittedRepair, change: Switches) -> Iterator[Note]:
    if fitted.uses_group:
        yield Note(
            code="reads_the_group",
            text=f"The repair reads {' × '.join(fitted.by)} to decide: people who are alike but for it may be decided "
            "otherwise.  Many laws call that disparate treatment and allow it seldom, or never, for such attributes: "
            "ask a lawyer before it is used.  The table of those that were tried says which repairs do without.",
        )
    few = [one.predicate for one in fitted.groups if one.fallback]
    if few:
        yield Note(
            code="fallback_groups",
            text=f"Too few practice rows for a decision of their own, so decided as holds for everybody, and no "
            f"part of the choice among repairs: {listed(few)}.",
        )
    yield from _unpaired(change)
    # (Those notes name services, which a reader of repairs does not know.)
    for note in change.notes:
        if note.code == "rows_independent":
            yield replace(
                note,
                text="Each row counts as independent.  Name as --unit whose rows are alike (speaker, patient, "
                "document).",
            )
        elif note.code != "rows_unpaired":
            yield note
