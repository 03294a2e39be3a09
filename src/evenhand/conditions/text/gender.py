"""Gendered words swapped, both ways at once: he and she, his and her, actor and actress.

Each word goes to its one counterpart, so a swap can be swapped back. Names are left (see `names`), and
so is what only meaning knows: *Lord*, *guys*, *pregnant*. A person must look at swapped prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from evenhand.conditions.text.pronouns import read_pronoun
from evenhand.conditions.text.words import (
    Change,
    Span,
    Word,
    plain,
    read_list,
    replaced,
    split_words,
    with_case_of,
    words_of_class,
)

ENGLISH: Final = ("american", "british")
#: The way back from these is not the same word, so they are no entries of the list.
_PLAIN: Final = {"him": "her", "hers": "his"}
#: Counterpart before a noun, and elsewhere.
_OPEN: Final = {"her": ("his", "him"), "his": ("her", "hers")}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenderTerms:
    """Counterparts: `swaps` both ways, `titles` only before a name."""

    swaps: Mapping[str, str]
    titles: Mapping[str, str]


@cache
def read_terms(english: str = "american") -> GenderTerms:
    """Counterparts of ``gender_terms.csv``; *mom* or *mum* goes with *dad*, as English has it."""
    swaps: dict[str, str] = {}
    titles: dict[str, str] = {}
    listed = read_list("gender_terms.csv")
    # Words with a way back are read first: mum becomes dad in America too, but dad becomes mom.
    for row in sorted(listed, key=lambda row: row["english"] not in {"", english}):
        masculine, feminine = row["masculine"], row["feminine"]
        into = titles if row["only_as"] == "title" else swaps
        into.setdefault(feminine, masculine)
        if row["way"] == "both":
            swaps.setdefault(masculine, feminine)
    return GenderTerms(swaps=swaps, titles=titles)


def swap_gender(text: str, *, english: str = "american") -> Change:
    """Swap each gendered word for its counterpart.

    Parameters
    ----------
    text : str
    english : {"american", "british"}
        Whether *dad* becomes *mom* or *mum*.

    Returns
    -------
    Change
        `ambiguous` counts *her* and *his* whose reading the words around do not settle; `declined`
        counts fixed phrases (*mother tongue*), odd capitals, *s/he*, and words that the body does not
        swap (*pregnant*, *beard*); `reversible` is tried out, by swapping back.

    Examples
    --------
    >>> swap_gender("She gave him her book, and HIS was hers.").text
    'He gave her his book, and HERS was his.'
    """
    there = _swap(text, english)
    back = _swap(there.text, english)
    return Change(
        text=there.text,
        changed=there.changed,
        ambiguous=there.ambiguous,
        declined=there.declined,
        reversible=back.text == text,
    )


def _swap(text: str, english: str) -> Change:
    words = split_words(text)
    fixed = _in_fixed_phrases(text, words)
    edits: dict[Span, str] = {}
    ambiguous = declined = 0
    for place, word in enumerate(words):
        counterpart, sure = _counterpart(text, words, place, english)
        if counterpart is None:
            declined += word.key in words_of_class("bodily")
            continue
        whole = word.key in read_terms(english).swaps or not word.suffix
        stem, suffix = (word.text, "") if whole else (word.stem, word.suffix)
        written = with_case_of(stem, counterpart)
        if written is None or place in fixed or _is_s_he(text, words, place):
            declined += 1
            continue
        shouted = suffix.upper() if word.text.isupper() else suffix
        edits[word.span] = written + shouted
        ambiguous += not sure
    return Change(
        text=replaced(text, edits), changed=len(edits), ambiguous=ambiguous, declined=declined
    )


def _counterpart(text: str, words: list[Word], place: int, english: str) -> tuple[str | None, bool]:
    """Word to put there, in lower case, and whether the words around settle it."""
    word = words[place]
    terms = read_terms(english)
    if word.key in _PLAIN:
        return _PLAIN[word.key], True
    if word.key in _OPEN:
        reading = read_pronoun(text, words, place)
        determiner, alone = _OPEN[word.key]
        return determiner if reading.determiner else alone, reading.sure
    key = word.key if word.key in terms.swaps else word.stem_key
    if key in terms.titles and _before_a_name(text, words, place):
        return terms.titles[key], True
    return terms.swaps.get(key), True


def _before_a_name(text: str, words: list[Word], place: int) -> bool:
    """Whether ``Miss`` or ``Mrs`` is a title: capitalised, with a capital after it."""
    if place + 1 == len(words) or not words[place].text[0].isupper():
        return False
    gap = text[words[place].end : words[place + 1].start]
    return gap.strip() in {"", "."} and words[place + 1].text[0].isupper()


def _is_s_he(text: str, words: list[Word], place: int) -> bool:
    """``s/he`` and ``(s)he`` are one word for both."""
    word = words[place]
    before = text[max(0, word.start - 3) : word.start].lower()
    return word.key == "he" and (before.endswith("s/") or before == "(s)")


@cache
def _fixed_phrases() -> frozenset[tuple[str, ...]]:
    rows = read_list("gender_fixed_phrases.csv")
    return frozenset(tuple(row["phrase"].split()) for row in rows)


def _in_fixed_phrases(text: str, words: list[Word]) -> set[int]:
    """Places of words that belong to a phrase such as *mother tongue* or *man-made*."""
    found: set[int] = set()
    for length in {len(phrase) for phrase in _fixed_phrases()}:
        for place in range(len(words) - length + 1):
            run = words[place : place + length]
            near = all(text[a.end : b.start] in {" ", "-", "‑"} for a, b in pairwise(run))
            if near and tuple(plain(word.text) for word in run) in _fixed_phrases():
                found.update(range(place, place + length))
    return found
