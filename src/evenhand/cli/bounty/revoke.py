"""``evenhand bounty revoke``: let a team's key sign nothing more."""

from pathlib import Path

from evenhand.bounty.desk import revoke as revoke_key
from evenhand.bounty.telling.logged import logged
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.bounty.words import tell
from evenhand.cli.options import Printing


def revoke(
    folder: Path,
    team: str,
    /,
    *,
    reason: str,
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
) -> int:
    """Let a team's key sign nothing more; what it signed before stays.

    Parameters
    ----------
    folder
        The bounty.
    team
        Whose.
    reason
        Why; it is written into the log.
    """
    with waiting.opened(folder) as opened:
        told = logged(revoke_key(opened, team=team, reason=reason))
    return tell(told, f"Revoked the key of {team}; register a new one.", json=output.json)
