"""What a person adds to a report on the command line: the day, and plain names."""

import tomllib
from datetime import datetime
from pathlib import Path

from evenhand.errors import InputError


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
