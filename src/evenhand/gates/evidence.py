"""What a rule's rows say: its table opened, its keys understood at their place, its groups estimated."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evenhand.audits.disclosure.hiding import hidden_sets
from evenhand.audits.evidence import GroupEvidence
from evenhand.audits.measured import Measured, measure_counts, measure_rows, premises_of_rows
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import CountedRecords, Cube, estimate
from evenhand.errors import InputError, NoRowError, Note, RefusedError, unknown_name
from evenhand.gates.lacking import lacking_by_group
from evenhand.gates.opening import OpenTables
from evenhand.gates.rules import NotedError, PolicyFaults, Rule
from evenhand.gates.spoken import in_keys
from evenhand.groups import Partition, parse_partitions, parse_predicate
from evenhand.metrics import Metric, MetricPlan, find_definition
from evenhand.metrics.weights import Weighting
from evenhand.pages.caveats import missing_sentences
from evenhand.pages.numbers import rate as rate_told
from evenhand.questions.absent import missing_rows
from evenhand.questions.counted import (
    counted_metrics,
    directions_of,
    open_cells,
    premises_of_counts,
    read_counted_question,
    within,
)
from evenhand.questions.opening import opened
from evenhand.questions.premises import explained
from evenhand.questions.question import (
    Question,
    bound_metric,
    metric_note,
    metric_rules,
    read_question,
    unit_columns,
)
from evenhand.records import Kind, Records, find_column
from evenhand.results.estimate import Missing
from evenhand.results.origin import MetricNote, Source
from evenhand.stats.forms import Ratio

_MIN_UNITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEvidence:
    """What the rows of a rule say of its groups.

    Attributes
    ----------
    metric : MetricNote
    source : Source
    unit : str or None
    by : tuple of str
    where : str or None
    bins : dict
        Edges at which attributes are cut.
    groups : GroupEvidence
    chosen : tuple of int
        Numbers of the groups that the rule is about.
    definition : Metric
    notes : tuple of Note
    """

    metric: MetricNote
    source: Source
    unit: str | None
    by: tuple[str, ...]
    where: str | None
    bins: dict[str, tuple[float, ...]]
    groups: GroupEvidence
    chosen: tuple[int, ...]
    definition: Metric
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRule:
    """A rule that its rows cannot tell, whatever they say."""

    message: str


#: Keys of which estimates depend; rules that have them alike share their estimates.
_READ = (
    *("metric", "by", "unit", "where", "weight", "stratum", "bins", "worse", "min_units"),
    *("suppress_below", "condition"),
)


class EvidenceOfRules:
    """Estimates of groups, made once for rules that read the same.

    Parameters
    ----------
    tables : OpenTables
    faults : PolicyFaults
        Where it is noted what is wrong with the keys of rules.
    seed : int
        Of simulations.
    """

    def __init__(self, tables: OpenTables, faults: PolicyFaults, seed: int) -> None:
        self._tables, self._faults, self._seed = tables, faults, seed
        self._found: dict[object, RuleEvidence] = {}

    def of(self, rule: Rule) -> RuleEvidence | RefusedRule:
        """Estimates for a rule, and the groups that it is about."""
        asked = repr([rule.get(key) for key in _READ])
        key = (*self._tables.key(rule), asked, "not_worse_than" in rule.given)
        if key not in self._found:
            try:
                self._found[key] = self._read(rule)
            except RefusedError as error:
                return RefusedRule(message=in_keys(str(error)))
            except NotedError:
                check_metric_name(rule, self._faults)
                raise
        found = self._found[key]
        _check_range(rule, found.definition, self._faults)
        return replace(found, chosen=chosen_groups(rule, found.groups, self._faults))

    def look_through(self, rule: Rule) -> None:
        """Note what is wrong with a rule's keys beside its table, without counting anything."""
        if rule.table is None or self._tables.counted(rule) is not None:
            check_metric_name(rule, self._faults)
            return
        try:
            with self._tables.of(rule) as records:
                _check_columns(rule, records, self._faults)
        except NotedError:
            check_metric_name(rule, self._faults)
            raise

    def _read(self, rule: Rule) -> RuleEvidence:
        faults = self._faults
        counted = self._tables.counted(rule)
        if counted is not None:
            return _of_counts(rule, counted, faults, seed=self._seed)
        with self._tables.of(rule) as records:
            question, metric = _asked(rule, records, faults)

            def premises(metrics: Sequence[Metric]) -> tuple[Note, ...]:
                return premises_of_rows(question, metrics, few=_few(rule))

            return _found(rule, question, metric, faults, premises, None, seed=self._seed)


