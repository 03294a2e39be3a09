"""Files of results that a rule reads: whether their rows are still those of the table, and how old they are."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.errors import InputError, Note
from evenhand.gates.facts import freshness_check, moment_of
from evenhand.gates.result import RuleCheck
from evenhand.gates.rules import Rule
from evenhand.questions.command import joined_files
from evenhand.records.files import fingerprint
from evenhand.records.output import input_files
from evenhand.watching.result import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOfResults:
    """The table of which a file of results is, as far as a policy reaches it.

    Attributes
    ----------
    name : str
        What the file calls it.
    command : str
        What made the file.
    reached : bool
        Whether the table lies where the policy can read it, and the file has its hash.
    same : bool
        Whether it is, byte for byte, still the one that was judged.
    """

    name: str
    command: str
    reached: bool
    same: bool = False


def table_of_results(rule: Rule, given: dict[str, Any], folder: Path, path: Path) -> TableOfResults:
    """Look for the table of some results: where the rule names it, else beside the policy and the file.

    Raises
    ------
    InputError
        Where the rule names a table that is not there, or is no file.
    """
    source = given.get("source")
    told: dict[str, Any] = source if isinstance(source, dict) else {"name": source, **given}
    name, made = str(told["name"]), told.get("sha256")
    command = str(given.get("command") or (given.get("settings") or {}).get("command") or "")
    found = _files(rule, name, command, folder, path)
    if made is None or not found:
        return TableOfResults(name=name, command=command, reached=False)
    same = fingerprint(found) == made
    return TableOfResults(name=name, command=command, reached=True, same=same)


def _files(rule: Rule, name: str, command: str, folder: Path, path: Path) -> list[Path]:
    """Files of a table, and those that were joined to it; none where some cannot be found."""
    if "table" not in rule.given:
        places = [_beside(one, folder, path) for one in (name, *joined_files(command))]
        return [file for files in places for file in files] if all(places) else []
    table = rule.given["table"]
    if not isinstance(table, str) or ("://" in table and not table.startswith("duckdb:")):
        raise InputError("table: beside results it must be a file, whose hash can be compared.")
    own = input_files(table if "://" in table else str(folder / table))
    if not own:
        raise InputError(
            f"table: {folder / table}: no such file.  Paths are looked for beside the policy."
        )
    joined = [_beside(one, folder, path) for one in joined_files(command)]
    return [*own, *(file for files in joined for file in files)] if all(joined) else []


def _beside(name: str, folder: Path, path: Path) -> list[Path]:
    """Files of a name, as it was written or without its folders."""
    if not name.strip() or "**" in name:  # nobody waits for a walk through all folders
        return []
    if "://" in name:
        return input_files(name)
    names = dict.fromkeys((name, Path(name).name))
    places = [str(at / one) for one in names for at in dict.fromkeys((folder, path.parent, Path()))]
    return next((found for place in places if (found := input_files(place))), [])


def provenance_checks(
    rule: Rule,
    table: TableOfResults,
    newest: datetime.datetime | None,
    path: Path,
    now: datetime.datetime,
) -> Iterator[RuleCheck]:
    """Open where the table is another by now; and how old its newest row is, where that is demanded."""
    if table.reached and not table.same:
        yield RuleCheck.undecided(
            "results",
            reason="table_changed",
            sentence=(
                f"{path.name} is not of {rule.get('table') or table.name} as it is now: the table was changed since, "
                f"or is another.{_again(table.command, path)}"
            ),
        )
    if "table" in rule.given and not table.reached:
        yield RuleCheck.undecided(
            "results",
            reason="no_hash",
            sentence=(
                f"Nothing ties {path.name} to {rule.given['table']}: it holds no hash of its rows, or files that were "
                "joined to them are not found."
            ),
        )
    if rule.oldest is not None:
        yield freshness_check(
            rule, newest, now, "row" if "time" in rule.given else "row of the watch"
        )


def _again(command: str, path: Path) -> str:
    return f"  Make it anew: {command} > {path.name}" if command else ""


def newest_told(rule: Rule, given: dict[str, Any], path: Path) -> datetime.datetime | None:
    """When the newest row of a watch was made; `None` where it says nothing, and of other results.

    Raises
    ------
    InputError
        Where the rule demands an age, and nothing says one.
    """
    if given["schema"] != Watch.SCHEMA:
        if rule.oldest is not None:
            raise InputError(
                f"{path} does not say when its rows were made.  Name their table and its column of dates beside "
                "results: table = …, time = …"
            )
        return None
    points = [point for group in Watch.from_dict(given).groups for point in group.history]
    times = [point.until.time for point in points if point.until.time is not None]
    if rule.oldest is not None and not times:
        raise InputError(
            f"{path} is of a watch without dates.  Name their column: evenhand watch … --time COLUMN"
        )
    return max((moment_of(time, f"{path}, history,") for time in times), default=None)


def provenance_notes(
    rule: Rule,
    table: TableOfResults,
    newest: datetime.datetime | None,
    path: Path,
    now: datetime.datetime,
) -> Iterator[Note]:
    """How old results are that no demand keeps young: what is old must not pass unseen."""
    other = rule.shared if isinstance(rule.shared, str) and "table" not in rule.given else None
    if other is not None and Path(other).name != Path(table.name).name:
        text = f"{path.name} is of {table.name}, while the policy's table is {other}."
        yield Note(code="other_table", text=text)
    if rule.oldest is not None:
        return
    if newest is not None:
        told = newest.date().isoformat()
        text = f"The newest row of {path.name} is of {told}, and nothing demands that it be young: not_older_than."
        yield Note(code="age_of_results", text=text)
        return
    if table.reached:
        return
    days = (now.timestamp() - path.stat().st_mtime) // 86_400
    least = f" (at least {days:,.0f} days ago)" if days >= 1 else ""
    yield Note(
        code="age_of_results",
        text=(
            f"{path.name} does not say when it was made{least}, and its rows ({table.name}) cannot be compared with "
            "those of today: nobody can tell whether it is still true.  Name their file beside results: table = …, and "
            "where they have dates also time = … and not_older_than = …"
        ),
    )
