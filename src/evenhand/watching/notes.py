"""What is said of a watch beside its answer: rows that lack something, what became of tables, what is evidence."""

from collections.abc import Iterator, Mapping
from typing import Any

from evenhand.errors import Note
from evenhand.pages.numbers import listed, plural
from evenhand.results.estimate import Missing
from evenhand.stats.monitors import FIRST
from evenhand.watching.book import LACKING, Book
from evenhand.watching.intakes import Intakes
from evenhand.watching.monitor import MOST_LAYERS
from evenhand.watching.state import WatchState


def missing_of(counts: Mapping[str, int], settings: Mapping[str, Any]) -> Iterator[Missing]:
    """Rows that lack something, by what."""
    for name, count in counts.items():
        kind, _, column = name.partition(":")
        if name.startswith(LACKING):
            yield Missing(attribute=column, n_rows=count, reason="missing_attribute")
        elif kind == "missing_input":
            unit = column == settings["unit"]
            reason = "missing_unit" if unit else "missing_input"
            yield Missing(attribute=column, n_rows=count, reason=reason)


def notes_of(
    run: Intakes, book: Book, state: WatchState, settings: Mapping[str, Any]
) -> Iterator[Note]:
    """What a reader should know beside the answer."""
    yield from _notes_of_evidence(book, settings)
    yield from _notes_of_tables(run, settings)
    for name, text in _COUNTED.items():
        count = book.counts.get(name, 0)
        if count:
            journal = settings["id"] is not None
            noun = "line" if name in ("unread", "unusable") else "row"
            yield Note(code=name, text=(text[journal]).format(plural(count, noun)))
    if withdrawn := book.counts.get("withdrawn"):
        yield Note(
            code="withdrawn",
            text=f"{plural(withdrawn, 'alarm')} that had been told would not have come with the rows as they are now.",
        )
    closed = {one.note for monitor in book.monitors for one in monitor.settled}
    for one in state.settlements():
        if not one["closed"]:
            yield Note(
                code="settled_elsewhere_open",
                text=f"Settled: {one['note']}.  An alarm that it closed stands open in another of the watches that "
                "were merged, and so here.",
            )
        elif one["note"] not in closed:
            yield Note(
                code="settled_nothing",
                text=f"Settled: {one['note']}.  The alarms that it closed would not have come with the rows as they "
                "are now.",
            )


def _notes_of_evidence(book: Book, settings: Mapping[str, Any]) -> Iterator[Note]:
    """What is taken for evidence."""
    if settings["unit"] is None:
        yield Note(
            code="rows_independent",
            text="Each row counts as independent.  Name as --unit whose rows are alike (speaker, patient): otherwise "
            "alarms come too easily.",
        )
    else:
        yield Note(
            code="units_bet_once",
            text=f"A {settings['unit']} who returns counts as new evidence only beside others who return as often.",
        )
    if book.rules.high is None:
        yield Note(
            code="no_bounds",
            text="Changes are not looked for: nobody knows how high a row's value can be.  Say it with --bounds 0,1.",
        )
    long = book.monitors[0].long_rows if book.monitors else 0
    if long:
        yield Note(
            code="long_rows",
            text=f"{plural(long, 'row')} {'was' if long == 1 else 'were'} more than eight times as long as is usual, "
            "and count less as evidence than in the rates: where such rows are always better or worse than short ones, "
            "the promise holds for the short ones.",
        )
    late = len(book.monitors) - book.room
    if late > 0:
        groups = plural(late, "group")
        they = "appeared after the first rows"
        if book.rules.room:
            they = f"{'is' if late == 1 else 'are'} more than --groups said (everyone is one)"
        share = (
            "has a tenth of the level"
            if late == 1
            else "share a tenth of the level, the first of them most"
        )
        yield Note(
            code="late_groups",
            text=f"{groups} {they}, and {share}.  --groups says beforehand how many there will be.",
        )
    silent = sum(monitor.silent >= FIRST for monitor in book.monitors)
    if silent:
        yield Note(
            code="units_too_often",
            text=f"The last rows of {plural(silent, 'group')} are no evidence any more: their units came more than "
            f"{MOST_LAYERS:,} times.  Begin a new --state.",
        )


def _notes_of_tables(run: Intakes, settings: Mapping[str, Any]) -> Iterator[Note]:
    """What is said of the tables of this run."""
    if run.repeated:
        was, its = ("was", "its") if run.repeated == 1 else ("were", "their")
        yield Note(
            code="repeated_files",
            text=f"{plural(run.repeated, 'table')} {was} taken in before, by {its} content, and skipped.",
        )
    if run.empty:
        yield Note(
            code="empty_files",
            text=f"{listed(run.empty[:3])}{' and more' if len(run.empty) > 3 else ''} "
            f"{'is' if len(run.empty) == 1 else 'are'} empty so far, without a header: left out until something is in.",
        )
    if run.alike:
        yield Note(code="names_alike", text=run.alike)
    if run.unusable:
        yield Note(code="unusable_line", text=f"The first line that cannot be used: {run.unusable}")
    if settings["id"] is not None:
        return
    if run.grown:
        yield Note(
            code="file_again",
            text=f"{', '.join(dict.fromkeys(run.grown[:3]))} was taken in before with other content: rows that are in "
            "both count twice.  Name their --id, and each counts once.",
        )
    if run.stream:
        yield Note(
            code="stream",
            text="Lines of a stream count whenever they come.  Where they may be sent again, as after an interruption, "
            "name their --id.",
        )


#: What is said of rows by what became of them, without and with a journal of rows.
_COUNTED = {
    "late": (
        "{} came after newer ones, and stand where they came.  Name their --id, and they are put in their place.",
        "{} came after newer ones, and were put in their place.",
    ),
    "unread": ("{} of the stream were no JSON objects, and are left out.",) * 2,
    "unusable": ("{} of the stream cannot be used, and are left out.",) * 2,
    "duplicate": ("{} came again as they were, and count once.",) * 2,
    "corrected": ("{} came again with other values, and count with the last ones.",) * 2,
    "out_of_bounds": (
        "{} have a value better than the bounds allow, and count as the bound in what is watched.",
    )
    * 2,
    "beyond_bound": (
        "{} have a value worse than the bounds allow; where a change is looked for they count as the bound.",
    )
    * 2,
}
