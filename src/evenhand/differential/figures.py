"""What the page of effects draws and tables: costs, who pays more, doses, and pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from evenhand.differential import answer, words
from evenhand.differential.result import ConditionOverall, Dose, Effect, Effects, GroupEffect, Pair
from evenhand.differential.terminal import rank
from evenhand.errors import REASONS
from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers
from evenhand.pages.curves import Curve, CurvePoint, Panel, draw_curves
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.heat import Heat, HeatCell, tint
from evenhand.pages.nouns import unit_noun
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pages.sampled import EFFECTIVE, effective
from evenhand.pages.table import Table, TableCell, TableColumn, table_of

#: Lines drawn, lines of a table, pairs, columns of a heat map, and panels; all are in JSON.
DRAWN, TABLED, PAIRED, COLUMNS, PANELS = 40, 300, 100, 60, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything about one partition."""

    by: str
    heat: Heat
    left_out: int
    forest: Forest
    total: int
    table: Table
    more: Table
    pairs: Table | None
    panels: tuple[Panel, ...]
    doses: Table


def render_html(found: Effects, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    found = _named(found, edition)
    manner = _manner(found, edition)
    return render_page(
        "evenhand.differential:effects.html",
        normalizer_told=normalizer_told,
        found=found,
        edition=edition,
        answers=list(answer.answers(found, edition)),
        findings=words.findings(found, manner),
        caveats=before_numbers(found.notes),
        pictures=[_picture(found, by, edition) for by in found.by],
        words=words,
        value=lambda value: answer.told_value(value, found),
        compared_with=words.reference(found, manner),
    )


def draw_figure(found: Effects, edition: Edition = PLAIN) -> str:
    """What conditions cost groups beyond the others, as an SVG."""
    found = _named(found, edition)
    points = ", in percentage points" if found.metric.in_points else ""
    answers = list(answer.answers(found, edition))
    notes = (
        edition.note,
        *(answers if edition.title else ()),
        f"Cost of each condition to the group less its cost to the others{points}. {words.method(found)}",
        edition.made(found.source.name),
    )
    figures = []
    for by in found.by:
        title = edition.crossed(by)
        heat = _heat(found, by, title, _names(found, by, edition), edition)
        heading = f"What each condition costs, by {title}{points}; ▲ more than the others, proven"
        figures.append(Figure(heading=heading, drawn=heat))
        if (forest := draw(found, by, edition)).rows:
            heading = f"Who pays more than the others, by {title}{points}"
            figures.append(Figure(heading=heading, drawn=forest))
        if charts := _panels(found, _series(found, by), _names(found, by, edition)):
            dose = str(found.settings.dose)
            heading = f"{found.metric.name} (up) against {dose}, by {title}"
            figures.append(Figure(heading=heading, drawn=charts, across=dose))
    return draw_picture(edition.title or " ".join(answers), figures, notes)


def draw(found: Effects, by: tuple[str, ...], edition: Edition = PLAIN) -> Forest:
    """What conditions cost groups of a partition beyond what they cost the others."""
    in_points = found.metric.in_points
    tolerance = found.settings.tolerance
    return draw_forest(
        [_difference(one, found, edition) for one in _ranked(found, by)[:DRAWN]],
        lambda tick: numbers.points(tick, in_points=in_points),
        tolerated=(0.0, tolerance) if tolerance else None,
    )


def _named(found: Effects, edition: Edition) -> Effects:
    """The same with the metric called as readers know it."""
    called = edition.column(found.metric.title)
    return replace(found, metric=replace(found.metric, name=called, label=""))


def _manner(found: Effects, edition: Edition) -> words.Manner:
    """Groups by the names that readers know, and shares in per cent."""
    called = {
        one.predicate: f"{edition.crossed(one.by)} {edition.group(one.group, one.predicate)}"
        for one in found.groups
        if one.group != {one.predicate: True}
    }
    return words.Manner(
        lambda predicate: called.get(predicate, edition.labels.get(predicate, predicate)),
        lambda value: answer.told_value(value, found),
        lambda condition: edition.value(found.condition, condition),
    )


def _ranked(found: Effects, by: tuple[str, ...]) -> list[GroupEffect]:
    own = (one for one in found.groups if one.by == by and one.differential is not None)
    return sorted(own, key=rank)


def _picture(found: Effects, by: tuple[str, ...], edition: Edition) -> Picture:
    own = _ranked(found, by)
    title = edition.crossed(by)
    names = _names(found, by, edition)
    series = _series(found, by)
    return Picture(
        by=title,
        heat=_heat(found, by, title, names, edition),
        left_out=max(len(names) - COLUMNS, 0),
        forest=draw(found, by, edition),
        total=len(own),
        table=_table(found, own[:TABLED], title, edition),
        more=_more(found, own[:TABLED], title, edition),
        pairs=_pairs(found, by, title, names),
        panels=_panels(found, series, names),
        doses=_doses(found, series, names, edition),
    )


def _names(found: Effects, by: tuple[str, ...], edition: Edition) -> dict[str, str]:
    """What each group of a partition is called, by its predicate."""
    own = (one for one in found.groups if one.by == by)
    return {one.predicate: edition.group(one.group, one.predicate) for one in own}


def _difference(one: GroupEffect, found: Effects, edition: Edition) -> Difference:
    differential = one.differential
    assert differential is not None
    unknown = differential.reason or differential.value is None
    return Difference(
        name=edition.group(one.group, one.predicate),
        note=edition.value(found.condition, one.condition),
        kind="none" if unknown else words.kind(one.verdict),
        verdict=words.mark(one)[2:],
        value=_why(differential) if unknown else _with_bounds(differential, found),
        point=differential.value,
        low=differential.low,
        high=differential.high,
    )


def _why(one: Effect) -> str:
    return REASONS.get(one.reason or "", one.reason or "no number")


def _with_bounds(one: Effect | None, found: Effects) -> str:
    told, bounds = words.effect(one, found), words.span(one, found)
    return f"{told} ({bounds})" if bounds else told


def _heat(
    found: Effects, by: tuple[str, ...], title: str, names: dict[str, str], edition: Edition
) -> Heat:
    shown = list(names)[:COLUMNS]
    groups = {(g.condition, g.predicate): g for g in found.groups if g.by == by}
    costs = _values(g.cost for g in groups.values())
    largest = max(map(abs, costs), default=0.0)
    rows = []
    for everybody in found.overall[1:]:
        own = [groups[everybody.condition, predicate] for predicate in shown]
        cells = [_cell(everybody, largest, found), *(_cell(one, largest, found) for one in own)]
        rows.append((edition.value(found.condition, everybody.condition), tuple(cells)))
    return Heat(
        label=f"Cost of each condition by {title}",
        corner="condition",
        columns=("everybody", *(names[predicate] for predicate in shown)),
        rows=tuple(rows),
        first=True,
    )


def _values(costs: Iterable[Effect | None]) -> list[float]:
    """Values of those costs that have one."""
    return [one.value for one in costs if one is not None and one.value is not None]


def _cell(one: GroupEffect | ConditionOverall, largest: float, found: Effects) -> HeatCell:
    value = one.cost.value if one.cost is not None else None
    more = isinstance(one, GroupEffect) and one.verdict == "costs more"
    harm = "harm" if value is not None and value > 0 else ""
    return HeatCell(
        text="▲ " * more + words.effect(one.cost, found),
        share=tint(value, largest),
        kind=" ".join(filter(None, (harm, "proven" * more))),
        note=answer.told_value(one.estimate.value, found),
    )


def _table(found: Effects, own: Sequence[GroupEffect], title: str, edition: Edition) -> Table:
    """What a reader needs; the rest is in a table of its own."""
    plain = {(g.by, g.predicate): g.estimate.value for g in found.groups if g.cost is None}
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="condition", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head=edition.value(found.condition, found.reference)),
        TableColumn(head=found.metric.name),
        TableColumn(head="cost (interval)"),
        TableColumn(head="beyond (interval)"),
    )
    rows: list[list[TableCell | str]] = [
        [
            edition.group(one.group, one.predicate),
            edition.value(found.condition, one.condition),
            TableCell(words.mark(one), kind=words.kind(one.verdict)),
            answer.told_value(plain.get((one.by, one.predicate)), found),
            answer.told_value(one.estimate.value, found),
            _with_bounds(one.cost, found),
            _with_bounds(one.differential, found),
        ]
        for one in own
    ]
    return table_of(f"Effects by {title}", columns, rows)


