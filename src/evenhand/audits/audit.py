"""The audit: from a table and a metric to verdicts."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from evenhand.audits.disclosure.hiding import Hidden, hidden_sets
from evenhand.audits.judge import Judgement, judge
from evenhand.audits.normalizers import depends_on_normalizer
from evenhand.audits.report import Audit
from evenhand.audits.result import Gap, Settings
from evenhand.comparisons.rules import Rules
from evenhand.cubes import Cube, Measure, bin_attributes, build_cube, tally
from evenhand.errors import InputError, Note, near
from evenhand.groups import (
    Attribute,
    Partition,
    Predicate,
    columns_of,
    parse_partitions,
    parse_predicate,
    to_text,
)
from evenhand.groups.partition import join_names
from evenhand.metrics import Metric, Plan, Takes, parse_metric
from evenhand.questions.copies import MOST_JOINED, MOST_ROWS, copied_rows
from evenhand.questions.crowding import check_first_groups, shared_units
from evenhand.questions.premises import check_agreement, explained, read_premises
from evenhand.questions.repeats import Design, candidate_columns, repeating_columns
from evenhand.records import MISSING_VALUES, Records, find_column, open_records
from evenhand.records.output import check_outputs
from evenhand.results.origin import MetricNote, Source, versions

#: Columns that may name units.
MOST_UNITS = 2
_VERSUS = ("rest", "best", "overall")
_CHOICES = {
    "adjust": ("max-t", "holm", "bh"),
    "interval": ("wilson", "clopper-pearson"),
    "worse": ("higher", "lower"),
}

By = str | Sequence[str | Sequence[str]]


def audit(table: Any, metric: str | Metric, by: By, **options: Any) -> Audit:
    """Audit a table under one metric.

    Parameters
    ----------
    table : str, Path or data frame
        Path, glob or URL of records, or a pandas, Polars, Arrow or narwhals-compatible frame;
        one row per evaluated example.
    metric : str or Metric
        For example ``wer(reference=text, hypothesis=amazon)``.
    by : str or sequence
        What groups are: a column, columns joined by commas (their crossing and each alone), or a
        predicate; or a sequence of these.
    **options
        See `audit_metrics`.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        For anything that must be changed first; all faults of a file come together.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 50 + ["b"] * 50, "wrong": [0] * 45 + [1] * 5 + [0] * 20 + [1] * 30})
    >>> result = evenhand.audit(table, metric="mean(wrong)", by="site")
    >>> [(group.label, group.estimate.value, group.verdict) for group in result.groups]
    [('b', 0.6, 'worse'), ('a', 0.1, 'not worse')]
    """
    (result,) = audit_metrics(table, [metric], by, **options)
    return result


def audit_metrics(
    table: Any,
    metrics: Sequence[str | Metric],
    by: By,
    *,
    unit: str | Sequence[str] | None = None,
    where: str | None = None,
    versus: str = "rest",
    tolerance: float = 0.0,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    adjust: str = "max-t",
    interval: str = "wilson",
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    suppress_below: int = 0,
    seed: int = 0,
    cube: str | None = None,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Audit, ...]:
    """Audit a table under several metrics; confidence holds for all of them together.

    Parameters
    ----------
    table, by
        As in `audit`.
    metrics : sequence of str or Metric
        One audit each; counts that metrics share are read once.
    unit : str or sequence of str, optional
        Column that names what is independent (speaker, patient, document).  Without it each row
        is taken for independent, which makes intervals too narrow where it is not.  Two columns
        where rows that share either are dependent: raters and items, or speakers within sites.
    where : str, optional
        Predicate; only rows that satisfy it are read.
    versus : {'rest', 'best', 'overall'} or predicate
        What each group is compared with.
    tolerance : float
        A difference up to this is no harm, in the metric's units.
    level : float
        Confidence of each interval, and of all comparisons together.
    min_units : int
        Groups with fewer independent units are refused.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.
    adjust : {'max-t', 'holm', 'bh'}
        Correction for many comparisons.
    interval : {'wilson', 'clopper-pearson'}
        Interval of a proportion of independent rows.
    bins : mapping, optional
        Numeric attributes: edges, or a number of quantile bins.  One with more than 12 distinct
        values is cut at its quartiles unasked.
    missing_values : sequence of str
        Texts that mean missing in attributes, units, labels and scores.
    columns : str or mapping, optional
        Types of columns where you know better, such as ``age=number, code=text``.
    suppress_below : int
        Hide groups with fewer units than this, and as many others as needed that no hidden number
        can be told more closely than within a range as wide.
    seed : int
        Of the multiplier bootstrap.
    cube : str, optional
        File to write the first metric's cube to.
    command : str, optional
        The command that reports name as their origin.
    progress : callable, optional
        Told the number of rows done while transcripts are scored.

    Returns
    -------
    tuple of Audit
        In the order of `metrics`.
    """
    units = unit_columns(unit)
    texts = {"where": where, "versus": versus, "cube": cube}
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise InputError(f"{name} is {text!r}, but must be text.")
    rules = Rules(
        level=level,
        tolerance=tolerance,
        min_units=min_units,
        adjust=adjust,
        interval=interval,
        suppress_below=suppress_below,
        seed=seed,
        family=len(metrics),
        units=units,
    )
    check_options(rules, worse)
    if cube is not None and suppress_below:
        raise InputError(
            "cube and suppress_below are both given, but a cube holds the counts of every cell, small ones too.  "
            "Write the cube in a run of its own, and do not publish it."
        )
    records = open_records(table, columns=columns, missing_values=missing_values)
    if progress is not None:
        records = replace(records, progress=progress)
    try:
        check_outputs([("cube", cube)], records.files, force=True)
        check_rows(records)
        # Numbers and arrays of numpy become plain ones.
        plain = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in (bins or {}).items()}
        question = _Question.read(records, by, units, where, versus, plain, records.missing_values)
        bound = [bound_metric(metric, records) for metric in metrics]
        return _answer(question, bound, rules, worse, cube, command)
    except duckdb.Error as error:
        records.raise_faults()
        reason = str(error).splitlines()[0]
        raise InputError(f"{records.name} cannot be read as asked: {reason}") from error
    finally:
        if records.engine is not getattr(table, "engine", None):
            records.close()


def unit_columns(unit: str | Sequence[str] | None) -> tuple[str, ...]:
    """Columns that name units, from what was asked for."""
    named = () if unit is None else (unit,) if isinstance(unit, str) else tuple(unit)
    if not all(isinstance(name, str) for name in named):
        raise InputError(f"unit is {unit!r}, but must be text, or a list of it.")
    named = tuple(dict.fromkeys(named))
    if len(named) > MOST_UNITS:
        raise InputError(
            f"unit names {len(named)} columns: {', '.join(named)}.  Allowed: one, or two whose rows are "
            "dependent (raters and items)."
        )
    return named


def check_rows(records: Records) -> None:
    """Refuse a table without rows."""
    if not records.engine.query(f"SELECT 1 AS one FROM {records.source} LIMIT 1").num_rows:
        raise InputError(f"There is nothing to audit: {records.name} has no rows, only a header.")


def bound_metric(metric: str | Metric, records: Records) -> Metric:
    """The metric, read from its text where it is one."""
    if isinstance(metric, Metric):
        return metric
    if not isinstance(metric, str):
        raise InputError(
            f"metric is {metric!r}, but must be text such as wer(reference=a, hypothesis=b)."
        )
    return parse_metric(metric, records.columns)


def check_options(rules: Rules, worse: str | None) -> None:
    """Refuse options that have no meaning."""
    numbers = {
        "level": (0.5 <= _number(rules.level) < 1, "a confidence in [0.5, 1), for example 0.95"),
        "tolerance": (0 <= _number(rules.tolerance) < float("inf"), "a number of at least 0"),
        "min_units": (_whole(rules.min_units, 2), "a whole number of at least 2"),
        "suppress_below": (_whole(rules.suppress_below, 0), "a whole number of at least 0"),
        "seed": (_whole(rules.seed, 0), "a whole number of at least 0"),
    }
    for name, (fine, allowed) in numbers.items():
        if not fine:
            value = getattr(rules, name)
            hint = (
                f"  Did you mean {value / 100:g}?"
                if name == "level" and 50 <= _number(value) < 100
                else ""
            )
            raise InputError(f"{name} is {value!r}, but must be {allowed}.{hint}")
    if rules.family < 1:
        raise InputError(
            "Say at least one metric, for example wer(reference=text, hypothesis=amazon)."
        )
    for name, value in (("adjust", rules.adjust), ("interval", rules.interval), ("worse", worse)):
        if value is not None and value not in _CHOICES[name]:
            raise InputError(f"{name} is {value!r}.  Allowed: {', '.join(_CHOICES[name])}")


def _number(value: object) -> float:
    """A number, or NaN, which is in no range."""
    return float(value) if isinstance(value, int | float) else float("nan")


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What was asked of which table, understood."""

    records: Records
    attributes: tuple[Attribute, ...]
    partitions: tuple[Partition, ...]
    units: tuple[str, ...]
    where: Predicate | None
    versus: str
    missing_values: tuple[str, ...]
    by: tuple[str, ...]

    @classmethod
    def read(
        cls,
        records: Records,
        by: By,
        units: tuple[str, ...],
        where: str | None,
        versus: str,
        bins: Mapping[str, int | Sequence[float]],
        missing_values: tuple[str, ...],
    ) -> "_Question":
        for name in units:
            find_column(name, records.columns)
        kept = parse_predicate(where, records.columns, label="where") if where else None
        attributes, partitions = parse_partitions(by, records.columns, bins=bins)
        attributes = bin_attributes(records, attributes, bins, kept)
        if versus not in _VERSUS:
            reference = _reference(versus, records)
            attributes = (*(a for a in attributes if a.name != reference.name), reference)
            versus = reference.name
        return cls(
            records=records,
            attributes=attributes,
            partitions=partitions,
            units=units,
            where=kept,
            versus=versus,
            missing_values=missing_values,
            by=tuple(join_names(partition.names) for partition in partitions),
        )

    @property
    def columns(self) -> list[str]:
        """Columns that the groups, the unit and the filter read."""
        names = [
            name
            for a in self.attributes
            for name in (columns_of(a.predicate) if a.predicate else (a.name,))
        ]
        names += self.units
        names += columns_of(self.where) if self.where is not None else []
        return list(dict.fromkeys(names))

    @property
    def design(self) -> Design:
        """What is compared."""
        return Design(
            attributes=self.attributes,
            partitions=self.partitions,
            units=self.units,
            where=self.where,
            missing_values=self.missing_values,
        )


