"""A trial of repairs as tables for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.pages.numbers import plural
from evenhand.pages.terminal import lay_out, opening
from evenhand.repairs import words
from evenhand.repairs.result import RepairTrial
from evenhand.repairs.tables import groups_table, price_table, tried_table


def render_terminal(found: RepairTrial, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, the answer first."""
    about = (
        f"{found.metric.expression} = {found.metric.definition}; {found.source.name}, "
        f"{plural(found.source.rows, 'row')}"
    )
    parts = opening(words.answers(found), words.caveats(found), about)
    parts += [Text(), lay_out(groups_table(found), width)]
    for each in found.other_prices:
        table = price_table(each, untouched=found.untouched)
        parts += [Text(), Text(table.label), lay_out(table, width)]
    tried = tried_table(found)
    parts += [Text(), Text(tried.label), lay_out(tried, width)]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
