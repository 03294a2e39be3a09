"""Numbers of the English normaliser: "twenty one" to "21", "two and a half percent" to "2.5%"."""

import re
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final

from evenhand.metrics.speech.english_rules import compiled, rules, spellings

_AND_A_HALF: Final = r"\band\s+a\s+half\b"
_LETTER_DIGIT: Final = r"([a-z])([0-9])"
_DIGIT_LETTER: Final = r"([0-9])([a-z])"
_LOOSE_ENDING: Final = r"([0-9])\s+(st|nd|rd|th|s)\b"
_AND_CENTS: Final = r"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b"
_ONLY_CENTS: Final = r"[€£$]0.([0-9]{1,2})\b"
_LONE_ONE: Final = r"\b1(s?)\b"
_NUMERAL: Final = r"([¢€£$]?)(\d+)(?:\.(\d+))?"


def write_halves(text: str) -> str:
    """Write "two and a half" as "two point five"."""
    *heads, tail = compiled(_AND_A_HALF).split(text)
    parts = []
    for head in heads:
        words = head.split()
        if words:  # with nothing before it the half is dropped, an oddity of the original
            counts = number_kinds().get(words[-1]) in {"zero", "unit", "ten", "power"}
            parts += [head, "point five" if counts else "and a half"]
    return " ".join([*parts, tail])


def read_run(run: re.Match[str]) -> str:
    """Write the numbers in a matched run of marked words in digits."""
    return _read_numbers(run[0])


@lru_cache(maxsize=1 << 12)
def _read_numbers(run: str) -> str:
    """Write the numbers in a run of marked words in digits: "#twenty #first " is "21st "."""
    text = compiled(_LETTER_DIGIT).sub(r"\1 \2", run.replace("#", ""))
    text = compiled(_DIGIT_LETTER).sub(r"\1 \2", text)
    words = compiled(_LOOSE_ENDING).sub(r"\1\2", text).split()
    with suppress(ValueError):  # a numeral of more than 4300 digits, sys.get_int_max_str_digits
        words = _NumberReader(words).read()
    text = " ".join(words)
    text = compiled(_AND_CENTS).sub(lambda found: f"{found[1]}{found[2]}.{found[3]:0>2}", text)
    text = compiled(_ONLY_CENTS).sub(lambda found: f"¢{int(found[1])}", text)
    text = compiled(_LONE_ONE).sub(r"one\1", text)
    variants = spellings()
    return "".join([f"{variants.get(word, word)} " for word in text.split()])


class _NumberReader:
    """Reads a run of words from left to right, one method for each kind of word.

    The number under way is an int while it can grow by arithmetic ("twenty" "one"), and a string
    once it is a row of digits ("one oh one") or has a decimal point. A prefix ("minus") waits for
    the next word that is written.
    """

    def __init__(self, words: list[str]) -> None:
        kinds = number_kinds()
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
        found = compiled(_NUMERAL).fullmatch(word)
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
            self.prefix = rules()["signs"][word]
        else:
            self.write(word)

    def read_currency(self, word: str) -> None:
        if self.value is None:
            self.write(word)
        else:
            self.prefix = rules()["currencies"][word]
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
    found = compiled(_NUMERAL).fullmatch(word)
    if found is None:
        return "word"
    return "money" if found[1] else "numeral"


@cache
def _amounts() -> dict[str, tuple[int, str]]:
    """Amount and ending of each number word; for a power, its exponent: third is 3, rd."""
    numbers = rules()["numbers"].values()
    return {word: (amount, ending) for words in numbers for word, (amount, ending) in words.items()}


@cache
def number_kinds() -> dict[str, str]:
    """Name the kind of every word that may belong to a number."""
    kinds = {"and": "and", "double": "repeat", "triple": "repeat", "point": "point"}
    kinds |= {"per": "per", "percent": "percent"}
    kinds |= dict.fromkeys(rules()["signs"], "sign")
    kinds |= dict.fromkeys(rules()["currencies"], "currency")
    for kind, words in rules()["numbers"].items():
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
