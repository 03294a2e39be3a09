"""Files that conditions read, kept in memory as long as they do not change."""

from pathlib import Path

from evenhand.errors import InputError


def version_of(path: str, owner: str = "") -> tuple[int, int]:
    """When a file was changed, and its size: what is read of it may be kept as long as they stay.

    Raises
    ------
    InputError
        When it cannot be read: the condition is wrong then, not the sample.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{owner}{path} cannot be read: {reason}.") from error
    return found.st_mtime_ns, found.st_size
