"""``evenhand look``: what a table holds, before anything is measured."""

from rich.console import Console

from evenhand.cli.kinds import Flag
from evenhand.cli.lines import say
from evenhand.cli.options import Reading
from evenhand.overviews import look as look_at
from evenhand.overviews.terminal import columns_of, head_of, lines_of
from evenhand.pages.terminal import lay_out


def look(table: str, /, *, json: Flag = False, reading: Reading = Reading()) -> None:
    """See what a table holds: columns, what is missing and for whom, odd spellings, and what could be asked.

    Parameters
    ----------
    table
        Path, glob or folder of records or of another tool's logs, duckdb:///file.db?table=t, postgresql://…?table=t or
        sc://host:port?table=t.
    json
        Print JSON instead of a table.
    """
    given = reading.given()
    found = look_at(
        reading.table(table), columns=given["columns"], missing_values=given["missing_values"]
    )
    if json:
        print(found.to_json())
        return
    say(head_of(found), "")
    console = Console(highlight=False)
    console.print(lay_out(columns_of(found), console.width))
    lines = list(lines_of(found))
    if lines:
        say("", *lines)
    if found.next:
        say("", "Next:", *(f"  {command}" for command in found.next))
    else:
        say("", "No column looks like an answer or a score.  Choose a metric: evenhand metrics")
