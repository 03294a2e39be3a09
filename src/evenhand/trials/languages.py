"""The language of an answer, by its letters and function words, and whether scorers were measured in it.

Words are data (`languages.toml`).
"""

import re
import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_WORD = re.compile(r"[^\W\d_][\w\u0900-\u097f']*")
_SHARE = 0.12  # of words that are function words of its language, at least
_LONG = 8  # words; so many without function words of a known language are in another
FEWEST_WORDS = 4  # from where on the language of a text in Latin letters can be told


@dataclass(frozen=True, slots=True)
class AnswerLanguage:
    """A language in which answers are told from others.

    `measured` says whether the scorers were measured in it; `thousands` are the marks that stand
    before three digits as thousands.
    """

    name: str
    letters: str
    words: frozenset[str]
    measured: bool
    thousands: str


@cache
def languages() -> tuple[AnswerLanguage, ...]:
    """All languages that can be told."""
    path = Path(__file__).with_name("languages.toml")
    return tuple(
        AnswerLanguage(
            name=name,
            letters=table.get("letters", "LATIN"),
            words=frozenset(table["words"].split()),
            measured=table.get("measured", False),
            thousands=table.get("thousands", ""),
        )
        for name, table in tomllib.loads(path.read_text("utf-8")).items()
    )


def letters_of(text: str) -> str:
    """Script of most letters; kana make a text Japanese, whatever its ideographs.

    Examples
    --------
    >>> letters_of("The answer"), letters_of("答案是B"), letters_of("42")
    ('LATIN', 'CJK', 'LATIN')
    """
    scripts: Counter[str] = Counter()
    for letter, times in Counter(text).items():
        if letter.isalpha():
            scripts[unicodedata.name(letter, "?").split()[0]] += times
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0:
        return "HIRAGANA"
    # A name in Latin letters does not make a text of it.
    others = [(count, name) for name, count in scripts.items() if name != "LATIN"]
    count, name = max(others, default=(0, "LATIN"))
    return name if 3 * count > scripts["LATIN"] else "LATIN"


def is_short(text: str) -> bool:
    """Whether a text has too few words for its language to be told by them."""
    return len(_WORD.findall(text)) < FEWEST_WORDS


@lru_cache(maxsize=1024)
def language_of(text: str) -> AnswerLanguage | None:
    """Language of a text; `None` where it is not known, or the text too short to tell.

    Examples
    --------
    >>> language_of("Die Antwort ist nicht in der Tabelle.").name
    'german'
    >>> language_of("Paris") is None, language_of("Katt sööb kala köögis hommikul vara.") is None
    (True, True)
    """
    plain = unicodedata.normalize("NFC", text.replace("’", "'")).lower()
    letters = letters_of(plain)
    known = [language for language in languages() if language.letters == letters]
    if letters == "CJK":
        return known[0]
    words = _WORD.findall(plain)
    if len(words) < FEWEST_WORDS:
        return None
    said = Counter(words)
    counts = [(sum(said[word] for word in each.words & said.keys()), each) for each in known]
    most, best = max(counts, key=lambda pair: pair[0], default=(0, None))
    return best if most >= _SHARE * len(words) and most else None


@lru_cache(maxsize=1024)
def is_outside(text: str) -> bool:
    """Whether a text is in a language in which the scorers were not measured.

    What is too short to tell, or holds little but formulas and names, is not outside.

    Examples
    --------
    >>> is_outside("Het antwoord is niet in de tabel."), is_outside("答えはBです")
    (True, True)
    >>> is_outside("The answer is in the table."), is_outside("x = 4")
    (False, False)
    """
    found = language_of(text)
    if found is not None:
        return not found.measured
    letters = letters_of(text)
    if not any(each.letters == letters and each.measured for each in languages()):
        return True
    return sum(len(word) > 1 for word in _WORD.findall(text)) >= _LONG
