"""Scorers: what one answer in words is worth, each a function of the answer and its reference."""

import functools
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evenhand.trials.refusals import declines

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?(?<=[\d.])")


def normal(text: str) -> str:
    """Lower case, without punctuation, articles and extra white space (as SQuAD does).

    Source: Rajpurkar et al. 2016, arXiv 1606.05250, the official evaluation script.

    Examples
    --------
    >>> normal("The  Answer, is: 42.")
    'answer is 42'
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact(output: str, reference: Any, *, normalize: bool = True) -> float:
    """1 where the answer is the reference.

    Examples
    --------
    >>> exact("The Moon.", "moon"), exact("Moon", "moon", normalize=False)
    (1.0, 0.0)
    """
    pair = (output.strip(), str(reference).strip())
    return float(normal(pair[0]) == normal(pair[1]) if normalize else pair[0] == pair[1])


def choice(
    output: str, reference: Any, *, choices: Sequence[str] = ("A", "B", "C", "D")
) -> float | None:
    """1 where the choice that the answer names is the reference; `None` where it names none.

    The choice is the whole answer, or stands first (``(B) because``), or follows ``answer is``.
    Where several are named in other ways the answer is unclear, and `None`.

    Examples
    --------
    >>> choice("The answer is (B).", "B"), choice("B: no", "A"), choice("A or B", "A")
    (1.0, 0.0, None)
    """
    found = find_choice(output, choices)
    return None if found is None else float(found.casefold() == str(reference).strip().casefold())


def find_choice(output: str, choices: Sequence[str]) -> str | None:
    """Choice that an answer names, or `None`."""
    names = "|".join(re.escape(c) for c in sorted(choices, key=len, reverse=True))
    by_name = {c.casefold(): c for c in choices}
    text = output.strip()
    said = re.findall(rf"answer(?:\s+is)?\s*:?\s*[(\[*]*({names})\b", text, re.IGNORECASE)
    if said:
        return by_name[said[-1].casefold()] if len({s.casefold() for s in said}) == 1 else None
    every = {m.casefold() for m in re.findall(rf"(?<!\w)({names})(?!\w)", text)}
    first = re.match(rf"[(\[*]*({names})[)\]*]*(?:[.:,)\n]|$)", text, re.IGNORECASE)
    if first:
        return by_name[first[1].casefold()]
    return by_name[every.pop()] if len(every) == 1 else None


def option(output: str, reference: Any, *, options: Sequence[str]) -> float | None:
    """1 where the option that the answer names is (one of) the reference; `None` where it names none.

    An option is named by its text, by its beginning where the answer was cut short, by standing
    alone within the answer, or by its letter.

    Examples
    --------
    >>> two = ["The tall man", "The short man"]
    >>> option("the tall man.", "The tall man", options=two), option("(B)", two[0], options=two)
    (1.0, 0.0)
    >>> option("Neither.", two, options=two) is None
    True
    """
    found = _named_option(output, options)
    wanted = reference if isinstance(reference, list | tuple) else [reference]
    return None if found is None else float(normal(found) in [normal(str(w)) for w in wanted])


def _named_option(output: str, options: Sequence[str]) -> str | None:
    said = normal(output)
    by_text = {normal(each): each for each in options}
    if said in by_text:
        return by_text[said]
    for fits in (
        [each for text, each in by_text.items() if said and text.startswith(said)],
        [each for text, each in by_text.items() if re.search(rf"\b{re.escape(text)}\b", said)],
    ):
        if len(fits) == 1:
            return fits[0]
    letters = string.ascii_uppercase[: len(options)]
    letter = find_choice(output, letters) if letters else None
    return None if letter is None else options[letters.index(letter)]


def regex(output: str, reference: Any, *, pattern: str, group: int | None = None) -> float:
    r"""1 where a pattern is found; with `group`, where that part is the reference.

    Examples
    --------
    >>> regex("total: 12 mg", "12", pattern=r"(\d+) mg", group=1)
    1.0
    """
    found = re.search(pattern, output)
    if found is None or group is None:
        return float(found is not None)
    return exact(found[group] or "", reference)


def numeric(output: str, reference: Any, *, tolerance: float = 1e-6) -> float | None:
    """1 where the last number in the answer is the reference; `None` where there is none.

    `tolerance` is relative to the reference, absolute below 1.

    Examples
    --------
    >>> numeric("That makes 1,200 ml.", 1200), numeric("many", 3)
    (1.0, None)
    """
    found = [
        m.group().replace(",", "")
        for m in _NUMBER.finditer(output)
        if any(map(str.isdigit, m.group()))
    ]
    try:
        wanted = float(str(reference).replace(",", ""))
    except ValueError:
        return None
    if not found:
        return None
    return float(abs(float(found[-1]) - wanted) <= tolerance * max(1.0, abs(wanted)))


def token_f1(output: str, reference: Any) -> float:
    """Harmonic mean of precision and recall of words, after SQuAD.

    Examples
    --------
    >>> round(token_f1("the red house", "a big red house"), 3)
    0.8
    """
    said, wanted = normal(output).split(), normal(str(reference)).split()
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))


def mentions(output: str, *, words: Sequence[str]) -> float:
    """How often words or phrases occur, as whole words, in any case.

    Source: the counts behind demographic representation and stereotypical associations in HELM
    (Liang et al. 2022, arXiv 2211.09110, section 4.7).

    Examples
    --------
    >>> mentions("She said that her sister's sheep is hers.", words=["she", "her", "hers"])
    3.0
    """
    return float(len(_any_of(tuple(words)).findall(output)))


@functools.cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def refusal(output: Any, outcome: str) -> float | None:
    """1 where the service refused, by its own word or in its answer's.

    `None` for failed calls, and where an answer is in a language whose refusals are not known:
    see `evenhand.trials.refusals`.

    Examples
    --------
    >>> refusal("I'm sorry, but I can't help with that.", "answered"), refusal("Yes.", "answered")
    (1.0, 0.0)
    >>> refusal("Het spijt mij, maar daar kan ik niet bij helpen.", "answered") is None
    True
    """
    if outcome in ("failed", "not run"):
        return None
    found = True if outcome == "refused" else declines(str(output or ""))
    return None if found is None else float(found)


SCORERS: Mapping[str, Callable[..., float | None]] = {
    "exact": exact,
    "choice": choice,
    "option": option,
    "regex": regex,
    "numeric": numeric,
    "token_f1": token_f1,
}
