"""The `unicode` normaliser: what is written otherwise, not said otherwise, in any script.

See docs/decisions/007-languages.md for each rule and its reason. Texts of plain ASCII never come
here. The others are folded one by one in C, then joined, and each code point is looked up in a
table that learns a character when it first meets it.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.metrics.speech.languages import KEPT_APOSTROPHE, Language, languages, phrases

_UNKNOWN: Final = np.uint32(0xFFFFFFFF)
_GONE: Final = np.uint32(0xFFFFFFFE)
_POINTS: Final = 0x110000
# Forms that are only drawn differently; runs, since a half-width kana and its voicing mark are one.
_DRAWN: Final = re.compile("[\ufb00-\ufdcf\ufdf0-\ufdff\ufe30-\ufeff\uff00-\uffef]+")


@cache
def rules() -> dict[str, Any]:
    """What `unicode_rules.toml` holds."""
    content: dict[str, Any] = tomllib.loads(
        Path(__file__).with_name("unicode_rules.toml").read_text("utf-8")
    )
    return content


class UnicodeNormalizer:
    """Normaliser of any text, with what one language adds."""

    def __init__(self, language: Language) -> None:
        self._prepare = (
            language.prepare() if language.letters or language.apostrophe != "drop" else None
        )
        self._rewrite = phrases(language.words) if language.words else None
        self._language = language
        # Some 4 MB a normaliser in use; pages of scripts that never occur are never touched.
        self._table = np.full(_POINTS, _UNKNOWN)

    def __call__(self, texts: Sequence[str]) -> pa.StringArray:
        """Bring each text to its standard form."""
        folded = [self._fold(text) for text in texts]
        joined = "".join(folded)
        points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
        mapped = self._table[points]
        if (unknown := mapped == _UNKNOWN).any():
            for point in np.unique(points[unknown]).tolist():
                self._table[point] = self._rule(chr(point))
            mapped = self._table[points]
        kept = mapped != _GONE
        ends = np.cumsum([0, *map(len, folded)])
        ends = np.concatenate([[0], np.cumsum(kept)])[ends]
        array = _strings_of(mapped[kept], ends)
        if self._rewrite is None:
            return array
        rewritten = [self._rewrite(text) for text in array.to_pylist()]
        return pa.array(rewritten, pa.string())

    def _fold(self, text: str) -> str:
        """Composed and without case."""
        if _DRAWN.search(text):
            text = _DRAWN.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
        text = unicodedata.normalize("NFC", text)
        if self._prepare is not None:
            text = self._prepare(text)
        text = unicodedata.normalize("NFC", text.casefold())
        return text.replace("i\u0307", "i") if "\u0307" in text else text

    def _rule(self, character: str) -> np.uint32:
        """What becomes of a character: a code point, or `_GONE`."""
        point = ord(character)
        if any(first <= point <= last for first, last in self._language.drop):
            return _GONE
        if character in self._language.keep:
            return np.uint32(point)
        other = rules()["letters"].get(character)
        return np.uint32(ord(other)) if other else _by_category(character)


def _by_category(character: str) -> np.uint32:
    given, point = rules(), ord(character)
    category = unicodedata.category(character)
    if character == given["zero_width_space"]:
        return np.uint32(ord(" "))
    if (
        character in given["within_words"]
        or category in ("Cf", "Me")
        or _within(point, given["unseen"])
    ):
        return _GONE
    if category == "Nd":
        return np.uint32(ord("0") + unicodedata.digit(character))
    if category[0] == "P" and character not in given["spoken"]:
        return np.uint32(ord(" ")) if _parts(character, category) else _GONE
    # Braille is written in symbols.
    if category[0] == "S" and not 0x2800 < point <= 0x28FF:
        return _GONE
    return np.uint32(point)


def _parts(character: str, category: str) -> bool:
    """Whether a mark ends the word before it, so that it leaves a space."""
    if character.isascii():
        return character in rules()["parting"]
    if category in ("Pi", "Pf") or unicodedata.name(character, "").endswith("QUOTATION MARK"):
        return False
    wide = unicodedata.east_asian_width(character) in "WF"
    return not wide and not _within(ord(character), rules()["spaceless_marks"])


def _within(point: int, ranges: Sequence[Sequence[int]]) -> bool:
    return any(first <= point <= last for first, last in ranges)


def _strings_of(points: npt.NDArray[np.uint32], ends: npt.NDArray[np.int64]) -> pa.StringArray:
    """Arrow array of the texts whose code points stand one after the other."""
    sizes = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    offsets = np.concatenate([[0], np.cumsum(sizes)])[ends].astype(np.int32)
    data = (
        points.astype("<u4")
        .tobytes()
        .decode("utf-32-le", "surrogatepass")
        .encode("utf-8", "surrogatepass")
    )
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


@cache
def unicode_normalizer(language: str | None = None) -> Callable[[Sequence[str]], pa.StringArray]:
    """The normaliser of a language, or of none, which learns as it goes."""
    return UnicodeNormalizer(Language() if language is None else languages()[language])


def is_bytewise(language: str | None) -> bool:
    """Whether a language has no rule about ASCII, so that ASCII texts may be read as bytes."""
    if language is None:
        return True
    known = languages()[language]
    return (
        not known.words and known.apostrophe == "drop" and not any(map(str.isascii, known.letters))
    )


assert unicodedata.category(KEPT_APOSTROPHE) == "Lm"
