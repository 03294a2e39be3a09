"""The Whisper English text normaliser, exact and an order of magnitude faster.

Before a word error rate is taken, reference and hypothesis are brought to one spelling: "I've got
twenty-one colours" and "i have got 21 colors" then agree. Nearly every published English word error
rate since 2022 rests on these rules, so they are followed to the letter, oddities included.

How it is fast: nearly every rule looks no further than one *chunk*, a stretch of text without white
space. What a chunk becomes is worked out once and remembered. The few rules that look at neighbours
(numbers above all) leave a mark in what is remembered: `#` before a word that must be read together
with its neighbours, `#!` for a chunk that can only be read within the whole text. The marks cannot
be mistaken for text, because the rules remove every `#` and `!` from it.

The spelling variants (`english_spellings.json`) and word lists (`english_rules.json`) are data of
OpenAI's Whisper, MIT licence, Copyright (c) 2022 OpenAI: see `english_spellings.NOTICE`.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from evenhand.metrics.speech.english_numbers import number_kinds, read_run, write_halves
from evenhand.metrics.speech.english_rules import compiled, rules, spellings

_REMEMBERED: Final = 1 << 17  # chunks; some 20 MB, more than the vocabulary of most corpora
_LONGEST_REMEMBERED: Final = 64  # characters: scripts without spaces make a chunk of a whole text


def normalize_english(texts: Sequence[str]) -> list[str]:
    """Bring English texts to the standard form of the Whisper evaluation.

    Lower case; asides in brackets, fillers ("um"), punctuation and diacritics dropped; contractions
    and titles written out; numbers, currencies and percentages in digits; American spelling.

    Parameters
    ----------
    texts : sequence of str
        Transcripts, of any length and content.

    Returns
    -------
    list of str
        One standard form for each text, in order. It may be empty, and in rare cases starts or ends
        with one space, as in the original.

    Raises
    ------
    TypeError
        If `texts` is one string rather than a sequence of them.

    Notes
    -----
    The output equals that of `EnglishTextNormalizer` in whisper-normalizer 0.1.15 on every input
    for which that has one: it raises on numerals beyond Python's limit of 4300 digits, which here
    stay as they are. General American contractions are forgiven ("gonna") and others are not
    ("finna"), so the choice of normaliser can itself move the differences between dialects.

    References
    ----------
    Radford et al. (2022), Robust Speech Recognition via Large-Scale Weak Supervision, appendix C,
    arXiv:2212.04356.

    Examples
    --------
    >>> normalize_english(["Um, I've got twenty-one colours!", "That's $5 [cough] and a half."])
    ['i have got 21 colors', 'that is $5 and a half']
    """
    if isinstance(texts, str):
        raise TypeError(f"texts is one string, {texts[:40]!r}; pass a sequence of them: [text]")
    standard_form = _chunks().__getitem__
    normalized = []
    for text in texts:
        marked = "".join(map(standard_form, text.split()))
        normalized.append(_settle(text, marked) if "#" in marked else marked[:-1])
    return normalized


# One chunk at a time

_PLAIN_WORD: Final = r"[\"“]?([A-Za-z]+)[,;:!?]?\.?[\"”]?"
_CLOSED_ASIDE: Final = r"[<\[][^][<>()]*[>\]]|\([^][<>()]+\)"
_OPENING: Final = r"[<[(]"
# White space before an apostrophe is dropped, so these may complete a word that came before: can 't
_SECOND_HALF: Final = r"'(?:t|s|all|ma|am)\b"


class _Chunks(dict[str, str]):
    """What each chunk becomes: its words in standard form, marked, each followed by a space."""

    def __missing__(self, chunk: str) -> str:
        plain = compiled(_PLAIN_WORD).fullmatch(chunk)
        if plain is None:
            form = _standard_form(chunk)
        elif (word := plain[1].lower()) != chunk:
            form = self[word]
        else:
            form = _mark(_whole_words().get(word, word))
        if len(self) >= _REMEMBERED:
            self.clear()
        if len(chunk) <= _LONGEST_REMEMBERED:
            self[chunk] = form
        return form


@cache
def _chunks() -> _Chunks:
    return _Chunks()


@cache
def _whole_words() -> dict[str, str]:
    """Map the words that are written out ("dr") or dropped ("um")."""
    return rules()["fillers"] | rules()["words"]


def _standard_form(chunk: str) -> str:
    spoken = _drop_asides(chunk)
    unclosed = compiled(_OPENING).search(compiled(_CLOSED_ASIDE).sub("", chunk))
    if unclosed or compiled(_SECOND_HALF).match(spoken):
        return "#! "
    return _mark(_write_out(spoken))


# Chunks with their neighbours

# What cannot be settled by reading runs of marked words: see `_standard_form`; "two and a half",
# read before the numbers; "he's been", which is "he has been" ("bee" as "been't" is "bee not").
# It may match a text in vain, at the cost of time; it must match whenever one of these is there.
_WHOLE_TEXT: Final = r"#!|and a #half|(?:is|would) #(?:bee|gone|done|got)"
_RUN: Final = r"#\S+ (?:#\S+ |and )*"
_STRAY_SYMBOL: Final = r"[.$¢€£]([^0-9])"
_STRAY_PERCENT: Final = r"([^0-9])%"
_SPACES: Final = r" {2,}"


def _settle(text: str, marked: str) -> str:
    """Read the marked words of `text` with their neighbours."""
    if compiled(_WHOLE_TEXT).search(marked):
        marked = _mark(write_halves(_write_out(_drop_asides(text))))
    settled = compiled(_RUN).sub(read_run, marked)[:-1]
    settled = compiled(_STRAY_SYMBOL).sub(r" \1", settled)
    settled = compiled(_STRAY_PERCENT).sub(r"\1 ", settled)
    return compiled(_SPACES).sub(" ", settled)


def _mark(text: str) -> str:
    return "".join(map(_mark_word, text.split()))


@lru_cache(maxsize=1 << 14)
def _mark_word(word: str) -> str:
    if word in _marked_words() or compiled(_MARKED).search(word):
        return f"#{word} "
    return f"{spellings().get(word, word)} "


# Anything with a digit or a symbol; the end of an ordinal ("1 st"); what follows "he's" or "and a".
_MARKED: Final = r"[\d.%$¢€£]|^(?:st|nd|rd|th|s)\b|^(?:bee|gone|done|got|half)"


@cache
def _marked_words() -> frozenset[str]:
    # A lone "and" is no number; within a run of marked words it is read along.
    return frozenset(number_kinds().keys() - {"and"})


# The rules on text, in their published order

_BRACKETED: Final = r"[<\[][^>\]]*[>\]]"
_PARENTHESISED: Final = r"\(([^)]+?)\)"
_SPACE_BEFORE_APOSTROPHE: Final = r"\s+'"
_COMMA_IN_NUMBER: Final = r"(\d),(\d)"
_FULL_STOP: Final = r"\.([^0-9]|$)"


def _drop_asides(text: str) -> str:
    """Drop what was not said, or is not a word: `[laughter]`, `(inaudible)`, um."""
    text = compiled(_BRACKETED).sub("", text.lower())
    text = compiled(_PARENTHESISED).sub("", text)
    return _rewrite(text, "fillers")


def _write_out(text: str) -> str:
    """Write out contractions and titles; drop punctuation, symbols and diacritics."""
    text = compiled(_SPACE_BEFORE_APOSTROPHE).sub("'", text)
    text = _rewrite(text, "words")
    if "'" in text:
        # One after another: "he'dn't" must be "he'd not" before it is "he would not".
        for part in ("perfect_tenses", "negations", "endings"):
            text = _rewrite(text, part)
    text = compiled(_COMMA_IN_NUMBER).sub(r"\1\2", text)
    text = compiled(_FULL_STOP).sub(r" \1", text)
    return unicodedata.normalize("NFKD", text).translate(_characters())


def _rewrite(text: str, part: str) -> str:
    replacements = rules()[part]
    return _rule_pattern(part).sub(lambda found: replacements[found[0]], text)


@cache
def _rule_pattern(part: str) -> re.Pattern[str]:
    start = r"\b" if part in {"fillers", "words"} else ""  # the others are ends of words
    return re.compile(rf"{start}(?:{'|'.join(rules()[part])})\b")


class _Characters(dict[int, str]):
    """Letters and digits as they are; marks, symbols and punctuation as a space or nothing."""

    def __missing__(self, codepoint: int) -> str:
        character = chr(codepoint)
        category = unicodedata.category(character)
        if category == "Mn":
            character = ""
        elif category[0] in "MSP":
            character = " "
        self[codepoint] = character
        return character


@cache
def _characters() -> _Characters:
    return _Characters(str.maketrans(rules()["characters"]))
