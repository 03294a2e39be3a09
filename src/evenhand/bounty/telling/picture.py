"""A bounty as a figure of its own: the error of each introduced group, version by version."""

from collections.abc import Iterator

from evenhand.bounty.telling.figures import DRAWN, answer, draw_attention, written_loss
from evenhand.bounty.telling.history import Chapter
from evenhand.bounty.telling.report import Report
from evenhand.pages.curves import Curve, CurvePoint, Panel, draw_curves
from evenhand.pages.picture import Figure, draw_picture

#: What stands below the curves.
ACROSS = "version of the list"


def draw_figure(report: Report) -> str:
    """What each epoch did to the groups, and who looks at what, as an SVG."""
    figures = list(_chapters(report))
    if attention := draw_attention(report):
        heading = (
            "Who looks at what: share of each team's groups that mention a feature, in percent"
        )
        figures.append(Figure(heading=heading, drawn=attention.heat))
    notes = (
        f"Mean loss ({report.standing.loss}) of each introduced group on the block of its epoch; dashed are all rows.",
        f"The log has {report.events:,} events; the latest hash is {report.head}.",
    )
    return draw_picture(f"Bounty {report.name}. {answer(report)}", figures, notes)


def _chapters(report: Report) -> Iterator[Figure]:
    for chapter in report.chapters:
        if panels := _panels(report, chapter):
            heading = f"Error of each group on {chapter.name}, {chapter.rows:,} rows"
            yield Figure(heading=heading, drawn=panels, across=ACROSS)


def _panels(report: Report, chapter: Chapter) -> tuple[Panel, ...]:
    curves = [
        Curve(label=group, told=group, readings=_readings(chapter, losses))
        for (group, _, _), losses in zip(report.groups, chapter.groups, strict=True)
        if any(loss is not None for loss in losses)
    ]
    everybody = _readings(chapter, chapter.overall)
    return draw_curves(curves[:DRAWN], everybody, lambda loss: written_loss(report, loss))


def _readings(
    chapter: Chapter, losses: tuple[float | None, ...] | tuple[float, ...]
) -> tuple[CurvePoint, ...]:
    return tuple(
        CurvePoint(at=float(version), value=loss, low=None, high=None)
        for version, loss in zip(chapter.versions, losses, strict=True)
    )
