"""The audit: from a table and a metric to verdicts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from evenhand.audits.assembly import answer
from evenhand.audits.checks import check_beside_judge, check_rules
from evenhand.audits.result import Audit
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import CountedRecords
from evenhand.errors import InputError, Note, RefusedError, near
from evenhand.groups import Attribute, parse_predicate, to_text
from evenhand.metrics import Metric
from evenhand.metrics.definition import RestsOn
from evenhand.metrics.weights import Weighting
from evenhand.pages.numbers import plural
from evenhand.questions.command import write_command
from evenhand.questions.counted import (
    check_asked,
    check_told,
    counted_metrics,
    counted_records,
    open_cells,
    read_counted_question,
)
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import check_texts, plain
from evenhand.questions.origins import Arm, Arms, arms_of, parts_of, refusal, rests_on_of
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    check_metrics,
    check_rows,
    labelled,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES, Records
from evenhand.records.output import check_outputs

_VERSUS = ("rest", "best", "overall")


class AuditOptions(TypedDict, total=False):
    """Options of `audit_metrics`, for functions that pass them on."""

    unit: str | Sequence[str] | None
    weight: str | None
    stratum: str | None
    judge: str | Metric | None
    where: str | None
    versus: str
    tolerance: float
    level: float
    min_units: int
    worse: str | None
    adjust: str
    interval: str
    bins: Mapping[str, int | Sequence[float]] | None
    missing_values: Sequence[str]
    columns: str | Mapping[str, str] | None
    suppress_below: int
    seed: int
    cube: str | Path | None
    command: str | None
    progress: Callable[[int], None] | None


@tells_options
def audit(
    table: Any,
    metric: str | Metric = "",
    by: By = (),
    *,
    unit: str | Sequence[str] | None = None,
    weight: str | None = None,
    stratum: str | None = None,
    judge: str | Metric | None = None,
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
    cube: str | Path | None = None,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Audit:
    """Audit a table under one metric.

    Parameters
    ----------
    table : str, Path or data frame
        Path, glob or URL of records, or a pandas, Polars, Arrow or narwhals-compatible frame;
        one row per evaluated example.  Or a cube: what `count_cube` gives, or the file of one.
    metric : str or Metric
        For example ``wer(reference=text, hypothesis=amazon)``; of a cube of one metric it can be left out.
    by : str or sequence
        What groups are: a column, columns joined by commas (their crossing and each alone), or a
        predicate; or a sequence of these.  Of a cube those that were counted, where left out.
    unit : str or sequence of str, optional
        Column that names what is independent (speaker, patient, document).  Without it each row
        is taken for independent, which makes intervals too narrow where it is not.  Two columns
        where rows that share either are dependent: raters and items, or speakers within sites.
    weight : str, optional
        Column that says how many each row stands for: a survey's weight, or one over the chance with which
        a row was drawn.  Rows that lack it or have 0 are left out and counted; metrics must be ratios of sums.
    stratum : str, optional
        Column that tells apart the strata within which units were drawn; variance is added over strata.
        With or without `weight`, for the same metrics.
    judge : str or Metric, optional
        The same metric by a judge's labels, which all rows have, where people's are on some: then each rate is of
        people's labels, made surer by the judge's (prediction-powered inference).
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
    cube : str or Path, optional
        File to write the counts to.
    command : str, optional
        The command that reports name as their origin.
    progress : callable, optional
        Told the number of rows done while transcripts are scored.

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
    found = audit_metrics(
        table,
        [metric] if metric else (),
        by,
        unit=unit,
        weight=weight,
        stratum=stratum,
        judge=judge,
        where=where,
        versus=versus,
        tolerance=tolerance,
        level=level,
        min_units=min_units,
        worse=worse,
        adjust=adjust,
        interval=interval,
        bins=bins,
        missing_values=missing_values,
        columns=columns,
        suppress_below=suppress_below,
        seed=seed,
        cube=cube,
        command=command,
        progress=progress,
    )
    if len(found) > 1:
        texts = "; ".join(dict.fromkeys(one.metric.expression for one in found))
        parts = "; ".join(dict.fromkeys(one.metric.title for one in found))
        raise InputError(
            f"This cube counts {len(found)} metrics: {texts}.  Name one, or ask audit_metrics for all."
            if metric == ""
            else f"There are {len(found)} answers: {parts}.  Choose rows with where, or ask audit_metrics for all."
        )
    return found[0]


