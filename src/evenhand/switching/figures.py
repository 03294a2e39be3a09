"""What the page of switches draws and tables: services by group, who gains and loses, and gaps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evenhand.differential.result import Effect
from evenhand.errors import REASONS
from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.nouns import unit_noun
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.results.estimate import Estimate
from evenhand.switching import words
from evenhand.switching.result import Gained, GroupSwitch, Placed, Switches
from evenhand.switching.terminal import rank

#: Lines drawn, and lines of a table; all are in JSON and CSV.
DRAWN, TABLED = 40, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPicture:
    """One switch of the groups of one partition."""

    service: str
    by: str
    changes: Forest
    gaps: Forest | None
    total: int
    table: Table
    more: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchCut:
    """One way to cut the records: services by group, and each switch."""

    by: str
    values: Table
    total: int
    pictures: tuple[SwitchPicture, ...]


def render_html(found: Switches, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    return render_page(
        "evenhand.switching:switches.html",
        normalizer_told=normalizer_told,
        found=found,
        edition=edition,
        metric_name=edition.column(found.metric.name),
        first=edition.column(found.services[0].name),
        called=[edition.column(one.name) for one in found.services],
        answers=list(words.answers(found, edition)),
        findings=list(words.findings(found, edition)),
        caveats=before_numbers(found.notes),
        cuts=[_cut(found, by, edition) for by in found.by],
        unpaired=_unpaired(found, edition) if found.unpaired else None,
        words=words,
    )


def draw_figure(found: Switches, edition: Edition = PLAIN) -> str:
    """Changes of all groups, and of their gaps, as an SVG."""
    points = ", in percentage points" if found.metric.in_points else ""
    answers = list(words.answers(found, edition))
    name = edition.column(found.metric.name)
    shown = f"{name} after switching less before{points}, turned so that above 0 is a loss."
    notes = (
        edition.note,
        *(answers if edition.title else ()),
        f"{shown} {words.method(found)}",
        edition.made(found.source.name),
    )
    figures = []
    for by in found.by:
        for service in found.services[1:]:
            picture = _picture(found, service.name, by, edition)
            start = f"{words.switch(found, service.name, edition)}, by {picture.by}"
            figures.append(Figure(heading=f"{start}: who loses", drawn=picture.changes))
            if picture.gaps is not None:
                figures.append(Figure(heading=f"{start}: whose gap grows", drawn=picture.gaps))
    return draw_picture(edition.title or " ".join(answers), figures, notes)


def _cut(found: Switches, by: tuple[str, ...], edition: Edition) -> SwitchCut:
    pictures = [_picture(found, one.name, by, edition) for one in found.services[1:]]
    groups = [one for one in found.groups if one.by == by and one.change is None]
    return SwitchCut(
        by=edition.crossed(by),
        values=_values(found, groups[:TABLED], edition),
        total=len(groups),
        pictures=tuple(pictures),
    )


def _picture(found: Switches, service: str, by: tuple[str, ...], edition: Edition) -> SwitchPicture:
    own = sorted(found.switched(service, by), key=rank)
    changes = [_line(one, one.change, one.verdict, found, edition) for one in own]
    ranked = sorted(own, key=_gap_rank)
    gaps = [_line(one, one.gap_change, one.gap_verdict, found, edition) for one in ranked]
    moved = [line for line in gaps if line.point is not None]
    return SwitchPicture(
        service=edition.column(service),
        by=edition.crossed(by),
        # Groups that are refused are told below, and have nothing to draw.
        changes=_forest(found, [line for line in changes if line.point is not None]),
        gaps=_forest(found, moved) if moved else None,
        total=len(own),
        table=_table(found, own[:TABLED], edition),
        more=_more(found, own[:TABLED], edition),
    )


def _gap_rank(one: GroupSwitch) -> float:
    value = one.gap_change.value if one.gap_change else None
    return float("inf") if value is None else -value


def _forest(found: Switches, lines: Sequence[Difference]) -> Forest:
    in_points, tolerance = found.metric.in_points, found.settings.tolerance
    return draw_forest(
        lines[:DRAWN],
        lambda tick: numbers.points(tick, in_points=in_points),
        tolerated=(0.0, tolerance) if tolerance else None,
    )


def _line(
    one: GroupSwitch,
    effect: Effect | None,
    verdict: Gained | Placed | None,
    found: Switches,
    edition: Edition,
) -> Difference:
    assert effect is not None
    return Difference(
        name=edition.group(one.group, one.predicate),
        kind=words.kind(verdict, effect),
        verdict=words.mark(verdict, effect)[2:],
        value=REASONS.get(effect.reason, effect.reason)
        if effect.reason
        else with_bounds(effect, found),
        point=effect.value,
        low=effect.low,
        high=effect.high,
    )


def with_bounds(effect: Effect | None, found: Switches) -> str:
    """A change with its interval: ``+3.1 (+1.2 to +5.0)``."""
    told, bounds = words.effect(effect, found), words.span(effect, found)
    return f"{told} ({bounds})" if bounds else told


def _values(found: Switches, groups: Sequence[GroupSwitch], edition: Edition) -> Table:
    """Each service's value for everybody and for each group, with its interval."""
    own = {(one.by, one.predicate, one.service): one.estimate for one in found.groups}
    columns = (
        TableColumn(head="group", left=True, fold=True),
        *(TableColumn(head=edition.column(one.name)) for one in found.services),
        TableColumn(head="rows"),
        TableColumn(head=unit_noun(found.unit)) if found.unit else None,
    )
    everybody = [one.estimate for one in found.overall]
    rows = [_value_row("all together", everybody, found)]
    for group in groups:
        estimates = [own[group.by, group.predicate, one.name] for one in found.services]
        name = edition.group(group.group, group.predicate)
        rows.append(_value_row(name, estimates, found))
    title = f"{edition.column(found.metric.name)} by {edition.crossed(groups[0].by)} and service"
    return table_of(title, columns, rows)


