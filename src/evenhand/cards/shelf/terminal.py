"""A shelf of cards as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.cards.shelf.result import Shelf
from evenhand.cards.shelf.tables import answer, cards_table, unreadable, worst_table
from evenhand.pages.terminal import lay_out


def render_terminal(shelf: Shelf, *, width: int) -> RenderableType:
    """All cards, by service."""
    return Lines(
        Text(answer(shelf), style="bold"),
        *(Text(f"! {text}", style="yellow") for text in unreadable(shelf)),
        Text(),
        lay_out(worst_table(shelf), width, named=3),
        Text(),
        lay_out(cards_table(shelf), width),
    )
