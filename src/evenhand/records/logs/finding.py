"""Which files of a path, a glob or a folder are logs, and whose."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evenhand.errors import InputError
from evenhand.records.files import check_pattern
from evenhand.records.logs.catalogue import reader_called, reader_of
from evenhand.records.logs.reader import LogReader
from evenhand.records.output import matching_files


def find_logs(pattern: str, read: str | None) -> tuple[list[Path], LogReader | None]:
    """Logs that a path, glob or folder names, and their reader; no reader where they are tables.

    Parameters
    ----------
    pattern : str
    read : str, optional
        The reader that a person named.

    Raises
    ------
    InputError
        Where a folder holds no log, or the logs are of several tools.
    """
    check_pattern(pattern)
    named = reader_called(read) if read is not None else None
    whole = Path(pattern)
    found: list[tuple[Path, LogReader | None]] = []
    if whole.is_dir():
        found += _under(whole, named)
        if not found:
            what = f"no log of {named.title}" if named else "no log of another tool that is known"
            raise InputError(
                f"{pattern} is a folder.  Name its files, for example {pattern}/*.csv; {what} lies in it."
            )
    else:
        found += [(path, named or reader_of(path)) for path in matching_files(pattern)]
    readers = {reader.name: reader for _, reader in found if reader is not None}
    if not readers:
        return [path for path, _ in found], None
    stray = next((path for path, reader in found if reader is None), None)
    if len(readers) > 1 or stray is not None:
        raise InputError(_mixed(found))
    return [path for path, _ in found], next(iter(readers.values()))


def _under(folder: Path, named: LogReader | None) -> Iterator[tuple[Path, LogReader]]:
    """Logs in a folder and the folders in it; what is no log there is left alone."""
    own = reader_of(folder)
    if own is not None and named in (None, own):
        yield folder, own
        return
    for item in sorted(folder.iterdir()):
        if item.name.startswith("."):
            continue
        if item.is_dir():
            yield from _under(item, named)
        elif (reader := reader_of(item)) is not None and named in (None, reader):
            yield item, reader


def _mixed(found: Sequence[tuple[Path, LogReader | None]]) -> str:
    told: dict[str, str] = {}
    for path, reader in found:
        told.setdefault("no log" if reader is None else f"of {reader.title}", path.name)
    named = ", ".join(f"{name} is {what}" for what, name in told.items())
    return (
        f"One table cannot mix logs of several tools: {named}.  Name the files of one, or say --read NAME for a "
        "folder."
    )
