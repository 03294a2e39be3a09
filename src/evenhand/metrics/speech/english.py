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

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

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
        plain = _compiled(_PLAIN_WORD).fullmatch(chunk)
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
    return _rules()["fillers"] | _rules()["words"]


def _standard_form(chunk: str) -> str:
    spoken = _drop_asides(chunk)
    unclosed = _compiled(_OPENING).search(_compiled(_CLOSED_ASIDE).sub("", chunk))
    if unclosed or _compiled(_SECOND_HALF).match(spoken):
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
    if _compiled(_WHOLE_TEXT).search(marked):
        marked = _mark(_write_halves(_write_out(_drop_asides(text))))
    settled = _compiled(_RUN).sub(_read_run, marked)[:-1]
    settled = _compiled(_STRAY_SYMBOL).sub(r" \1", settled)
    settled = _compiled(_STRAY_PERCENT).sub(r"\1 ", settled)
    return _compiled(_SPACES).sub(" ", settled)


def _mark(text: str) -> str:
    return "".join(map(_mark_word, text.split()))


@lru_cache(maxsize=1 << 14)
def _mark_word(word: str) -> str:
    if word in _marked_words() or _compiled(_MARKED).search(word):
        return f"#{word} "
    return f"{_spellings().get(word, word)} "


# Anything with a digit or a symbol; the end of an ordinal ("1 st"); what follows "he's" or "and a".
_MARKED: Final = r"[\d.%$¢€£]|^(?:st|nd|rd|th|s)\b|^(?:bee|gone|done|got|half)"


@cache
def _marked_words() -> frozenset[str]:
    # A lone "and" is no number; within a run of marked words it is read along.
    return frozenset(_number_kinds().keys() - {"and"})


# The rules on text, in their published order

_BRACKETED: Final = r"[<\[][^>\]]*[>\]]"
_PARENTHESISED: Final = r"\(([^)]+?)\)"
_SPACE_BEFORE_APOSTROPHE: Final = r"\s+'"
_COMMA_IN_NUMBER: Final = r"(\d),(\d)"
_FULL_STOP: Final = r"\.([^0-9]|$)"


def _drop_asides(text: str) -> str:
    """Drop what was not said, or is not a word: `[laughter]`, `(inaudible)`, um."""
    text = _compiled(_BRACKETED).sub("", text.lower())
    text = _compiled(_PARENTHESISED).sub("", text)
    return _rewrite(text, "fillers")


def _write_out(text: str) -> str:
    """Write out contractions and titles; drop punctuation, symbols and diacritics."""
    text = _compiled(_SPACE_BEFORE_APOSTROPHE).sub("'", text)
    text = _rewrite(text, "words")
    if "'" in text:
        # One after another: "he'dn't" must be "he'd not" before it is "he would not".
        for part in ("perfect_tenses", "negations", "endings"):
            text = _rewrite(text, part)
    text = _compiled(_COMMA_IN_NUMBER).sub(r"\1\2", text)
    text = _compiled(_FULL_STOP).sub(r" \1", text)
    return unicodedata.normalize("NFKD", text).translate(_characters())


def _rewrite(text: str, part: str) -> str:
    replacements = _rules()[part]
    return _rule_pattern(part).sub(lambda found: replacements[found[0]], text)


@cache
def _rule_pattern(part: str) -> re.Pattern[str]:
    start = r"\b" if part in {"fillers", "words"} else ""  # the others are ends of words
    return re.compile(rf"{start}(?:{'|'.join(_rules()[part])})\b")


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
    return _Characters(str.maketrans(_rules()["characters"]))


@cache
def _rules() -> dict[str, dict[str, Any]]:
    return _read_json("english_rules.json")


@cache
def _spellings() -> dict[str, str]:
    return _read_json("english_spellings.json")


