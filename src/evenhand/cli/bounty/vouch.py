"""``evenhand bounty vouch``: let a submission be tested that practice rows speak against."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.telling import words
from evenhand.bounty.telling.standing import stand
from evenhand.cli.bounty.output import full_key, show_json
from evenhand.cli.lines import say
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
        key = full_key(submission, opened.state.pending, "waiting submission")
        opened.vouch(key, reason=reason)
        told = stand(opened)
    if output.json:
        show_json(told)
    else:
        say(f"Will be tested: {key[:12]}.  {words.standing(told)}")
    return 0
