"""Numbers in an answer: each way in which one can be read, and the one that the answer means."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from evenhand.trials.languages import is_outside, language_of

_MARKS = {
    **dict.fromkeys("−–﹣", "-"),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
    "’": "'",
    "٫": ".",
    "٬": ",",
}
_DIGITS = r"\d+(?:[.,' ]\d+)*"
#: The same of bounded length, for patterns that begin with it.
_ONE = r"\d[\d.,']{0,20}(?: \d{3}(?!\d)){0,4}"
_NUMBER = (
    rf"(?P<sign>(?<![\w.)])[-+])?(?P<body>{_DIGITS}|\.\d+)(?P<fraction>\s?/\s?\d+(?![\d/]))?"
    r"(?P<power>[eE][-+]?\d+|\s?(?:[x×·*]|\\times|\\cdot)\s?10\s?\^\s?\{?[-+]?\d+\}?)?"
    r"(?P<raised>\^\{?[-+]?\d+\}?)?"
)
_HUNDREDTHS = re.compile(rf"百分之\s?({_DIGITS})")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}|####\s*(.+)")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_ENDLESS = re.compile(r"(\d{400})\d+")  # no float holds more digits
_GAP = re.compile("[ \t]{3,}")
_BEFORE_VULGAR = re.compile(r"(?<=\d) (?=[¼-¾⅐-⅞])")
_MIXED = re.compile(r"(?<![\d.,/])(\d+)  (\d+)/(\d+)(?![\d/])")
_AND_FRACTION = re.compile(r"(?<![\d.,/])(\d+) (?:and|und|et|y|e) (\d+/\d+)(?![\d/])")
_END = re.compile(r"[\n;]|[.!?](?=\s|$)")
_NEAR = 300  # characters after "the answer is" in which it stands
#: Of a pattern's class of letters.
LETTER = r"\w\u0900-\u0963"  # the vowel signs of Devanagari are no letters to `re`
_MONEY = re.compile(r"(?:[€$£₹¥]|R\$|EUR|USD)\s?$")
_CURRENCY = re.compile(
    r"\s?(?:[€$£₹¥]|(?:euros?|eur|usd|dollars?|reais|rupees)(?!\w))", re.IGNORECASE
)
_CJK = re.compile("[\u4e00-\u9fff]+")
_TEX_FRACTION = re.compile(r"\\[dt]?frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))")
_TEX_SPACE = re.compile(r"\\[,;:! ]")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = re.compile(r"(?<=\d)[⁻⁺]?[⁰¹²³⁴-⁹]+")
_OF_UNITS = re.compile(r"(?<=[^\W\d_]|\})\s?\^\s?(?:\{[-+]?\d+\}|[-+]?\d+)")  # the 2 of cm^2
#: What holds digits and is not the number that they make: roots and multiples of π, ratios and times.
_SYMBOLIC = re.compile(
    rf"(?:{_ONE}\s?)?(?:\\sqrt|√|\bsqrt)\s?[({{]?\s?{_ONE}\s?[)}}]?|{_ONE}\s?(?:\\pi(?![a-z])|π)"
    r"|(?<![\d:])\d{1,3}(?::\d{1,3}){1,2}(?![\d:])"
)
_TOLERANCE = re.compile(rf"(?:±|\+/-|\\pm)\s?{_ONE}")
_WEB = re.compile(r"(?:https?://|www\.)\S+")
_PARTS_FIRST = re.compile(r"(\d+)分之\s?(\d+)")
_HALVES = {"साढ़े": 0.5, "सवा": 0.25, "पौने": -0.25}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands, and as it could stand too.

    `value` is how it is most likely read; `also` are other readings ("1,234" is 1234, or 1.234
    where the comma is a decimal mark); `percent` says that it is a percentage.
    """

    value: float
    also: tuple[float, ...] = ()
    percent: bool = False


@cache
def words() -> Mapping[str, Any]:
    """Words around what an answer says."""
    text = Path(__file__).with_name("answers.toml").read_text("utf-8")
    content: Mapping[str, Any] = tomllib.loads(unicodedata.normalize("NFC", text))
    return content


