"""Rows of a table for monitors: what each counts, in which groups it is, when it was, and which rows are in none."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes import build_cube
from evenhand.cubes.columns import coded_keys, floats_of
from evenhand.cubes.query import CubeQuery
from evenhand.deferred import compute
from evenhand.errors import InputError, NoRowError
from evenhand.groups import Attribute, where_clause
from evenhand.groups.partition import Key
from evenhand.metrics import Metric, MetricPlan
from evenhand.metrics.inputs import has_values
from evenhand.pages.numbers import tidy
from evenhand.questions.question import Question
from evenhand.records import Column, Kind, Records, dialect_of, find_column, suggestions
from evenhand.records.declarations import columns_option
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
_DAY = 86_400.0
#: Ways in which dates are often written.
_DATES = tuple(
    f"date:{day}{time}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%d.%m.%y", "%Y-%m-%d")
    for time in ("", " %H:%M", " %H:%M:%S", "T%H:%M:%SZ")
)
#: Name of the column that numbers the rows of a table as they lie.
_ROW = "evenhand_row"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Rows in the order in which they are taken in.

    Attributes
    ----------
    a, b : array
        Numerator and denominator of each row, as the metric counts them.
    values : tuple of tuples
        For each attribute the texts of its values; `None` where it is missing.
    codes : tuple of arrays
        For each attribute which of them a row has.
    time : array, optional
        Days since 1970, or the numbers of the column.
    unit, name : tuple of str, optional
        What is independent, and what the row is called.
    """

    a: Floats
    b: Floats
    values: tuple[tuple[str | None, ...], ...]
    codes: tuple[Integers, ...]
    time: Floats | None = None
    unit: tuple[str, ...] | None = None
    name: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.a)

    def take(self, places: Integers) -> "ScoredRows":
        """Some of the rows, or all in another order."""
        listed = places.tolist()
        return replace(
            self,
            a=self.a[places],
            b=self.b[places],
            codes=tuple(code[places] for code in self.codes),
            time=None if self.time is None else self.time[places],
            unit=None if self.unit is None else tuple(self.unit[i] for i in listed),
            name=None if self.name is None else tuple(self.name[i] for i in listed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Columns that are read besides the metric's and the groups'."""

    unit: str | None
    time: str | None
    name: str | None

    @property
    def columns(self) -> list[str]:
        """Those that there are, each once."""
        return list(dict.fromkeys(one for one in (self.unit, self.time, self.name) if one))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTable:
    """A table as it was read.

    Attributes
    ----------
    plan : MetricPlan, optional
        How the metric is computed; `None` where no row has what it needs.
    rows : ScoredRows
        Those that count, in the order of the table; without names, in that of their times.
    lacking : tuple of (str, int)
        How many rows lack each column that is needed.
    uncounted : tuple of str
        Names of rows that are in the table and do not count; empty without names.
    clock : str
        What times are, ``number`` or ``date``.
    """

    plan: MetricPlan | None
    rows: ScoredRows
    lacking: tuple[tuple[str, int], ...]
    uncounted: tuple[str, ...]
    clock: str


def text_of(attribute: Attribute, key: Key) -> str | None:
    """A value of an attribute as text, whichever type a file gave it: ``3`` and ``3.0`` are one, ``True`` is true."""
    label = attribute.label_for(key)
    if label is None:
        return None
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and np.isfinite(label):
        return str(tidy(label))
    return str(label)


def read_rows(question: Question, metric: Metric, extras: Extras) -> ReadTable:
    """Read the rows that the metric can use.

    Raises
    ------
    InputError
        Where the metric is no ratio of sums, or a column of times holds none.
    """
    records = question.records
    for name in extras.columns:
        find_column(name, records.columns)
    timed = extras.time is not None and _kind(question, extras.time)
    if records.engine.dialect != "duckdb" and not timed:
        raise InputError(
            f"{records.name} has no order of its own.  Name a column of times, for example --time finished_at"
        )
    plan = metric.plan(records, [*question.columns, *extras.columns], question.where)
    if not isinstance(plan.form, Ratio) or plan.measure.level:
        raise InputError(
            f"{metric.name} is no ratio of sums over rows, and only such are watched: error_rate, accuracy, mean, "
            "word_error_rate, false_negative_rate, …  See: evenhand metrics"
        )
    read = _numbered(plan.records) if records.engine.dialect == "duckdb" else plan.records
    query = CubeQuery(
        read,
        replace(plan.measure, few_values=False),
        question.attributes,
        [*extras.columns, *([_ROW] if read is not plan.records else [])],
        question.where,
        records.missing_values,
    )
    lacking = [(name, count) for name, count in _lacking(query, plan, question) if count]
    table = plan.records.engine.query(query.rows_sql())
    named = {column: name for name, column in query.units.items()}
    if _ROW in named:
        place = floats_of(table[named[_ROW]])
        if not bool((np.diff(place) > 0).all()):
            table = table.take(pa.array(np.argsort(place)))
    rows = _scored(table, question, plan.form, extras, named)
    clock = "number"
    if extras.time is not None:
        clock = "date" if pa.types.is_temporal(table[named[extras.time]].type) else clock
    return ReadTable(
        plan=plan,
        rows=rows,
        lacking=tuple(lacking),
        uncounted=_uncounted(records, extras.name, rows),
        clock=clock,
    )


def unlabelled(question: Question, metric: Metric, extras: Extras) -> ReadTable:
    """The rows of a table of which the metric can use none: counted by what they lack, and by their names."""
    records, none = question.records, tuple(() for _ in question.attributes)
    empty = np.zeros(0)
    rows = ScoredRows(
        a=empty,
        b=empty,
        values=none,
        codes=tuple(np.zeros(0, np.int64) for _ in none),
        time=None if extras.time is None else empty,
        unit=None if extras.unit is None else (),
        name=None if extras.name is None else (),
    )
    needed = [*sorted(metric.columns), *([extras.time] if extras.time else [])]
    lacks = next((name for name in needed if not has_values(records, name)), needed[0])
    kept = where_clause(question.where, records.engine.dialect)
    counted = records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}{kept}")
    return ReadTable(
        plan=None,
        rows=rows,
        lacking=((lacks, int(counted["n"][0].as_py())),),
        uncounted=_uncounted(records, extras.name, rows),
        clock="number",
    )


def _uncounted(records: Records, name: str | None, rows: ScoredRows) -> tuple[str, ...]:
    """Names of rows of the table that are not among those that count: without a label, or filtered."""
    if name is None:
        return ()
    column = dialect_of(records.engine.dialect).quoted(name)
    found = records.engine.query(
        f"SELECT DISTINCT {column} AS name FROM {records.source} WHERE {column} IS NOT NULL"
    )
    counted = set(rows.name or ())
    return tuple(one for one in _texts(found["name"]) if one not in counted)


def _numbered(records: Records) -> Records:
    """The table with the number of each row: a list of many texts in a query is a join, which keeps no order."""
    column = Column(name=_ROW, kind=Kind.INTEGER)
    numbered = f"(SELECT *, ROW_NUMBER() OVER () AS {_ROW} FROM {records.source}) AS numbered"
    return replace(records, source=numbered, columns=(*records.columns, column))


def _kind(question: Question, name: str) -> bool:
    column = find_column(name, question.records.columns)
    if column.kind is Kind.DATE or column.kind.numeric:
        return True
    if not has_values(question.records, name):
        raise NoRowError(f"No row of {question.records.name} has a value in {name!r}.")
    records, written = question.records, "date:%d/%m/%Y"
    if dialect_of(records.engine.dialect).tries_types and records.files:
        # Where a day and a month could be either way round, the person who types it decides.
        fitting = suggestions(records.engine, records.source, name, records.missing_values, _DATES)
        written = next(iter(fitting), written)
    own = dialect_of(records.engine.dialect).quoted(name)
    sample = str(records.engine.query(f"SELECT MIN({own}) AS v FROM {records.source}")["v"][0])
    raise InputError(
        f"{name} holds {column.kind} values such as {sample!r}, but --time needs dates or numbers.  If they are dates, "
        f"say how they are written: {columns_option(name, written)}"
    )


def _lacking(query: CubeQuery, plan: MetricPlan, question: Question) -> Iterator[tuple[str, int]]:
    """How many rows lack each column that is needed; rows that break the metric's rules are an error."""
    try:
        cube = build_cube(
            plan.records,
            plan.measure,
            (),
            where=question.where,
            missing_values=question.records.missing_values,
        )
    except NoRowError:
        return
    yield from cube.missing
    if not query.units:
        return
    inner = query.rows(query.measure.inputs)
    sums = [f"SUM(CASE WHEN {name} IS NULL THEN 1 ELSE 0 END) AS n_{name}" for name in query.units]
    found = plan.records.engine.query(f"SELECT {', '.join(sums)} FROM ({inner}) AS counted")
    for name, column in query.units.items():
        if column == _ROW:
            continue
        yield column, int(found[f"n_{name}"][0].as_py() or 0)


def _scored(
    table: pa.Table, question: Question, form: Ratio, extras: Extras, named: dict[str, str]
) -> ScoredRows:
    parts = [floats_of(table[f"s{i}"]) for i in range(len(form.numerator))]
    values, codes = [], []
    for i, attribute in enumerate(question.attributes):
        keys, own = coded_keys(table[f"a{i}"], attribute.name)
        texts = [text_of(attribute, key) for key in keys]
        place: dict[str | None, int] = {}
        mapped = np.array([place.setdefault(text, len(place)) for text in texts], np.int64)
        values.append(tuple(place))
        codes.append(mapped[own])
    rows = ScoredRows(
        a=_side(form.numerator, parts, table.num_rows),
        b=_side(form.denominator, parts, table.num_rows),
        values=tuple(values),
        codes=tuple(codes),
        time=None if extras.time is None else days_of(table[named[extras.time]], extras.time),
        unit=None if extras.unit is None else _texts(table[named[extras.unit]]),
        name=None if extras.name is None else _texts(table[named[extras.name]]),
    )
    counts = np.flatnonzero((rows.a != 0) | (rows.b != 0))
    rows = rows if len(counts) == len(rows) else rows.take(counts)
    if rows.time is None or rows.name is not None or bool((np.diff(rows.time) >= 0).all()):
        return rows  # rows that have names are put in order once it is known which of them hold
    return rows.take(np.argsort(rows.time, kind="stable"))


def _side(weights: Sequence[float], parts: Sequence[Floats], rows: int) -> Floats:
    total = np.zeros(rows)
    for weight, part in zip(weights, parts, strict=True):
        if weight:
            total = total + weight * part if weight != 1 else total + part
    return total


def _texts(column: pa.ChunkedArray) -> tuple[str, ...]:
    """Names as texts: numbers without a point where they are whole."""
    return tuple(
        str(tidy(value)) if isinstance(value, float) and np.isfinite(value) else str(value)
        for value in column.to_pylist()
    )


def days_of(column: pa.ChunkedArray, name: str) -> Floats:
    """Times as days since 1970 where they are dates, else the numbers as they are."""
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        moments = compute.cast(column, pa.timestamp("us", tz=getattr(kind, "tz", None)))
        return np.asarray(moments.cast(pa.int64()).to_numpy(), float) / (_DAY * 1e6)
    if pa.types.is_time(kind):
        raise InputError(
            f"{name} holds times of day without a date, whose order nobody knows.  Name a column of dates."
        )
    return floats_of(column)


def key_text(key: Sequence[str | None]) -> str:
    """A group's key as one text."""
    return json.dumps(list(key), ensure_ascii=False)
