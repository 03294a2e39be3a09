"""Coverage put together: counts of each cell, what they show, and the population beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cube, build_cube, estimate
from evenhand.errors import NoRowError, Note
from evenhand.groups import Attribute, to_text
from evenhand.lastmile.coverage.crossing import CrossedCell, crossed, levels_of, place
from evenhand.lastmile.coverage.evidence import Judged, Shows, judged, worst_case
from evenhand.lastmile.coverage.result import (
    STATES,
    Coverage,
    CoverageSettings,
    CoveredCell,
    PopulationNote,
    State,
    StateCount,
)
from evenhand.lastmile.differences import check_difference
from evenhand.lastmile.population import ROWS, Population, incomplete, read_population
from evenhand.metrics import Metric
from evenhand.pages.numbers import listed, plural
from evenhand.questions.absent import missing_rows
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.question import Question, columns_read, metric_note
from evenhand.results.estimate import Missing
from evenhand.results.origin import Source, versions
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_NO_PAIRS = np.zeros((0, 2), np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """When a cell is covered: units that it has at least, and a difference that it shows."""

    min_units: int
    detect: float | None
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows and units of each cell, natural and synthetic."""

    natural_rows: Integers
    natural_units: Integers
    synthetic_rows: Integers
    synthetic_units: Integers
    both_units: Integers
    lacking: tuple[Missing, ...]


def answer(
    question: Question,
    metric: Metric | None,
    wanted: Wanted,
    *,
    population: Any,
    synthetic: Attribute | None,
    worse: str | None,
    command: str,
) -> Coverage:
    """The coverage of a question.

    Parameters
    ----------
    question : Question
    metric : Metric, optional
    wanted : Wanted
    population, worse
        As in `evenhand.coverage`.
    synthetic : Attribute, optional
        Marks the rows that were made.
    command : str
        What asks again.
    """
    records, attributes = question.records, question.attributes
    asked = (*attributes, *([] if synthetic is None else [synthetic]))
    premises = read_premises(
        records, [metric] if metric else [], where=question.where, attributes=asked
    )
    with explained(premises, [metric] if metric else [], records):
        cube = build_cube(
            records,
            ROWS,
            asked,
            unit=question.units,
            where=question.where,
            missing_values=records.missing_values,
        )
    served = (
        None
        if population is None
        else read_population(population, attributes, records.missing_values)
    )
    cells = crossed(levels_of(attributes, cube, served))
    if not cells:
        names = listed([attribute.name for attribute in attributes])
        raise NoRowError(f"No row of {records.name} has a value of {names}.")
    counts = _counts(cube, cells, asked, len(attributes))
    given = None if metric is None else _judged(question, metric, asked, cells, worse=worse)
    if wanted.detect is not None:
        plan = None if given is None else given.plan
        check_difference("detect", wanted.detect, metric, plan)
    units = (counts.natural_units if given is None else given.cells.n_units).astype(float)
    shows = (
        worst_case(units, wanted.level, wanted.detect)
        if given is None
        else judged(given, wanted.level, wanted.detect)
    )
    shares = None
    if served is not None:
        shares = np.array([served.shares.get(cell.texts, 0.0) for cell in cells])
    found = [
        _cell(cell, number, counts, given, shows, wanted, shares)
        for number, cell in enumerate(cells)
    ]
    kept = [cell for cell in found if shares is None or _occurs(cell)]
    kept.sort(key=_first)
    own = _remarks(question, given, kept, cells, served)
    return Coverage(
        metric=None
        if metric is None or given is None
        else metric_note(metric, higher_is_worse=given.higher_is_worse),
        level=wanted.level,
        unit=question.units[0] if question.units else None,
        source=Source(name=records.name, rows=int(cube.n_rows.sum()), sha256=records.sha256()),
        population=None
        if served is None
        else PopulationNote(name=served.name, rows=served.rows, missing=served.missing),
        cells=tuple(kept),
        states=tuple(_states(kept)),
        left_out=len(found) - len(kept),
        outside_rows=sum(cell.natural_rows for cell in kept if cell.share == 0),
        missing=(
            *counts.lacking,
            *missing_rows(cube, question.units),
            *(() if given is None else _unscored(given, question)),
        ),
        notes=(*premises, *(() if given is None else given.plan.notes), *own),
        settings=CoverageSettings(
            by=tuple(attribute.name for attribute in attributes),
            predicates=tuple(a.name for a in attributes if a.predicate is not None),
            synthetic=synthetic.name if synthetic is not None else None,
            where=to_text(question.where) if question.where is not None else None,
            min_units=wanted.min_units,
            detect=wanted.detect,
            missing_values=records.missing_values,
            bins=question.bins,
            command=command,
            versions=dict(versions()),
        ),
    )


