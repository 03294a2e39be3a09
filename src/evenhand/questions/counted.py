"""A question asked of counts instead of rows: which of its groups the cells can tell apart."""

import datetime
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes import (
    CellKeys,
    CountedMetric,
    CountedRecords,
    Cube,
    CubeQuery,
    Input,
    Measure,
    coded,
    merge_all,
    read_cube,
    with_strata,
)
from evenhand.errors import InputError, NoRowError, Note, unknown_name
from evenhand.groups import (
    Attribute,
    Predicate,
    columns_of,
    parse_partitions,
    parse_predicate,
    to_text,
)
from evenhand.groups.partition import Key, readings
from evenhand.groups.predicate import column_expression
from evenhand.metrics import Metric, MetricPlan, parse_metric
from evenhand.metrics.weights import UNWEIGHTED, Weighting
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import plural
from evenhand.questions.options import plain_bins
from evenhand.questions.premises import read_premises
from evenhand.questions.question import By, Question, directions, with_stratum
from evenhand.records import MISSING_VALUES, Column, Kind, Records, holds_counts, open_records
from evenhand.records.files import is_whole_parquet
from evenhand.records.output import input_files
from evenhand.stats.written_forms import read_form

Integers = npt.NDArray[np.int64]

_CELL = "evenhand:cell"


def counted_records(table: Any) -> CountedRecords | None:
    """What was counted, where a table is a cube, its file, or a glob of such files; `None` where it holds rows.

    Raises
    ------
    InputError
        Where a file is damaged, some of the files hold rows, or they do not add.
    """
    if isinstance(table, CountedRecords):
        return table
    if not isinstance(table, str | Path):
        return None
    try:
        files = sorted(input_files(str(table)))
    except (OSError, ValueError):
        return None  # no place of a file: what opens tables says so
    if not files:
        return None
    if not holds_counts(files[0]):
        if files[0].suffix == ".cube" and not is_whole_parquet(files[0]):
            read_cube(files[0])  # says what is wrong with it
        return None
    return merge_all([read_cube(path) for path in files])


def open_cells(counted: CountedRecords) -> Records:
    """The cells as a table: a column for each attribute that is a column, and the number of the cell.

    The other columns that were read have a name there and no values, so that predicates on them are understood,
    and refused (see `read_counted_question`).
    """
    kinds = {column.name: column.kind for column in counted.columns}
    keys, _ = _distinct(counted)
    columns = {
        name: _column(keys.values[place], kinds.get(name, Kind.TEXT)).take(
            pa.array(keys.codes[place])
        )
        for place, name in enumerate(attribute.name for attribute in counted.attributes)
        if name in _plain(counted)
    }
    table = pa.table({**columns, _CELL: pa.array(np.arange(len(keys)))})
    cells = open_records(table, missing_values=counted.missing_values)
    plainly = tuple(column for column in cells.columns if column.name != _CELL)
    told = {column.name for column in plainly}
    return replace(
        cells,
        name=counted.name,
        files=(counted.path,) if counted.path else (),
        columns=(*plainly, *(c for c in counted.columns if c.name not in told)),
        declared=counted.declared,
    )


def _distinct(counted: CountedRecords) -> tuple[CellKeys, list[Integers]]:
    """Keys of all cubes, each once, and which of them each cell of each cube has."""
    cubes = [metric.cube.keys for metric in counted.metrics]
    cell, keys = functools.reduce(CellKeys.beside, cubes).numbered()
    return keys, np.split(cell, np.cumsum([len(one) for one in cubes])[:-1])


def _plain(counted: CountedRecords) -> list[str]:
    """Columns whose values the cells hold as they are."""
    return [a.name for a in counted.attributes if a.predicate is None and a.edges is None]


def _column(values: Sequence[Key], kind: Kind) -> pa.Array:
    """Values of an attribute as the column held them; dates are told by their text."""
    if kind is Kind.DATE:
        for read in (datetime.date.fromisoformat, datetime.datetime.fromisoformat):
            try:
                return pa.array([None if v is None else read(str(v)) for v in values])
            except ValueError:
                continue
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if v is None else str(v) for v in values], pa.string())


# -- the question -------------------------------------------------------------------------------


def counted_metrics(
    counted: CountedRecords, asked: Sequence[str | Metric]
) -> tuple[list[Metric], CountedRecords]:
    """The metrics that are asked for, or all, and what was counted of them."""
    known = [parse_metric(metric.text, counted.columns) for metric in counted.metrics]
    if not asked:
        return known, counted
    texts = [metric.text for metric in known]
    try:
        wanted = [
            one if isinstance(one, Metric) else parse_metric(one, counted.columns) for one in asked
        ]
    except InputError as error:
        raise InputError(f"{error}.  {counted.name} counts: {'; '.join(texts)}") from error
    for one in wanted:
        if one.text not in texts:
            raise InputError(
                f"{one.text} was not counted in {counted.name}, which has: {'; '.join(texts)}.  "
                "Name one of these, or count the records again."
            )
    places = [texts.index(one.text) for one in wanted]
    chosen = tuple(counted.metrics[place] for place in places)
    return [known[place] for place in places], replace(counted, metrics=chosen)


