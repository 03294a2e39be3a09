"""``evenhand bounty phase``: say what is taken from here on."""

from pathlib import Path

from evenhand.bounty.desk import set_phase
from evenhand.bounty.telling.kept import taken
from evenhand.bounty.telling.logged import logged
from evenhand.bounty.terms import Phase
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.bounty.words import tell
from evenhand.cli.options import Printing


def phase(
    folder: Path,
    to: Phase,
    /,
    *,
    deadline: str = "",
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
) -> int:
    """Say what is taken from here on: all, promises, what was promised, or nothing.

    Parameters
    ----------
    folder
        The bounty.
    to
        open, committing, revealing or closed.
    deadline
        Until when, for people; no clock ends a phase, the next command does.
    """
    with waiting.opened(folder) as opened:
        told = logged(set_phase(opened, to, deadline=deadline))
    return tell(told, taken(to, deadline), json=output.json)
