"""Refusals in words: whether an answer declines, in the languages whose refusals are known.

Rules are data (`refusals.toml`). What is in no known language is `None`: unknown, not answered.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evenhand.trials.languages import AnswerLanguage, is_short, language_of, languages, letters_of

_QUOTED = re.compile(r"[\"“„][^\"“”„]*[\"”“]|«[^«»]*»|「[^」]*」")
_MARKUP = re.compile(r"[*_`#>]+")
_CLAUSE = re.compile(r"[.!?。！？।؟\n]+\s*|[,;:،؛]\s+|[，；：]\s*|\s[—–-]\s")
_SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？।؟\n]")
_FEWEST_LETTERS = 14  # of a sentence that says more than sorry
_VOWELS = re.compile(
    "[\u064b-\u0652\u0640]"
)  # marks above and below Arabic letters, and their stretching


@dataclass(frozen=True, slots=True)
class _RefusalPhrases:
    name: str
    letters: str
    but: re.Pattern[str] | None
    idioms: re.Pattern[str] | None
    refusals: re.Pattern[str]
    openings: re.Pattern[str]
    salutations: re.Pattern[str]


def declines(text: str) -> bool | None:
    """Whether an answer declines in words; `None` where its language is not known, or in doubt.

    In doubt is a first sentence that denies something in the first person that no rule knows: "I can't
    promise sunshine" as well as "I can't rank these people".

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
    plain = _plain(text)
    letters, doubt = letters_of(plain), False
    for language in _known():
        if language.letters == letters:
            own = language.idioms.sub("…", plain) if language.idioms else plain
            starts = _starts(own, language)
            if any(language.refusals.match(own, start) for start in starts):
                return True
            doubt = doubt or _opens(own, language, starts)
    return None if doubt or not _is_known(plain, letters) else False


def in_known_language(text: str) -> bool:
    """Whether a refusal would have been looked for in an answer: its language is known, or it is short.

    Examples
    --------
    >>> in_known_language("I can't promise sunshine."), in_known_language("Neem er twee bij het eten.")
    (True, False)
    """
    plain = _plain(text)
    return _is_known(plain, letters_of(plain))


def _plain(text: str) -> str:
    """What a service says in its own words, in small letters without markup."""
    return _MARKUP.sub("", _QUOTED.sub(" ", _bare(text.replace("’", "'")).lower()))


def _opens(text: str, language: _RefusalPhrases, starts: Sequence[int]) -> bool:
    """Whether the first sentence of a text that is no letter may decline."""
    if language.salutations.match(text, starts[0]):
        return False
    end = _first_end(text)
    return any(language.openings.match(text, start) for start in starts if start < end)


def _bare(text: str) -> str:
    """A text in composed letters, without vowel marks that may be left out."""
    return _VOWELS.sub("", unicodedata.normalize("NFC", text))


def known_languages() -> tuple[str, ...]:
    """Languages whose refusals are known."""
    return tuple(each.name for each in _known())


def _is_known(text: str, letters: str) -> bool:
    """Whether a text without a refusal is in a language in which one would have been found."""
    if not any(map(str.isalpha, text)):
        return True  # a number or a letter declines in no language
    if is_short(text) and letters != "CJK":
        # Too short to tell: the refusals of all languages in these letters have been tried.
        return any(language.letters == letters for language in _known())
    found = language_of(text)
    return found is not None and found.measured


def _first_end(text: str) -> int:
    """Where the first sentence ends; an apology alone, or a no, is not yet one."""
    ends = [found.start() for found in _SENTENCE.finditer(text)] or [len(text)]
    return next((end for end in ends if end >= _FEWEST_LETTERS), ends[-1])


def _starts(text: str, language: _RefusalPhrases) -> list[int]:
    """Where sentences and clauses begin, with and without their "but"."""
    starts = [len(text) - len(text.lstrip()), *(found.end() for found in _CLAUSE.finditer(text))]
    if language.but is None:
        return starts
    after = (language.but.match(text, start) for start in starts)
    return [*starts, *(found.end() for found in after if found)]


@cache
def _known() -> tuple[_RefusalPhrases, ...]:
    path = Path(__file__).with_name("refusals.toml")
    spoken = {language.name: language for language in languages()}
    tables = tomllib.loads(_bare(path.read_text("utf-8"))).items()
    return tuple(_read(spoken[name], table) for name, table in tables)


def _read(language: AnswerLanguage, table: Mapping[str, Any]) -> _RefusalPhrases:
    parts = table.get("parts", {})

    def pattern(expressions: Sequence[str]) -> re.Pattern[str]:
        for part, text in parts.items():
            expressions = [each.replace(f"{{{part}}}", text) for each in expressions]
        return re.compile("|".join(f"(?:{each})" for each in expressions))

    return _RefusalPhrases(
        name=language.name,
        letters=language.letters,
        but=re.compile(rf"(?:{table['but']})\s*\b") if "but" in table else None,
        idioms=pattern(table["idioms"]) if "idioms" in table else None,
        refusals=pattern(table["refusals"]),
        openings=pattern(table["openings"]),
        salutations=re.compile(table["salutations"]),
    )
