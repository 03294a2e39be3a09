"""Files of a bounty: one text for each value, written whole or not at all, known by their hash."""

import hashlib
import os
from pathlib import Path
from typing import Any

from evenhand.results.canonical import canonical_json


def canonical(value: Any) -> bytes:
    """The one JSON text of a value, see `canonical_json`."""
    return canonical_json(value, "this text")


def sha256(data: bytes) -> str:
    """What data are known by."""
    return hashlib.sha256(data).hexdigest()


def hash_of(value: Any) -> str:
    """What a value is known by: the hash of its one JSON text."""
    return sha256(canonical(value))


def sha256_of(path: Path) -> str:
    """What a file is known by."""
    return sha256(path.read_bytes())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a directory to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
