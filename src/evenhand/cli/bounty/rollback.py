"""``evenhand bounty rollback``: take an accepted update out of the model."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.telling import words
from evenhand.bounty.telling.standing import stand
from evenhand.cli.bounty.output import show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.errors import InputError


def rollback(
    folder: Path, submission: str, /, *, reason: str, output: Printing = Printing()
) -> int:
    """Take an accepted update out of the model; its place in the log is kept.

    Parameters
    ----------
    folder
        The bounty.
    submission
        Its hash, or the beginning of it.
    reason
        Why; it is written into the log.
    """
    with Bounty(folder) as opened:
        key = _full_key(opened, submission)
        opened.roll_back(key, reason=reason)
        told = stand(opened)
    if output.json:
        show_json(told)
    else:
        say(f"Taken out: {key[:12]}.  {words.standing(told)}")
    return 0


def _full_key(opened: Bounty, beginning: str) -> str:
    keys = [n.key for n in opened.state.listed.nodes if n.active and n.key.startswith(beginning)]
    if not beginning or len(keys) != 1:
        found = "no" if not keys else "more than one"
        raise InputError(
            f"{found.capitalize()} active update has a hash that begins with {beginning!r}.  "
            "See: evenhand bounty status --json"
        )
    return keys[0]
