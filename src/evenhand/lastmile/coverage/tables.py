"""The tables of coverage, for the terminal and the page."""

from collections.abc import Sequence

from evenhand.lastmile.coverage import words
from evenhand.lastmile.coverage.result import Coverage, CoveredCell
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.nouns import unit_noun
from evenhand.pages.numbers import count, rate, share
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def cells_table(found: Coverage, cells: Sequence[CoveredCell], edition: Edition = PLAIN) -> Table:
    """What there is of each cell, and what is missing."""
    noun = unit_noun(found.unit) if found.unit else "rows"
    # Rows that say something of a metric may be fewer than there are.
    apart = any(cell.units != cell.natural_rows for cell in found.cells)
    if not found.unit and apart:
        noun = "scored rows"
    columns = (
        TableColumn(head="cell", left=True, fold=True),
        TableColumn(head="state", left=True),
        TableColumn(head="share") if found.population else None,
        TableColumn(head=noun),
        TableColumn(head="missing"),
        TableColumn(head="shows", need=1),
        TableColumn(head=f"synthetic {noun}", need=2) if found.settings.synthetic else None,
        TableColumn(head="rows", need=3) if found.unit or apart else None,
        TableColumn(head=found.metric.name, need=4) if found.metric else None,
    )
    rows: list[list[TableCell | str]] = [
        [
            words.called(cell, edition),
            TableCell(words.state(cell), kind=words.KINDS[cell.state]),
            share(cell.share),
            count(cell.units),
            count(cell.missing),
            words.detectable(cell, found),
            count(cell.synthetic_units),
            count(cell.natural_rows),
            rate(cell.value),
        ]
        for cell in cells
    ]
    return table_of(" × ".join(found.settings.by), columns, rows)
