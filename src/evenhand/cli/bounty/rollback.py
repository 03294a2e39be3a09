"""``evenhand bounty rollback``: take an accepted update out of the model."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.telling import words
from evenhand.bounty.telling.standing import stand
from evenhand.cli.bounty.output import full_key, show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Printing


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
        active = [node.key for node in opened.state.listed.nodes if node.active and node.key]
        key = full_key(submission, active, "active update")
        opened.roll_back(key, reason=reason)
        told = stand(opened)
    if output.json:
        show_json(told)
    else:
        say(f"Taken out: {key[:12]}.  {words.standing(told)}")
    return 0