def directions_of(
    metrics: Sequence[Metric], worse: str | None, counted: CountedRecords | None
) -> list[bool]:
    """Whether higher is worse for each metric: as is asked, or as it was said when records were counted."""
    if counted is None or worse is not None:
        return directions(metrics, worse)
    return [
        directions([metric], None)[0] if known.higher_is_worse is None else known.higher_is_worse
        for metric, known in zip(metrics, counted.metrics, strict=True)
    ]


def read_counted_question(
    counted: CountedRecords,
    cells: Records,
    by: By,
    *,
    where: str | None = None,
    bins: Mapping[str, Any] | None = None,
) -> Question:
    """Understand what is asked of counts.

    Parameters
    ----------
    counted : CountedRecords
    cells : Records
        See `open_cells`.
    by, where, bins
        As in `evenhand.audit`; without `by` the groups that were counted.

    Raises
    ------
    InputError
        For groups that the cells cannot tell apart.
    """
    kept = parse_predicate(where, cells.columns, label="where") if where else None
    if kept is not None:
        check_told(counted, kept)
    cut = plain_bins(bins)
    weighting = Weighting(weight=counted.weight, stratum=counted.stratum)
    attributes, partitions = parse_partitions(by or counted.by, cells.columns, bins=cut)
    return Question(
        records=cells,
        attributes=with_stratum([_known(counted, a, cut) for a in attributes], weighting),
        partitions=partitions,
        units=counted.units,
        where=kept,
        weighting=weighting,
    )


def _known(
    counted: CountedRecords, attribute: Attribute, cut: Mapping[str, int | Sequence[float]]
) -> Attribute:
    stored = {one.name: one for one in counted.attributes}
    if attribute.predicate is not None:
        if attribute.name not in stored:
            check_told(counted, attribute.predicate)
        return attribute
    if attribute.name not in stored:
        raise InputError(
            unknown_name("group", attribute.name, list(stored))
            + f".  {counted.name} was counted by these; for others count the records again."
        )
    mine = stored[attribute.name]
    wanted = cut.get(attribute.name)
    if wanted is None or (not isinstance(wanted, int) and attribute.edges == mine.edges):
        return mine
    if mine.edges is not None or isinstance(wanted, int):
        edges = ", ".join(f"{edge:g}" for edge in mine.edges or ()) or "no edge"
        raise InputError(
            f"{attribute.name} was cut at {edges} when it was counted; cells cannot be cut otherwise.  Leave --bins "
            f"{attribute.name} out, or count the records again."
            if mine.edges is not None
            else f"Cells do not tell where quantiles of {attribute.name} lie.  Name edges: "
            f"--bins {attribute.name}=10,20"
        )
    return attribute


def check_told(counted: CountedRecords, predicate: Predicate) -> None:
    """Refuse a predicate on what the cells do not tell apart."""
    plain = _plain(counted)
    for name in columns_of(predicate):
        if name not in plain:
            cut = next(
                (a for a in counted.attributes if a.name == name and a.edges is not None), None
            )
            why = "is cut into bins" if cut else "is not among what cells are told apart by"
            allowed = (
                f"Allowed in a predicate: {', '.join(plain)}; for others count"
                if plain
                else "Count"
            )
            raise InputError(
                f"{name} {why} in {counted.name}, so that no row of it can be chosen.  {allowed} the records again."
            )


# -- the counts ---------------------------------------------------------------------------------


def counted_plan(metric: CountedMetric, cells: Records) -> MetricPlan:
    """How the metric's value follows from its counts."""
    return MetricPlan(
        records=cells,
        measure=Measure(parts=(), inputs=()),
        form=read_form(metric.form, len(metric.cube.parts)),
        proportion=metric.proportion,
        notes=metric.notes,
        bounds=metric.bounds,
    )


def counted_cubes(counted: CountedRecords, question: Question) -> list[Cube]:
    """The cubes of metrics under a question's attributes and filter; keys stay as the records have them.

    Raises
    ------
    InputError
        Where no cell is left.
    """
    known, cells = _distinct(counted)
    keys, kept = _asked(known, counted, question)
    numbered = _numbered(counted.columns, counted.units)
    names = [attribute.name for attribute in question.attributes]
    if not kept.any() and question.where is not None:
        raise NoRowError(
            f"There is nothing to measure: no row that {counted.name} counts satisfies --where."
        )
    made = (
        metric.cube.regrouped(names, keys.take(own), kept=kept[own], numbered=numbered)
        for metric, own in zip(counted.metrics, cells, strict=True)
    )
    return [with_strata(cube, counted.stratum) for cube in made]


def known_cubes(cubes: Sequence[Cube], question: Question) -> list[Cube]:
    """Cubes in which what means missing is: what was counted as it is written, to be judged."""
    records = question.records
    read = dict(enumerate(readings(question.attributes, records.columns, records.missing_values)))
    numbered = _numbered(records.columns, question.units)
    out = []
    for cube in cubes:
        keys = cube.keys.changed(read)
        same = keys is cube.keys
        out.append(cube if same else cube.regrouped(cube.attributes, keys, numbered=numbered))
    return out


