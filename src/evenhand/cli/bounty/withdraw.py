"""``evenhand bounty withdraw``: take a submission back."""

from pathlib import Path

from evenhand.bounty.desk import withdraw as withdraw_submission
from evenhand.bounty.telling.logged import logged
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.bounty.words import about, tell, word_in
from evenhand.cli.options import Printing


def withdraw(
    folder: Path,
    submission: str | None = None,
    /,
    *,
    signature: Path | None = None,
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
) -> int:
    """Take a submission back before it is tested; it still counts against its team's quota.

    Parameters
    ----------
    folder
        The bounty.
    submission
        Its hash, or the beginning of it.
    signature
        The team's word, from `evenhand bounty sign --word withdrawn`, which names the submission.
    """
    with waiting.opened(folder) as opened:
        key, signed = about(
            opened, submission, word_in(opened, signature, "withdrawn"), "withdrawn"
        )
        told = logged(withdraw_submission(opened, key, signature=signed))
    return tell(told, f"Withdrawn: {key[:12]} of {told.team}.", json=output.json)
