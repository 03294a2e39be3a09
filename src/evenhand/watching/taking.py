"""Tables taken in one after the other, each as a whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evenhand.errors import InputError, RefusedError
from evenhand.groups import parse_partitions, to_text
from evenhand.metrics import Metric, MetricPlan
from evenhand.questions.opening import opened
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    has_rows,
    metric_note,
    read_question,
)
from evenhand.records import Kind, Records, find_column
from evenhand.watching.assembly import Intakes, answer
from evenhand.watching.book import LACKING, AlarmRules, Book
from evenhand.watching.reading import Extras, ScoredRows, read_rows
from evenhand.watching.result import Watch
from evenhand.watching.state import WatchState


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


class Watcher:
    """Takes tables in, and answers for all of them."""

    def __init__(
        self, asked: WatchQuestion, state: WatchState, progress: Callable[[int], None] | None = None
    ) -> None:
        self.asked, self.state, self.progress = asked, state, progress
        self.run = Intakes()
        self.settings: dict[str, Any] = {}

    def take(self, table: Any) -> bool:
        """Take one table in; whether it brought new alarms."""
        asked = self.asked
        with opened(
            table,
            columns=asked.columns,
            missing_values=asked.missing_values,
            progress=self.progress,
        ) as records:
            bins = {**self.state.bins(), **(asked.bins or {})}
            question = self._question(records, bins)
            metric = bound_metric(asked.metric, records)
            unit = asked.unit or next(iter(records.unit), None)
            extras = Extras(unit=unit, time=asked.time, name=asked.name)
            self._ask(question, metric, extras)
            if self._repeated(records):
                return False
            if not has_rows(records):
                self.run.files += 1
                return False
            plan, rows, lacking = read_rows(question, metric, extras)
            return self._enter(records, question, metric, plan, rows, lacking, extras)

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

    def _repeated(self, records: Records) -> bool:
        """Whether a file of the same content was taken in before."""
        sha256 = records.sha256()
        self.run.sources.append((records.name, sha256))
        with self.state.intake():
            self.state.check(self.settings)
            known = sha256 is not None and self.state.knows(sha256)
            if known:
                self.run.repeated += 1
            if self.run.book is None and self.state.has_rules():
                self.run.book = self._book(None)
                self.run.known = self.run.book.alarms()
        return known

    def _book(self, made: AlarmRules | None) -> Book:
        rules = self.state.rules(made) if made is not None else self.state.rules_kept()
        return self.state.book(rules)

    def _enter(
        self,
        records: Records,
        question: Question,
        metric: Metric,
        plan: MetricPlan,
        rows: ScoredRows,
        lacking: Sequence[tuple[str, int]],
        extras: Extras,
    ) -> bool:
        run, sha256 = self.run, records.sha256()
        with self.state.intake():
            self.state.check(self.settings)
            if sha256 is not None and self.state.knows(sha256):
                run.repeated += 1  # another process took it in meanwhile
                return False
            made = rules_of(self.asked, metric, plan)
            self.state.keep_shape(self.run.metric, question)
            book = self._book(made)
            before = book.alarms()
            if run.known is None:
                run.known = before
            for name, count in lacking:
                book.count(f"missing_input:{name}", count)
            if extras.time is not None:
                column = find_column(extras.time, records.columns)
                book.dated = column.kind is Kind.DATE
            if rows.name is not None:
                book, new = self._journalled(book, rows)
            else:
                new = len(rows)
                start = book.rows
                book.take(rows)
                run.kept.append((start, rows))
            self.state.save(book)
            if sha256 is not None:
                self.state.keep_file(sha256, records.name, len(rows))
        run.book = book
        run.files += 1
        run.new_rows += new
        run.notes = (*plan.notes, *records.notes)
        return bool(book.alarms() - before)

    def _journalled(self, book: Book, rows: ScoredRows) -> tuple[Book, int]:
        """Take rows in that have names: those that come in order as they are, else all anew; how many are new."""
        self.run.journal = True
        timed = rows.time is not None
        if rows.time is not None and rows.name is not None:
            times, names = rows.time, rows.name
            order = sorted(range(len(rows)), key=lambda i: (times[i], names[i]))
            rows = rows.take(np.array(order, np.int64))
        late = older(rows, book.newest)
        new, counts = self.state.enter(rows)
        for name, count in counts.items():
            book.count(name, count)
        fresh = rows.take(new)
        if not older(fresh, book.newest, same=True) and not counts["corrected"]:
            book.take(fresh)
            return book, len(fresh)
        anew = replayed(self.state, book, timed=timed)
        anew.count("late", late)
        anew.count("withdrawn", len(book.alarms() - anew.alarms()))
        return anew, len(fresh)

    def answer(self, command: Callable[[str], str]) -> Watch:
        """What was found in all tables so far.

        Raises
        ------
        RefusedError
            Where there was no table.
        """
        if self.run.book is None or self.run.metric is None:
            raise RefusedError(
                "There is nothing to watch yet: no table was given, or the tables have no rows."
            )
        source = self.run.sources[0][0] if len(self.run.sources) == 1 else "TABLE…"
        return answer(self.run, self.asked.level, self.settings, self.state, command(source))


def replayed(state: WatchState, book: Book, *, timed: bool) -> Book:
    """A new book of all rows of the journal, in their order."""
    state.forget_visits()
    anew = Book(
        rules=book.rules,
        partitions=book.partitions,
        names=book.names,
        predicates=book.predicates,
        room=book.room,
        dated=book.dated,
        counts={
            name: count
            for name, count in book.counts.items()
            if not name.startswith((LACKING, "out_of", "beyond"))
        },
    )
    rows, start = state.journal(len(book.names), timed=timed), 0
    for one in state.settlements():
        end = one["rows"]
        if rows.time is not None:
            end = 0 if one["newest"] is None else np.searchsorted(rows.time, one["newest"], "right")
        anew.take(rows.take(np.arange(start, max(end, start))))
        anew.settle(one["note"])
        start = max(end, start)
    anew.take(rows.take(np.arange(start, len(rows))))
    return anew


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
        can = high is None or (definition.high is None and asked.bounds is None) or far < 1
        if far <= 0 or not can:
            top = "" if high is None else f" and {high:g}"
            raise InputError(
                f"threshold is {asked.threshold:g}, but must lie between {low:g}{top}, the values that {metric.name} "
                "can have: else there is nothing that could be exceeded."
            )
    return rules
