"""Transcripts scored: edit counts of every row, kept as columns beside its attributes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

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
_PREFIX = "evenhand:"


def edit_rate(
    numerator: Sequence[float], denominator: Sequence[float], *, tokens: str = "word"
) -> Builder:
    """Plan of a ratio of edit counts."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> Plan:
        scored = score_transcripts(metric, records, keep, where, tokens=tokens)
        measure = Measure(
            parts=tuple((name, column_expression(name)) for name in EDITS),
            inputs=tuple(
                Input(
                    name=name,
                    expression=column_expression(_PREFIX + name),
                    text=str(metric.given["reference"]),
                )
                for name in EDITS
            ),
            moments=Moments.COUNTS,
        )
        return Plan(
            records=scored, measure=measure, form=rate(numerator, denominator), proportion=False
        )

    return build


def score_transcripts(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None, *, tokens: str
) -> Records:
    """Score every transcript and keep the counts in a table of their own.

    A missing hypothesis is an empty transcript: the service said nothing, which is a failure and
    counts as deletions.  A missing reference cannot be scored and is counted as missing.
    """
    reference, hypothesis = (
        text_input(metric, name, records) for name in ("reference", "hypothesis")
    )
    kept = list(dict.fromkeys([*keep, *(columns_of(where) if where is not None else ())]))
    engine = DuckDBEngine()
    created = False
    for block in _blocks(records, kept, reference, hypothesis, where):
        counts = _count(block, str(metric.option("normalizer")), tokens)
        engine.register("block", _table(block, kept, counts))
        engine.execute(
            "INSERT INTO scored FROM block" if created else "CREATE TEMP TABLE scored AS FROM block"
        )
        created = True
        if records.progress:
            records.progress(block.num_rows)
    columns = tuple(column for column in records.columns if column.name in kept)
    columns += tuple(Column(name=_PREFIX + name, kind=Kind.INTEGER) for name in EDITS)
    return replace(records, engine=engine, source="scored", columns=columns, files=())


def _blocks(
    records: Records, kept: Sequence[str], reference: str, hypothesis: str, where: Predicate | None
) -> Iterator[pa.Table]:
    dialect = records.engine.dialect
    selected = [column_expression(name).sql(dialect) for name in kept]
    names = (("reference", reference), ("hypothesis", hypothesis))
    texts = {name: column_expression(column).sql(dialect) for name, column in names}
    selected += [f"COALESCE({column}, '') AS evenhand_{name}" for name, column in texts.items()]
    selected += [f"{texts['reference']} IS NULL AS evenhand_unknown"]
    condition = f" WHERE {to_expression(where).sql(dialect)}" if where is not None else ""
    waiting: list[pa.RecordBatch] = []
    schema: pa.Schema | None = None
    for batch in records.engine.batches(
        f"SELECT {', '.join(selected)} FROM {records.source}{condition}"
    ):
        schema = batch.schema
        waiting.append(batch)
        if sum(item.num_rows for item in waiting) >= BLOCK_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting or schema is None:
        query = f"SELECT {', '.join(selected)} FROM {records.source} LIMIT 0"
        yield pa.Table.from_batches(waiting) if waiting else records.engine.query(query)


def _count(block: pa.Table, normalizer: str, tokens: str) -> EditCounts:
    reference, hypothesis = (
        block[name].cast(pa.string()) for name in ("evenhand_reference", "evenhand_hypothesis")
    )
    return count_edits(reference, hypothesis, normalizer=normalizer, tokens=tokens, workers=THREADS)


def _table(block: pa.Table, kept: Sequence[str], counts: EditCounts) -> pa.Table:
    known = np.packbits(~block["evenhand_unknown"].to_numpy().astype(bool), bitorder="little")
    columns = {name: block[name] for name in kept}
    for name in EDITS:
        # From buffers: pa.array would import pandas where it is installed (0.6 s).
        buffers = [pa.py_buffer(known), pa.py_buffer(getattr(counts, name))]
        columns[_PREFIX + name] = pa.Array.from_buffers(pa.int32(), block.num_rows, buffers)
    return pa.table(columns)