def _value_row(name: str, estimates: Sequence[Estimate], found: Switches) -> list[TableCell | str]:
    return [
        name,
        *_told(estimates, found),
        numbers.count(estimates[0].n_rows),
        numbers.count(estimates[0].n_units),
    ]


def _told(estimates: Sequence[Estimate], found: Switches) -> Iterator[str]:
    for one in estimates:
        bounds = words.bounds(one, found)
        yield f"{words.value(one, found)} ({bounds})" if bounds else words.value(one, found)


def _table(found: Switches, own: Sequence[GroupSwitch], edition: Edition) -> Table:
    """What a reader needs; the rest is in a table of its own."""
    first = found.services[0].name
    before = {one.predicate: one for one in found.switched(first, own[0].by)}
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head="change (interval)"),
        TableColumn(head=f"gap with {edition.column(first)}"),
        TableColumn(head=f"gap with {edition.column(own[0].service)}"),
        TableColumn(head="change of gap (interval)"),
        TableColumn(head="verdict on the gap", left=True),
    )
    rows: list[list[TableCell | str]] = [
        [
            edition.group(one.group, one.predicate),
            TableCell(
                words.mark(one.verdict, one.change), kind=words.kind(one.verdict, one.change)
            ),
            with_bounds(one.change, found),
            words.gap(before[one.predicate].gap, found),
            words.gap(one.gap, found),
            with_bounds(one.gap_change, found),
            TableCell(
                words.mark(one.gap_verdict, one.gap_change),
                kind=words.kind(one.gap_verdict, one.gap_change),
            ),
        ]
        for one in own
    ]
    return table_of(words.switch(found, own[0].service, edition), columns, rows)


def _more(found: Switches, own: Sequence[GroupSwitch], edition: Edition) -> Table:
    """How sure each change is."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="adjusted p"),
        TableColumn(head="detectable"),
        TableColumn(head="adjusted p of the gap"),
        TableColumn(head="detectable of the gap"),
    )
    rows: list[list[TableCell | str]] = [
        [
            edition.group(one.group, one.predicate),
            *(
                told
                for effect in (one.change, one.gap_change)
                for told in (
                    numbers.p_value(effect.p_adjusted if effect else None),
                    _detectable(effect, found),
                )
            ),
        ]
        for one in own
    ]
    return table_of(
        f"{words.switch(found, own[0].service, edition)}: how sure it is", columns, rows
    )


def _detectable(effect: Effect | None, found: Switches) -> str:
    if effect is None or effect.minimum_detectable is None:
        return "–"
    in_points = found.metric.in_points
    return numbers.points(effect.minimum_detectable, in_points=in_points, signed=False)


def _unpaired(found: Switches, edition: Edition) -> Table:
    """Rows that one service was scored on and another was not, by group."""
    names = {one.predicate: edition.group(one.group, one.predicate) for one in found.groups}
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="not scored", left=True),
        TableColumn(head="rows"),
        TableColumn(head="share of the group's rows"),
        TableColumn(head="uneven", left=True),
    )
    rows: list[list[TableCell | str]] = [
        [
            names.get(one.predicate, one.predicate),
            edition.column(one.service),
            numbers.count(one.n_rows),
            numbers.share(one.share),
            "more than chance" if one.uneven else "–",
        ]
        for one in found.unpaired[:TABLED]
    ]
    return table_of("Rows that cannot be paired", columns, rows)
