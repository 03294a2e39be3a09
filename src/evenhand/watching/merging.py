"""States of several shards made one: what each saw counts once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError
from evenhand.records.output import write_file
from evenhand.watching.assembly import answer_of_state
from evenhand.watching.book import Book, Named
from evenhand.watching.marks import Alarm, Settlement, StreamPlace
from evenhand.watching.monitor import Bets, Monitor, plain_evidence
from evenhand.watching.reading import key_text
from evenhand.watching.result import Watch
from evenhand.watching.state import WatchState, open_state
from evenhand.watching.taking import replayed

Floats = npt.NDArray[np.float64]


def merge_watches(states: Sequence[str | Path], into: str | Path) -> Watch:
    """Make one watch of those of several shards.

    Parameters
    ----------
    states : sequence of path
        States of one question, each of other rows.
    into : path
        A new state; the others stay as they are.

    Returns
    -------
    Watch

    Raises
    ------
    InputError
        Where they watch different questions, a file is in two of them, or the new state exists.

    Notes
    -----
    With a journal (``id``) all rows are taken in anew in their order, or without ``time`` shard by shard: the
    answer is that which one state would have given. Alarms that are open in one shard stay open. Without a journal
    each shard's alarms are kept, so that the promise on false alarms is each shard's own; sums add, evidence
    against the threshold multiplies (each row's bet was fair when it was made, so their product is), and change
    statistics add (each is no more than its rows on average, so their sum is no more than all rows). What the past
    is known not to exceed is the mean of the shards' limits by their sizes, or what all sums tell where that is
    less: it is wrong with at most the sum of their probabilities. Where a unit was seen in two shards its visits
    there count as if they were of two units. What another shard had seen when an alarm began is read from the
    places of its past that are kept.
    """
    target = Path(into)
    if target.exists():
        raise InputError(
            f"{target} exists.  Name a new file: what is merged stays as it is.  Where it is made of these already, "
            "leave --merge out, and go on with it."
        )
    paths = [Path(state) for state in states]
    if len(paths) < 2:
        raise InputError("Name two states or more to merge.")
    places = [path.resolve() for path in paths]
    twice = [
        str(path) for path, place in zip(paths, places, strict=True) if places.count(place) > 1
    ]
    if twice:
        raise InputError(f"{twice[0]} is named twice: its rows would count twice.")
    found: list[Watch] = []
    # Made beside the file and moved into place: a merge that is stopped leaves none behind.
    write_file(target, lambda beside: found.append(_made(paths, beside, target)))
    return found[0]


def _made(paths: Sequence[Path], beside: Path, target: Path) -> Watch:
    """The merged state in a new file, and its answer."""
    parts: list[WatchState] = []
    made = WatchState(beside)
    try:
        parts += [open_state(path) for path in paths]
        with made.intake():
            book = _merged(made, parts)
            made.save(book)
            made.tell(book.alarms())
        found = answer_of_state(made, book, [str(path) for path in paths], new=True)
        settings = replace(found.settings, command=f"evenhand watch --state {target}")
        return replace(found, settings=settings)
    finally:
        made.close()
        for part in parts:
            part.close()


def _merged(made: WatchState, parts: Sequence[WatchState]) -> Book:
    """The book of all parts; files, journals and settings are copied."""
    books = []
    for part in parts:
        with part.intake():
            if not part.has_rules():
                raise InputError(f"{part.path} has taken no table in: there is nothing to merge.")
            made.check(part.settings())
            twice = made.adopt(part)
            if twice:
                raise InputError(
                    f"{part.path} took in what another of these took in too: {', '.join(twice[:3])}.  Its rows would "
                    "count twice; name their --id, so that each counts once."
                )
            books.append(part.book())
    clocks = sorted({book.clock for book in books if book.clock is not None})
    if len(clocks) > 1:
        raise InputError(
            f"Times are {'s in one of these states and '.join(clocks)}s in another: nobody can put them in one order."
        )
    book = _empty(books)
    for one in books:
        for name, count in one.counts.items():
            book.count(name, count)
    settings = made.settings()
    if settings["id"] is not None:
        made.forget_visits()
        made.keep_open(set().union(*(one.alarms() for one in books)))
        return replayed(made, book, timed=settings["time"] is not None)
    made.keep_merged(sum(part.merged() for part in parts))
    for one in books:
        _joined(book, one)
    _reach(book)
    return book


def _empty(books: Sequence[Book]) -> Book:
    """A book of all groups, without rows: those of anybody's first rows share the level alike, in whichever order."""
    some = books[0]
    early = {key for book in books for key in book.keys[: book.room]}
    late = {key for book in books for key in book.keys} - early
    out = Book(
        rules=some.rules,
        partitions=some.partitions,
        names=some.names,
        predicates=some.predicates,
        room=some.rules.room or len(early),
        clock=next((book.clock for book in books if book.clock is not None), None),
    )
    for place, key in [*sorted(early, key=_ordered), *sorted(late, key=_ordered)]:
        out.admit(place, key)
    return out


def _ordered(key: Named) -> tuple[int, str]:
    return key[0], key_text(key[1])


def _joined(book: Book, other: Book) -> None:
    """Take another book into the first."""
    numbers = {}
    for i, ((place, key), monitor) in enumerate(zip(other.keys, other.monitors, strict=True)):
        group = numbers[i] = book.admit(place, key)
        _join(book.monitors[group], monitor, book.bets(group))
    for (place_, unit), (n, settled) in other.visits.items():
        known = (numbers[place_], unit)
        had = book.visits.get(known, (0, 0))
        book.visits[known] = (had[0] + n, had[1] + settled)
    book.rows += other.rows
    book.newest = _last(book.newest, other.newest)


def _join(own: Monitor, other: Monitor, bets: Bets) -> None:
    now, more = own.now, other.now
    mine, theirs = _shifted(own, other), _shifted(other, own)
    settled = [*_settled(own, other), *_settled(other, own)]
    # Rows whose evidence was closed are so in each shard; others are evidence still.
    own.begun = own.begun.plus(other.begun, _last(own.begun.time, other.begun.time))
    own.since, own.alarms = mine
    own.settled = settled
    own.history = _histories(own.history, other.history)
    own.now = now.plus(more, _last(now.time, more.time))
    firsts = [one for one in (own.first, other.first) if one is not None]
    own.first = min(firsts) if firsts else None
    powers = own.lengths.keys() | other.lengths.keys()
    own.lengths = {k: own.lengths.get(k, 0.0) + other.lengths.get(k, 0.0) for k in powers}
    own.long_rows += other.long_rows
    own.plain = own.plain and other.plain
    own.known_since += other.known_since
    own.silent = min(own.silent, other.silent) if now.n and more.n else own.silent + other.silent
    own.above = _padded(own.above, other.above, 0.0, np.add)
    own.changed = _padded(own.changed, other.changed, -np.inf, np.logaddexp)
    if own.plain and bets.threshold is not None and own.now.n:
        own.above = plain_evidence(own.now, bets.threshold)
    own.past.join(other.past, (now.b, more.b), bets.alpha)
    if other.run > own.run:
        own.run, own.since = other.run, theirs[0]
    for kind, alarm in theirs[1].items():
        had = own.alarms.get(kind)
        if had is None or (alarm.at.time or 0.0) < (had.at.time or 0.0):
            own.alarms[kind] = alarm


def _reach(book: Book) -> None:
    """Note alarms that no shard has, and all together have."""
    units = bool(book.visits)
    for group, monitor in enumerate(book.monitors):
        bets = book.bets(group)
        reached = {
            "above": bets.threshold is not None and monitor.evidence(units=units) >= bets.above,
            "changed": monitor.change(units=units) >= bets.changed,
        }
        for kind, enough in reached.items():
            if enough and kind not in monitor.alarms:
                monitor.note(kind, monitor.now, monitor.since)


def _shifted(one: Monitor, other: Monitor) -> tuple[StreamPlace, dict[str, Alarm]]:
    """Where the run of evidence of one began, and its alarms, as places among the rows of both."""
    alarms = {kind: _alarm(alarm, other) for kind, alarm in one.alarms.items()}
    return _beside(one.since, other), alarms


def _alarm(one: Alarm, other: Monitor) -> Alarm:
    return replace(one, at=_beside(one.at, other), since=_beside(one.since, other))


def _settled(one: Monitor, other: Monitor) -> list[Settlement]:
    return [
        Settlement(alarm=_alarm(s.alarm, other), at=_beside(s.at, other), note=s.note)
        for s in one.settled
    ]


def _beside(place: StreamPlace, other: Monitor) -> StreamPlace:
    """A place of one shard among the rows of both: what the other had seen by then."""
    beside = other.now
    if place.time is not None:
        past = [m for m in other.history if m.time is not None and m.time <= place.time]
        beside = past[-1] if past else StreamPlace()
    return place.plus(beside, place.time)


def _padded(first: Floats, second: Floats, blank: float, join: Any) -> Floats:
    size = max(len(first), len(second))
    both = [np.full((size, first.shape[1]), blank) for _ in range(2)]
    both[0][: len(first)], both[1][: len(second)] = first, second
    return np.asarray(join(*both), float)


def _last(first: float | None, second: float | None) -> float | None:
    times = [one for one in (first, second) if one is not None]
    return max(times) if times else None


def _histories(first: list[StreamPlace], second: list[StreamPlace]) -> list[StreamPlace]:
    """Both pasts as one: their steps in the order of their times."""
    steps = []
    for marks in (first, second):
        last = StreamPlace()
        for mark in marks:
            steps.append((mark.time or 0.0, mark.n - last.n, mark.a - last.a, mark.b - last.b))
            last = mark
    out = []
    n, a, b = 0, 0.0, 0.0
    timed = any(mark.time is not None for mark in first + second)
    for time, more, up, down in sorted(steps) if timed else steps:
        n, a, b = n + more, a + up, b + down
        out.append(StreamPlace(n=n, a=a, b=b, row=n, time=time if timed else None))
    return out
