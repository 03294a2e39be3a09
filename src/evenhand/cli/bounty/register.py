"""``evenhand bounty register``: let a team sign what it sends."""

from pathlib import Path

from evenhand.bounty.desk import register as register_team
from evenhand.bounty.telling.logged import logged
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.bounty.words import tell
from evenhand.cli.options import Printing


def register(
    folder: Path,
    team: str,
    key: str,
    /,
    *,
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
) -> int:
    """Register a team by its public key, or give a registered one a new key.

    Parameters
    ----------
    folder
        The bounty.
    team
        Its name, as its submissions have it.
    key
        Its public key, 64 hexadecimal digits: see `evenhand bounty key`.  An older one is retired by this.
    """
    with waiting.opened(folder) as opened:
        told = logged(register_team(opened, team=team, key=key))
        anew = team in opened.state.roster.retired.values()
    line = (
        f"Registered {team} anew: its word is signed by this key from here on, and by no older one."
        if anew
        else f"Registered {team}; its word is signed from here on."
    )
    return tell(told, line, json=output.json)
