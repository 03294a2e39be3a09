"""``evenhand card schema``: the JSON Schema of cards."""

from evenhand.cards.schema import card_schema


def schema() -> int:
    """Print the JSON Schema that every card satisfies, for programs that read cards."""
    print(card_schema(), end="")
    return 0
