"""The page of a plan of rows to train on: learning curves, and what to collect."""

from collections.abc import Sequence

from evenhand.improving import words
from evenhand.improving.result import GroupOutlook, ImprovementPlan
from evenhand.improving.tables import groups_table, runs_table
from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.curves import Curve, CurvePoint, Panel, draw_curves
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture

#: Curves drawn; all are in the JSON.
PANELS = 12


def render_html(found: ImprovementPlan, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    return render_page(
        "evenhand.improving:improve.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        normalizer=normalizer_told(found.metric.expression),
        answers=list(words.answers(found, edition)),
        unplanned=list(words.unplanned(found, edition)),
        caveats=before_numbers(found.notes),
        panels=_panels(found, edition),
        table=groups_table(found, edition),
        runs=runs_table(found, edition),
        notes=list(words.notes(found)),
    )


def draw_figure(found: ImprovementPlan, edition: Edition = PLAIN) -> str:
    """What the budget takes away if it is spent on each group alone, as an SVG."""
    answers = list(words.answers(found, edition))
    notes = (
        edition.note,
        f"How far {edition.column(found.metric.name)} gets better with more rows of the group alone.",
        edition.made(found.testing.name),
    )
    drawn = Figure(heading=edition.crossed(found.settings.by), drawn=_forest(found, edition))
    return draw_picture(edition.title or answers[0], [drawn], notes)


def _forest(found: ImprovementPlan, edition: Edition) -> Forest:
    lines = [
        Difference(
            name=words.called(one, edition),
            kind=words.KINDS[one.verdict],
            verdict=words.VERDICTS[one.verdict],
            value=words.gained(one.gain, found),
            point=one.gain.middle,
            low=one.gain.low,
            high=one.gain.high,
        )
        for one in found.groups
        if one.gain is not None
    ]
    return draw_forest(lines, numbers.rate)


def _panels(found: ImprovementPlan, edition: Edition) -> tuple[Panel, ...]:
    """A learning curve of each group; on one axis, so that they can be compared."""
    curves = [_curve(one, found, edition) for one in found.groups if one.curve]
    return _drawn(curves[:PANELS])


def _drawn(curves: Sequence[Curve]) -> tuple[Panel, ...]:
    return draw_curves(curves, []) if curves else ()


def _curve(group: GroupOutlook, found: ImprovementPlan, edition: Edition) -> Curve:
    name = words.called(group, edition)
    first, last = group.curve[0], group.curve[-1]
    told = (
        f"{name}: {found.metric.name} against rows for training, {numbers.rate(first.value.middle)} with "
        f"{first.rows:,.0f} and {numbers.rate(last.value.middle)} with {last.rows:,.0f}"
    )
    readings = tuple(
        CurvePoint(
            at=one.rows / group.training_rows,
            value=one.value.middle,
            low=min(one.value.low, one.value.high),
            high=max(one.value.low, one.value.high),
        )
        for one in group.curve
    )
    now = CurvePoint(at=None, value=group.value, low=None, high=None)
    return Curve(label=name, told=told, readings=(*readings, now))
