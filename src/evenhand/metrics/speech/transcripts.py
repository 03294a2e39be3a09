"""Transcripts scored: edit counts of every row, kept as columns beside its attributes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from sqlglot import exp

from evenhand.cubes import Input, Measure, Moments
from evenhand.groups import Predicate, columns_of, to_expression
from evenhand.groups.predicate import column_expression
from evenhand.metrics.definition import Argument, Builder, Metric, Plan, Takes, rate
from evenhand.metrics.inputs import text_input
from evenhand.metrics.speech.alignment import EditCounts, count_edits
from evenhand.records import Column, DuckDBEngine, Kind, Records

REFERENCE = Argument(name="reference", takes=Takes.TEXT)
HYPOTHESIS = Argument(name="hypothesis", takes=Takes.TEXT)
NORMALIZER = Argument(
    name="normalizer",
    takes=Takes.CONSTANT,
    required=False,
    choices=("none", "basic", "english"),
    default="basic",
)
#: The counts, in the order of every form.
EDITS = ("hits", "substitutions", "deletions", "insertions")
# Rows scored at a time, and by how many threads.
BLOCK_ROWS = 1 << 17
THREADS = 2


def edit_rate(
    numerator: Sequence[float], denominator: Sequence[float], *, tokens: str = "word"
) -> Builder:
    """Plan of a ratio of edit counts."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> Plan:
        scored, names = score_transcripts(metric, records, keep, where, tokens=tokens)
        reference, hypothesis = (str(metric.given[name]) for name in ("reference", "hypothesis"))
        measure = Measure(
            parts=tuple((name, column_expression(name)) for name in EDITS),
            inputs=tuple(
                Input(name=name, expression=column_expression(column), text=reference)
                for name, column in names.items()
            ),
            moments=Moments.COUNTS,
            about=f"{tokens} edits from {reference} to {hypothesis}, normalizer {metric.option('normalizer')}",
        )
        form = rate(numerator, denominator)
        return Plan(records=scored, measure=measure, form=form, proportion=False)

    return build


def score_transcripts(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None, *, tokens: str
) -> tuple[Records, dict[str, str]]:
    """Score every transcript and keep the counts in a table of their own.

    A missing hypothesis is an empty transcript: the service said nothing, which is a failure and
    counts as deletions.  A missing reference cannot be scored and is counted as missing.

    Returns
    -------
    (scored, names)
        The table, and the column of each count in it.
    """
    texts = [text_input(metric, name, records) for name in ("reference", "hypothesis")]
    kept = list(dict.fromkeys([*keep, *(columns_of(where) if where is not None else ())]))
    # Names that no column of the table has.
    prefix = "evenhand:" + ":" * max(map(len, kept), default=0)
    names = {name: prefix + name for name in EDITS}
    engine = DuckDBEngine()
    statement = "CREATE TEMP TABLE scored AS FROM block"
    for block in _blocks(records, kept, texts, where):
        reference, hypothesis = (block.column(len(kept) + i).cast(pa.string()) for i in (0, 1))
        counts = count_edits(
            reference,
            hypothesis,
            normalizer=str(metric.option("normalizer")),
            tokens=tokens,
            workers=THREADS,
        )
        engine.register("block", _table(block, kept, names, counts))
        engine.execute(statement)
        statement = "INSERT INTO scored FROM block"
        if records.progress:
            records.progress(block.num_rows)
    columns = tuple(column for column in records.columns if column.name in kept)
    columns += tuple(Column(name=name, kind=Kind.INTEGER) for name in names.values())
    return replace(records, engine=engine, source="scored", columns=columns), names


def _blocks(
    records: Records, kept: Sequence[str], texts: Sequence[str], where: Predicate | None
) -> Iterator[pa.Table]:
    """Kept columns, reference, hypothesis, and whether the reference is missing; at least one block."""
    dialect = records.engine.dialect
    # Whole numbers have one spelling; a text stays as it is.
    reference, hypothesis = (
        exp.cast(column_expression(name), "VARCHAR").sql(dialect) for name in texts
    )
    selected = [column_expression(name).sql(dialect) for name in kept]
    selected += [f"COALESCE({text}, '')" for text in (reference, hypothesis)]
    selected += [f"{reference} IS NULL"]
    named = ", ".join(f"{text} AS c{i}" for i, text in enumerate(selected))
    condition = f" WHERE {to_expression(where).sql(dialect)}" if where is not None else ""
    waiting: list[pa.RecordBatch] = []
    for batch in records.engine.batches(f"SELECT {named} FROM {records.source}{condition}"):
        waiting.append(batch)
        if sum(item.num_rows for item in waiting) >= BLOCK_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting.clear()
    if waiting:
        yield pa.Table.from_batches(waiting)
    else:
        yield records.engine.query(f"SELECT {named} FROM {records.source} LIMIT 0")


def _table(
    block: pa.Table, kept: Sequence[str], names: Mapping[str, str], counts: EditCounts
) -> pa.Table:
    unknown = block.column(len(kept) + 2).to_numpy().astype(bool)
    known = np.packbits(~unknown, bitorder="little")
    columns = {name: block.column(i) for i, name in enumerate(kept)}
    for name, column in names.items():
        # From buffers: pa.array would import pandas where it is installed (0.6 s).
        buffers = [pa.py_buffer(known), pa.py_buffer(getattr(counts, name))]
        columns[column] = pa.Array.from_buffers(pa.int32(), block.num_rows, buffers)
    return pa.table(columns)
