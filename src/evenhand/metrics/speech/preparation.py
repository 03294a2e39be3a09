"""From texts as they were written to texts whose words can be compared."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from evenhand.errors import InputError
from evenhand.metrics.speech.languages import phrases
from evenhand.metrics.speech.normalizers import normalize, strings, utf8_parts
from evenhand.metrics.speech.scripts import cut, join

#: Normalisers that only change what they always changed.
_LITERAL = ("none", "basic", "english")
_FIRST_OF_THREE_BYTES = 0xE0  # in UTF-8; every script without spaces lies from there on
_MOST_BYTES = 1 << 20  # of a file of equivalent phrases

Preparation = Callable[[pa.StringArray], pa.StringArray]


def preparation(
    *,
    normalizer: str,
    tokens: str = "word",
    tokenizer: str = "space",
    equivalents: Mapping[str, str] | None = None,
) -> Preparation:
    """Normalising, then equivalent phrases, then the words of scripts without spaces.

    Parameters
    ----------
    normalizer, tokens, tokenizer, equivalents
        As in `evenhand.metrics.speech.alignment.count_edits`.

    Returns
    -------
    callable
        From an array of texts to as many texts.

    Examples
    --------
    >>> preparation(normalizer="unicode", tokenizer="character")(pa.array(["你好。OK!"])).to_pylist()
    [' 你  好 ok']
    """
    alike = phrases(equivalents) if equivalents else None
    spaced: Callable[[str], str] | None = None if tokenizer == "space" else cut(tokenizer)
    single = tokens == "character" and normalizer not in _LITERAL
    if tokens == "character":
        spaced = join if single else None

    def prepare(texts: pa.StringArray) -> pa.StringArray:
        texts = normalize(texts, normalizer)
        if alike is not None:
            texts = strings(list(map(alike, texts.to_pylist())))
        if spaced is not None and _may_be_spaceless(texts):
            texts = strings(list(map(spaced, texts.to_pylist())))
        if single:  # a mark between two spaces leaves one, not two
            texts = strings([" ".join(text.split()) for text in texts.to_pylist()])
        return texts

    return prepare


def _may_be_spaceless(texts: pa.StringArray) -> bool:
    data, _ = utf8_parts(texts)
    return not data.isascii() and max(data) >= _FIRST_OF_THREE_BYTES


def read_equivalents(path: str, normalizer: str) -> Mapping[str, str]:
    """Phrases of a file that count as one: each line has ``colour = color`` or more, each by ``=``.

    The first phrase of a line stands for all of it, in references and hypotheses. Lines that are
    empty or begin with ``#`` are comments.

    Raises
    ------
    InputError
        If the file cannot be read, a line names fewer than two phrases, or a phrase stands in two
        lines.
    """
    try:
        with Path(path).open("rb") as file:
            lines = file.read(_MOST_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InputError(f"equivalents: {path} cannot be read: {reason}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        raw = pa.array([part.strip() for part in line.split("=")], pa.string())
        alike = [" ".join(text.split()) for text in normalize(raw, normalizer).to_pylist()]
        if len(alike) < 2 or not all(alike):
            raise InputError(
                f"equivalents: {path} line {number} must name at least two phrases, as in: colour = color"
            )
        for phrase in alike:
            if found.get(phrase, alike[0]) != alike[0]:
                raise InputError(
                    f"equivalents: {path} line {number}: a phrase of it stands in an earlier line too.  "
                    "Write all that count as one in one line."
                )
            found[phrase] = alike[0]
    return {one: other for one, other in found.items() if one != other}
