"""Phrases rewritten by a list of one-to-one correspondences: dialect, formality, misspellings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np

from evenhand.conditions.text.words import (
    Change,
    Span,
    Word,
    read_list,
    replaced,
    split_words,
)

_GAPS: Final = frozenset({" ", "\u00a0", "-"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """A list of correspondences.

    Attributes
    ----------
    into : mapping
        Each phrase as it is listed and what it becomes; the key is its words in lower case.
    open_senses : frozenset
        Phrases that mean something else too, so that rewriting them is ambiguous.
    longest : int
        Words of the longest phrase.
    """

    into: Mapping[tuple[str, ...], tuple[str, str]]
    open_senses: frozenset[tuple[str, ...]]
    longest: int


@cache
def read_phrases(
    file: str, source: str, target: str, *, where: tuple[str, str] | None = None
) -> Phrases:
    """Read correspondences from a list.

    Parameters
    ----------
    file : str
    source, target : str
        Columns: what is looked for, and what it becomes.
    where : tuple of str, optional
        A column and the value it must have.
    """
    rows = [row for row in read_list(file) if where is None or row[where[0]] == where[1]]
    into = {_key(row[source]): (row[source], row[target]) for row in rows}
    senses = frozenset(_key(row[source]) for row in rows if row.get("senses"))
    return Phrases(into=into, open_senses=senses, longest=max(map(len, into)))


def _key(phrase: str) -> tuple[str, ...]:
    return tuple(word.key for word in split_words(phrase))


@dataclass(frozen=True, slots=True)
class _Match:
    """A phrase in a text, and what to put there: `None` when its capitals are odd."""

    span: Span
    words: int
    new: str | None
    sure: bool


def rewrite(
    text: str,
    phrases: Phrases,
    *,
    share: float = 1.0,
    generator: np.random.Generator | None = None,
) -> Change:
    """Rewrite phrases, the longest first; a clitic (*'s*) stays at the last word.

    Parameters
    ----------
    text : str
    phrases : Phrases
    share : float
        Of the places found, how many are rewritten, to the nearest whole number; drawn.
    generator : numpy.random.Generator, optional
        Needed when `share` is below 1.
    """
    found = _find(text, phrases)
    count = round(share * len(found))
    if count < len(found):
        assert generator is not None
        chosen = np.sort(generator.choice(len(found), count, replace=False))
        found = [found[place] for place in chosen.tolist()]
    edits = {place.span: place.new for place in found if place.new is not None}
    return Change(
        text=replaced(text, edits),
        changed=len(edits),
        ambiguous=sum(place.new is not None and not place.sure for place in found),
        declined=len(found) - len(edits),
    )


def _find(text: str, phrases: Phrases) -> list[_Match]:
    words = split_words(text)
    found, place = [], 0
    while place < len(words):
        match = _longest(text, words[place : place + phrases.longest], phrases)
        if match:
            found.append(match)
        place += match.words if match else 1
    return found


def _longest(text: str, words: list[Word], phrases: Phrases) -> _Match | None:
    """The longest phrase that begins with the first of the words."""
    for length in range(len(words), 0, -1):
        run = words[:length]
        if not all(text[one.end : next_.start] in _GAPS for one, next_ in pairwise(run)):
            continue
        head, last = tuple(word.key for word in run[:-1]), run[-1]
        for end, suffix in ((last.key, ""), (last.stem_key, last.suffix)):
            key = (*head, end)
            if key in phrases.into:
                phrase = text[run[0].start : last.end - len(suffix)]
                new = _as_written(phrase, *phrases.into[key], suffix)
                return _Match((run[0].start, last.end), length, new, key not in phrases.open_senses)
    return None


def _as_written(phrase: str, source: str, target: str, suffix: str) -> str | None:
    """Target in the capitals of the phrase, or `None` when they are not those of a list or line."""
    phrase = " ".join(phrase.replace("’", "'").replace("-", " ").split())
    source = source.replace("-", " ")
    if phrase == source:
        return target + suffix
    if phrase == source[:1].upper() + source[1:]:
        return target[:1].upper() + target[1:] + suffix
    return target.upper() + suffix.upper() if phrase == source.upper() else None
