"""Switches put together: what is read of the table, judged, and said of its origin."""

from collections.abc import Iterator, Sequence

from evenhand.comparisons.rules import VerdictRules
from evenhand.differential.assembly import MOST_GROUPS, group_sets, members_under
from evenhand.differential.evidence import ConditionEvidence
from evenhand.errors import Note
from evenhand.groups import to_text
from evenhand.metrics import Metric
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
)
from evenhand.switching.result import Switches, SwitchSettings
from evenhand.switching.services import check_services
from evenhand.switching.unpaired import (
    compared_services,
    empty_transcripts,
    unpaired_notes,
    unpaired_rows,
)


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
    unpaired = tuple(unpaired_rows(paired, question, names))
    services = tuple(compared_services(paired, metrics, names))
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
            *unpaired_notes(services, unpaired),
            *empty_transcripts(question, metrics, names),
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