def _reference(versus: str, records: Records) -> Attribute:
    if versus.isidentifier():
        raise InputError(
            f"versus is {versus!r}.{near(versus, _VERSUS)}  "
            "Allowed: rest, best, overall, or a predicate such as \"accent = 'us'\""
        )
    predicate = parse_predicate(versus, records.columns, label="versus")
    return Attribute(name=to_text(predicate), predicate=predicate)


def _answer(
    question: _Question,
    metrics: Sequence[Metric],
    rules: Rules,
    worse: str | None,
    cube_file: str | None,
    command: str | None,
) -> tuple[Audit, ...]:
    higher = directions(metrics, worse)
    for metric in metrics:
        metric.check_tolerance(rules.tolerance)
    if any(a.takes is Takes.TEXT for m in metrics for a in m.definition.arguments):
        check_first_groups(
            question.records, question.attributes, question.partitions, question.where
        )
    notes = read_premises(
        question.records,
        metrics,
        where=question.where,
        attributes=question.attributes,
        counted=True,
        few=rules.suppress_below,
    )
    fingerprint = question.records.sha256()
    with explained(notes, metrics, question.records):
        used = {*question.columns, *(name for metric in metrics for name in metric.columns)}
        repeating = candidate_columns(question.records, used, question.where, metrics)
        kept = [*question.columns, *repeating]
        plans = [m.plan(question.records, kept, question.where) for m in metrics]
        cubes = _cubes(question, plans)
        for metric, cube in zip(metrics, cubes, strict=True):
            check_agreement(metric, cube, question.records)
        most = MOST_JOINED if len(question.records.files) > 1 else MOST_ROWS
        counted = not rules.suppress_below
        copies = tuple(copied_rows(question.records)) if cubes[0].n_rows.sum() <= most else ()
        notes = (*notes, *copies)
        if not copies:
            # Of the first metric: rows that resemble each other there are dependent, whatever is measured.
            # (Copies of a row resemble it in all columns, and are told already.)
            design = question.design
            notes = (
                *notes,
                *repeating_columns(plans[0], repeating, design, counted=counted),
            )
        if cube_file is not None:
            cubes[0].write(cube_file)
        again = command or _command(metrics, question, rules, worse)
        hidden = hidden_sets(
            cubes,
            [plan.form for plan in plans],
            question.attributes,
            question.partitions,
            replace(rules, versus=question.versus),
        )
        audits = []
        for metric, plan, cube, label, worst in zip(
            metrics, plans, cubes, labels(metrics), higher, strict=True
        ):
            own = replace(rules, higher_is_worse=worst)
            judged = _judge(plan, metric, cube, question, own, hidden)
            shared = shared_units(cube, question.partitions, rules.units, counted=counted)
            told = (*notes, *plan.notes, *judged.notes, *shared, *hidden.notes())
            report = _report(metric, label, cube, judged, question, own, fingerprint, again, told)

            def again_on(
                plan: Plan,
                metric: Metric = metric,
                reading: "_Question" = question,
                own: Rules = own,
            ) -> Judgement:
                (made,) = _cubes(reading, [plan])
                return _judge(plan, metric, made, reading, own, hidden)

            more = depends_on_normalizer(report, plan, again_on)
            audits.append(replace(report, notes=(*told, *more)))
    return tuple(audits)


