"""The tables of a plan, for the terminal and the page."""

from evenhand.lastmile import words
from evenhand.lastmile.result import LabelPlan
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.nouns import unit_noun
from evenhand.pages.table import Table, TableColumn, table_of


def cells_table(found: LabelPlan, shown: int, edition: Edition = PLAIN) -> Table:
    """What to collect of each cell."""
    priced = any(cell.cost != 1 for cell in found.cells)
    columns = (
        TableColumn(head="cell", left=True, fold=True),
        TableColumn(head="labels"),
        TableColumn(head=unit_noun(found.unit)) if found.unit else None,
        TableColumn(head="cost") if priced else None,
        TableColumn(head="half-width"),
        TableColumn(head="expected", need=1),
        TableColumn(head="pilot rows", need=3),
        TableColumn(head=f"pilot {found.metric.name}", need=2),
    )
    rows = [
        [
            edition.group(cell.group, cell.predicate),
            f"{cell.labels:,}",
            f"{cell.units:,}",
            f"{cell.labels * cell.cost:,.6g}",
            words.bare(cell.half_width, found),
            words.bare(cell.expected_half_width, found),
            f"{cell.pilot_rows:,}",
            words.value(cell),
        ]
        for cell in found.cells[:shown]
    ]
    return table_of(" × ".join(found.settings.by), columns, rows)


def rules_table(found: LabelPlan) -> Table:
    """What the same money gives by each rule."""
    columns = (
        TableColumn(head="rule", left=True),
        TableColumn(head="difference known least"),
        TableColumn(head="cell known least"),
        TableColumn(head="all together", need=1),
        TableColumn(head="for", left=True, fold=True, need=2),
    )
    rows = [
        [
            one.rule,
            words.bare(one.worst_pair, found),
            words.bare(one.widest, found),
            words.bare(one.overall, found),
            words.RULES[one.rule],
        ]
        for one in found.rules
    ]
    return table_of("The same money by each rule", columns, rows)
