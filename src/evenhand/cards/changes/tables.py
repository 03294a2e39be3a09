"""The table of changes, for the terminal and the page."""

from evenhand.cards.changes import words
from evenhand.cards.changes.result import CardChanges, GroupChange
from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def changes_table(found: CardChanges, metric: str, shown: int, edition: Edition = PLAIN) -> Table:
    """Each group under one metric."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="verdict", left=True, fold=True),
        *(TableColumn(head=head) for head in words.heads(found)),
        TableColumn(head="change (interval)"),
        TableColumn(head="adjusted p", need=1),
    )
    own = [one for one in found.groups if one.metric == metric][:shown]
    rows = [_row(found, one, edition) for one in own]
    return table_of(f"{edition.column(metric)} before and after", columns, rows)


def _row(found: CardChanges, one: GroupChange, edition: Edition) -> list[TableCell | str]:
    metric = found.metric(one.metric)
    change = "–"
    if one.change is not None:
        change = numbers.points(one.change, in_points=metric.in_points)
    span = numbers.span(one.low, one.high, in_points=metric.in_points)
    return [
        words.named(found, one, edition),
        TableCell(words.verdict(one), kind=words.KINDS[one.verdict]),
        words.beside(metric, one.before.value, one.card_before),
        words.beside(metric, one.after.value, one.card_after),
        f"{change} (too few)"
        if words.too_wide(metric, one)
        else f"{change} ({span})"
        if span
        else change,
        numbers.p_value(one.p_adjusted),
    ]