def _cubes(question: _Question, plans: Sequence[Plan]) -> list[Cube]:
    """Cube of each plan; those with the same counts share it, and all share one scan if they can."""
    counted: Records | None = None
    if all(plan.records is question.records for plan in plans):
        keys = question.columns
        counted = tally(question.records, [p.measure for p in plans], keys, question.where)
    made: list[tuple[Measure, Cube]] = []
    for plan in plans:
        if any(measure == plan.measure for measure, _ in made):
            continue
        cube = build_cube(
            counted or plan.records,
            plan.measure,
            question.attributes,
            unit=question.units,
            where=None if counted else question.where,
            missing_values=question.missing_values,
            original=(question.records, question.where) if counted else None,
            form=plan.form,
        )
        made.append((plan.measure, cube))
    return [next(cube for measure, cube in made if measure == plan.measure) for plan in plans]


def directions(metrics: Sequence[Metric], worse: str | None) -> list[bool]:
    """Whether higher is worse, for each metric.

    Among several metrics `worse` is for those that have no direction of their own, if there are any.
    """
    without = [metric.definition.higher_is_worse is None for metric in metrics]
    own = any(without) and not all(without)
    return [
        metric.higher_is_worse(None if own and not absent else worse)
        for metric, absent in zip(metrics, without, strict=True)
    ]


