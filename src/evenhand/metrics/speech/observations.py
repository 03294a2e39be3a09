"""What was seen in the references that whoever reads an error rate must know."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from evenhand.deferred import compute
from evenhand.errors import Note
from evenhand.metrics.definition import Metric
from evenhand.metrics.speech.normalizers import normalize, strings
from evenhand.metrics.speech.scripts import INSTALL, spaceless

# Looking at every text would cost more than scoring it.
_LOOKED_AT = 1_000  # texts of a block, evenly
_ENOUGH = 200  # texts to tell whether a table is English
_SHARE = 0.05  # of the texts looked at, from where on a note is worth its room
_FEWEST_WORDS = 6  # from where on an English sentence without a function word is rare
_WORD = re.compile(r"[^\W\d_]+")


@cache
def _function_words() -> frozenset[str]:
    text = Path(__file__).with_name("english_function_words.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if line[:1] != "#" for word in line.split())


@dataclass(slots=True, kw_only=True)
class Observations:
    """Some references of a table that passed by; `texts` is the number of columns of text, the last ones."""

    texts: int
    _seen: list[str] = field(default_factory=list)

    def watch(self, blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Pass the blocks on, and look at some of their references."""
        for block in blocks:
            for column in block.columns[-self.texts : -1]:
                self._look(column)
            yield block

    def _look(self, column: pa.ChunkedArray) -> None:
        if pa.types.is_list(column.type):
            column = pa.chunked_array(
                [chunk.flatten() for chunk in column.chunks], column.type.value_type
            )
        is_ascii = compute.string_is_ascii(column).fill_null(True).to_numpy()
        # Apart, so that a small group in another script is seen.
        for rows in (np.flatnonzero(is_ascii), np.flatnonzero(~is_ascii)):
            some = rows[:: max(1, -(-len(rows) // _LOOKED_AT))]
            self._seen += column.take(pa.array(some)).drop_null().to_pylist()

    def notes(self, metric: Metric) -> tuple[Note, ...]:
        """Notes about the metric as it was asked for."""
        normalizer, texts = str(metric.option("normalizer")), self._seen
        found: list[Note] = []
        if metric.name != "cer" and metric.option("tokenizer") == "space":
            found += _about_spaces(metric, texts)
        if normalizer == "english":
            found += _about_english(texts)
        if normalizer in ("basic", "none"):
            found += _about_marks(normalizer, texts)
        return tuple(found)

    def look_english(self) -> bool:
        """Whether the texts are English, as far as `_is_not_english` can tell."""
        some = self._seen[:: max(1, len(self._seen) // _ENOUGH)]
        return bool(some) and sum(map(_is_not_english, some)) < _SHARE * len(some)


def _about_spaces(metric: Metric, texts: Sequence[str]) -> Iterator[Note]:
    seen: Counter[str] = spaceless(texts)
    if seen.total():
        names = " and ".join(sorted(name.replace("-", " ") for name in seen))
        yield Note(
            code="no_spaces_between_words",
            text=f"{metric.name} counts words, but {_some(seen.total(), texts)} are in {names}, which writes no "
            f"spaces between words: a whole sentence counts as one word.  Use cer, or "
            f"tokenizer='character', or tokenizer='icu' ({INSTALL}).",
        )


def _about_english(texts: Sequence[str]) -> Iterator[Note]:
    other = sum(map(_is_not_english, texts))
    if texts and other >= max(1, _SHARE * len(texts)):
        yield Note(
            code="not_english",
            text=f"normalizer='english' is made for English, but {_some(other, texts)} do not look English: it drops "
            "vowel signs, tones and accents, so errors in them are not counted, and rewrites words by English "
            "rules.  Use 'unicode', or the language.",
        )


def _is_not_english(text: str) -> bool:
    """Mostly in letters that are not Latin, or a long text without an English function word."""
    if not text.isascii():
        letters = [c for c in text[:200] if unicodedata.category(c)[0] in "LM"]
        latin = sum(c.isascii() or unicodedata.name(c, "").startswith("LATIN") for c in letters)
        if 2 * latin < len(letters):
            return True
    words = _WORD.findall(text.lower())
    return len(words) >= _FEWEST_WORDS and not _function_words().intersection(words)


def _about_marks(normalizer: str, texts: Sequence[str]) -> Iterator[Note]:
    beyond = [text for text in texts if not text.isascii()]
    if not beyond:
        return
    # What `basic` leaves and `unicode` does not, but for case.
    basic = normalize(strings(beyond), "basic").to_pylist()
    other = sum(map(_has_marks, basic))
    if other:
        what = "deletes ASCII punctuation only" if normalizer == "basic" else "changes nothing"
        yield Note(
            code="marks_count_as_errors",
            text=f"normalizer='{normalizer}' {what}, but {_some(other, texts)} hold other marks (“ ’ । ، 。) or "
            "accents that are not composed (NFD): each makes its word an error where a service writes it "
            "otherwise.  Use 'unicode'.",
        )


def _has_marks(text: str) -> bool:
    if not unicodedata.is_normalized("NFC", text):
        return True
    return any(unicodedata.category(c)[0] == "P" for c in text if not c.isascii())


def _some(number: int, texts: Sequence[str]) -> str:
    return f"{number:,} of the {len(texts):,} references looked at"
