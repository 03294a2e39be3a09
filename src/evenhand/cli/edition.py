"""What a person adds to a report on the command line: the day, and plain names that fit what was found."""

import sys
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from evenhand.audits.result import Audit
from evenhand.differential.result import Effects
from evenhand.errors import InputError
from evenhand.pages.edition import Edition


def today() -> str:
    """The day here, as ``2026-03-01``."""
    return datetime.now().astimezone().date().isoformat()


def read_labels(path: Path) -> dict[str, str]:
    """Plain names by what they stand for.

    Raises
    ------
    InputError
        Where the file cannot be read, is no TOML, or gives a name that is no text.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--labels {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"--labels {path} is no TOML: {error}.  {_FORM}") from error
    for name, label in found.items():
        if not isinstance(label, str):
            raise InputError(f"--labels {path}: {name} is {label!r}, but must be text.  {_FORM}")
    return found


_FORM = 'Write a line for each name: sex = "gender", or "race=Other" = "all others".'


def fit(edition: Edition, found: Sequence[Audit | Effects]) -> Edition:
    """The edition with values kept apart that labels would call alike; labels of nothing are told."""
    values: dict[str, dict[object, None]] = {}
    names: list[str] = []
    for one in found:
        names.append(one.metric.title)
        if isinstance(one, Effects):
            values.setdefault(one.condition, {}).update(
                dict.fromkeys((one.reference, *one.conditions))
            )
        for group in one.groups:
            if group.group == {group.predicate: True}:
                names.append(group.predicate)
                continue
            for column, value in group.group.items():
                values.setdefault(column, {})[value] = None
    absent = edition.unknown(names, values)
    if absent:
        told = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
        print(f"--labels: nothing here is called {told}.", file=sys.stderr)
    return edition.apart(values)
