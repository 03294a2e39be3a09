"""A card in short for a terminal: what it finds, and what it lacks."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.cards import words
from evenhand.cards.measured import worst_table
from evenhand.cards.result import Card
from evenhand.pages.edition import PLAIN
from evenhand.pages.terminal import lay_out


def render_terminal(card: Card, *, width: int) -> RenderableType:
    """The finding, the worst groups, what is not told and how far to rely on it."""
    service = card.written.service
    first, *more = words.answers(card)
    parts: list[RenderableType] = [Text(first, style="bold"), *map(Text, more), Text()]
    parts += [Text(f"! {text}", style="yellow") for text in dict.fromkeys(words.caveats(card))]
    parts.append(
        Text(f"{words.title(card)}; {service.provider}, from {service.applies_to}", style="dim")
    )
    table = worst_table(card, PLAIN).table
    if card.worst and table is not None:
        parts += [Text(), lay_out(table, width), Text()]
    parts.append(Text(words.absent_sentence(card)))
    parts += [Text(words.signal_sentence(one)) for one in card.signals]
    signed = "signed" if card.signature else "not signed"
    parts += [Text(), Text(f"SHA-256 {card.content_sha256}, {signed}", style="dim")]
    return Lines(*parts)
