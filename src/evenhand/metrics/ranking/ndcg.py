"""NDCG: how near the order of a query's answers comes to the best order, discounted by rank.

One number a query: rows that share a `query` are its answers, and groups, units and filters must belong
to whole queries.  Answers of one score stand in no order, so that each counts as the mean of their places.
A query without anything relevant has no best order, and one that lacks a relevance or a score is not
known; both are counted as missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes import Input, Measure
from evenhand.errors import InputError, NoRowError
from evenhand.groups import Predicate, columns_of, where_clause
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.columns import number_column
from evenhand.metrics.definition import (
    Argument,
    Definition,
    Example,
    Metric,
    MetricPlan,
    Takes,
    rate,
)
from evenhand.metrics.inputs import class_column, number_input
from evenhand.records import Column, DuckDBEngine, Kind, Records
from evenhand.records.column_types import quoted

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    kept = list(dict.fromkeys([*keep, *(columns_of(where) if where is not None else ())]))
    answers = _read(metric, records, kept, where)
    table = answers.first.append_column("evenhand:ndcg", _column(_values(metric, answers)))
    engine = DuckDBEngine()
    engine.register("block", table)
    names = [*kept, "evenhand:ndcg" + ":" * max(map(len, kept), default=0)]
    renamed = ", ".join(
        f"{quoted(held)} AS {quoted(name)}"
        for held, name in zip(table.column_names, names, strict=True)
    )
    engine.execute(f"CREATE TEMP TABLE scored AS SELECT {renamed} FROM block")
    columns = tuple(column for column in records.columns if column.name in kept)
    number = Column(name=names[-1], kind=Kind.NUMBER)
    measure = Measure(
        parts=(("ndcg", column_expression("ndcg")), ("queries", literal(1))),
        inputs=(
            Input(
                name="ndcg",
                expression=column_expression(names[-1]),
                text=f"{metric.given['relevance']} of {metric.given['query']}",
            ),
        ),
        about=metric.text,
    )
    scored = replace(records, engine=engine, source="scored", columns=(*columns, number))
    return MetricPlan(records=scored, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answers:
    """Answers sorted by query; `first` has the kept columns of each query, `starts` its first answer."""

    first: pa.Table
    starts: Integers
    query: Integers
    relevance: Floats
    score: Floats


def _read(
    metric: Metric, records: Records, kept: Sequence[str], where: Predicate | None
) -> _Answers:
    dialect = records.engine.dialect
    relevance, score = (number_input(metric, n, records)[0] for n in ("relevance", "score"))
    query = class_column(str(metric.given["query"]), records)
    numbers_read = (relevance.expression, score.expression)
    selected = [*map(column_expression, kept), query, *numbers_read]
    named = ", ".join(f"{item.sql(dialect)} AS c{i}" for i, item in enumerate(selected))
    kept_rows = where_clause(where, dialect)
    table = records.engine.query(f"SELECT {named} FROM {records.source}{kept_rows}")
    place = f"c{len(kept)}"
    table = table.filter(table[place].is_valid())
    if not table.num_rows:
        raise NoRowError(f"There is nothing to measure: no row of {records.name} has a query.")
    codes = table[place].combine_chunks().dictionary_encode()
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    code = codes.indices.to_numpy().astype(np.int64)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    rows = table.take(number_column(order))
    _check_whole(metric, rows, starts, kept)
    numbers = [np.asarray(rows[f"c{len(kept) + i}"].to_numpy(), dtype=float) for i in (1, 2)]
    _check_numbers(metric, numbers)
    return _Answers(
        first=rows.take(number_column(starts)).select(range(len(kept))),
        starts=starts,
        query=code[order],
        relevance=numbers[0],
        score=numbers[1],
    )


def _check_whole(metric: Metric, rows: pa.Table, starts: Integers, kept: Sequence[str]) -> None:
    """Refuse a column that is not the same in all answers of a query."""
    for place, name in enumerate(kept):
        column = rows[f"c{place}"].combine_chunks().dictionary_encode(null_encoding="encode")
        codes = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        code = codes.indices.to_numpy().astype(np.int64)
        own = np.repeat(code[starts], np.diff(np.append(starts, len(code))))
        other = np.flatnonzero(code != own)
        if len(other):
            asked = rows[f"c{len(kept)}"][int(other[0])].as_py()
            raise InputError(
                f"{metric.name} is one number a query, but query {asked!r} has several values of {name!r}.  Group, "
                "filter and name units by what belongs to a whole query; where they are several rankings, give each a "
                "name of its own."
            )


def _check_numbers(metric: Metric, numbers: Sequence[Floats]) -> None:
    if np.isinf(numbers[0]).any() or np.isinf(numbers[1]).any():
        raise InputError(
            f"{metric.name}: relevance and score must be finite numbers, and one is infinite."
        )
    if np.nanmin(numbers[0], initial=0.0) < 0:
        raise InputError(
            f"{metric.name}: `{metric.given['relevance']}` is {np.nanmin(numbers[0]):g}, but a relevance is a number "
            "of at least 0."
        )


def _values(metric: Metric, answers: _Answers) -> Floats:
    """NDCG of each query; NaN where nothing is relevant, or something is not known."""
    k = metric.option("k")
    if k is not None and (not isinstance(k, int) or isinstance(k, bool) or k < 1):
        raise InputError(f"{metric.name}: k is {k!r}, but must be a whole number of at least 1.")
    gain = answers.relevance
    if metric.option("gain") == "exponential":
        gain = np.exp2(gain) - 1
    rank = np.arange(len(gain)) - np.repeat(
        answers.starts, np.diff(np.append(answers.starts, len(gain)))
    )
    discount = np.where(rank < (k or len(gain)), 1 / np.log2(rank + 2.0), 0.0)
    known = ~np.isnan(answers.relevance + answers.score)
    whole = np.logical_and.reduceat(known, answers.starts)
    gain, score = np.where(known, gain, 0.0), np.where(known, answers.score, 0.0)
    said = _discounted(answers, gain, score, discount)
    best = _discounted(answers, gain, gain, discount)
    out = np.full(len(best), np.nan)
    np.divide(said, best, out=out, where=whole & (best > 0))
    return np.asarray(np.minimum(out, 1.0), float)  # rounding


def _discounted(answers: _Answers, gain: Floats, score: Floats, discount: Floats) -> Floats:
    """Sum of the discounted gains of each query in the order of a score."""
    order = np.lexsort((-score, answers.query))
    gain, score, query = gain[order], score[order], answers.query[order]
    # Answers of one score share their mean gain (McSherry & Najork 2008).
    ties = np.flatnonzero((np.diff(score, prepend=np.nan) != 0) | (np.diff(query, prepend=-1) != 0))
    sizes = np.diff(np.append(ties, len(gain)))
    shared = np.repeat(np.add.reduceat(gain, ties) / sizes, sizes)
    return np.asarray(np.add.reduceat(shared * discount, answers.starts), float)


def _column(values: Floats) -> pa.Array:
    return number_column(values, ~np.isnan(values))


NDCG = Definition(
    name="ndcg",
    definition="mean over queries of (discounted gain / discounted gain in the best order)",
    arguments=(
        Argument(name="relevance", takes=Takes.NUMBER),
        Argument(name="score", takes=Takes.NUMBER),
        Argument(name="query", takes=Takes.CLASS),
        Argument(
            name="k",
            takes=Takes.CONSTANT,
            required=False,
            means="a whole number: of how many places; all where not given",
        ),
        Argument(
            name="gain",
            takes=Takes.CONSTANT,
            required=False,
            choices=("linear", "exponential"),
            default="linear",
        ),
    ),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={
            "relevance": [3, 0, 1, 0, 1],
            "score": [0.2, 0.9, 0.5, 0.4, 0.3],
            "query": ["a", "a", "a", "b", "b"],
        },
        value=((1 / np.log2(3) + 3 / np.log2(4)) / (3 + 1 / np.log2(3)) + (1 / np.log2(3)) / 1) / 2,
    ),
    source="Järvelin & Kekäläinen (2002), doi:10.1145/582415.582418; ties: McSherry & Najork (2008), "
    "doi:10.1007/978-3-540-78646-7_38",
    in_points=False,
    joins="query",
)
