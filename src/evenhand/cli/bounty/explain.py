"""``evenhand bounty explain``: why a row is answered as it is."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.task.task import read_table
from evenhand.bounty.telling import words
from evenhand.bounty.telling.explained import explain as explain_row
from evenhand.cli.bounty.output import show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.errors import InputError


def explain(folder: Path, table: str, /, *, row: int = 0, output: Printing = Printing()) -> int:
    """Say why a row is answered as it is: whose update decided, through which groups.

    Parameters
    ----------
    folder
        The bounty.
    table
        Rows with all features, as for audit.
    row
        Which of them, from 0.
    """
    with Bounty(folder) as opened:
        rows = read_table(table)
        if not 0 <= row < len(rows):
            raise InputError(f"--row is {row}.  {table} has the rows 0 to {len(rows) - 1}.")
        found = explain_row(opened, rows, row)
    if output.json:
        show_json(found)
    else:
        how = "sent to the service" if opened.task.asks is not None else "answered"
        say(f"Row {row} is {how} {found.answer}, by {words.whose(found)}.", *words.way(found))
    return 0
