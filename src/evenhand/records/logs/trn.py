"""Transcripts as sclite takes them, ``words (speaker-utterance)`` a line: a reference, or one service's hypothesis.

Facts of sclite 2.10: an optional word ``(uh)`` is a word like others unless ``-D`` is given; of alternatives
``{ gonna / going to / @ }`` the one that fits the hypothesis best is taken, ``@`` being none.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from evenhand.errors import InputError
from evenhand.records.encodings import open_text
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_LINE = re.compile(r"(?P<text>.*?)\s*\((?P<id>[^\s()]+)\)\s*\Z")
_CHOICE = re.compile(r"\{([^{}]*)\}")
#: References that alternatives make of one line, at most.
_MOST = 256


class _TrnLog(RowLog):
    """Transcripts of one reference or service."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._alternatives = False

    def rows(self) -> Iterator[LogRow]:
        self._alternatives = has_alternatives(self.path)
        with open_text(self.path) as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith(";;"):
                    continue
                found = _LINE.match(line.strip("\r\n"))
                if found is None:
                    raise InputError(
                        f"{self.path} line {number}: {line.strip()[:60]!r} does not end with an id in parentheses, as "
                        "a line of trn does: hello world (speaker-utterance)"
                    )
                where = f"{self.path} line {number}"
                text = found["text"]
                # As in sclite's own output, where an id of the hypothesis meets that of the reference in any case.
                id_ = found["id"].lower()
                own = {
                    "id": id_,
                    "speaker": speaker_of(id_),
                    "text": readings(text, where) if self._alternatives else text,
                }
                yield LogRow(own, {}, {}, len(line))

    def notes(self) -> Iterator[str]:
        yield "The speaker is what stands before the first - of an id, or else the first _ (sclite -i spu_id)."
        if self._alternatives:
            yield told_alternatives(self.path)


def speaker_of(id_: str) -> str:
    """Speaker of an utterance by the rule ``spu_id`` of sclite.

    Examples
    --------
    >>> speaker_of("Carl_x-u1"), speaker_of("bob_u1"), speaker_of("eve")
    ('Carl_x', 'bob', 'eve')
    """
    for mark in "-_":
        head, found, _ = id_.partition(mark)
        if found:
            return head
    return id_


def readings(text: str, where: str) -> list[str]:
    """Texts that a transcript with alternatives stands for; ``@`` is no word.

    Examples
    --------
    >>> readings("{ gonna / going to } go { please / @ }", "line 1")
    ['gonna go please', 'gonna go', 'going to go please', 'going to go']
    """
    parts = _CHOICE.split(text)
    # What stands between braces has every second place.
    choices = [part.split(" / ") if place % 2 else [part] for place, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > _MOST:
        raise InputError(
            f"{where} has alternatives that make {count:,} references; at most {_MOST} are read."
        )
    return [" ".join(word for word in " ".join(made).split() if word != "@") for made in product(*choices)]  # fmt: skip


def has_alternatives(path: Path) -> bool:
    """Whether some line of a reference has alternatives."""
    with open_text(path) as file:
        return any("{" in line for line in file)


def told_alternatives(path: Path) -> str:
    """What a reader must know of a reference with alternatives."""
    return (
        f"{path.name} has alternatives in braces: each row has all references that they make, and the best counts, as "
        "in sclite."
    )


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.is_lines(".trn", _LINE)


READER = LogReader(name="trn", title="trn transcripts", recognises=_recognises, open=_TrnLog)
