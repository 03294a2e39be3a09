"""The shelf as a table, for the terminal and the page."""

from evenhand.audits.words import KINDS
from evenhand.cards.shelf.result import Shelf, ShelvedCard, ShelvedWorst
from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import plural
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def answer(shelf: Shelf) -> str:
    """How many cards of how many services, and whether one is not what it claims."""
    services = len({one.service for one in shelf.cards})
    broken = [one.file for one in shelf.cards if not one.intact]
    told = f"{plural(len(shelf.cards), 'card')} of {plural(services, 'service')}."
    if broken:
        told += f"  Changed after they were made: {numbers.listed(broken)}."
    return told


def shelf_table(shelf: Shelf, edition: Edition = PLAIN) -> Table:
    """A line a card and metric."""
    columns = (
        TableColumn(head="service", left=True, fold=True),
        TableColumn(head="version", left=True, fold=True),
        TableColumn(head="from", left=True),
        TableColumn(head="metric", left=True),
        TableColumn(head="worst group", left=True, fold=True),
        TableColumn(head="value (interval)"),
        TableColumn(head="verdict", left=True),
        TableColumn(head="parts told", need=2),
        TableColumn(head="alarms", need=2),
        TableColumn(head="seal", left=True, need=1),
    )
    rows = [_row(card, one, edition) for card in shelf.cards for one in card.worst or (None,)]
    return table_of("Cards, the worst group of each metric", columns, rows)


def _row(card: ShelvedCard, one: ShelvedWorst | None, edition: Edition) -> list[TableCell | str]:
    seal = "changed" if not card.intact else "signed" if card.signed_by else "not signed"
    worst: list[TableCell | str] = ["–", "nothing measured", "–", "–"]
    if one is not None:
        write = numbers.share if one.is_share else numbers.rate
        between = numbers.shares if one.is_share else numbers.interval
        kind = KINDS[one.verdict]
        worst = [
            edition.column(one.metric),
            one.group,
            numbers.with_bounds(write(one.value), between(one.low, one.high)),
            TableCell(f"{MARKS[kind].sign} {one.verdict or 'reference'}", kind=kind),
        ]
    return [
        card.service,
        card.version,
        card.applies_to,
        *worst,
        f"{card.parts_told} of {card.parts}",
        numbers.count(card.alarms),
        TableCell(seal, kind="" if card.intact else "worse"),
    ]
