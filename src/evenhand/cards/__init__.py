"""Service cards: what was measured and what people say of a service, as one file that can be checked."""

from evenhand.cards.assembly import make_card
from evenhand.cards.changes.comparing import compare_cards
from evenhand.cards.result import Card

__all__ = ["Card", "compare_cards", "make_card"]
