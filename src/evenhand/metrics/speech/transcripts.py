"""Transcripts scored: edit counts of every row, kept as columns beside its attributes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from sqlglot import exp

from evenhand.cubes import Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate, columns_of, to_expression
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import (
    Alternative,
    Argument,
    Builder,
    Metric,
    MetricPlan,
    Takes,
    rate,
)
from evenhand.metrics.inputs import indicator, negation, text_input
from evenhand.metrics.speech.alignment import EditCounts
from evenhand.metrics.speech.normalizers import NORMALIZERS
from evenhand.metrics.speech.observations import Observations
from evenhand.metrics.speech.preparation import read_equivalents
from evenhand.metrics.speech.sample import TranscriptSample
from evenhand.metrics.speech.scorer import Scorer
from evenhand.metrics.speech.scripts import TOKENIZERS
from evenhand.records import Column, DuckDBEngine, Kind, Records
from evenhand.stats.forms import Form

REFERENCE = Argument(name="reference", takes=Takes.TEXT)
HYPOTHESIS = Argument(name="hypothesis", takes=Takes.TEXT)
NORMALIZER = Argument(
    name="normalizer",
    takes=Takes.CONSTANT,
    required=False,
    choices=NORMALIZERS,
    default="unicode",
)
TOKENIZER = Argument(
    name="tokenizer", takes=Takes.CONSTANT, required=False, choices=TOKENIZERS, default="space"
)
ALSO = Argument(
    name="also",
    takes=Takes.CONSTANT,
    required=False,
    means="names of columns with further references: `'said_2, said_3'`",
)
MARKUP = Argument(
    name="markup", takes=Takes.CONSTANT, required=False, choices=("none", "sclite"), default="none"
)
EQUIVALENTS = Argument(
    name="equivalents",
    takes=Takes.CONSTANT,
    required=False,
    means="a file of phrases that count as the same",
)
#: Arguments of the metrics of words, and of characters.
OF_WORDS = (REFERENCE, HYPOTHESIS, NORMALIZER, TOKENIZER, ALSO, MARKUP, EQUIVALENTS)
OF_CHARACTERS = (REFERENCE, HYPOTHESIS, NORMALIZER, ALSO, EQUIVALENTS)
#: The counts, in the order of every form.
EDITS = ("hits", "substitutions", "deletions", "insertions")
# Rows scored at a time, and by how many threads.
BLOCK_ROWS = 1 << 17
THREADS = 2


def edit_rate(
    numerator: Sequence[float], denominator: Sequence[float], *, tokens: str = "word"
) -> Builder:
    """Plan of a ratio of edit counts."""
    return edit_form(rate(numerator, denominator), tokens=tokens)


def edit_form(form: Form, *, tokens: str = "word") -> Builder:
    """Plan of a metric that is a function of the sums of edits."""
    parts = tuple((name, column_expression(name)) for name in EDITS)
    return _builder(_CountedWords(parts=parts, moments=Moments.COUNTS, form=form, tokens=tokens))


def wrong_rate() -> Builder:
    """Plan of the share of transcripts with any error."""
    errors: exp.Expr = column_expression(EDITS[1])
    for name in EDITS[2:]:
        errors = exp.Add(this=errors, expression=column_expression(name))
    wrong = exp.GT(this=exp.paren(errors), expression=literal(0))
    return _builder(
        _CountedWords(
            parts=(("wrong", indicator(wrong)), ("right", indicator(negation(wrong)))),
            moments=Moments.INDICATORS,
            form=rate((1, 0), (1, 1)),
            tokens="word",
            proportion=True,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CountedWords:
    """What is counted of the edits of each transcript."""

    parts: tuple[tuple[str, exp.Expr], ...]
    moments: Moments
    form: Form
    tokens: str
    proportion: bool = False


def _builder(counted: _CountedWords) -> Builder:
    tokens = counted.tokens

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        texts = [*_references(metric, records), text_input(metric, "hypothesis", records)]
        # One table is scored; of its blocks some rows are kept to be scored otherwise.
        kept = list(dict.fromkeys([*keep, *(columns_of(where) if where is not None else ())]))
        sample, seen = TranscriptSample(texts=len(texts)), Observations(texts=len(texts))
        blocks = seen.watch(sample.watch(read_blocks(records, kept, texts, where)))
        scored, names = score_transcripts(metric, records, kept, blocks, tokens=tokens)
        made = _plan(metric, scored, names, counted)

        def alternatives() -> tuple[Alternative, ...]:
            found = []
            for other in _others(metric, looks_english=seen.look_english()):
                plans = []
                for each in (metric, other):
                    again = score_transcripts(
                        each, replace(records, progress=None), kept, sample.blocks(), tokens=tokens
                    )
                    plans.append(_plan(each, *again, counted))
                asked, name = (str(each.option("normalizer")) for each in (metric, other))
                found.append(
                    Alternative(asked=asked, other=name, as_asked=plans[0], otherwise=plans[1],
                                whole=sample.whole)
                )  # fmt: skip
            return tuple(found)

        return replace(made, notes=seen.notes(metric), alternatives=alternatives)

    return build


def _plan(
    metric: Metric, scored: Records, names: Mapping[str, str], counted: _CountedWords
) -> MetricPlan:
    measure = Measure(
        parts=counted.parts,
        inputs=tuple(
            Input(
                name=name, expression=column_expression(column), text=str(metric.given["reference"])
            )
            for name, column in names.items()
        ),
        moments=counted.moments,
        about=_about(metric, counted.tokens),
    )
    return MetricPlan(
        records=scored, measure=measure, form=counted.form, proportion=counted.proportion
    )


def _others(metric: Metric, *, looks_english: bool) -> tuple[Metric, ...]:
    """The metric under another normaliser, to see whether a verdict depends on it."""
    own = metric.option("normalizer")
    english = ("english",) if looks_english else ()
    others = english if own == "unicode" else ("unicode",)
    return tuple(replace(metric, given={**metric.given, "normalizer": name}) for name in others)


def _about(metric: Metric, tokens: str) -> str:
    """What the counts are; cubes of the same words may be added."""
    reference, hypothesis = metric.given["reference"], metric.given["hypothesis"]
    about = (
        f"{tokens} edits from {reference} to {hypothesis}, normalizer {metric.option('normalizer')}"
    )
    others = [
        name for name in ("tokenizer", "also", "markup", "equivalents") if name in metric.given
    ]
    return about + "".join(f", {name} {metric.given[name]}" for name in others)


def score_transcripts(
    metric: Metric,
    records: Records,
    kept: Sequence[str],
    blocks: Iterable[pa.Table],
    *,
    tokens: str,
) -> tuple[Records, dict[str, str]]:
    """Score every transcript and keep the counts in a table of their own.

    A missing hypothesis is an empty transcript: the service said nothing, which is a failure and
    counts as deletions.  A missing reference cannot be scored and is counted as missing.

    Parameters
    ----------
    blocks : iterable of pa.Table
        The columns `kept`, those with references, and the hypothesis; at least one.

    Returns
    -------
    (scored, names)
        The table, and the column of each count in it.
    """
    # Names that no column of the table has.
    prefix = "evenhand:" + ":" * max(map(len, kept), default=0)
    names = {name: prefix + name for name in EDITS}
    engine, scorer = DuckDBEngine(), _scorer(metric, tokens)
    statement = "CREATE TEMP TABLE scored AS FROM block"
    for block in blocks:
        *references, hypothesis = block.columns[len(kept) :]
        counts, known = scorer.score(references, hypothesis)
        engine.register("block", _table(block, kept, names, counts, known))
        engine.execute(statement)
        statement = "INSERT INTO scored FROM block"
        if records.progress:
            records.progress(block.num_rows)
    columns = tuple(column for column in records.columns if column.name in kept)
    columns += tuple(Column(name=name, kind=Kind.INTEGER) for name in names.values())
    return replace(records, engine=engine, source="scored", columns=columns), names


def _scorer(metric: Metric, tokens: str) -> Scorer:
    takes = {argument.name for argument in metric.definition.arguments}
    given = {name: metric.option(name) for name in ("tokenizer", "markup") if name in takes}
    normalizer, file = str(metric.option("normalizer")), metric.option("equivalents")
    return Scorer(
        normalizer=normalizer,
        tokens=tokens,
        tokenizer=str(given.get("tokenizer", "space")),
        marked=given.get("markup") == "sclite",
        equivalents=read_equivalents(str(file), normalizer) if file is not None else {},
        workers=THREADS,
    )


def _references(metric: Metric, records: Records) -> list[str]:
    """Columns with right transcripts: text, or lists of texts."""
    name, also = metric.given["reference"], metric.option("also")
    further = [part.strip() for part in str(also).split(",")] if also is not None else []
    nested = {column.name for column in records.columns if column.kind is Kind.OTHER}
    found = []
    for column in (name, *further):
        if isinstance(column, str) and column in nested:
            _check_list(metric, column, records)
            found.append(column)
        else:
            bound = replace(metric, given={**metric.given, "reference": column})
            found.append(text_input(bound, "reference", records))
    return found


def _check_list(metric: Metric, column: str, records: Records) -> None:
    schema = records.engine.query(f"SELECT * FROM {records.source} LIMIT 0").schema
    # A frame's columns that no engine reads are not there at all.
    held = schema.field(column).type if column in schema.names else "nested values"
    if not (
        isinstance(held, pa.DataType)
        and pa.types.is_list(held)
        and pa.types.is_string(held.value_type)
    ):
        raise InputError(
            f"{metric.name}: {column!r} holds {held}.  A reference is a text, or a list of texts that are all right."
        )


def read_blocks(
    records: Records, kept: Sequence[str], texts: Sequence[str], where: Predicate | None
) -> Iterator[pa.Table]:
    """Kept columns, references, hypothesis; at least one block."""
    dialect = records.engine.dialect
    whole = {column.name for column in records.columns if column.kind is Kind.INTEGER}
    # Whole numbers have one spelling; texts, and lists of them, stay as they are.
    read = [
        exp.cast(column_expression(name), "VARCHAR") if name in whole else column_expression(name)
        for name in texts
    ]
    selected = [item.sql(dialect) for item in (*map(column_expression, kept), *read)]
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
    block: pa.Table,
    kept: Sequence[str],
    names: Mapping[str, str],
    counts: EditCounts,
    known: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> pa.Table:
    bits = np.packbits(known, bitorder="little")
    columns = {name: block.column(i) for i, name in enumerate(kept)}
    for name, column in names.items():
        # From buffers: pa.array would import pandas where it is installed (0.6 s).
        buffers = [pa.py_buffer(bits), pa.py_buffer(getattr(counts, name))]
        columns[column] = pa.Array.from_buffers(pa.int32(), block.num_rows, buffers)
    return pa.table(columns)