def alternatives(names: Iterable[str]) -> str:
    """Pattern of any of some texts, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _by_script(names: Iterable[str]) -> tuple[str, str]:
    """Patterns of the names in Chinese characters, which no space parts from a number, and of the others."""
    known = list(names)
    cjk = [name for name in known if _CJK.fullmatch(name)]
    return alternatives(cjk), alternatives(name for name in known if name not in cjk)


@cache
def _number() -> re.Pattern[str]:
    percents = alternatives(words()["percents"])
    return re.compile(
        rf"{_NUMBER}(?P<percent>\s?(?:[%٪]|(?i:{percents})(?![{LETTER}])))?", re.UNICODE
    )


@cache
def _multiplier() -> re.Pattern[str]:
    """What multiplies the number before it; a k only where it touches the number."""
    names = [name for name in words()["multipliers"] if name not in ("k", "m")]
    cjk, others = _by_script(names)
    return re.compile(
        rf"((?-i:[kKM]))(?![{LETTER}])|\s?({cjk})|\s?({others})(?![{LETTER}])", re.IGNORECASE
    )


@cache
def _spans() -> re.Pattern[str]:
    """Two numbers between which, or between and beyond which, the answer leaves the choice."""
    spans, joined, between = (alternatives(words()[key]) for key in ("spans", "and", "between"))
    unit = r"(?:\s?[%٪°€$])?"
    digits = r"\d{1,3}(?: \d{3}){1,4}(?!\d)|\d+(?:[.,]\d+){0,8}"
    return re.compile(
        rf"(?i:(?<![{LETTER}])(?:{between}))\s*({digits}){unit}\s*(?i:{joined})\s*({digits})"
        rf"|({digits}){unit}\s*(?i:{joined})\s*({digits}){unit}\s*(?:{alternatives(words()['behind'])})"
        rf"|(?<![^\W\u4e00-\u9fff]|[.,/-])({digits}){unit}(?:\s+(?i:{spans})\s+|\s*[到至~]\s*|\s?-\s?)({digits})"
        r"(?![\d/]|\s*=)"
    )


@cache
def markers() -> re.Pattern[str]:
    """A marker of the answer with its link: "the answer is", "Antwort:"."""
    keys = ("markers", "links", "adjectives")
    names, links, adjectives = ("|".join(map(re.escape, words()[key])) for key in keys)
    return re.compile(
        rf"(?:{names})(?:\s+(?:{adjectives})(?!\w))?(?:\s+(?:{links})(?!\w)|[是为は])?\s*[:：=]?\s*(?:[:：]\s*)?",
        re.IGNORECASE,
    )


def meant_number(text: str, *, decimal: str | None = None) -> Number | None:
    """The number that an answer gives: marked as the answer, or bold, or the last one.

    What stands in brackets and what points to a page or a step is left out, if anything else is
    there.  Two numbers that are the ends of a range are none.  In a language in which this was not
    measured only what needs no words counts: a box, bold, or the number alone.

    Parameters
    ----------
    text : str
    decimal : {".", ","}, optional
        The decimal mark, where it is known.

    Examples
    --------
    >>> meant_number("42 (see page 7)").value, meant_number("1.234,56").value
    (42.0, 1234.56)
    >>> meant_number("The answer is 3/4, as in step 2.").value, meant_number("none") is None
    (0.75, True)
    """
    plain = plain_digits(text)
    marks = _Marks.of(text, decimal or _decimal_mark(plain))
    plain = _TOLERANCE.sub(" ", _SYMBOLIC.sub(" … ", _WEB.sub(" ", plain)))
    outside = is_outside(text)
    boxed = [found[1] or found[2] for found in _BOXED.finditer(plain)]
    if boxed and boxed[-1].strip():  # whatever stands in a box is the answer
        return next(_free_numbers(boxed[-1], marks), None)
    for part in () if outside else _marked(plain):
        if any(_numbers(_without_pointers(part), marks)):
            return next(_free_numbers(_without_pointers(part), marks), None)
    bold = {part for part in _BOLD.findall(plain) if len(list(_numbers(part, marks))) == 1}
    if len(bold) == 1:
        return next(_numbers(bold.pop(), marks))
    return None if outside else _last(plain.replace("*", " "), marks)


def _last(text: str, marks: "_Marks") -> Number | None:
    """The last number that is no date, page or rate; where that is another than the last at all, this too."""
    free = _ASIDE.sub(" ", text)
    for part in (_without_pointers(_without_dates(free)), _without_pointers(free), free, text):
        if any(_numbers(part, marks)):
            found = [] if _ends_open(part, marks) else list(_free_numbers(part, marks))
            others = [
                each.value for each in list(_free_numbers(_without_pointers(free), marks))[-1:]
            ]
            return _also(found[-1], *others) if found else None
    return None


def _ends_open(part: str, marks: "_Marks") -> bool:
    """Whether two alternatives are the last numbers: "so 3 or 5"."""
    part = without_spans(_denied().sub(" … ", part))
    last = [found.end() for found in _alternatives().finditer(part)][-1:]
    return bool(last) and not any(_numbers(part[last[0] :], marks))


def _also(number: Number, *values: float) -> Number:
    """A number that could stand for other values too."""
    also = dict.fromkeys(value for value in (*number.also, *values) if value != number.value)
    return replace(number, also=tuple(also))


def _free_numbers(part: str, marks: "_Marks") -> Iterator[Number]:
    """Numbers that are no ends of a range, no alternatives and not denied."""
    return _numbers(_alternatives().sub(" … ", without_spans(_denied().sub(" … ", part))), marks)


def read_number(text: str, *, decimal: str | None = None) -> Number | None:
    """A text that is one number and nothing else but a unit, as a reference is."""
    plain = plain_digits(text)
    found = list(_numbers(plain, _Marks.of("", decimal or _decimal_mark(plain))))
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class _Marks:
    """The decimal mark, where it is known, and the marks that are likelier of thousands."""

    decimal: str | None
    thousands: str = ","

    @classmethod
    def of(cls, text: str, decimal: str | None) -> "_Marks":
        language = language_of(text)
        return cls(decimal) if language is None else cls(decimal, language.thousands or ",")


def plain_digits(text: str) -> str:
    """A text with ASCII digits, marks, signs and spaces, and a percentage's sign behind it."""
    text = _ENDLESS.sub(r"\1", _GAP.sub("  ", unicodedata.normalize("NFC", text)))
    text = _BEFORE_VULGAR.sub("", text)
    text = _HUNDREDTHS.sub(r"\1%", _VULGAR.sub(_spelled, text))
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    if not text.isascii():
        text = "".join(_ascii(character) for character in text)
        text = _hindi_halves().sub(_half_more, _PARTS_FIRST.sub(r"\2/\1", text))
    text = _TEX_FRACTION.sub(_fraction, text.replace("{,}", ",").replace("\\%", "%"))
    text = _TEX_SPACE.sub(lambda found: "" if found[0] == "\\!" else " ", text)
    return _negative().sub(_signed, _OF_UNITS.sub("", text))


