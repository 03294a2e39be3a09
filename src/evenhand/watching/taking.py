"""Tables taken in one after the other, each as a whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.errors import InputError, NoRowError, RefusedError
from evenhand.groups import parse_partitions, to_text
from evenhand.metrics import Metric, MetricPlan
from evenhand.pages.numbers import plural
from evenhand.questions.opening import opened
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    has_rows,
    metric_note,
    read_question,
)
from evenhand.records import Records, find_column
from evenhand.records.declarations import columns_option
from evenhand.watching.assembly import answer, answer_of_state
from evenhand.watching.book import LACKING, AlarmRules, Book, Named
from evenhand.watching.intakes import Intakes
from evenhand.watching.reading import Extras, ReadTable, ScoredRows, read_rows, unlabelled
from evenhand.watching.result import Watch
from evenhand.watching.settling import close_alarms
from evenhand.watching.state import WatchState, read_alarms

#: Largest rate that can be tolerated of words wrong, of which there may be more than there are words.
MOST_TOLERATED = 10
#: Lines of one part of a stream that may be left out because they cannot be used.
MOST_UNUSABLE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuestion:
    """What is watched, as it was asked; see `evenhand.watch`."""

    metric: str | Metric
    by: By
    explain: tuple[str, ...]
    threshold: float | None
    time: str | None
    unit: str | None
    name: str | None
    level: float
    run_length: float
    groups: int | None
    bounds: tuple[float, float] | None
    worse: str | None
    where: str | None
    bins: Mapping[str, Sequence[float]] | None
    missing_values: tuple[str, ...]
    columns: str | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class StreamPart:
    """Lines of a stream as a table: they count whenever they come, though such have come before.

    Attributes
    ----------
    table : object
        What holds them.
    unread : int
        Lines before and among them that were none.
    halves : callable, optional
        Makes two parts of it, to find a line that cannot be used; none of a single line.
    """

    table: Any
    unread: int = 0
    halves: "Callable[[], Sequence[StreamPart]]" = tuple


class Watcher:
    """Takes tables in, and answers for all of them.

    Parameters
    ----------
    asked : WatchQuestion
    state : WatchState
    progress : callable, optional
    settle : str, optional
        What was done: alarms are closed with the first table.
    """

    def __init__(
        self,
        asked: WatchQuestion,
        state: WatchState,
        progress: Callable[[int], None] | None = None,
        settle: str | None = None,
    ) -> None:
        self.asked, self.state, self.progress, self.note = asked, state, progress, settle
        self.run = Intakes()
        self.settings: dict[str, Any] = {}
        self.said: set[tuple[Named, str]] = set()

    def take(self, given: Any) -> bool:
        """Take one table in; whether there are alarms that were not told yet.

        A line of a stream that cannot be used, after others that could, is left out and counted.
        """
        if not isinstance(given, StreamPart):
            empty = isinstance(given, str | Path) and _is_empty(Path(given))
            if empty and self.state.begun():
                self.run.empty.append(str(given))
                return self.untold
            return self._take(given, None)
        waiting, unusable = [given], 0
        while waiting:
            part, sources = waiting.pop(), len(self.run.sources)
            try:
                self._take(part.table, part)
            except InputError as error:
                halves = part.halves()
                unusable += not halves
                if not self.run.files or unusable > MOST_UNUSABLE:
                    raise
                del self.run.sources[sources:]
                waiting += reversed(halves)
                if not halves:
                    self._leave_out(error)
        return self.untold

    def _leave_out(self, error: InputError) -> None:
        """Count a line that cannot be used, and keep why."""
        self.run.unusable = self.run.unusable or str(error).split("\n")[0]
        with self.state.intake():
            book = self._book(None)
            book.count("unusable", 1)
            self.state.save(book)
        self.run.book = book

    def _take(self, table: Any, part: StreamPart | None) -> bool:
        asked = self.asked
        with opened(
            table,
            columns=asked.columns,
            missing_values=asked.missing_values,
            progress=self.progress,
        ) as records:
            kept = self.state.bins()
            bins = {**(kept or {}), **(asked.bins or {})}
            question = self._question(records, bins)
            if kept is not None:
                _check_cuts(question, bins)
            metric = replace(bound_metric(asked.metric, records), tried=kept is not None)
            unit = asked.unit or next(iter(records.unit), None)
            extras = Extras(unit=unit, time=asked.time, name=asked.name)
            self._ask(question, metric, extras)
            sha256 = None if part is not None else records.sha256()
            self.run.stream = self.run.stream or part is not None
            if self._repeated(records, sha256):
                return self.untold
            if not has_rows(records):
                self.run.files += 1
                return self.untold
            try:
                read = read_rows(question, metric, extras)
            except NoRowError:
                # Labels may come later, and a day may have no case.
                if kept is None:
                    raise
                read = unlabelled(question, metric, extras)
            self._enter(records, question, metric, read, extras, sha256, part)
            return self.untold

    @property
    def untold(self) -> bool:
        """Whether there are alarms that were not told yet."""
        book, known = self.run.book, self.run.known
        return book is not None and bool(book.alarms() - (known or set()) - self.said)

    def tell(self) -> None:
        """Note all alarms that there are as told, but for those that another process closed meanwhile."""
        if self.run.book is None:
            return
        with self.state.intake():
            alarms = self.run.book.alarms()
            if self.state.changed():
                self.run.book = self._book(None)
                alarms &= self.run.book.alarms()
            self.state.tell(alarms)
            self.said |= alarms

    def _question(self, records: Records, bins: Mapping[str, Sequence[float]]) -> Question:
        """What is asked of a table; columns that explain are read, and make no groups."""
        asked = self.asked
        own = [asked.by] if isinstance(asked.by, str) else [*asked.by]
        for name in asked.explain:
            find_column(name, records.columns)
        question = read_question(records, [*own, *asked.explain], where=asked.where, bins=bins)
        if not asked.explain:
            return question
        _, partitions = parse_partitions(asked.by, records.columns)
        return replace(question, partitions=partitions)

    def _ask(self, question: Question, metric: Metric, extras: Extras) -> None:
        """What is asked of this table, as the state keeps it; of all tables it is the same."""
        asked = self.asked
        higher = metric.higher_is_worse(asked.worse)
        self.run.metric = metric_note(metric, higher_is_worse=higher)
        self.run.bins = question.bins
        self.settings = {
            "metric": metric.text,
            "by": list(question.by),
            "explain": list(asked.explain),
            "threshold": asked.threshold,
            "worse": "higher" if higher else "lower",
            "time": extras.time,
            "unit": extras.unit,
            "id": extras.name,
            "where": to_text(question.where) if question.where is not None else None,
            "level": asked.level,
            "run_length": asked.run_length,
            "groups": asked.groups,
            "bounds": None if asked.bounds is None else list(asked.bounds),
            "bins": {name: list(edges) for name, edges in question.bins.items()},
            "missing_values": list(question.records.missing_values),
        }

    def _repeated(self, records: Records, sha256: str | None) -> bool:
        """Whether a file of the same content was taken in before."""
        self.run.sources.append((records.name, sha256))
        if not self.state.exists:
            return False  # a table that cannot be read leaves no file behind
        with self.state.intake():
            # What is asked is kept with the first rows: a table that cannot be read leaves nothing behind.
            self.state.check(self.settings, keep=False)
            known = sha256 is not None and self.state.knows(sha256)
            if known:
                self.run.repeated += 1
            changed = self.state.changed()
            if self.state.has_rules():
                if changed or self.run.book is None:
                    self.run.book = self._book(None)
                    self._known()
                if known:
                    self._settle(self.run.book)
        return known

    def _known(self) -> None:
        """What was told before this run, and stands: what another process closed is told again where it comes again."""
        told = self.state.told()
        self.run.known = told if self.run.known is None else self.run.known & told
        self.said &= told

    def _settle(self, book: Book) -> None:
        """Close the alarms of a book, where that was asked, once."""
        if self.note is not None:
            close_alarms(self.state, book, self.note)
            self.run.known, self.note = self.state.told(), None
            self.said &= self.run.known

    def _book(self, made: AlarmRules | None) -> Book:
        rules = self.state.rules(made) if made is not None else self.state.rules_kept()
        return self.state.book(rules)

    def _enter(
        self,
        records: Records,
        question: Question,
        metric: Metric,
        read: ReadTable,
        extras: Extras,
        sha256: str | None,
        part: StreamPart | None,
    ) -> None:
        run = self.run
        with self.state.intake():
            self.state.check(self.settings)
            if sha256 is not None and self.state.knows(sha256):
                run.repeated += 1  # another process took it in meanwhile
                run.book = self._book(None)
                self._known()
                self._settle(run.book)
                return
            if read.plan is None:
                book = self._book(None)
            else:
                made = rules_of(self.asked, metric, read.plan)
                _check_low(made, read.rows, self.asked, metric)
                self.state.keep_shape(self.run.metric, question)
                self.state.keep_columns(self.asked.columns)
                book = self._book(made)
            self._known()
            self._settle(book)
            for name, count in read.lacking:
                book.count(f"missing_input:{name}", count)
            book.count("unread", 0 if part is None else part.unread)
            if extras.time is not None and len(read.rows):
                _check_clock(book, read.clock, records, extras.time)
            if extras.name is not None:
                book, new = self._journalled(book, read)
            else:
                new = len(read.rows)
                start = book.rows
                book.take(read.rows)
                run.kept.append((start, read.rows))
                if sha256 is not None and self.state.has_name(records.name):
                    run.grown.append(records.name)
            self.state.save(book)
            if sha256 is not None:
                self.state.keep_file(sha256, records.name, len(read.rows))
        run.book = book
        run.files += 1
        run.new_rows += new
        run.notes = (*(read.plan.notes if read.plan else ()), *records.notes)

    def _journalled(self, book: Book, read: ReadTable) -> tuple[Book, int]:
        """Take rows in that have names: those that come in order as they are, else all anew; how many are new."""
        self.run.journal = True
        rows, timed = read.rows, read.rows.time is not None
        different = len(set(rows.name or ()))
        if 2 * different < len(rows):
            self.run.alike = self.run.alike or (
                f"{len(rows):,} rows of {self.run.sources[-1][0]} have {plural(different, 'name')}: rows of one name "
                f"are one row, with its last values.  Is {self.asked.name} what tells rows apart?"
            )
        new, counts = self.state.enter(rows)
        counts["corrected"] += self.state.withdraw(read.uncounted)
        for name, count in counts.items():
            book.count(name, count)
        fresh = rows.take(new)
        if fresh.time is not None and fresh.name is not None:
            times, names = fresh.time, fresh.name
            order = sorted(range(len(fresh)), key=lambda i: (times[i], names[i]))
            fresh = fresh.take(np.array(order, np.int64))
        if not older(fresh, book.newest, same=True) and not counts["corrected"]:
            book.take(fresh)
            return book, len(fresh)
        anew = replayed(self.state, book, timed=timed)
        anew.count("late", older(fresh, book.newest))
        anew.count("withdrawn", len(_ever(book) - _ever(anew)))
        return anew, len(fresh)

    def answer(self, command: Callable[[str], str]) -> Watch:
        """What was found in all tables so far.

        Raises
        ------
        RefusedError
            Where there was no table.
        """
        if self.run.book is None or self.run.metric is None:
            with self.state.intake():
                if not self.state.has_rules():
                    raise RefusedError(
                        "There is nothing to watch yet: no table was given, or the tables have no rows."
                    )
                book = self._book(None)
                self._settle(book)
            return answer_of_state(self.state, book, [str(self.state.path)])
        if self.note is not None:  # no table had a row
            with self.state.intake():
                self.run.book = self._book(None)
                self._settle(self.run.book)
        source = self.run.sources[0][0] if len(self.run.sources) == 1 else "TABLE…"
        return answer(self.run, self.asked.level, self.settings, self.state, command(source))


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def replayed(state: WatchState, book: Book, *, timed: bool) -> Book:
    """A new book of all rows of the journal, in their order; groups share the level as they did.

    A settlement closes the alarms that stood then and no other: what rows that came later bring to light is open.
    """
    state.forget_visits()
    anew = Book(
        rules=book.rules,
        partitions=book.partitions,
        names=book.names,
        predicates=book.predicates,
        room=book.room,
        clock=book.clock,
        counts={
            name: count
            for name, count in book.counts.items()
            if not name.startswith((LACKING, "out_of", "beyond"))
        },
    )
    for place, key in book.keys:
        anew.admit(place, key)
    (rows, ends), start = state.journal(len(book.names), timed=timed), 0
    for one, end in zip(state.settlements(), ends, strict=True):
        anew.take(rows.take(np.arange(start, end)))
        anew.settle(one["note"], read_alarms(one["closed"]))
        start = end
    anew.take(rows.take(np.arange(start, len(rows))))
    return anew


def _ever(book: Book) -> set[tuple[Named, str]]:
    """Alarms that are open, and those that were closed."""
    pairs = zip(book.keys, book.monitors, strict=True)
    closed = {(key, one.alarm.kind) for key, monitor in pairs for one in monitor.settled}
    return book.alarms() | closed


def _check_cuts(question: Question, bins: Mapping[str, Any]) -> None:
    """Refuse an attribute that this table alone would cut: its groups are those of the first."""
    for name, edges in question.bins.items():
        if name not in bins:
            cut = ",".join(f"{edge:g}" for edge in edges)
            raise InputError(
                f"{name} has too many values in {question.records.name} for each to be a group, and had few before.  "
                f"Begin a new --state with --bins {name}={cut}, or with edges that mean something."
            )


def _check_clock(book: Book, clock: str, records: Records, name: str) -> None:
    """Refuse times of another kind than those before."""
    if book.clock not in (None, clock):
        raise InputError(
            f"{name} holds {clock}s in {records.name}, and held {book.clock}s before: nobody can put them "
            f"in one order.  {columns_option(name, 'date:%Y-%m-%d')} says how dates are written."
        )
    book.clock = clock


def _check_low(rules: AlarmRules, rows: ScoredRows, asked: WatchQuestion, metric: Metric) -> None:
    """Refuse values below 0 where nobody said how low they can be."""
    if asked.bounds or metric.definition.low is not None or not rules.higher_is_worse:
        return
    below = rows.a < rules.low * rows.b
    if below.any():
        raise InputError(
            f"{plural(int(below.sum()), 'row')} with a value below {rules.low:g}: nobody knows how low they can be.  "
            "Say the range of a row's value: --bounds LOW,HIGH"
        )


def older(rows: ScoredRows, newest: float | None, *, same: bool = False) -> int:
    """Rows that are older than the newest before them, or as old."""
    if rows.time is None or newest is None:
        return 0
    return int(np.count_nonzero(rows.time <= newest if same else rows.time < newest))


def rules_of(asked: WatchQuestion, metric: Metric, plan: MetricPlan) -> AlarmRules:
    """What is an alarm, by what was asked and what the metric knows of its values.

    Raises
    ------
    InputError
        Where the bounds are needed and not known, or the threshold can never, or must always, be exceeded.
    """
    definition = metric.definition
    higher = metric.higher_is_worse(asked.worse)
    low, high = asked.bounds or plan.bounds or (definition.low, definition.high)
    low = 0.0 if low is None else float(low)
    if high is None and definition.in_points:
        high = 1.0
    if high is None and not higher:
        raise InputError(
            f"{metric.text} is better the higher, and nobody knows how high it can be.  Say the range of a row's "
            "value: --bounds 0,1"
        )
    if high is None and asked.threshold is None:
        raise InputError(
            f"Of {metric.text} nothing is watched: there is no --threshold, and changes are not looked for, since "
            "nobody knows how high a row's value can be.  Say either: --threshold 3, or --bounds 0,10"
        )
    rules = AlarmRules(
        threshold=asked.threshold,
        level=asked.level,
        run_length=asked.run_length,
        low=low,
        high=None if high is None else float(high),
        higher_is_worse=higher,
        room=asked.groups,
    )
    if asked.threshold is not None:
        far = rules.scaled(asked.threshold)
        # As many words may be wrong as one likes.
        beyond = definition.high is None and asked.bounds is None
        most = None if high is None else MOST_TOLERATED if beyond else 1.0
        if far <= 0 or (most is not None and far >= most):
            top = "" if high is None else f" and {MOST_TOLERATED if beyond else high:g}"
            part = asked.threshold / 100
            hint = f"  Did you mean {part:g}?" if definition.in_points and 0 < part < 1 else ""
            raise InputError(
                f"threshold is {asked.threshold:g}, but must lie between {low:g}{top}, the values that {metric.name} "
                f"can have: else there is nothing that could be exceeded.{hint}"
            )
    return rules
