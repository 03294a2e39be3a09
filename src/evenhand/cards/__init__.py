"""Service cards: what was measured and what people say of a service, as one file that can be checked."""

from evenhand.cards.assembly import make_card
from evenhand.cards.result import Card

__all__ = ["Card", "make_card"]
