"""``evenhand bounty rollback``: take an accepted update out of the model."""

from pathlib import Path

from evenhand.cli.bounty.output import full_key, tell_standing
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.options import Printing


def rollback(
    folder: Path,
    submission: str,
    /,
    *,
    reason: str,
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
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
    with waiting.opened(folder) as opened:
        active = [node.key for node in opened.state.listed.nodes if node.active and node.key]
        key = full_key(active, submission, "active update")
        opened.roll_back(key, reason=reason)
        return tell_standing(opened, f"Taken out: {key[:12]}.", json=output.json)
