"""A plan put together: what the pilot tells, what the goal asks, and what the labels will tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import CountedRecords, Cube, build_cube
from evenhand.errors import InputError, NoRowError, Note, RefusedError
from evenhand.groups import Partition, Value, to_text
from evenhand.lastmile.costs import costs_of, key_text
from evenhand.lastmile.differences import check_difference
from evenhand.lastmile.pilot import LEAST_UNITS, PilotCells, read_pilot
from evenhand.lastmile.population import Population, read_population
from evenhand.lastmile.remarks import remarks, shared_units
from evenhand.lastmile.result import LabelPlan, PlannedCell, PlanSettings, RuleOutcome, WorstPair
from evenhand.metrics import Metric, MetricPlan
from evenhand.pages.numbers import listed, plural
from evenhand.questions.absent import missing_rows
from evenhand.questions.counted import (
    counted_cubes,
    counted_notes,
    counted_plan,
    directions_of,
    premises_of_counts,
)
from evenhand.questions.origins import arms_of
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.question import Question, metric_note, metric_rules
from evenhand.results.estimate import Missing
from evenhand.results.origin import Source, versions
from evenhand.stats.allocation import (
    MOST_UNITS,
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
    counted: CountedRecords | None,
    cost: float | str | Path,
    population: Any,
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
    counted : CountedRecords, optional
        The pilot, where it was counted before.
    cost, population, worse
        As in `evenhand.plan`.
    command : str
        What makes the plan again.
    """
    (higher,) = directions_of([metric], worse, counted)
    made, cube, notes = _pilot(question, metric, counted)
    records = question.records
    partition = question.finest("A label tells of one cell")
    cells, absent = _cells(cube, question, partition)
    named = {attribute.name: attribute for attribute in question.attributes}
    attributes = [named[name] for name in partition.names]
    rows = np.array([float(cube.n_rows[cell.members].sum()) for cell in cells])
    served, shares, unknown = None, rows / rows.sum(), 0.0
    if population is not None:
        served = read_population(population, attributes, records.missing_values)
        shares, unknown = _shares(served, cells)
    costs = costs_of(cost, cells, attributes)
    if goal.name != "budget":
        check_difference(goal.name, goal.size, metric, made)
    found = read_pilot(cube, made, cells, shares, costs, goal.assurance)
    least = max(metric_rules(rules, metric, made, higher_is_worse=higher).min_units, LEAST_UNITS)
    first = _first_units(found, rows)
    units = _units(found, goal, rules.level, least, float((first * costs).sum()))
    expected = half_widths(found.pilot, units, rules.level)
    promised = half_widths(found.pilot, units, rules.level, goal.assurance)
    _check_kept(goal, promised, rules.level)
    own_widths = half_widths(found.pilot, found.pilot.units, rules.level)
    widths = (expected, promised, own_widths)
    planned = _planned(cells, found, units, first, shares, costs, widths)
    labels = np.array([cell.labels for cell in planned])
    order = sorted(range(len(cells)), key=lambda i: _harm(planned[i], higher_is_worse=higher))
    # Of the cells that are planned, each one's place among them, in the order that is shown.
    places = np.cumsum(found.able) - 1
    shown = [int(places[i]) for i in order if found.able[i]]
    shared = shared_units(cube, cells)
    told = remarks(found, cube, cells, question, served, first, unknown, shared)
    return LabelPlan(
        metric=metric_note(metric, higher_is_worse=higher),
        level=rules.level,
        assurance=goal.assurance,
        unit=question.units[0] if question.units else None,
        source=Source(
            name=records.name,
            rows=int(cube.n_rows.sum()),
            sha256=None if counted is not None else records.sha256(),
        ),
        cells=tuple(planned[i] for i in order),
        labels=int(labels.sum()),
        cost=float((labels * costs).sum()),
        shared_units=shared,
        worst_pair=_worst(cells, found, promised, rules.level),
        rules=tuple(_outcomes(found, units, goal, rules.level, least, shown)),
        missing=(
            *(
                Missing(attribute=name, n_rows=count, reason="missing_attribute")
                for name, count in absent
                if count
            ),
            *missing_rows(cube, question.units),
        ),
        notes=(*notes, *told),
        settings=PlanSettings(
            by=partition.names,
            where=to_text(question.where) if question.where is not None else None,
            rule=goal.rule,
            **{name: goal.size if goal.name == name else None for name in _GOALS},
            population=served.name if served is not None else None,
            min_units=rules.min_units,
            missing_values=records.missing_values,
            bins=question.bins,
            command=command,
            versions=dict(versions()),
        ),
    )


