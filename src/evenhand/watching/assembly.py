"""An answer put together: alarms with what changed, and each group as it is now."""

import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.pages.numbers import plural, tidy
from evenhand.results.origin import Source, versions
from evenhand.stats.monitors import FIRST
from evenhand.watching.book import Book
from evenhand.watching.diagnosis import diagnose
from evenhand.watching.intakes import Intakes
from evenhand.watching.marks import Alarm, StreamPlace
from evenhand.watching.monitor import Monitor
from evenhand.watching.notes import missing_of, notes_of
from evenhand.watching.reading import ScoredRows
from evenhand.watching.result import (
    Diagnosis,
    Moment,
    SettledAlarm,
    Taken,
    Watch,
    WatchAlarm,
    WatchedGroup,
    WatchPoint,
    WatchSettings,
)
from evenhand.watching.state import WatchState

_LN10 = math.log(10)


def answer(
    run: Intakes, level: float, settings: Mapping[str, Any], state: WatchState, command: str
) -> Watch:
    """The answer of a watch.

    Parameters
    ----------
    run : Intakes
    level : float
    settings : mapping
        What was asked, as the state keeps it.
    state : WatchState
    command : str
        What asks again.
    """
    book, metric = run.book, run.metric
    assert book is not None
    assert metric is not None
    units = settings["unit"] is not None
    found = _by_e_bh(book, 1 - level, units=units)
    alarms = sorted(_alarms(run, book, state, settings), key=lambda one: -one.at.row)
    watched = [_group(book, i, found=i in found, units=units) for i in range(len(book.monitors))]
    everyone, others = watched[:1], watched[1:]
    others.sort(key=lambda one: _harm(one, higher_is_worse=metric.higher_is_worse))
    counts = book.counts
    names = [name for name, _ in run.sources]
    return Watch(
        metric=metric,
        level=level,
        source=Source(
            name=names[0] if len(names) == 1 else plural(len(names), "table"),
            rows=run.new_rows,
            sha256=run.sources[0][1] if len(names) == 1 else None,
        ),
        alarms=tuple(alarms),
        settled=tuple(sorted(_settled(book), key=lambda one: -one.settled.row)),
        groups=(*everyone, *others),
        log10_somewhere=None
        if settings["threshold"] is None or not book.monitors
        else book.everywhere(units=units) / _LN10,
        taken=Taken(
            files=run.files,
            repeated_files=run.repeated,
            rows=book.rows,
            new_rows=run.new_rows,
            late=counts.get("late", 0),
            duplicates=counts.get("duplicate", 0),
            corrected=counts.get("corrected", 0),
            out_of_bounds=counts.get("out_of_bounds", 0),
            beyond_bound=counts.get("beyond_bound", 0),
            withdrawn=counts.get("withdrawn", 0),
        ),
        missing=tuple(missing_of(counts, settings)),
        notes=(*run.notes, *notes_of(run, book, state, settings)),
        settings=WatchSettings(
            by=tuple(settings["by"]),
            explain=tuple(settings["explain"]),
            where=settings["where"],
            unit=settings["unit"],
            time=settings["time"],
            id=settings["id"],
            threshold=settings["threshold"],
            run_length=settings["run_length"],
            groups=book.room,
            merged=state.merged(),
            bounds=(book.rules.low, book.rules.high),
            bins=run.bins,
            missing_values=tuple(settings["missing_values"]),
            command=command,
            versions=dict(versions()),
        ),
    )


def answer_of_state(
    state: WatchState, book: Book, sources: Sequence[str], *, new: bool = False
) -> Watch:
    """The answer of a state, without new rows.

    Parameters
    ----------
    state : WatchState
    book : Book
    sources : sequence of str
        What it is told to come from.
    new : bool
        Whether its alarms are.
    """
    run = Intakes(book=book, known=set() if new else state.told())
    run.sources = [(name, None) for name in sources]
    run.metric, run.bins = state.metric(), state.edges()
    settings = state.settings()
    command = f"evenhand watch --state {state.path}"
    return answer(run, settings["level"], settings, state, command)


