"""A look as lines of the terminal."""

from collections.abc import Iterator

from evenhand.overviews.result import Overview
from evenhand.pages.numbers import percent, plural
from evenhand.pages.table import Table, TableColumn, table_of


def columns_of(found: Overview) -> Table:
    """The columns, one a line."""
    heads = (
        TableColumn(head="column", left=True),
        TableColumn(head="kind", left=True, fold=True),
        TableColumn(head="missing"),
        TableColumn(head="different"),
        TableColumn(head="examples", left=True, fold=True, need=1),
        TableColumn(head="looks like", left=True, fold=True),
    )
    rows = [
        [
            column.name,
            column.kind,
            f"{column.missing:,}" if column.missing else "",
            f"{column.different:,}",
            ", ".join(column.examples),
            column.role,
        ]
        for column in found.columns
    ]
    return table_of("columns", heads, rows)


def lines_of(found: Overview) -> Iterator[str]:
    """What is said after the columns."""
    for share in found.missing:
        yield (
            f"! {share.column} is missing in {_share(share.share)} of the rows of {share.by} = {share.most}, and in "
            f"{_share(share.least_share)} of {share.least}: who is left out is not the same everywhere."
        )
    for one in found.spellings:
        values = ", ".join(f"{v!r} ({n:,})" for v, n in zip(one.values, one.rows, strict=True))
        yield f"! {one.column}: are these one? {values}"
    for unit in dict.fromkeys(crossing.unit for crossing in found.crossings):
        own = [crossing for crossing in found.crossings if crossing.unit == unit]
        told = "; ".join(
            f"{one.units:,} of {one.of:,} in several groups of {one.by}" for one in own
        )
        yield f"{unit}: {told}.  There groups are compared in pairs."
    for note in found.notes:
        yield f"! {note.text}"


def head_of(found: Overview) -> str:
    """What it is, in one sentence."""
    part = (
        "" if found.looked_at == found.rows else f"; the first {found.looked_at:,} were looked at"
    )
    return (
        f"{found.table}: {plural(found.rows, 'row')}, {plural(len(found.columns), 'column')}{part}"
    )


def _share(value: float) -> str:
    return percent(round(value, 3)) if value else "none"
