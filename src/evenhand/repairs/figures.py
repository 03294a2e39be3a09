"""The page of a trial of repairs: what it reaches, who gains, and who pays."""

from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.repairs import words
from evenhand.repairs.result import RepairTrial
from evenhand.repairs.tables import groups_table, price_table, tried_table
from evenhand.switching.result import Switches


def render_html(found: RepairTrial, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    errors = None if found.as_it_stands else found.errors
    return render_page(
        "evenhand.repairs:fix.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        normalizer=normalizer_told(found.metric.expression),
        answers=list(words.answers(found, edition)),
        caveats=before_numbers(words.caveats(found)),
        forest=None if found.as_it_stands else _forest(found, found.change, edition),
        table=groups_table(found, edition),
        error_forest=None if errors is None else _forest(found, errors, edition),
        errors=None if errors is None else price_table(errors, edition, found.untouched),
        sides=[
            price_table(each, edition, found.untouched)
            for each in ([] if found.as_it_stands else found.sides)
        ],
        tried=tried_table(found),
        notes=list(words.notes(found)),
    )


def draw_figure(found: RepairTrial, edition: Edition = PLAIN) -> str:
    """Who gains and who loses by the repair, as an SVG."""
    notes = (
        edition.note,
        f"How {edition.column(found.metric.name)} changes by the repair; right of zero is a loss.",
        edition.made(found.source.name),
    )
    drawn = Figure(
        heading=edition.crossed(found.settings.by), drawn=_forest(found, found.change, edition)
    )
    return draw_picture(edition.title or next(words.answers(found, edition)), [drawn], notes)


def _forest(found: RepairTrial, each: Switches, edition: Edition) -> Forest:
    lines, still = [], found.untouched
    for one in each.groups:
        if one.change is None:
            continue
        known = one.predicate not in still
        lines.append(
            Difference(
                name=words.called(one, edition),
                kind=words.kind_of_move(one, still),
                verdict=words.moved(one, still),
                value=words.changed(one, one.estimate.value, each, still),
                point=one.change.value,
                low=one.change.low if known else None,
                high=one.change.high if known else None,
            )
        )
    in_points = each.metric.in_points
    return draw_forest(lines, lambda tick: numbers.points(tick, in_points=in_points))
