"""An audit put together: what is read of the table, judged, and said of its origin."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from evenhand.audits.disclosure.hiding import Hidden, hidden_sets
from evenhand.audits.judge import Judgement, judge
from evenhand.audits.normalizers import depends_on_normalizer
from evenhand.audits.result import Audit, AuditSettings, Gap, Group, ScoreCurve
from evenhand.audits.scores import score_curves, scores_read
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Measure, build_cubes
from evenhand.errors import Note
from evenhand.groups import Attribute, to_text
from evenhand.metrics import Metric, MetricPlan, Takes
from evenhand.questions.copies import MOST_JOINED, MOST_ROWS, copied_rows
from evenhand.questions.crowding import check_first_groups, shared_units
from evenhand.questions.premises import check_agreement, explained, read_premises
from evenhand.questions.question import Question, directions, metric_note, metric_rules
from evenhand.questions.repeats import Design, candidate_columns, repeating_columns
from evenhand.results.origin import Source, versions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was read of the table for each metric, and what a reader must know of it."""

    plans: tuple[MetricPlan, ...]
    cubes: tuple[Cube, ...]
    notes: tuple[Note, ...]


def answer(
    question: Question,
    metrics: Sequence[Metric],
    rules: VerdictRules,
    *,
    reference: str | Attribute,
    worse: str | None,
    cube: str | None,
    command: str,
) -> tuple[Audit, ...]:
    """Audits of a question, one a metric.

    Parameters
    ----------
    question : Question
    metrics : sequence of Metric
    rules : VerdictRules
        As asked for: each metric's range and direction are put in here.
    reference : str or Attribute
        ``rest``, ``best``, ``overall``, or the attribute that marks the rows compared with.
    worse, cube
        As in `evenhand.audit`.
    command : str
        What makes the audit again.
    """
    versus = reference if isinstance(reference, str) else reference.name
    rules = replace(rules, versus=versus)
    if isinstance(reference, Attribute):
        others = (a for a in question.attributes if a.name != versus)
        question = replace(question, attributes=(*others, reference))
    higher = directions(metrics, worse)
    for metric in metrics:
        metric.check_tolerance(rules.tolerance)
    records = question.records
    if any(a.takes is Takes.TEXT for m in metrics for a in m.definition.arguments):
        check_first_groups(records, question.attributes, question.partitions, question.where)
    premises = read_premises(
        records,
        metrics,
        where=question.where,
        attributes=question.attributes,
        counted=True,
        few=rules.suppress_below,
    )
    with explained(premises, metrics, records):
        measured = _measure(question, metrics, premises, few=rules.suppress_below)
        if cube is not None:
            rows = int(measured.cubes[0].n_rows.sum())
            source = Source(name=records.name, rows=rows, sha256=records.sha256())
            measured.cubes[0].write(cube, [source])
        return tuple(_audits(question, metrics, measured, rules, higher, command))


def _audits(
    question: Question,
    metrics: Sequence[Metric],
    measured: Measured,
    rules: VerdictRules,
    higher: Sequence[bool],
    command: str,
) -> Iterator[Audit]:
    """Each metric judged, and told with its origin."""
    attributes, partitions = question.attributes, question.partitions
    forms = [plan.form for plan in measured.plans]
    hidden = hidden_sets(measured.cubes, forms, attributes, partitions, rules)
    scores: dict[tuple[str, ...], tuple[ScoreCurve, ...]] = {}
    fingerprint, counted = question.records.sha256(), not rules.suppress_below
    for metric, plan, cube, label, worst in zip(
        metrics, measured.plans, measured.cubes, labels(metrics), higher, strict=True
    ):
        ruled = metric_rules(rules, metric, plan, higher_is_worse=worst)
        judged = _judge(plan, cube, question, ruled, hidden)
        shared = shared_units(cube, partitions, rules.units, counted=counted)
        read = scores_read(metric)
        if read not in scores:
            scores[read] = score_curves(metric, question, rules, groups=len(judged.groups))
        notes = (*measured.notes, *plan.notes, *judged.notes, *shared, *hidden.notes())
        report = Audit(
            metric=metric_note(metric, higher_is_worse=worst, label=label),
            level=rules.level,
            unit=rules.units_name,
            source=Source(
                name=question.records.name, rows=int(cube.n_rows.sum()), sha256=fingerprint
            ),
            overall=judged.overall,
            groups=_ordered(judged.groups, question, higher_is_worse=worst),
            gap=_widest(judged.gaps),
            gaps=judged.gaps,
            refused=judged.refused,
            missing=judged.missing,
            settings=_settings(question, rules, judged, command),
            notes=notes,
            scores=scores[read],
        )
        more = depends_on_normalizer(report, plan, _again(question, ruled, hidden))
        yield replace(report, notes=(*notes, *more))