def _pilot(
    question: Question, metric: Metric, counted: CountedRecords | None
) -> tuple[MetricPlan, Cube, tuple[Note, ...]]:
    """Counts of the pilot, from its rows or as they were counted, and what is to be known of them."""
    records = question.records
    if counted is not None:
        premises = premises_of_counts(counted, question)
        with explained(premises, [metric], records):
            (cube,) = counted_cubes(counted, question)
        made = counted_plan(counted.metrics[0], records)
        return made, cube, (*counted_notes(counted, question), *premises, *made.notes)
    arms = arms_of(records, question.where)
    if arms.apart:
        raise InputError(
            f"{arms.column} tells apart several ways in which labels came about, and a pilot is drawn in one.  Choose "
            "it with where."
        )
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
    return made, cube, (*premises, *made.notes)


def _shares(population: Population, cells: Sequence[GroupSet]) -> tuple[Floats, float]:
    """Shares of cells, together 1; and the part of the population that is in none of them."""
    keys = [tuple(map(key_text, cell.label)) for cell in cells]
    if population.rows is None:
        lacking = [", ".join(key) for key in keys if key not in population.shares]
        if lacking:
            others = [", ".join(key) for key in population.shares if key not in keys]
            spelt = (
                f"  It has {listed(others)}: is that one of them, spelt otherwise?"
                if others
                else ""
            )
            raise InputError(
                f"{population.name} has no share of {listed(lacking)}.  Add a line for each of the {len(lacking)} "
                f"missing (0 where nobody is).{spelt}"
            )
    shares = np.array([population.shares.get(key, 0.0) for key in keys])
    known = float(shares.sum())
    if not known:
        told = listed([", ".join(key) for key in keys])
        raise InputError(f"No cell of the pilot occurs in {population.name}.  In the pilot: {told}")
    return shares / known, max(1.0 - known, 0.0) if 1.0 - known > 1e-9 else 0.0


def _check_kept(goal: Goal, promised: Floats, level: float) -> None:
    """Refuse a width that no number of units gives."""
    wanted = {
        "half_width": goal.size,
        "pair": goal.size,
        "detect": goal.size / _reach(level),
    }.get(goal.name)
    if wanted is None:
        return
    known = float(promised.max()) if goal.name == "half_width" else _pair_of(promised)
    if known > wanted * (1 + 1e-9):
        raise InputError(
            f"{goal.name} is {goal.size:g}, which takes more than {MOST_UNITS:,} units of a cell.  Ask for a wider one."
        )


def _pair_of(promised: Floats) -> float:
    return worst_pair(promised)[2] if len(promised) > 1 else 0.0


_GOALS = ("budget", "half_width", "pair", "detect")


def _cells(
    cube: Cube, question: Question, finest: Partition
) -> tuple[list[GroupSet], list[tuple[str, int]]]:
    """Cells of the finest crossing, and the rows that lack an attribute."""
    found = cells_of(cube, finest, question.attributes)
    cells = [cell for cell in found if not cell.missing]
    if not cells:
        raise NoRowError(f"No row is in a cell of {' × '.join(finest.names)}.")
    if len(cells) > MOST_CELLS:
        raise InputError(
            f"--by makes {len(cells):,} cells; at most {MOST_CELLS:,} are planned.  Cut it more coarsely."
        )
    lacking = ~cells[0].known
    return cells, [(" or ".join(finest.names), int(cube.n_rows[lacking].sum()))]