def _judge(
    plan: Plan, metric: Metric, cube: Cube, question: _Question, rules: Rules, hidden: Hidden
) -> Judgement:
    low, high = plan.bounds or (metric.definition.low, metric.definition.high)
    least = max(rules.min_units, metric.definition.least_units)
    rate = metric.definition.in_points and low == 0 and high is None
    own = replace(
        rules,
        versus=question.versus,
        low=low,
        high=high,
        ceiling=1.0 if rate else None,
        min_units=least,
    )
    return judge(
        cube,
        plan.form,
        question.attributes,
        question.partitions,
        own,
        proportion=plan.proportion,
        shown_without=hidden,
    )


def _report(
    metric: Metric,
    label: str,
    cube: Cube,
    judged: Judgement,
    question: _Question,
    rules: Rules,
    fingerprint: str | None,
    command: str,
    notes: tuple[Note, ...],
) -> Audit:
    definition, higher = metric.definition, rules.higher_is_worse
    groups = sorted(judged.groups, key=lambda group: _harm(group.estimate.value, higher))
    places = {partition.names: place for place, partition in enumerate(question.partitions)}
    groups.sort(key=lambda group: places[group.by])
    return Audit(
        metric=MetricNote(
            name=definition.name,
            expression=metric.text,
            definition=definition.definition,
            higher_is_worse=higher,
            source=definition.source,
            in_points=definition.in_points,
            label=label,
        ),
        level=rules.level,
        unit=rules.units_name,
        source=Source(name=question.records.name, rows=int(cube.n_rows.sum()), sha256=fingerprint),
        overall=judged.overall,
        groups=tuple(groups),
        gap=_widest(judged.gaps),
        gaps=judged.gaps,
        refused=judged.refused,
        missing=judged.missing,
        settings=Settings(
            by=question.by,
            where=to_text(question.where) if question.where is not None else None,
            versus=question.versus,
            tolerance=rules.tolerance,
            min_units=rules.min_units,
            adjust=judged.adjust,
            comparisons=judged.comparisons,
            metrics_in_family=rules.family,
            suppress_below=rules.suppress_below,
            seed=rules.seed,
            missing_values=question.missing_values,
            bins={a.name: a.edges for a in question.attributes if a.edges is not None},
            command=command,
            versions=dict(versions()),
        ),
        notes=notes,
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


def _harm(value: float | None, higher_is_worse: bool) -> float:
    if value is None:
        return float("inf")
    return -value if higher_is_worse else value


def _widest(gaps: Sequence[Gap]) -> Gap | None:
    """The gap that is proven widest; bounds of all partitions hold together, so choosing is free."""
    known = [gap for gap in gaps if gap.lower_bound is not None]
    return max(known, key=lambda gap: gap.lower_bound or 0.0, default=None)


def _command(
    metrics: Sequence[Metric], question: _Question, rules: Rules, worse: str | None
) -> str:
    """Command that makes the audit again, for one that was made in Python."""
    words = ["evenhand", "audit", question.records.name]
    options: list[tuple[str, object, object]] = [
        *(("metric", metric.text, None) for metric in metrics),
        *(("by", join_names(partition.names), None) for partition in question.partitions),
        *(("unit", name, None) for name in question.units),
        ("where", to_text(question.where) if question.where is not None else None, None),
        ("versus", question.versus, "rest"),
        ("tolerance", rules.tolerance, 0.0),
        ("level", rules.level, 0.95),
        ("min-units", rules.min_units, 5),
        ("worse", worse, None),
        ("adjust", rules.adjust, "max-t"),
        ("interval", rules.interval, "wilson"),
        ("suppress-below", rules.suppress_below, 0),
        ("columns", question.records.declared, ""),
        ("seed", rules.seed, 0),
    ]
    for attribute in question.attributes:
        if attribute.edges:
            edges = ",".join(map(repr, attribute.edges)) + "," * (len(attribute.edges) == 1)
            options.append(("bins", f"{attribute.name}={edges}", None))
    if question.missing_values != MISSING_VALUES:
        options += [("missing", text, None) for text in question.missing_values]
    for name, value, default in options:
        words += [f"--{name}", str(value)] if value not in (None, default) else []
    return shlex.join(words)
