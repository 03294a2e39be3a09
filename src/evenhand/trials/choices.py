"""The choice that an answer names: a letter or a word of a given list."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from evenhand.trials.json_objects import json_objects
from evenhand.trials.languages import is_outside
from evenhand.trials.numbers import alternatives, markers, words

_MARKUP = re.compile(r"[*_`$]+|\\(?:text|mathrm|mathbf|textbf)(?=\{)")
_BOXED = re.compile(r"\\boxed\{+\s*([^{}]*?)\s*\}+")
_OPEN = r"[(\[{<\"'“‘]*"
_WITHIN = re.compile(r"[^\W\d_][,)]?\s+[(\[\"']*$")  # before a letter within a sentence
_ENDS = re.compile(
    r"[)\]}>\"']*\s*(?:$|[.,;:\n)。、]|です)"
)  # what denies a letter does not follow
_PAUSE = r"\s*(?:[.!,;\n。，]|$)"
_NEAR = 60  # characters around a letter that tell what it is
_CLOSE = r"[)\]}>\"'”’]*"


def find_choice(output: str, choices: Sequence[str]) -> str | None:
    """Choice that an answer names; `None` where it names none, or several.

    It is what stands in the last box; or is the only one that is a value of a JSON object; or what is
    left when an answer is taken back; or follows "the answer is" and the like, a final one before
    others; or stands first (``(B) because``); or is the only one called right; or follows "so"; or
    is called an option; or is the only one that is named and not denied.  A single letter in lower
    case counts only where nothing else can be meant.  In a language in which this was not measured
    only what needs no words counts: a box, "Answer: B", or the letter first or alone.

    Examples
    --------
    >>> find_choice("The answer is a matter of B", "AB"), find_choice("**b)** since", "AB")
    ('B', 'B')
    >>> find_choice("A patient may choose B.", "AB"), find_choice("A or B", "AB") is None
    ('B', True)
    """
    by_name = {choice.casefold(): choice for choice in choices}
    longest = sorted(choices, key=len, reverse=True)
    names = "|".join(re.escape(choice) + _pause_behind(choice) for choice in longest)
    text = unicodedata.normalize("NFKC", output).strip()
    boxed = [by_name.get(found.casefold()) for found in _BOXED.findall(_MARKUP.sub("", text))]
    if boxed and boxed[-1] is not None:
        return boxed[-1]
    if said := _values(text, by_name):
        return said.pop() if len(said) == 1 else None
    text = _MARKUP.sub("", _BOXED.sub(r" \1 ", text)).strip()
    letters = all(len(choice) == 1 for choice in choices)
    for part in _surest(text, names, letters):
        if (named := _by_steps(part, names, letters)) is not None:
            return by_name[named] if named else None
    return None


def _values(text: str, by_name: Mapping[str, str]) -> set[str]:
    """Choices that are a value of a JSON object in an answer, and no part of its reasons."""
    if "{" not in text:
        return set()
    values = (value for found in json_objects(text) for value in found.values())
    said = (value.strip(" ().").casefold() for value in values if isinstance(value, str))
    return {by_name[value] for value in said if value in by_name}


def _pause_behind(choice: str) -> str:
    """What follows a choice that is a no: a pause or a reason; "no idea" is none."""
    if choice.casefold() not in words()["no"]:
        return ""
    return rf"(?!\s*(?!(?:{_any('reasons')})(?!\w))\w)"


def _by_steps(text: str, names: str, letters: bool) -> str | None:
    """Choice that the first step tells that tells any; empty where it tells several."""
    steps = (_after_markers, _first, _right, _concluded, _called, _every)
    for step in steps[:2] if is_outside(text) else steps:
        part = step(text, names, letters)
        if len(part) > 1:  # "answer A is wrong, answer B is right"
            part &= _right(text, names, letters) or part
        if part:
            return part.pop() if len(part) == 1 else ""
    return None


def _surest(text: str, names: str, letters: bool) -> Iterator[str]:
    """The parts of an answer that are surest of themselves, the best first, and the whole.

    What stands behind the last "actually" and names a choice; the answer without what it gives up:
    "I first thought B".
    """
    if letters:
        *_, last = (None, *_retracting().finditer(text))
        if last is not None and _every(text[: last.start()], names, letters):
            corrected = re.match(
                rf"{_correcting()}{_OPEN}{_alone(names)}{_CLOSE}{_PAUSE}", text[last.end() :]
            )
            if corrected:
                yield corrected[1]
        sure = _tentative().sub(
            lambda found: " " if _every(found[0], names, letters) else found[0], text
        )
        if sure != text and _every(sure, names, letters):
            yield sure
    yield text


@cache
def _correcting() -> str:
    """What may stand between "actually" and the letter: "no, that is wrong: it is"."""
    before = rf"(?i:(?:{_any('no')}|(?:that|it|this)(?:'s| is) (?:wrong|incorrect|not right))[,.:;!]*\s*)?"
    return rf"[\s,:.–—-]*{before}(?:(?i:{markers().pattern})|(?i:{_any('naming')})\s*)?"


@cache
def _retracting() -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?<![^\W\u4e00-\u9fff])|(?<=[\u4e00-\u9fff]))(?:{_any('retractions')}|(?:{_any('no')})(?=\s*[,:]))(?![^\W\u4e00-\u9fff])",
        re.IGNORECASE,
    )


@cache
def _tentative() -> re.Pattern[str]:
    """A clause that tells of an answer that was given up."""
    within = r"[^,;:.!?\n。，；：।،؛]"
    return re.compile(
        rf"(?:^|(?<=[,;:.!?\n。，；：।،؛])){within}*?(?<![^\W\u4e00-\u9fff])(?:{_any('tentative')}){within}*",
        re.IGNORECASE,
    )


def _alone(names: str) -> str:
    """A choice that is no part of a longer word; CJK letters around it are not."""
    return rf"(?<![A-Za-z0-9])({names})(?![A-Za-z0-9'’]|[\u00c0-\u024f])"


@cache
def _any(key: str) -> str:
    """Pattern of any of the words of a kind."""
    return alternatives(words()[key])


def _after_markers(text: str, names: str, letters: bool) -> set[str]:
    """What follows "answer is"; after a final answer, that one only."""
    outside = is_outside(text)
    found: list[tuple[bool, str]] = []
    for marker in markers().finditer(text):
        rest = text[marker.end() :]
        match = re.match(
            rf"(?:(?:{_any('fillers')})(?!\w)[\s:]*)*{_OPEN}{_alone(names)}", rest, re.IGNORECASE
        )
        if match is None or (letters and not _is_letter(match[1], rest[match.end() :])):
            continue
        if is_denied_after(rest[match.end() :]):
            continue
        if outside and not _ENDS.match(rest, match.end()):
            continue
        around = text[max(0, marker.start() - 8) : marker.end()]
        final = re.search(r"final\b|النهائي", around, re.IGNORECASE) is not None
        found.append((final, match[1].casefold()))
        also = re.match(
            rf"{_CLOSE}\s*(?:/|,|{_any('conjunctions')})\s*{_OPEN}{_alone(names)}",
            rest[match.end() :],
        )
        if also:
            found.append((final, also[1].casefold()))
    last = any(final for final, _ in found)
    return {choice for final, choice in found if final or not last}


def _is_letter(letter: str, rest: str, before: str = "") -> bool:
    """Whether a letter in lower case, or an A or I before a word, is a choice at all.

    A capital A within a sentence is.
    """
    if letter == "A" and _WITHIN.search(before):
        return True
    following = re.match(r"[ \t]+([a-z][\w']*)", rest)
    if letter.islower():
        return re.match(r"[ \t]+\w", rest) is None
    if letter in "AI" and following:
        return following[1] in words()["after_a_letter"]
    return True


def _listed(text: str, names: str) -> int:
    """How many choices head a line or a sentence: "A: wrong. B: wrong."."""
    heads = re.finditer(rf"(?:^|[\n.;!?。；।؟،])\s*{_OPEN}{_alone(names)}{_CLOSE}\s*[:)]", text)
    return len({match[1] for match in heads})


def _first(text: str, names: str, letters: bool) -> set[str]:
    if _listed(text, names) > 1:
        return set()
    found = re.match(
        rf"{_OPEN}{_alone(names)}{_CLOSE}\s*(?:[.:)\n,]|[-–—]\s|because\b|since\b|$)",
        text,
        re.IGNORECASE,
    )
    if found is None or (letters and not _is_letter(found[1], text[found.end(1) :])):
        return set()
    also = re.match(
        rf"\s*(?:{_any('conjunctions')}|,)?\s*{_OPEN}{_alone(names)}(?=\s*[,.)]|\s+(?:and|or|are)|$)",
        text[found.end() :],
    )
    return {found[1].casefold(), *([also[1].casefold()] if also else [])}


def _said(text: str, names: str, key: str) -> dict[int, str]:
    """Choices that are called right, or wrong, by where they stand; several at once among them."""
    said = rf"\s*(?:[:：]\s*|\s(?:{_any('links')})\s+|是)?(?:{_any(key)})(?![^\W\d_])"
    before = re.compile(
        rf"{_alone(names)}{_CLOSE},?\s*(?:,|{_any('conjunctions')})(?:\s+\w{{1,3}})?\s*{_OPEN}$"
    )
    found = {}
    for match in re.finditer(rf"{_alone(names)}{_CLOSE}(?i:{said})", text):
        if not is_denied(text, match.start()):
            found[match.start(1)] = match[1].casefold()
        joined = before.search(text, max(0, match.start() - _NEAR), match.start())
        if joined:
            found[joined.start(1)] = joined[1].casefold()
    return found


def _right(text: str, names: str, letters: bool) -> set[str]:
    """What is called right: "C is correct", "C: right"."""
    return set(_said(text, names, "right").values()) if letters else set()


def _concluded(text: str, names: str, letters: bool) -> set[str]:
    """What the last "so" leads to, if nothing is said of it."""
    if not letters:
        return set()
    found: set[str] = set()
    pattern = (
        rf"(?:(?<=[\u4e00-\u9fff，])|(?<![\w]))(?i:{_any('conclusions')})(?![^\W\d_\u4e00-\u9fff])"
        rf"[^.!?。！？\n]{{0,30}}?{_alone(names)}"
    )
    for match in re.finditer(pattern, text):
        rest, named = text[match.end() :], match[match.re.groups].casefold()
        if is_denied(text, match.start(match.re.groups)) or re.match(r"\s+[^\W\d_A-Z]{2,}", rest):
            continue
        also = re.match(rf"{_CLOSE},?\s*(?:{_any('conjunctions')})\s*{_OPEN}{_alone(names)}", rest)
        found = {named, *([also[1].casefold()] if also else [])}
    return found


def _called(text: str, names: str, letters: bool) -> set[str]:
    pattern = rf"(?:{_any('nouns')})\s*{_OPEN}{_alone(names)}"
    wrong = set(_said(text, names, "wrong").values())
    found = {
        match[1].casefold()
        for match in re.finditer(pattern, text, re.IGNORECASE)
        if not is_denied(text, match.start()) and not is_denied_after(text[match.end() :])
    } - wrong
    # Where one is called an option and another only named, either may be meant.
    return found | _every(text, names, letters) if found else found


@cache
def _denying() -> re.Pattern[str]:
    return re.compile(
        rf"(?:^|\s|(?<=n)|(?<=[\u4e00-\u9fff，]))(?:{_any('negations')})\s*[(\[\"']*$",
        re.IGNORECASE,
    )


def is_denied(text: str, place: int) -> bool:
    """Whether a "not" stands right before a place."""
    return _denying().search(text, max(0, place - _NEAR), place) is not None


def is_denied_after(rest: str) -> bool:
    """Whether a text begins with what denies the name before it."""
    return re.match(rf"{_CLOSE}\s*(?:{_any('denials')})", rest) is not None


def _every(text: str, names: str, letters: bool) -> set[str]:
    """Choices that are named in their own case, or in brackets, and not denied."""
    found = set()
    for match in re.finditer(_alone(names), text, re.IGNORECASE):
        before = text[max(0, match.start() - _NEAR) : match.start()]
        rest = text[match.end() : match.end() + _NEAR]
        enclosed = before[-1:] in "([" and rest[:1] in ")]" and before and rest
        own = not letters or match[1] in names.split("|")
        if letters and not enclosed and not (own and _is_letter(match[1], rest, before)):
            continue
        if not is_denied(text, match.start()) and not is_denied_after(rest):
            found.add(match[1].casefold())
    wrong = set(_said(text, names, "wrong").values()) if letters else set()
    return found - wrong
