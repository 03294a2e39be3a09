"""What the beginning of a file shows of whose it is."""

import codecs
import json
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evenhand.records.encodings import open_bytes

#: Bytes that are looked at.
SEEN = 1 << 16
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Glimpse:
    """A file or folder whose beginning is looked at.

    Attributes
    ----------
    path : Path
    """

    path: Path

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of a folder's files, or of an archive's members."""
        try:
            if self.path.is_dir():
                return frozenset(item.name for item in self.path.iterdir())
            if self.start.startswith(b"PK\3\4"):
                with zipfile.ZipFile(self.path) as packed:
                    return frozenset(packed.namelist())
        except (OSError, zipfile.BadZipFile, ValueError):
            pass
        return frozenset()

    @cached_property
    def start(self) -> bytes:
        """The first bytes of a file."""
        try:
            with open_bytes(self.path) as file:
                return file.read(SEEN)
        except (OSError, EOFError):
            return b""

    @cached_property
    def end(self) -> bytes:
        """The last bytes of a file, where Parquet keeps the names of its columns."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(file.seek(0, 2) - SEEN, 0))
                return file.read()
        except OSError:
            return b""

    @cached_property
    def text(self) -> str:
        """The first characters of a file of text; empty where it is none."""
        if self.start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return self.start.decode("utf-16", "replace")
        return "" if b"\0" in self.start else self.start.decode("utf-8-sig", "replace")

    @cached_property
    def first_line(self) -> str:
        """The first line that is not empty."""
        return next((line for line in self.text.splitlines() if line.strip()), "")

    @cached_property
    def json(self) -> Any:
        """The first JSON value as far as it is seen: of an object its whole first members, of an array its first."""
        return _begun(self.text.lstrip())

    def is_lines(self, ending: str, line: re.Pattern[str]) -> bool:
        """Whether the file is called so, and its first line that is no comment (``;;``) is of this form."""
        lines = (one.strip() for one in self.text.splitlines())
        first = next((one for one in lines if one and not one.startswith(";;")), "")
        return self.path.name.lower().endswith(ending) and line.match(first) is not None

    def has(self, *keys: str) -> bool:
        """Whether the first JSON object has these members."""
        return isinstance(self.json, dict) and self.json.keys() >= set(keys)

    def first(self) -> Any:
        """The first element of the first JSON array; `None` where there is none."""
        return self.json[0] if isinstance(self.json, list) and self.json else None


def _begun(text: str) -> Any:
    """A JSON value of which only the beginning may be there."""
    try:
        return _DECODER.raw_decode(text)[0]
    except (json.JSONDecodeError, RecursionError):
        pass
    if text.startswith("["):
        first = _begun(text[1:].lstrip())
        return [] if first is None else [first]
    if not text.startswith("{"):
        return None
    out: dict[str, Any] = {}
    place = 1
    while True:
        try:
            place = _skip(text, place, " \t\r\n,")
            key, place = _DECODER.raw_decode(text, place)
            place = _skip(text, place, " \t\r\n:")
            if not isinstance(key, str):
                return out
        except (json.JSONDecodeError, RecursionError, IndexError):
            return out
        try:
            out[key], place = _DECODER.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            # What is seen ends within it.
            out[key] = _begun(text[place:]) if text[place : place + 1] in ("[", "{") else None
            return out


def _skip(text: str, place: int, marks: str) -> int:
    while place < len(text) and text[place] in marks:
        place += 1
    return place
