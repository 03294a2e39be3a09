"""Transcripts of a table, in blocks of so many rows that scoring them at once pays."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from evenhand.groups import Predicate, where_clause
from evenhand.groups.predicate import column_expression
from evenhand.records import Kind, Records

_BLOCK_ROWS = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcripts:
    """What is read of a table whose transcripts are scored.

    Attributes
    ----------
    records : Records
    kept : sequence of str
        Columns that are kept beside the counts.
    texts : sequence of str
        Columns with references, and last the one with the hypothesis.
    where : Predicate, optional
        Rows that are read.
    """

    records: Records
    kept: Sequence[str]
    texts: Sequence[str]
    where: Predicate | None

    @property
    def sql(self) -> str:
        """Query of the kept columns and the texts, called ``c0 …``."""
        dialect = self.records.engine.dialect
        whole = {c.name for c in self.records.columns if c.kind is Kind.INTEGER}
        # Whole numbers have one spelling; texts, and lists of them, stay as they are.
        read = [
            exp.cast(column_expression(name), "VARCHAR")
            if name in whole
            else column_expression(name)
            for name in self.texts
        ]
        selected = [item.sql(dialect) for item in (*map(column_expression, self.kept), *read)]
        named = ", ".join(f"{text} AS c{i}" for i, text in enumerate(selected))
        return f"SELECT {named} FROM {self.records.source}{where_clause(self.where, dialect)}"

    def blocks(self) -> Iterator[pa.Table]:
        """Kept columns, references, hypothesis; at least one block."""
        empty = True
        for block in gathered(self.records.engine.batches(self.sql), _BLOCK_ROWS):
            empty = False
            yield block
        if empty:
            yield self.records.engine.query(f"SELECT * FROM ({self.sql}) AS asked LIMIT 0")


def gathered(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Batches put together, so that each block but the last has at least so many rows."""
    waiting: list[pa.RecordBatch] = []
    number = 0
    for batch in batches:
        waiting.append(batch)
        number += batch.num_rows
        if number >= rows:
            yield pa.Table.from_batches(waiting)
            waiting.clear()
            number = 0
    if waiting:
        yield pa.Table.from_batches(waiting)
