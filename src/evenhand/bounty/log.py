"""The event log: one line of JSON an event, each chained to the one before by its hash.

The log is the truth.  A line is written whole or not at all: a last line without its end, as a
power cut leaves it, never happened, unless its end is all that is missing.
"""

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from evenhand.bounty.files import canonical, sha256, sync_folder
from evenhand.bounty.keys import HOST_KEY, own_public, own_signature
from evenhand.errors import InputError
from evenhand.results.signatures import is_signed

#: Version of the log's form: hashes over RFC 8785, a signature in each line.
FORMAT = 2
#: What a team says; all else is the host's word.
TEAMS_WORDS = frozenset({"committed", "submitted", "withdrawn", "appealed"})
#: Seconds that a writer waits for another one, and between two looks.
WAIT, BETWEEN = 60.0, 0.05
_START = "0" * 64
Held = TypeVar("Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    number : int
        From 0.
    kind : str
    body : dict
    previous : str
        Hash of the event before.
    hash : str
        SHA-256 of all of these, as canonical JSON.
    signature : str or None
        The host's, of the hash's 64 digits, where the host gave its key.
    """

    number: int
    kind: str
    body: dict[str, Any]
    previous: str
    hash: str
    signature: str | None = None

    def is_signed_by(self, key: str) -> bool:
        """Whether the host with this public key wrote it."""
        return self.signature is not None and is_signed(self.hash.encode(), key, self.signature)


class LogError(InputError):
    """The log is not what was written: a line was changed, removed, added or moved."""


def _hash(number: int, kind: str, body: dict[str, Any], previous: str) -> str:
    text = canonical({"number": number, "kind": kind, "body": body, "previous": previous})
    return sha256(text)


def _line(event: Event) -> bytes:
    """The one way to write an event."""
    return canonical({name: getattr(event, name) for name in Event.__dataclass_fields__})


@cache
def _numbers(kind: Any) -> frozenset[str]:
    """Fields that are floats: canonical JSON writes 1.0 as 1, which is read as a whole number."""
    hints = get_type_hints(kind)
    return frozenset(name for name, hint in hints.items() if hint in (float, float | None))


def read_as(kind: type[Held], body: Mapping[str, Any]) -> Held:
    """What an event's body, or a part of it, stands for.

    Raises
    ------
    LogError
        Where it has other fields.
    """
    if not isinstance(body, Mapping):
        raise LogError(f"The log holds {str(body)[:40]!r} in place of a {kind.__name__}.")
    numbers = _numbers(cast(Any, kind))
    given = {
        name: float(value) if name in numbers and type(value) is int else value
        for name, value in body.items()
    }
    try:
        return kind(**given)
    except TypeError as error:
        raise LogError(
            f"The log holds a {kind.__name__} with other fields than this version reads: "
            f"{', '.join(map(repr, body))}.  Was it written by another version of Evenhand?"
        ) from error


@contextlib.contextmanager
def of_its_form(what: str) -> Iterator[None]:
    """Say in a sentence what of a log is not of its form, where the log may be a stranger's."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise LogError(f"{what} of the log is not of its form: {str(error)[:200]}.") from error


def tell_waiting() -> None:
    """Say on stderr that another program is at work."""
    sys.stderr.write("Another program is changing this bounty; waiting for it …\n")


class EventLog:
    """Append-only file of events with one writer at a time.

    Parameters
    ----------
    path : Path
    wait : float
        Seconds that a writer waits for another one to end.
    waiting : callable
        Called once where it has to wait.
    """

    def __init__(
        self, path: Path, *, wait: float = WAIT, waiting: Callable[[], None] = tell_waiting
    ) -> None:
        self._path, self._wait, self._waiting = path, wait, waiting
        self._seen: list[Event] = []
        self._bytes = 0

    def read(self) -> tuple[Event, ...]:
        """All events.

        Raises
        ------
        LogError
            Where the chain is broken, with the line, or the log has another form.
        """
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._bytes - 1:
            self._seen, self._bytes = [], 0
        # What was checked once in this process is not checked again.
        for line in self._lines_from(self._bytes):
            self._seen.append(self._event(line, len(self._seen)))
            self._bytes += len(line) + 1
        return tuple(self._seen)

    def _event(self, line: bytes, number: int) -> Event:
        """The event of a line that is what was written after those seen."""
        event = self._parse(line, number)
        previous = self._seen[-1].hash if self._seen else _START
        try:
            fits = _line(event) == line and event == Event(
                number=number,
                kind=event.kind,
                body=event.body,
                previous=previous,
                hash=_hash(number, event.kind, event.body, previous),
                signature=event.signature,
            )
        except (InputError, RecursionError) as error:
            raise self._broken(number) from error
        if not fits:
            raise self._broken(number)
        return event

    def begin(self, body: dict[str, Any]) -> Event:
        """Write the first event: the form of the log and the host's public key stand in it."""
        return self.append("created", {**body, "format": FORMAT, "host": own_public(HOST_KEY)})

    def append(self, kind: str, body: dict[str, Any]) -> Event:
        """Add an event; it is on the disk when this returns.  Call it within `writing`.

        Raises
        ------
        InputError
            Where it is the host's word and the host's key is not given.
        """
        events = self.read()
        previous = events[-1].hash if events else _START
        number = len(events)
        known = _hash(number, kind, body, previous)
        host = events[0].body["host"] if events else body["host"]
        event = Event(
            number=number,
            kind=kind,
            body=body,
            previous=previous,
            hash=known,
            signature=_signature(kind, known, host),
        )
        self._write(event)
        return event

    def _write(self, event: Event) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self._path, flags, 0o666), "r+b") as file:
            # A torn last line is overwritten; a whole one gets the end that it may lack.
            file.seek(max(self._bytes - 1, 0))
            file.truncate()
            file.write((b"\n" if event.number else b"") + _line(event) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if not event.number:
            sync_folder(self._path.parent)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, after those that were here before."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self._path.with_suffix(".lock"), flags, 0o666), "w") as lock:
            self._lock(lock.fileno())
            yield

    def _lock(self, file: int) -> None:
        until, told = time.monotonic() + self._wait, False
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise InputError(
                        f"Another program has been changing this bounty for {self._wait:g} seconds.  Nothing was "
                        "written.  Try again, or wait longer: --wait SECONDS."
                    ) from error
            if not told:
                self._waiting()
                told = True
            time.sleep(BETWEEN)

    def _lines_from(self, position: int) -> list[bytes]:
        """Whole lines from a place in the file on; the last one may lack its end and nothing else."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(position)
            *lines, last = file.read().split(b"\n")
        try:
            whole = _line(Event(**json.loads(last))) == last
        except (ValueError, TypeError, InputError, RecursionError):
            whole = False
        return [*lines, last] if whole else lines

    def _parse(self, line: bytes, number: int) -> Event:
        try:
            found = json.loads(line)
            if number == 0:
                self._check_form(found)
            event = Event(**found)
        except (ValueError, TypeError, RecursionError) as error:
            raise (self._broken(number) if number else self._no_log()) from error
        kinds = (event.kind, str), (event.body, dict), (event.hash, str)
        if not all(isinstance(value, kind) for value, kind in kinds):
            raise self._broken(number)
        if not isinstance(event.signature, str | None):
            raise self._broken(number)
        return event

    def _check_form(self, first: Any) -> None:
        """Refuse a log that another version began, before its hashes are looked at."""
        body = first.get("body") if isinstance(first, dict) else None
        if not isinstance(body, dict) or first.get("kind") != "created":
            raise self._no_log()
        found = body.get("format", 1)
        if found != FORMAT:
            raise LogError(
                f"{self._path} is a log of format {str(found)[:20]}, and this version of Evenhand reads format "
                f"{FORMAT}.  Go on with the version that began it, or begin a new bounty: evenhand bounty init."
            )

    def _no_log(self) -> LogError:
        return LogError(
            f"{self._path} is no log of a bounty, or its beginning was changed: line 1 does not begin one.  "
            "A log is the file log.jsonl of a bounty's folder."
        )

    def _broken(self, number: int) -> LogError:
        return LogError(
            f"{self._path} line {number + 1} is not what was written: its hash does not fit.  "
            "Restore the file from a copy; nothing after this line can be trusted."
        )


def _signature(kind: str, known: str, host: str | None) -> str | None:
    """The host's signature of an event's hash, where the bounty has a key and it is given."""
    if host is None:
        return None
    own = own_public(HOST_KEY)
    if own is not None and own != host:
        raise InputError(
            f"{HOST_KEY} is another key than this bounty was begun with: its public half is {own[:12]}…, "
            f"the bounty's is {host[:12]}….  Nothing was written."
        )
    if own is None and kind not in TEAMS_WORDS:
        raise InputError(
            f"This bounty has a host key, and this is for the host to say.  Set {HOST_KEY} to the secret whose "
            f"public half is {host[:12]}….  Nothing was written."
        )
    return own_signature(HOST_KEY, known.encode())
