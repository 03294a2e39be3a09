"""Effects as tables for a terminal."""

from collections.abc import Iterator

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.differential import words
from evenhand.differential.result import Effects, GroupEffect
from evenhand.pages.caveats import before_numbers
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import direction, p_value, plural, rate
from evenhand.pages.sampled import sampled
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.pages.terminal import lay_out

#: Lines of each table; the rest is in the other outputs.
SHOWN, CONDITIONS = 12, 30
#: Groups beside each other in the costs.
GROUPS = 24


def render_terminal(found: Effects, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, findings first."""
    parts: list[RenderableType] = [_heading(found), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(found.notes)]
    parts += [Text(sentence, style="bold") for sentence in words.sentences(found)]
    parts += [Text(), *_overall(found, width)]
    for by in found.by:
        parts += _matrix(found, by, width)
        parts += [Text(), *_differentials(found, by, width)]
    if found.doses:
        parts += [
            Text(),
            Text(f"Against {found.settings.dose}: in --json and --html.", style="dim"),
        ]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)


def _heading(found: Effects) -> Text:
    text = Text()
    plain = found.overall[0].estimate
    text.append(f"{found.metric.name} {rate(plain.value)}", style="bold")
    text.append(f" under {found.reference}", style="bold")
    text.append(
        f"  = {found.metric.definition}; {direction(found.metric.higher_is_worse)}\n", style="dim"
    )
    units = f", {count_units(plain.n_units or 0, found.unit)}" if found.unit else ""
    units += sampled(found.weight, found.stratum, plain.effective_sample_size)
    number = len(found.conditions)
    text.append(
        f"{found.source.name}: {plural(found.source.rows, 'row')}{units}, {number} "
        f"condition{'s' * (number != 1)} against {words.reference(found, advice='; --reference names another')}",
        style="dim",
    )
    return text


def _titled(title: str, table: Table, width: int, *, named: int = 1) -> RenderableType:
    """A table under its title, which may be wider."""
    return Lines(Text(title, style="bold"), lay_out(table, width, named=named))


def _overall(found: Effects, width: int) -> Iterator[RenderableType]:
    columns = (
        TableColumn(head="condition", left=True, fold=True),
        TableColumn(head=found.metric.name),
        TableColumn(head="cost"),
        TableColumn(head="(all at once)", left=True),
        TableColumn(head="", left=True),
    )
    ranked = sorted(found.overall[1:], key=lambda o: -((o.cost and o.cost.value) or 0.0))
    rows: list[list[TableCell | str]] = [
        [
            one.condition,
            rate(one.estimate.value),
            words.effect(one.cost, found),
            words.span(one.cost, found),
            TableCell(words.paid_mark(one.verdict, one.cost), kind=words.kind(one.verdict)),
        ]
        for one in ranked[:CONDITIONS]
    ]
    yield _titled("everybody", table_of("everybody", columns, rows), width)
    if len(ranked) > CONDITIONS:
        yield Text(f"… {len(ranked) - CONDITIONS:,} more", style="dim")


def _matrix(found: Effects, by: tuple[str, ...], width: int) -> Iterator[RenderableType]:
    """Cost of each condition to each group; nothing where there is one of either."""
    labels = words.labels(found, by)
    if len(found.conditions) < 2 or len(labels) < 2:
        return
    shown = list(labels)[:GROUPS]
    cells = {(one.condition, one.predicate): one for one in found.groups if one.by == by}
    rows: list[list[TableCell | str]] = [
        [condition, *(_cell(cells[condition, predicate], found) for predicate in shown)]
        for condition in found.conditions[:CONDITIONS]
    ]
    named = TableColumn(head="condition", left=True, fold=True)
    columns = (named, *(TableColumn(head=labels[predicate]) for predicate in shown))
    title = f"cost by {' × '.join(by)} (▲ more than the others, proven)"
    yield Text()
    yield _titled(title, table_of(title, columns, rows), width)
    if len(labels) > len(shown):
        yield Text(
            f"… {plural(len(labels) - len(shown), 'more group')} in --json and --html", style="dim"
        )


def _cell(one: GroupEffect, found: Effects) -> TableCell:
    more = one.verdict == "costs more"
    text = ("▲" if more else "") + words.effect(one.cost, found)
    return TableCell(text, kind="worse" if more else "")


def _differentials(found: Effects, by: tuple[str, ...], width: int) -> Iterator[RenderableType]:
    own = [one for one in found.groups if one.by == by and one.differential is not None]
    ranked = sorted(own, key=rank)
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="condition", left=True, fold=True),
        TableColumn(head=found.metric.name, need=2),
        TableColumn(head="cost"),
        TableColumn(head="beyond"),
        TableColumn(head="(all at once)", left=True),
        TableColumn(head="adj. p", need=1),
        TableColumn(head="verdict", left=True),
    )
    title = f"{' × '.join(by)}: cost beyond that of the others"
    table = table_of(title, columns, (_row(one, found) for one in ranked[:SHOWN]))
    yield _titled(title, table, width, named=2)
    hidden = len(ranked) - SHOWN
    if hidden > 0:
        yield Text(f"… {hidden:,} more in --json and --html", style="dim")


def _row(one: GroupEffect, found: Effects) -> list[TableCell | str]:
    return [
        one.label,
        one.condition,
        rate(one.estimate.value),
        words.effect(one.cost, found),
        words.effect(one.differential, found),
        words.span(one.differential, found),
        p_value(one.differential.p_adjusted if one.differential else None),
        TableCell(words.mark(one), kind=words.kind(one.verdict)),
    ]


def rank(one: GroupEffect) -> float:
    """Order of differential effects: the most harmful first, the unknown last."""
    value = one.differential.value if one.differential else None
    return float("inf") if value is None else -value
