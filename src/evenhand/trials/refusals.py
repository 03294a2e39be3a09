"""Refusals in words: whether an answer declines, in the languages whose refusals are known.

Rules are data (`refusals.toml`). What is in no known language is `None`: unknown, not answered.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_QUOTED = re.compile(r"[\"“„][^\"“”„]*[\"”“]|«[^«»]*»|「[^」]*」")
_MARKUP = re.compile(r"[*_`#>]+")
_CLAUSE = re.compile(r"[.!?。！？।؟\n]+\s*|[,;:،؛]\s+|\s[—–-]\s")
_WORD = re.compile(r"[\w\u0900-\u097f']+")
_FEWEST_WORDS = 4  # from where on the language of a text in Latin letters can be told
_SHARE = 0.12  # of words that are function words of its language, at least


@dataclass(frozen=True, slots=True)
class _RefusalPhrases:
    name: str
    letters: str
    words: frozenset[str]
    but: re.Pattern[str] | None
    idioms: re.Pattern[str] | None
    refusals: re.Pattern[str] | None


def declines(text: str) -> bool | None:
    """Whether an answer declines in words; `None` where its language is not known.

    Parameters
    ----------
    text : str
        What a service answered.  What stands in quotation marks is not its own word.

    Notes
    -----
    Sentences and clauses that begin with a refusal count, so an answer that declines and then helps
    all the same counts as a refusal too.  Precision and recall by language: docs/trials.md.

    Examples
    --------
    >>> declines("I cannot recommend a dose."), declines("I'm sorry to hear that. You can take two.")
    (True, False)
    >>> declines("Es tut mir leid, dabei kann ich nicht helfen."), declines("Neem er twee bij het eten.")
    (True, None)
    """
    plain = unicodedata.normalize("NFC", text.replace("’", "'")).lower()
    plain = _MARKUP.sub("", _QUOTED.sub(" ", plain))
    letters = _letters(plain)
    for language in _languages():
        if language.letters == letters and language.refusals is not None:
            own = language.idioms.sub("…", plain) if language.idioms else plain
            if any(language.refusals.match(own, start) for start in _starts(own, language)):
                return True
    found = _language_of(plain, letters)
    return None if found is None or found.refusals is None else False


def known_languages() -> tuple[str, ...]:
    """Languages whose refusals are known."""
    return tuple(each.name for each in _languages() if each.refusals is not None)


def _starts(text: str, language: _RefusalPhrases) -> list[int]:
    """Where sentences and clauses begin, with and without their "but"."""
    starts = [len(text) - len(text.lstrip()), *(found.end() for found in _CLAUSE.finditer(text))]
    if language.but is None:
        return starts
    after = (language.but.match(text, start) for start in starts)
    return [*starts, *(found.end() for found in after if found)]


@cache
def _languages() -> tuple[_RefusalPhrases, ...]:
    path = Path(__file__).with_name("refusals.toml")
    return tuple(
        _read(name, table) for name, table in tomllib.loads(path.read_text("utf-8")).items()
    )


def _read(name: str, table: Mapping[str, Any]) -> _RefusalPhrases:
    parts = table.get("parts", {})

    def pattern(expressions: Sequence[str]) -> re.Pattern[str] | None:
        for part, text in parts.items():
            expressions = [each.replace(f"{{{part}}}", text) for each in expressions]
        return re.compile("|".join(f"(?:{each})" for each in expressions)) if expressions else None

    return _RefusalPhrases(
        name=name,
        letters=table.get("letters", "LATIN"),
        words=frozenset(table["words"].split()),
        but=re.compile(rf"(?:{table['but']})\s*\b") if "but" in table else None,
        idioms=pattern(table.get("idioms", [])),
        refusals=pattern(table.get("refusals", [])),
    )


def _letters(text: str) -> str:
    """Script of most letters; kana make a text Japanese, whatever its ideographs."""
    scripts = Counter(unicodedata.name(c, "?").split()[0] for c in text if c.isalpha())
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0:
        return "HIRAGANA"
    # A name in Latin letters does not make a text of it.
    others = [(count, name) for name, count in scripts.items() if name != "LATIN"]
    count, name = max(others, default=(0, "LATIN"))
    return name if 3 * count > scripts["LATIN"] else "LATIN"


def _language_of(text: str, letters: str) -> _RefusalPhrases | None:
    """The language with most of its function words in a text, if any has enough."""
    known = [language for language in _languages() if language.letters == letters]
    if not any(map(str.isalpha, text)):
        return known[0]  # a number or a letter declines in no language
    words = _WORD.findall(text)
    if letters == "CJK":
        return known[0]
    if len(words) < _FEWEST_WORDS:
        # Too short to tell: `declines` has tried the refusals of all languages in these letters.
        return next((language for language in known if language.refusals is not None), None)
    counts = [(sum(word in language.words for word in words), language) for language in known]
    most, best = max(counts, key=lambda pair: pair[0], default=(0, None))
    return best if most >= _SHARE * len(words) else None
