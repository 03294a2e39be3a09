"""Source behind a service: a module with those beside it that it imports, a program's own files."""

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

#: Larger files are models or data: their size and time of change tell them apart.
_LARGEST = 16 * 2**20


def module_digest(function: Any) -> str:
    """Digest of the source of a function's module and of the modules beside it that it imports.

    Empty for what was typed in (a notebook, ``python -c``) or is installed as a package.
    """
    owner = function if hasattr(function, "__module__") else type(function)
    module = sys.modules.get(str(owner.__module__))
    place = getattr(module, "__file__", None)
    if place is None or owner.__module__ == "__main__":
        return ""
    path = Path(place).resolve()
    if path.suffix != ".py" or is_installed(path):
        return ""
    depth = str(owner.__module__).count(".") + (path.name == "__init__.py")
    return _digest(list(imported_files(path, path.parents[depth])))


def files_digest(names: Sequence[str]) -> str:
    """Digest of the files among a program's arguments; Python files with what they import."""
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        try:
            there = path.is_file()
        except (OSError, ValueError):
            there = False
        if there and not is_installed(path.resolve()):
            more = imported_files(path.resolve(), path.resolve().parent)
            found |= dict.fromkeys(more if path.suffix == ".py" else [path.resolve()])
    return _digest(list(found)) if found else ""


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python or to an installed package, which has a version of its own."""
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return True
    return path.is_relative_to(Path(sysconfig.get_paths()["stdlib"]).resolve())


def imported_files(path: Path, root: Path) -> Iterator[Path]:
    """Python file and all below a folder that it imports, also within functions."""
    waiting, seen = [path], set()
    while waiting:
        each = waiting.pop(0)
        if each in seen:
            continue
        seen.add(each)
        yield each
        for name in _imports(each, root):
            waiting += [found for found in _places(root, name) if found.is_file()]


def _places(root: Path, name: str) -> Iterator[Path]:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:end])
        yield place.with_suffix(".py")
        yield place / "__init__.py"


def _imports(path: Path, root: Path) -> list[str]:
    """Names of the modules that a file imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = _package(path, root, node.level) if node.level else []
            whole = [*start, *([node.module] if node.module else [])]
            found += [".".join([*whole, alias.name]) for alias in node.names]
    return found


def _package(path: Path, root: Path, level: int) -> list[str]:
    """Package that a relative import of a file starts from."""
    try:
        parts = path.parent.relative_to(root).parts
    except ValueError:
        return []
    return list(parts[: len(parts) - level + 1])


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        if path.stat().st_size > _LARGEST:
            digest.update(f"{path.stat().st_size} {path.stat().st_mtime_ns}".encode())
        else:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
