"""The page of pooled customers: what is usual of each group, and each group at each customer."""

from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.heat import Heat, HeatCell, tint
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pooling import words
from evenhand.pooling.result import Pooled, PooledGroup
from evenhand.pooling.tables import groups_table, usual_table

#: The deepest tint is at least this part of the largest value that is usual away from it: hundredths of it are no harm.
LEAST_SCALE = 0.25
#: Customers and groups drawn, and lines of the table; all are in JSON and CSV.
CUSTOMERS, GROUPS, TABLED = 12, 40, 400


def render_html(found: Pooled, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    return render_page(
        "evenhand.pooling:pool.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        normalizer=normalizer_told(found.metric.expression),
        answers=list(words.answers(found, edition)),
        caveats=before_numbers(words.caveats(found)),
        heat=_heat(found, edition),
        usual=usual_table(found, edition),
        table=groups_table(found, TABLED, edition),
        notes=list(words.notes(found)),
    )


def draw_figure(found: Pooled, edition: Edition = PLAIN) -> str:
    """Shrunk values beside the intervals of own rows, as an SVG."""
    answers = list(words.answers(found, edition))
    notes = (
        edition.note,
        f"Shrunk {edition.column(found.metric.name)}, below it that of own rows; darker: both are worse than usual.",
        edition.made(", ".join(one.name for one in found.customers)),
    )
    drawn = Figure(heading=edition.crossed(found.settings.by), drawn=_heat(found, edition))
    return draw_picture(edition.title or answers[0], [drawn], notes)


def _heat(found: Pooled, edition: Edition) -> Heat:
    """Shrunk values, tinted by how much worse they are than is usual, where own rows are worse too."""
    customers = [one.name for one in found.customers[:CUSTOMERS]]
    at = {(one.customer, one.predicate): one for one in found.groups}
    sign = 1.0 if found.metric.higher_is_worse else -1.0
    usual = {one.predicate: one.value for one in found.usual}

    def beyond(one: PooledGroup | None) -> float:
        value = None if one is None else usual[one.predicate]
        if one is None or one.shrunk is None or value is None:
            return 0.0
        own = one.estimate.value
        # What others lend alone makes nobody worse.
        if own is None or sign * (own - value) <= 0:
            return 0.0
        return max(sign * (one.shrunk - value), 0.0)

    known = [abs(value) for value in usual.values() if value is not None]
    largest = max(
        [*(beyond(one) for one in found.groups), LEAST_SCALE * max(known, default=0.0)], default=0.0
    )
    rows = []
    for group in found.usual[:GROUPS]:
        cells = [HeatCell(text=numbers.rate(group.value), share=0.0)]
        for name in customers:
            one = at.get((name, group.predicate))
            if one is None:
                cells.append(HeatCell(text="–", share=0.0))
                continue
            own = f"own {numbers.rate(one.estimate.value)}"
            size = beyond(one)
            cells.append(
                HeatCell(
                    text=numbers.rate(one.shrunk),
                    share=tint(size, largest),
                    kind="harm" if size else "",
                    note=own,
                )
            )
        rows.append((words.called(group, edition), tuple(cells)))
    return Heat(
        label=f"Shrunk {edition.column(found.metric.name)} of each group at each customer",
        corner="group",
        columns=("usual", *customers),
        rows=tuple(rows),
        first=True,
    )