# -- what is there --------------------------------------------------------------------------------


def _counts(
    cube: Cube, cells: Sequence[CrossedCell], asked: Sequence[Attribute], width: int
) -> Counts:
    found = place(cube, cells, width)
    whole = found.cell >= 0
    natural, made = ~found.synthetic & ~found.unknown, found.synthetic
    count = len(cells)
    rows = [_rows_in(cube, found.cell, whole & kept, count) for kept in (natural, made)]
    units = [
        _units_in(cube, found.cell, whole & kept, count) for kept in (natural, made, natural | made)
    ]
    return Counts(
        natural_rows=rows[0],
        synthetic_rows=rows[1],
        natural_units=units[0],
        synthetic_units=units[1],
        both_units=units[2],
        lacking=tuple(_lacking(cube, asked)),
    )


def _rows_in(cube: Cube, cell: Integers, kept: Bools, count: int) -> Integers:
    return np.bincount(cell[kept], cube.n_rows[kept], count).astype(np.int64)


def _units_in(cube: Cube, cell: Integers, kept: Bools, count: int) -> Integers:
    """Different units of each crossing: rows, where no column names them."""
    if cube.units is None:
        return _rows_in(cube, cell, kept, count)
    own = np.where(kept, cell, -1)[cube.units.cell]
    pairs = np.unique(np.stack([own[own >= 0], cube.units.unit[own >= 0]]), axis=1)
    return np.bincount(pairs[0], minlength=count)


def _lacking(cube: Cube, asked: Sequence[Attribute]) -> Iterator[Missing]:
    """Rows that lack an attribute, by the first that they lack."""
    lost = dict.fromkeys((attribute.name for attribute in asked), 0)
    for key, rows in zip(cube.keys, cube.n_rows.tolist(), strict=True):
        absent = [one.name for one, value in zip(asked, key, strict=True) if value is None]
        if absent:
            lost[absent[0]] += rows
    for name, rows in lost.items():
        if rows:
            yield Missing(attribute=name, n_rows=rows, reason="missing_attribute")


def _judged(
    question: Question,
    metric: Metric,
    asked: Sequence[Attribute],
    cells: Sequence[CrossedCell],
    *,
    worse: str | None,
) -> Judged:
    """The metric of the natural rows of each cell, of the others, and of all."""
    records = question.records
    read = columns_read(replace(question, attributes=tuple(asked)))
    plan = metric.plan(records, read, question.where)
    cube = build_cube(
        plan.records,
        plan.measure,
        asked,
        unit=question.units,
        where=question.where,
        missing_values=records.missing_values,
        form=plan.form,
    )
    own = place(cube, cells, len(question.attributes)).of(len(cells), synthetic=False)
    everything = np.asarray(own.any(axis=0), bool)
    definition = metric.definition
    low, high = plan.bounds or (definition.low, definition.high)
    return Judged(
        cells=estimate(cube, plan.form, own, _NO_PAIRS),
        rest=estimate(cube, plan.form, everything & ~own, _NO_PAIRS),
        everything=estimate(cube, plan.form, everything[None], _NO_PAIRS),
        proportion=plan.proportion and cube.units is None and isinstance(plan.form, Ratio),
        low=low,
        high=high,
        higher_is_worse=metric.higher_is_worse(worse),
        missing=missing_rows(cube, ()),
        plan=plan,
    )


def _unscored(given: Judged, question: Question) -> Iterator[Missing]:
    """Rows that lack what the metric reads; those without a unit are told once."""
    return (one for one in given.missing if one.attribute not in question.units)


# -- what it comes to -----------------------------------------------------------------------------


