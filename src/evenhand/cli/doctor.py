"""``evenhand doctor``: whether everything is here that the commands need."""

import json as json_module
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from evenhand.audits import audit
from evenhand.errors import EXIT_ERROR, EvenhandError

_NEEDED = ("duckdb", "numpy", "pyarrow", "rapidfuzz", "scipy", "sqlglot")
_OPTIONAL = {"adbc-driver-postgresql": "postgresql:// tables: pip install 'evenhand[postgres]'"}


def doctor(*, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Check the installation.

    Parameters
    ----------
    json
        Print JSON instead of a table.
    """
    found = {name: _version(name) for name in (*_NEEDED, *_OPTIONAL)}
    works = _audits()
    if json:
        print(
            json_module.dumps(
                {"python": platform.python_version(), "packages": found, "works": works is None}
            )
        )
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_row("python", platform.python_version())
        for name, number in found.items():
            table.add_row(name, number or f"absent; needed for {_OPTIONAL.get(name, 'everything')}")
        table.add_row("a small audit", works or "works")
        Console(highlight=False).print(table)
    healthy = works is None and all(found[name] for name in _NEEDED)
    return 0 if healthy else EXIT_ERROR


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _audits() -> str | None:
    """Reason why a small audit fails, `None` where it works."""
    import pyarrow as pa  # noqa: PLC0415 - its absence is what is looked for

    table = pa.table(
        {"group": ["a", "b"] * 20, "said": ["yes", "yes no"] * 20, "meant": ["yes"] * 40}
    )
    try:
        audit(table, metric="wer(reference=meant, hypothesis=said)", by="group")
    except EvenhandError as error:
        return str(error)
    return None
