"""Confusion pairs: which word was heard for which, and how often, by group."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from rapidfuzz.distance import Levenshtein

from evenhand.errors import InputError
from evenhand.groups import parse_predicate
from evenhand.metrics.inputs import text_input
from evenhand.metrics.speech.blocks import Transcripts
from evenhand.metrics.speech.normalizers import strings
from evenhand.metrics.speech.preparation import preparation, read_equivalents
from evenhand.metrics.speech.wer import WER
from evenhand.records import MISSING_VALUES, Records, check_key, find_column, open_records

Value = str | int | float | bool | None
#: Group, word said, word heard.
_Pair = tuple[tuple[Value, ...], str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionPair:
    """A word of the references and what was heard for it.

    Attributes
    ----------
    group : tuple
        Values of the columns that groups are told apart by; empty where there are none.
    said, heard : str or None
        The two words, normalised; `None` for `said` where a word was added, for `heard` where it was lost.
    count : int
        How often.
    occurrences : int
        How often the word was said to this group's transcripts in all; 0 where it was added.
    """

    group: tuple[Value, ...]
    said: str | None
    heard: str | None
    count: int
    occurrences: int

    @property
    def share(self) -> float | None:
        """Share of the word's occurrences that were heard so; `None` where it was added."""
        return self.count / self.occurrences if self.occurrences else None


def confusion_pairs(
    table: Any,
    reference: str,
    hypothesis: str,
    by: str | Sequence[str] = (),
    *,
    where: str | None = None,
    top: int = 20,
    **options: str,
) -> tuple[ConfusionPair, ...]:
    """The most frequent errors of words, of the whole table or of each group.

    The words and their alignment are those that `wer` counts, so that the pairs of all words add up to its
    substitutions, deletions and insertions.  A pair is what happened, not proof that a group is failed:
    for that audit `wer`.

    Parameters
    ----------
    table : str, Path or data frame
        As in `evenhand.audit`.
    reference, hypothesis : str
        Columns of text.  A missing hypothesis is an empty one; a row without reference is left out.
    by : str or sequence of str
        Columns whose values tell groups apart.
    where : str, optional
        Predicate; only rows that satisfy it are read.
    top : int
        How many pairs of each group.
    **options
        ``normalizer``, ``tokenizer`` and ``equivalents`` as `wer` takes them.

    Returns
    -------
    tuple of ConfusionPair
        Group by group, each with its most frequent pairs first; ties by the words.

    Raises
    ------
    InputError
        For a column or an option that does not exist.

    Examples
    --------
    >>> table = pa.table({"said": ["call the ward", "call me"], "heard": ["tall the", "tall me now"]})
    >>> [(pair.said, pair.heard, pair.count) for pair in confusion_pairs(table, "said", "heard")]
    [('call', 'tall', 2), ('ward', None, 1), (None, 'now', 1)]
    """
    if not isinstance(top, int) or isinstance(top, bool) or top < 1:
        raise InputError(f"top is {top!r}, but must be a whole number of at least 1.")
    taken = ("normalizer", "tokenizer", "equivalents")
    if unknown := [name for name in options if name not in taken]:
        raise InputError(f"{unknown[0]} is no option here.  Allowed: {', '.join(taken)}")
    metric = WER(reference, hypothesis, **options)
    records = open_records(table, missing_values=MISSING_VALUES)
    try:
        names = [by] if isinstance(by, str) else list(by)
        for name in names:
            check_key(find_column(name, records.columns))
        texts = [text_input(metric, name, records) for name in ("reference", "hypothesis")]
        kept = parse_predicate(where, records.columns, label="where") if where else None
        file, normalizer = metric.option("equivalents"), str(metric.option("normalizer"))
        prepare = preparation(
            normalizer=normalizer,
            tokenizer=str(metric.option("tokenizer")),
            equivalents=read_equivalents(str(file), normalizer) if file is not None else {},
        )
        pairs: Counter[_Pair] = Counter()
        words: Counter[tuple[tuple[Value, ...], str]] = Counter()
        asked = Transcripts(records=records, kept=names, texts=texts, where=kept)
        for block in asked.blocks():
            for group, said, heard in _rows(block, len(names), prepare):
                words.update((group, word) for word in said)
                pairs.update(_errors(group, said, heard))
    finally:
        _close(records, table)
    return _sorted(pairs, words, top)


def _close(records: Records, table: Any) -> None:
    if records.engine is not getattr(table, "engine", None):
        records.close()


def _rows(
    block: pa.Table, groups: int, prepare: Any
) -> Iterator[tuple[tuple[Value, ...], list[str], list[str]]]:
    block = block.filter(block.column(groups).is_valid())
    columns = [block.column(i).to_pylist() for i in range(groups)]
    said, heard = (
        prepare(strings([text or "" for text in block.column(groups + i).to_pylist()])).to_pylist()
        for i in range(2)
    )
    keys = zip(*columns, strict=True) if columns else iter([()] * len(said))
    for group, one, other in zip(keys, said, heard, strict=True):
        yield tuple(group), one.split(), other.split()


def _errors(group: tuple[Value, ...], said: Sequence[str], heard: Sequence[str]) -> Iterator[_Pair]:
    for edit in Levenshtein.editops(said, heard):
        yield (
            group,
            None if edit.tag == "insert" else said[edit.src_pos],
            None if edit.tag == "delete" else heard[edit.dest_pos],
        )


def _sorted(
    pairs: Counter[_Pair], words: Counter[tuple[tuple[Value, ...], str]], top: int
) -> tuple[ConfusionPair, ...]:
    found: list[ConfusionPair] = []
    for chosen in sorted({group for group, *_ in pairs}, key=str):
        own = [
            ConfusionPair(
                group=group,
                said=said,
                heard=heard,
                count=count,
                occurrences=words[(group, said)] if said is not None else 0,
            )
            for (group, said, heard), count in pairs.items()
            if group == chosen
        ]
        own.sort(key=lambda p: (-p.count, p.said is None, p.said or "", p.heard or ""))
        found += own[:top]
    return tuple(found)
