"""A plan as tables for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.lastmile import words
from evenhand.lastmile.result import LabelPlan
from evenhand.lastmile.tables import cells_table, rules_table
from evenhand.pages.numbers import plural
from evenhand.pages.terminal import lay_out, opening

#: Cells shown; all are in the other outputs.
SHOWN = 40


def render_terminal(found: LabelPlan, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, what to collect first."""
    about = (
        f"{found.metric.name} = {found.metric.definition}; pilot: {found.source.name}, "
        f"{plural(found.source.rows, 'row')}"
    )
    parts = opening(words.answers(found), found.notes, about)
    parts += [Text(), lay_out(cells_table(found, SHOWN), width)]
    hidden = len(found.cells) - SHOWN
    if hidden > 0:
        parts.append(Text(f"… {hidden:,} more in --json, --csv and --html", style="dim"))
    parts += [Text(sentence) for sentence in words.unknown(found)]
    if found.rules:
        parts += [
            Text(),
            Text("The same money by each rule (as the pilot's values have it)", style="bold"),
        ]
        parts.append(lay_out(rules_table(found), width))
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)