def _cell(
    cell: CrossedCell,
    number: int,
    counts: Counts,
    given: Judged | None,
    shows: Shows,
    wanted: Wanted,
    shares: Floats | None,
) -> CoveredCell:
    natural, made = int(counts.natural_rows[number]), int(counts.synthetic_rows[number])
    scored = None if given is None else int(given.cells.n_units[number])
    units = int(counts.natural_units[number]) if scored is None else scored
    detectable = float(shows.detectable[number])
    enough = units >= wanted.min_units and (wanted.detect is None or detectable <= wanted.detect)
    needed = float(wanted.min_units)
    if wanted.detect is not None:
        needed = max(needed, float(shows.needed[number]))  # NaN stays where nothing tells
        needed = float("nan") if np.isnan(shows.needed[number]) else needed
    total = None if np.isnan(needed) else int(max(needed, 0))
    value = float("nan") if given is None else float(given.cells.values[number])
    return CoveredCell(
        group={level.name: level.shown for level in cell.levels},
        predicate=cell.predicate,
        share=None if shares is None else float(shares[number]),
        natural_rows=natural,
        natural_units=int(counts.natural_units[number]),
        scored_units=scored,
        synthetic_rows=made,
        synthetic_units=int(counts.synthetic_units[number]),
        value=value if np.isfinite(value) else None,
        state=_state(natural, made, enough=enough),
        detectable=detectable if np.isfinite(detectable) else None,
        basis=shows.basis[number],
        wanted=total,
        missing=None if total is None else 0 if enough else max(total - units, 1),
        filled=total is not None and made > 0 and int(counts.both_units[number]) >= total,
        reason=_reason(units, detectable),
    )


def _state(natural: int, made: int, *, enough: bool) -> State:
    if natural == 0:
        return "synthetic only" if made else "empty"
    return "covered" if enough else "thin"


def _reason(units: int, detectable: float) -> str | None:
    if np.isfinite(detectable):
        return None
    return "too_few_units" if units else "no_denominator"


def _occurs(cell: CoveredCell) -> bool:
    return bool(cell.share) or cell.natural_rows > 0 or cell.synthetic_rows > 0


def _first(cell: CoveredCell) -> tuple[bool, float, int]:
    """What is missing of the largest share first; covered cells last."""
    lack = 0 if cell.missing is None else cell.missing
    return cell.state == "covered", -(cell.share or 0.0), -lack


def _states(cells: Sequence[CoveredCell]) -> Iterator[StateCount]:
    """Cells of each state, of those that the population has."""
    for state in STATES:
        own = [cell for cell in cells if cell.state == state and cell.share != 0]
        told = bool(cells) and cells[0].share is not None
        part = min(sum(cell.share or 0.0 for cell in own), 1.0)
        yield StateCount(state=state, cells=len(own), share=part if told else None)


def _spelt_otherwise(cells: Sequence[CrossedCell], width: int) -> str:
    """Values of the population that the table seems to have in other capitals, or with other spaces."""
    told: list[str] = []
    for which in range(width):
        levels = {cell.levels[which].text: cell.levels[which] for cell in cells}
        known = {_plain(text): text for text, one in levels.items() if one.key is not None}
        told += [
            f"{text!r} is the table's {known[_plain(text)]!r}"
            for text, one in levels.items()
            if one.key is None and _plain(text) in known
        ]
    return f"  It seems that {listed(told)}: spell them alike." if told else ""


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())


def _remarks(
    question: Question,
    given: Judged | None,
    kept: Sequence[CoveredCell],
    cells: Sequence[CrossedCell],
    population: Population | None,
) -> Iterator[Note]:
    """What a reader must know of it."""
    names = [attribute.name for attribute in question.attributes]
    if population is None:
        yield Note(
            code="no_population",
            text="No population is named, so that cells count alike, those that nobody is in too.  --population FILE "
            "says whom the service is for.",
        )
    else:
        new = {
            f"{name} = {level.text}"
            for cell in cells
            for name, level in zip(names, cell.levels, strict=True)
            if level.key is None
        }
        if new:
            yield Note(
                code="levels_unknown",
                text=f"{population.name} has what no row of the table has: {listed(sorted(new))}."
                + _spelt_otherwise(cells, len(names)),
            )
        outside = [cell for cell in kept if cell.share == 0 and cell.natural_rows]
        if outside:
            rows = sum(cell.natural_rows for cell in outside)
            yield Note(
                code="outside_population",
                text=f"{plural(rows, 'natural row')} in {plural(len(outside), 'cell')} that {population.name} does not "
                "have: told below, and in no number of cells above.",
            )
        yield from incomplete(population)
    if not question.units:
        yield Note(
            code="rows_independent",
            text="Each row counts as independent.  Name as --unit whose rows are alike (speaker, patient, document): "
            "otherwise cells look better covered than they are.",
        )
    yield Note(
        code="compared_alone",
        text="What a cell shows is told of its comparison with the rest by itself; an audit of all cells at once "
        "corrects for their number, and needs larger differences."
        + (
            ""
            if given is not None
            else "  Without a metric it is told of a proportion near one half."
        ),
    )
