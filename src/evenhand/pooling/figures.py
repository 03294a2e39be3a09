"""The page of pooled customers: what is usual of each group, and each group at each customer."""

from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pooling import words
from evenhand.pooling.result import Pooled
from evenhand.pooling.tables import groups_table, usual_table

#: Lines drawn, and lines of the table; all are in JSON and CSV.
DRAWN, TABLED = 60, 400


def render_html(found: Pooled, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    return render_page(
        "evenhand.pooling:pool.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        normalizer=normalizer_told(found.metric.expression),
        answers=list(words.answers(found, edition)),
        caveats=before_numbers(found.notes),
        forest=_forest(found, edition),
        usual=usual_table(found, edition),
        table=groups_table(found, TABLED, edition),
        notes=list(words.notes(found)),
    )


def draw_figure(found: Pooled, edition: Edition = PLAIN) -> str:
    """Shrunk values beside the intervals of own rows, as an SVG."""
    answers = list(words.answers(found, edition))
    notes = (
        edition.note,
        f"Points: shrunk {edition.column(found.metric.name)}; lines: intervals of own rows.",
        edition.made(", ".join(one.name for one in found.customers)),
    )
    drawn = Figure(heading=edition.crossed(found.settings.by), drawn=_forest(found, edition))
    return draw_picture(edition.title or answers[0], [drawn], notes)


def _forest(found: Pooled, edition: Edition) -> Forest:
    lines = [
        Difference(
            name=f"{one.customer}: {words.called(one, edition)}",
            kind="none",
            verdict=f"own rows {numbers.rate(one.estimate.value)}",
            value=numbers.rate(one.shrunk),
            point=one.shrunk,
            low=one.estimate.low,
            high=one.estimate.high,
        )
        for one in found.groups[:DRAWN]
        if one.shrunk is not None
    ]
    return draw_forest(lines, numbers.rate)
