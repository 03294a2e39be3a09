"""``evenhand bounty appeal``: have a submission tested again that ran out of time or memory."""

from pathlib import Path

from evenhand.bounty.desk import appeal as appeal_failure
from evenhand.bounty.telling.logged import logged
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.bounty.words import about, tell, word_in
from evenhand.cli.options import Printing
from evenhand.errors import InputError


def appeal(
    folder: Path,
    submission: str | None = None,
    /,
    *,
    reason: str = "",
    signature: Path | None = None,
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
) -> int:
    """Have a submission tested again, in the next epoch, that ran out of time or memory: once, and free of quota.

    Parameters
    ----------
    folder
        The bounty.
    submission
        Its hash, or the beginning of it.
    reason
        Why; it is written into the log.  With --signature the word tells it.
    signature
        The team's word, from `evenhand bounty sign --word appealed`, which names submission and reason.
    """
    with waiting.opened(folder) as opened:
        said = word_in(opened, signature, "appealed")
        if said is not None and reason not in ("", said.text):
            raise InputError(
                f"--reason is {reason!r}, and its team has signed another: {said.text!r}.  Leave --reason out."
            )
        why = reason if said is None else said.text
        key, signed = about(opened, submission, said, "appealed", why)
        told = logged(appeal_failure(opened, key, reason=why, signature=signed))
    return tell(
        told, f"Appealed: {key[:12]} of {told.team} is tested in the next epoch.", json=output.json
    )
