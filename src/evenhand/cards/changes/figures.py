"""The page of changes."""

from evenhand.cards.changes import words
from evenhand.cards.changes.result import CardChanges
from evenhand.cards.changes.tables import changes_table
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture

#: Groups drawn and tabled of each metric; all are in the JSON.
DRAWN, TABLED = 40, 2000


def render_html(found: CardChanges, *, edition: Edition = PLAIN) -> str:
    """The page; every text from outside is escaped."""
    return render_page(
        "evenhand.cards.changes:changes.html",
        found=found,
        edition=edition,
        heading=edition.title or words.title(found),
        heads=words.heads(found),
        answers=list(words.answers(found, edition)),
        caveats=before_numbers(found.notes),
        log=list(words.log(found)),
        method=words.method(found),
        metrics=[
            (
                edition.column(one.name),
                draw(found, one.name, edition),
                changes_table(found, one.name, TABLED, edition),
            )
            for one in found.metrics
        ],
    )


def draw_figure(found: CardChanges, edition: Edition = PLAIN) -> str:
    """The changes of all metrics as an SVG."""
    figures = [
        Figure(heading=edition.column(one.name), drawn=forest)
        for one in found.metrics
        if (forest := draw(found, one.name, edition)).rows
    ]
    notes = (edition.note, words.method(found))
    heading = edition.title or " ".join([words.title(found) + ".", *words.answers(found, edition)])
    return draw_picture(heading, figures, notes)


def draw(found: CardChanges, metric: str, edition: Edition = PLAIN) -> Forest:
    """Changes of a metric's groups, each with its interval."""
    in_points = found.metric(metric).in_points
    own = [one for one in found.groups if one.metric == metric and one.low is not None]
    own = [one for one in own if not words.too_wide(found.metric(metric), one)]
    return draw_forest(
        [
            Difference(
                name=words.named(found, one, edition),
                kind=words.KINDS[one.verdict],
                verdict=one.verdict or "",
                value=f"{numbers.points(one.change or 0.0, in_points=in_points)} "
                f"({numbers.span(one.low, one.high, in_points=in_points)})",
                point=one.change,
                low=one.low,
                high=one.high,
            )
            for one in own[:DRAWN]
        ],
        lambda tick: numbers.points(tick, in_points=in_points),
    )
