"""Effects as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evenhand.differential import words
from evenhand.differential.result import GroupEffect, Result

#: Lines of each table; the rest is in the other outputs.
SHOWN, CONDITIONS = 12, 30
WIDE = 100
_STYLES = {"worse": "bold red", "not": "green", "insufficient": "dim"}


def render_effects(found: Result, *, width: int) -> RenderableType:
    """Everything that a person at a terminal wants to know, findings first."""
    parts: list[RenderableType] = [_heading(found), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in words.before_numbers(found.notes)]
    parts += [Text(sentence, style="bold") for sentence in words.sentences(found)]
    parts += [Text(), _overall(found)]
    for by in found.by:
        matrix = _matrix(found, by, width)
        parts += [Text(), matrix] if matrix is not None else []
        parts += [Text(), *_differentials(found, by, wide=width >= WIDE)]
    if found.doses:
        parts += [
            Text(),
            Text(f"Against {found.settings.dose}: in --json and --html.", style="dim"),
        ]
    parts += [Text(), *(Text(note, style="dim") for note in words.notes(found))]
    return Lines(*parts)


def _heading(found: Result) -> Text:
    text = Text()
    plain = found.overall[0].estimate
    text.append(f"{found.metric.name} {words.rate(plain.value)}", style="bold")
    text.append(f" under {found.reference}", style="bold")
    text.append(f"  = {found.metric.definition}; {words.direction(found)}\n", style="dim")
    units = f", {plain.n_units or 0:,} {found.unit}s" if found.unit else ""
    number = len(found.conditions)
    text.append(
        f"{found.source.name}: {found.source.rows:,} rows{units}, {number} "
        f"condition{'s' * (number != 1)} against {found.reference}",
        style="dim",
    )
    return text


def _titled(title: str, table: Table) -> RenderableType:
    """A table under its title, which may be wider."""
    return Lines(Text(title, style="bold"), table)


def _new_table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _overall(found: Result) -> RenderableType:
    table = _new_table()
    table.add_column("condition", overflow="fold", min_width=11)
    table.add_column(found.metric.name[:12], justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("(all at once)", no_wrap=True)
    table.add_column("", no_wrap=True)
    ranked = sorted(found.overall[1:], key=lambda o: -((o.cost and o.cost.value) or 0.0))
    for one in ranked[:CONDITIONS]:
        table.add_row(
            Text(one.condition),
            words.rate(one.estimate.value),
            words.effect(one.cost, found),
            words.span(one.cost, found),
            Text(words.paid_mark(one.verdict, one.cost), style=_STYLES[words.kind(one.verdict)]),
        )
    if len(ranked) > CONDITIONS:
        table.add_row(Text(f"… {len(ranked) - CONDITIONS:,} more", style="dim"))
    return _titled("everybody", table)


def _matrix(found: Result, by: tuple[str, ...], width: int) -> RenderableType | None:
    """Cost of each condition to each group; `None` where it does not fit."""
    labels = words.labels(found, by)
    names = [label[:10] for label in labels.values()]
    widths = sum(max(len(name), 6) + 2 for name in names)
    if len(found.conditions) < 2 or len(labels) < 2 or widths + 20 > width:
        return None
    table = _new_table()
    table.add_column("condition", overflow="fold", min_width=11)
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    cells = {(one.condition, one.predicate): one for one in found.groups if one.by == by}
    for condition in found.conditions[:CONDITIONS]:
        row = [cells[condition, predicate] for predicate in labels]
        table.add_row(Text(condition), *(_cell(one, found) for one in row))
    return _titled(f"cost by {' × '.join(by)} (▲ more than the others, proven)", table)


def _cell(one: GroupEffect, found: Result) -> Text:
    more = one.verdict == "costs more"
    text = ("▲" if more else "") + words.effect(one.cost, found)
    return Text(text, style=_STYLES["worse"] if more else "")


def _differentials(found: Result, by: tuple[str, ...], *, wide: bool) -> Sequence[RenderableType]:
    own = [one for one in found.groups if one.by == by and one.differential is not None]
    ranked = sorted(own, key=rank)
    table = _new_table()
    table.add_column("group", overflow="fold", min_width=8)
    table.add_column("condition", overflow="fold", min_width=10)
    if wide:
        table.add_column(found.metric.name[:12], justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("beyond", justify="right", no_wrap=True)
    table.add_column("(all at once)", no_wrap=True)
    if wide:
        table.add_column("adj. p", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=wide)
    for one in ranked[:SHOWN]:
        adjusted = one.differential.p_adjusted if one.differential else None
        table.add_row(
            Text(one.label),
            Text(one.condition),
            *([words.rate(one.estimate.value)] if wide else []),
            words.effect(one.cost, found),
            words.effect(one.differential, found),
            words.span(one.differential, found),
            *([words.p_value(adjusted)] if wide else []),
            Text(words.mark(one), style=_STYLES[words.kind(one.verdict)]),
        )
    hidden = len(ranked) - SHOWN
    more = [Text(f"… {hidden:,} more in --json and --html", style="dim")] if hidden > 0 else []
    return [_titled(f"{' × '.join(by)}: cost beyond that of the others", table), *more]


def rank(one: GroupEffect) -> float:
    """Order of differential effects: the most harmful first, the unknown last."""
    value = one.differential.value if one.differential else None
    return float("inf") if value is None else -value
