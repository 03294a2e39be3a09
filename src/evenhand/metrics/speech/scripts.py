"""Scripts that put no spaces between words: found, cut into words, or joined for characters."""

import importlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from evenhand.errors import InputError, unknown_name
from evenhand.metrics.speech.unicode import rules

#: Ways to find the words of such scripts.
TOKENIZERS = ("space", "character", "icu")
INSTALL = "pip install 'evenhand[languages]'"


@cache
def _classes() -> Mapping[str, str]:
    """Character class of each script, for a pattern."""
    scripts: dict[str, list[list[int]]] = rules()["spaceless"]
    return {
        name: "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges)
        for name, ranges in scripts.items()
    }


@cache
def _run() -> re.Pattern[str]:
    return re.compile(f"[{''.join(_classes().values())}]+")


@cache
def _characters() -> re.Pattern[str]:
    ranges = [pair for each in rules()["spaceless"].values() for pair in each if pair[1] < 0x10000]
    marks = "".join(
        chr(point)
        for first, last in ranges
        for point in range(first, last + 1)
        if unicodedata.category(chr(point))[0] == "M"
    )
    return re.compile(f"([{''.join(_classes().values())}][{marks}]*)")


@cache
def _beside() -> re.Pattern[str]:
    inner = "".join(_classes().values())
    return re.compile(rf"(?<=[{inner}])\s+|\s+(?=[{inner}])")


def join(text: str) -> str:
    """Text without the white space beside characters of such scripts, which is no part of it.

    Examples
    --------
    >>> join("你好 世界 ok go")
    '你好世界ok go'
    """
    return _beside().sub("", text)


def cut(tokenizer: str) -> Callable[[str], str]:
    """Rewriting of a text so that spaces stand between its words.

    Parameters
    ----------
    tokenizer : {"space", "character", "icu"}
        ``character`` makes a word of each character with its marks; ``icu`` asks the dictionaries
        of ICU. Both leave other scripts to their spaces.

    Raises
    ------
    InputError
        If it is unknown, or what it needs is not installed.

    Examples
    --------
    >>> cut("character")("ok 你好").split()
    ['ok', '你', '好']
    """
    if tokenizer == "character":
        return lambda text: _characters().sub(r" \1 ", text)
    if tokenizer == "icu":
        breaker = _icu()
        return lambda text: _run().sub(
            lambda run: f" {' '.join(breaker(run[0], 'en'))} ", join(text)
        )
    if tokenizer == "space":
        return lambda text: text
    raise InputError(unknown_name("tokenizer", tokenizer, TOKENIZERS))


def _icu() -> Callable[[str, str], Iterable[str]]:
    try:
        module: Any = importlib.import_module("icu4py.breakers")
    except ImportError as error:
        raise InputError(
            f"tokenizer='icu' needs a package that is not installed: {INSTALL}  "
            "Without it: tokenizer='character', or cer."
        ) from error
    breaker: Callable[[str, str], Iterable[str]] = module.WordBreaker
    # It gives strings of its own kind.
    return lambda text, locale: map(str, breaker(text, locale))


def spaceless(texts: Iterable[str]) -> Counter[str]:
    """How many texts are mostly in each script without spaces.

    Examples
    --------
    >>> spaceless(["ฉันไปตลาด", "你好", "hello"])
    Counter({'Thai': 1, 'Chinese-or-Japanese': 1})
    """
    found: Counter[str] = Counter()
    for text in texts:
        if not _run().search(text):
            continue
        for name, inner in _classes().items():
            if 2 * len(re.findall(f"[{inner}]", text)) > len("".join(text.split())):
                found[name] += 1
    return found
