"""Reference texts with several right readings: sclite's alternations and optional words.

``{ a / b c }`` may be read either way, ``@`` within it is nothing; ``(uh)`` may be said or not.
Alignment runs over the network of all readings, so their number does not matter.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evenhand.errors import InputError

_TOKEN = re.compile(r"[{}]|[^\s{}]+")
_OPTIONAL = re.compile(r"\(\S+\)")
MARKED = re.compile(r"[{}]|(?:^|\s)\(\S+\)(?=\s|$|[{}])")


class Edits(NamedTuple):
    """The least of them decides between readings, so errors come first; a skipped word is a hit."""

    errors: int = 0
    insertions: int = 0
    substitutions: int = 0
    deletions: int = 0
    hits: int = 0


class _Arc(NamedTuple):
    start: int
    word: str | None  # None: nothing is read on this way
    skipped: int = 0  # words that need not be said, and are not on this way


@dataclass(slots=True)
class _Network:
    """Ways from node 0 to the last node; arcs are kept by the node where they end, in order."""

    arcs: list[list[_Arc]] = field(default_factory=lambda: [[]])

    def node(self, *arcs: _Arc) -> int:
        self.arcs.append(list(arcs))
        return len(self.arcs) - 1

    def words(self, start: int, words: Sequence[str]) -> int:
        for word in words:
            start = self.node(_Arc(start, word))
        return start


def count_readings(
    reference: str, hypothesis: Sequence[str], words_of: Callable[[str], Sequence[str]]
) -> Edits:
    """Edits from the reading of a marked reference that has the fewest errors.

    Parameters
    ----------
    reference : str
        As transcribed, with its marks.
    hypothesis : sequence of str
        Words that were heard, normalised.
    words_of : callable
        Normalised words of a text.

    Returns
    -------
    Edits
        Of the reading with the fewest errors; of several, of the longest.
        A word that need not be said, and was not, counts as a hit, as under ``sclite -D``.

    Raises
    ------
    InputError
        If braces do not match.

    Examples
    --------
    >>> count_readings("(uh) { going to / gonna } go", ["gonna", "stop"], str.split)
    Edits(errors=1, insertions=0, substitutions=1, deletions=0, hits=2)
    """
    network = _Network()
    tokens = _TOKEN.findall(reference)
    end, rest = _sequence(network, 0, tokens, 0, words_of, reference)
    if rest < len(tokens):
        raise _unmatched(reference, "closes nothing")
    return _align(network, end, hypothesis)


def _sequence(
    network: _Network, start: int, tokens: list[str], place: int,
    words_of: Callable[[str], Sequence[str]], text: str,
) -> tuple[int, int]:  # fmt: skip
    """Read up to the end, or to a mark that belongs to whoever opened a brace."""
    inside = place > 0
    plain: list[str] = []

    def settle(start: int) -> int:
        # Words that stand together are normalised together: "twenty one".
        words = words_of(" ".join(word for word in plain if word != "@")) if plain else []
        plain.clear()
        return network.words(start, words)

    while place < len(tokens):
        token = tokens[place]
        if token == "}" or (inside and token == "/"):  # noqa: S105 - a mark
            break
        place += 1
        if token == "{":  # noqa: S105 - a mark
            start, place = _alternation(network, settle(start), tokens, place, words_of, text)
        elif _OPTIONAL.fullmatch(token):
            start = _optional(network, settle(start), words_of(token[1:-1]))
        else:
            plain.append(token)
    return settle(start), place


def _optional(network: _Network, start: int, words: Sequence[str]) -> int:
    if not words:
        return start
    return network.node(_Arc(network.words(start, words), None), _Arc(start, None, len(words)))


def _alternation(
    network: _Network, start: int, tokens: list[str], place: int,
    words_of: Callable[[str], Sequence[str]], text: str,
) -> tuple[int, int]:  # fmt: skip
    ends: list[int] = []
    while True:
        end, place = _sequence(network, start, tokens, place, words_of, text)
        ends.append(end)
        if place >= len(tokens):
            raise _unmatched(text, "is never closed")
        place += 1
        if tokens[place - 1] == "}":
            return network.node(*(_Arc(end, None) for end in ends)), place


def _unmatched(text: str, what: str) -> InputError:
    return InputError(
        f"A reference has a brace that {what}: {text[:80]!r}.  "
        "Write alternatives as { a / b }, or leave out markup='sclite'."
    )


def _align(network: _Network, end: int, hypothesis: Sequence[str]) -> Edits:
    """Least edits to each node after each number of heard words."""
    first = [Edits()]
    for _ in hypothesis:
        first.append(_more(first[-1], errors=1, insertions=1))
    rows: list[list[Edits]] = [first]
    for arcs in network.arcs[1:]:
        best: list[Edits] = []
        for place in range(len(hypothesis) + 1):
            ways = [_step(rows, arc, place, hypothesis) for arc in arcs]
            if place:
                ways.append(_more(best[-1], errors=1, insertions=1))
            best.append(min(ways))
        rows.append(best)
    return rows[end][-1]


def _step(rows: list[list[Edits]], arc: _Arc, place: int, hypothesis: Sequence[str]) -> Edits:
    before = rows[arc.start]
    if arc.word is None:
        return _more(before[place], hits=arc.skipped)
    deleted = _more(before[place], errors=1, deletions=1)
    if not place:
        return deleted
    if hypothesis[place - 1] == arc.word:
        return min(deleted, _more(before[place - 1], hits=1))
    return min(deleted, _more(before[place - 1], errors=1, substitutions=1))


def _more(
    edits: Edits,
    *,
    errors: int = 0,
    insertions: int = 0,
    substitutions: int = 0,
    deletions: int = 0,
    hits: int = 0,
) -> Edits:
    e, i, s, d, h = edits
    return Edits(e + errors, i + insertions, s + substitutions, d + deletions, h + hits)