def _fraction(found: re.Match[str]) -> str:
    return "/".join(filter(None, found.groups()))


@cache
def _hindi_halves() -> re.Pattern[str]:
    return re.compile(rf"({alternatives(_halves())})\s*(\d+)")


@cache
def _halves() -> Mapping[str, float]:
    return {unicodedata.normalize("NFC", name): more for name, more in _HALVES.items()}


def _half_more(found: re.Match[str]) -> str:
    return repr(int(found[2][:300]) + _halves()[found[1]])


@cache
def _negative() -> re.Pattern[str]:
    """A minus in words, or one parted from its number behind "="."""
    cjk, others = _by_script(words()["minus"])
    return re.compile(
        rf"(?:(?<![{LETTER}])(?:{others})\s+|(?:{cjk})|(?<=[=(:])\s*-\s+)(?=[.,]?\d)",
        re.IGNORECASE,
    )


def _signed(found: re.Match[str]) -> str:
    """A minus as a sign; "10 minus 5" and "10 apples minus 5" take away."""
    before = found.string[: found.start()].rstrip()
    counted = re.search(r"[\d)%]$|\d\S*\s(\w+)$", before[-60:])
    joins = counted and counted[1] and counted[1].lower() in (*words()["spans"], *words()["links"])
    return " -" if counted is None or joins else found[0]


def _spelled(found: re.Match[str]) -> str:
    """A fraction in one character as a decimal, joined to the whole number before it."""
    decimals = str(unicodedata.numeric(found[0])).removeprefix("0")
    before = found.string[: found.start()][-1:]
    return decimals if before.isdigit() else ("0" if before in "-−–" else " 0") + decimals


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    if (other := _MARKS.get(character)) is not None:
        return other
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.digit(character))
    wide = unicodedata.east_asian_width(character) == "F"
    return unicodedata.normalize("NFKC", character) if wide else character


