"""Several audits of one metric beside each other: a line for each rule of what is right, or part of the rows."""

from collections import Counter
from collections.abc import Sequence

from evenhand.audits.result import Audit
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.numbers import count, interval, listed, percent, rate
from evenhand.pages.table import Table, TableColumn, table_of


def side_by_side(audits: Sequence[Audit], edition: Edition = PLAIN) -> Table | None:
    """The whole of each audit, where several are of one metric; else nothing.

    Parameters
    ----------
    audits : sequence of Audit
        As `audit_metrics` gives them.
    edition : Edition
        Plain names of columns and values.
    """
    if max(Counter(audit.metric.name for audit in audits).values(), default=0) < 2:
        return None
    columns = (
        TableColumn(head="overall", left=True, fold=True),
        TableColumn(head="value"),
        TableColumn(head=percent(audits[0].level), left=True),
        TableColumn(head="rows"),
        TableColumn(head="worse for", left=True, fold=True),
    )
    rows = [
        [
            edition.column(audit.metric.title),
            rate(audit.overall.value),
            interval(audit.overall.low, audit.overall.high),
            count(audit.overall.n_rows),
            listed([edition.group(group.group, group.predicate) for group in audit.worse])
            or "no group that is shown",
        ]
        for audit in audits
    ]
    return table_of("Side by side", columns, rows)
