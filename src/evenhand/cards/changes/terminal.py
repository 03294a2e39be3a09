"""Changes as tables for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.cards.changes import words
from evenhand.cards.changes.result import CardChanges
from evenhand.cards.changes.tables import changes_table
from evenhand.pages.terminal import lay_out, opening

#: Groups shown of each metric; all are in the other outputs.
SHOWN = 40


def render_terminal(found: CardChanges, *, width: int) -> RenderableType:
    """For whom it became worse or better, the numbers, and the log."""
    parts = opening(words.answers(found), found.notes, words.title(found))
    for one in found.metrics:
        parts += [
            Text(),
            Text(one.name, style="bold"),
            lay_out(changes_table(found, one.name, SHOWN), width),
        ]
    parts += [Text(), *map(Text, words.log(found)), Text(words.method(found), style="dim")]
    return Lines(*parts)