def _few(rule: Rule) -> int:
    return int(rule.get("suppress_below", 0))


def _by(rule: Rule, records: Records, faults: PolicyFaults) -> Any:
    """The groups, and the condition after them."""
    by: Any = rule.get("by")
    condition = rule.get("condition")
    if condition is not None:
        with faults.at(rule, "condition"):
            find_column(condition, records.columns)
    with faults.at(rule, "by"):
        _, partitions = parse_partitions(by, records.columns, bins={})
    if condition is None:
        return by
    with faults.at(rule, "condition"):
        if any(condition in one.names for one in partitions):
            raise InputError(f"{condition} is among the groups already.")
    return [*([by] if isinstance(by, str) else by), condition]


def _under_conditions(rule: Rule, question: Question) -> Question:
    """The groups, each under each condition."""
    condition = rule.get("condition")
    if condition is None:
        return question
    crossed = (
        Partition(names=(*one.names, condition))
        for one in question.partitions
        if condition not in one.names
    )
    return replace(question, partitions=tuple(crossed))


def check_metric_name(rule: Rule, faults: PolicyFaults) -> None:
    """Note a metric that there is not, also where no table could be opened."""
    if "(" in rule.get("metric", ""):
        with faults.noting(rule, "metric"):
            find_definition(rule.metric_name)


def _check_columns(rule: Rule, records: Records, faults: PolicyFaults) -> Metric | None:
    """The metric; each key is checked at its place, and what is wrong with any of them noted.

    Raises
    ------
    NotedError
        Where anything was.
    """
    before = len(faults.found)
    units = unit_columns(list(rule.texts("unit")) or None)
    metric = None
    with faults.noting(rule, "unit"):
        for name in units:
            find_column(name, records.columns)
    if "where" in rule.given:
        with faults.noting(rule, "where"):
            parse_predicate(rule.get("where"), records.columns, label="where")
    weighting = Weighting(weight=rule.get("weight"), stratum=rule.get("stratum"))
    with faults.noting(rule, "weight" if weighting.weight else "stratum"):
        weighting.check(records.columns, units)
    if "metric" in rule.given:
        with faults.noting(rule, "metric"):
            metric = bound_metric(rule.get("metric"), records)
    if "by" in rule.given:
        with suppress(NotedError):
            _by(rule, records, faults)
    unread = len(faults.found) > before
    if metric is not None:
        # (A limit that makes no sense keeps nothing from being counted.)
        _check_range(rule, metric, faults)
    if unread:
        raise NotedError
    return metric


def _asked(rule: Rule, records: Records, faults: PolicyFaults) -> tuple[Question, Metric]:
    """The question and the metric."""
    metric = _check_columns(rule, records, faults)
    assert metric is not None
    by = _by(rule, records, faults)
    with faults.at(rule, "by"):
        question = read_question(
            records,
            by,
            units=unit_columns(list(rule.texts("unit")) or None),
            where=rule.get("where"),
            bins=rule.get("bins"),
            weighting=Weighting(weight=rule.get("weight"), stratum=rule.get("stratum")),
        )
    return _under_conditions(rule, question), metric


def _check_range(rule: Rule, metric: Metric, faults: PolicyFaults) -> None:
    """Note limits that no value of the metric could break, or keep: they were meant in points."""
    for key in ("maximum", "minimum"):
        limit = rule.get(key)
        if limit is not None:
            try:
                metric.check_limit(key, limit)
            except InputError as error:
                faults.add(rule.number, key, str(error), rule.name)
    for key in ("maximum_difference", "tolerance"):
        if key in rule.given and rule.given[key] > 0:
            try:
                metric.check_tolerance(rule.given[key], key)
            except InputError as error:
                faults.add(rule.number, key, str(error), rule.name)


