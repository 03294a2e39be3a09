"""A bounty as one self-contained HTML file: errors by group, the list, who speaks of what, the ledger."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evenhand.bounty.telling import words
from evenhand.bounty.telling.history import Chapter
from evenhand.bounty.telling.mentions import Mentions
from evenhand.bounty.telling.report import ListEntry, Report

if TYPE_CHECKING:
    import jinja2

#: Groups drawn and tabled, versions tabled, nodes drawn, teams and features of the heat map.
DRAWN, TABLED, COLUMNS, NODES, TEAMS, FEATURES = 24, 200, 40, 100, 60, 40
#: Height of a node of the list and width of the gutter of its pointers, in pixels.
PITCH, GUTTER = 68, 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A group in one chapter, as paths in a square of 100 by 100.

    `before` is dashed: versions in which the group was not yet introduced.
    """

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The error of one group over all versions; `mark` is where it was introduced."""

    title: str
    team: str
    lines: tuple[Line, ...]
    mark: tuple[float, float] | None
    spans: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Small pictures on one scale, and the numbers behind them."""

    panels: tuple[Panel, ...]
    breaks: tuple[float, ...]
    top: float
    columns: tuple[tuple[int, int], ...]
    skipped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """A repair's arrow in the gutter of the drawn list."""

    path: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """The heat map: features across, teams down, the darker the more."""

    features: tuple[str, ...]
    rows: tuple[tuple[Mentions, tuple[float, ...]], ...]
    teams: int
    hidden: int


def render_html(report: Report) -> str:
    """The report; every text from outside is escaped."""
    entries = tuple(reversed(report.entries))[:NODES]
    return _template().render(
        report=report,
        told=report.standing,
        account=report.standing.ledger,
        chart=_chart(report),
        entries=entries,
        pointers=_pointers(entries),
        pitch=PITCH,
        gutter=GUTTER,
        heat=_heat(report),
        tabled=TABLED,
        words=words,
    )


@cache
def _template() -> "jinja2.Template":
    import jinja2  # noqa: PLC0415 - only reports need it, and it is slow to load

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("bounty.html")


def _source(name: str) -> str:
    return (files("evenhand.bounty.telling") / "templates" / name).read_text(encoding="utf-8")


def _chart(report: Report) -> Chart | None:
    """`None` where nothing was ever accepted."""
    if not report.groups:
        return None
    top = _top(report.chapters)
    steps = sum(len(chapter.versions) for chapter in report.chapters)
    panels = [_panel(report, None, top, steps)]
    panels += [_panel(report, number, top, steps) for number in range(len(report.groups))][:DRAWN]
    ends = [0.0]
    for chapter in report.chapters:
        ends.append(ends[-1] + len(chapter.versions) * 100 / steps)
    columns = [
        (c, v) for c, chapter in enumerate(report.chapters) for v in range(len(chapter.versions))
    ]
    few = [
        (c, v)
        for c, chapter in enumerate(report.chapters)
        for v in sorted({0, len(chapter.versions) - 1})
    ]
    return Chart(
        panels=tuple(panels),
        breaks=tuple(round(end, 2) for end in ends[1:-1]),
        top=top,
        columns=tuple(columns if len(columns) <= COLUMNS else few[-COLUMNS:]),
        skipped=len(columns) > COLUMNS,
    )


def _top(chapters: Sequence[Chapter]) -> float:
    """Upper end of the axis: a round number above all."""
    values = [v for c in chapters for line in (*c.groups, c.overall) for v in line if v is not None]
    most = max(values, default=1.0) or 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(
        mark * power for mark in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if mark * power >= most * 0.999
    )


def _panel(report: Report, group: int | None, top: float, steps: int) -> Panel:
    lines, spans, mark, offset = [], [], None, 0
    introduced = 0 if group is None else report.groups[group][2]
    for chapter in report.chapters:
        values = chapter.overall if group is None else chapter.groups[group]
        # Before the first version that holds the update there was no such group.
        first = sum(version < introduced for version in chapter.versions)
        places = [100 * (offset + i) / steps for i in range(len(values) + 1)]
        falls = [None if v is None else 100 - 100 * v / top for v in values]
        lines.append(
            Line(
                before=_steps(places[: first + 1], falls[:first]),
                after=_steps(places[first:], falls[first:]),
            )
        )
        if group is not None and 0 < first < len(values) and mark is None:
            fall = falls[first]
            mark = None if fall is None else (round(places[first], 2), round(fall, 2))
        ends = values[max(first - 1, 0) :] if group is not None else values
        if ends and ends[0] is not None and first <= len(values) - 1:
            spans.append(f"{words.number(ends[0])} → {words.number(ends[-1])} on {chapter.name}")
        offset += len(values)
    return Panel(
        title="all rows" if group is None else report.groups[group][0],
        team="" if group is None else report.groups[group][1],
        lines=tuple(lines),
        mark=mark,
        spans=tuple(spans),
    )


def _steps(places: Sequence[float], falls: Sequence[float | None]) -> str:
    """A path that goes on at its height and then steps; empty where there is nothing to draw."""
    known = [fall for fall in falls if fall is not None]
    if len(known) < len(falls) or not known:
        return ""
    parts = [f"M{places[0]:.2f} {known[0]:.2f}"]
    for place, fall in zip(places[1:], known, strict=True):
        parts.append(f"V{fall:.2f}H{place:.2f}")
    return "".join(parts)


def _pointers(entries: Sequence[ListEntry]) -> tuple[Pointer, ...]:
    """An arrow from each drawn repair down to the version it points to."""
    rows = {entry.version: row for row, entry in enumerate(entries)}
    bottom = len(entries)
    out = []
    for row, entry in enumerate(entries):
        if entry.points_to is None or not entry.active:
            continue
        # The base model is the last line; a version that is not drawn lies beyond it.
        target = rows.get(entry.points_to, bottom)
        start, end = PITCH * (row + 0.5), PITCH * (target + 0.5)
        bend = max(GUTTER - 14 - 5 * (target - row), 4)
        edge = GUTTER - 4
        out.append(
            Pointer(
                path=f"M{edge} {start:g}C{bend} {start:g} {bend} {end:g} {edge} {end:g}",
                head=f"M{edge - 7} {end - 5:g} {edge} {end:g} {edge - 7} {end + 5:g}",
            )
        )
    return tuple(out)


def _heat(report: Report) -> Heat | None:
    rows = report.mentions
    if not rows or not any(row.groups for row in rows):
        return None
    shown = (*rows[:-1][:TEAMS], rows[-1])
    order = list(range(len(report.features)))
    if len(order) > FEATURES:
        often = [sum(row.shares[column] * row.groups for row in rows[:-1]) for column in order]
        order = sorted(sorted(order, key=lambda column: -often[column])[:FEATURES])
    return Heat(
        features=tuple(report.features[column] for column in order),
        rows=tuple((row, tuple(row.shares[column] for column in order)) for row in shown),
        teams=len(rows) - 1,
        hidden=len(report.features) - len(order),
    )