def _measure(
    question: Question, metrics: Sequence[Metric], premises: tuple[Note, ...], *, few: int
) -> Measured:
    """Counts of each metric, and what the table says about them; faults are raised together."""
    records = question.records
    used = {*question.columns, *(name for metric in metrics for name in metric.columns)}
    repeating = candidate_columns(records, used, question.where, metrics)
    kept = [*question.columns, *repeating]
    plans = tuple(metric.plan(records, kept, question.where) for metric in metrics)
    cubes = tuple(_cubes(question, plans))
    for metric, cube in zip(metrics, cubes, strict=True):
        check_agreement(metric, cube, records)
    most = MOST_JOINED if len(records.files) > 1 else MOST_ROWS
    dependent = tuple(copied_rows(records)) if cubes[0].n_rows.sum() <= most else ()
    # Of the first metric: rows that resemble each other there are dependent, whatever is measured.
    # (Copies of a row resemble it in all columns, and are told already.)
    dependent = dependent or tuple(
        repeating_columns(plans[0], repeating, _design(question), counted=not few)
    )
    return Measured(plans=plans, cubes=cubes, notes=(*premises, *dependent))


def _design(question: Question) -> Design:
    """What is compared."""
    return Design(
        attributes=question.attributes,
        partitions=question.partitions,
        units=question.units,
        where=question.where,
        missing_values=question.records.missing_values,
    )


def _cubes(question: Question, plans: Sequence[MetricPlan]) -> list[Cube]:
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
        )
        made += zip((plan.measure for plan in asked), cubes, strict=True)
    return [next(cube for measure, cube in made if measure == plan.measure) for plan in plans]


def _judge(
    plan: MetricPlan, cube: Cube, question: Question, rules: VerdictRules, hidden: Hidden
) -> Judgement:
    return judge(
        cube,
        plan.form,
        question.attributes,
        question.partitions,
        rules,
        proportion=plan.proportion,
        shown_without=hidden,
    )


def _again(
    question: Question, rules: VerdictRules, hidden: Hidden
) -> Callable[[MetricPlan], Judgement]:
    """The same judged under another plan."""

    def judged(plan: MetricPlan) -> Judgement:
        (made,) = _cubes(question, [plan])
        return _judge(plan, made, question, rules, hidden)

    return judged


def _settings(
    question: Question, rules: VerdictRules, judged: Judgement, command: str
) -> AuditSettings:
    return AuditSettings(
        by=question.by,
        where=to_text(question.where) if question.where is not None else None,
        versus=rules.versus,
        tolerance=rules.tolerance,
        min_units=rules.min_units,
        adjust=judged.adjust,
        comparisons=judged.comparisons,
        metrics_in_family=rules.family,
        suppress_below=rules.suppress_below,
        seed=rules.seed,
        missing_values=question.records.missing_values,
        bins=question.bins,
        command=command,
        versions=dict(versions()),
    )


def labels(metrics: Sequence[Metric]) -> list[str]:
    """What metrics are called side by side: by name, or by what differs where two have one name."""
    out = []
    for metric in metrics:
        alike = [m for m in metrics if m.name == metric.name]
        differing = [
            name
            for name in dict.fromkeys(n for m in alike for n in m.given)
            if len({m.written(name) for m in alike}) > 1
        ]
        parts = (f"{name}={metric.written(name)}" for name in differing if name in metric.given)
        out.append(f"{metric.name}({', '.join(parts)})" if differing else metric.name)
    return out


def _ordered(
    groups: Sequence[Group], question: Question, *, higher_is_worse: bool
) -> tuple[Group, ...]:
    """In the order of the partitions, the worst of each first."""
    places = {partition.names: place for place, partition in enumerate(question.partitions)}

    def place(group: Group) -> tuple[int, float]:
        value = group.estimate.value
        harm = float("inf") if value is None else -value if higher_is_worse else value
        return places[group.by], harm

    return tuple(sorted(groups, key=place))


def _widest(gaps: Sequence[Gap]) -> Gap | None:
    """The gap that is proven widest; bounds of all partitions hold together, so choosing is free."""
    known = [gap for gap in gaps if gap.lower_bound is not None]
    return max(known, key=lambda gap: gap.lower_bound or 0.0, default=None)
