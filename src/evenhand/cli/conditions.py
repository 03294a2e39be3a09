"""``evenhand conditions``: what can be applied to a sample, and how to write it."""

import json as json_module
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from evenhand.cli.kinds import Flag
from evenhand.conditions import DEFINITIONS, FAMILIES, ConditionDefinition
from evenhand.conditions import Parameter as Value
from evenhand.errors import InputError, unknown_name


def conditions(name: str | None = None, /, *, json: Flag = False) -> None:
    """List the conditions and how to write them.

    Parameters
    ----------
    name
        One condition in detail (tone), or one family (audio, image, text, table).
    json
        Print JSON instead of a table.
    """
    chosen = _chosen(name)
    if json:
        print(
            json_module.dumps(
                [plain(family, item) for family, items in chosen.items() for item in items],
                indent=1,
                ensure_ascii=False,
            )
        )
        return
    console = Console(highlight=False, markup=False)
    if name in DEFINITIONS:
        _detail(console, DEFINITIONS[str(name)])
    else:
        _list(console, chosen)


def _chosen(name: str | None) -> Mapping[str, Sequence[ConditionDefinition]]:
    if name is None:
        return FAMILIES
    if name in DEFINITIONS:
        found = DEFINITIONS[name]
        return {found.kind: (found,)}
    if name in FAMILIES:
        return {name: FAMILIES[name]}
    raise InputError(unknown_name("condition", name, [*FAMILIES, *sorted(DEFINITIONS)]))


def _list(console: Console, chosen: Mapping[str, Sequence[ConditionDefinition]]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("condition", no_wrap=True)
    table.add_column("what it does, and its parameters")
    for family, items in chosen.items():
        table.add_row(f"{family}:")
        for item in items:
            table.add_row(f"  {item.name}", f"{item.about}\n{_written(item)}")
    console.print(table)
    console.print("One in detail: evenhand conditions NAME", soft_wrap=True)


def _written(item: ConditionDefinition) -> str:
    """All parameters in one line, those that must be given first."""
    ordered = sorted(item.parameters, key=lambda parameter: not parameter.required)
    return "; ".join(f"{p.name}: {p.allowed}" for p in ordered) or "no parameters"


def _detail(console: Console, item: ConditionDefinition) -> None:
    for line in (item.usage, item.about, f"Source: {item.source}"):
        console.print(line, soft_wrap=True)
    if not item.parameters:
        return
    table = Table(box=None, pad_edge=False)
    for head in ("parameter", "allowed", "default", "what it is"):
        table.add_column(head)
    for parameter in item.parameters:
        table.add_row(parameter.name, parameter.allowed, _default(parameter), parameter.about)
    console.print()
    console.print(table)


def _default(parameter: Value) -> str:
    if parameter.required:
        return "must be given"
    return "–" if parameter.default is None else f"{parameter.default}"


def plain(family: str, definition: ConditionDefinition) -> dict[str, Any]:
    """Definition as plain values for JSON."""
    return {
        "name": definition.name,
        "family": family,
        "about": definition.about,
        "usage": definition.usage,
        "parameters": [
            {
                "name": p.name,
                "takes": p.takes.value,
                "unit": p.unit,
                "default": p.default,
                "low": p.low,
                "high": p.high,
                "choices": list(p.choices),
                "required": p.required,
                "about": p.about,
            }
            for p in definition.parameters
        ],
        "source": definition.source,
    }