def _marked(text: str) -> Iterator[str]:
    """What follows the last marker of the answer, in its sentence; after its last "=" if there is one."""
    found = list(markers().finditer(text))
    for marker in reversed(found):
        near = text[marker.end() : marker.end() + _NEAR]
        rest = _END.split(_ASIDE.sub(" ", near).replace("*", " "), maxsplit=1)[0]
        parts = [rest] if _alternatives().search(rest) else rest.rsplit("=", 1)
        yield parts[-1] if parts[-1].strip() else rest


@cache
def _denied() -> re.Pattern[str]:
    """A number right behind a "not"."""
    cjk, others = _by_script(words()["negations"])
    number = rf"[-+]?[€$£]?{_ONE}(?:\s?[%٪])?"
    return re.compile(
        rf"(?:(?:(?<![{LETTER}])|(?<=n)(?=n't))(?:{others})\s+|(?:{cjk})\s*){number}", re.IGNORECASE
    )


@cache
def _alternatives() -> re.Pattern[str]:
    """Two numbers that an "or", or an "and", joins; 2 and 1/2 are one."""
    joined = alternatives(words()["conjunctions"])
    return re.compile(
        rf"(?<![{LETTER}.,/-]){_ONE}\s*%?,?(?:\s(?:{joined})\s|\s?[或和])\s?(?:\w\s?=\s?)?[-+]?{_ONE}(?!\s?/|\s?[x×*=])",
        re.IGNORECASE,
    )


@cache
def _dates() -> re.Pattern[str]:
    """Dates, years behind "in", how sure an answer is, and what stands behind "every"."""
    months, years, rates, sure = (
        alternatives(words()[key]) for key in ("months", "before_years", "rates", "sureness")
    )
    year = r"(?:1[5-9]|20)\d\d(?!\d|[.,]\d)"
    day = r"\d\d?(?:st|nd|rd|th|\.)?(?!\d)"
    patterns = (
        rf"{day}\s(?:of |de )?(?:{months})(?![{LETTER}])\.?(?:,?\s(?:de |del )?{year})?",
        rf"(?:{months})\.?\s{day}(?:,?\s{year})?",
        rf"(?:{months})\.?,?\s(?:de )?{year}",
        rf"{year}-\d\d?-\d\d?",
        rf"\d\d?([./])\d\d?\1(?:{year}|\d\d(?!\d))",
        rf"{year}\s?年(?:\s?\d\d?\s?月)?(?:\s?\d\d?\s?日)?",
        rf"(?:{years})\s{year}(?!\s?[%€$]|\s[^\W\d_]{{1,3}}(?!\w))",
        rf"(?:{rates})\s?{_ONE}",
        rf"(?:{sure})\s?[:：=]?\s?(?:is )?{_ONE}(?:\s?[%٪])?",
        rf"{_ONE}\s?[%٪][-\s]?(?:{sure})(?![{LETTER}])",
    )
    return re.compile(
        rf"(?:(?<![{LETTER}])|(?<=[\u4e00-\u9fff]))(?:{'|'.join(patterns)})", re.IGNORECASE
    )


def _without_dates(text: str) -> str:
    return _dates().sub(" ", text)


@cache
def _pointers() -> re.Pattern[str]:
    names = "|".join(map(re.escape, words()["pointers"]))
    return re.compile(rf"(?<!\w)(?:{names})\s*\d+(?:\s*(?:[-,]|and|to)\s*\d+)*", re.IGNORECASE)


def _without_pointers(text: str) -> str:
    return _pointers().sub(" ", text)


def without_spans(text: str) -> str:
    """A text without its ranges, whose ends are no answers."""
    return _spans().sub(_open, text)


def _open(found: re.Match[str]) -> str:
    """Nothing in place of a range, which rises; 10-5 is none."""
    low, high = (re.sub(r"[^\d.]", "", end.replace(",", ".")) for end in found.groups() if end)
    try:
        return " … " if float(low) < float(high) else found[0]
    except ValueError:
        return found[0]