def _more(found: Effects, own: Sequence[GroupEffect], title: str, edition: Edition) -> Table:
    """How sure each number is, and of how many it is."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="condition", left=True, fold=True),
        TableColumn(head="adjusted p"),
        TableColumn(head="detectable"),
        TableColumn(head="rows"),
        TableColumn(head=unit_noun(found.unit)) if found.unit else None,
        TableColumn(head=EFFECTIVE) if found.weight else None,
    )
    rows = []
    for one in own:
        differential = one.differential
        assert differential is not None
        least = differential.minimum_detectable
        in_points = found.metric.in_points
        rows.append(
            [
                edition.group(one.group, one.predicate),
                edition.value(found.condition, one.condition),
                numbers.p_value(differential.p_adjusted),
                "–" if least is None else numbers.points(least, in_points=in_points, signed=False),
                numbers.count(one.estimate.n_rows),
                numbers.count(one.estimate.n_units),
                effective(one.estimate.effective_sample_size),
            ]
        )
    return table_of(f"How sure the effects by {title} are", columns, rows)


def _pairs(found: Effects, by: tuple[str, ...], title: str, names: dict[str, str]) -> Table | None:
    own: list[Pair] = [pair for pair in found.pairs if pair.by == by][:PAIRED]
    if len(own) < 2:
        return None
    columns = (
        TableColumn(head="costs", left=True, fold=True),
        TableColumn(head="more than", left=True, fold=True),
        TableColumn(head="by (interval)"),
        TableColumn(head="adjusted p"),
        TableColumn(head="verdict", left=True),
    )
    rows: list[list[TableCell | str]] = [
        [
            names[pair.first],
            names[pair.second],
            _with_bounds(pair.differential, found),
            numbers.p_value(pair.differential.p_adjusted),
            TableCell(
                words.verdict(pair.verdict, pair.differential), kind=words.kind(pair.verdict)
            ),
        ]
        for pair in own
    ]
    return table_of(f"Pairs of {title} under {own[0].condition}", columns, rows)


def _series(found: Effects, by: tuple[str, ...]) -> list[list[Dose]]:
    """Doses of the groups that are drawn."""
    labels = list(words.labels(found, by))[:PANELS]
    series = ([d for d in found.doses if d.by == by and d.predicate == name] for name in labels)
    return [one for one in series if one]


def _panels(
    found: Effects, series: Sequence[Sequence[Dose]], names: Mapping[str, str]
) -> tuple[Panel, ...]:
    everybody = [_reading(dose) for dose in found.doses if dose.predicate is None]
    if not everybody:
        return ()
    return draw_curves(
        [_curve(found, doses, _called(doses[0], names)) for doses in series], everybody
    )


def _curve(found: Effects, doses: Sequence[Dose], name: str) -> Curve:
    ends = [d for d in doses if d.dose is not None and d.estimate.value is not None]
    told = f"{name}: {found.metric.name} against {found.settings.dose}"
    if ends:
        first, last = (
            f"{numbers.rate(one.estimate.value)} at {_written(one.dose)}"
            for one in (ends[0], ends[-1])
        )
        told += f", {first} and {last}"
    return Curve(label=name, told=told, readings=tuple(map(_reading, doses)))


def _written(dose: float | None) -> str:
    return "–" if dose is None else numbers.minus(f"{dose:g}")


def _reading(dose: Dose) -> CurvePoint:
    rate = dose.estimate
    return CurvePoint(at=dose.dose, value=rate.value, low=rate.low, high=rate.high)


def _called(dose: Dose, names: Mapping[str, str]) -> str:
    """What a dose's group is called."""
    return names.get(dose.predicate or "", dose.label)


def _doses(
    found: Effects, series: Sequence[Sequence[Dose]], names: Mapping[str, str], edition: Edition
) -> Table:
    reference = edition.value(found.condition, found.reference)
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head=str(found.settings.dose)),
        TableColumn(head=found.metric.name),
        TableColumn(head=f"{numbers.percent(found.level)} interval"),
        TableColumn(head="rows"),
    )
    rows: list[list[TableCell | str]] = [
        [
            _called(dose, names),
            reference if dose.dose is None else _written(dose.dose),
            answer.told_value(dose.estimate.value, found),
            numbers.interval(dose.estimate.low, dose.estimate.high),
            numbers.count(dose.estimate.n_rows),
        ]
        for doses in series
        for dose in doses
    ]
    return table_of(f"{found.metric.name} against {found.settings.dose}", columns, rows)