def _read_json(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    return content


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile on first use: two dozen patterns would triple the time of importing."""
    return re.compile(pattern)


# Numbers

_AND_A_HALF: Final = r"\band\s+a\s+half\b"
_LETTER_DIGIT: Final = r"([a-z])([0-9])"
_DIGIT_LETTER: Final = r"([0-9])([a-z])"
_LOOSE_ENDING: Final = r"([0-9])\s+(st|nd|rd|th|s)\b"
_AND_CENTS: Final = r"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b"
_ONLY_CENTS: Final = r"[€£$]0.([0-9]{1,2})\b"
_LONE_ONE: Final = r"\b1(s?)\b"
_NUMERAL: Final = r"([¢€£$]?)(\d+)(?:\.(\d+))?"


def _write_halves(text: str) -> str:
    """Write "two and a half" as "two point five"."""
    *heads, tail = _compiled(_AND_A_HALF).split(text)
    parts = []
    for head in heads:
        words = head.split()
        if words:  # with nothing before it the half is dropped, an oddity of the original
            counts = _number_kinds().get(words[-1]) in {"zero", "unit", "ten", "power"}
            parts += [head, "point five" if counts else "and a half"]
    return " ".join([*parts, tail])


def _read_run(run: re.Match[str]) -> str:
    return _read_numbers(run[0])


@lru_cache(maxsize=1 << 12)
def _read_numbers(run: str) -> str:
    """Write the numbers in a run of marked words in digits: "#twenty #first " is "21st "."""
    text = _compiled(_LETTER_DIGIT).sub(r"\1 \2", run.replace("#", ""))
    text = _compiled(_DIGIT_LETTER).sub(r"\1 \2", text)
    words = _compiled(_LOOSE_ENDING).sub(r"\1\2", text).split()
    with suppress(ValueError):  # a numeral of more than 4300 digits, sys.get_int_max_str_digits
        words = _NumberReader(words).read()
    text = " ".join(words)
    text = _compiled(_AND_CENTS).sub(lambda found: f"{found[1]}{found[2]}.{found[3]:0>2}", text)
    text = _compiled(_ONLY_CENTS).sub(lambda found: f"¢{int(found[1])}", text)
    text = _compiled(_LONE_ONE).sub(r"one\1", text)
    spellings = _spellings()
    return "".join([f"{spellings.get(word, word)} " for word in text.split()])


class _NumberReader:
    """Reads a run of words from left to right, one method for each kind of word.

    The number under way is an int while it can grow by arithmetic ("twenty" "one"), and a string
    once it is a row of digits ("one oh one") or has a decimal point. A prefix ("minus") waits for
    the next word that is written.
    """

    def __init__(self, words: list[str]) -> None:
        kinds = _number_kinds()
        self.words = words
        self.kinds = ["", *(kinds.get(word) or _kind_of_numeral(word) for word in words), ""]
        self.at = 0
        self.value: int | str | None = None
        self.prefix = ""
        self.written: list[str] = []

    def read(self) -> list[str]:
        while self.at < len(self.words):
            _STEPS[self.kinds[self.at + 1]](self, self.words[self.at])
            self.at += 1
        self.finish_number()
        return self.written

    @property
    def kind_before(self) -> str:
        return self.kinds[self.at]

    @property
    def kind_after(self) -> str:
        return self.kinds[self.at + 2]

    def write(self, text: str) -> None:
        self.written.append(self.prefix + text)
        self.prefix = ""
        self.value = None

    def finish_number(self) -> None:
        if self.value is not None:
            self.write(str(self.value))

    def read_word(self, word: str) -> None:
        self.finish_number()
        self.write(word)

    def read_numeral(self, word: str) -> None:
        if isinstance(self.value, str) and self.value.endswith("."):
            self.value += word
            return
        self.finish_number()
        found = _compiled(_NUMERAL).fullmatch(word)
        assert found is not None
        self.prefix = found[1] or self.prefix
        whole = int(found[3] or "0") == 0
        self.value = int(found[2]) if whole else word.removeprefix(found[1])

    def read_zero(self, _word: str) -> None:
        self.value = f"{self.value or ''}0"

    def read_amount(self, word: str) -> None:
        """One to nineteen, and the tens: "two hundred" "five" is 205, "nineteen" "five" is 195."""
        amount, ending = _amounts()[word]
        value = self.value
        if value is None:
            self.value = amount
        elif isinstance(value, str) or self.kind_before == "unit":
            replaces_zero = self.kind_before == "ten" and amount < 10
            self.value = f"{str(value)[:-1] if replaces_zero else value}{amount}"
        else:
            room = 10 if amount < 10 else 100
            self.value = value + amount if value % room == 0 else f"{value}{amount}"
        self.end_with(ending)

    def read_power(self, word: str) -> None:
        """Hundred, thousand, ...: multiply the last three digits, or all of a row of digits."""
        exponent, ending = _amounts()[word]
        multiplier: int = 10**exponent
        if isinstance(self.value, int):
            last_three = self.value % 1000
            self.value = self.value - last_three + last_three * multiplier
        else:
            product = multiplier if self.value is None else _whole_product(self.value, multiplier)
            if product is None:
                self.finish_number()
            self.value = multiplier if product is None else product
        self.end_with(ending)

    def end_with(self, ending: str) -> None:
        if ending:
            self.write(f"{self.value}{ending}")

    def read_sign(self, word: str) -> None:
        self.finish_number()
        if self.kind_after in _COUNTABLE:
            self.prefix = _rules()["signs"][word]
        else:
            self.write(word)

    def read_currency(self, word: str) -> None:
        if self.value is None:
            self.write(word)
        else:
            self.prefix = _rules()["currencies"][word]
            self.finish_number()

    def read_percent(self, word: str) -> None:
        self.write(word if self.value is None else f"{self.value}%")

    def read_per(self, word: str) -> None:
        if self.value is not None and self.words[self.at + 1 : self.at + 2] == ["cent"]:
            self.write(f"{self.value}%")
            self.at += 1
        else:
            self.read_word(word)

    def read_and(self, word: str) -> None:
        if self.kind_after not in _COUNTABLE or self.kind_before != "power":
            self.read_word(word)

    def read_repeat(self, word: str) -> None:
        if self.kind_after in {"unit", "zero"}:
            digits = str(_amounts()[self.words[self.at + 1]][0])
            self.value = f"{self.value or ''}{digits * (2 if word == 'double' else 3)}"
            self.at += 1
        else:
            self.read_word(word)

    def read_point(self, word: str) -> None:
        if self.kind_after in {"zero", "unit", "ten", "numeral"}:
            self.value = f"{self.value or ''}."
        elif self.kind_after not in _COUNTABLE:
            self.read_word(word)


def _whole_product(digits: str, multiplier: int) -> int | None:
    """Multiply "2.5" by a million; None if `digits` is no number, or the product not whole."""
    try:
        product = Fraction(digits) * multiplier
    except ValueError:
        return None
    return product.numerator if product.denominator == 1 else None


def _kind_of_numeral(word: str) -> str:
    found = _compiled(_NUMERAL).fullmatch(word)
    if found is None:
        return "word"
    return "money" if found[1] else "numeral"


@cache
def _amounts() -> dict[str, tuple[int, str]]:
    """Amount and ending of each number word; for a power, its exponent: third is 3, rd."""
    numbers = _rules()["numbers"].values()
    return {word: (amount, ending) for words in numbers for word, (amount, ending) in words.items()}


@cache
def _number_kinds() -> dict[str, str]:
    """Name the kind of every word that may belong to a number."""
    kinds = {"and": "and", "double": "repeat", "triple": "repeat", "point": "point"}
    kinds |= {"per": "per", "percent": "percent"}
    kinds |= dict.fromkeys(_rules()["signs"], "sign")
    kinds |= dict.fromkeys(_rules()["currencies"], "currency")
    for kind, words in _rules()["numbers"].items():
        kinds |= {word: f"ended {kind}" if ending else kind for word, (_, ending) in words.items()}
    return kinds


_STEPS: Final[dict[str, Callable[[_NumberReader, str], None]]] = {
    "word": _NumberReader.read_word,
    "money": _NumberReader.read_numeral,
    "numeral": _NumberReader.read_numeral,
    "zero": _NumberReader.read_zero,
    "unit": _NumberReader.read_amount,
    "ended unit": _NumberReader.read_amount,
    "ten": _NumberReader.read_amount,
    "ended ten": _NumberReader.read_amount,
    "power": _NumberReader.read_power,
    "ended power": _NumberReader.read_power,
    "sign": _NumberReader.read_sign,
    "currency": _NumberReader.read_currency,
    "percent": _NumberReader.read_percent,
    "per": _NumberReader.read_per,
    "and": _NumberReader.read_and,
    "repeat": _NumberReader.read_repeat,
    "point": _NumberReader.read_point,
}
_COUNTABLE: Final = _STEPS.keys() - {"word", "money"}  # after "minus", "and", "double": goes on