def _decimal_mark(text: str) -> str | None:
    """The decimal mark that a text shows somewhere beyond doubt."""
    comma = re.search(r"\d[. '’]\d{3},\d{1,2}(?!\d)|\d{3}[. ]\d{3}[. ]\d{3}(?!\d)", text)
    comma = comma or re.search(r"(?<![\d.,])\d+,(?:\d{1,2}|\d{4,})(?![\d,.])", text)
    point = re.search(r"\d,\d{3}\.\d|(?<![\d.,])\d+\.(?:\d{1,2}|\d{4,})(?![\d.,])", text)
    if bool(comma) == bool(point):
        return None
    return "," if comma else "."


def _numbers(text: str, marks: _Marks) -> Iterator[Number]:
    # Three digits after a space are thousands ("1 200"); others are another number.
    text = re.sub(r"(?<=\d) (?!\d{3}(?!\d))(?=\d)|(?<=\d{4}) (?=\d)", "  ", text)
    text = _MIXED.sub(_mixed, _AND_FRACTION.sub(r"\1  \2", text))
    found = list(_number().finditer(text))
    # B12 is a name, unless there is nothing else.
    free = [
        match
        for match in found
        if not text[max(0, match.start("body") - 1) : match.start("body")].isalpha()
    ]
    for match in free or found:
        known = marks
        if _MONEY.search(text[max(0, match.start() - 5) : match.start()]) or _CURRENCY.match(
            text, match.end()
        ):
            known = _Marks(marks.decimal, ".,")  # no price has three decimals
        number = _value(match, _multiplier().match(text, match.end()), known)
        if number is not None:
            # A dash that a space parts is a sign, or none: "- 5".
            parted = re.search(
                r"(?:^|[^\d\s)\]%])\s*-\s+$", text[max(0, match.start() - 9) : match.start()]
            )
            yield _also(number, -number.value) if parted else number


def _mixed(found: re.Match[str]) -> str:
    whole, above, below = (int(part[:300]) for part in found.groups())
    return repr(whole + above / below) if below else found[0]


def _value(match: re.Match[str], word: re.Match[str] | None, marks: _Marks) -> Number | None:
    readings = list(dict.fromkeys(_readings(match["body"], marks)))
    scale = -1.0 if match["sign"] == "-" else 1.0
    if match["fraction"]:
        below = float(match["fraction"].strip().strip("/"))
        if not below:
            return None
        scale /= below
    if match["raised"] and not match["power"]:
        readings = [_raised(reading, int(match["raised"].strip("^{}")[:6])) for reading in readings]
    if match["power"]:
        exponent = re.search(r"[-+]?\d+(?=\}?$)", match["power"])
        scale *= 10.0 ** min(max(int(exponent[0][:6]), -300), 300) if exponent else 1.0
    if word is not None and not match["percent"]:
        scale *= words()["multipliers"][next(filter(None, word.groups())).lower()]
    values = [reading * scale for reading in readings]
    return Number(values[0], tuple(values[1:]), percent=match["percent"] is not None)


def _raised(base: float, exponent: int) -> float:
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        return float("inf")


def _readings(body: str, known: _Marks) -> Iterator[float]:
    """Ways to read digits with marks between them, the likeliest first."""
    plain = re.sub(r"[ ']", "", body)
    marks = re.findall(r"[.,]", plain)
    groups = re.split(r"[.,]", plain)
    thousands = bool(marks) and groups[0] not in ("", "0") and len(groups[0]) <= 3 and all(
        len(group) == 3 for group in groups[1:]
    )  # fmt: skip
    indian = len(marks) > 1 and all(len(g) == 2 for g in groups[1:-1]) and len(groups[-1]) == 3
    whole = float("".join(groups) or "0")
    if not marks:
        yield whole
    elif len(set(marks)) == 2:  # the last one is the decimal mark
        yield float("".join(groups[:-1]) + "." + groups[-1])
    elif len(marks) > 1:
        yield whole if thousands or indian else float(groups[0] + "." + groups[1])
    else:
        fraction = float((groups[0] or "0") + "." + groups[1])
        if not thousands:
            yield fraction
        elif known.decimal is not None:
            yield fraction if marks[0] == known.decimal else whole
        else:  # 1,234 is a thousand and more in English, 1.234 a little more than one
            yield from (whole, fraction) if marks[0] in known.thousands else (fraction, whole)
