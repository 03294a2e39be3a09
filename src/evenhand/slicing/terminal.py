"""Slices as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evenhand.slicing import words
from evenhand.slicing.result import Result, Slice

WIDE = 100


def render_slices(found: Result, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, findings first."""
    parts: list[RenderableType] = [_heading(found), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in words.before_numbers(found.notes)]
    parts += [Text(sentence, style="bold") for sentence in words.sentences(found)]
    if found.slices:
        parts += [Text(), _table(found, wide=width >= WIDE)]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)


def _heading(found: Result) -> Text:
    text = Text()
    value = words.difference_of(found.overall.value, found)
    text.append(f"{found.metric.name} {value}", style="bold")
    text.append(f"  {words.direction(found)}\n", style="dim")
    rows = f"{found.source}: {found.overall.n_rows:,} rows"
    units = f", {found.overall.n_units:,} {found.unit}s" if found.unit else ""
    features = len(found.searched.features)
    text.append(f"{rows}{units}, {features} features", style="dim")
    return text


def _table(found: Result, *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0) if wide else (0, 1, 0, 0))
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("slice", overflow="fold", min_width=18)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column(found.metric.name[:12], justify="right", no_wrap=True)
    table.add_column("rest", justify="right", no_wrap=True)
    table.add_column("difference", justify="right", no_wrap=True)
    if wide:
        table.add_column("(all searched)", no_wrap=True)
        table.add_column("adj. p", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for number, one in enumerate(found.slices, 1):
        table.add_row(*_row(found, number, one, wide=wide))
    return table


def _row(found: Result, number: int, one: Slice, *, wide: bool) -> list[Text | str]:
    in_points = found.metric.in_points
    adjusted = words.p_value(one.p_adjusted, found.confirmation.p_floor)
    spread = [words.span(one, in_points=in_points), adjusted] if wide else []
    return [
        str(number),
        Text(one.predicate),
        f"{one.n_rows:,}",
        words.difference_of(one.value, found),
        words.difference_of(one.rest, found),
        words.difference(one, in_points=in_points),
        *spread,
        Text("◆ worse", style="bold red") if one.confirmed else Text("lead", style="dim"),
    ]
