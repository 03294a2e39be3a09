"""The standard input as tables: JSON lines as they come, all else when it ends."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from evenhand.watching import StreamPart

#: Bytes of lines that are one table, at most.
PORTION = 1 << 24
#: What may stand before the first line: blanks, and the mark of byte order.
_BLANK = b" \t\r\n\xef\xbb\xbf"


def input_tables(folder: Path, stream: BinaryIO | None = None) -> Iterator[str | StreamPart]:
    """Files of what arrives, lines or a whole table; kept in a folder that the caller deletes.

    Parameters
    ----------
    folder : Path
    stream : file, optional
        The standard input, where not given.
    """
    stream = sys.stdin.buffer if stream is None else stream
    first = _start(stream)
    if not any(line.lstrip(_BLANK).startswith(b"{") for line in first.splitlines()):
        ending = "parquet" if first[:4] == b"PAR1" else "csv"
        rest = stream.read() if first else b""
        if first:
            yield _written(folder, "0", ending, first + rest)
        return
    number, lines, unread = 0, first.lstrip(_BLANK), 0
    keys: dict[str, None] = {}
    while lines:
        end = lines.rfind(b"\n") + 1 if first else len(lines)
        if end:
            kept, wrong = _objects(lines[:end], keys)
            unread += wrong
            if kept:
                yield _part(folder, str(number), kept, unread)
                number, unread = number + 1, 0
            lines = lines[end:]
        if not first:
            break
        first = _some(stream)
        lines += first


def _start(stream: BinaryIO) -> bytes:
    """What comes first, until it is known what it is: an object, or two lines that are none."""
    first = _some(stream)
    while not first.lstrip(_BLANK).startswith(b"{") and len(first.lstrip(_BLANK).splitlines()) < 3:
        more = _some(stream)
        if not more:
            break
        first += more
    return first


def _part(folder: Path, name: str, lines: Sequence[bytes], unread: int = 0) -> StreamPart:
    """Lines as a part of a stream, which can be halved."""

    def halves() -> Sequence[StreamPart]:
        middle = len(lines) // 2
        if not middle:
            return ()
        parts = {"a": lines[:middle], "b": lines[middle:]}
        return [_part(folder, f"{name}-{side}", own) for side, own in parts.items()]

    return StreamPart(_written(folder, name, "jsonl", b"".join(lines)), unread, halves)


def _objects(lines: bytes, keys: dict[str, None]) -> tuple[list[bytes], int]:
    """The lines that are JSON objects, and how many are not.

    Keys that were seen before and are in none of these lines are added to the first: a row without a label is a row.
    """
    kept: list[bytes] = []
    wrong, own = 0, dict[str, None]()
    for line in lines.splitlines(keepends=True):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
        except ValueError:
            read = None
        if isinstance(read, dict):
            own.update(dict.fromkeys(read))
            kept.append(line if line.endswith(b"\n") else line + b"\n")
        wrong += not isinstance(read, dict)
    absent = [key for key in keys if key not in own]
    if kept and absent:
        filled = {**json.loads(kept[0]), **dict.fromkeys(absent)}
        kept[0] = json.dumps(filled, ensure_ascii=False).encode() + b"\n"
    keys.update(own)
    return kept, wrong


def _some(stream: BinaryIO) -> bytes:
    """What there is, waiting for something."""
    read1 = getattr(stream, "read1", stream.read)
    return bytes(read1(PORTION))


def _written(folder: Path, name: str, ending: str, data: bytes) -> str:
    path = folder / f"standard-input-{name}.{ending}"
    path.write_bytes(data)
    return str(path)
