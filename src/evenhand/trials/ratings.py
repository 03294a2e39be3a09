"""What a judge said, read as a number: JSON, a label, "Score: 4", "4/5", "**Yes**"."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from evenhand.trials.choices import find_choice
from evenhand.trials.numbers import Number, markers, meant_number

_FENCED = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_OBJECT = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_OUT_OF = re.compile(
    r"(?<![\d/.,])([-−]?\d+(?:[.,]\d+)?)\s*(?:/|out of|von|sur|de|su)\s*\d+(?![\d/])", re.IGNORECASE
)
_FIRST_WORD = re.compile(r"\W*([^\W\d_]+)(?=\W|$)")
_YES_NO = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
#: Names under which judges give their score, the best first.
_SCORES = ("score", "rating", "grade", "verdict", "label", "answer", "value", "result", "overall")
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
        Number of each label; yes, no, true and false are known.
    output : str, optional
        Which of several named values is the score.

    Examples
    --------
    >>> [read_rating(text) for text in ('{"score": 4}', "Score: 4", "4/5", "**Yes**", "perhaps")]
    [4.0, 4.0, 4.0, 1.0, None]
    """
    if isinstance(said, bool | int | float):
        return _finite(float(said))
    if isinstance(said, Mapping):
        return _of_mapping(said, values, output)
    if said is None:
        return None
    text = unicodedata.normalize("NFKC", str(said).replace("−", "-"))[:_LONGEST].strip()
    named = _of_json(text)
    if named is not None:
        return _of_mapping(named, values, output)
    labels = {**_YES_NO, **{str(name).casefold(): value for name, value in (values or {}).items()}}
    plain = re.sub(r"[*_`#]+", "", text).strip()
    word = plain.strip(" .!\"'()[]").casefold()
    if word in labels:
        return float(labels[word])
    number = _plain_number(word)
    return number if number is not None else _within(plain, labels)


def _within(text: str, labels: Mapping[str, float]) -> float | None:
    """A label or number within other words: marked, or first, or the only one."""
    marked = markers().search(text) is not None
    label = find_choice(text, list(labels))
    first = _FIRST_WORD.match(text)
    if label is not None and (marked or (first and first[1].casefold() == label)):
        return float(labels[label])
    number = meant_number(_OUT_OF.sub(r"\1", text))
    alone = (
        number is not None and len(re.findall(r"\d+(?:[.,]\d+)?", _OUT_OF.sub(r"\1", text))) == 1
    )
    if number is not None and (marked or alone):
        return _finite(_share(number))
    return float(labels[label]) if label is not None else None


def _share(number: Number) -> float:
    return number.value / 100 if number.percent else number.value


def _plain_number(word: str) -> float | None:
    try:
        return _finite(float(word))
    except ValueError:
        return None


def _finite(number: float) -> float | None:
    return number if abs(number) < float("inf") else None


def _of_json(text: str) -> Mapping[str, Any] | None:
    """The last JSON object in a text, fenced or bare."""
    for part in (text, *reversed(_FENCED.findall(text)), *reversed(_OBJECT.findall(text))):
        try:
            found = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, Mapping):
            return found
    return None


def _of_mapping(
    said: Mapping[str, Any], values: Mapping[str, float] | None, output: str | None
) -> float | None:
    if output is not None:
        return read_rating(said.get(output), values=values)
    by_name = {str(name).casefold(): value for name, value in said.items()}
    for name in _SCORES:
        if name in by_name:
            return read_rating(by_name[name], values=values)
    inner = [value for value in said.values() if isinstance(value, bool | int | float)]
    return read_rating(inner[0], values=values) if len(inner) == 1 else None
