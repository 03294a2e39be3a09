"""Services as the host registers them: checked, named, and known by the hash of their configuration."""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    out = []
    for number, table in enumerate(tables, 1):
        name = table.get("name") if isinstance(table, Mapping) else None
        if not isinstance(name, str) or not name.strip():
            raise InputError(
                f'Service number {number} has no name, which submissions need: name = "fast".'
            )
        config = dict(table)
        out.append(
            RegisteredService(
                name=name,
                config=config,
                folder=str(folder.resolve()),
                sha256=hash_of(config),
                version=version_of(config, folder),
            )
        )
    doubled = {one.name for one in out if sum(other.name == one.name for other in out) > 1}
    if doubled:
        raise InputError(f"Two services are called {min(doubled)!r}.  Give each a name.")
    return out


def version_of(config: Mapping[str, Any], folder: Path) -> str:
    """What changes when a service's own code or files do; empty where that cannot be told.

    Raises
    ------
    InputError
        Where the configuration describes no service.
    """
    with importable(config, folder):
        built = [_SERVICES.wire(config, folder=folder, own_code=True).service for _ in range(2)]
    first, again = (str(getattr(service, "version", "")) for service in built)
    # An object's state cannot be compared: it has another version each time.
    return first if first == again else ""


def check_unchanged(service: RegisteredService) -> None:
    """Refuse a service whose code or files are not those that were registered."""
    if service.version and version_of(service.config, Path(service.folder)) != service.version:
        raise InputError(
            f"The service {service.name!r} is not the one that was registered: its code, its files or its package "
            "have changed.  Put them back, or register the new one under another name: evenhand bounty service."
        )


@contextmanager
def importable(config: Mapping[str, Any], folder: Path) -> Iterator[None]:
    """Functions are looked for beside the file that names them, and nowhere else are their modules kept.

    Two folders may each have a ``bots.py``: what the one imported must not answer for the other.
    """
    if config.get("kind") != "python":
        yield
        return
    here, before = folder.resolve(), sys.path[:]
    top = str(config.get("function", "")).partition(":")[0].partition(".")[0]
    others = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == top and _beside(top, here) and not _lies_in(top, here)
    }
    for name in others:
        del sys.modules[name]
    known = set(sys.modules)
    sys.path.insert(0, str(here))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
        new = set(sys.modules) - known
        for name in [name for name in new if _lies_in(name.partition(".")[0], here)]:
            del sys.modules[name]
        sys.modules.update(others)


def _beside(top: str, folder: Path) -> bool:
    return (folder / f"{top}.py").is_file() or (folder / top).is_dir()


def _lies_in(top: str, folder: Path) -> bool:
    """Whether a module, or a package, lies in a folder itself, as what is installed does not."""
    place = getattr(sys.modules.get(top), "__file__", None)
    if place is None:
        return False
    path = Path(place).resolve()
    return folder in (path.parent, path.parents[1] if path.name == "__init__.py" else path.parent)
