"""The shelf as a table, for the terminal and the page."""

from evenhand.audits.words import KINDS
from evenhand.cards.shelf.result import Shelf, ShelvedCard, ShelvedWorst
from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import plural
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def answer(shelf: Shelf) -> str:
    """How many cards of how many services, and whether one is not what it claims."""
    services = len({one.service for one in shelf.cards})
    broken = [one.file for one in shelf.cards if not one.intact]
    told = f"{plural(len(shelf.cards), 'card')} of {plural(services, 'service')}."
    if broken:
        told += f"  Changed after they were made: {numbers.listed(broken)}."
    if shelf.unreadable:
        told += f"  Not shown, as they cannot be read: {plural(len(shelf.unreadable), 'file')}."
    return told


def unreadable(shelf: Shelf) -> list[str]:
    """Files of which nothing is shown, with the reason."""
    return [
        one.reason if one.file in one.reason else f"{one.file}: {one.reason}"
        for one in shelf.unreadable
    ]


def worst_table(shelf: Shelf, edition: Edition = PLAIN) -> Table:
    """A line a card and metric."""
    columns = (
        TableColumn(head="service", left=True, fold=True),
        TableColumn(head="metric", left=True, fold=True),
        TableColumn(head="worst group", left=True, fold=True),
        TableColumn(head="value (interval)"),
        TableColumn(head="everybody"),
        TableColumn(head="units"),
        TableColumn(head="verdict", left=True),
    )
    rows = [
        [_called(card), *_worst(one, edition)]
        for card in shelf.cards
        for one in card.worst or (None,)
    ]
    return table_of("The worst group of each card and metric", columns, rows)


def _called(card: ShelvedCard) -> str:
    return f"{card.service} {card.version}"


def _worst(one: ShelvedWorst | None, edition: Edition) -> list[TableCell | str]:
    if one is None:
        return ["–", "nothing measured", "–", "–", "–", "–"]
    write = numbers.share if one.is_share else numbers.rate
    between = numbers.shares if one.is_share else numbers.interval
    kind = KINDS[one.verdict]
    return [
        edition.column(one.metric),
        one.group,
        numbers.with_bounds(write(one.value), between(one.low, one.high)),
        write(one.overall),
        "–" if one.n_units is None else count_units(one.n_units, one.unit or "row"),
        TableCell(f"{MARKS[kind].sign} {one.verdict or 'reference'}", kind=kind),
    ]


def cards_table(shelf: Shelf) -> Table:
    """A line a card: what is open, how much of it is told, and whose it is."""
    columns = (
        TableColumn(head="service", left=True, fold=True),
        TableColumn(head="from", left=True),
        TableColumn(head="alarms"),
        TableColumn(head="rules broken"),
        TableColumn(head="parts told"),
        TableColumn(head="seal", left=True),
    )
    rows: list[list[TableCell | str]] = []
    for card in shelf.cards:
        seal = "changed" if not card.intact else "signed" if card.signed_by else "not signed"
        rows.append(
            [
                _called(card),
                card.applies_to,
                _alarming(card.alarms),
                _alarming(card.broken_rules, card.open_rules),
                f"{card.parts_told} of {card.parts}",
                TableCell(seal, kind="" if card.intact else "worse"),
            ]
        )
    return table_of("The cards", columns, rows)


def _alarming(number: int | None, undecided: int | None = None) -> TableCell:
    """How many, where anybody asked: ``–``, ``0``, ``0, 1 open``."""
    more = f", {numbers.count(undecided)} open" if undecided else ""
    kind = "worse" if number else "unsure" if undecided else ""
    return TableCell(numbers.count(number) + more, kind=kind)
