"""Alarms closed by somebody who did something: the watch goes on from there, and forgets nothing."""

from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.watching.assembly import answer_of_state
from evenhand.watching.book import Book
from evenhand.watching.result import Watch
from evenhand.watching.state import WatchState, open_state

#: Characters of a note at most.
LONGEST_NOTE = 500


def settle_watch(state: str | Path, note: str) -> Watch:
    """Close the alarms of a watch, saying what was done; evidence begins anew from there.

    Parameters
    ----------
    state : path
        The state of a watch that has an alarm.
    note : str
        What was done: ``filter installed``.

    Returns
    -------
    Watch
        With the alarms among those that are settled.

    Raises
    ------
    InputError
        Where there is no such state, no alarm in it, or no note.

    Notes
    -----
    Nothing is forgotten: rates, rows, what each group's past is known not to exceed, and the alarms stay.  The
    promise on false alarms holds from one settlement to the next.

    Examples
    --------
    >>> import pathlib, tempfile, pyarrow as pa, evenhand
    >>> state = pathlib.Path(tempfile.mkdtemp()) / "calls.watch"
    >>> def rows(wrong):
    ...     return pa.table({"wrong": [wrong, 0, 0, 0] * 60, "site": ["a"] * 240})
    >>> asked = {"metric": "mean(wrong)", "by": "site", "threshold": 0.1, "worse": "higher", "state": state}
    >>> evenhand.watch(rows(1), **asked).exit_code
    1
    >>> evenhand.settle_watch(state, "new microphone").exit_code
    3
    >>> found = evenhand.watch(rows(0), **asked)
    >>> found.exit_code, found.settled[0].note, found.settled[0].rate_since
    (0, 'new microphone', 0.0)
    """
    check_note(note)
    kept = open_state(Path(state))
    try:
        with kept.intake():
            if not kept.has_rules():
                raise InputError(f"{state} has no alarm, so there is nothing to settle.")
            book = kept.book()
            close_alarms(kept, book, note)
        return answer_of_state(kept, book, [str(state)])
    finally:
        kept.close()


def check_note(note: Any) -> None:
    """Refuse a note that says nothing, or too much."""
    if not isinstance(note, str) or not note.strip():
        raise InputError("Say what was done, in words: --settle 'filter installed'")
    if len(note) > LONGEST_NOTE:
        raise InputError(f"The note has {len(note):,} characters; at most {LONGEST_NOTE} are kept.")


def close_alarms(state: WatchState, book: Book, note: str) -> None:
    """Close all alarms of a book, and note that in its state; the same note again changes nothing.

    Raises
    ------
    InputError
        Where there is no alarm.
    """
    told, alarms = " ".join(note.split()), book.alarms()
    if not alarms:
        last = state.settlements()[-1:]
        if last and last[0]["note"] == told:
            return
        raise InputError(f"{state.path} has no alarm, so there is nothing to settle.")
    book.settle(told, alarms)
    state.save(book)
    state.settle(told, book.newest, alarms)
    state.tell(state.told() - alarms)  # what comes again is told again
