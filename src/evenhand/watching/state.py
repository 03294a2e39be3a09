"""The state of a watch: a small SQLite file, of which each intake is one transaction."""

import json
import math
import sqlite3
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError
from evenhand.groups import Partition
from evenhand.questions.question import Question
from evenhand.results.origin import MetricNote
from evenhand.watching.book import AlarmRules, Book, Named
from evenhand.watching.journal import passed, rows_of, written_row
from evenhand.watching.packing import pack, unpack
from evenhand.watching.reading import ScoredRows

#: First words of a state, and the version of its form.
FORM = "evenhand.watch.state/3"
#: Seconds that another process may have the state.
PATIENCE = 30.0
_CREATE = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (sha256 TEXT PRIMARY KEY, name TEXT, rows INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS visits (place INTEGER, unit TEXT, n INTEGER, settled INTEGER, PRIMARY KEY (place, unit))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (name TEXT PRIMARY KEY, place INTEGER, row TEXT) WITHOUT ROWID;
"""


class WatchState:
    """An open state; without a path it lies in memory and is forgotten.

    Parameters
    ----------
    path : Path, optional
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.version = 0
        if path is not None and path.is_dir():
            raise InputError(f"--state is {path}, a folder.  Name a file in it.")
        if path is not None and not path.parent.is_dir():
            raise InputError(f"--state {path} cannot be made: there is no folder {path.parent}.")

    @cached_property
    def connection(self) -> sqlite3.Connection:
        """The file, opened when it is first needed: opening creates it."""
        try:
            return sqlite3.connect(
                ":memory:" if self.path is None else self.path,
                timeout=PATIENCE,
                isolation_level=None,
            )
        except sqlite3.Error as error:
            raise InputError(f"--state {self.path} cannot be opened: {error}") from error

    def changed(self) -> bool:
        """Whether another process has written since this was asked last."""
        version = int(self.connection.execute("PRAGMA data_version").fetchone()[0])
        before, self.version = self.version, version
        return version != before

    def close(self) -> None:
        """Close the file, where it was opened."""
        if "connection" in self.__dict__:
            self.connection.close()

    @contextmanager
    def intake(self) -> Iterator[None]:
        """One transaction: all of it is kept, or nothing; others wait for its end."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise InputError(
                    f"{self.path} is in use by another evenhand watch.  Nothing was taken in; run this again when "
                    "that one is done."
                ) from error
            raise InputError(f"--state {self.path} cannot be written: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._foreign() from error
        try:
            self._form()
            yield
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise InputError(
                    f"--state {self.path} cannot be kept: {error}.  Nothing was taken in."
                ) from error
            raise

    def _foreign(self) -> InputError:
        return InputError(
            f"{self.path} is no state of evenhand watch.  Name another file: an existing one is never replaced."
        )

    def _form(self) -> None:
        """Create the tables of a new file; refuse a file that is something else."""
        found = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in found}
        if not tables:
            for statement in filter(str.strip, _CREATE.split(";")):
                self.connection.execute(statement)
            self._put("form", FORM)
            return
        form = self.kept("form") if "about" in tables else None
        if form != FORM:
            if isinstance(form, str) and form.startswith("evenhand.watch.state/"):
                raise InputError(
                    f"{self.path} was written by another version of Evenhand ({form}; this one reads {FORM}).  Go on "
                    "with that version, or take the tables in anew with a new --state."
                )
            raise self._foreign()

    def _put(self, name: str, value: object) -> None:
        self.connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def kept(self, name: str) -> Any:
        """What was kept under a name, or `None`."""
        found = self.connection.execute("SELECT value FROM about WHERE name = ?", (name,))
        row = found.fetchone()
        return None if row is None else row[0]

    def _read(self, name: str) -> Any:
        """What JSON was kept under a name, or `None`."""
        kept = self.kept(name)
        try:
            return None if kept is None else json.loads(kept)
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"{self.path} is damaged ({error}).  Take its last copy, or take the tables in anew with a new --state."
        )

    def check(self, settings: Mapping[str, Any], *, keep: bool = True) -> None:
        """Refuse a state of another question, saying what differs; a new one may keep what is asked."""
        known = self._read("settings")
        if known is None:
            if keep:
                self._put("settings", json.dumps(settings, ensure_ascii=False))
            return
        asked = json.loads(json.dumps(settings))
        other = [name for name in asked if known.get(name) != asked[name]]
        if other:
            told = "; ".join(
                f"{name} is {_shown(asked[name])}, there {_shown(known.get(name))}"
                for name in other
            )
            raise InputError(
                f"{self.path} watches another question: {told}.  Ask as before, or name another file for this question."
            )

    def columns(self) -> Any:
        """What columns hold, as it was said last; `None` where nothing was."""
        return self._read("columns")

    def keep_columns(self, columns: str | Mapping[str, str] | None) -> None:
        """Keep what columns hold, for tables that come later."""
        if columns is not None:
            self._put("columns", json.dumps(columns, ensure_ascii=False))

    def rules(self, made: AlarmRules) -> AlarmRules:
        """The rules that the first table made; those of this one where it is the first."""
        if not self.has_rules():
            self._put("rules", json.dumps(asdict(made)))
            return made
        return self.rules_kept()

    def has_rules(self) -> bool:
        """Whether a table was taken in."""
        return self.kept("rules") is not None

    def rules_kept(self) -> AlarmRules:
        """The rules of a state that has taken a table in."""
        kept = self._read("rules")
        try:
            return AlarmRules(**kept)
        except TypeError as error:
            raise self._damaged(error) from error

    @property
    def exists(self) -> bool:
        """Whether there is a file, or none is wanted."""
        return self.path is None or self.path.exists()

    def begun(self) -> bool:
        """Whether a table was taken in, in this run or before."""
        return self.bins() is not None

    def bins(self) -> dict[str, list[float]] | None:
        """Edges at which the first table was cut: all are cut there; `None` before it."""
        if not self.exists:
            return None
        with self.intake():
            kept = self._read("settings")
        return None if kept is None else dict(kept["bins"])

    def knows(self, sha256: str) -> bool:
        """Whether a file of this content was taken in."""
        found = self.connection.execute("SELECT 1 FROM files WHERE sha256 = ?", (sha256,))
        return found.fetchone() is not None

    def keep_file(self, sha256: str, name: str, rows: int) -> None:
        """Note a file as taken in."""
        self.connection.execute("INSERT INTO files VALUES (?, ?, ?)", (sha256, name, rows))

    def has_name(self, name: str) -> bool:
        """Whether a file of this name was taken in."""
        found = self.connection.execute("SELECT 1 FROM files WHERE name = ?", (name,))
        return found.fetchone() is not None

    def files(self) -> int:
        """How many files were taken in."""
        return int(self.connection.execute("SELECT COUNT(*) FROM files").fetchone()[0])

    def settings(self) -> dict[str, Any]:
        """What is asked."""
        return dict(self._read("settings"))

    def keep_shape(self, metric: MetricNote | None, question: Question) -> None:
        """Keep what the groups are made of, and the metric as it is told."""
        assert metric is not None
        shape = {
            "metric": asdict(metric),
            "partitions": [list(one.names) for one in question.partitions],
            "names": [a.name for a in question.attributes],
            "predicates": [a.name for a in question.attributes if a.predicate is not None],
            "bins": {name: list(edges) for name, edges in question.bins.items()},
        }
        self._put("shape", json.dumps(shape, ensure_ascii=False))

    def metric(self) -> MetricNote:
        """The metric as it is told."""
        return MetricNote(**self._read("shape")["metric"])

    def edges(self) -> dict[str, tuple[float, ...]]:
        """Edges of the attributes that are cut."""
        kept = self._read("shape")["bins"]
        return {name: tuple(edges) for name, edges in kept.items()}

    def book(self, rules: AlarmRules | None = None) -> Book:
        """The book as it was kept, or a new one."""
        shape = self._read("shape")
        book = Book(
            rules=rules or self.rules_kept(),
            partitions=(
                Partition(names=()),
                *(Partition(names=tuple(names)) for names in shape["partitions"]),
            ),
            names=tuple(shape["names"]),
            predicates=frozenset(shape["predicates"]),
        )
        self.load(book)
        return book

    def adopt(self, other: "WatchState") -> list[str]:
        """Take over files and journal of another state; names of files that both took in, where rows have no names."""
        if not self.has_rules():
            self.keep_columns(other.columns())
            self._put("shape", other.kept("shape"))
            self._put("rules", other.kept("rules"))
        twice = []
        for sha256, name, rows in other.connection.execute("SELECT * FROM files"):
            if self.knows(sha256):
                twice.append(name)
            else:
                self.keep_file(sha256, name, rows)
        number = self._number()
        self._adopt_journal(other, number)
        told = [{**one, "rows": number + one["rows"]} for one in other.settlements()]
        if told:
            both = [*self.settlements(), *told]
            both.sort(key=lambda one: (_or_least(one["newest"]), one["rows"]))
            self._put("settlements", json.dumps(both, ensure_ascii=False))
        return [] if self.settings()["id"] is not None else twice

    def _number(self) -> int:
        """The place of the next row in the journal."""
        found = self.connection.execute("SELECT MAX(place) FROM journal").fetchone()[0]
        return 0 if found is None else int(found) + 1

    def _adopt_journal(self, other: "WatchState", number: int) -> None:
        """Take over the journal of another state; rows of one name must be one row."""
        apart, first = 0, ""
        for name, place, row in other.connection.execute("SELECT * FROM journal ORDER BY place"):
            known = self.connection.execute("SELECT row FROM journal WHERE name = ?", (name,))
            had = known.fetchone()
            if had is None:
                self.connection.execute(
                    "INSERT INTO journal VALUES (?, ?, ?)", (name, number + place, row)
                )
            elif had[0] != row:
                apart, first = apart + 1, first or name
        if apart:
            raise InputError(
                f"{other.path} has {apart:,} rows that are called as rows of another of these states and have other "
                f"values, the first {first!r}: nobody knows whether they are corrections or other rows.  Let --id name "
                "rows apart by their site."
            )

    def load(self, book: Book) -> None:
        """Fill a new book with what was kept.

        Raises
        ------
        InputError
            Where the file is damaged.
        """
        kept = self.kept("book")
        try:
            if kept is not None:
                unpack(kept, book)
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise self._damaged(error) from error
        found = self.connection.execute("SELECT place, unit, n, settled FROM visits")
        book.visits = {(place, unit): (n, settled) for place, unit, n, settled in found}

    def save(self, book: Book) -> None:
        """Keep a book."""
        self._put("book", pack(book))
        if book.visits:
            self.connection.executemany(
                "INSERT OR REPLACE INTO visits VALUES (?, ?, ?, ?)",
                ((*named, *counted) for named, counted in book.visits.items()),
            )

    def enter(self, rows: ScoredRows) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
        """Enter rows by their names.

        Returns
        -------
        (new, counts)
            Places of the rows that were not there before; how many were ``duplicate`` (the same again) and
            ``corrected`` (with other values, which replace what was there).
        """
        assert rows.name is not None
        number = self._number()
        counts = {"duplicate": 0, "corrected": 0}
        new = []
        for place, name in enumerate(rows.name):
            row = written_row(rows, place)
            known = self.connection.execute(
                "SELECT row FROM journal WHERE name = ?", (name,)
            ).fetchone()
            if known is None:
                self.connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (name, number, row))
                number += 1
                new.append(place)
            elif known[0] == row:
                counts["duplicate"] += 1
            else:
                counts["corrected"] += 1
                self.connection.execute("UPDATE journal SET row = ? WHERE name = ?", (row, name))
        return np.array(new, np.int64), counts

    def withdraw(self, names: Sequence[str]) -> int:
        """Take rows out of the journal that count no more; how many there were."""
        before = self.connection.total_changes
        self.connection.executemany(
            "DELETE FROM journal WHERE name = ?", ((name,) for name in names)
        )
        return self.connection.total_changes - before

    def merged(self) -> int:
        """How many watches it was merged of, each with its own promise; 1 where of none."""
        return int(self.kept("merged") or 1)

    def keep_merged(self, number: int) -> None:
        """Note of how many watches this one was merged."""
        self._put("merged", number)

    def told(self) -> set[tuple[Named, str]]:
        """Alarms that were told."""
        return read_alarms(self._read("told") or [])

    def tell(self, alarms: set[tuple[Named, str]]) -> None:
        """Note alarms as told, so that none is lost between what is kept and what is said."""
        self._put("told", json.dumps(_listed(alarms), ensure_ascii=False))

    def journal(self, attributes: int, *, timed: bool) -> tuple[ScoredRows, list[int]]:
        """All rows that were entered, in their order, and how many of them each settlement had before it.

        Their order is that of their times and names, or of their arrival.  Of rows that have the time of the newest
        before a settlement those were before it that had arrived.
        """
        settled = self.settlements()
        found = self.connection.execute("SELECT name, row, place FROM journal ORDER BY place")
        rows = []
        for name, row, place in found:
            try:
                read = (name, *json.loads(row))
            except (ValueError, TypeError) as error:
                raise self._damaged(error) from error
            number = sum(passed(one, read[3] if timed else None, place) for one in settled)
            rows.append((number, *read))
        rows.sort(key=lambda row: (row[0], row[4], row[1]) if timed else (row[0],))
        ends = [bisect_right(rows, i, key=lambda row: row[0]) for i in range(len(settled))]
        return rows_of([row[1:] for row in rows], attributes), ends

    def settlements(self) -> list[dict[str, Any]]:
        """What was settled, each with the time of the newest row and the number of journalled rows before it."""
        return list(self._read("settlements") or [])

    def settle(self, note: str, newest: float | None, closed: set[tuple[Named, str]]) -> None:
        """Note a settlement and the alarms that it closed, so that a replay finds its place."""
        one = {"note": note, "newest": newest, "rows": self._number(), "closed": _listed(closed)}
        told = [*self.settlements(), one]
        self._put("settlements", json.dumps(told, ensure_ascii=False))

    def keep_open(self, alarms: set[tuple[Named, str]]) -> None:
        """Alarms that no settlement of what was merged closes: they are open elsewhere."""
        kept = _listed(alarms)
        told = [
            {**one, "closed": [own for own in one["closed"] if own not in kept]}
            for one in self.settlements()
        ]
        if told:
            self._put("settlements", json.dumps(told, ensure_ascii=False))

    def forget_visits(self) -> None:
        """Before all rows are taken in anew."""
        self.connection.execute("DELETE FROM visits")


def open_state(path: Path) -> WatchState:
    """The state of a watch that there is.

    Raises
    ------
    InputError
        Where there is none.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist.  Name the --state file of a watch.")
    return WatchState(path)


def _listed(alarms: set[tuple[Named, str]]) -> list[Any]:
    """Alarms as JSON has them, in an order of their own."""
    return sorted(([[place, list(key)], kind] for (place, key), kind in alarms), key=json.dumps)


def read_alarms(listed: Sequence[Any]) -> set[tuple[Named, str]]:
    """Alarms as they were, from what JSON has of them."""
    return {((place, tuple(key)), kind) for (place, key), kind in listed}


def _or_least(value: float | None) -> float:
    return -math.inf if value is None else value


def _shown(value: object) -> str:
    return "not given" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)
