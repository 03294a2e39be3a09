"""The page of a shelf of cards."""

from evenhand.cards.shelf.result import Shelf
from evenhand.cards.shelf.tables import answer, cards_table, unreadable, worst_table
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.page import render_page


def render_html(shelf: Shelf, *, edition: Edition = PLAIN) -> str:
    """The page; every text from outside is escaped."""
    return render_page(
        "evenhand.cards.shelf:shelf.html",
        shelf=shelf,
        edition=edition,
        heading=edition.title or "Service cards",
        answers=[answer(shelf)],
        unreadable=unreadable(shelf),
        worst=worst_table(shelf, edition),
        cards=cards_table(shelf),
    )
