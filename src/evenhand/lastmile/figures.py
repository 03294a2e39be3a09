"""The page of a plan: how many labels of each cell, and what they will tell."""

from evenhand.lastmile import words
from evenhand.lastmile.result import LabelPlan
from evenhand.lastmile.tables import cells_table, rules_table
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture

#: Lines drawn, and lines of the table; all are in JSON and CSV.
DRAWN, TABLED = 40, 200


def render_html(found: LabelPlan, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    return render_page(
        "evenhand.lastmile:plan.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        answers=list(words.answers(found, edition)),
        unknown=list(words.unknown(found, edition)),
        caveats=before_numbers(found.notes),
        forest=_forest(found, edition),
        table=cells_table(found, TABLED, edition),
        rules=rules_table(found) if found.rules else None,
        notes=list(words.notes(found)),
    )


def draw_figure(found: LabelPlan, edition: Edition = PLAIN) -> str:
    """Intervals that the labels will give, as an SVG."""
    answers = list(words.answers(found, edition))
    name = edition.column(found.metric.name)
    notes = (
        edition.note,
        f"{name} of the pilot, with the interval that the labels will give at most.",
        edition.made(found.source.name),
    )
    drawn = Figure(heading=edition.crossed(found.settings.by), drawn=_forest(found, edition))
    return draw_picture(edition.title or answers[0], [drawn], notes)


def _forest(found: LabelPlan, edition: Edition) -> Forest:
    lines = [
        Difference(
            name=edition.group(cell.group, cell.predicate),
            kind="none" if cell.half_width is None else "fine",
            verdict=numbers.plural(cell.labels, "label"),
            value=words.bare(cell.half_width, found),
            point=cell.value,
            low=None
            if cell.half_width is None or cell.value is None
            else cell.value - cell.half_width,
            high=None
            if cell.half_width is None or cell.value is None
            else cell.value + cell.half_width,
        )
        for cell in found.cells[:DRAWN]
        if cell.value is not None
    ]
    return draw_forest(lines, numbers.rate)
