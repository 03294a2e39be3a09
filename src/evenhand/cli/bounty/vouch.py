"""``evenhand bounty vouch``: let a submission be tested that practice rows speak against."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.cli.bounty.output import full_key, tell_standing
from evenhand.cli.options import Printing


def vouch(folder: Path, submission: str, /, *, reason: str, output: Printing = Printing()) -> int:
    """Let a waiting submission be tested that practice rows speak strongly against.

    Parameters
    ----------
    folder
        The bounty.
    submission
        Its hash, or the beginning of it.
    reason
        Why it may be right all the same; it is written into the log.
    """
    with Bounty(folder) as opened:
        key = full_key(opened.state.pending, submission, "waiting submission")
        opened.vouch(key, reason=reason)
        return tell_standing(opened, f"Will be tested: {key[:12]}.", json=output.json)
