"""A plan put together: what the pilot tells, what the goal asks, and what the labels will tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import Cube, build_cube
from evenhand.errors import InputError, NoRowError, Note, RefusedError
from evenhand.groups import to_text
from evenhand.lastmile.costs import read_of_cells
from evenhand.lastmile.pilot import LEAST_UNITS, PilotCells, read_pilot
from evenhand.lastmile.result import LabelPlan, PlannedCell, PlanSettings, RuleOutcome, WorstPair
from evenhand.metrics import Metric
from evenhand.pages.numbers import listed, plural, significant
from evenhand.questions.absent import missing_rows
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.question import Question, metric_note, metric_rules
from evenhand.results.estimate import Missing
from evenhand.results.origin import Source, versions
from evenhand.stats.allocation import (
    RULES,
    Pilot,
    Rule,
    half_widths,
    spend,
    units_for,
    units_for_pairs,
    worst_pair,
)
from evenhand.stats.intervals import t_of, z_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Cells at most.
MOST_CELLS = 1_000
#: Units of a cell of which the pilot has too few, to find out how much they vary.
FIRST_UNITS = 30
#: A difference is found in four samples of five.
POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a plan is for: a budget, or one of the widths, by its name; and with what probability."""

    name: str
    size: float
    rule: str
    assurance: float


def answer(
    question: Question,
    metric: Metric,
    rules: VerdictRules,
    goal: Goal,
    *,
    cost: float | str | Path,
    share: str | Path | None,
    worse: str | None,
    command: str,
) -> LabelPlan:
    """The plan of a question.

    Parameters
    ----------
    question : Question
    metric : Metric
    rules : VerdictRules
        Level, fewest units, units.
    goal : Goal
    cost, share, worse
        As in `evenhand.plan`.
    command : str
        What makes the plan again.
    """
    higher = metric.higher_is_worse(worse)
    records = question.records
    premises = read_premises(
        records, [metric], where=question.where, attributes=question.attributes
    )
    with explained(premises, [metric], records):
        made = metric.plan(records, question.columns, question.where)
        cube = build_cube(
            made.records,
            made.measure,
            question.attributes,
            unit=question.units,
            where=question.where,
            missing_values=records.missing_values,
            form=made.form,
        )
    cells, absent = _cells(cube, question)
    names = cells[0].partition.names
    rows = np.array([float(cube.n_rows[cell.members].sum()) for cell in cells])
    shares = rows / rows.sum()
    if share is not None:
        shares = read_of_cells(share, "share", cells, names)
        shares = shares / shares.sum()
    costs = np.full(len(cells), float(cost)) if isinstance(cost, int | float) else None
    if costs is None:
        costs = read_of_cells(cast("str | Path", cost), "cost", cells, names)
    if not (costs > 0).all() or not np.isfinite(costs).all():
        raise InputError(f"cost is {cost!r}, but must be a number above 0, or a file.")
    found = read_pilot(cube, made, cells, shares, costs)
    least = max(metric_rules(rules, metric, made, higher_is_worse=higher).min_units, LEAST_UNITS)
    first = _first_units(found, costs, rows)
    units = _units(found, goal, rules.level, least, float((first * costs).sum()))
    expected = half_widths(found.pilot, units, rules.level)
    promised = half_widths(found.pilot, units, rules.level, goal.assurance)
    planned = _planned(cells, found, units, first, shares, costs, expected, promised)
    labels = np.array([cell.labels for cell in planned])
    order = sorted(range(len(cells)), key=lambda i: _harm(planned[i], higher_is_worse=higher))
    return LabelPlan(
        metric=metric_note(metric, higher_is_worse=higher),
        level=rules.level,
        assurance=goal.assurance,
        unit=rules.units_name,
        source=Source(name=records.name, rows=int(cube.n_rows.sum()), sha256=records.sha256()),
        cells=tuple(planned[i] for i in order),
        labels=int(labels.sum()),
        cost=float((labels * costs).sum()),
        worst_pair=_worst(cells, found, promised),
        rules=tuple(_outcomes(found, units, goal, rules.level, least)),
        missing=(
            *(
                Missing(attribute=name, n_rows=count, reason="missing_attribute")
                for name, count in absent
                if count
            ),
            *missing_rows(cube, question.units),
        ),
        notes=(*premises, *made.notes, *_notes(found, question, share, first)),
        settings=PlanSettings(
            by=names,
            where=to_text(question.where) if question.where is not None else None,
            rule=goal.rule,
            **{name: goal.size if goal.name == name else None for name in _GOALS},
            min_units=rules.min_units,
            missing_values=records.missing_values,
            bins=question.bins,
            command=command,
            versions=dict(versions()),
        ),
    )


_GOALS = ("budget", "half_width", "pair", "detect")


def _cells(cube: Cube, question: Question) -> tuple[list[GroupSet], list[tuple[str, int]]]:
    """Cells of the finest crossing, and the rows that lack an attribute."""
    finest = max(question.partitions, key=lambda partition: len(partition.names))
    apart = [p for p in question.partitions if not set(p.names) <= set(finest.names)]
    if apart:
        raise InputError(
            f"A label tells of one cell, and {listed([' × '.join(p.names) for p in [finest, *apart]])} overlap.  Cross "
            f"them, as in --by {','.join(dict.fromkeys(n for p in question.partitions for n in p.names))}, or plan each "
            "by itself."
        )
    found = cells_of(cube, finest, question.attributes)
    cells = [cell for cell in found if not cell.missing]
    if not cells:
        raise NoRowError(f"No row is in a cell of {' × '.join(finest.names)}.")
    if len(cells) > MOST_CELLS:
        raise InputError(
            f"--by makes {len(cells):,} cells; at most {MOST_CELLS:,} are planned.  Cut it more coarsely."
        )
    lacking = np.zeros(len(cube.keys), bool)
    for cell in found:
        lacking |= cell.members if cell.missing else False
    return cells, [(" × ".join(finest.names), int(cube.n_rows[lacking].sum()))]


