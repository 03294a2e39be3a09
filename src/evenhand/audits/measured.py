"""What is read of a table for the metrics of a question: their plans, their cubes, and what the table says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenhand.cubes import (
    CountedMetric,
    CountedRecords,
    CountedSource,
    Cube,
    Measure,
    build_cubes,
    with_strata,
)
from evenhand.errors import Note
from evenhand.metrics import Metric, MetricPlan, Takes
from evenhand.metrics.assisted import assisted_plan
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import listed
from evenhand.questions.copies import MOST_JOINED, MOST_ROWS, copied_rows
from evenhand.questions.counted import (
    counted_cubes,
    counted_notes,
    counted_plan,
    known_cubes,
    within,
)
from evenhand.questions.crowding import check_first_groups
from evenhand.questions.premises import check_agreement, read_premises
from evenhand.questions.question import Question
from evenhand.questions.repeats import COLUMN_REPEATS, Design, candidate_columns, repeating_columns
from evenhand.questions.silent import silent_notes
from evenhand.records import fingerprint
from evenhand.stats.written_forms import write_form


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was read of the table for each metric, and what a reader must know of it.

    To be kept, cubes tell apart what means missing, as the rows do; to be judged, all of it is missing.
    """

    plans: tuple[MetricPlan, ...]
    cubes: tuple[Cube, ...]
    notes: tuple[Note, ...]

    def judged(self, question: Question) -> "Measured":
        """With cubes to be judged."""
        return replace(self, cubes=tuple(known_cubes(self.cubes, question)))


def premises_of_rows(
    question: Question, metrics: Sequence[Metric], *, few: int
) -> tuple[Note, ...]:
    """What the table says of what the question takes for granted.

    Parameters
    ----------
    question : Question
    metrics : sequence of Metric
    few : int
        Fewer people than this are to be hidden; 0 hides nobody.
    """
    records = question.records
    if any(a.takes is Takes.TEXT for m in metrics for a in m.definition.arguments):
        check_first_groups(records, question.attributes, question.partitions, question.where)
    return read_premises(
        records,
        metrics if question.judge is None else [*metrics, question.judge],
        where=question.where,
        attributes=question.attributes,
        counted=True,
        few=few,
    )


def measure_rows(
    question: Question,
    metrics: Sequence[Metric],
    premises: tuple[Note, ...],
    *,
    few: int,
    as_written: bool = False,
) -> Measured:
    """Count the rows for each metric; faults are raised together.

    Parameters
    ----------
    question : Question
    metrics : sequence of Metric
    premises : tuple of Note
        What was found before.
    few : int
        Fewer people than this are to be hidden; 0 hides nobody.
    as_written : bool
        Whether the cubes are to be kept.
    """
    records = question.records
    judge = question.judge
    read = metrics if judge is None else [*metrics, judge]
    used = {*question.columns, *(name for metric in read for name in metric.columns)}
    repeating = candidate_columns(records, used, question.where, metrics)
    kept = [*question.columns, *repeating]
    plans = tuple(
        question.weighting.of(metric, metric.plan(records, kept, question.where))
        if judge is None
        else assisted_plan(metric, judge, records, kept, question.where)
        for metric in metrics
    )
    cubes = tuple(cubes_of(question, plans, as_written=as_written))
    for metric, cube in zip(metrics, cubes, strict=True):
        check_agreement(metric, cube, records)
    most = MOST_JOINED if len(records.files) > 1 else MOST_ROWS
    dependent = tuple(copied_rows(records)) if cubes[0].n_rows.sum() <= most else ()
    # Of the first metric: rows that resemble each other there are dependent, whatever is measured.
    # (Copies of a row resemble it in all columns, and are told already.)
    dependent = dependent or tuple(
        repeating_columns(plans[0], repeating, _design(question), counted=not few)
    )
    silent = silent_notes(records, read, question.where, few=few)
    return Measured(plans=plans, cubes=cubes, notes=(*premises, *silent, *dependent))


def measure_counts(
    counted: CountedRecords, question: Question, premises: tuple[Note, ...], *, few: int
) -> Measured:
    """Take the counts of records that were counted before, to be kept."""
    return Measured(
        plans=tuple(counted_plan(metric, question.records) for metric in counted.metrics),
        cubes=tuple(counted_cubes(counted, question)),
        notes=tuple(dict.fromkeys((*counted_notes(counted, question, few=few), *premises))),
    )


