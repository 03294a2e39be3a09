"""A watch as tables for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN
from evenhand.pages.numbers import plural
from evenhand.pages.terminal import lay_out
from evenhand.watching import words
from evenhand.watching.result import Watch
from evenhand.watching.tables import groups_table, parts_table

#: Groups shown; all are in the other outputs.
SHOWN = 40


def render_terminal(found: Watch, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, the alarm first."""
    first, *more = words.answers(found)
    parts: list[RenderableType] = [Text(first, style="bold"), *map(Text, more), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(found.notes)]
    parts.append(
        Text(
            f"{found.metric.name} = {found.metric.definition}; {PLAIN.source(found.source.name)}, "
            f"{plural(found.taken.new_rows, 'row')} new",
            style="dim",
        )
    )
    parts += [Text(), lay_out(groups_table(found, SHOWN), width)]
    hidden = len(found.groups) - SHOWN
    if hidden > 0:
        parts.append(Text(f"… {hidden:,} more in --json and --html", style="dim"))
    for one in found.alarms:
        table = parts_table(one, found)
        if table is not None:
            parts += [Text(), Text(words.alarm(one, found)), lay_out(table, width)]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
