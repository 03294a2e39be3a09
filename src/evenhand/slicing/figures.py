"""What the page of slices draws and tables: findings, pictures, each slice, how it was searched."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evenhand.errors import REASONS
from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.axis import Axis, known
from evenhand.pages.caveats import before_numbers
from evenhand.pages.commands import written
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.heat import Heat, HeatCell
from evenhand.pages.nouns import unit_noun
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pages.scatter import Dot, Scatter, draw_scatter
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.results.protocol import to_plain
from evenhand.slicing import words
from evenhand.slicing.plain import plain_literal, plain_slice
from evenhand.slicing.result import Slice, Slices

#: Slices drawn and told one by one, compared with each other, and in the table; all are in JSON.
DRAWN, COMPARED, TABLED = 50, 30, 200
#: Slices told of those folded into one.
FOLDED = 50
#: Strongest tint of an overlap, at which its number is still readable.
OVERLAP_TINT = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A literal with its contribution, as a bar from zero."""

    literal: str
    contribution: str
    start: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceCard:
    """A slice by itself."""

    number: int
    one: Slice
    name: str
    kind: str
    bars: tuple[Bar, ...]
    zero: float
    together: str
    command: str | None


def render_html(found: Slices, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    found = _named(found, edition)
    drawn = found.slices[:DRAWN]
    return render_page(
        "evenhand.slicing:slices.html",
        normalizer_told=normalizer_told,
        found=found,
        edition=edition,
        answer=_answer(found, edition),
        sentences=words.sentences(
            found, lambda one: plain_slice(one.literals, edition), words.told_value
        ),
        caveats=before_numbers(found.notes),
        forest=draw(found, edition),
        undrawn=[n for n, one in enumerate(drawn, 1) if not _has_place(one)],
        scatter=_scatter(found, drawn),
        cards=list(_cards(found, drawn, edition)),
        matrix=_matrix(found),
        table=_table(found, edition),
        more=_more(found, edition),
        names=[plain_slice(one.literals, edition) for one in found.slices[:COMPARED]],
        settings=_settings(found),
        folded_most=FOLDED,
        words=words,
        value=lambda value: words.told_value(value, found),
        why=_why,
    )


def draw_figure(found: Slices, edition: Edition = PLAIN) -> str:
    """The differences of the slices as an SVG."""
    found = _named(found, edition)
    points = ", in percentage points" if found.metric.in_points else ""
    answer = _answer(found, edition)
    notes = (
        edition.note,
        answer if edition.title else "",
        f"{found.metric.name} of each slice less that of its rest{points}. {found.confirmation.sentence}",
        edition.made(found.source),
    )
    figures = []
    if (forest := draw(found, edition)).rows:
        figures.append(Figure(heading="How much worse", drawn=forest))
    if scatter := _scatter(found, found.slices[:DRAWN]):
        heading = f"How large, and how bad: {found.metric.name} (up), and"
        across = "share of the rows, on a logarithmic axis"
        figures.append(Figure(heading=f"{heading} {across}", drawn=scatter, across=across))
    if matrix := _matrix(found):
        heading = "Which are the same rows: shared rows over rows of either, in percent"
        figures.append(Figure(heading=heading, drawn=matrix))
    return draw_picture(edition.title or answer, figures, notes)


def draw(found: Slices, edition: Edition = PLAIN) -> Forest:
    """Differences of the slices to their rest, with bounds."""
    in_points = found.metric.in_points
    return draw_forest(
        [
            Difference(
                name=f"{number}. {plain_slice(one.literals, edition)}",
                note=one.predicate,
                link=f"#slice-{number}",
                kind=words.kind(one),
                verdict="confirmed worse" if one.confirmed else "lead",
                value=_apart(one, in_points=in_points),
                point=one.difference,
                low=one.low,
                high=one.high,
            )
            for number, one in enumerate(found.slices[:DRAWN], 1)
        ],
        lambda tick: numbers.points(tick, in_points=in_points),
    )


def _named(found: Slices, edition: Edition) -> Slices:
    """The same with the metric called as readers know it."""
    return replace(found, metric=replace(found.metric, name=edition.column(found.metric.name)))


def _answer(found: Slices, edition: Edition) -> str:
    """What was found, in a sentence."""
    confirmed = found.confirmed
    if not confirmed:
        return next(words.sentences(found))
    first = confirmed[0]
    slices = numbers.plural(len(confirmed), "slice")
    value, rest = (words.told_value(v, found) for v in (first.value, first.rest))
    name = plain_slice(first.literals, edition)
    return f"Proven worse in {slices}; first {name}: {value}, and {rest} in the rest."


def _settings(found: Slices) -> list[tuple[str, object]]:
    """Options that were given or decided, by their names in words."""
    return [
        (name.replace("_", " "), value)
        for name, value in to_plain(found.settings).items()
        if name != "versions" and value is not None and value != []
    ]


def _why(one: Slice) -> str:
    return REASONS.get(one.reason or "", one.reason or "no number")


def _apart(one: Slice, *, in_points: bool) -> str:
    """The difference with its bounds, or why there is none."""
    if one.difference is None:
        return _why(one)
    bounds = numbers.span(one.low, one.high, in_points=in_points)
    apart = words.difference(one, in_points=in_points)
    return f"{apart} ({bounds})" if bounds else apart


def _has_place(one: Slice) -> bool:
    return one.value is not None and math.isfinite(one.value) and one.support > 0


def _scatter(found: Slices, drawn: Sequence[Slice]) -> Scatter | None:
    """Size of the slices against the metric; `None` where no slice has a value."""
    dots = [
        Dot(
            number=number,
            share=one.support,
            value=one.value or 0.0,
            kind=words.kind(one),
            told=f"{number}. {one.predicate}: {words.told_value(one.value, found)}, "
            f"{numbers.share(one.support)} of the rows",
        )
        for number, one in enumerate(drawn, 1)
        if _has_place(one)
    ]
    return draw_scatter(dots, found.overall.value, lambda tick: words.told_value(tick, found))


def _matrix(found: Slices) -> Heat | None:
    """Overlaps of the first slices; `None` where there is nothing to compare."""
    few = found.slices[:COMPARED]
    if len(few) < 2 or any(len(one.overlaps) < len(few) for one in few):
        return None
    return Heat(
        label="Shared rows over rows of either, in percent",
        corner="slice",
        columns=tuple(str(number) for number in range(1, len(few) + 1)),
        rows=tuple(
            (str(row), _overlaps(one.overlaps[: len(few)], row)) for row, one in enumerate(few, 1)
        ),
        narrow=True,
    )


def _overlaps(shares: Sequence[float], own: int) -> tuple[HeatCell, ...]:
    """A line of overlaps; a slice is not compared with itself."""
    cells = []
    for place, share in enumerate(shares, 1):
        text = "<1" if 0 < share < 0.005 else f"{share * 100:.0f}"
        cell = HeatCell(text=text, share=round(share * OVERLAP_TINT, 2))
        cells.append(HeatCell(text="–", share=0.0) if place == own else cell)
    return tuple(cells)


def _table(found: Slices, edition: Edition) -> Table:
    """What a reader needs; the rest is in a table of its own."""
    columns = (
        TableColumn(head="slice", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head=found.metric.name),
        TableColumn(head="rest"),
        TableColumn(head="difference (bounds)"),
        TableColumn(head="rows"),
        TableColumn(head="share"),
    )
    in_points = found.metric.in_points
    rows: list[list[TableCell | str]] = [
        [
            _name(number, one, edition),
            TableCell(words.mark(one), kind=words.kind(one)),
            words.told_value(one.value, found),
            words.told_value(one.rest, found),
            _apart(one, in_points=in_points),
            numbers.count(one.n_rows),
            numbers.share(one.support),
        ]
        for number, one in enumerate(found.slices[:TABLED], 1)
    ]
    return table_of(f"Slices of {found.metric.name}", columns, rows)


def _more(found: Slices, edition: Edition) -> Table:
    """Evidence, counts and what the search scored."""
    columns = (
        TableColumn(head="slice", left=True, fold=True),
        TableColumn(head="adjusted p"),
        TableColumn(head="p"),
        TableColumn(head=unit_noun(found.unit)) if found.unit else None,
        TableColumn(head="numerator"),
        TableColumn(head="denominator"),
        TableColumn(head="overall without"),
        TableColumn(head="score"),
        TableColumn(head="folded"),
    )
    rows: list[list[TableCell | str]] = [
        [
            TableCell(f"{number}. {plain_slice(one.literals, edition)}"),
            numbers.p_value(one.p_adjusted, found.confirmation.p_floor),
            numbers.p_value(one.p_value),
            numbers.count(one.n_units),
            numbers.rate(one.numerator),
            numbers.rate(one.denominator),
            words.told_value(one.overall_without, found),
            numbers.minus(f"{one.score:.4g}"),
            numbers.count(len(one.folded)),
        ]
        for number, one in enumerate(found.slices[:TABLED], 1)
    ]
    return table_of("Evidence and counts of the slices", columns, rows)


def _name(number: int, one: Slice, edition: Edition) -> TableCell:
    return TableCell(f"{number}. {plain_slice(one.literals, edition)}", note=one.predicate)


def _cards(found: Slices, drawn: Sequence[Slice], edition: Edition) -> Iterator[SliceCard]:
    contributions = known(value for one in drawn for value in one.contributions)
    start, stop = min([0.0, *contributions]), max([0.0, *contributions])
    axis = Axis(start=start, stop=stop if stop > start else start + 1.0, ticks=())
    in_points = found.metric.in_points
    for number, one in enumerate(drawn, 1):
        parts = known(one.contributions)
        whole = len(parts) == len(one.contributions) > 1
        yield SliceCard(
            number=number,
            one=one,
            name=plain_slice(one.literals, edition),
            kind=words.kind(one),
            bars=tuple(_bars(one, axis, edition, in_points=in_points)),
            zero=axis.place(0.0) or 0.0,
            together=numbers.points(sum(parts), in_points=in_points) if whole else "",
            command=_command(found, one, edition),
        )


def _bars(one: Slice, axis: Axis, edition: Edition, *, in_points: bool) -> Iterator[Bar]:
    zero = axis.place(0.0) or 0.0
    for literal, value in zip(one.literals, one.contributions, strict=False):
        end = axis.place(value)
        end = zero if end is None else end
        yield Bar(
            literal=plain_literal(literal, edition),
            contribution="–" if value is None else numbers.points(value, in_points=in_points),
            start=min(zero, end),
            width=round(abs(end - zero), 2),
        )


def _command(found: Slices, one: Slice, edition: Edition) -> str | None:
    """The audit of a slice alone, ready for a shell; `None` where what was searched has no name there."""
    if not found.command:
        return None
    source = edition.source(found.source) if edition.share else found.source
    parts = ["evenhand", "audit", source, "--metric", found.metric.expression]
    parts += ["--by", one.predicate]
    parts += ["--unit", found.unit] if found.unit else []
    parts += ["--level", f"{found.level:g}"] if found.level != 0.95 else []
    return written([*parts, *_carried(found)])


def _carried(found: Slices) -> Iterator[str]:
    """Options that decide which rows are read, or what harm is, as the search had them."""
    asked = found.settings
    given = (("--where", asked.where), ("--worse", asked.worse), ("--columns", asked.columns))
    for name, value in given:
        if value is not None:
            yield from (name, value)
    for text in asked.missing:
        yield from ("--missing", text)