def _design(question: Question) -> Design:
    """What is compared."""
    return Design(
        attributes=question.attributes,
        partitions=question.partitions,
        units=question.units,
        where=question.where,
        missing_values=question.records.missing_values,
    )


def cubes_of(
    question: Question, plans: Sequence[MetricPlan], *, as_written: bool = False
) -> list[Cube]:
    """Cube of each plan; those with the same counts share it, and all share one scan if they can."""
    different: list[MetricPlan] = []
    for plan in plans:
        if not any(plan.measure == other.measure for other in different):
            different.append(plan)
    made: list[tuple[Measure, Cube]] = []
    for records in {id(plan.records): plan.records for plan in different}.values():
        asked = [plan for plan in different if plan.records is records]
        cubes = build_cubes(
            records,
            [(plan.measure, plan.form) for plan in asked],
            question.attributes,
            unit=question.units,
            where=question.where,
            missing_values=question.records.missing_values,
            as_written=as_written,
        )
        cubes = [with_strata(cube, question.weighting.stratum) for cube in cubes]
        made += zip((plan.measure for plan in asked), cubes, strict=True)
    return [next(cube for measure, cube in made if measure == plan.measure) for plan in plans]


def counted_now(
    question: Question,
    metrics: Sequence[Metric],
    measured: Measured,
    higher: Sequence[bool | None],
    *,
    before: CountedRecords | None = None,
) -> CountedRecords:
    """What was counted, such that it can be kept, added to and asked again; `before` is what it was taken from."""
    records = question.records
    used = {*question.columns, *(name for metric in metrics for name in metric.columns)}
    return CountedRecords(
        attributes=question.attributes,
        by=question.by,
        units=question.units,
        columns=tuple(c for c in (before or records).columns if before or c.name in used),
        metrics=tuple(
            CountedMetric(
                text=metric.text,
                higher_is_worse=worst,
                form=write_form(plan.form),
                cube=cube,
                proportion=plan.proportion,
                bounds=plan.bounds,
                notes=plan.notes,
            )
            for metric, plan, cube, worst in zip(
                metrics, measured.plans, measured.cubes, higher, strict=True
            )
        ),
        sources=_sources(question, before),
        notes=_of_records(measured.notes, question) if before is None else before.notes,
        missing_values=records.missing_values,
        declared=records.declared,
        weight=question.weighting.weight,
        stratum=question.weighting.stratum,
    )


def without_rows(before: CountedRecords, question: Question) -> CountedRecords:
    """The counts of records that have no row for a question, which has been counted of others."""
    metrics = []
    for metric in before.metrics:
        cube = metric.cube
        none = np.zeros(len(cube.keys), bool)
        empty = cube.regrouped(cube.attributes, cube.keys, kept=none)
        metrics.append(replace(metric, cube=replace(empty, missing=()), notes=()))
    return replace(
        before, metrics=tuple(metrics), sources=_sources(question, None), notes=(), path=None
    )


def _of_records(notes: Sequence[Note], question: Question) -> tuple[Note, ...]:
    """Notes that stay true when counts are added, and asked for other groups: they say what they were found in."""
    name = without_folders(question.records.name)
    by = listed([attribute.name for attribute in question.attributes])
    again = "  Counts keep their unit: to name another, count again."
    return tuple(
        replace(
            note,
            text=f"When {name} was counted by {by}: {note.text}{again * (note.code == COLUMN_REPEATS)}",
        )
        for note in notes
    )


def _sources(question: Question, before: CountedRecords | None) -> tuple[CountedSource, ...]:
    """What is counted; each file by itself, so that an update knows which are new."""
    if before is not None:
        return tuple(replace(one, where=within(one.where, question)) for one in before.sources)
    records, where = question.records, within(None, question)
    if len(records.files) <= 1:
        return (CountedSource(name=records.name, sha256=records.sha256(), where=where),)
    return tuple(
        CountedSource(name=str(path), sha256=fingerprint([path]), where=where)
        for path in records.files
    )