def _harm(one: WatchedGroup, *, higher_is_worse: bool) -> float:
    if one.value_since is None:
        return math.inf
    return -one.value_since if higher_is_worse else one.value_since


def _by_e_bh(book: Book, alpha: float, *, units: bool) -> set[int]:
    """Groups that are above by e-BH, as they are now: the k largest e-values, each at least K / (alpha k)."""
    if book.rules.threshold is None:
        return set()
    logs = np.array([m.evidence(units=units) for m in book.monitors])
    order = np.argsort(-logs, kind="stable")
    number = np.arange(1, len(logs) + 1)
    enough = np.flatnonzero(logs[order] >= np.log(len(logs) / (alpha * number)))
    return set(order[: enough[-1] + 1].tolist()) if len(enough) else set()


def _called(book: Book, group: int) -> dict[str, str]:
    place, key = book.keys[group]
    return {name: str(value) for name, value in zip(book.partitions[place].names, key, strict=True)}


def _time(book: Book, value: float | None) -> str | None:
    """A time as it is read: a date, with hours and minutes where there are any, or the number."""
    if value is None:
        return None
    if book.clock == "number":
        return str(tidy(value))
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(days=value)  # noqa: DTZ001
    exact = moment.hour or moment.minute or moment.second
    return moment.isoformat(sep=" ", timespec="minutes") if exact else moment.date().isoformat()


def _moment(book: Book, mark: StreamPlace) -> Moment:
    return Moment(row=mark.row, n=mark.n, time=_time(book, mark.time))


def _group(book: Book, group: int, *, found: bool, units: bool) -> WatchedGroup:
    monitor, rules = book.monitors[group], book.rules
    now, begun = monitor.now, monitor.begun
    few = monitor.known_since < FIRST or monitor.silent >= FIRST
    change = monitor.change(units=units)
    return WatchedGroup(
        group=_called(book, group),
        n_rows=now.n,
        value=rules.value(now.a, now.b),
        rows_since=now.n - begun.n,
        value_since=rules.value(now.a - begun.a, now.b - begun.b),
        log10_evidence=None if rules.threshold is None else monitor.evidence(units=units) / _LN10,
        log10_change=change / _LN10 if math.isfinite(change) else None,
        past_limit=_past_limit(book, monitor),
        found=found,
        state="alarm" if monitor.alarms else "too_few" if few else "quiet",
        history=tuple(_history(book, monitor)),
    )


def _past_limit(book: Book, monitor: Monitor) -> float | None:
    return book.rules.value(monitor.limit, 1) if math.isfinite(monitor.limit) else None


def _history(book: Book, monitor: Monitor) -> Iterator[WatchPoint]:
    last = StreamPlace()
    marks = [*monitor.history]
    if marks and marks[-1].n < monitor.now.n:
        # The last rows are a point of their own where they are half as many as the others' or more.
        if len(marks) > 1 and monitor.now.n - marks[-1].n < (marks[-1].n - marks[-2].n) / 2:
            marks.pop()
        marks.append(monitor.now)
    for mark in marks:
        yield WatchPoint(
            until=_moment(book, mark),
            value=book.rules.value(mark.a - last.a, mark.b - last.b),
            rows=mark.n - last.n,
        )
        last = mark


def _alarms(
    run: Intakes, book: Book, state: WatchState, settings: Mapping[str, Any]
) -> Iterator[WatchAlarm]:
    rows: tuple[int, ScoredRows] | None = None
    for group, monitor in enumerate(book.monitors):
        for alarm in monitor.alarms.values():
            if rows is None:
                rows = _rows(run, book, state, settings)
            yield _alarm(run, book, group, alarm, rows)


