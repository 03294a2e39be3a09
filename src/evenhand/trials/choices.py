"""The choice that an answer names: a letter or a word of a given list."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from evenhand.trials.numbers import markers, words

_MARKUP = re.compile(r"[*_`$]+|\\(?:text|mathrm|mathbf|textbf)(?=\{)")
_BOXED = re.compile(r"\\boxed\{+\s*([^{}]*?)\s*\}+")
_OPEN = r"[(\[{<\"'“‘]*"
_CLOSE = r"[)\]}>\"'”’]*"


def find_choice(output: str, choices: Sequence[str]) -> str | None:
    """Choice that an answer names; `None` where it names none, or several.

    It is what stands in a box; or follows "the answer is" and the like, a final one before others;
    or stands first (``(B) because``); or is called an option; or is the only one that is named and
    not denied.  A single letter in lower case counts only where nothing else can be meant.

    Examples
    --------
    >>> find_choice("The answer is a matter of B", "AB"), find_choice("**b)** since", "AB")
    ('B', 'B')
    >>> find_choice("A patient may choose B.", "AB"), find_choice("A or B", "AB") is None
    ('B', True)
    """
    by_name = {choice.casefold(): choice for choice in choices}
    longest = sorted(choices, key=len, reverse=True)
    names = "|".join(re.escape(choice) for choice in longest)
    text = unicodedata.normalize("NFKC", output).strip()
    boxed = {by_name.get(found.casefold()) for found in _BOXED.findall(_MARKUP.sub("", text))}
    if len(boxed) == 1 and (only := boxed.pop()) is not None:
        return only
    text = _MARKUP.sub("", _BOXED.sub(r" \1 ", text)).strip()
    letters = all(len(choice) == 1 for choice in choices)
    for part in (
        _after_markers(text, names, letters),
        _first(text, names, letters),
        _called(text, names),
    ):
        if part:
            return by_name[part.pop()] if len(part) == 1 else None
    every = _every(text, names, letters)
    return by_name[every.pop()] if len(every) == 1 else None


def _alone(names: str) -> str:
    """A choice that is no part of a longer word; CJK letters around it are not."""
    return rf"(?<![A-Za-z0-9])({names})(?![A-Za-z0-9'’]|[\u00c0-\u024f])"


@cache
def _fillers() -> str:
    return "|".join(re.escape(word) for word in sorted(words()["fillers"], key=len, reverse=True))


def _after_markers(text: str, names: str, letters: bool) -> set[str]:
    """What follows "answer is"; after a final answer, that one only."""
    found: list[tuple[bool, str]] = []
    for marker in markers().finditer(text):
        rest = text[marker.end() :]
        match = re.match(
            rf"(?:(?:{_fillers()})(?!\w)[\s:]*)*{_OPEN}{_alone(names)}", rest, re.IGNORECASE
        )
        if match is None or (letters and not _is_letter(match[1], rest[match.end() :])):
            continue
        final = re.search(r"final\s*$", text[: marker.start()], re.IGNORECASE) is not None
        found.append((final, match[1].casefold()))
        also = re.match(
            rf"{_CLOSE}\s*(?:or|/|oder|ou|and|,)\s*{_OPEN}{_alone(names)}", rest[match.end() :]
        )
        if also:
            found.append((final, also[1].casefold()))
    last = any(final for final, _ in found)
    return {choice for final, choice in found if final or not last}


def _is_letter(letter: str, rest: str) -> bool:
    """Whether a letter in lower case, or an A or I before a word, is a choice at all."""
    following = re.match(r"[ \t]+([a-z][\w']*)", rest)
    if letter.islower():
        return following is None
    if letter in "AI" and following:
        return following[1] in words()["after_a_letter"]
    return True


def _first(text: str, names: str, letters: bool) -> set[str]:
    found = re.match(
        rf"{_OPEN}{_alone(names)}{_CLOSE}\s*(?:[.:)\n,]|[-–—]\s|because\b|since\b|$)",
        text,
        re.IGNORECASE,
    )
    if found is None or (letters and not _is_letter(found[1], text[found.end(1) :])):
        return set()
    also = re.match(
        rf"\s*(?:and|or|,)?\s*{_OPEN}{_alone(names)}(?=\s*[,.)]|\s+(?:and|or|are)|$)",
        text[found.end() :],
    )
    return {found[1].casefold(), *([also[1].casefold()] if also else [])}


def _called(text: str, names: str) -> set[str]:
    nouns = "|".join(map(re.escape, words()["nouns"]))
    pattern = rf"(?:{nouns})\s*{_OPEN}{_alone(names)}"
    return {
        match[1].casefold()
        for match in re.finditer(pattern, text, re.IGNORECASE)
        if not _denied(text, match.start())
    }


def _denied(text: str, place: int) -> bool:
    denied = "|".join(map(re.escape, words()["negations"]))
    return (
        re.search(rf"(?:^|[\s]|(?<=n))(?:{denied})\s*[(\[\"']*$", text[:place], re.IGNORECASE)
        is not None
    )


def _every(text: str, names: str, letters: bool) -> set[str]:
    """Choices that are named in their own case and not denied."""
    found = set()
    for match in re.finditer(_alone(names), text, 0 if letters else re.IGNORECASE):
        if letters and not _is_letter(match[1], text[match.end() :]):
            continue
        if not _denied(text, match.start()):
            found.add(match[1].casefold())
    return found
