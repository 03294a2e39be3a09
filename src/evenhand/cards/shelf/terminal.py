"""A shelf of cards as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.cards.shelf.result import Shelf
from evenhand.cards.shelf.tables import answer, shelf_table
from evenhand.pages.terminal import lay_out


def render_terminal(shelf: Shelf, *, width: int) -> RenderableType:
    """All cards, by service."""
    return Lines(
        Text(answer(shelf), style="bold"), Text(), lay_out(shelf_table(shelf), width, named=2)
    )
