"""JSON of files from strangers: each name once, no NaN, a place for what is wrong."""

import json
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.results.protocol import no_number

#: Bytes of a file, at most.
MOST = 256 * 2**20


def read_json(path: Path, what: str, advice: str) -> tuple[Any, bytes]:
    """What a file holds, and its bytes.

    Parameters
    ----------
    path : Path
    what : str
        What it should be, for messages: `result`, `card`.
    advice : str
        What to do next.

    Raises
    ------
    InputError
        Where it cannot be read, is too large, or is no JSON that all programs read alike: a name that stands twice in
        one object is read as the first by some and as the last by others.
    """
    try:
        if path.stat().st_size > MOST:
            raise InputError(f"{path} is larger than {MOST // 2**20} MB, and no {what}.")
        data = path.read_bytes()
        if not data.strip():
            raise InputError(f"{path} is empty, and no {what}.  {advice}")
        return json.loads(data, parse_constant=no_number, object_pairs_hook=_once), data
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON of a {what}: {error}.  {advice}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return found
