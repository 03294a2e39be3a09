"""``evenhand metrics``: what can be measured, and how to write it."""

import json as json_module

from rich.console import Console
from rich.table import Table

from evenhand.cli.kinds import Flag
from evenhand.metrics import FAMILIES, Definition


def metrics(*, json: Flag = False) -> None:
    """List the metrics and how to write them.

    Parameters
    ----------
    json
        Print JSON instead of a table.
    """
    if json:
        print(
            json_module.dumps(
                [_plain(family, item) for family, items in FAMILIES.items() for item in items],
                indent=2,
            )
        )
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("definition")
    for family, items in FAMILIES.items():
        table.add_row(f"[bold]{family}[/bold]")
        for item in items:
            table.add_row(f"  {item.name}", f"{item.definition}\n[dim]{item.usage}[/dim]")
    Console(highlight=False).print(table)


def _plain(family: str, definition: Definition) -> dict[str, object]:
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
