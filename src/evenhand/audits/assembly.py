"""An audit put together: what is read of the table, judged, and said of its origin."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from evenhand.audits.disclosure.hiding import Hidden, hidden_sets
from evenhand.audits.help import assisted_form, with_least
from evenhand.audits.judge import Judgement
from evenhand.audits.judge import judge as judge_cube
from evenhand.audits.measured import (
    Measured,
    counted_now,
    cubes_of,
    measure_counts,
    measure_rows,
    premises_of_rows,
)
from evenhand.audits.normalizers import depends_on_normalizer
from evenhand.audits.result import Audit, AuditSettings, Gap, Group, JudgeHelp, ScoreCurve
from evenhand.audits.scores import curves_left_out, score_curves, scores_read
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import CountedRecords, Cube, write_cube
from evenhand.groups import Attribute
from evenhand.metrics import Metric, MetricPlan
from evenhand.questions.counted import directions_of, premises_of_counts, within
from evenhand.questions.crowding import shared_units
from evenhand.questions.premises import explained
from evenhand.questions.question import Question, metric_note, metric_rules
from evenhand.results.origin import Source, versions
from evenhand.stats.assisted import AssistedRatio


def answer(
    question: Question,
    metrics: Sequence[Metric],
    rules: VerdictRules,
    *,
    reference: str | Attribute,
    worse: str | None,
    cube: str | Path | None,
    command: str,
    counted: CountedRecords | None = None,
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
    counted : CountedRecords, optional
        What was counted of the metrics before; then `question` is of its cells, and no row is read.
    """
    versus = reference if isinstance(reference, str) else reference.name
    rules = replace(rules, versus=versus)
    if isinstance(reference, Attribute):
        others = (a for a in question.attributes if a.name != versus)
        question = replace(question, attributes=(*others, reference))
    higher = directions_of(metrics, worse, counted)
    for metric in metrics:
        metric.check_tolerance(rules.tolerance)
    few = rules.suppress_below
    if counted is None:
        premises = premises_of_rows(question, metrics, few=few)
    else:
        premises = premises_of_counts(counted, question)
    with explained(premises, metrics, question.records):
        if counted is None:
            measured = measure_rows(
                question, metrics, premises, few=few, as_written=cube is not None
            )
        else:
            measured = measure_counts(counted, question, premises, few=few)
        if cube is not None:
            write_cube(counted_now(question, metrics, measured, higher, before=counted), cube)
        measured = measured.judged(question)
        return tuple(_audits(question, metrics, measured, rules, higher, command, counted))


def _audits(
    question: Question,
    metrics: Sequence[Metric],
    measured: Measured,
    rules: VerdictRules,
    higher: Sequence[bool],
    command: str,
    before: CountedRecords | None,
) -> Iterator[Audit]:
    """Each metric judged, and told with its origin."""
    attributes, partitions = question.attributes, question.partitions
    judge = question.judge
    plans = [
        plan if judge is None else replace(plan, form=assisted_form(plan, cube, question))
        for plan, cube in zip(measured.plans, measured.cubes, strict=True)
    ]
    forms = [plan.form for plan in plans]
    hidden = hidden_sets(measured.cubes, forms, attributes, partitions, rules)
    scores: dict[tuple[str, ...], tuple[ScoreCurve, ...]] = {}
    fingerprint, counted = question.records.sha256(), not rules.suppress_below
    for metric, plan, cube, label, worst in zip(
        metrics, plans, measured.cubes, labels(metrics), higher, strict=True
    ):
        ruled = metric_rules(rules, metric, plan, higher_is_worse=worst)
        ruled = ruled if judge is None else with_least(ruled, cube)
        judged = _judge(plan, cube, question, ruled, hidden)
        shared = shared_units(cube, partitions, rules.units, counted=counted)
        read = scores_read(metric)
        if before is not None or question.weighting or judge is not None:
            scores[read] = ()
        elif read not in scores:
            scores[read] = score_curves(metric, question, rules, groups=len(judged.groups))
        notes = (*measured.notes, *plan.notes, *judged.notes, *shared, *hidden.notes())
        if before is None and question.weighting:
            notes += curves_left_out(metric, question)
        groups = _ordered(judged.groups, question, higher_is_worse=worst)
        report = Audit(
            metric=metric_note(metric, higher_is_worse=worst, label=label),
            level=rules.level,
            unit=rules.units_name,
            source=Source(
                name=question.records.name, rows=int(cube.n_rows.sum()), sha256=fingerprint
            ),
            overall=judged.overall,
            groups=groups,
            gap=_widest(judged.gaps),
            gaps=judged.gaps,
            refused=judged.refused,
            missing=judged.missing,
            settings=_settings(question, rules, judged, command, before),
            notes=notes,
            scores=scores[read],
            weight=rules.weight,
            stratum=rules.stratum,
            judge=None if judge is None else _help(judge, plan, judged, groups),
        )
        more = depends_on_normalizer(report, plan, _again(question, ruled, hidden))
        yield replace(report, notes=(*notes, *more))


def _help(judge: Metric, plan: MetricPlan, judged: Judgement, groups: Sequence[Group]) -> JudgeHelp:
    """What the judge added, in the order of the groups."""
    places = {(group.by, group.predicate): place for place, group in enumerate(groups)}
    everybody, *rest = judged.helped
    rest.sort(key=lambda one: places[one.by, one.predicate or ""])
    ratio = plan.form if isinstance(plan.form, AssistedRatio) else None
    return JudgeHelp(
        expression=judge.text,
        method="post-stratified" if ratio is None else "prediction-powered",
        weight=None if ratio is None else ratio.weight,
        helped=(everybody, *rest),
    )


def _judge(
    plan: MetricPlan, cube: Cube, question: Question, rules: VerdictRules, hidden: Hidden
) -> Judgement:
    return judge_cube(
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
        (made,) = cubes_of(question, [plan])
        return _judge(plan, made, question, rules, hidden)

    return judged


def _settings(
    question: Question,
    rules: VerdictRules,
    judged: Judgement,
    command: str,
    before: CountedRecords | None,
) -> AuditSettings:
    return AuditSettings(
        by=question.by,
        where=within(None if before is None else before.where, question),
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
