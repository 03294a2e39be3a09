"""JSON as tools write it: with bare NaN, a document of many gigabytes, a line that was cut."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import jiter

from evenhand.errors import InputError
from evenhand.records.encodings import BLOCK, open_bytes

#: Characters of one element at most; one without an end would fill the memory.
_LONGEST = 256 * 2**20
_DECODER = json.JSONDecoder()


def parsed(text: bytes, where: str) -> Any:
    """The value of a JSON text; NaN and infinities are numbers.

    Raises
    ------
    InputError
        Where it is no JSON; `where` says whose it is.
    """
    try:
        return jiter.from_json(text, cache_mode="keys")
    except ValueError as error:
        raise InputError(f"{where} is no JSON: {error}.") from error


def written(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines of a file that are not empty, numbered from 1; ``.gz`` is looked through."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def elements(path: Path, *keys: str) -> Iterator[tuple[Any, int]]:
    """Elements of an array in a document and their sizes, one by one, whatever the document's size.

    Parameters
    ----------
    path : Path
    *keys : str
        Where the array stands; none where the document is the array.

    Raises
    ------
    InputError
        Where the document is no JSON or ends early.
    """
    with open_bytes(path) as file:
        yield from Document(file, str(path)).elements(*keys)


def members(path: Path, *left: str) -> dict[str, Any]:
    """Members of a document's object but those named, which are passed over element by element."""
    with open_bytes(path) as file:
        return Document(file, str(path)).members(left)


class Document:
    """A JSON document that is read from its beginning, a window at a time.

    Parameters
    ----------
    file : file of bytes
    name : str
        What messages call it.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._window, self._place, self._ended = "", 0, False

    def elements(self, *keys: str) -> Iterator[tuple[Any, int]]:
        """Elements of the array under these keys, and how many characters each takes."""
        for key in keys:
            if not self._enter(key):
                return
        self._expect("[")
        if self._next() == "]":
            self._place += 1
            return
        while True:
            yield self._value()
            if self._after("]"):
                return

    def members(self, left: tuple[str, ...]) -> dict[str, Any]:
        """Members of the object that stands here, but arrays of these names."""
        out: dict[str, Any] = {}
        self._expect("{")
        if self._next() == "}":
            return out
        while True:
            key = self._key()
            if key in left and self._next() == "[":
                for _ in self.elements():
                    pass
            else:
                out[key] = self._value()[0]
            if self._after("}"):
                return out

    def _enter(self, wanted: str) -> bool:
        """Go to a member of the object that stands here; whether it has it."""
        self._expect("{")
        if self._next() == "}":
            return False
        while True:
            if self._key() == wanted:
                return True
            self._value()
            if self._after("}"):
                return False

    def _key(self) -> str:
        if self._next() != '"':
            raise self._fault("the name of a member was expected")
        key, _ = self._value()
        self._expect(":")
        return cast("str", key)

    def _after(self, end: str) -> bool:
        """Whether what stands here ends after this value; a comma is passed over."""
        mark = self._next()
        if mark not in (",", end):
            raise self._fault(f"',' or {end!r} was expected")
        self._place += 1
        return mark == end

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise self._fault(f"{mark!r} was expected")
        self._place += 1

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._place < len(self._window):
                mark = self._window[self._place]
                if not mark.isspace():
                    return mark
                self._place += 1
            if not self._more():
                return ""

    def _value(self) -> tuple[Any, int]:
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._place)
            except json.JSONDecodeError as error:
                # The window may end within it; a fault well before its end is one.
                if error.pos < len(self._window) - 16 and not error.msg.startswith("Unterminated"):
                    raise self._fault(error.msg, error.pos) from error
                if not self._more():
                    raise self._fault("it ends within a value") from error
            except RecursionError as error:
                raise self._fault("nested too deeply") from error
            else:
                # A number may go on where the window ends.
                if end < len(self._window) or not self._more():
                    size, self._place = end - self._place, end
                    return value, size

    def _more(self) -> bool:
        """Read on; whether there was more."""
        if self._ended:
            return False
        self._window, self._place = self._window[self._place :], 0
        if len(self._window) > _LONGEST:
            raise self._fault(f"one value has more than {_LONGEST / 2**20:.0f} million characters")
        block = self._file.read(max(BLOCK, len(self._window)))
        self._ended = not block
        self._window += self._decode(block, not block)
        return True

    def _fault(self, why: str, place: int | None = None) -> InputError:
        start = max((self._place if place is None else place) - 30, 0)
        near = self._window[start : start + 60].strip()
        told = f" near {near!r}" if near else ", at its end"
        return InputError(f"{self._name} is no whole JSON document: {why}{told}.")
