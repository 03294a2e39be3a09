"""Switches put together: what is read of the table, judged, and said of its origin."""

from collections.abc import Iterator, Sequence

import numpy as np

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.differential.assembly import MOST_GROUPS, group_sets, members_under
from evenhand.differential.block import partition_numbers
from evenhand.differential.evidence import ConditionEvidence
from evenhand.differential.losses import loss_of
from evenhand.errors import Note
from evenhand.groups import to_text
from evenhand.metrics import Metric
from evenhand.pages.numbers import plural
from evenhand.questions.absent import missing_rows
from evenhand.questions.crowding import check_first_groups, shared_units
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.question import Question, directions, metric_note, metric_rules
from evenhand.questions.repeats import Design, candidate_columns, repeating_columns
from evenhand.results.estimate import Missing
from evenhand.results.origin import Source, versions
from evenhand.switching.judge import judge_everybody, judge_groups, rates_under, refusals
from evenhand.switching.pairing import (
    SERVICE,
    Paired,
    change_plan,
    pair_services,
    rows_scored,
)
from evenhand.switching.result import ComparedService, Switches, SwitchSettings, UnpairedRows
from evenhand.switching.services import check_services


def answer(
    question: Question,
    metrics: Sequence[Metric],
    rules: VerdictRules,
    *,
    worse: str | None,
    command: str,
) -> Switches:
    """What switching from the first service to each other one would change.

    Parameters
    ----------
    question : Question
    metrics : sequence of Metric
        One a service.
    rules : VerdictRules
        As asked for: the metric's range and direction are put in here.
    worse
        As in `evenhand.audit`.
    command : str
        What finds the same again.
    """
    names = check_services(metrics)
    higher = directions(metrics, worse)[0]
    metrics[0].check_tolerance(rules.tolerance)
    records = question.records
    check_first_groups(
        records, question.attributes, question.partitions, question.where, MOST_GROUPS
    )
    premises = read_premises(records, metrics, where=question.where, attributes=question.attributes)
    with explained(premises, metrics, records):
        used = {*question.columns, *(name for metric in metrics for name in metric.columns)}
        repeating = candidate_columns(records, used, question.where, metrics)
        paired = pair_services(question, metrics, names, repeating)
    plan = paired.plans[0]
    ruled = metric_rules(rules, metrics[0], plan, higher_is_worse=higher)
    cells, absent = group_sets(paired.together, question)
    evidence = ConditionEvidence(
        paired.together,
        plan.form,
        cells,
        members_under(paired.together, SERVICE, names),
        ruled,
        proportion=plan.proportion,
        one_row_each=not question.units,
    )
    rates = [rates_under(cube, plan, group_sets(cube, question)[0], ruled) for cube in paired.cubes]
    unpaired = tuple(_unpaired(paired, question, names))
    services = tuple(_services(paired, metrics, names))
    return Switches(
        metric=metric_note(metrics[0], higher_is_worse=higher),
        level=rules.level,
        unit=rules.units_name,
        source=Source(
            name=records.name,
            rows=int(paired.cubes[0].n_rows.sum()),
            sha256=records.sha256(),
        ),
        services=services,
        overall=tuple(judge_everybody(evidence, rates, names)),
        groups=tuple(judge_groups(evidence, rates, names)),
        unpaired=unpaired,
        refused=tuple(refusals(evidence, names)),
        missing=(
            *(
                Missing(attribute=name, n_rows=count // len(names), reason="missing_attribute")
                for name, count in absent
                if count
            ),
            *missing_rows(paired.cubes[0], question.units),
        ),
        notes=(
            *_unpaired_notes(services, unpaired),
            *premises,
            *dict.fromkeys(note for one in paired.plans for note in one.notes),
            *_repeating(paired, repeating, question),
            *evidence.unit_notes(names),
            *evidence.alone_notes((evidence.overall, evidence.paid), "no loss", better=False),
            *evidence.alone_notes((evidence.beyond,), "keeps up", better=False),
            *shared_units(paired.cubes[0], question.partitions, question.units),
            *_rows_independent(question),
        ),
        settings=SwitchSettings(
            by=question.by,
            where=to_text(question.where) if question.where is not None else None,
            tolerance=rules.tolerance,
            min_units=rules.min_units,
            adjust=evidence.paid.adjust,
            comparisons=int(evidence.paid.tested.sum()),
            seed=rules.seed,
            missing_values=records.missing_values,
            bins=question.bins,
            command=command,
            versions=dict(versions()),
        ),
    )


def _repeating(paired: Paired, names: Sequence[str], question: Question) -> Iterator[Note]:
    """The first column that makes what switching changes alike in several rows."""
    first, *others = paired.plans
    if not names or first.measure.level:
        return
    design = Design(
        attributes=question.attributes,
        partitions=question.partitions,
        units=question.units,
        where=question.where,
        missing_values=question.records.missing_values,
    )
    for other in others:
        found = list(repeating_columns(change_plan(first, other), names, design))
        if found:
            yield from found
            return


def _rows_independent(question: Question) -> Iterator[Note]:
    if not question.units:
        text = (
            "Each row counts as independent: services are paired by row.  Name as --unit whose rows are alike "
            "(speaker, patient, document)."
        )
        yield Note(code="rows_independent", text=text)


# -- rows that not all services were scored on --------------------------------------------------


def _services(
    paired: Paired, metrics: Sequence[Metric], names: Sequence[str]
) -> Iterator[ComparedService]:
    everywhere = np.ones((1, len(paired.scored.keys)), bool)
    _, both, *scored = rows_scored(paired, everywhere)[0].astype(int).tolist()
    for metric, name, number in zip(metrics, names, scored, strict=True):
        yield ComparedService(
            name=name, expression=metric.text, n_scored=number, n_unpaired=number - both
        )


def _unpaired(paired: Paired, question: Question, names: Sequence[str]) -> Iterator[UnpairedRows]:
    """Rows of each group that a service was not scored on and another was."""
    cells: list[GroupSet] = group_sets(paired.scored, question)[0]
    own = rows_scored(paired, np.array([cell.members for cell in cells]))
    rests = rows_scored(paired, np.array([cell.known & ~cell.members for cell in cells]))
    places = [0, *range(2, own.shape[1])]  # the rows that any was scored on, and each service's
    loss = loss_of(own[:, places], rests[:, places], partition_numbers(cells))
    for i, cell in enumerate(cells):
        for k, name in enumerate(names):
            lost = int(own[i, 0] - own[i, k + 2])
            if lost:
                yield UnpairedRows(
                    by=cell.partition.names,
                    predicate=cell.predicate,
                    service=name,
                    n_rows=lost,
                    share=float(loss.own[i, k]),
                    uneven=bool(loss.uneven[i, k]),
                )


def _unpaired_notes(
    services: Sequence[ComparedService], unpaired: Sequence[UnpairedRows]
) -> Iterator[Note]:
    """Rows that one service alone was scored on: by group where groups differ, else overall."""
    if not any(one.n_unpaired for one in services):
        return
    told = "; ".join(
        f"{one.name} was scored on {plural(one.n_unpaired, 'row')} that another was not"
        for one in services
        if one.n_unpaired
    )
    text = (
        f"{told}.  These cannot be paired and are in no number: a service that answers only what is easy looks better "
        "than it is.  Score a missing answer as what it is, a failure, to count it."
    )
    uneven = [one for one in unpaired if one.uneven]
    if uneven:
        most = max(uneven, key=lambda one: one.share)
        own = [one for one in unpaired if (one.by, one.service) == (most.by, most.service)]
        least = min(own, key=lambda one: one.share)
        beside = f", of {least.predicate} {least.share:.1%}" if least is not most else ""
        text = (
            f"{most.service} was not scored on {most.share:.1%} of the rows of {most.predicate}{beside}: groups differ "
            f"by more than chance, and if rows are lost because they went badly, that alone hides a loss.  {text}"
        )
    yield Note(code="rows_unpaired", text=text)
