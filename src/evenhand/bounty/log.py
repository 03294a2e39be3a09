"""The event log: one line of JSON an event, each chained to the one before by its hash.

The log is the truth.  A line is written whole or not at all: a last line without its end, as a
power cut leaves it, never happened, unless its end is all that is missing.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from evenhand.bounty.files import canonical, sha256, sync_folder
from evenhand.errors import InputError

_START = "0" * 64
Held = TypeVar("Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `hash` covers all else, `previous` is the hash of the one before."""

    number: int
    kind: str
    body: dict[str, Any]
    previous: str
    hash: str


class LogError(InputError):
    """The log is not what was written: a line was changed, removed, added or moved."""


def _hash(number: int, kind: str, body: dict[str, Any], previous: str) -> str:
    text = canonical({"number": number, "kind": kind, "body": body, "previous": previous})
    return sha256(text)


def _line(event: Event) -> bytes:
    """The one way to write an event."""
    return canonical({name: getattr(event, name) for name in Event.__dataclass_fields__})


def read_as(kind: type[Held], body: Mapping[str, Any]) -> Held:
    """What an event's body, or a part of it, stands for.

    Raises
    ------
    LogError
        Where it has other fields.
    """
    try:
        return kind(**body)
    except TypeError as error:
        raise LogError(
            f"The log holds a {kind.__name__} with other fields than this version reads: "
            f"{', '.join(map(repr, body))}.  Was it written by another version of Evenhand?"
        ) from error


class EventLog:
    """Append-only file of events with one writer at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: list[Event] = []
        self._bytes = 0

    def read(self) -> tuple[Event, ...]:
        """All events.

        Raises
        ------
        LogError
            Where the chain is broken, with the line.
        """
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._bytes - 1:
            self._seen, self._bytes = [], 0
        # What was checked once in this process is not checked again.
        for line in self._lines_from(self._bytes):
            number = len(self._seen)
            previous = self._seen[-1].hash if self._seen else _START
            event = self._parse(line, number)
            if _line(event) != line:
                raise self._broken(number)
            right = _hash(number, event.kind, event.body, previous)
            if (event.number, event.previous, event.hash) != (number, previous, right):
                raise self._broken(number)
            self._seen.append(event)
            self._bytes += len(line) + 1
        return tuple(self._seen)

    def append(self, kind: str, body: dict[str, Any]) -> Event:
        """Add an event; it is on the disk when this returns.  Call it within `writing`."""
        events = self.read()
        previous = events[-1].hash if events else _START
        number = len(events)
        event = Event(
            number=number,
            kind=kind,
            body=body,
            previous=previous,
            hash=_hash(number, kind, body, previous),
        )
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self._path, flags, 0o666), "r+b") as file:
            # A torn last line is overwritten; a whole one gets the end that it may lack.
            file.seek(max(self._bytes - 1, 0))
            file.truncate()
            file.write((b"\n" if events else b"") + _line(event) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if not events:
            sync_folder(self._path.parent)
        return event

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, or say that there is another one."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self._path.with_suffix(".lock"), flags, 0o666), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError("Another program is changing this bounty.  Try again.") from error
            yield

    def _lines_from(self, position: int) -> list[bytes]:
        """Whole lines from a place in the file on; the last one may lack its end and nothing else."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(position)
            *lines, last = file.read().split(b"\n")
        try:
            whole = _line(Event(**json.loads(last))) == last
        except (ValueError, TypeError):
            whole = False
        return [*lines, last] if whole else lines

    def _parse(self, line: bytes, number: int) -> Event:
        try:
            return Event(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise self._broken(number) from error

    def _broken(self, number: int) -> LogError:
        return LogError(
            f"{self._path} line {number + 1} is not what was written: its hash does not fit.  "
            "Restore the file from a copy; nothing after this line can be trusted."
        )