@tells_options
def audit_metrics(
    table: Any,
    metrics: Sequence[str | Metric] = (),
    by: By = (),
    labels: Sequence[str] = (),
    *,
    unit: str | Sequence[str] | None = None,
    weight: str | None = None,
    stratum: str | None = None,
    judge: str | Metric | None = None,
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
    cube: str | Path | None = None,
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
    labels : sequence of str
        Columns or predicates that say what is right, each by another rule, for metrics that name no label: one
        audit each.
    cube : str or Path, optional
        File to write the counts of all metrics to.
    unit, weight, stratum, judge, where, versus, tolerance, level, min_units, worse, adjust, interval, bins
        As in `audit`.
    missing_values, columns, suppress_below, seed, command, progress
        As in `audit`.

    Returns
    -------
    tuple of Audit
        In the order of `metrics`, and of each by `labels`.  Of records whose labels came about in several ways
        (`evenhand.with_origin`) one for each way that can tell the metric.

    Raises
    ------
    InputError
        As `audit`.
    RefusedError
        Where labels that came about so can tell none of the metrics.
    """
    rules = VerdictRules(
        level=plain(level),
        tolerance=plain(tolerance),
        min_units=plain(min_units),
        adjust=adjust,
        interval=interval,
        suppress_below=plain(suppress_below),
        seed=plain(seed),
        family=len(metrics) * max(len(labels), 1),
        units=unit_columns(unit),
        weight=weight,
        stratum=stratum,
    )
    check_texts(
        {
            "where": where,
            "weight": weight,
            "stratum": stratum,
            "versus": versus,
            "cube": str(cube) if isinstance(cube, Path) else cube,
        },
        needed=("versus",),
    )
    check_rules(rules, worse)
    if cube is not None and suppress_below:
        raise InputError(
            "cube and suppress_below are both given, but a cube holds the counts of every cell, small ones too.  "
            "Write the cube in a run of its own, and do not publish it."
        )
    weighting = Weighting(weight=weight, stratum=stratum)
    if judge is not None:
        check_beside_judge(metrics, labels, rules, cube)
    made: dict[str, Any] = {"worse": worse, "cube": cube, "command": command}
    counted = counted_records(table)
    if counted is not None and judge is not None:
        raise InputError(
            "judge is given, but a cube counts one label of each row.  Name the table of the rows."
        )
    if counted is not None:
        check_asked(counted, rules.units, columns, missing_values, weighting)
        rules = replace(rules, units=counted.units, weight=counted.weight, stratum=counted.stratum)
        metrics = labelled(metrics, labels, counted.columns)
        return _audit_counts(
            counted, metrics, by, rules, where=where, bins=bins, versus=versus, **made
        )
    with opened(
        table, columns=columns, missing_values=missing_values, progress=progress
    ) as records:
        check_metrics(metrics)
        metrics = labelled(metrics, labels, records.columns)
        check_outputs([("cube", cube)], records.files, force=True)
        check_rows(records)
        question = read_question(
            records, by, units=rules.units, where=where, bins=bins, weighting=weighting
        )
        rules = replace(rules, units=question.units)
        reference = _reference(versus, records)
        bound = [bound_metric(metric, records) for metric in metrics]
        if judge is not None:
            question = replace(question, judge=bound_metric(judge, records))
        arms = arms_of(records, question.where)
        if arms.apart and judge is not None:
            raise InputError(
                f"{arms.column} says that labels came about in several ways, and a judge needs labels of rows that "
                "were drawn at random.  Choose these with where, or leave the judge out."
            )
        if arms.apart:
            return _audit_arms(arms, question, bound, rules, reference=reference, **made)
        return _answer(question, bound, rules, reference=reference, counted=None, **made)


def _audit_arms(
    arms: Arms,
    question: Question,
    metrics: Sequence[Metric],
    rules: VerdictRules,
    *,
    reference: str | Attribute,
    **made: Any,
) -> tuple[Audit, ...]:
    """Audits of each part of the rows whose labels came about in one way, by metrics that these can tell."""
    if arms.column in [name for one in question.partitions for name in one.names]:
        raise InputError(
            f"{arms.column} says how labels came about, so each of its parts is told alone.  Leave it out of the "
            "groups."
        )
    if made["cube"] is not None:
        raise InputError(
            f"A cube holds counts of one part of the rows, and {arms.column} tells several apart.  Choose one with "
            "where."
        )
    parts = parts_of(arms, metrics, question.records, question.where)
    told = {arm: [metric for metric in metrics if arm.answers(metric)] for arm in parts}
    if not any(told.values()):
        raise RefusedError("  ".join(refusal(m, arm) for m in metrics for arm in parts))
    rules = replace(rules, family=sum(map(len, told.values())))
    found: list[tuple[int, Arm, Audit]] = []
    for arm, some in told.items():
        asked = replace(question, where=arm.within(question.where))
        audits = (
            _answer(asked, some, rules, reference=reference, counted=None, **made) if some else ()
        )
        places = [place for place, metric in enumerate(metrics) if metric in some]
        found += [(place, arm, one) for place, one in zip(places, audits, strict=True)]
    out = []
    for place, arm, one in sorted(found, key=lambda item: item[0]):
        label = f"{one.metric.title} ({arm.name})"
        notes = [*one.notes, *_untold(parts, arms, metrics, metrics[place], rules)]
        out.append(replace(one, metric=replace(one.metric, label=label), notes=tuple(notes)))
    return tuple(out)


def _untold(
    parts: Sequence[Arm],
    arms: Arms,
    metrics: Sequence[Metric],
    metric: Metric,
    rules: VerdictRules,
) -> Iterator[Note]:
    """What is not in an audit of one part of the rows: other parts, and metrics that none can tell."""
    nowhere = [one for one in metrics if not any(arm.answers(one) for arm in parts)]
    for one in (metric, *nowhere):
        for arm in parts:
            # Of those who were passed over nobody asks how often the system is right where it acts.
            beside = arm.rest and rests_on_of(one) is RestsOn.SELECTED
            if not arm.answers(one) and not beside:
                yield Note(code="label_origin_refused", text=refusal(one, arm))
    if arms.untold:
        rows = "Some rows" if rules.suppress_below else plural(arms.untold, "row")
        yield Note(
            code="label_origin_unknown", text=f"{rows} without {arms.column} are in no part."
        )


def _audit_counts(
    counted: CountedRecords,
    metrics: Sequence[str | Metric],
    by: By,
    rules: VerdictRules,
    *,
    where: str | None,
    bins: Mapping[str, int | Sequence[float]] | None,
    versus: str,
    **made: Any,
) -> tuple[Audit, ...]:
    """Audits of what was counted before."""
    bound, counted = counted_metrics(counted, metrics)
    rules = replace(rules, family=len(bound))
    with opened(open_cells(counted)) as cells:
        files = [] if counted.path is None else [counted.path]
        check_outputs([("cube", made["cube"])], files, force=True)
        question = read_counted_question(counted, cells, by, where=where, bins=bins)
        reference = _reference(versus, cells)
        if (
            isinstance(reference, Attribute)
            and reference.predicate
            and reference not in counted.attributes
        ):
            check_told(counted, reference.predicate)
        return _answer(question, bound, rules, reference=reference, counted=counted, **made)


def _answer(
    question: Question,
    metrics: Sequence[Metric],
    rules: VerdictRules,
    *,
    reference: str | Attribute,
    counted: CountedRecords | None,
    worse: str | None,
    cube: str | Path | None,
    command: str | None,
) -> tuple[Audit, ...]:
    return answer(
        question,
        metrics,
        rules,
        reference=reference,
        worse=worse,
        cube=cube,
        command=command or _command(question, metrics, rules, reference, worse),
        counted=counted,
    )


def _reference(versus: str, records: Records) -> str | Attribute:
    """What groups are compared with: a word, or the attribute that marks the rows of a predicate."""
    if versus in _VERSUS:
        return versus
    if versus.isidentifier():
        raise InputError(
            f"versus is {versus!r}.{near(versus, _VERSUS)}  "
            "Allowed: rest, best, overall, or a predicate such as \"accent = 'us'\""
        )
    predicate = parse_predicate(versus, records.columns, label="versus")
    return Attribute(name=to_text(predicate), predicate=predicate)


def _command(
    question: Question,
    metrics: Sequence[Metric],
    rules: VerdictRules,
    reference: str | Attribute,
    worse: str | None,
) -> str:
    """Command that makes the audit again, for one that was made in Python."""
    given = {
        "metric": [metric.text for metric in metrics],
        "by": question.by,
        "unit": question.units,
        "weight": question.weighting.weight,
        "stratum": question.weighting.stratum,
        "judge": None if question.judge is None else question.judge.text,
        "where": to_text(question.where) if question.where is not None else None,
        "versus": reference if isinstance(reference, str) else reference.name,
        "tolerance": rules.tolerance,
        "level": rules.level,
        "min_units": rules.min_units,
        "worse": worse,
        "adjust": rules.adjust,
        "interval": rules.interval,
        "suppress_below": rules.suppress_below,
        "columns": question.records.declared or None,
        "seed": rules.seed,
        "bins": question.bins,
        "missing_values": question.records.missing_values,
        **question.records.options,
    }
    return write_command(audit, question.records.name, given)
