"""``evenhand bounty confirm``: make rewards final by fresh rows."""

from pathlib import Path

from evenhand.bounty.telling import words
from evenhand.bounty.telling.answers import Confirmed
from evenhand.cli.bounty.output import show_json
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.lines import say
from evenhand.cli.options import Printing


def confirm(
    folder: Path, table: str, /, *, waiting: Waiting = Waiting(), output: Printing = Printing()
) -> int:
    """Make rewards final by fresh labelled rows.

    Parameters
    ----------
    folder
        The bounty.
    table
        Rows that no hunter has had, with all features and the label.  They are disclosed by this.
    """
    with waiting.opened(folder) as opened:
        found = opened.confirm(table)
        teams = [opened.load(one.key).team for one in found]
    if output.json:
        show_json(Confirmed(confirmed=found))
    else:
        for team, one in zip(teams, found, strict=True):
            say(words.confirmed(team, one))
    return 0
