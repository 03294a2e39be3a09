"""Switches as tables for a terminal."""

from collections.abc import Iterator

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.pages.caveats import before_numbers
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import direction, p_value, plural, rate
from evenhand.pages.table import TableCell, TableColumn, table_of
from evenhand.pages.terminal import lay_out
from evenhand.results.estimate import Estimate
from evenhand.switching import words
from evenhand.switching.result import GroupSwitch, Switches

#: Lines of each table; the rest is in the other outputs.
SHOWN = 40


def render_terminal(found: Switches, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, the answer first."""
    parts: list[RenderableType] = [Text(text, style="bold") for text in words.answers(found)]
    parts += [Text(), _heading(found), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(found.notes)]
    parts += [Text(sentence) for sentence in words.findings(found)]
    for service in found.services[1:]:
        for by in found.by:
            parts += _tables(found, service.name, by, width)
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)


def _heading(found: Switches) -> Text:
    text, first = Text(), found.overall[0].estimate
    told = (f"{one.service} {rate(one.estimate.value)}" for one in found.overall)
    text.append(f"{found.metric.name}: {', '.join(told)}", style="bold")
    text.append(
        f"  = {found.metric.definition}; {direction(found.metric.higher_is_worse)}\n", style="dim"
    )
    units = f", {count_units(first.n_units or 0, found.unit)}" if found.unit else ""
    rows = plural(found.source.rows, "row")
    text.append(f"{found.source.name}: {rows}{units}, the same for all services", style="dim")
    return text


def _tables(
    found: Switches, service: str, by: tuple[str, ...], width: int
) -> Iterator[RenderableType]:
    """What changes for each group, and what becomes of its gap to the others."""
    first, own = found.services[0].name, sorted(found.switched(service, by), key=rank)
    before = {g.predicate: g for g in found.switched(first, by)}
    crossed = " × ".join(by)
    group = TableColumn(head="group", left=True, fold=True)
    sure = TableColumn(head="(all at once)", left=True)
    verdict = TableColumn(head="verdict", left=True)
    gap = f"{first} to {service}, {crossed}: gap to the others"
    change = f"{first} to {service}, {crossed}: {found.metric.name} (above 0 is a loss)"
    heads = (TableColumn(head=first), TableColumn(head=service), TableColumn(head="change"))
    p = TableColumn(head="adj. p", need=1)
    changes: list[list[TableCell | str]] = [
        [
            one.label,
            *_values(before[one.predicate].estimate, one.estimate),
            words.effect(one.change, found),
            words.span(one.change, found),
            p_value(one.change.p_adjusted if one.change else None),
            TableCell(
                words.mark(one.verdict, one.change), kind=words.kind(one.verdict, one.change)
            ),
        ]
        for one in own[:SHOWN]
    ]
    gaps: list[list[TableCell | str]] = [
        [
            one.label,
            words.gap(before[one.predicate].gap, found),
            words.gap(one.gap, found),
            words.effect(one.gap_change, found),
            words.span(one.gap_change, found),
            p_value(one.gap_change.p_adjusted if one.gap_change else None),
            TableCell(
                words.mark(one.gap_verdict, one.gap_change),
                kind=words.kind(one.gap_verdict, one.gap_change),
            ),
        ]
        for one in own[:SHOWN]
    ]
    for title, rows in ((change, changes), (gap, gaps)):
        table = table_of(title, (group, *heads, sure, p, verdict), rows)
        yield from (Text(), Text(title, style="bold"), lay_out(table, width))
        if len(own) > SHOWN:
            yield Text(f"… {len(own) - SHOWN:,} more in --json, --csv and --html", style="dim")


def _values(*estimates: Estimate) -> Iterator[str]:
    return (rate(one.value) for one in estimates)


def rank(one: GroupSwitch) -> float:
    """Order of groups: the most that is lost first, the unknown last."""
    value = one.change.value if one.change else None
    return float("inf") if value is None else -value
