"""Coverage as tables for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.lastmile.coverage import words
from evenhand.lastmile.coverage.result import Coverage
from evenhand.lastmile.coverage.tables import cells_table
from evenhand.pages.numbers import plural
from evenhand.pages.terminal import lay_out, opening

#: Cells shown; all are in the other outputs.
SHOWN = 40


def render_terminal(found: Coverage, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, what is missing first."""
    about = f"{found.metric.name} = {found.metric.definition}; " if found.metric else ""
    about += f"{found.source.name}, {plural(found.source.rows, 'row')}"
    parts = opening(words.answers(found), found.notes, about)
    parts += [Text(), lay_out(cells_table(found, found.cells[:SHOWN]), width)]
    hidden = len(found.cells) - SHOWN
    if hidden > 0:
        parts.append(Text(f"… {hidden:,} more in --json and --html", style="dim"))
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
