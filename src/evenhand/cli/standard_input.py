"""The standard input as tables: JSON lines as they come, all else when it ends."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from evenhand.watching import StreamPart

#: Bytes of lines that are one table, at most.
PORTION = 1 << 24


def input_tables(folder: Path, stream: BinaryIO | None = None) -> Iterator[str | StreamPart]:
    """Files of what arrives, lines or a whole table; kept in a folder that the caller deletes.

    Parameters
    ----------
    folder : Path
    stream : file, optional
        The standard input, where not given.
    """
    stream = sys.stdin.buffer if stream is None else stream
    first = _some(stream)
    if first.lstrip()[:1] != b"{":
        ending = "parquet" if first[:4] == b"PAR1" else "csv"
        rest = stream.read() if first else b""
        if first:
            yield _written(folder, 0, ending, first + rest)
        return
    number, lines, unread = 0, first, 0
    while lines:
        end = lines.rfind(b"\n") + 1 if first else len(lines)
        if end:
            kept, wrong = _objects(lines[:end])
            unread += wrong
            if kept:
                yield StreamPart(_written(folder, number, "jsonl", kept), unread)
                number, unread = number + 1, 0
            lines = lines[end:]
        if not first:
            break
        first = _some(stream)
        lines += first


def _objects(lines: bytes) -> tuple[bytes, int]:
    """The lines that are JSON objects, and how many are not."""
    kept, wrong = [], 0
    for line in lines.splitlines(keepends=True):
        if not line.strip():
            continue
        try:
            whole = isinstance(json.loads(line), dict)
        except ValueError:
            whole = False
        if whole:
            kept.append(line if line.endswith(b"\n") else line + b"\n")
        wrong += not whole
    return b"".join(kept), wrong


def _some(stream: BinaryIO) -> bytes:
    """What there is, waiting for something."""
    read1 = getattr(stream, "read1", stream.read)
    return bytes(read1(PORTION))


def _written(folder: Path, number: int, ending: str, data: bytes) -> str:
    path = folder / f"standard-input-{number}.{ending}"
    path.write_bytes(data)
    return str(path)
