"""A plan of rows to train on as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.improving import words
from evenhand.improving.result import ImprovementPlan
from evenhand.improving.tables import groups_table
from evenhand.pages.numbers import plural
from evenhand.pages.terminal import lay_out, opening


def render_terminal(found: ImprovementPlan, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, what to collect first."""
    about = (
        f"{found.metric.name} = {found.metric.definition}; training: {found.training.name}, "
        f"{plural(found.training.rows, 'row')}; testing: {found.testing.name}, {plural(found.testing.rows, 'row')}"
    )
    parts = opening(words.answers(found), found.notes, about)
    parts += [Text(), lay_out(groups_table(found), width)]
    parts += [Text(sentence) for sentence in words.unplanned(found)]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
