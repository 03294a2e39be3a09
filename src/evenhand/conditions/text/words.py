"""Words of a text, and what a rewriting of it reports.

Text between the words is never touched, so spaces, punctuation, emoji and other scripts stay
as they are; addresses, mentions and tags are not words.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Final

from evenhand.errors import InputError

_LETTER: Final = r"[^\W\d_][\u0300-\u036f]*"
_TOKEN: Final = re.compile(
    rf"""(?P<kept>(?:https?://|www\.)\S+ | \S+@\S+\.\w+ | [@\#]\w+ | \w*[\d_]\w*)
       | (?P<word>(?:{_LETTER})+(?:['’](?:{_LETTER})+)*)""",
    re.VERBOSE,
)
_SUFFIX: Final = re.compile(r"(.+?)(['’](?:s|d|ll|ve|re|m))$", re.IGNORECASE)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A rewritten text, with what was decided on the way.

    Attributes
    ----------
    text : str
    changed : int
        Places that were rewritten.
    ambiguous : int
        Of the decisions, those that English leaves open without understanding the sentence.
    declined : int
        Places that were recognised and left, because no word would be right.
    reversible : bool or None
        Whether rewriting the result the other way gives the first text back; `None` where there is
        no other way.
    """

    text: str
    changed: int = 0
    ambiguous: int = 0
    declined: int = 0
    reversible: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word and its place: ``text[start:end]``.

    `stem` is without a clitic (`'s`, `'ll`), which is `suffix`.
    """

    text: str
    start: int

    @property
    def end(self) -> int:
        """Index after its last character."""
        return self.start + len(self.text)

    @property
    def span(self) -> Span:
        """Its first index, and the one after its last."""
        return self.start, self.end

    @property
    def stem(self) -> str:
        """Word without its clitic."""
        match = _SUFFIX.match(self.text)
        return match[1] if match else self.text

    @property
    def suffix(self) -> str:
        """Clitic with its apostrophe, or nothing."""
        return self.text[len(self.stem) :]

    @property
    def key(self) -> str:
        """The whole word as word lists have it: lower case, plain apostrophe."""
        return plain(self.text)

    @property
    def stem_key(self) -> str:
        """The stem as word lists have it."""
        return plain(self.stem)


def plain(text: str) -> str:
    """Lower case with plain apostrophes."""
    return text.lower().replace("’", "'")


def split_words(text: str) -> list[Word]:
    """Words in their order; what has a digit, and addresses, mentions and tags, are left out.

    Examples
    --------
    >>> [word.text for word in split_words("He's in b4 @him, her_x or www.her.org")]
    ["He's", 'in', 'or']
    """
    found = _TOKEN.finditer(text)
    return [Word(text=m["word"], start=m.start()) for m in found if m["word"] is not None]


def with_case_of(model: str, word: str) -> str | None:
    """Word written as the model is: lower, Capitalised or UPPER; `None` for any other mixture.

    Examples
    --------
    >>> with_case_of("HIS", "her"), with_case_of("He", "she"), with_case_of("hE", "she")
    ('HER', 'She', None)
    """
    if model.islower():
        return word
    if model[:1].isupper() and (model[1:].islower() or len(model) == 1):
        return word[:1].upper() + word[1:]
    return word.upper() if model.isupper() else None


def replaced(text: str, edits: Mapping[Span, str]) -> str:
    """Text with each span of `edits` replaced, and ``a`` or ``an`` made to agree before it.

    Agreement is restored only where the text had it, so a slip of the writer stays.
    """
    chosen = dict(edits)
    by_start = {start: (end, new) for (start, end), new in edits.items()}
    for before, word in pairwise(split_words(text)):
        gap = text[before.end : word.start]
        if before.key not in {"a", "an"} or word.start not in by_start or not gap.isspace():
            continue
        first = split_words(by_start[word.start][1])
        wanted = article_of(first[0].text) if first else before.key
        if before.key == article_of(word.text) and wanted != before.key:
            chosen.setdefault(before.span, _article_as(before.text, wanted))
    parts, place = [], 0
    for (start, end), new in sorted(chosen.items()):
        parts += [text[place:start], new]
        place = end
    return "".join([*parts, text[place:]])


def _article_as(model: str, article: str) -> str:
    """Article as the model is written; ``A`` may begin a sentence or shout, so it is capitalised."""
    if model == "AN":
        return article.upper()
    return article.capitalize() if model[0].isupper() else article


def article_of(word: str) -> str:
    """``a`` or ``an``, by the first letter and two short lists of exceptions.

    Examples
    --------
    >>> article_of("actress"), article_of("Heiress"), article_of("European"), article_of("boy")
    ('an', 'an', 'a', 'a')
    """
    key = plain(word)
    if key in words_of_class("a_despite_vowel"):
        return "a"
    vowel = key[:1] in set("aeiouéáíóúàèìòùäöü") or key in words_of_class("an_despite_consonant")
    return "an" if vowel else "a"


@cache
def read_list(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a CSV file in this package's data, or of a file of the user's by its path.

    Raises
    ------
    InputError
        When the file is not there or is no table of text.
    """
    own = resources.files("evenhand.conditions") / "data" / name
    try:
        content = own.read_text("utf-8") if own.is_file() else Path(name).read_text("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{name}: {error.strerror or error}.  Give the path of a CSV file."
        ) from None
    except UnicodeDecodeError:
        raise InputError(
            f"{name} is not text in UTF-8.  Save it as CSV with that encoding."
        ) from None
    lines = list(csv.DictReader(content.splitlines()))
    short = [n for n, row in enumerate(lines, start=2) if None in row or None in row.values()]
    if short:
        raise InputError(f"{name} line {short[0]}: not as many fields as the first line names.")
    return tuple({key.strip(): value.strip() for key, value in row.items()} for row in lines)


@cache
def words_of_class(name: str) -> frozenset[str]:
    """Words of one class of ``english_words.csv``."""
    return frozenset(row["word"] for row in read_list("english_words.csv") if row["class"] == name)
