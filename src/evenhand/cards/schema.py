"""The published JSON Schema of cards."""

import json

from evenhand.cards.result import Card
from evenhand.results.json_schema import json_schema

#: What the schema calls itself; a name, and no address that anything asks.
IDENTIFIER = f"urn:{Card.SCHEMA.replace('.', ':').replace('/', ':')}"


def card_schema() -> str:
    """JSON Schema (draft 2020-12) of a card, as text.

    Examples
    --------
    >>> import json
    >>> json.loads(card_schema())["$id"]
    'urn:evenhand:card:1'
    """
    found = json_schema(Card, identifier=IDENTIFIER, title="Service card of Evenhand")
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