def _alarm(
    run: Intakes, book: Book, group: int, alarm: Alarm, rows: tuple[int, ScoredRows]
) -> WatchAlarm:
    monitor, rules, since = book.monitors[group], book.rules, alarm.since
    now, at = monitor.now, alarm.at
    again = monitor.begun.n > 0 and since.n >= monitor.begun.n
    then = (alarm.a, alarm.b) if alarm.kind == "above" else (at.a - since.a, at.b - since.b)
    told, why = _diagnosed(book, group, alarm, *rows)
    return WatchAlarm(
        group=_called(book, group),
        kind="above" if alarm.kind == "above" else "changed",
        at=_moment(book, alarm.at),
        since=_moment(book, since),
        rate=rules.value(now.a - since.a, now.b - since.b),
        # After a settlement the rows before are good and bad ones: what is exceeded is what its past is known not to.
        before=None if again else rules.value(since.a, since.b),
        past_limit=_past_limit(book, monitor),
        settled=again and since.n - monitor.begun.n < FIRST,
        rate_then=rules.value(*then) if then[1] > 0 else None,
        new=(book.keys[group], alarm.kind) not in (run.known or set()),
        diagnosis=told,
        undiagnosed=why,
    )


def _settled(book: Book) -> Iterator[SettledAlarm]:
    for group, monitor in enumerate(book.monitors):
        for one in monitor.settled:
            alarm, end, now = one.alarm, one.at, monitor.now
            a, b = end.a - alarm.since.a, end.b - alarm.since.b
            if alarm.kind == "above":
                a, b = alarm.a, alarm.b
            yield SettledAlarm(
                group=_called(book, group),
                kind="above" if alarm.kind == "above" else "changed",
                at=_moment(book, alarm.at),
                since=_moment(book, alarm.since),
                settled=_moment(book, end),
                note=one.note,
                rate=book.rules.value(a, b),
                rate_since=book.rules.value(now.a - end.a, now.b - end.b),
                rows_since=now.n - end.n,
            )


def _rows(
    run: Intakes, book: Book, state: WatchState, settings: Mapping[str, Any]
) -> tuple[int, ScoredRows]:
    """The rows that are at hand, and how many there were before."""
    if settings["id"] is not None:
        with state.intake():
            return 0, state.journal(len(book.names), timed=settings["time"] is not None)[0]
    if not run.kept:
        return book.rows, _joined([], len(book.names))
    return run.kept[0][0], _joined([rows for _, rows in run.kept], len(book.names))


def _joined(parts: Sequence[ScoredRows], attributes: int) -> ScoredRows:
    values, codes = [], []
    for i in range(attributes):
        place: dict[str | None, int] = {}
        own = [
            np.array([place.setdefault(v, len(place)) for v in part.values[i]], np.int64)[
                part.codes[i]
            ]
            for part in parts
        ]
        values.append(tuple(place))
        codes.append(np.concatenate([np.zeros(0, np.int64), *own]))
    return ScoredRows(
        a=np.concatenate([np.zeros(0), *(part.a for part in parts)]),
        b=np.concatenate([np.zeros(0), *(part.b for part in parts)]),
        values=tuple(values),
        codes=tuple(codes),
    )


def _diagnosed(
    book: Book, group: int, alarm: Alarm, start: int, rows: ScoredRows
) -> tuple[Diagnosis | None, str | None]:
    place, key = book.keys[group]
    names = book.partitions[place].names
    others = [i for i, name in enumerate(book.names) if name not in names]
    if not others:
        return None, "no other column is named to explain it (--explain)"
    members = np.ones(len(rows), bool)
    for name, value in zip(names, key, strict=True):
        at = book.names.index(name)
        known = rows.values[at].index(value) if value in rows.values[at] else -1
        members &= rows.codes[at] == known
    among, after = members, start + 1 + np.arange(len(rows)) > alarm.since.row
    if alarm.kind == "above":
        # A group that is above is held against all others: is it for worse answers, or for harder cases?
        among, after = np.ones(len(rows), bool), members
        if not names:
            return None, "everyone is compared with nobody"
    elif alarm.since.n < FIRST:
        return None, "it was so from the start"
    if (among & ~after).sum() < FIRST:
        return None, "the rows to compare with are not at hand: name their --id, and they are kept"
    told = diagnose(
        rows,
        among,
        after,
        book.names,
        others,
        higher_is_worse=book.rules.higher_is_worse,
        against="others" if alarm.kind == "above" else "before",
        this_run=start > 0,
    )
    if told is None:
        return None, "no other attribute varies in this group"
    if alarm.kind != "above" and (told.change <= 0) == book.rules.higher_is_worse:
        return None, "it is no worse now than it was before"
    return told, None
