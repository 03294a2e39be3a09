"""Metrics of transcripts: what is counted of the edits of every row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlglot import exp

from evenhand.cubes import Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate, columns_of
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
from evenhand.metrics.speech.blocks import Transcripts
from evenhand.metrics.speech.normalizers import NORMALIZERS
from evenhand.metrics.speech.observations import Observations
from evenhand.metrics.speech.sample import TranscriptSample
from evenhand.metrics.speech.scoring import EDITS, score, score_here, scoring_of
from evenhand.metrics.speech.scripts import TOKENIZERS
from evenhand.records import Kind, Records
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
        # One table is scored; of its rows some are kept to be scored otherwise.
        kept = list(dict.fromkeys([*keep, *(columns_of(where) if where is not None else ())]))
        sample, seen = TranscriptSample(texts=len(texts)), Observations(texts=len(texts))
        asked = Transcripts(records=records, kept=kept, texts=texts, where=where)

        def watch(blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
            return seen.watch(sample.watch(blocks))

        scored = score(asked, scoring_of(metric, kept, tokens), watch)
        sample.whole &= scored.seen_whole
        made = _plan(metric, scored.records, counted)

        def alternatives() -> tuple[Alternative, ...]:
            found = []
            for other in _others(metric, looks_english=seen.look_english()):
                plans = []
                for each in (metric, other):
                    again = score_here(
                        replace(records, progress=None),
                        scoring_of(each, kept, tokens),
                        sample.blocks(),
                    )
                    plans.append(_plan(each, again, counted))
                named, name = (str(each.option("normalizer")) for each in (metric, other))
                found.append(
                    Alternative(asked=named, other=name, as_asked=plans[0], otherwise=plans[1],
                                whole=sample.whole)
                )  # fmt: skip
            return tuple(found)

        return replace(made, notes=(*scored.notes, *seen.notes(metric)), alternatives=alternatives)

    return build


def _plan(metric: Metric, scored: Records, counted: _CountedWords) -> MetricPlan:
    names = dict(zip(EDITS, (column.name for column in scored.columns[-len(EDITS) :]), strict=True))
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
