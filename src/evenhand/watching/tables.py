"""The tables of a watch, for the terminal and the page."""

from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.numbers import points, rate
from evenhand.pages.table import Table, TableColumn, table_of
from evenhand.watching import words
from evenhand.watching.result import Watch, WatchAlarm

_STATES = {"alarm": "alarm", "quiet": "quiet", "too_few": "too few"}


def groups_table(found: Watch, shown: int, edition: Edition = PLAIN) -> Table:
    """Each group as it is now."""
    limited = found.settings.threshold is not None
    again = found.settled_before
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="state", left=True),
        TableColumn(head=f"{found.metric.title} since" if again else found.metric.title),
        TableColumn(head="rows since" if again else "rows"),
        TableColumn(head="all rows", need=2) if again else None,
        TableColumn(head="past at most", need=1),
        TableColumn(head="evidence above", need=2) if limited else None,
        TableColumn(head="evidence of change", need=3),
    )
    rows = [
        [
            words.called(one.group, found, edition),
            _STATES[one.state],
            rate(one.value_since),
            f"{one.rows_since:,}",
            f"{one.n_rows:,}",
            rate(one.past_limit),
            words.evidence(one.log10_evidence),
            words.evidence(one.log10_change),
        ]
        for one in found.groups[:shown]
    ]
    return table_of("Groups", columns, rows)


def settled_table(found: Watch, edition: Edition = PLAIN) -> Table | None:
    """Alarms that were closed, and how it has been since; `None` where there are none."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="what was done", left=True, fold=True),
        TableColumn(head="closed after", left=True),
        TableColumn(head="then"),
        TableColumn(head="since"),
        TableColumn(head="rows since"),
        TableColumn(head="alarm", left=True, need=1),
    )
    rows = [
        [
            words.called(one.group, found, edition),
            one.note,
            words.moment(one.settled, last=True),
            rate(one.rate),
            rate(one.rate_since),
            f"{one.rows_since:,}",
            one.kind,
        ]
        for one in found.settled
    ]
    return table_of("Settled alarms", columns, rows) if rows else None


def parts_table(alarm: WatchAlarm, found: Watch, edition: Edition = PLAIN) -> Table | None:
    """Cells of a group before and since, or of the others and its own; `None` where nothing is known of them."""
    one = alarm.diagnosis
    if one is None:
        return None
    then, now = words.SIDES[one.against]
    columns = (
        TableColumn(head=edition.column(one.by), left=True, fold=True),
        TableColumn(head=then),
        TableColumn(head=now),
        TableColumn(head=f"share {then}", need=1),
        TableColumn(head=f"share {now}", need=1),
        TableColumn(head="adds"),
    )
    rows = [
        [
            words.called(part.group, found, edition, headed=True),
            rate(part.before),
            rate(part.since),
            rate(part.share_before),
            rate(part.share_since),
            points(part.effect, in_points=found.metric.in_points),
        ]
        for part in one.parts
    ]
    who = words.called(alarm.group, found, edition)
    label = f"What it comes from, by {edition.column(one.by)}: {who}, {alarm.kind}"
    return table_of(label, columns, rows)
