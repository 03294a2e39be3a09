"""Services as the host registers them: checked, named, and known by the hash of their configuration."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.bounty.files import hash_of
from evenhand.bounty.roster import RegisteredService
from evenhand.deferred import Deferred
from evenhand.errors import InputError

_SERVICES = Deferred("evenhand.trials.wiring")


def registered_services(
    tables: Sequence[Mapping[str, Any]], folder: Path
) -> list[RegisteredService]:
    """Services of tables as a trial has them; each is built once, to be checked, and not called.

    Raises
    ------
    InputError
        For a table that describes none, or has no name.
    """
    if not tables:
        raise InputError("No service is described.  Write [[services]] before each.")
    make_importable(tables, folder)
    out = []
    for number, table in enumerate(tables, 1):
        name = table.get("name") if isinstance(table, Mapping) else None
        if not isinstance(name, str) or not name.strip():
            raise InputError(
                f'Service number {number} has no name, which submissions need: name = "fast".'
            )
        _SERVICES.wire(table, folder=folder, own_code=True)
        config = dict(table)
        out.append(
            RegisteredService(
                name=name, config=config, folder=str(folder.resolve()), sha256=hash_of(config)
            )
        )
    doubled = {one.name for one in out if sum(other.name == one.name for other in out) > 1}
    if doubled:
        raise InputError(f"Two services are called {min(doubled)!r}.  Give each a name.")
    return out


def make_importable(tables: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Functions are looked for beside the file that names them, as in a trial's plan."""
    here = str(folder.resolve())
    own = any(isinstance(table, Mapping) and table.get("kind") == "python" for table in tables)
    if own and here not in sys.path:
        sys.path.insert(0, here)
