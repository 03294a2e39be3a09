"""``evenhand doctor``: whether everything is here that the commands need, and whether a report keeps its secrets."""

import json as json_module
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evenhand.audits import audit
from evenhand.audits.disclosure.attack import Attack
from evenhand.audits.disclosure.attack import attack as attack_reports
from evenhand.audits.disclosure.printed import read_printed
from evenhand.cli.kinds import Flag
from evenhand.errors import EXIT_ERROR, EvenhandError, InputError, inert_text

#: A hidden number follows from a report.
EXIT_LEAK = 1

_NEEDED = ("duckdb", "numpy", "pyarrow", "rapidfuzz", "scipy", "sqlglot")
_OPTIONAL = {
    "adbc-driver-postgresql": "postgresql:// tables: pip install 'evenhand[postgres]'",
    "fairlearn": "fairlearn's repairs in evenhand fix: pip install 'evenhand[fix]'",
    "distributed": "workers of a dask cluster for trials: pip install 'evenhand[dask]'",
    "pyspark-client": "sc:// tables, data frames of Spark: pip install 'evenhand[spark]'",
}


def doctor(
    *,
    attack: Path | None = None,
    suppress_below: int | None = None,
    json: Flag = False,
) -> int:
    """Check the installation, or attack a published report.

    Parameters
    ----------
    attack
        A report of `evenhand audit` (JSON, CSV or HTML): say which hidden numbers follow from those shown.
        Ends with 1 where one does.
    suppress_below
        With --attack: fewest people of a group that may be known, where the report does not say it.
    json
        Print JSON instead of a table.
    """
    if attack is not None:
        return _attack(attack, suppress_below, json=json)
    if suppress_below is not None:
        raise InputError("--suppress-below is for a report: name it with --attack FILE.")
    return _check(json=json)


def _attack(path: Path, minimum: int | None, *, json: bool) -> int:
    """Tell what follows of a report's hidden numbers."""
    printed = read_printed(path)
    fewest = minimum if minimum is not None else max(one.minimum for one in printed)
    if fewest < 1:
        raise InputError(
            f"{path} does not say below which size groups were to be hidden.  Give the number with "
            "--suppress-below, or make the report with `evenhand audit --suppress-below 10`."
        )
    found = attack_reports(printed, minimum)
    if json:
        told = {"hidden": found.hidden, "leaks": [asdict(leak) for leak in found.leaks]}
        print(json_module.dumps({"suppress_below": fewest, **told}, ensure_ascii=False))
    else:
        for sentence in _sentences(found, fewest):
            print(inert_text(sentence))
    return EXIT_LEAK if found.leaks else 0


def _sentences(found: Attack, fewest: int) -> Iterator[str]:
    yield from (leak.text for leak in found.leaks)
    groups = f"{found.hidden:,} hidden {'group' if found.hidden == 1 else 'groups'}"
    looked = f"the numbers of {groups}, and of all sets of fewer than {fewest} that follow from those shown"
    number = len(found.leaks)
    if number:
        yield f"{number:,} {'number leaks' if number == 1 else 'numbers leak'}.  Attacked were {looked}."
    else:
        yield f"Nothing leaks.  Attacked were {looked}; in this file alone, not together with others."


def _check(*, json: bool) -> int:
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
            absent = f"absent; needed for {_OPTIONAL.get(name, 'everything')}"
            table.add_row(name, escape(number or absent))
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
