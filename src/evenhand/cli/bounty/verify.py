"""``evenhand bounty verify``: prove the model and the leaderboard from the log."""

import re
from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.verification import verify as verify_log
from evenhand.cli.bounty.output import show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.cli.progress import progress_bar
from evenhand.errors import InputError
from evenhand.pages.numbers import plural

EXIT_NOT_PROVEN = 1


def verify(folder: Path, /, *, head: str | None = None, output: Printing = Printing()) -> int:
    """Re-play the whole log and prove the current model and leaderboard from it.

    Parameters
    ----------
    folder
        The bounty.
    head
        Hash of an event that you were told: the log must still hold it, or was cut or written anew.
    """
    if head is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", head):
        raise InputError(
            f"--head is {head!r}, but must be the whole hash of an event: 64 hexadecimal digits, as "
            "`evenhand bounty status` shows them."
        )
    with Bounty(folder) as opened, progress_bar("re-playing") as report:
        found = verify_log(opened, head=None if head is None else head.lower(), progress=report)
    if output.json:
        show_json(found)
    elif found.proven:
        say(
            f"Proven: {plural(found.events, 'event')}, {plural(found.verdicts, 'verdict')} "
            f"and {plural(found.updates, 'update')} follow from the submissions and the blocks."
        )
    else:
        say(f"NOT proven: {plural(len(found.problems), 'thing differs', 'things differ')}.")
        say(*(f"  {problem}" for problem in found.problems))
    return 0 if found.proven else EXIT_NOT_PROVEN
