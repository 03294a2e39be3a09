"""Differential effects that users call: from a table and a metric to what each condition costs whom."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from evenhand.audits.audit import bound_metric, check_options, check_rows, unit_columns
from evenhand.comparisons.rules import Rules
from evenhand.comparisons.sets import Cell, cells_of
from evenhand.cubes import Cube, build_cube
from evenhand.differential.doses import dose_response
from evenhand.differential.evidence import PAIRED_GROUPS, Evidence
from evenhand.differential.judge import judge_everybody, judge_groups, judge_pairs, refusals
from evenhand.differential.question import By, Question, read_question
from evenhand.differential.report import Effects
from evenhand.differential.result import Dose, Settings
from evenhand.errors import InputError, Note
from evenhand.groups import to_text
from evenhand.groups.partition import join_names
from evenhand.metrics import Metric, Plan
from evenhand.questions.absent import missing_rows
from evenhand.questions.crowding import check_first_groups, shared_units
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.repeats import Design, candidate_columns, repeating_columns
from evenhand.records import MISSING_VALUES, open_records
from evenhand.results.estimate import Missing
from evenhand.results.origin import MetricNote, Source, versions

#: Groups at most; four sets of each are compared under each condition.
MOST_GROUPS = 500


def effects(
    table: Any,
    metric: str | Metric,
    by: By,
    *,
    condition: str = "condition",
    reference: str = "clean",
    only: str | Sequence[str] = (),
    unit: str | Sequence[str] | None = None,
    where: str | None = None,
    dose: str | None = None,
    tolerance: float = 0.0,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    adjust: str = "max-t",
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    seed: int = 0,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Effects:
    """Say what each condition costs each group beyond what it costs the others.

    Parameters
    ----------
    table, metric, by
        As in `evenhand.audit`; one row per example and condition, as a trial writes them.
    condition : str
        Column that names the condition of each row.
    reference : str
        The condition that all others are compared with.  To see what a repair gains, take the
        condition without it: ``reference="tone", only="tone|notch"``.
    only : str or sequence of str
        Compare only these conditions with the reference; all where not given.
    unit : str or sequence of str, optional
        Column that names what is independent (speaker, sentence, document).  Where units meet
        several conditions, or belong to several groups, they are their own controls.
    where : str, optional
        Predicate; only rows that satisfy it are read.
    dose : str, optional
        Numeric column, such as a parameter of a condition, to follow the metric along.
    tolerance : float
        A cost, or a difference of costs, up to this is no harm, in the metric's units.
    level : float
        Confidence of all numbers of one kind together.
    min_units : int
        A group with fewer units, under a condition or under the reference, is refused.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.
    adjust : {'max-t', 'holm', 'bh'}
        Correction for many comparisons.
    bins : mapping, optional
        Numeric attributes: edges, or a number of quantile bins.
    missing_values : sequence of str
        Texts that mean missing in attribute, condition and unit columns.
    columns : str or mapping, optional
        Types of columns where you know better, such as ``age=number, code=text``.
    seed : int
        Of the multiplier bootstrap.
    command : str, optional
        The command that reports name as their origin.
    progress : callable, optional
        Told the number of rows done while transcripts are scored.

    Returns
    -------
    Effects

    Raises
    ------
    InputError
        For anything that must be changed first.

    Notes
    -----
    The differential effect of a condition c on a group g is a difference in differences,
    ``(value(g, c) - value(g, reference)) - (value(rest, c) - value(rest, reference))``, turned so
    that positive is harm.  Its variance follows from the covariances of the four values over
    independent units.  It is additive: where the reference is near the metric's ceiling or floor,
    a group that starts worse has less to lose.  A condition that only some units met is compared with
    all of the reference's: right where chance decided which, as in a balanced fraction.

    Examples
    --------
    >>> import evenhand, pyarrow as pa
    >>> rows = [
    ...     (voice, noise, s, int(noise == "tone" and s % (2 if voice == "a" else 5) == 0))
    ...     for voice in "ab" for noise in ("clean", "tone") for s in range(40)
    ... ]
    >>> voice, noise, sentence, wrong = zip(*rows)
    >>> table = pa.table({"voice": voice, "noise": noise, "sentence": sentence, "wrong": wrong})
    >>> found = evenhand.effects(
    ...     table, "mean(wrong)", "voice", condition="noise", unit="sentence"
    ... )
    >>> [(one.label, round(one.differential.value, 3), one.verdict) for one in found.costs_more]
    [('a', 0.3, 'costs more')]
    """
    units = unit_columns(unit)
    rules = Rules(
        level=level,
        tolerance=tolerance,
        min_units=min_units,
        adjust=adjust,
        seed=seed,
        units=units,
    )
    chosen = (only,) if isinstance(only, str) else tuple(only)
    _check_texts(condition, reference, chosen, where, dose)
    check_options(rules, worse)
    records = open_records(table, columns=columns, missing_values=missing_values)
    if progress is not None:
        records = replace(records, progress=progress)
    try:
        check_rows(records)
        plain = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in (bins or {}).items()}
        asked = read_question(
            records,
            by,
            condition=condition,
            reference=reference,
            only=chosen,
            units=units,
            dose=dose,
            where=where,
            bins=plain,
            missing_values=records.missing_values,
        )
        return _answer(asked, bound_metric(metric, records), rules, worse, chosen, command)
    except duckdb.Error as error:
        records.raise_faults()
        reason = str(error).splitlines()[0]
        raise InputError(f"{records.name} cannot be read as asked: {reason}") from error
    finally:
        if records.engine is not getattr(table, "engine", None):
            records.close()


def _check_texts(
    condition: str,
    reference: str,
    only: Sequence[str],
    where: str | None,
    dose: str | None,
) -> None:
    needed = {"condition": condition, "reference": reference}
    needed |= {name: text for name, text in (("where", where), ("dose", dose)) if text is not None}
    for name, text in (*needed.items(), *(("only", text) for text in only)):
        if not isinstance(text, str):
            raise InputError(f"{name} is {text!r}, but must be text.")


def _answer(
    asked: Question,
    metric: Metric,
    rules: Rules,
    worse: str | None,
    only: Sequence[str],
    command: str | None,
) -> Effects:
    definition = metric.definition
    higher = metric.higher_is_worse(worse)
    metric.check_tolerance(rules.tolerance)
    check_first_groups(asked.records, asked.attributes, asked.partitions, asked.where, MOST_GROUPS)
    premises = read_premises(
        asked.records, [metric], where=asked.where, attributes=asked.attributes
    )
    asked_for, least = rules.min_units, max(rules.min_units, definition.least_units)
    rules = replace(rules, higher_is_worse=higher, min_units=least)
    with explained(premises, [metric], asked.records):
        used = {*asked.columns, *metric.columns}
        repeating = candidate_columns(asked.records, used, asked.kept, [metric])
        plan = metric.plan(asked.records, [*asked.columns, *repeating], asked.kept)
        low, high = plan.bounds or (definition.low, definition.high)
        rules = replace(rules, low=low, high=high)
        cube = build_cube(
            plan.records,
            plan.measure,
            asked.cut,
            unit=asked.units,
            where=asked.kept,
            missing_values=asked.missing_values,
            form=plan.form,
        )
        cells, absent = _groups(cube, asked)
    members = _members(cube, asked)
    evidence = Evidence(cube, plan.form, cells, members, rules, proportion=plan.proportion)
    doses = _doses(cube, plan, cells, members[0], asked, rules)
    judged = evidence.beyond
    return Effects(
        metric=MetricNote(
            name=definition.name,
            expression=metric.text,
            definition=definition.definition,
            higher_is_worse=higher,
            source=definition.source,
            in_points=definition.in_points,
        ),
        level=rules.level,
        unit=rules.units_name,
        source=Source(
            name=asked.records.name, rows=int(cube.n_rows.sum()), sha256=asked.records.sha256()
        ),
        condition=asked.condition,
        reference=asked.names[0],
        conditions=asked.names[1:],
        overall=judge_everybody(evidence, asked.names),
        groups=tuple(judge_groups(evidence, asked.names)),
        pairs=tuple(judge_pairs(evidence, asked.names)),
        doses=doses,
        refused=tuple(refusals(evidence, asked.names)),
        missing=(
            *(
                Missing(attribute=name, n_rows=count, reason="missing_attribute")
                for name, count in absent
                if count
            ),
            *_without_condition(asked),
            *missing_rows(cube, asked.units),
        ),
        notes=(
            *premises,
            *plan.notes,
            *repeating_columns(plan, repeating, _design(asked)),
            *evidence.notes(asked.names),
            *shared_units(cube, asked.partitions, asked.units),
            *_notes(evidence, asked, doses),
        ),
        settings=Settings(
            by=tuple(join_names(partition.names) for partition in asked.partitions),
            only=tuple(only),
            where=to_text(asked.where) if asked.where is not None else None,
            dose=asked.dose,
            tolerance=rules.tolerance,
            min_units=asked_for,
            adjust=judged.adjust,
            comparisons=int(judged.tested.sum()),
            seed=rules.seed,
            missing_values=asked.missing_values,
            bins={a.name: a.edges for a in asked.attributes if a.edges is not None},
            command=command
            or _command(metric, asked, replace(rules, min_units=asked_for), worse, only),
            versions=dict(versions()),
        ),
    )


def _design(asked: Question) -> Design:
    """What is compared."""
    return Design(
        attributes=asked.cut,
        partitions=asked.partitions,
        units=asked.units,
        where=asked.kept,
        missing_values=asked.missing_values,
        condition=asked.condition,
        reference=asked.keys[0],
    )


def _groups(cube: Cube, asked: Question) -> tuple[list[Cell], list[tuple[str, int]]]:
    """Groups of all partitions, and the rows that lack an attribute."""
    found = [c for part in asked.partitions for c in cells_of(cube, part, asked.attributes)]
    cells = [cell for cell in found if not cell.missing]
    if not cells:
        raise InputError(f"No row is in a group of {', '.join(a.name for a in asked.attributes)}.")
    if len(cells) > MOST_GROUPS:
        raise InputError(
            f"--by makes {len(cells):,} groups; at most {MOST_GROUPS} are compared.  Cut it more coarsely."
        )
    lacking = [cell for cell in found if cell.missing and len(cell.key) == 1]
    return cells, [
        (cell.partition.names[0], int(cube.n_rows[cell.members].sum())) for cell in lacking
    ]


def _members(cube: Cube, asked: Question) -> npt.NDArray[np.bool_]:
    """Cells under each condition, the reference first; shape (conditions, cells)."""
    column = cube.attributes.index(asked.condition)
    own = [key[column] for key in cube.keys]
    return np.array([[value == key for value in own] for key in asked.keys], bool)


def _doses(
    cube: Cube,
    plan: Plan,
    cells: Sequence[Cell],
    plain: npt.NDArray[np.bool_],
    asked: Question,
    rules: Rules,
) -> tuple[Dose, ...]:
    if asked.dose is None:
        return ()
    return tuple(
        dose_response(cube, plan.form, cells, asked.dose, plain, rules, proportion=plan.proportion)
    )


def _notes(evidence: Evidence, asked: Question, doses: Sequence[Dose]) -> list[Note]:
    """What a reader must know of these numbers beyond the options."""
    told: list[tuple[str, str]] = []
    if not asked.units:
        text = (
            "Each row counts as independent: conditions are not paired.  Name as --unit what meets "
            "several of them (sample, sentence, speaker)."
        )
        told.append(("rows_independent", text))
    told += _losses(evidence, asked)
    large = {c.partition.names for c in evidence.cells}
    many = [n for n in large if sum(c.partition.names == n for c in evidence.cells) > PAIRED_GROUPS]
    if many:
        names = ", ".join(map(" × ".join, many))
        text = f"Pairs are compared among up to {PAIRED_GROUPS} groups; {names} has more."
        told.append(("pairs_limited", text))
    if doses and len(asked.names) - 1 > len({d.dose for d in doses if d.dose is not None}):
        text = (
            f"Several conditions have the same {asked.dose}; they are taken together at that dose."
        )
        told.append(("doses_together", text))
    return [Note(code=code, text=text) for code, text in told]


def _losses(evidence: Evidence, asked: Question) -> list[tuple[str, str]]:
    """Rows that are absent under conditions: by group where groups differ, else overall."""
    loss = evidence.loss
    if loss.uneven.any():
        apart = np.where(loss.uneven, np.abs(loss.own - loss.rest), -1.0)
        i, k = map(int, np.unravel_index(int(np.argmax(apart)), apart.shape))
        low, high = evidence.ends()
        text = (
            f"Under {asked.names[k + 1]}, {loss.own[i, k]:.0%} of the rows of "
            f"{evidence.cells[i].predicate} are lost and {loss.rest[i, k]:.0%} of the others': more than "
            "chance.  If rows are lost because they went badly, that alone makes groups differ.  So "
            "intervals of such conditions allow for the rows that one side lost beyond the other to have "
            f"had any value from {low:.3g} to {high:.3g}.  Score lost rows as what they are to be surer."
        )
        return [("rows_lost_unevenly", text)]
    uneven = _uneven(evidence)
    if not uneven:
        return []
    text = (
        f"Under {asked.names[uneven]} only {evidence.everybody[uneven].n_rows:,} rows have a value, "
        f"under {asked.names[0]} {evidence.everybody[0].n_rows:,}: rows that are lost because they "
        "went badly make a condition look cheaper."
    )
    return [("rows_uneven", text)]


def _without_condition(asked: Question) -> tuple[Missing, ...]:
    if not asked.lacking:
        return ()
    return (Missing(attribute=asked.condition, n_rows=asked.lacking, reason="missing_condition"),)


def _uneven(evidence: Evidence) -> int:
    """The condition with the fewest rows, where it has fewer than the reference; else 0."""
    rows = [rate.n_rows or 0 for rate in evidence.everybody]
    fewest = int(np.argmin(rows))
    return fewest if rows[fewest] < rows[0] else 0


def _command(
    metric: Metric, asked: Question, rules: Rules, worse: str | None, only: Sequence[str]
) -> str:
    """Command that finds the same again, for what was asked in Python."""
    words = ["evenhand", "effects", asked.records.name]
    options: list[tuple[str, object, object]] = [
        ("metric", metric.text, None),
        *(("by", join_names(partition.names), None) for partition in asked.partitions),
        ("condition", asked.condition, "condition"),
        ("reference", asked.names[0], "clean"),
        *(("only", name, None) for name in only),
        *(("unit", name, None) for name in asked.units),
        ("where", to_text(asked.where) if asked.where is not None else None, None),
        ("dose", asked.dose, None),
        ("tolerance", rules.tolerance, 0.0),
        ("level", rules.level, 0.95),
        ("min-units", rules.min_units, 5),
        ("worse", worse, None),
        ("adjust", rules.adjust, "max-t"),
        ("columns", asked.records.declared, ""),
        ("seed", rules.seed, 0),
    ]
    for attribute in asked.attributes:
        if attribute.edges:
            edges = ",".join(map(repr, attribute.edges)) + "," * (len(attribute.edges) == 1)
            options.append(("bins", f"{attribute.name}={edges}", None))
    if asked.missing_values != MISSING_VALUES:
        options += [("missing", text, None) for text in asked.missing_values]
    for name, value, default in options:
        words += [f"--{name}", str(value)] if value not in (None, default) else []
    return shlex.join(words)
