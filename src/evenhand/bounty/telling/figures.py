"""A bounty as one self-contained HTML file: errors by group, the list, who speaks of what, the ledger."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.bounty.telling import words
from evenhand.bounty.telling.history import Chapter
from evenhand.bounty.telling.mentions import Mentions
from evenhand.bounty.telling.report import ListEntry, Report
from evenhand.pages.axis import known
from evenhand.pages.heat import Heat, HeatCell, tint
from evenhand.pages.numbers import count, plural, significant
from evenhand.pages.page import render_page
from evenhand.pages.table import Table, TableCell, TableColumn, table_of

#: Groups drawn and tabled, versions tabled, nodes drawn, teams and features of the heat map.
DRAWN, TABLED, COLUMNS, NODES, TEAMS, FEATURES = 24, 200, 40, 100, 60, 40
#: Height of a node of the list and width of the gutter of its pointers, in pixels.
PITCH, GUTTER = 68, 56


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterLine:
    """A group in one chapter, as paths in a square of 100 by 100.

    `before` is dashed: versions in which the group was not yet introduced.
    """

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPanel:
    """The error of one group over all versions; `mark` is where it was introduced."""

    title: str
    team: str
    lines: tuple[ChapterLine, ...]
    mark: tuple[float, float] | None
    spans: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Small pictures on one scale, and the numbers behind them."""

    panels: tuple[GroupPanel, ...]
    breaks: tuple[float, ...]
    top: float
    columns: tuple[tuple[int, int], ...]
    skipped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """A repair's arrow in the gutter of the drawn list."""

    path: str
    head: str


def render_html(report: Report) -> str:
    """The report; every text from outside is escaped."""
    entries = tuple(reversed(report.entries))[:NODES]
    chart = _chart(report)
    return render_page(
        "evenhand.bounty.telling:bounty.html",
        report=report,
        told=report.standing,
        account=report.standing.ledger,
        answer=answer(report),
        chart=chart,
        behind=None if chart is None else _behind(report, chart),
        epochs=_epochs(report),
        entries=entries,
        pointers=_pointers(entries),
        pitch=PITCH,
        gutter=GUTTER,
        heat=draw_attention(report),
        teams=_teams(report),
        rewards=_rewards(report),
        findings=_findings(report),
        words=words,
        loss=lambda value: written_loss(report, value),
    )


def answer(report: Report) -> str:
    """What has become better, and whether anyone pays for it."""
    if not report.chapters or not report.groups:
        return "Nothing has been accepted yet: the base model answers for all."
    last = report.chapters[-1]
    start, end = last.overall[0], last.overall[-1]
    losses = [
        _worse(line[sum(version < introduced for version in last.versions) :])
        for line, (_, _, introduced) in zip(last.groups, report.groups, strict=True)
    ]
    worse = sum(losses)
    groups = "no introduced group is worse" if not worse else f"{plural(worse, 'group')} worse"
    change = f"{written_loss(report, start)} → {written_loss(report, end)}"
    return f"Error {change} over all rows of {last.name}; {groups}."


def _worse(losses: Sequence[float | None]) -> bool:
    """Whether the last of the losses is above the first."""
    values = known(losses)
    return len(values) > 1 and values[-1] > values[0] + 1e-12


def written_loss(report: Report, value: float | None) -> str:
    """A mean loss: in per cent where a row is right or wrong."""
    return words.rate(value, report.standing.loss)


def _behind(report: Report, chart: Chart) -> Heat:
    """The numbers behind the pictures; heads are short, since each number repeats its own."""
    many = len({c for c, _ in chart.columns}) > 1
    heads = [
        f"{report.chapters[c].name}, v{report.chapters[c].versions[v]}" if many
        else f"v{report.chapters[c].versions[v]}"
        for c, v in chart.columns
    ]  # fmt: skip
    whole: list[Sequence[float | None]] = [chapter.overall for chapter in report.chapters]
    lines = [("all rows", whole)]
    lines += [
        (group, [chapter.groups[row] for chapter in report.chapters])
        for row, (group, _, _) in enumerate(report.groups[:TABLED])
    ]
    return Heat(
        label="Mean loss of each group at each version, on the block of the epoch",
        corner="group",
        columns=tuple(heads),
        rows=tuple(
            (
                name,
                tuple(
                    HeatCell(text=written_loss(report, told[c][v]), share=0.0)
                    for c, v in chart.columns
                ),
            )
            for name, told in lines
        ),
    )


def _epochs(report: Report) -> Table:
    columns = (
        TableColumn(head="opened block", left=True, fold=True),
        TableColumn(head="rows"),
        TableColumn(head="tested"),
        TableColumn(head="accepted"),
        TableColumn(head="groups back"),
        TableColumn(head="gain a row"),
        TableColumn(head="at least"),
    )
    rows = [
        [
            f"sealed block {one.epoch + 1}",
            *map(count, (one.rows, one.tested, one.accepted, one.repairs)),
            significant(one.improvement),
            significant(one.lower_bound),
        ]
        for one in report.standing.epochs
    ]
    return table_of("What each opened block was asked", columns, rows)


