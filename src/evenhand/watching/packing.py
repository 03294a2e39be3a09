"""A book as bytes and back: numbers of all groups column by column, nothing that could be run."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evenhand.stats.monitors import STAKES
from evenhand.watching.book import Book
from evenhand.watching.marks import Alarm, Settlement, StreamPlace
from evenhand.watching.monitor import Monitor, plain_evidence
from evenhand.watching.past import Past
from evenhand.watching.reading import key_text

_SUMS = ("sums", "proportion", "squares", "shards")
_MARK = ("n", "a", "b", "row", "time")


def pack(book: Book) -> bytes:
    """A book without its rules and visits, as bytes: numbers of all groups column by column."""
    monitors = book.monitors
    kept = [np.empty((0, len(STAKES))) if m.plain else m.above for m in monitors]
    head = {
        "room": book.room,
        "rows": book.rows,
        "newest": book.newest,
        "clock": book.clock,
        "counts": book.counts,
        "keys": [[place, list(key)] for place, key in book.keys],
        "alarms": [
            [i, asdict(alarm)] for i, m in enumerate(monitors) for alarm in m.alarms.values()
        ],
        "settled": [[i, asdict(one)] for i, m in enumerate(monitors) for one in m.settled],
        "lengths": [list(m.lengths.items()) for m in monitors],
        "long_rows": [m.long_rows for m in monitors],
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
        "known": np.array([m.past.known for m in monitors], np.int64),
        "known_since": np.array([m.known_since for m in monitors], np.int64),
        "silent": np.array([m.silent for m in monitors], np.int64),
        "limit": np.array([m.past.limit for m in monitors], float),
        "history": np.array([len(m.history) for m in monitors], np.int32),
    }
    for name in _SUMS:
        columns[name] = np.array([getattr(m.past, name) for m in monitors], float)
    for name in ("run", "first"):
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
    book.counts, book.clock = head["counts"], head["clock"]
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
            lengths={int(power): count for power, count in head["lengths"][i]},
            long_rows=head["long_rows"][i],
            above=columns["above"][layers[i, 0] : layers[i + 1, 0]],
            changed=columns["changed"][layers[i, 1] : layers[i + 1, 1]],
            past=Past(
                known=int(columns["known"][i]),
                limit=float(columns["limit"][i]),
                **{name: columns[name][i] for name in _SUMS},
            ),
            known_since=int(columns["known_since"][i]),
            silent=int(columns["silent"][i]),
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
    for i, one in head["alarms"]:
        book.monitors[i].alarms[one["kind"]] = _alarm(one)
    for i, one in head["settled"]:
        book.monitors[i].settled.append(
            Settlement(alarm=_alarm(one["alarm"]), at=StreamPlace(**one["at"]), note=one["note"])
        )
    for i, begun in head["begun"]:
        book.monitors[i].begun = StreamPlace(**begun)


def _alarm(kept: Mapping[str, Any]) -> Alarm:
    places = {name: StreamPlace(**kept[name]) for name in ("at", "since")}
    return Alarm(**{**kept, **places})


def _marks(columns: Mapping[str, Any], name: str) -> list[StreamPlace]:
    parts = [columns[f"{name}_{part}"].tolist() for part in _MARK]
    return [
        StreamPlace(n=n, a=a, b=b, row=row, time=_known(time))
        for n, a, b, row, time in zip(*parts, strict=True)
    ]
