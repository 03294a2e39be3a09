"""Files that a run writes: announced before the work, refused where they would cost something, moved into place."""

import contextlib
import glob
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evenhand.errors import InputError
from evenhand.records.sheets import split_sheet

#: Bytes of a page in which its mark stands; of a JSON text that are searched for its own.
_HEAD, _MOST = 4096, 256 * 2**20
#: The mark of XML and Markdown that this program made.
MADE_HERE = "<!-- made by evenhand -->"
_PAGE = re.compile(rb'<meta name="generator" content="evenhand">|' + MADE_HERE.encode())
_SCHEMA = re.compile(rb'"schema":\s?"evenhand\.')


def matching_files(pattern: str) -> list[Path]:
    """Files that a path or glob names, sorted; none where it names none."""
    if Path(pattern).is_file():
        return [Path(pattern)]
    # Path.glob takes no absolute pattern.
    found = sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207
    return [path for path in found if path.is_file()]


def files_under(path: Path) -> list[Path]:
    """The file itself, or all files of a folder, sorted."""
    return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def input_files(place: str) -> list[Path]:
    """Files that a path, glob or ``duckdb:`` URL names; none for servers, and none where it names nothing."""
    if place.startswith("duckdb:"):
        text = place.partition("?")[0].removeprefix("duckdb:").removeprefix("//")
        return [path for path in (Path(text.removeprefix("/")), Path(text)) if path.is_file()]
    if "://" in place or "\0" in place:
        return []
    place, _ = split_sheet(place)
    return files_under(Path(place)) if Path(place).is_dir() else matching_files(place)


def check_outputs(
    outputs: Sequence[tuple[str, Path | str | None]],
    inputs: Iterable[Path],
    *,
    force: bool,
    makes_folders: bool = False,
) -> None:
    """Refuse outputs that would replace something of worth; called before the work.

    Parameters
    ----------
    outputs : sequence of (str, Path)
        The option, and the file that it names; those without one are passed over.
    inputs : iterable of Path
        Files that this run reads; they are never replaced, `force` or not.
    force : bool
        Whether a file that this program did not make may be replaced.
    makes_folders : bool
        Whether folders that do not exist yet are made.

    Raises
    ------
    InputError
        Naming the option, the file and what to do.
    """
    read = list(inputs)
    seen: dict[Path, str] = {}
    for option, given in outputs:
        if given is None:
            continue
        path = Path(given)
        target = path.resolve()
        if target in seen and not _passes_on(path):
            raise InputError(
                f"{seen[target]} and {option} both write {path}.  Name a file for each."
            )
        seen[target] = option
        _check_place(option, path, makes_folders=makes_folders)
        taken = next((one for one in read if _same(path, one)), None)
        if taken is not None:
            raise InputError(
                f"{option} {path} would replace {taken}, which this run reads.  Name another file."
            )
        if path.is_file() and not force and not made_here(path):
            raise InputError(
                f"{option} {path} exists, and Evenhand did not make it.  Name another file, or add "
                "--force to replace it."
            )


def _check_place(option: str, path: Path, *, makes_folders: bool) -> None:
    if path.is_dir():
        raise InputError(f"{option} {path} is a folder.  Name a file in it.")
    folder = path.resolve().parent
    if not folder.is_dir() and not makes_folders:
        raise InputError(f"{option} {path} cannot be written: No such file or directory: {folder}.")
    closed = path if path.exists() else folder
    if closed.exists() and not os.access(closed, os.W_OK):
        raise InputError(f"{option} {path} cannot be written: Permission denied.")


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _passes_on(path: Path) -> bool:
    """Whether what is written there is passed on, as to a pipe or a terminal."""
    return path.exists() and not path.is_file()


def made_here(path: Path) -> bool:
    """Whether a file carries our mark, or holds nothing.

    The mark is the ``generator`` of a page, a comment in XML and Markdown, the ``schema`` of JSON and of the metadata
    of Parquet.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if not head:
                return True
            if head.startswith(b"PAR1"):
                file.seek(max(size - 8, 0))
                length = int.from_bytes(file.read(4), "little")
                file.seek(max(size - 8 - length, 0))
                return _SCHEMA.search(file.read(length)) is not None
            if head.lstrip()[:1] in (b"{", b"["):
                return _SCHEMA.search(head + file.read(_MOST)) is not None
            return _PAGE.search(head) is not None
    except OSError:
        return False


def write_text(path: Path, text: str) -> None:
    """Write text beside the file and move it into place."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes beside the file and move them into place."""
    write_file(path, lambda beside: _filled(beside, data))


def _filled(beside: Path, data: bytes) -> None:
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(OSError):  # a pipe has nothing to bring to a disk
            os.fsync(file.fileno())


def append_text(path: Path, text: str) -> None:
    """Add text to the end of a file that others write to as well, on a line of its own; a new one is made.

    Raises
    ------
    InputError
        Where it cannot be written.
    """
    try:
        ends = _ends_in_line(path)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text if ends else f"\n{text}")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error


def _ends_in_line(path: Path) -> bool:
    """Whether a file is empty, or its last line is ended; what is passed on is."""
    if not path.is_file() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def write_file(path: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new file beside `path`, and move it into place.

    After a crash or on a full disk the old file is still there, or none.

    Raises
    ------
    InputError
        Where it cannot be written.
    """
    try:
        if _passes_on(path):
            fill(path)
            return
        target = path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", dir=target.parent)
        os.close(handle)
        beside = Path(name)
        try:
            fill(beside)
            beside.chmod(_mode(target))
            beside.replace(target)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error


def _mode(target: Path) -> int:
    """Rights of the file that is replaced; else those of a new one."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