def _numbered(columns: Sequence[Column], units: Sequence[str]) -> list[bool]:
    """For each column that names units, whether it holds numbers."""
    kinds = {column.name: column.kind for column in columns}
    return [kinds[name].numeric for name in units if name in kinds]


def _asked(
    known: CellKeys, counted: CountedRecords, question: Question
) -> tuple[CellKeys, npt.NDArray[np.bool_]]:
    """Key of each cell under the question's attributes, and whether the filter keeps it."""
    stored = {one: place for place, one in enumerate(counted.attributes)}
    asked = [a for a in question.attributes if a not in stored]
    if not asked and question.where is None:
        return known.only([stored[a] for a in question.attributes]), np.ones(len(known), bool)
    found = _computed(question, asked)
    cells = found["s0"].to_numpy().astype(np.int64)
    kept = np.zeros(len(known), bool)
    kept[cells] = True
    values, codes = list(known.values), list(known.codes)
    for index in range(len(asked)):
        own, keys = coded(found[f"a{index}"])
        code = np.zeros(len(known), np.int64)
        code[cells] = own + 1
        values.append((None, *keys.to_pylist()))
        codes.append(code)
    # Of each attribute: its place among a cell's own values, followed by those that were computed.
    first = len(counted.attributes)
    places = [stored[a] if a in stored else first + asked.index(a) for a in question.attributes]
    return CellKeys.of_codes(values, codes, len(known)).only(places), kept


def _computed(question: Question, attributes: Sequence[Attribute]) -> pa.Table:
    """Numbers of the cells that the filter keeps, and their values of attributes that were not counted by."""
    cell = Input(name=_CELL, expression=column_expression(_CELL), text="cell")
    measure = Measure(parts=((_CELL, column_expression(_CELL)),), inputs=(cell,))
    records = question.records
    texts = records.missing_values
    query = CubeQuery(records, measure, attributes, None, question.where, texts)
    return records.engine.query(query.rows_sql())


def within(before: str | None, question: Question) -> str | None:
    """The filter of a question, within that of what was counted before."""
    own = to_text(question.where) if question.where is not None else None
    return f"({before}) AND ({own})" if before and own else before or own


def check_asked(
    counted: CountedRecords,
    units: tuple[str, ...],
    columns: str | Mapping[str, str] | None,
    missing_values: Sequence[str],
    weighting: Weighting = UNWEIGHTED,
) -> None:
    """Refuse what was settled when the records were counted, and is now asked for otherwise."""
    if units and sorted(units) != sorted(counted.units):
        now = ", ".join(counted.units) or "rows, each for itself"
        raise InputError(
            f"unit is {', '.join(units)}, but {counted.name} was counted with {now}.  Leave the unit out, or count "
            "the records again."
        )
    for what, asked, known in (
        ("weight", weighting.weight, counted.weight),
        ("stratum", weighting.stratum, counted.stratum),
    ):
        if asked is not None and asked != known:
            raise InputError(
                f"{what} is {asked}, but {counted.name} was counted with {known or f'no {what}'}.  Leave the {what} "
                "out, or count the records again."
            )
    if columns is not None:
        raise InputError(f"columns were read when {counted.name} was counted.  Give them there.")
    if tuple(missing_values) not in (MISSING_VALUES, counted.missing_values):
        raise InputError(
            f"Texts that mean missing were settled when {counted.name} was counted: "
            f"{', '.join(map(repr, counted.missing_values)) or 'none'}.  Give them there."
        )


def premises_of_counts(counted: CountedRecords, question: Question) -> tuple[Note, ...]:
    """What the cells say of what the question takes for granted."""
    own = [attribute for attribute in question.attributes if attribute not in counted.attributes]
    return read_premises(question.records, (), where=question.where, attributes=own, counted=True)


def counted_notes(counted: CountedRecords, question: Question, *, few: int = 0) -> tuple[Note, ...]:
    """What a reader must know of numbers that come from counts.

    Where few people are to be hidden, no number of rows is told: it was noted when nobody was hidden.
    """
    kept = f" where {counted.where}" if counted.where else ""
    notes = [
        Note(
            code="counted_before",
            text=f"The rows were not read: {without_folders(counted.name)} holds the counts of "
            f"{'the rows' if few else plural(counted.n_rows, 'row')} of {counted.read_from}{kept}.",
        )
    ]
    if question.where is not None and any(
        count for metric in counted.metrics for _, count in metric.cube.missing
    ):
        notes.append(
            Note(
                code="missing_not_filtered",
                text="Rows that lack what the metric or the unit needs are told for all that was counted, not for "
                "those of --where alone.",
            )
        )
    told = counted.told_notes
    shown = [note for note in told if not few or not re.search(r"\d", note.text)]
    if len(shown) < len(told):
        text = "Notes that tell numbers of rows are left out, since small groups are hidden."
        shown.append(Note(code="notes_left_out", text=text))
    return (*notes, *shown)
