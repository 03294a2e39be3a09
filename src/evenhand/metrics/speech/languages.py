"""Rules of languages: what each orthography leaves open, read from `languages.toml`."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_APOSTROPHES = "['’‘ʼʻ‛`´＇]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What one language adds to the `unicode` normaliser.

    Attributes
    ----------
    letters : Mapping
        One text for another, before case is folded.
    drop : tuple of (first, last)
        Code points that may be written or left out.
    keep : str
        Letters that the normaliser would rewrite.
    apostrophe : {'drop', 'split', 'within'}
        Deleted; a space between words; or, between letters, a letter.
    within : str
        The letters that an apostrophe must follow to be one; any, where empty.
    words : Mapping
        One phrase for another, after all else.
    source : str
        Where the rules stand.
    """

    letters: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[tuple[int, int], ...] = ()
    keep: str = ""
    apostrophe: str = "drop"
    within: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    def prepare(self) -> Callable[[str], str]:
        """Rewriting of a composed text before its case is folded."""
        parts: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = []
        if self.letters:
            letters = {_nfc(one): _nfc(other) for one, other in self.letters.items()}
            longest = sorted(letters, key=len, reverse=True)
            found = re.compile("|".join(map(re.escape, longest)))
            parts.append((found, lambda match: letters[match[0]]))
        if self.apostrophe == "split":
            parts.append((re.compile(rf"(?<=\w){_APOSTROPHES}(?=\w)"), " "))
        elif self.apostrophe == "within":
            before = f"[{self.within}]" if self.within else r"\w"
            after = "" if self.within else r"(?=\w)"
            parts.append((re.compile(rf"(?<={before}){_APOSTROPHES}{after}"), KEPT_APOSTROPHE))

        def rewrite(text: str) -> str:
            for pattern, other in parts:
                text = pattern.sub(other, text)
            return text

        return rewrite


#: Modifier letter triangular colon: a letter (Lm) that no orthography uses, so nothing else is read as it.
KEPT_APOSTROPHE = "\u02d0"


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@cache
def languages() -> Mapping[str, Language]:
    """Languages with rules of their own, by name."""
    path = Path(__file__).with_name("languages.toml")
    tables: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return {
        name: Language(**{**table, "drop": tuple(map(tuple, table.get("drop", ())))})
        for name, table in tables.items()
    }


def phrases(pairs: Mapping[str, str]) -> Callable[[str], str]:
    """Rewriting of whole words and phrases, the longest first; white space becomes one space.

    Examples
    --------
    >>> phrases({"going to": "gonna"})("i am going  to goingto")
    'i am gonna goingto'
    """
    longest: Sequence[str] = sorted(pairs, key=len, reverse=True)
    found = re.compile(r"(?<!\S)(?:" + "|".join(map(re.escape, longest)) + r")(?!\S)")

    def rewrite(text: str) -> str:
        return found.sub(lambda match: pairs[match[0]], " ".join(text.split()))

    return rewrite