def _of_counts(
    rule: Rule, counted: CountedRecords, faults: PolicyFaults, *, seed: int
) -> RuleEvidence:
    """The same of what was counted before."""
    for key in ("columns", "missing", "origin", "weight", "stratum"):
        if key in rule.given:
            faults.add(
                rule.number,
                key,
                f"{counted.name} holds counts, of which {key} was settled before.",
                rule.name,
            )
    asked = tuple(rule.texts("unit"))
    if asked and asked != counted.units:
        has = ", ".join(counted.units) or "no unit"
        faults.add(
            rule.number,
            "unit",
            f"{counted.name} was counted by {has}, not by {', '.join(asked)}.",
            rule.name,
        )
    with faults.at(rule, "metric"):
        (metric, *_), counted = counted_metrics(counted, [rule.get("metric")])
    _check_range(rule, metric, faults)
    with opened(open_cells(counted)) as cells:
        by = _by(rule, cells, faults)
        with faults.at(rule, "by"):
            question = read_counted_question(
                counted, cells, by, where=rule.get("where"), bins=rule.get("bins")
            )
        question = _under_conditions(rule, question)

        def premises(_: Sequence[Metric]) -> tuple[Note, ...]:
            return premises_of_counts(counted, question)

        return _found(rule, question, metric, faults, premises, counted, seed=seed)


def _found(
    rule: Rule,
    question: Question,
    metric: Metric,
    faults: PolicyFaults,
    premises_of: Callable[[Sequence[Metric]], tuple[Note, ...]],
    counted: CountedRecords | None,
    *,
    seed: int,
) -> RuleEvidence:
    higher = _direction(rule, metric, counted, faults)
    rules = VerdictRules(
        min_units=rule.get("min_units", _MIN_UNITS),
        # Bonferroni's quantile needs no draws: bounds of the rule itself are found elsewhere.
        adjust="holm",
        # More than one: then limits of proportions are exact ones.
        family=2,
        suppress_below=_few(rule),
        seed=seed,
        units=question.units,
        weight=question.weighting.weight,
        stratum=question.weighting.stratum,
    )
    with faults.at(rule, "metric"):
        try:
            premises = premises_of([metric])
            with explained(premises, [metric], question.records):
                measured = _measured(question, metric, premises, counted, few=_few(rule))
                measured = measured.judged(question)
        except NoRowError as error:
            with faults.at(rule, "where" if "where" in rule.given else "table"):
                raise InputError(str(error)) from error
        (plan,), (cube,) = measured.plans, measured.cubes
        plan, taken = as_share(plan, metric, question.records, cube)
        ruled = metric_rules(rules, metric, plan, higher_is_worse=higher)
    with faults.at(rule, "by"):
        groups = grouped(question, plan, cube, ruled)
    left_out = _left_out(groups, metric.definition.name)
    lacking = [
        note
        for name, count in cube.missing
        if count and counted is None and name in metric.columns
        for note in lacking_by_group(question, name, ruled)
    ]
    return RuleEvidence(
        metric=metric_note(metric, higher_is_worse=higher),
        source=Source(
            name=question.records.name,
            rows=int(cube.n_rows.sum()),
            sha256=question.records.sha256(),
        ),
        unit=rules.units_name,
        by=question.by,
        where=within(None if counted is None else counted.where, question),
        bins=question.bins,
        groups=groups,
        chosen=(),
        definition=metric,
        notes=tuple(
            replace(note, text=in_keys(note.text))
            for notes in (measured.notes, plan.notes, taken, left_out, lacking)
            for note in notes
        ),
    )


