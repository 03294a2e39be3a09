"""Answers kept by content address: the same call is never paid for twice.

SQLite in write-ahead mode: each answer is one committed row, so that it survives `kill -9` (and all
but the last ones survive a power cut), and two thousand are looked up in hundredths of a second.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from evenhand.errors import InputError
from evenhand.services.service import Answer, Outcome
from evenhand.services.usage import Tokens

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, output TEXT, outcome TEXT NOT NULL, reason TEXT,
    seconds REAL NOT NULL, cost REAL, raw TEXT, service TEXT NOT NULL, at REAL NOT NULL,
    at_most INTEGER NOT NULL DEFAULT 0, thinking TEXT,
    input_tokens INTEGER, output_tokens INTEGER, thinking_tokens INTEGER
);
CREATE TABLE IF NOT EXISTS measures (key BLOB PRIMARY KEY, found TEXT NOT NULL);
"""
#: What calls without an answer may have cost: in flight, or ended in a way that may be billed.
_CHARGES = """
CREATE TABLE IF NOT EXISTS charges (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL, service TEXT NOT NULL, amount REAL NOT NULL,
    why TEXT NOT NULL
);
"""
_FROM_1 = """
ALTER TABLE answers ADD COLUMN at_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN thinking TEXT;
ALTER TABLE answers ADD COLUMN input_tokens INTEGER;
ALTER TABLE answers ADD COLUMN output_tokens INTEGER;
ALTER TABLE answers ADD COLUMN thinking_tokens INTEGER;
"""
_FORMAT = 2
_AT_ONCE = 500
MAX_RAW = 1 << 20
_JSON = json.JSONEncoder(default=str)


def call_key(content: bytes, asked: bytes) -> bytes:
    """Content address of a call: SHA-256 of everything that may change its answer.

    Parameters
    ----------
    content : bytes
        What the sample brings.
    asked : bytes
        What it is asked under: see `asked_under`.
    """
    return hashlib.sha256(content + asked).digest()


def asked_under(*, condition: str, seed: int, service: str, version: str, repeat: int) -> bytes:
    """What a call's answer depends on beside the sample, the same for all of them."""
    fields = [each.encode() for each in (condition, str(seed), service, version, str(repeat))]
    return b"".join(len(each).to_bytes(8, "big") + each for each in fields)


@dataclass(slots=True)
class Writes:
    """What one transaction writes: answers, charges set aside, and numbers of settled ones."""

    answers: list[tuple[bytes, Answer, str]] = field(default_factory=list)
    charges: list[tuple[int, bytes, str, float, str]] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)