def _first_units(found: PilotCells, costs: Floats, rows: Floats) -> Integers:
    """Labels of the cells that cannot be planned: as many as tell how much their units vary."""
    del costs
    known = found.units > 0
    usual = float(found.pilot.rows.mean()) if len(found.pilot.rows) else 1.0
    each = np.where(known, rows / np.maximum(found.units, 1), usual)
    return np.where(found.able, 0, np.ceil(FIRST_UNITS * each)).astype(np.int64)


def _units(found: PilotCells, goal: Goal, level: float, least: int, reserved: float) -> Integers:
    """Units of the cells that can be planned."""
    pilot = found.pilot
    if not len(pilot.variance):
        raise RefusedError(
            f"The pilot tells of no cell how much its units vary: each has fewer than {LEAST_UNITS} units, or all of "
            "them alike.  Label some more of each first."
        )
    if goal.name == "half_width":
        return units_for(pilot, goal.size, level, goal.assurance, least)
    if goal.name in ("pair", "detect"):
        wanted = goal.size if goal.name == "pair" else goal.size / _reach(level)
        return units_for_pairs(pilot, wanted, level, goal.assurance, least)
    fewest = float((pilot.labels(np.full(len(pilot.rows), least)) + 1) @ pilot.cost) + reserved
    if goal.size < fewest:
        raise InputError(
            f"budget is {goal.size:g}, but {plural(least, 'unit')} of each cell cost {significant(fewest)}.  Raise "
            "it, or ask for fewer cells."
        )
    return spend(pilot, goal.size - reserved, cast("Rule", goal.rule), level, goal.assurance, least)


def _reach(level: float) -> float:
    """How many half-widths a difference must have to be found in four samples of five."""
    z = float(z_of(level))
    return (z + float(z_of(2 * POWER - 1))) / z


def _planned(
    cells: Sequence[GroupSet],
    found: PilotCells,
    units: Integers,
    first: Integers,
    shares: Floats,
    costs: Floats,
    expected: Floats,
    promised: Floats,
) -> list[PlannedCell]:
    places = np.cumsum(found.able) - 1
    out = []
    for i, cell in enumerate(cells):
        place, able = int(places[i]), bool(found.able[i])
        labels = int(found.pilot.labels(units)[place]) if able else int(first[i])
        value = float(found.values[i])
        out.append(
            PlannedCell(
                group=dict(zip(cell.partition.names, cell.label, strict=True)),
                predicate=cell.predicate,
                pilot_rows=int(found.rows[i]),
                pilot_units=int(found.units[i]),
                value=value if np.isfinite(value) else None,
                share=float(shares[i]),
                cost=float(costs[i]),
                labels=labels,
                units=int(units[place]) if able else FIRST_UNITS,
                half_width=float(promised[place]) if able else None,
                expected_half_width=float(expected[place]) if able else None,
                reason=found.reasons[i],
            )
        )
    return out


def _harm(cell: PlannedCell, *, higher_is_worse: bool) -> float:
    if cell.value is None:
        return float("inf")
    return -cell.value if higher_is_worse else cell.value


def _worst(cells: Sequence[GroupSet], found: PilotCells, promised: Floats) -> WorstPair | None:
    if len(promised) < 2:
        return None
    first, second, half = worst_pair(promised)
    planned = [cell for cell, able in zip(cells, found.able, strict=True) if able]
    return WorstPair(
        first=planned[first].predicate,
        second=planned[second].predicate,
        half_width=half,
        detectable=half * _reach(0.95),
    )


def _outcomes(
    found: PilotCells, units: Integers, goal: Goal, level: float, least: int
) -> Iterator[RuleOutcome]:
    """What the same money gives by each rule."""
    pilot = found.pilot
    if len(pilot.variance) < 2:
        return
    spent = float((units * pilot.unit_cost).sum())
    for rule in RULES:
        mine = goal.rule == rule and goal.name == "budget"
        own = units if mine else spend(pilot, spent, rule, level, goal.assurance, least)
        halves = half_widths(pilot, own, level)
        yield RuleOutcome(
            rule=rule,
            labels=tuple(pilot.labels(own).tolist()),
            worst_pair=worst_pair(halves)[2],
            widest=float(halves.max()),
            overall=_overall(pilot, own, level),
        )


def _overall(pilot: Pilot, units: Integers, level: float) -> float:
    """Half-width of the value of the population, cells weighted by their share."""
    share = pilot.share / pilot.share.sum()
    variance = float((share**2 * pilot.variance / units).sum())
    return float(
        t_of(level, float((units * pilot.effective).sum()) - len(units)) * np.sqrt(variance)
    )


def _notes(
    found: PilotCells, question: Question, share: str | Path | None, first: Integers
) -> Iterator[Note]:
    unable = int((~found.able).sum())
    if unable:
        yield Note(
            code="pilot_too_small",
            text=f"Of {plural(unable, 'cell')} the pilot does not tell how much units vary; {int(first.sum()):,} labels "
            "are kept to find out, and no width is promised there.",
        )
    if not question.units:
        yield Note(
            code="rows_independent",
            text="Each row counts as independent.  Name as --unit whose rows are alike (speaker, patient, document): "
            "otherwise the plan is too small.",
        )
    if share is None:
        yield Note(
            code="share_of_pilot",
            text="The pilot's rows are taken for the population where cells are weighed (--share FILE says otherwise).",
        )
