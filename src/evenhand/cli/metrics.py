"""``evenhand metrics``: what can be measured, and how to write it."""

import json as json_module
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.cli.kinds import Flag
from evenhand.deferred import Deferred
from evenhand.errors import InputError, unknown_name
from evenhand.metrics import DEFINITIONS, FAMILIES, Definition
from evenhand.pages.numbers import minus
from evenhand.pages.table import TableColumn, table_of
from evenhand.pages.terminal import lay_out

#: Counts the worked example, which a list does without.
_DESCRIBED = Deferred("evenhand.metrics.described")


def metrics(name: str | None = None, /, *, json: Flag = False) -> None:
    """List the metrics and how to write them.

    Parameters
    ----------
    name
        One metric in detail (wer), or one family (classification, speech).
    json
        Print JSON instead of a table.
    """
    chosen = _chosen(name)
    if json:
        plain = _detailed if name in DEFINITIONS else _plain
        told = [plain(family, item) for family, items in chosen.items() for item in items]
        print(json_module.dumps(told, indent=2))
        return
    console = Console(highlight=False)
    if name in DEFINITIONS:
        _show(console, DEFINITIONS[str(name)])
    else:
        _list(console, chosen)


def _chosen(name: str | None) -> Mapping[str, Sequence[Definition]]:
    if name is None:
        return FAMILIES
    for family, items in FAMILIES.items():
        if name == family:
            return {family: items}
        if name in (item.name for item in items):
            return {family: (DEFINITIONS[name],)}
    raise InputError(unknown_name("metric", name, [*DEFINITIONS, *FAMILIES]))


def _list(console: Console, chosen: Mapping[str, Sequence[Definition]]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("definition")
    for family, items in chosen.items():
        table.add_row(f"[bold]{family}[/bold]")
        for item in items:
            table.add_row(f"  {item.name}", f"{item.definition}\n[dim]{item.usage}[/dim]")
    console.print(table)
    console.print("One in detail: evenhand metrics NAME", soft_wrap=True)


def _show(console: Console, item: Definition) -> None:
    """A metric in detail: what it is, what it takes, and its example with what it counts."""
    lines = (
        item.usage,
        f"{item.name} = {item.definition}",
        f"{_DESCRIBED.harm(item)}  Range: {_DESCRIBED.value_range(item)}.",
        f"Differences read in {_DESCRIBED.difference_unit(item)}.",
        f"Source: {item.source}",
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    arguments = _table("argument", "takes", "needed")
    for one in item.arguments:
        cells = (one.name, _DESCRIBED.takes(one), _DESCRIBED.needed(one))
        arguments.add_row(*(_cell(cell.replace("`", "")) for cell in cells))
    worked = _DESCRIBED.work_out(item)
    rows = [[_cell(value).plain for value in row] for row in worked.rows]
    columns = [TableColumn(head=head, left=True) for head in worked.columns]
    counts = ", ".join(f"{name} {minus(f'{count:.6g}')}" for name, count in worked.counts.items())
    console.print()
    console.print(arguments)
    console.print("\nWorked example:")
    console.print(lay_out(table_of("worked example", columns, rows), console.width, named=0))
    for line in (f"Counts: {counts}", f"{worked.expression} = {minus(f'{worked.value:.6g}')}"):
        console.print(line, markup=False, soft_wrap=True)


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head)
    return table


def _cell(value: object) -> Text:
    return Text("(missing)" if value is None else "(empty)" if value == "" else str(value))


def _plain(family: str, definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "family": family,
        "definition": definition.definition,
        "usage": definition.usage,
        "arguments": [
            {
                "name": a.name,
                "takes": a.takes.value,
                "required": a.required,
                "choices": list(a.choices),
                "several": a.several,
            }
            for a in definition.arguments
        ],
        "higher_is_worse": definition.higher_is_worse,
        "source": definition.source,
    }


def _detailed(family: str, definition: Definition) -> dict[str, Any]:
    """One metric with its range and its worked example."""
    worked = _DESCRIBED.work_out(definition)
    return _plain(family, definition) | {
        "low": definition.low,
        "high": definition.high,
        "in_points": definition.in_points,
        "example": {
            "expression": worked.expression,
            "columns": dict(definition.example.columns),
            "counts": worked.counts,
            "value": worked.value,
        },
    }
