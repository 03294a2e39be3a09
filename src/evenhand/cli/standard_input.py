"""The standard input as tables: JSON lines as they come, all else when it ends."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

#: Bytes of lines that are one table, at most.
PORTION = 1 << 24


def input_tables(folder: Path, stream: BinaryIO | None = None) -> Iterator[str]:
    """Files of what arrives, each whole lines; kept in a folder that the caller deletes.

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
    number, lines = 0, first
    while first:
        end = lines.rfind(b"\n") + 1
        if end:
            yield _written(folder, number, "jsonl", lines[:end])
            number, lines = number + 1, lines[end:]
        first = _some(stream)
        lines += first
    if lines.strip():
        yield _written(folder, number, "jsonl", lines)


def _some(stream: BinaryIO) -> bytes:
    """What there is, waiting for something."""
    read1 = getattr(stream, "read1", stream.read)
    return bytes(read1(PORTION))


def _written(folder: Path, number: int, ending: str, data: bytes) -> str:
    path = folder / f"standard-input-{number}.{ending}"
    path.write_bytes(data)
    return str(path)
