"""Repairs that users ask for: learnt and chosen on practice rows, tested once on held-out ones."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from evenhand.conditions import Condition, parse_condition
from evenhand.errors import InputError
from evenhand.groups import ColumnComparison, columns_of, to_text
from evenhand.improving.trainer import PREDICTION, Trainer, read_trainer
from evenhand.improving.trainings import numbered
from evenhand.metrics import Metric, parse_metric
from evenhand.pages.numbers import listed
from evenhand.questions.command import write_command
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import (
    NUMBERS,
    Allowed,
    check_choices,
    check_numbers,
    check_texts,
    plain,
)
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    check_rows,
    metric_note,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES, Kind, Records, find_column
from evenhand.records.column_types import parse_declared
from evenhand.repairs.assembly import assemble
from evenhand.repairs.choice import Prepared, with_learnt_answer, with_learnt_scores, worst_place
from evenhand.repairs.copied import copied
from evenhand.repairs.decisions import RepairWish
from evenhand.repairs.extremes import check_two_sided
from evenhand.repairs.goals import RepairGoal
from evenhand.repairs.parting import held_out as part
from evenhand.repairs.practice import crossed, kept_places, parting_digest
from evenhand.repairs.reductions import load
from evenhand.repairs.result import RepairSettings, RepairTrial
from evenhand.repairs.rows import (
    DecidedLabel,
    check_reads_no_label,
    read_confusion,
    read_label,
    read_rows,
    repaired_name,
    with_positive,
)
from evenhand.repairs.trained import with_trained
from evenhand.results.origin import Source, versions

#: What decisions are called that are learnt here, as those of a training are.
LEARNT = PREDICTION
_NUMBERS = NUMBERS | {
    "level": Allowed(least=1e-9, below=1.0, words="a confidence between 0 and 1, for example 0.95"),
    "held_out": Allowed(least=0.05, below=0.95 + 1e-12, words="a share from 0.05 to 0.95"),
    "allowance": Allowed(least=0, below=1, words="a share of the rows, from 0 to below 1"),
}


@tells_options
def fix(
    table: Any,
    metric: str | Metric,
    by: By,
    *,
    maximum: float | None = None,
    minimum: float | None = None,
    maximum_difference: float | None = None,
    score: str | Sequence[str] | None = None,
    other: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    train: Callable[[pa.Table, pa.Table], Any] | str | None = None,
    condition: str | Sequence[str] | None = None,
    fairlearn: bool = False,
    label: str | None = None,
    positive: str | None = None,
    allowance: float = 0.02,
    held_out: float = 0.4,
    unit: str | Sequence[str] | None = None,
    where: str | None = None,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    seed: int = 0,
    command: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RepairTrial:
    """Find a repair of decisions, and prove on held-out rows whether it reaches a rule, and who pays for it.

    Parameters
    ----------
    table
        As in `evenhand.audit`: a row a decision, with what is right.
    metric : str or Metric
        What the rule is about, of the decisions as they stand:
        ``false_positive_rate(label=two_year_recid, prediction=decile_score >= 5)``.
    by : str or sequence
        Attributes whose crossing makes the groups.
    maximum, minimum, maximum_difference : float, optional
        The rule: every group's value is at most, or at least, this; or no two groups are further apart.  Without one
        the worst group is to be better off.
    score : str or sequence, optional
        Columns from which thresholds may decide; where the prediction is ``column >= number``, it is that column.
    other : str or sequence, optional
        Other answers that are there, columns or predicates: which decides for whom.
    features : str or sequence, optional
        Columns from which scores are learnt here, by logistic regressions, with and without what each group adds.
        Where nothing is decided yet, name the prediction ``prediction``: it is what is learnt without a repair.
    train : callable or str, optional
        As in `evenhand.improve`: the learner behind the decisions.  It is trained on the practice rows as they are,
        reweighed, with the worst group's rows several times, and with rows under conditions; it answers
        ``prediction``, and scores that `score` names.  Rows that it is asked about have an empty label.
    condition : str or sequence, optional
        Conditions of a table's row, as in a trial: rows for training are there a second time as each changes them.
    fairlearn : bool
        Try fairlearn's reduction and thresholds as well, which the extra ``fix`` brings.  Thresholds that are drawn
        for each row are shown, and never chosen.
    label, positive : str, optional
        What is right, where the metric does not say it, and its value that a high score stands for.
    allowance : float
        Share of the rows by which errors may grow for the rule's sake.
    held_out : float
        Share of the units that no repair sees.
    unit, where, level, min_units, worse, bins, missing_values, columns, seed, command
        As in `evenhand.audit`; any level between 0 and 1.  No unit is in both parts.
    progress : callable, optional
        Told how many repairs are tried, and of how many.

    Returns
    -------
    RepairTrial

    Raises
    ------
    InputError
        For anything that must be changed first.

    Notes
    -----
    Repairs are learnt and chosen on the practice rows, by cross-fitting; one is tested on the held-out rows, once, so
    that however many were tried costs nothing: a rule that is not kept is said to be reached with a probability of at
    most 1 - level.

    Examples
    --------
    >>> import evenhand, numpy as np, pyarrow as pa
    >>> rng = np.random.default_rng(1)
    >>> site, score = rng.integers(0, 2, 4000), rng.random(4000)
    >>> y = (rng.random(4000) < np.where(site == 0, score, score / 2)).astype(int)
    >>> table = pa.table({"site": np.where(site == 0, "a", "b"), "score": score, "y": y})
    >>> metric = "error_rate(label=y, prediction=p)"
    >>> table = table.append_column("p", pa.array((score >= 0.5).astype(int)))
    >>> found = evenhand.fix(table, metric, "site", score="score")
    >>> found.repair.kind, found.rule.answer
    ('one threshold', 'reached')
    """
    limits = {"maximum": maximum, "minimum": minimum, "maximum_difference": maximum_difference}
    goal = _goal({name: plain(value) for name, value in limits.items()})
    numbers = {
        "level": plain(level),
        "held_out": plain(held_out),
        "allowance": plain(allowance),
        "min_units": plain(min_units),
        "seed": plain(seed),
    }
    check_numbers(numbers, _NUMBERS)
    check_texts({"where": where, "label": label, "positive": positive})
    check_choices({"worse": worse})
    if fairlearn:
        load("fairlearn.reductions")
    units = unit_columns(unit)
    if len(units) > 1:
        raise InputError(
            f"unit names {' and '.join(units)}, but rows are parted by one unit, so that none is in both parts.  Name "
            "the one by which rows are most alike."
        )
    trainer = None if train is None else read_trainer(train)
    conditions = _conditions(condition, trainer)
    with ExitStack() as stack:

        def enter(given: Any, **more: Any) -> Records:
            return stack.enter_context(opened(given, missing_values=missing_values, **more))

        records = enter(table, columns=columns)
        check_rows(records)
        read = _kept(records, by, units, where)
        learnt = _names("features", features)
        # Where nothing was decided yet, what is learnt without a repair stands for it.
        fresh = bool(learnt or train) and LEARNT not in read.column_names
        if fresh:
            read = read.append_column(LEARNT, pa.array(np.zeros(read.num_rows, np.int64)))
        whole = enter(numbered(read))
        bound = bound_metric(metric, whole)
        _check_range(goal, bound)
        question = crossed(read_question(whole, by, units=units, bins=bins))
        bound, decided = _labelled(whole, bound, label, positive)
        named = _names("score", score) or _score_of(bound)
        answers = _answers(bound, _names("other", other), whole)
        fresh = _check_fresh(fresh, bound, trainer)
        told_by = [name for name in named if trainer and name not in read.column_names]
        given = [name for name in named if name not in told_by]
        for called, reads in (
            *(("score", name) for name in named),
            *(("other", one) for one in list(answers.values())[1:]),
            *(("features", name) for name in learnt),
        ):
            check_reads_no_label(called, reads, decided)
        rows = read_rows(
            question, read, bound, decided, given, answers, unread=LEARNT if fresh else None
        )
        goal = replace(
            goal,
            higher_is_worse=bound.higher_is_worse(worse),
            allowance=float(allowance),
        )
        wish = RepairWish(
            goal=goal,
            confusion=read_confusion(bound, rows, decided, missing_values),
            label=decided,
            by=question.partitions[0].names,
            bins=question.bins,
            answers={name: _written(one) for name, one in answers.items()},
            missing_values=tuple(missing_values),
            columns=_read_as(records, question, [*named, *learnt], answers),
        )
        check_two_sided(goal, wish.confusion, bound)
        sealed = part(rows.units, rows.group, held_out, np.random.default_rng(seed))
        prepared = Prepared(
            rows=rows,
            sealed=sealed,
            wish=wish,
            metric=bound,
            by=by,
            units=units,
            level=float(level),
            min_units=int(min_units),
            seed=int(seed),
            column=repaired_name(read),
            fairlearn=fairlearn,
        )
        for name in learnt:
            find_column(name, whole.columns)
        if learnt:
            prepared = with_learnt_scores(prepared, learnt)
        if trainer is not None:
            prepared = with_trained(
                prepared, trainer, told_by, conditions, partial(worst_place, wish=wish), progress
            )
        elif fresh:
            prepared = with_learnt_answer(prepared, LEARNT)
        prepared = _with_copies(prepared, whole)
        told = {
            "metric": bound.text,
            "by": question.by,
            **limits,
            "score": named,
            "other": _names("other", other),
            "features": learnt,
            "train": None if trainer is None else trainer.told,
            "condition": [one.text for one in conditions],
            "fairlearn": fairlearn,
            "label": label,
            "positive": positive,
            "allowance": allowance,
            "held_out": held_out,
            "unit": question.units,
            "where": where,
            "level": level,
            "min_units": min_units,
            "worse": worse,
            "bins": question.bins,
            "columns": records.declared or None,
            "missing_values": missing_values,
            "seed": seed,
        }
        settings = RepairSettings(
            by=wish.by,
            where=where,
            held_out=float(held_out),
            allowance=float(allowance),
            min_units=int(min_units),
            seed=int(seed),
            missing_values=tuple(missing_values),
            bins=question.bins,
            parting=parting_digest(sealed),
            columns=records.declared,
            command=command or write_command(fix, records.name, told),
            versions=dict(versions()),
        )
        return assemble(
            prepared,
            source=Source(name=records.name, rows=len(rows), sha256=records.sha256()),
            note=metric_note(bound, higher_is_worse=goal.higher_is_worse),
            settings=settings,
            progress=progress,
        )


def _labelled(
    records: Records, metric: Metric, label: str | None, positive: str | None
) -> tuple[Metric, DecidedLabel]:
    """The label, and the metric of its positive value."""
    decided = read_label(records, metric, label, positive)
    return with_positive(metric, decided), decided


def _with_copies(prepared: Prepared, whole: Records) -> Prepared:
    """The same with the number of sealed rows that are copies of practice rows."""
    label, rows = prepared.wish.label.given, prepared.rows
    labels = [label] if isinstance(label, str) else columns_of(label)
    copies = copied(whole, labels, rows.truth, rows.now, prepared.sealed)
    return replace(prepared, copies=int(copies.sum()))


def _read_as(
    records: Records, question: Question, names: Sequence[str], answers: Mapping[str, Any]
) -> dict[str, str]:
    """How the columns that a repair may read are to be read again: texts as texts, and what was declared as that."""
    read = {*names, *(attribute.name for attribute in question.attributes)}
    for one in answers.values():
        read |= {one} if isinstance(one, str) else set(columns_of(one))
    declared = parse_declared(records.declared or None)
    texts = {column.name: "text" for column in records.columns if column.kind is Kind.TEXT}
    return {name: kind for name, kind in {**texts, **declared}.items() if name in read}


def _goal(limits: Mapping[str, Any]) -> RepairGoal:
    given = {name: value for name, value in limits.items() if value is not None}
    if len(given) > 1:
        raise InputError(
            f"{listed(list(given))} are two rules.  Name one; without any the worst group is to be better off."
        )
    for name, value in given.items():
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if not real or not np.isfinite(value) or (name == "maximum_difference" and value < 0):
            least = " of at least 0" if name == "maximum_difference" else ""
            raise InputError(f"{name} is {value!r}, but must be a finite number{least}.")
        kind: Any = name.replace("_", " ")
        return RepairGoal(kind=kind, limit=float(value), higher_is_worse=True)
    return RepairGoal(kind="worst group", limit=None, higher_is_worse=True)


def _check_range(goal: RepairGoal, metric: Metric) -> None:
    """Refuse a limit that every value keeps, or none."""
    if goal.limit is None:
        return
    if goal.kind != "maximum difference":
        metric.check_limit(goal.kind, goal.limit)
    elif goal.limit > 0:
        metric.check_tolerance(goal.limit, "maximum_difference")


def _names(called: str, given: str | Sequence[str] | None) -> tuple[str, ...]:
    named = () if given is None else (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) for name in named):
        raise InputError(f"{called} is {given!r}, but must be text, or a list of it.")
    return tuple(dict.fromkeys(named))


def _score_of(metric: Metric) -> tuple[str, ...]:
    """The column that a prediction such as ``score >= 0.5`` compares."""
    given = metric.given.get("prediction")
    if isinstance(given, ColumnComparison) and given.operator in (">=", ">"):
        return (given.column,)
    return ()


def _answers(metric: Metric, others: Sequence[str], records: Records) -> dict[str, Any]:
    """Decisions that are there, what is decided now first, by what they are called."""
    now = metric.given.get("prediction")
    if now is None:
        raise InputError(
            f"{metric.text} reads no prediction, and a repair changes decisions: name a metric of a label and a "
            "prediction, such as error_rate(label=y, prediction=p)."
        )
    out = {_written(now): now}
    for text in others:
        # Read as the argument of a metric is: a column, or a predicate.
        told = parse_metric(f"selection_rate({_quoted(text, records)})", records.columns)
        one = told.given["prediction"]
        out[_written(one)] = one
    return out


def _quoted(text: str, records: Records) -> str:
    if any(column.name == text for column in records.columns):
        return '"' + text.replace('"', '""') + '"'
    return text


def _written(given: Any) -> str:
    return given if isinstance(given, str) else to_text(given)


def _check_fresh(fresh: bool, metric: Metric, trainer: Trainer | None) -> bool:
    """Whether what stands is learnt here.

    Raises
    ------
    InputError
        Where a training's answers would not be what the metric is of.
    """
    fresh = fresh and metric.given.get("prediction") == LEARNT
    if trainer is not None and not fresh:
        raise InputError(
            f"{trainer.told} answers with a column {LEARNT!r}, so the metric is of that, and the table has none: "
            f"--metric '{metric.name}(label=y, prediction={LEARNT})'.  Leave the column out of the table, or leave out "
            "--train."
        )
    return fresh


def _conditions(given: str | Sequence[str] | None, trainer: Trainer | None) -> list[Condition]:
    """Conditions of rows."""
    named = _names("condition", given)
    if named and trainer is None:
        raise InputError("--condition changes rows for training: say with --train how to train.")
    out = [parse_condition(text) for text in named]
    for one in out:
        if one.kind not in ("table", "any"):
            raise InputError(
                f"{one.text} is a condition of {one.kind}, and rows of a table are trained with.  See: evenhand "
                "conditions --kind table"
            )
    return out


def _kept(records: Records, by: By, units: tuple[str, ...], where: str | None) -> pa.Table:
    """Rows that the filter keeps."""
    table, missing = records.read_rows(), records.missing_values
    places = kept_places(table, where, records.name, by, units=units, missing_values=missing)
    return table if where is None else table.take(pa.array(places))
