"""The table of what people's labels say alone, and with a judge's beside them."""

from collections.abc import Sequence

from evenhand.audits import answer
from evenhand.audits.result import Audit, Group
from evenhand.pages import numbers
from evenhand.pages.edition import Edition
from evenhand.pages.sampled import effective
from evenhand.pages.table import Table, TableColumn, table_of


def table_help(audit: Audit, groups: Sequence[Group], title: str, edition: Edition) -> Table | None:
    """Each group's labels alone, with the judge, and the judge alone; nothing without one."""
    if audit.judge is None:
        return None
    write = numbers.share if answer.is_share(audit) else numbers.rate
    between = numbers.shares if answer.is_share(audit) else numbers.interval
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="labels"),
        TableColumn(head="labels alone (interval)"),
        TableColumn(head="with the judge (interval)"),
        TableColumn(head="worth labels alone"),
        TableColumn(head="judge alone"),
    )

    def told(value: float | None, low: float | None, high: float | None) -> str:
        return write(value) if low is None else f"{write(value)} ({between(low, high)})"

    rows = []
    for group in groups:
        one = audit.judge.of(group)
        if one is not None:
            estimate = group.estimate
            rows.append(
                [
                    edition.group(group.group, group.predicate),
                    numbers.count(one.labels),
                    told(one.alone, one.alone_low, one.alone_high),
                    told(estimate.value, estimate.low, estimate.high),
                    effective(one.effective_labels),
                    write(one.judge_alone),
                ]
            )
    return table_of(
        f"{audit.metric.title} by {title}: labels alone and with the judge", columns, rows
    )
