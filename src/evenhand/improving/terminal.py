"""A plan of rows to train on as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.improving import words
from evenhand.improving.result import ImprovementPlan
from evenhand.improving.tables import groups_table
from evenhand.pages.caveats import before_numbers
from evenhand.pages.numbers import plural
from evenhand.pages.terminal import lay_out


def render_terminal(found: ImprovementPlan, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, what to collect first."""
    first, *more = words.answers(found)
    parts: list[RenderableType] = [Text(first, style="bold"), *map(Text, more), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(found.notes)]
    parts.append(
        Text(
            f"{found.metric.name} = {found.metric.definition}; training: {found.training.name}, "
            f"{plural(found.training.rows, 'row')}; testing: {found.testing.name}, {plural(found.testing.rows, 'row')}",
            style="dim",
        )
    )
    parts += [Text(), lay_out(groups_table(found), width)]
    parts += [Text(sentence) for sentence in words.unplanned(found)]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
