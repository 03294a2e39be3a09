"""Pooled customers as tables for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.pages.terminal import lay_out, opening
from evenhand.pooling import words
from evenhand.pooling.result import Pooled
from evenhand.pooling.tables import groups_table, usual_table

#: Lines shown; all are in the other outputs.
SHOWN = 60


def render_terminal(found: Pooled, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know."""
    about = f"{found.metric.name} = {found.metric.definition}"
    parts = opening(words.answers(found), words.caveats(found), about)
    parts += [Text(), lay_out(usual_table(found), width), Text()]
    parts.append(lay_out(groups_table(found, SHOWN), width))
    hidden = len(found.groups) - SHOWN
    if hidden > 0:
        parts.append(Text(f"… {hidden:,} more in --json, --csv and --html", style="dim"))
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