def _teams(report: Report) -> Table:
    columns = (
        TableColumn(head="team", left=True, fold=True),
        TableColumn(head="tested"),
        TableColumn(head="accepted"),
        TableColumn(head="proven gain a row, at least"),
        TableColumn(head="findings proven"),
    )
    rows = [
        [
            row.team,
            count(row.submitted),
            count(row.accepted),
            significant(row.lower_bound),
            count(row.findings),
        ]
        for row in report.standing.leaderboard
    ]
    return table_of("Teams by what they have proven", columns, rows)


def _rewards(report: Report) -> Table:
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="team", left=True, fold=True),
        TableColumn(head="reward"),
        TableColumn(head="state"),
        TableColumn(head="lower bound"),
        TableColumn(head="severity"),
        TableColumn(head="credit a row ± draws"),
        TableColumn(head="weight"),
        TableColumn(head="error before → after"),
    )
    rows = [
        [
            TableCell(one.group, note=f"version {one.version}"),
            one.team,
            significant(one.points),
            "final" if one.final else "provisional",
            significant(one.lower_bound),
            significant(one.severity),
            f"{significant(one.share)} ± {significant(one.share_error, 2)}",
            words.percent(one.group_weight),
            f"{written_loss(report, one.error_before)} → {written_loss(report, one.error_after)}",
        ]
        for one in report.standing.accepted[:TABLED]
    ]
    return table_of("Each accepted update with its reward", columns, rows)


def _findings(report: Report) -> Table:
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="team", left=True, fold=True),
        TableColumn(head="error"),
        TableColumn(head="of all others"),
        TableColumn(head="more by at least"),
        TableColumn(head="now"),
        TableColumn(head="of all others now"),
        TableColumn(head="state", left=True),
        TableColumn(head="reward"),
    )
    rows = [
        [
            TableCell(one.group, note=f"{words.percent(one.group_weight)} of the rows"),
            one.team,
            *(written_loss(report, value) for value in (one.error, one.others, one.lower_bound)),
            *(written_loss(report, value) for value in (one.error_now, one.others_now)),
            "open" if one.open else "no longer so",
            significant(one.points),
        ]
        for one in report.standing.findings[:TABLED]
    ]
    return table_of("Groups that were proven to be failed", columns, rows)


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


def _panel(report: Report, group: int | None, top: float, steps: int) -> GroupPanel:
    lines, spans, mark, offset = [], [], None, 0
    introduced = 0 if group is None else report.groups[group][2]
    for chapter in report.chapters:
        values = chapter.overall if group is None else chapter.groups[group]
        # Before the first version that holds the update there was no such group.
        first = sum(version < introduced for version in chapter.versions)
        places = [100 * (offset + i) / steps for i in range(len(values) + 1)]
        falls = [None if v is None else 100 - 100 * v / top for v in values]
        lines.append(
            ChapterLine(
                before=_steps(places[: first + 1], falls[:first]),
                after=_steps(places[first:], falls[first:]),
            )
        )
        if group is not None and 0 < first < len(values) and mark is None:
            fall = falls[first]
            mark = None if fall is None else (round(places[first], 2), round(fall, 2))
        ends = values[max(first - 1, 0) :] if group is not None else values
        if ends and ends[0] is not None and first <= len(values) - 1:
            spans.append(
                f"{written_loss(report, ends[0])} → {written_loss(report, ends[-1])} on {chapter.name}"
            )
        offset += len(values)
    return GroupPanel(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Which team speaks of which feature; `teams` and `hidden` features are of all there are."""

    heat: Heat
    shown: int
    teams: int
    hidden: int


def draw_attention(report: Report) -> Attention | None:
    """Which team speaks of which feature; `None` where nobody says."""
    rows = report.mentions
    if not rows or not any(row.groups for row in rows):
        return None
    shown = (*rows[:-1][:TEAMS], rows[-1])
    order = list(range(len(report.features)))
    if len(order) > FEATURES:
        often = [sum(row.shares[column] * row.groups for row in rows[:-1]) for column in order]
        order = sorted(sorted(order, key=lambda column: -often[column])[:FEATURES])
    heat = Heat(
        label="Share of each team's groups that mention each feature, in percent",
        corner="team",
        columns=("groups", *(report.features[column] for column in order)),
        rows=tuple((row.team, _mentions(row, order)) for row in shown),
        first=True,
    )
    return Attention(
        heat=heat,
        shown=len(shown) - 1,
        teams=len(rows) - 1,
        hidden=len(report.features) - len(order),
    )


def _mentions(row: Mentions, order: Sequence[int]) -> tuple[HeatCell, ...]:
    unread = f" + {row.unread} ONNX" if row.unread else ""
    shares = (row.shares[column] for column in order)
    return (
        HeatCell(text=f"{row.groups}{unread}", share=0.0),
        *(
            HeatCell(text=f"{share * 100:.0f}" if share else "", share=tint(share, 1.0))
            for share in shares
        ),
    )