class Cache:
    """Answers and measures in one SQLite file, used by one trial at a time.

    Parameters
    ----------
    path : Path
        Created if it is not there.
    largest : int, optional
        Bytes that the file may reach; for tests of a full disk.

    Raises
    ------
    InputError
        When another trial uses the file, or it is none of ours.
    """

    def __init__(self, path: Path, *, largest: int | None = None) -> None:
        self.path = path
        self._lock = _locked(path.with_name(path.name + ".lock"))
        try:
            self._open(path, largest)
        except (sqlite3.Error, OSError) as error:
            self._lock.close()
            raise InputError(
                f"{path} cannot be used as a cache: {error}.  Move it away, or name another one as cache "
                "under [trial]: what it holds is asked again."
            ) from error

    def _open(self, path: Path, largest: int | None) -> None:
        # One thread at a time uses it: the caller's, or that of the event loop.
        self._connection = sqlite3.connect(
            path, isolation_level=None, timeout=30, check_same_thread=False
        )
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, 1, _FORMAT):
            raise InputError(
                f"{path} was written by another version of evenhand.  Name another one."
            )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        if largest is not None:
            self._connection.execute(f"PRAGMA max_page_count={largest // 4096}")
        if version != _FORMAT:
            made = _SCHEMA if version == 0 else _FROM_1
            self._connection.executescript(
                f"BEGIN; {made} {_CHARGES} PRAGMA user_version={_FORMAT}; COMMIT;"
            )
        found = self._connection.execute("SELECT max(number) FROM charges").fetchone()[0]
        #: Charges of this run are numbered from here.
        self.first_number: int = found or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let other trials use it."""
        with contextlib.suppress(sqlite3.Error):  # a full disk must not hide the first error
            self._connection.close()
        self._lock.close()

    def known(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        """Keys that have an answer, with its cost."""
        rows = self._rows("SELECT key, cost FROM answers WHERE key IN ({})", keys)
        return {key: cost or 0.0 for key, cost in rows}

    def answers(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """Answers by key, without the raw replies."""
        query = (
            "SELECT key, output, outcome, reason, seconds, cost, at_most, thinking, input_tokens, "
            "output_tokens, thinking_tokens FROM answers WHERE key IN ({})"
        )
        return {row[0]: _answer(*row[1:]) for row in self._rows(query, keys)}

    def possibly_spent(self, keys: Sequence[bytes]) -> float:
        """What calls of these keys may have cost beside their answers, in runs before this one."""
        rows = self._rows("SELECT sum(amount) FROM charges WHERE key IN ({})", keys)
        return float(sum(amount or 0.0 for (amount,) in rows))

    def raw(self, key: bytes) -> str | None:
        """Reply as it came, without secrets."""
        found = self._connection.execute("SELECT raw FROM answers WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def keep(self, writes: Writes) -> None:
        """Keep answers, each with its key and the service's name; they are safe when this returns.

        Raises
        ------
        InputError
            When the disk is full or broken: going on would pay for answers that are lost.
        """
        # The time of day is for people; nothing is computed from it.
        now = time.time()
        rows = [(key, *_row(answer, service, now)) for key, answer, service in writes.answers]
        holes = ",".join("?" * 14)
        self._write(
            ("INSERT OR REPLACE INTO charges VALUES (?,?,?,?,?)", writes.charges),
            ("DELETE FROM charges WHERE number = ?", [(number,) for number in writes.settled]),
            (f"INSERT OR REPLACE INTO answers VALUES ({holes})", rows),
        )

    def typical(self, service: str) -> tuple[float | None, float | None]:
        """Mean seconds and mean cost of the answers of a service; `None` where there are none."""
        query = "SELECT avg(seconds), avg(cost) FROM answers WHERE service = ?"
        seconds, cost = self._connection.execute(query, (service,)).fetchone()
        return seconds, cost

    def measures(self, keys: Sequence[bytes]) -> dict[bytes, dict[str, Any]]:
        """Measures of samples by key."""
        rows = self._rows("SELECT key, found FROM measures WHERE key IN ({})", keys)
        return {key: json.loads(found) for key, found in rows}

    def keep_measures(self, found: Mapping[bytes, Mapping[str, Any]]) -> None:
        """Keep the measures of samples."""
        rows = [(key, json.dumps(measures)) for key, measures in found.items()]
        if rows:
            self._write(("INSERT OR REPLACE INTO measures VALUES (?,?)", rows))

    def _rows(self, query: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            yield from self._connection.execute(query.format(",".join("?" * len(part))), part)

    def _write(self, *parts: tuple[str, Sequence[tuple[Any, ...]]]) -> None:
        """Write the rows as one transaction, or say why none of them is there."""
        try:
            self._connection.execute("BEGIN")
            for query, rows in parts:
                if rows:
                    self._connection.executemany(query, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
                self._connection.execute("ROLLBACK")
            raise InputError(
                f"{self.path}: answers cannot be kept ({error}).  Make room and run the same command "
                "again; every answer kept before this one stays."
            ) from error


def _row(answer: Answer, service: str, now: float) -> tuple[Any, ...]:
    output = None if answer.output is None else _JSON.encode(answer.output)
    raw, reason = _plain(answer.raw), _plain(answer.reason)
    told = answer.tokens
    tokens = (None, None, None) if told is None else (told.input, told.output, told.thinking)
    return (
        output, answer.outcome, reason, answer.seconds, answer.cost, raw, service, now,
        int(answer.at_most), _plain(answer.thinking), *tokens,
    )  # fmt: skip


def _answer(
    output: str | None,
    outcome: Outcome,
    reason: str | None,
    seconds: float,
    cost: float | None,
    *more: Any,
) -> Answer:
    at_most, thinking, *tokens = more
    return Answer(
        output=None if output is None else json.loads(output),
        outcome=outcome,
        reason=reason,
        seconds=seconds,
        cost=cost,
        at_most=bool(at_most),
        thinking=thinking,
        tokens=None if tokens == [None, None, None] else Tokens(*tokens),
    )


def _plain(text: str | None) -> str | None:
    """Text that can be stored: half of a surrogate pair cannot."""
    return None if text is None else text[:MAX_RAW].encode("utf-8", "replace").decode("utf-8")


def _locked(path: Path) -> IO[bytes]:
    """Lock that ends with the process, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("ab")
    except OSError as error:
        raise InputError(f"{path.parent} cannot be written: {error.strerror}.") from error
    if os.name == "posix":
        import fcntl  # noqa: PLC0415 - only here is it there

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise InputError(
                f"Another trial is using {path.name.removesuffix('.lock')}.  Wait for it, or name "
                "another cache."
            ) from None
    return lock