def _first_units(found: PilotCells, rows: Floats) -> Integers:
    """Labels of the cells that cannot be planned: as many as tell how much their units vary."""
    known = found.units > 0
    usual = float(found.pilot.rows.mean()) if len(found.pilot.rows) else 1.0
    each = np.where(known, rows / np.maximum(found.units, 1), usual)
    return np.where(found.able, 0, np.ceil(found.first * each)).astype(np.int64)


def _units(found: PilotCells, goal: Goal, level: float, least: int, reserved: float) -> Integers:
    """Units of the cells that can be planned."""
    pilot = found.pilot
    if not len(pilot.variance):
        raise RefusedError(
            f"The pilot tells of no cell how much its units vary: each has fewer than {LEAST_UNITS} units, too few to "
            "promise anything, or all of them alike.  Label some more of each first: "
            f"{int(found.first.max()):,} units of each tell."
        )
    if goal.name == "half_width":
        return units_for(pilot, goal.size, level, goal.assurance, least)
    if goal.name in ("pair", "detect"):
        if len(pilot.variance) < 2:
            raise RefusedError(
                f"{goal.name} is of a difference, and the pilot tells of one cell only how much its units vary.  Ask "
                "for half_width, or take a larger pilot."
            )
        wanted = goal.size if goal.name == "pair" else goal.size / _reach(level)
        return units_for_pairs(pilot, wanted, level, goal.assurance, least)
    if goal.size > MOST_UNITS * pilot.unit_cost.sum():
        raise InputError(
            f"budget is {goal.size:g}, which buys more than {MOST_UNITS:,} units of each cell.  Plan for what can be "
            "collected."
        )
    fewest = float((pilot.labels(np.full(len(pilot.rows), least)) + 1) @ pilot.cost) + reserved
    if goal.size < fewest:
        kept = (
            f" ({reserved:,.6g} of it for cells of which the pilot does not tell how much units vary)"
            if reserved
            else ""
        )
        raise InputError(
            f"budget is {goal.size:g}, but {plural(least, 'unit')} of each cell cost {fewest:,.6g}{kept}.  Raise "
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
    widths: tuple[Floats, Floats, Floats],
) -> list[PlannedCell]:
    expected, promised, own = widths
    places = np.cumsum(found.able) - 1
    out = []
    for i, cell in enumerate(cells):
        place, able = int(places[i]), bool(found.able[i])
        labels = int(found.pilot.labels(units)[place]) if able else int(first[i])
        value = float(found.values[i])
        out.append(
            PlannedCell(
                group=group_of(cell),
                predicate=cell.predicate,
                pilot_rows=int(found.rows[i]),
                pilot_units=int(found.units[i]),
                value=value if np.isfinite(value) else None,
                share=float(shares[i]),
                cost=float(costs[i]),
                labels=labels,
                units=int(units[place]) if able else int(found.first[i]),
                half_width=float(promised[place]) if able else None,
                expected_half_width=float(expected[place]) if able else None,
                pilot_half_width=float(own[place]) if able else None,
                reason=found.reasons[i],
            )
        )
    return out


def group_of(cell: GroupSet) -> dict[str, Value]:
    """Attributes of a cell, and their values; none is missing."""
    return {name: value for name, value in cell.group.items() if value is not None}


def _harm(cell: PlannedCell, *, higher_is_worse: bool) -> float:
    if cell.value is None:
        return float("inf")
    return -cell.value if higher_is_worse else cell.value


def _worst(
    cells: Sequence[GroupSet], found: PilotCells, promised: Floats, level: float
) -> WorstPair | None:
    if len(promised) < 2:
        return None
    first, second, half = worst_pair(promised)
    planned = [cell for cell, able in zip(cells, found.able, strict=True) if able]
    return WorstPair(
        first=planned[first].predicate,
        second=planned[second].predicate,
        half_width=half,
        detectable=half * _reach(level),
    )


def _outcomes(
    found: PilotCells, units: Integers, goal: Goal, level: float, least: int, order: list[int]
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
            labels=tuple(pilot.labels(own)[order].tolist()),
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
