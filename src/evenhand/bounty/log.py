"""The event log: one line of JSON an event, each chained to the one before by its hash.

The log is the truth.  A line is written whole or not at all: a last line without its end, as a
power cut leaves it, never happened.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.bounty.submission import canonical
from evenhand.errors import InputError

_START = "0" * 64


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
    return hashlib.sha256(text).hexdigest()


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
        if size < self._bytes:
            self._seen, self._bytes = [], 0
        # What was checked once in this process is not checked again.
        for line in self._lines_from(self._bytes):
            number = len(self._seen)
            previous = self._seen[-1].hash if self._seen else _START
            event = self._parse(line, number)
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
        line = canonical(
            {
                "number": number,
                "kind": kind,
                "body": body,
                "previous": previous,
                "hash": event.hash,
            }
        )
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            # A torn last line is overwritten.
            file.seek(self._bytes)
            file.truncate()
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return event

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, or say that there is another one."""
        with self._path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError("Another program is changing this bounty.  Try again.") from error
            yield

    def _lines_from(self, position: int) -> list[bytes]:
        """Whole lines from a place in the file on."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(position)
            return file.read().split(b"\n")[:-1]

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


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
