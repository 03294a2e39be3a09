"""One answer of a log that somebody judged: what the tool says of it, its scores, and what it was given about it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from evenhand.records.logs.json_text import written

#: Steps into structures that become columns of their own; what is deeper is JSON text.
DEPTH = 3
_PLAIN = frozenset((str, int, float, bool))


class LogRow(NamedTuple):
    """One answer.

    Attributes
    ----------
    own : dict
        Columns that the reader names: `id`, `epoch`, `outcome`, texts.
    scores : dict
        Scores by the tool's names.
    attributes : dict
        What was known of the answer's question beforehand, by its own names.
    size : int
        Bytes of the log that it was read from.
    """

    own: dict[str, Any]
    scores: dict[str, Any]
    attributes: dict[str, Any]
    size: int


def flattened(found: Mapping[str, Any] | None, *, depth: int = DEPTH) -> dict[str, Any]:
    """Values that a column can hold: structures by their parts, lists as JSON text; what is missing is left out.

    Examples
    --------
    >>> flattened({"dialect": "north", "who": {"age": 30, "from": None}, "tags": ["a", "b"]})
    {'dialect': 'north', 'who_age': 30, 'tags': '["a","b"]'}
    >>> flattened({"who": {"age": 30}, "who_age": "young"})
    {'who.age': 30, 'who_age': 'young'}
    """
    out: dict[str, Any] = {}
    if not found:
        return out
    for name, value in found.items():
        if value.__class__ in _PLAIN:
            out[name] = value
        elif isinstance(value, dict) and depth > 1:
            for part, inner in flattened(value, depth=depth - 1).items():
                # What stands there under this name already keeps it.
                taken = f"{name}_{part}" in found or f"{name}_{part}" in out
                out[f"{name}.{part}" if taken else f"{name}_{part}"] = inner
        elif value is not None:
            out[name] = written(value)
    return out


def plain_text(value: Any) -> str | None:
    """A text as it is, a list of one as its text, anything else as JSON."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if value is None or isinstance(value, str) else written(value)
