"""The page of a watch: what became worse, for whom, since when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from evenhand.groups.partition import split_names
from evenhand.pages.caveats import before_numbers
from evenhand.pages.curves import Curve, CurvePoint, Panel, draw_curves
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.numbers import listed, minus, rate
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pages.table import Table, TableColumn, table_of
from evenhand.watching import words
from evenhand.watching.result import Moment, Watch, WatchAlarm, WatchedGroup, WatchPoint
from evenhand.watching.tables import groups_table, parts_table, settled_table

#: Groups drawn with an alarm, and in all where there are few of these; lines of a table.  All are in the JSON.
DRAWN, QUIET, TABLED = 12, 3, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alarm on the page."""

    sentence: str
    details: str
    diagnosis: str
    parts: Table | None


def render_html(found: Watch, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    first, *more = words.answers(found, edition, brief=True)
    drawn = _drawn(found)
    return render_page(
        "evenhand.watching:watch.html",
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        watched=listed([edition.column(name) for name in _single(found)]),
        answers=[first] if found.alarms else [first, *more],
        alarms=[_told(one, found, edition) for one in found.alarms],
        caveats=before_numbers(found.notes),
        across=_across(found),
        panels=_panels(found, drawn, edition),
        points=_points(found, drawn, edition),
        table=groups_table(found, TABLED, edition),
        settled=settled_table(found, edition),
        notes=list(words.notes(found)),
    )


def draw_figure(found: Watch, edition: Edition = PLAIN) -> str:
    """Rates over time, as an SVG."""
    panels = _panels(found, _drawn(found), edition)
    drawn = [Figure(heading=_across(found), drawn=panels, across=_across(found))] if panels else []
    notes = (
        edition.note,
        "Dotted: the rate before.  Dashed: what is tolerated.",
        edition.made(found.source.name),
    )
    return draw_picture(edition.title or next(iter(words.answers(found, edition))), drawn, notes)


def _single(found: Watch) -> list[str]:
    """What groups are told apart by, without crossings."""
    names = [name for name in found.settings.by if len(split_names(name)) == 1]
    return names or list(found.settings.by)


def _told(one: WatchAlarm, found: Watch, edition: Edition) -> Told:
    evidence = (
        f"Told at {words.moment(one.at, last=True)}, after {one.at.n:,} rows of this group"
        if one.at.time is None
        else f"Told on {words.moment(one.at)}, after {one.at.n:,} rows of this group"
    )
    why = "" if one.undiagnosed is None else f"  What changed is not known: {one.undiagnosed}."
    return Told(
        sentence=words.alarm(one, found, edition),
        details=f"{evidence}.{'' if one.new else '  It was told before.'}{why}",
        diagnosis="" if one.diagnosis is None else words.diagnosis(one.diagnosis, found, edition),
        parts=parts_table(one, found, edition),
    )


def _drawn(found: Watch) -> list[WatchedGroup]:
    """Groups with an alarm or one that was closed last, then those that are worst, as far as their past is kept."""
    kept = [one for one in found.groups if len(one.history) > 1]
    closed = [one.group for one in words.settled_last(found)]
    told = [one for one in kept if one.state == "alarm" or one.group in closed][:DRAWN]
    rest = [one for one in kept if one not in told]
    return told + rest[: max(QUIET - len(told), 1)]


def _dated(found: Watch) -> bool:
    times = [point.until.time for one in found.groups for point in one.history]
    return bool(times) and all(time is not None and _day(time) is not None for time in times)


def _day(time: str) -> float | None:
    """A date as a number of days, hours and minutes as a part of one."""
    try:
        day = date.fromisoformat(time[:10]).toordinal()
        hours, minutes = (int(part) for part in time[11:16].split(":")) if time[10:] else (0, 0)
    except ValueError:
        return None
    return day + hours / 24 + minutes / 1440


def _across(found: Watch) -> str:
    return found.settings.time or "rows" if _dated(found) else "rows of the group"


def _place(at: Moment, *, dated: bool) -> float:
    return (_day(at.time or "") or 0.0) if dated else float(at.n)


def _placed(history: Sequence[WatchPoint], *, dated: bool) -> list[tuple[float, WatchPoint]]:
    """Points from left to right; those of one day one after the other within it."""
    places = [_place(one.until, dated=dated) for one in history]
    order = sorted(range(len(places)), key=lambda i: places[i])
    placed, met = [], Counter[float]()
    together = Counter(places)
    for i in order:
        place = places[i]
        placed.append((place + met[place] / together[place], history[i]))
        met[place] += 1
    return placed


def _label(place: float) -> str:
    day = date.fromordinal(max(int(place), 1))
    return f"{day.day} {day:%b}"


def _panels(found: Watch, drawn: Sequence[WatchedGroup], edition: Edition) -> tuple[Panel, ...]:
    if not drawn:
        return ()
    dated = _dated(found)
    before = {tuple(one.group.items()): one.before for one in found.alarms if one.kind == "changed"}
    curves = []
    for one in drawn:
        readings = [
            CurvePoint(at=at, value=p.value, low=None, high=None)
            for at, p in _placed(one.history, dated=dated)
        ]
        usual = before.get(tuple(one.group.items()))
        if usual is not None:
            readings.append(CurvePoint(at=None, value=usual, low=None, high=None))
        name = words.called(one.group, found, edition)
        ends = [p for p in one.history if p.value is not None]
        told = f"{name}: {found.metric.name} over time"
        if ends:
            told += f", {rate(ends[0].value)} first and {rate(ends[-1].value)} last"
        curves.append(Curve(label=name, told=told, readings=tuple(readings)))
    limit = found.settings.threshold
    places = [p.at for c in curves for p in c.readings if p.at is not None]
    tolerated = (
        []
        if limit is None
        else [
            CurvePoint(at=at, value=limit, low=None, high=None) for at in (min(places), max(places))
        ]
    )
    along = _label if dated else lambda place: minus(f"{place:,.0f}")
    return draw_curves(curves, tolerated, along=along)


def _points(found: Watch, drawn: Sequence[WatchedGroup], edition: Edition) -> Table | None:
    """The numbers behind the figure."""
    if not drawn:
        return None
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="until", left=True),
        TableColumn(head="rows"),
        TableColumn(head=found.metric.title),
    )
    rows = [
        [
            words.called(one.group, found, edition),
            f"row {p.until.n:,} of it" if p.until.time is None else words.moment(p.until),
            f"{p.rows:,}",
            rate(p.value),
        ]
        for one in drawn
        for p in one.history
    ]
    return table_of("Rates over time", columns, rows)
