"""Text files in the encodings that spreadsheets and old tools write, read as UTF-8.

UTF-8, with or without a byte-order mark, is read in place.  UTF-16 is known by its mark or its NUL
bytes.  Bytes that are no UTF-8 are Windows-1252 only where *nothing* in the file is UTF-8 beyond
ASCII: a file with both is damaged, and guessing would change the rest of it.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from evenhand.errors import Fault, FaultsError, InputError

BLOCK = 1 << 20
_WORD = re.compile(r"[^\W\d_]+")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a text file is written.

    Attributes
    ----------
    name : str
        Python's name of the encoding.
    newline : str
        What ends its lines; empty where they end in several ways.
    sample : str
        The first words that are no ASCII, where the encoding is a conclusion and not a fact.
    """

    name: str
    newline: str = "\n"
    sample: str = ""

    @property
    def utf8(self) -> bool:
        """Whether an engine reads the bytes as they are."""
        return self.name in ("utf-8", "utf-8-sig") and self.newline != ""


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes; ``.gz`` is looked through."""
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def open_text(path: Path) -> IO[str]:
    """The file's text, in whatever encoding it is written; newlines stay as they are."""
    encoding = encoding_of(path).name
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


def encoding_of(path: Path) -> Encoding:
    """Encoding of a whole file, which is read once.

    Raises
    ------
    FaultsError
        Where its bytes are no text in one encoding, with the lines.
    InputError
        Where it cannot be read to its end.
    """
    about = path.stat()
    return _encoding(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1024)
def _encoding(path: Path, _size: int, _changed: int) -> Encoding:
    try:
        return _detect(path)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}).  Copy it again.") from error


def _detect(path: Path) -> Encoding:
    with open_bytes(path) as file:
        head = file.read(4096)
    name = next((name for mark, name in _MARKS if head.startswith(mark)), _by_nul(head, path))
    newlines: set[str] = set()
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with open_bytes(path) as file:
            for block in _blocks(file):
                newlines |= _newlines(decoder.decode(block))
        newlines |= _newlines(decoder.decode(b"", final=True))
    except UnicodeError:
        if not name.startswith("utf-8"):
            raise InputError(
                f"{path} begins as {name.upper()} text, but does not go on so.  Copy it again."
            ) from None
        return _single_byte(path)
    return Encoding(name=name, newline=_only(newlines))


def _by_nul(head: bytes, path: Path) -> str:
    """UTF-16 without a mark has a NUL in every second byte of ASCII text."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 8:
        return "utf-16-le" if odd > even else "utf-16-be"
    if even or odd:
        raise InputError(
            f"{path} holds NUL bytes, so it is no text file.  If it is a workbook or a database, "
            "export the table as CSV."
        )
    return "utf-8"


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        # A carriage return and its line feed stay together.
        yield block + (file.read(1) if block.endswith(b"\r") else b"")


def _newlines(text: str) -> set[str]:
    pairs = text.count("\r\n")
    found = {"\r\n"} if pairs else set()
    if text.count("\n") > pairs:
        found.add("\n")
    if text.count("\r") > pairs:
        found.add("\r")
    return found


def _only(newlines: set[str]) -> str:
    """What ends the lines of a text; empty where it is not always the same."""
    return "".join(newlines or {"\n"}) if len(newlines) < 2 else ""


def _single_byte(path: Path) -> Encoding:
    """Windows-1252 where the file may be nothing else; otherwise its faults, with the lines."""
    sample, newlines = "", set[str]()
    with open_bytes(path) as file:
        mixed = any(_utf8_beyond_ascii(line) for line in file)
    if not mixed:
        try:
            decoder = codecs.getincrementaldecoder("cp1252")()
            with open_bytes(path) as file:
                for block in _blocks(file):
                    text = decoder.decode(block)
                    newlines |= _newlines(text)
                    sample = sample or _first_word(text)
        except UnicodeDecodeError:
            mixed = True
        else:
            return Encoding(name="cp1252", newline=_only(newlines), sample=sample)
    with open_bytes(path) as file:
        faults = list(_encoding_faults(file))
    raise FaultsError(
        str(path),
        faults,
        advice="The file is damaged, or two encodings are mixed in it.  Mend these lines, or save "
        f"the table again as UTF-8; from another encoding: iconv -f ENCODING -t utf-8 {path} > "
        f"utf8{path.suffix}",
    )


def _utf8_beyond_ascii(line: bytes) -> bool:
    """Whether some character of several bytes in the line is UTF-8, as cp1252 hardly ever is."""
    if line.isascii():
        return False
    kept = line.decode("utf-8", "ignore")
    return not kept.isascii()


def _first_word(text: str) -> str:
    words = (match.group() for match in _WORD.finditer(text))
    found = next((word for word in words if not word.isascii()), "")
    return found[:40] or next((character for character in text if not character.isascii()), "")


def _encoding_faults(file: IO[bytes]) -> Iterator[Fault]:
    for number, line in enumerate(file, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Fault(
                line=number,
                message=f"byte 0x{line[error.start]:02X} at column {error.start + 1} is not UTF-8",
            )


def write_utf8(path: Path, target: Path) -> None:
    """Write the text of a file as UTF-8 whose lines end in one way."""
    with open_text(path) as source, target.open("w", encoding="utf-8", newline="") as copy:
        while block := source.read(BLOCK):
            whole = block + (source.read(1) if block.endswith("\r") else "")
            copy.write(whole.replace("\r\n", "\n").replace("\r", "\n"))
