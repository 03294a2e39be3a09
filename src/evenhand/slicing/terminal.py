"""Slices as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.pages.caveats import before_numbers
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import p_value, plural, span
from evenhand.pages.sampled import sampled
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.pages.terminal import lay_out
from evenhand.slicing import words
from evenhand.slicing.result import Slice, Slices


def render_terminal(found: Slices, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, findings first."""
    parts: list[RenderableType] = [_heading(found), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(found.notes)]
    parts += [Text(sentence, style="bold") for sentence in words.sentences(found)]
    if found.slices:
        parts += [Text(), lay_out(_table(found), width, named=2)]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)


def _heading(found: Slices) -> Text:
    text = Text()
    value = words.difference_of(found.overall.value, found)
    text.append(f"{found.metric.name} {value}", style="bold")
    text.append(f"  {words.direction(found)}\n", style="dim")
    rows = f"{found.source}: {plural(found.overall.n_rows, 'row')}"
    units = f", {count_units(found.overall.n_units, found.unit)}" if found.unit else ""
    units += sampled(found.settings.weight, None, None)
    features = len(found.searched.features)
    text.append(f"{rows}{units}, {plural(features, 'feature')}", style="dim")
    return text


def _table(found: Slices) -> Table:
    columns = (
        TableColumn(head="#"),
        TableColumn(head="slice", left=True, fold=True),
        TableColumn(head="rows"),
        TableColumn(head=found.metric.name),
        TableColumn(head="rest"),
        TableColumn(head="difference"),
        TableColumn(head="(all searched)", left=True, need=1),
        TableColumn(head="adj. p", need=2),
        TableColumn(head="", left=True),
    )
    rows = (_row(found, number, one) for number, one in enumerate(found.slices, 1))
    return table_of("slices", columns, rows)


def _row(found: Slices, number: int, one: Slice) -> list[TableCell | str]:
    in_points = found.metric.in_points
    return [
        str(number),
        one.predicate,
        f"{one.n_rows:,}",
        words.difference_of(one.value, found),
        words.difference_of(one.rest, found),
        words.difference(one, in_points=in_points),
        span(one.low, one.high, in_points=in_points) or "–",
        p_value(one.p_adjusted, found.confirmation.p_floor),
        TableCell(words.mark(one), kind=words.kind(one)),
    ]
