"""Edit counts of every transcript, kept as columns beside its attributes: made here, or where the rows lie."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

import numpy as np
import pyarrow as pa

from evenhand.errors import InputError, Note
from evenhand.metrics.definition import Metric
from evenhand.metrics.speech.blocks import Transcripts, gathered
from evenhand.metrics.speech.preparation import read_equivalents
from evenhand.metrics.speech.sample import MOST_ROWS, WHOLE_ROWS
from evenhand.metrics.speech.scorer import Scorer
from evenhand.records import Column, DuckDBEngine, Kind, MappingEngine, Records

#: The counts, in the order of every form.
EDITS = ("hits", "substitutions", "deletions", "insertions")
# Threads that score on this machine; a cluster's worker has one core.
_THREADS = 2
# Rows that a worker scores at a time: what it holds is small, and a batch of its own is smaller still.
_WORKER_ROWS = 1 << 14

Watch = Callable[[Iterable[pa.Table]], Iterator[pa.Table]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How the transcripts of a block become counts beside what is kept of it.

    Attributes
    ----------
    scorer : Scorer
    kept : tuple of str
        Names of the first columns of a block.
    counts : tuple of str
        Names of the columns of `EDITS`, which no column of the table has.
    """

    scorer: Scorer
    kept: tuple[str, ...]
    counts: tuple[str, ...]

    def table(self, block: pa.Table) -> pa.Table:
        """What is kept of a block, and the counts; they are null where there is no reference."""
        *references, hypothesis = block.columns[len(self.kept) :]
        counts, known = self.scorer.score(references, hypothesis)
        bits = np.packbits(known, bitorder="little")
        columns = {name: block.column(i) for i, name in enumerate(self.kept)}
        for name, column in zip(EDITS, self.counts, strict=True):
            # From buffers: pa.array would import pandas where it is installed (0.6 s).
            buffers = [pa.py_buffer(bits), pa.py_buffer(getattr(counts, name))]
            columns[column] = pa.Array.from_buffers(pa.int32(), block.num_rows, buffers)
        return pa.table(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scored records, whose last columns are the counts; whether all texts were seen here; what to tell."""

    records: Records
    seen_whole: bool
    notes: tuple[Note, ...] = ()


def scoring_of(metric: Metric, kept: Sequence[str], tokens: str) -> Scoring:
    """How a metric scores.

    A missing hypothesis is an empty transcript: the service said nothing, which is a failure and
    counts as deletions.  A missing reference cannot be scored and is counted as missing.
    """
    takes = {argument.name for argument in metric.definition.arguments}
    given = {name: metric.option(name) for name in ("tokenizer", "markup") if name in takes}
    normalizer, file = str(metric.option("normalizer")), metric.option("equivalents")
    scorer = Scorer(
        normalizer=normalizer,
        tokens=tokens,
        tokenizer=str(given.get("tokenizer", "space")),
        marked=given.get("markup") == "sclite",
        equivalents=read_equivalents(str(file), normalizer) if file is not None else {},
        workers=_THREADS,
    )
    # Names that no column of the table has.
    prefix = "evenhand:" + ":" * max(map(len, kept), default=0)
    return Scoring(scorer=scorer, kept=tuple(kept), counts=tuple(prefix + name for name in EDITS))


def score(asked: Transcripts, scoring: Scoring, watch: Watch) -> Scored:
    """Score every transcript, where the rows lie if that can be; `watch` sees all texts, or a sample.

    What few rows hold is read here whole: so many are read of every table, to be scored otherwise.
    """
    engine = asked.records.engine
    if not isinstance(engine, MappingEngine):
        return Scored(
            records=score_here(asked.records, scoring, watch(asked.blocks())), seen_whole=True
        )
    rows = engine.query(f"SELECT COUNT(*) AS n FROM ({asked.sql}) AS asked")["n"][0].as_py()
    absent = "" if rows <= WHOLE_ROWS else _absent(engine, scoring)
    if rows <= WHOLE_ROWS or absent:
        told = (_fetched(rows, absent),) if absent else ()
        here = score_here(asked.records, scoring, watch(asked.blocks()))
        return Scored(records=here, seen_whole=True, notes=told)
    every = 1
    while -(-rows // every) > MOST_ROWS:
        every *= 2
    for _ in watch([engine.sample(asked.sql, 1 / every)]):
        pass
    return Scored(records=score_there(asked, engine, scoring), seen_whole=every == 1)


def score_here(records: Records, scoring: Scoring, blocks: Iterable[pa.Table]) -> Records:
    """Score blocks, at least one, into a table of this process."""
    engine = DuckDBEngine()
    statement = "CREATE TEMP TABLE scored AS FROM block"
    for block in blocks:
        engine.register("block", scoring.table(block))
        engine.execute(statement)
        statement = "INSERT INTO scored FROM block"
        if records.progress:
            records.progress(block.num_rows)
    return _scored(records, engine, "scored", scoring)


def score_there(asked: Transcripts, engine: MappingEngine, scoring: Scoring) -> Records:
    """A view of the table scored by the workers of a cluster, whenever it is read."""
    source = engine.map_batches(
        asked.sql, partial(score_batches, _alone(scoring)), kept=scoring.kept, counts=scoring.counts
    )
    return _scored(asked.records, engine, source, scoring)


def score_batches(scoring: Scoring, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score what a worker is given of a table."""
    for block in gathered(batches, _WORKER_ROWS):
        yield from scoring.table(block).combine_chunks().to_batches()


def try_batches(
    scoring: Scoring, wanted: str, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Whether a worker can score as this machine does: no rows if so, an error that says why if not."""
    for batch in batches:
        if (found := version("evenhand")) != wanted:
            raise InputError(f"there is evenhand {found}")
        text = pa.chunked_array([pa.array(["一", "a"], pa.string())])
        scoring.scorer.score([text], text)
        yield pa.RecordBatch.from_pydict({"tried": pa.array([1] * batch.num_rows, pa.int32())})


def _scored(
    records: Records, engine: DuckDBEngine | MappingEngine, source: str, scoring: Scoring
) -> Records:
    columns = tuple(column for column in records.columns if column.name in scoring.kept)
    columns += tuple(Column(name=name, kind=Kind.INTEGER) for name in scoring.counts)
    return replace(records, engine=engine, source=source, columns=columns)


def _alone(scoring: Scoring) -> Scoring:
    return replace(scoring, scorer=replace(scoring.scorer, workers=1))


def _absent(engine: MappingEngine, scoring: Scoring) -> str:
    """Why the workers of a cluster cannot score; empty where they can."""
    work = partial(try_batches, _alone(scoring), version("evenhand"))
    try:
        source = engine.map_batches("SELECT 1 AS c0", work, kept=(), counts=("tried",))
        engine.query(f"SELECT tried FROM {source}")
    except InputError as error:
        return str(error)
    return ""


def _fetched(rows: int, reason: str) -> Note:
    return Note(
        code="transcripts_fetched",
        text=f"{rows:,} rows were fetched and scored here, as the cluster's workers could not score them "
        f"({reason}).  To let rows stay there, install on every worker: "
        f"pip install 'evenhand=={version('evenhand')}'",
    )
