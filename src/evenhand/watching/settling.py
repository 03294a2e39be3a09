"""Alarms closed by somebody who did something: the watch goes on from there, and forgets nothing."""

from pathlib import Path

from evenhand.errors import InputError
from evenhand.watching.assembly import answer_of_state
from evenhand.watching.result import Watch
from evenhand.watching.state import open_state
from evenhand.watching.taking import check_note, close_alarms


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