def as_share(
    plan: MetricPlan, metric: Metric, records: Records, cube: Cube
) -> tuple[MetricPlan, tuple[Note, ...]]:
    """The plan, as a share only where it is one: by definition, of yes and no, or where both 0 and 1 were met.

    A measured number that is 0 in every row that was met is no share: another row may hold any number.
    """
    definition = metric.definition
    by_definition = (definition.low, definition.high) == (0.0, 1.0)
    if not plan.proportion or by_definition or not isinstance(plan.form, Ratio):
        return plan, ()
    kinds = {one.name: one.kind for one in records.columns}
    if all(kinds.get(name) is Kind.BOOLEAN for name in metric.columns):
        return plan, ()
    everything = np.ones((1, len(cube.keys)), bool)
    above, below = plan.form.split(estimate(cube, plan.form, everything).sums)
    if 0 < above[0] < below[0]:
        text = (
            f"{metric.text} is judged as a share, since every row counts 0 or 1.  Where a row could count "
            "anything else, bounds are wider than these."
        )
        return plan, (Note(code="taken_for_share", text=text),)
    text = (
        f"{metric.text}: every row counts the same, 0 or 1, and nothing says that no other row counts more.  If it "
        "is yes or no, write it as true and false; then it is judged as a share."
    )
    return replace(plan, proportion=False, bounds=None), (Note(code="not_known_share", text=text),)


def _left_out(groups: GroupEvidence, metric: str) -> Iterator[Note]:
    """Rows that are in no group, and how they fare; or not in the numbers: no rule says anything of them."""
    rules = groups.rules
    for cell, index in zip(groups.absent, groups.absent_index, strict=True):
        rate, hidden = groups.rates[index], bool(rules.suppress_below)
        one = Missing(
            attribute=cell.partition.names[0],
            n_rows=None if hidden else rate.n_rows,
            reason="missing_attribute",
        )
        fares = (
            "" if hidden or rate.value is None else f"  Their {metric} is {rate_told(rate.value)}."
        )
        for sentence in missing_sentences([one]):
            yield Note(code=one.reason, text=sentence + fares)
    weighting = Weighting(weight=rules.weight, stratum=rules.stratum)
    for one in missing_rows(groups.cube, rules.units, rules.suppress_below, weighting):
        for sentence in missing_sentences([one]):
            yield Note(code=one.reason, text=sentence)


def grouped(question: Question, plan: MetricPlan, cube: Cube, rules: VerdictRules) -> GroupEvidence:
    """Estimates of all groups, without what must be hidden."""
    about = (question.attributes, question.partitions)
    hidden = hidden_sets([cube], [plan.form], *about, rules)
    return GroupEvidence(cube, plan.form, *about, rules, proportion=plan.proportion, hidden=hidden)


def _measured(
    question: Question,
    metric: Metric,
    premises: tuple[Note, ...],
    counted: CountedRecords | None,
    *,
    few: int,
) -> Measured:
    if counted is not None:
        return measure_counts(counted, question, premises, few=few)
    return measure_rows(question, [metric], premises, few=few)


def _direction(
    rule: Rule, metric: Metric, counted: CountedRecords | None, faults: PolicyFaults
) -> bool:
    """Direction of harm; any will do where the rule does not ask for it."""
    needs = "not_worse_than" in rule.given
    if metric.definition.higher_is_worse is None and not needs:
        return bool(rule.get("worse", "higher") == "higher")
    with faults.at(rule, "metric"):
        try:
            (higher,) = directions_of([metric], rule.get("worse"), counted)
        except InputError as error:
            raise InputError(str(error).replace(" (in Python worse=)", "")) from error
    return higher


def chosen_groups(rule: Rule, groups: GroupEvidence, faults: PolicyFaults) -> tuple[int, ...]:
    """Numbers of the groups that a rule names, or of all."""
    named = rule.texts("groups")
    if not named:
        return tuple(int(index) for index in groups.group_index)
    known: dict[str, list[int]] = {}
    for cell, index in zip(groups.cells, groups.group_index, strict=True):
        label = " · ".join(str(value) for value in cell.label)
        for name in {label, cell.predicate, *(str(v) for v in cell.label if len(cell.label) == 1)}:
            known.setdefault(name, []).append(int(index))
        if rule.get("condition") and len(cell.label) > 1:
            short = " · ".join(str(value) for value in cell.label[:-1])
            known.setdefault(short, []).append(int(index))
    out: list[int] = []
    labels = [" · ".join(map(str, cell.label)) for cell in groups.cells]
    for name in named:
        if name not in known:
            faults.add(
                rule.number,
                "groups",
                f"{unknown_name('group', name, list(dict.fromkeys(labels)))}",
                rule.name,
            )
        out += known.get(name, [])
    return tuple(dict.fromkeys(out))
