"""A gate as a table for a terminal."""

from collections.abc import Iterator

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.gates import words
from evenhand.gates.result import Gate, RuleAnswer
from evenhand.gates.tables import rules_table
from evenhand.pages.caveats import before_numbers
from evenhand.pages.commands import readable
from evenhand.pages.terminal import lay_out

#: Checks shown of a rule.
SHOWN = 10
_STYLES = {"pass": "bold green", "fail": "bold red", "insufficient evidence": "bold yellow"}


def render_terminal(found: Gate, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know."""
    parts: list[RenderableType] = [
        Text(words.headline(found), style=_STYLES[found.answer]),
        Text(),
        *(Text(f"! {note}", style="yellow") for note in before_numbers(words.caveats(found))),
        lay_out(rules_table(found), width),
    ]
    for rule in (*found.of("fail"), *found.of("insufficient evidence")):
        if lines := list(_lines(rule)):
            parts += [Text(), Text(rule.name, style="bold"), *lines]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)


def _lines(rule: RuleAnswer) -> Iterator[Text]:
    """What the table does not say of a rule."""
    checks = words.beyond_first(rule)
    yield from (Text(f"  {check.sentence}") for check in checks[:SHOWN])
    if len(checks) > SHOWN:
        yield Text(f"  … {len(checks) - SHOWN:,} more in --json and --html", style="dim")
    yield from (Text(f"  {word}: {text}", style="dim") for word, text in words.obligations(rule))
    if rule.command:
        yield Text(f"  Look closer: {readable(rule.command)}", style="dim")
