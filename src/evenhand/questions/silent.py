"""Rows in which nothing was heard: without a transcript they count as empty ones, with every word wrong."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from evenhand.errors import Note
from evenhand.groups import IsNull, Predicate, to_text, where_clause
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics import Metric
from evenhand.pages.numbers import plural
from evenhand.records import Records

#: Codes of the note that rows without a transcript count as empty ones: many, and few.
TRANSCRIPTS_EMPTY, SOME_EMPTY = "transcripts_empty", "transcripts_some_empty"
#: So many are one row in this many.
_MANY = 10


def silent_rows(
    records: Records, metrics: Sequence[Metric], where: Predicate | None
) -> list[tuple[int, str, int]]:
    """Of metrics of transcripts the place, the column of what was heard, and how many rows with words lack it."""
    asked = {
        place: heard
        for place, metric in enumerate(metrics)
        if isinstance(heard := metric.given.get("hypothesis"), str)
    }
    if not asked:
        return []
    dialect = records.engine.dialect
    counts = []
    for place, heard in asked.items():
        silent: exp.Expr = exp.Is(this=column_expression(heard), expression=exp.Null())
        if isinstance(said := metrics[place].given.get("reference"), str):
            known = exp.Not(this=exp.Is(this=column_expression(said), expression=exp.Null()))
            silent = exp.and_(silent, known)
        one = exp.Case(ifs=[exp.If(this=silent, true=literal(1))], default=literal(0))
        counts.append(f"SUM({one.sql(dialect)}) AS n{place}")
    kept = where_clause(where, dialect)
    (row,) = records.engine.query(
        f"SELECT {', '.join(counts)} FROM {records.source}{kept}"
    ).to_pylist()
    return [(place, heard, int(row[f"n{place}"] or 0)) for place, heard in asked.items()]


def silent_notes(
    records: Records, metrics: Sequence[Metric], where: Predicate | None, *, few: int = 0
) -> Iterator[Note]:
    """Say of each column of transcripts in how many rows it has none, below the numbers where it is a few.

    Where fewer people than `few` are hidden it is not told how many.
    """
    told = {heard: number for _, heard, number in silent_rows(records, metrics, where) if number}
    if not told:
        return
    kept = where_clause(where, records.engine.dialect)
    counted = records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}{kept}")
    total = int(counted["n"][0].as_py())
    for heard, number in told.items():
        rows = "Rows" if few else plural(number, "row")
        count = "counts as an empty one" if rows == "1 row" else "count as empty ones"
        yield Note(
            code=TRANSCRIPTS_EMPTY if few or number * _MANY > total else SOME_EMPTY,
            text=f"{rows} without a transcript ({heard}) {count}, with every word wrong.  If these were never given "
            f"to the service, leave them out: --where '{to_text(IsNull(heard, negated=True))}'.",
        )
