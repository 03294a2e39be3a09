"""The state of a watch: a small SQLite file, of which each intake is one transaction."""

import io
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError
from evenhand.groups import Partition
from evenhand.questions.question import Question
from evenhand.results.origin import MetricNote
from evenhand.stats.monitors import STAKES
from evenhand.watching.book import AlarmRules, Book
from evenhand.watching.monitor import Alarm, Monitor, Settlement, StreamPlace, plain_evidence
from evenhand.watching.reading import ScoredRows, key_text

#: First words of a state, and the version of its form.
FORM = "evenhand.watch.state/1"
#: Seconds that another process may have the state.
PATIENCE = 30.0
_CREATE = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (sha256 TEXT PRIMARY KEY, name TEXT, rows INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS visits (place INTEGER, unit TEXT, n INTEGER, PRIMARY KEY (place, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (name TEXT PRIMARY KEY, place INTEGER, row TEXT) WITHOUT ROWID;
"""
_MARK = ("n", "a", "b", "row", "time")


class WatchState:
    """An open state; without a path it lies in memory and is forgotten.

    Parameters
    ----------
    path : Path, optional
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None and path.is_dir():
            raise InputError(f"--state is {path}, a folder.  Name a file in it.")
        try:
            self.connection = sqlite3.connect(
                ":memory:" if path is None else path, timeout=PATIENCE, isolation_level=None
            )
        except sqlite3.Error as error:
            raise InputError(f"--state {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file."""
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
                    f"{self.path} was written by another version of Evenhand ({form}; this one reads {FORM})."
                )
            raise self._foreign()

    def _put(self, name: str, value: object) -> None:
        self.connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def kept(self, name: str) -> Any:
        """What was kept under a name, or `None`."""
        found = self.connection.execute("SELECT value FROM about WHERE name = ?", (name,))
        row = found.fetchone()
        return None if row is None else row[0]

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse a state of another question, saying what differs; a new one keeps what is asked."""
        kept = self.kept("settings")
        if kept is None:
            self._put("settings", json.dumps(settings, ensure_ascii=False))
            return
        known = json.loads(kept)
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

    def rules(self, made: AlarmRules) -> AlarmRules:
        """The rules that the first table made; those of this one where it is the first."""
        kept = self.kept("rules")
        if kept is None:
            self._put("rules", json.dumps(asdict(made)))
            return made
        return AlarmRules(**json.loads(kept))

    def has_rules(self) -> bool:
        """Whether a table was taken in."""
        return self.kept("rules") is not None

    def rules_kept(self) -> AlarmRules:
        """The rules of a state that has taken a table in."""
        return AlarmRules(**json.loads(self.kept("rules")))

    def bins(self) -> dict[str, list[float]]:
        """Edges at which the first table was cut: all are cut there."""
        if self.path is not None and not self.path.exists():
            return {}
        with self.intake():
            kept = self.kept("settings")
        return {} if kept is None else dict(json.loads(kept)["bins"])

    def knows(self, sha256: str) -> bool:
        """Whether a file of this content was taken in."""
        found = self.connection.execute("SELECT 1 FROM files WHERE sha256 = ?", (sha256,))
        return found.fetchone() is not None

    def keep_file(self, sha256: str, name: str, rows: int) -> None:
        """Note a file as taken in."""
        self.connection.execute("INSERT INTO files VALUES (?, ?, ?)", (sha256, name, rows))

    def files(self) -> int:
        """How many files were taken in."""
        return int(self.connection.execute("SELECT COUNT(*) FROM files").fetchone()[0])

    def settings(self) -> dict[str, Any]:
        """What is asked."""
        return dict(json.loads(self.kept("settings")))

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
        return MetricNote(**json.loads(self.kept("shape"))["metric"])

    def edges(self) -> dict[str, tuple[float, ...]]:
        """Edges of the attributes that are cut."""
        kept = json.loads(self.kept("shape"))["bins"]
        return {name: tuple(edges) for name, edges in kept.items()}

    def book(self, rules: AlarmRules | None = None) -> Book:
        """The book as it was kept, or a new one."""
        shape = json.loads(self.kept("shape"))
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
            self._put("shape", other.kept("shape"))
            self._put("rules", other.kept("rules"))
        twice = []
        for sha256, name, rows in other.connection.execute("SELECT * FROM files"):
            if self.knows(sha256):
                twice.append(name)
            else:
                self.keep_file(sha256, name, rows)
        number = self.connection.execute("SELECT COUNT(*) FROM journal").fetchone()[0]
        journal = other.connection.execute("SELECT name, place, row FROM journal ORDER BY place")
        self.connection.executemany(
            "INSERT OR REPLACE INTO journal VALUES (?, ?, ?)",
            ((name, number + place, row) for name, place, row in journal),
        )
        told = self.settlements()
        told += [one for one in other.settlements() if one not in told]
        if told:
            told.sort(key=lambda one: -math.inf if one["newest"] is None else one["newest"])
            self._put("settlements", json.dumps(told, ensure_ascii=False))
        return [] if self.settings()["id"] is not None else twice

    def load(self, book: Book) -> None:
        """Fill a new book with what was kept."""
        kept = self.kept("book")
        if kept is not None:
            unpack(kept, book)
        found = self.connection.execute("SELECT place, unit, n FROM visits")
        book.visits = {(place, unit): n for place, unit, n in found}

    def save(self, book: Book) -> None:
        """Keep a book."""
        self._put("book", pack(book))
        if book.visits:
            self.connection.executemany(
                "INSERT OR REPLACE INTO visits VALUES (?, ?, ?)",
                ((place, unit, n) for (place, unit), n in book.visits.items()),
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
        number = self.connection.execute("SELECT COUNT(*) FROM journal").fetchone()[0]
        counts = {"duplicate": 0, "corrected": 0}
        new = []
        for place, name in enumerate(rows.name):
            row = _written(rows, place)
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

    def journal(self, attributes: int, *, timed: bool) -> ScoredRows:
        """All rows that were entered, in the order of their times and names, or of their arrival."""
        found = self.connection.execute("SELECT name, row FROM journal ORDER BY place")
        rows = [(name, *json.loads(row)) for name, row in found]
        if timed:
            rows.sort(key=lambda row: (row[3], row[0]))
        return _read(rows, attributes)

    def settlements(self) -> list[dict[str, Any]]:
        """What was settled, each with the time of the newest row and the number of journalled rows before it."""
        kept = self.kept("settlements")
        return [] if kept is None else list(json.loads(kept))

    def settle(self, note: str, newest: float | None) -> None:
        """Note a settlement, so that a replay finds its place."""
        rows = self.connection.execute("SELECT COUNT(*) FROM journal").fetchone()[0]
        told = [*self.settlements(), {"note": note, "newest": newest, "rows": rows}]
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


def _shown(value: object) -> str:
    return "not given" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)


def _written(rows: ScoredRows, place: int) -> str:
    """A row of the journal: sums, time, unit and values of its attributes."""
    key = [values[code[place]] for values, code in zip(rows.values, rows.codes, strict=True)]
    time = None if rows.time is None else float(rows.time[place])
    unit = None if rows.unit is None else rows.unit[place]
    row = [float(rows.a[place]), float(rows.b[place]), time, unit, key]
    return json.dumps(row, ensure_ascii=False)


def _read(rows: Sequence[tuple[Any, ...]], attributes: int) -> ScoredRows:
    values, codes = [], []
    for i in range(attributes):
        place: dict[str | None, int] = {}
        own = [place.setdefault(row[5][i], len(place)) for row in rows]
        values.append(tuple(place))
        codes.append(np.array(own, np.int64))
    return ScoredRows(
        a=np.array([row[1] for row in rows], float),
        b=np.array([row[2] for row in rows], float),
        values=tuple(values),
        codes=tuple(codes),
        time=np.array([row[3] for row in rows], float) if rows and rows[0][3] is not None else None,
        unit=tuple(row[4] for row in rows) if rows and rows[0][4] is not None else None,
        name=tuple(row[0] for row in rows),
    )


def pack(book: Book) -> bytes:
    """A book without its rules and visits, as bytes: numbers of all groups column by column."""
    monitors = book.monitors
    kept = [np.empty((0, len(STAKES))) if m.plain else m.above for m in monitors]
    head = {
        "room": book.room,
        "rows": book.rows,
        "newest": book.newest,
        "dated": book.dated,
        "counts": book.counts,
        "keys": [[place, list(key)] for place, key in book.keys],
        "alarms": [
            [i, alarm.kind, asdict(alarm.at), asdict(alarm.since)]
            for i, monitor in enumerate(monitors)
            for alarm in monitor.alarms.values()
        ],
        "settled": [
            [i, one.alarm.kind, *map(asdict, (one.alarm.at, one.alarm.since, one.at)), one.note]
            for i, monitor in enumerate(monitors)
            for one in monitor.settled
        ],
        "begun": [[i, asdict(m.begun)] for i, m in enumerate(monitors) if m.begun.row],
    }
    columns: dict[str, Any] = {
        "head": np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), np.uint8),
        "layers": np.array(
            [[len(own), len(m.changed)] for own, m in zip(kept, monitors, strict=True)], np.int32
        ),
        "above": np.vstack(kept or [np.empty((0, len(STAKES)))]),
        "plain": np.array([m.plain for m in monitors], bool),
        "changed": np.vstack([m.changed for m in monitors] or [np.empty((0, len(STAKES)))]),
        "known": np.array([m.known for m in monitors], np.int64),
        "sums": np.array([m.sums for m in monitors]),
        "squares": np.array([m.squares for m in monitors]),
        "history": np.array([len(m.history) for m in monitors], np.int32),
    }
    for name in ("scale", "limit", "run", "first"):
        columns[name] = np.array([_number(getattr(m, name)) for m in monitors], float)
    marks = {
        "now": [m.now for m in monitors],
        "since": [m.since for m in monitors],
        "past": [mark for m in monitors for mark in m.history],
    }
    for name, listed in marks.items():
        for part in _MARK:
            kind = np.int64 if part in ("n", "row") else float
            columns[f"{name}_{part}"] = np.array([_number(getattr(k, part)) for k in listed], kind)
    out = io.BytesIO()
    np.savez_compressed(out, **columns)
    return out.getvalue()


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def unpack(data: bytes, book: Book) -> None:
    """Fill a book from what `pack` made of one."""
    columns = dict(np.load(io.BytesIO(data), allow_pickle=False))
    head = json.loads(columns["head"].tobytes())
    book.room, book.rows, book.newest = head["room"], head["rows"], head["newest"]
    book.counts, book.dated = head["counts"], head["dated"]
    book.keys = [(place, tuple(key)) for place, key in head["keys"]]
    book.places = {(place, key_text(key)): i for i, (place, key) in enumerate(book.keys)}
    marks = {name: _marks(columns, name) for name in ("now", "since", "past")}
    layers = np.vstack([np.zeros((1, 2), np.int64), np.cumsum(columns["layers"].reshape(-1, 2), 0)])
    ends = np.concatenate([[0], np.cumsum(columns["history"])])
    book.monitors = [
        Monitor(
            now=marks["now"][i],
            since=marks["since"][i],
            first=_known(columns["first"][i]),
            scale=float(columns["scale"][i]),
            above=columns["above"][layers[i, 0] : layers[i + 1, 0]],
            changed=columns["changed"][layers[i, 1] : layers[i + 1, 1]],
            known=int(columns["known"][i]),
            sums=columns["sums"][i],
            squares=columns["squares"][i],
            limit=float(columns["limit"][i]),
            run=float(columns["run"][i]),
            history=marks["past"][ends[i] : ends[i + 1]],
        )
        for i in range(len(book.keys))
    ]
    limit = book.rules.threshold
    for monitor, plain in zip(book.monitors, columns["plain"].tolist(), strict=True):
        monitor.plain = plain
        if plain and limit is not None:
            monitor.above = plain_evidence(monitor.now, book.rules.scaled(limit))
    for i, kind, at, since in head["alarms"]:
        book.monitors[i].alarms[kind] = Alarm(
            kind=kind, at=StreamPlace(**at), since=StreamPlace(**since)
        )

    for i, kind, at, since, end, note in head["settled"]:
        alarm = Alarm(kind=kind, at=StreamPlace(**at), since=StreamPlace(**since))
        book.monitors[i].settled.append(Settlement(alarm=alarm, at=StreamPlace(**end), note=note))
    for i, begun in head["begun"]:
        book.monitors[i].begun = StreamPlace(**begun)


def _marks(columns: Mapping[str, Any], name: str) -> list[StreamPlace]:
    parts = [columns[f"{name}_{part}"].tolist() for part in _MARK]
    return [
        StreamPlace(n=n, a=a, b=b, row=row, time=_known(time))
        for n, a, b, row, time in zip(*parts, strict=True)
    ]
