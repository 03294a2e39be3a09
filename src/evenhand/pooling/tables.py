"""The tables of pooled customers, for the terminal and the page."""

from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.nouns import unit_noun
from evenhand.pages.table import Table, TableColumn, table_of
from evenhand.pooling import words
from evenhand.pooling.result import Pooled


def groups_table(found: Pooled, shown: int, edition: Edition = PLAIN) -> Table:
    """Each group at each customer."""
    name = edition.column(found.metric.name)
    columns = (
        TableColumn(head="customer", left=True, fold=True),
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="shrunk"),
        TableColumn(head="usual", need=1),
        TableColumn(head=f"{name}, own rows"),
        TableColumn(head=f"{numbers.percent(found.level)} interval", need=1),
        TableColumn(head=unit_noun(found.unit) if found.unit else "rows", need=2),
    )
    usual = {one.predicate: one.value for one in found.usual}
    rows = [
        [
            one.customer,
            words.called(one, edition),
            numbers.rate(one.shrunk),
            numbers.rate(usual[one.predicate]),
            numbers.rate(one.estimate.value),
            numbers.interval(one.estimate.low, one.estimate.high),
            numbers.count(one.estimate.n_units),
        ]
        for one in found.groups[:shown]
    ]
    return table_of("Groups at customers", columns, rows)


def usual_table(found: Pooled, edition: Edition = PLAIN) -> Table:
    """Each group over all customers."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head=f"usual {edition.column(found.metric.name)}"),
        TableColumn(head="customers"),
    )
    rows = [
        [words.called(one, edition), numbers.rate(one.value), f"{one.customers:,}"]
        for one in found.usual
    ]
    return table_of(" × ".join(found.settings.by), columns, rows)
