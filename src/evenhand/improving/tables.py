"""The table of a plan of rows to train on, for the terminal and the page."""

from evenhand.improving import words
from evenhand.improving.result import ImprovementPlan
from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def groups_table(found: ImprovementPlan, edition: Edition = PLAIN) -> Table:
    """What each group gains, and what to collect of it."""
    points = " (points)" if found.metric.in_points else ""
    priced = any(one.cost != 1 for one in found.groups)
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="collect"),
        TableColumn(head="cost") if priced else None,
        TableColumn(head="verdict", left=True, fold=True),
        TableColumn(head=f"gain by more rows{points}"),
        TableColumn(head="more rows", need=1),
        TableColumn(head=f"gain by this round{points}", need=2),
        TableColumn(head=edition.column(found.metric.name)),
        TableColumn(head="floor", need=1),
        TableColumn(head="training rows", need=1),
        TableColumn(head="tested", need=3),
    )
    rows: list[list[TableCell | str]] = [
        [
            words.called(one, edition),
            f"{one.collect:,}",
            f"{one.collect * one.cost:,.6g}",
            TableCell(words.verdict(one), kind=words.KINDS[one.verdict]),
            words.gained(one.gain, found),
            f"{one.gain_rows:,}" if one.gain else "–",
            words.gained(one.next_gain, found),
            numbers.rate(one.value),
            words.between(one.floor),
            f"{one.training_rows:,}",
            f"{one.test_rows:,}",
        ]
        for one in found.groups
    ]
    return table_of(" × ".join(found.settings.by), columns, rows)


def runs_table(found: ImprovementPlan, edition: Edition = PLAIN) -> Table:
    """What came of each training."""
    names = {one.predicate: words.called(one, edition) for one in found.groups}
    columns = (
        TableColumn(head="training", left=True),
        *(TableColumn(head=f"{names[one]}: rows, value") for one in found.order),
    )
    rows: list[list[TableCell | str]] = [
        [
            f"{number}",
            *(
                f"{count:,}, {numbers.rate(value)}"
                for count, value in zip(run.rows, run.values, strict=True)
            ),
        ]
        for number, run in enumerate(found.runs, 1)
    ]
    return table_of("Rows of each group, and what came of it", columns, rows)
