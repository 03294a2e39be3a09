"""JSON as tools write it: with bare NaN, a document of many gigabytes, a line that was cut."""

import codecs
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from evenhand.deferred import msgspec
from evenhand.errors import InputError
from evenhand.records.encodings import BLOCK, open_bytes

#: Characters of one element at most; one without an end would fill the memory.
_LONGEST = 256 * 2**20
_DECODER = json.JSONDecoder()


def parsed(text: bytes | str, where: str, type_: Any = Any) -> Any:
    """The value of a JSON text; NaN and infinities are numbers.

    Parameters
    ----------
    text : bytes or str
    where : str
        Whose it is, for messages.
    type_ : type
        What is asked for of it, such as a `msgspec.Struct`; members that it does not name are passed over.

    Raises
    ------
    InputError
        Where it is no JSON, or not what is asked for.
    """
    try:
        return _decoder(type_).decode(text)
    except msgspec.ValidationError as error:
        raise _unfit(error, where) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(text, where, type_)


def _lenient(text: bytes | str, where: str, type_: Any) -> Any:
    """The same by the standard library, which takes NaN."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON: {error}.") from error
    return fitted(found, where, type_)


def fitted(found: Any, where: str, type_: Any) -> Any:
    """A value that was read already, as what is asked for."""
    try:
        return msgspec.convert(found, type_)
    except msgspec.ValidationError as error:
        raise _unfit(error, where) from error


def _unfit(error: Exception, where: str) -> InputError:
    return InputError(
        f"{where}: {str(error).rstrip('.')}.  So it is damaged, or of a version that is not known here."
    )


@cache
def _decoder(type_: Any) -> Any:
    return msgspec.json.Decoder(type_)


def written(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines of a file that are not empty, numbered from 1; ``.gz`` is looked through."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            if not line.isspace():
                yield number, line


def elements(path: Path, *keys: str, type_: Any = Any) -> Iterator[tuple[Any, int]]:
    """Elements of an array in a document and their sizes, one by one, whatever the document's size.

    Parameters
    ----------
    path : Path
    *keys : str
        Where the array stands; none where the document is the array.
    type_ : type
        What is asked for of each, as in `parsed`.

    Raises
    ------
    InputError
        Where the document is no JSON or ends early.
    """
    with open_bytes(path) as file:
        yield from Document(file, str(path)).elements(*keys, type_=type_)


def members(path: Path, until: str = "") -> dict[str, Any]:
    """Members of a document's object, or those that stand before one of them."""
    with open_bytes(path) as file:
        return Document(file, str(path)).members(until)


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

    def elements(self, *keys: str, type_: Any = Any) -> Iterator[tuple[Any, int]]:
        """Elements of the array under these keys, and how many characters each takes."""
        for key in keys:
            if not self._enter(key):
                return
        self._expect("[")
        if self._next() == "]":
            self._place += 1
            return
        indent = self._indent()
        number = 0
        while True:
            number += 1
            where = f"{self._name}, {keys[-1] if keys else 'element'} {number}"
            if indent:
                yield self._block(indent, where, type_)
            else:
                value, size = self._value()
                yield (value if type_ is Any else fitted(value, where, type_)), size
            if self._after("]"):
                return

    def _indent(self) -> str:
        """What stands before each element's brackets, where each begins and ends a line; empty elsewhere.

        No text of JSON holds a line's end, so a closing bracket after as many spaces ends the element.
        """
        if self._next() != "{":
            return ""
        start = self._window.rfind("\n", 0, self._place)
        before = self._window[start : self._place]
        follows = self._window[self._place + 1 : self._place + 2]
        return before if start >= 0 and before.strip() == "" and follows in "\r\n" else ""

    def _block(self, indent: str, where: str, type_: Any) -> tuple[Any, int]:
        """An element whose closing bracket begins a line."""
        self._next()
        seen = self._place
        while True:
            end = self._window.find(indent + "}", seen)
            if end >= 0:
                end += len(indent) + 1
                text, self._place = self._window[self._place : end], end
                return parsed(text, where, type_), len(text)
            held = len(self._window) - self._place
            if not self._more():
                raise self._fault("it ends within a value")
            seen = max(held - len(indent), 0)

    def members(self, until: str) -> dict[str, Any]:
        """Members of the object that stands here, up to one of them."""
        out: dict[str, Any] = {}
        self._expect("{")
        if self._next() == "}":
            return out
        while (key := self._key()) != until:
            out[key] = self._value()[0]
            if self._after("}"):
                break
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
