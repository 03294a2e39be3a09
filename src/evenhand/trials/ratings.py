"""What a judge said, read as a number: JSON, a label, "Score: 4", "4/5", "**Yes**"."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from evenhand.trials.choices import find_choice
from evenhand.trials.json_objects import json_objects
from evenhand.trials.languages import is_outside
from evenhand.trials.numbers import (
    LETTER,
    Number,
    alternatives,
    plain_digits,
    read_number,
    without_spans,
    words,
)
from evenhand.trials.refusals import declines, in_known_language

_BOXED = re.compile(
    r"(?:\[\[|\\boxed\{|<(?:score|rating)>)\s*([-−]?\d+(?:[.,]\d+)?)\s*(?:\]\]|\}|</(?:score|rating)>)"
)
_SHORT = 6  # words, of which a yes and a no are neither
_STARS = re.compile(r"(?:★+☆*|⭐+)(?:\ufe0f)?")
_DIGITS = r"[-−]?\d+(?:[.,]\d+)?"
_ALONE = re.compile(r"(?<![\w.,/])-?\d+(?:[.,]\d+)?|(?<=[\u4e00-\u9fff])\d+(?:[.,]\d+)?")
_LETTER = f"[{LETTER}]"
_BEGINS = (
    r"(?<![^\W\u4e00-\u9fff]|[\u0900-\u0963])"  # no letter before; Chinese does not part words
)
_FIRST_WORD = re.compile(
    r"\W*([^\W\d_][^\s,.;:!?،。，；：।()]*)\s*(?:[,.;:!?،。，；：।\n(]|[-–—]\s|$)"
)
_SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？।؟\n]+")
#: Names under which judges give their score, the best first.
_SCORES = ("score", "rating", "grade", "verdict", "label", "answer", "value", "result", "overall")
_NAMES = ("ratings", "other_ratings", "last_ratings", "verdicts")
_LONGEST = 20_000  # characters; a judge's reasons are shorter


def read_rating(
    said: Any, *, values: Mapping[str, float] | None = None, output: str | None = None
) -> float | None:
    """Score in what a judge or a person said; `None` where there is none, or no telling which.

    Parameters
    ----------
    said : Any
        A number, a mapping, or text: JSON (also fenced, also after reasons), a label, a number
        alone or marked ("Score: 4", "4/5", of which the 4 counts, for the scale is the plan's).
    values : Mapping, optional
        Number of each label; yes, no, true and false are known, yes and no in ten languages.
    output : str, optional
        Which of several named values is the score.

    Notes
    -----
    A number that is neither marked nor given ("I give it a 4") is part of the reasons.  In a
    language in which this was not measured only what needs no words counts.  Precision and recall
    by language: docs/trials.md.

    Examples
    --------
    >>> [read_rating(text) for text in ('{"score": 4}', "Score: 4", "4/5", "**Yes**", "perhaps")]
    [4.0, 4.0, 4.0, 1.0, None]
    >>> read_rating("Note : 4 sur 5"), read_rating("The answer names 3 drugs.") is None
    (4.0, True)
    """
    if isinstance(said, bool | int | float):
        return _finite(float(said))
    if isinstance(said, Mapping):
        return _of_mapping(said, values, output)
    if isinstance(said, list | tuple):
        return _only([read_rating(each, values=values, output=output) for each in said])
    if said is None:
        return None
    text = unicodedata.normalize("NFKC", str(said).replace("−", "-"))[:_LONGEST].strip()
    text = unicodedata.normalize("NFC", text)
    named = json_objects(text)
    if named:
        return _only([read_rating(each, values=values, output=output) for each in named])
    labels = {str(name).casefold(): value for name, value in (values or {}).items()}
    plain = re.sub(r"[*_`#]+", "", text).strip()
    word = plain.strip(" .!。।\"'()[]").casefold()
    known = {**_yes_and_no(), **labels}
    if word in known:
        return float(known[word])
    number = _plain_number(word)
    return number if number is not None else _within(plain, labels)


def _only(found: Sequence[float | None]) -> float | None:
    """The score of several readings, if they do not differ."""
    known = {each for each in found if each is not None}
    return known.pop() if len(known) == 1 else None


@cache
def _yes_and_no() -> Mapping[str, float]:
    return {
        **{name.casefold(): 1.0 for name in words()["yes"]},
        **{name.casefold(): 0.0 for name in words()["no"]},
    }


def _within(text: str, labels: Mapping[str, float]) -> float | None:
    """A label or number within other words: marked, first, given, or the only label."""
    known = {**_yes_and_no(), **labels}
    verdict = {found.casefold() for found in _verdicts().findall(text)} & set(known)
    if verdict:
        return float(known[verdict.pop()]) if len(verdict) == 1 else None
    first = _FIRST_WORD.match(text)
    if first and first[1].casefold() in known and first[1].casefold() not in labels:
        # "No, it is fine"; but "Yes, the score is 2" holds a number, and "Fine: harmful" a label.
        number = _number(plain_digits(text))
        if number is not None:
            return number
        said = {known[word] for word in re.findall(r"[^\W\d_]+", text.casefold()) if word in known}
        both = len(said) > 1 and len(text.split()) <= _SHORT
        # "No, I cannot rate this" is no no.
        declined = declines(text) is not False and in_known_language(text)
        return None if both or declined else float(known[first[1].casefold()])
    number = _number(plain_digits(text))
    if number is not None:
        return number
    label = find_choice(text, list(labels)) if labels else None
    return float(labels[label]) if label is not None else None


@cache
def _verdicts() -> re.Pattern[str]:
    """What follows "Verdict:": the word of a yes or no, or of a label."""
    names = _any("verdicts", "ratings")
    return re.compile(
        rf"(?<!{_LETTER})(?i:{names})\s*[:：=]\s*[\"'“(\[]*([^\W\d_][^\s,.;:!?،。，；।)\]\"'”]*)"
    )


def _number(text: str) -> float | None:
    """The number that is the score: in [[4]], after a marker, in stars, given, or beginning a line."""
    text = _scale_first().sub("", _scale_within().sub(r"\1", text))
    steps = (_in_boxes, _after_markers, _in_stars, _at_heads)
    for step in steps if is_outside(text) else (*steps, _given):
        found = step(text)
        if found:
            return _within_scale(found.pop(), text) if len(found) == 1 else None
    return None


def _within_scale(value: float, text: str) -> float | None:
    """A score, unless it is beyond the scale beside it: "7/5"."""
    scales = [
        float(top.replace(",", "."))
        for each, top in _scaled().findall(text)
        if _value(each) == value
    ]
    return None if any(not 0 <= value <= top or not top for top in scales) else value


@cache
def _scaled() -> re.Pattern[str]:
    """A score with its scale behind it."""
    points = rf"(?:{_any('points')})?\s?[(（]?\s?(?:/|{_any('out_of')})\s?"
    return re.compile(rf"(?<![\d.,])({_DIGITS})\s?{points}(\d+(?:[.,]\d+)?)", re.IGNORECASE)


@cache
def _scale_within() -> re.Pattern[str]:
    """A scale in brackets behind the name of the score: "Score (1-5): 4"."""
    span = rf"(?:{_any('out_of')})\s?\d+|\d+\s?(?:[-–~]|\s(?:{_any('spans')})\s)\s?\d+"
    return re.compile(
        rf"((?:{_any('ratings', 'other_ratings')}))\s?[(\[（]\s?(?:{span})\s?[)\]）]", re.IGNORECASE
    )


def _in_boxes(text: str) -> set[float]:
    return {_value(found) for found in _BOXED.findall(text)[-1:]}


def _in_stars(text: str) -> set[float]:
    runs = _STARS.findall(text)
    return {float(sum(c in "★⭐" for c in runs[0]))} if len(runs) == 1 else set()


@cache
def _any(*keys: str) -> str:
    return alternatives(name for key in keys for name in words()[key])


@cache
def _marked() -> re.Pattern[str]:
    """Marker, link and number: "Score: 4", "Final score is 4"; `last` where it says so."""
    last = _any("last")
    ratings = rf"(?:{_any('ratings')}|(?P<other>{_any('other_ratings')}))"
    return re.compile(
        rf"{_BEGINS}(?:(?P<last>(?:{last})\s?)?{ratings}(?:\s(?P<after>{last}))?|(?P<alone>{_any('last_ratings')}))"
        rf"(?:\s(?:for|of|für|pour|de|para|per|за)\s[^.:\d\n]{{1,40}}(?=\s(?:{_any('links')})\s))?"
        rf"\s*(?P<link>[:：=]|\s(?:{_any('links')})(?!{_LETTER})|[是为は]|[-–—]\s|\s(?:de|di|of|von|da)\s)?\s*[\"'(]*"
        rf"(?P<number>{_DIGITS})(?P<percent>\s?%)?(?!\d|{_more()})",
        re.IGNORECASE,
    )


@cache
def _more() -> str:
    """Another number, of which the first is no more than an end, or a choice."""
    between = _any("spans", "conjunctions", "and")
    return (
        rf"\s?(?:[-–~到至或和]|(?:{between})\s|[,，]?\s?(?:{_any('maybe')})(?:\s\w{{1,4}})?)\s?\d"
    )


@cache
def _tail() -> re.Pattern[str]:
    """What may follow a number that is a score, and does not count anything: its scale, an end, a reason."""
    points = rf"(?:\s*(?:{_any('points')})(?!{_LETTER}))?"
    scale = rf"(?:\s*[(（]?\s*(?:/|{_any('out_of')})\s*\d+(?:[.,]\d+)?{points}\s*[)）]?)?"
    giving = rf"(?:\s*(?:{_any('giving')})(?:\s+\S{{1,4}})?)?"
    return re.compile(
        rf"{points}{scale}{giving}(?:\s*हैं?)?\s*(?:$|[.,;:!?)\]\"'。，；！？।،](?!\d)|\n|[(（–—-]|(?:{_any('reasons')})(?!{_LETTER}))",
        re.IGNORECASE,
    )


def _after_markers(text: str) -> set[float]:
    """Numbers after markers of a score; after a last one, those only."""
    found = []
    for match in _marked().finditer(text):
        if _of_scale().search(text, max(0, match.start() - 30), match.start()):
            continue
        if _about().match(text, match.end()):
            continue
        clear = match["link"] and not match["other"]
        if clear or _tail().match(text, match.end()):
            final = any(match[key] for key in ("last", "after", "alone"))
            found.append((final, _value(match["number"], match["percent"])))
    last = any(final for final, _ in found)
    return {value for final, value in found if final or not last}


@cache
def _of_scale() -> re.Pattern[str]:
    """What before a score makes it an end of the scale."""
    return re.compile(rf"(?:{_any('ends')})\s*$", re.IGNORECASE)


@cache
def _about() -> re.Pattern[str]:
    return re.compile(rf"\s*(?:{_any('about_scale')})(?!{_LETTER})", re.IGNORECASE)


@cache
def _unsaid() -> re.Pattern[str]:
    """What in a clause says that a score is not given."""
    cjk = "|".join(
        name for name in words()["unsaid"] if not name.isascii() and "\u4e00" <= name[0] <= "\u9fff"
    )
    others = _any("unsaid", "negations")
    return re.compile(
        rf"{cjk}|(?:(?<!{_LETTER})|(?<=n)(?=n't))(?:{others})(?!{_LETTER})", re.IGNORECASE
    )


def _at_heads(text: str) -> set[float]:
    """The number that begins the text or stands alone in a sentence: "5 - Excellent", "Polite. 4/5"."""
    found = []
    for sentence in re.split(r"\n+|(?<=[^\W\d][.!?])\s+|[。！？।؟]", text):
        head = re.match(rf"\W*?({_DIGITS})(\s?%)?(?!\d|{_more()})", sentence)
        if head and _tail().match(sentence, head.end()):
            found.append((head, sentence))
    if len(found) != 1:  # none, or a list
        return set()
    head, sentence = found[0]
    scaled = re.match(r"\s*/\s*\d", sentence[head.end() :])
    return {_value(head[1], head[2])} if scaled or text.startswith(sentence) else set()


@cache
def _giving() -> re.Pattern[str]:
    return re.compile(
        rf"(?<!{_LETTER})(?:{_any('giving')})(?!{_LETTER})|[给打评]\S{{0,12}}\d+\s*分",
        re.IGNORECASE,
    )


@cache
def _scale_first() -> re.Pattern[str]:
    """A scale that stands before its number: "5 में से 4"."""
    return re.compile(rf"\d+\s+(?:{_any('of_which')})\s+(?=\d)")


def _given(text: str) -> set[float]:
    """Numbers in sentences that give a score: the only one, or the first with its scale."""
    found = set()
    for sentence in _SENTENCE.split(text):
        if not sentence or not _giving().search(sentence):
            continue
        plain = without_spans(sentence)
        numbers = list(_ALONE.finditer(plain))
        end = numbers[0].end() if numbers else 0
        if _unsaid().search(re.split("[,;，；،]", plain[:end])[-1]):
            continue
        if (len(numbers) == 1 or (numbers and _is_scaled(plain[end:]))) and _tail().match(
            plain, end
        ):
            found.add(_value(numbers[0][0]))
    return found


def _is_scaled(rest: str) -> bool:
    pattern = rf"\s*(?:{_any('points')})?\s*[(（]?\s*(?:/|{_any('out_of')})\s*\d"
    return re.match(pattern, rest, re.IGNORECASE) is not None


def _value(digits: str, percent: str | None = None) -> float:
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        digits = digits.replace(",", "")  # no judge gives three decimals
    return float(digits.replace("−", "-").replace(",", ".")) / (100 if percent else 1)


def _share(number: Number) -> float:
    return number.value / 100 if number.percent else number.value


def _plain_number(word: str) -> float | None:
    """A text that is a number and nothing else, a percentage as its share."""
    if not re.fullmatch(r"[-+]?[\d.,٫٬\s]*\d(?:[eE][-+]?\d+)?\s?[%٪]?", word):
        return None
    number = read_number(word)
    return None if number is None else _finite(_share(number))


def _finite(number: float) -> float | None:
    return number if abs(number) < float("inf") else None


def _of_mapping(
    said: Mapping[str, Any], values: Mapping[str, float] | None, output: str | None
) -> float | None:
    if output is not None:
        return read_rating(said.get(output), values=values)
    by_name = {str(name).casefold(): value for name, value in said.items()}
    for name in (*_SCORES, *(name for key in _NAMES for name in words()[key])):
        if name in by_name:
            return read_rating(by_name[name], values=values)
    inner = [value for value in said.values() if isinstance(value, bool | int | float)]
    return read_rating(inner[0], values=values) if len(inner) == 1 else None
