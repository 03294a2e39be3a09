"""Models as they are named on the command line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evenhand.bounty.task.task import read_table
from evenhand.errors import InputError, unknown_name


def model_named(
    path: Path | None, constant: str | None, reads: str, option: str
) -> bytes | dict[str, Any] | None:
    """A model as it is named on the command line; `None` where none is."""
    if path is not None and constant is not None:
        raise InputError(f"{option} and --constant are two models.  Choose one.")
    if path is not None:
        return read_file(path)
    if constant is None:
        return None
    if reads == "class":
        return {"constant": constant}
    try:
        numbers = [float(item) for item in constant.split(",")]
    except ValueError as error:
        raise InputError(f"--constant {constant!r} must be a number here.") from error
    return {"constant": numbers if reads == "probabilities" else numbers[0]}


def read_file(path: Path) -> bytes:
    """What a file holds, or why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def lookup_of(table: str, key: str, reads: str) -> dict[str, Any]:
    """Answers by a key, from a table with the columns `key` and ``prediction``."""
    if reads not in ("class", "value"):
        raise InputError(
            "A table of predictions holds classes or numbers; this bounty reads neither."
        )
    rows = read_table(table)
    absent = [name for name in (key, "prediction") if name not in rows.column_names]
    if absent:
        raise InputError(unknown_name("column", absent[0], rows.column_names))
    keys, answers = (rows[name].to_pylist() for name in (key, "prediction"))
    found: dict[str, Any] = {}
    for name, answer in zip(keys, answers, strict=True):
        if name is None or answer is None:
            raise InputError(f"{table} has a row without {key} or without a prediction.")
        if str(name) in found:
            raise InputError(f"{table} has two rows for {key} {name}.  One answer each.")
        found[str(name)] = str(answer) if reads == "class" else answer
    return {"key": key, "answers": found}


def services_of(path: Path) -> list[Mapping[str, Any]]:
    """The ``[[services]]`` of a TOML file."""
    try:
        given = tomllib.loads(read_file(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    found = given.get("services")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(
            f"{path} has no services.  Write [[services]] before each, as a trial does."
        )
    return found
