"""Archives whose members are read one by one, none larger than it says; also those packed by Zstandard.

The standard library reads method 93 of ZIP from Python 3.14 on; Arrow has the decoder.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError

#: Bytes of a member when unpacked, at most.
LARGEST = 256 * 2**20
_STORED, _DEFLATED, _ZSTANDARD = 0, 8, 93
_HEAD = struct.Struct("<4s22xHH")


class Archive:
    """A ZIP archive that is open.

    Parameters
    ----------
    path : Path
    packed : zipfile.ZipFile
    """

    def __init__(self, path: Path, packed: zipfile.ZipFile) -> None:
        self.path, self._packed = path, packed

    @property
    def names(self) -> list[str]:
        """Names of the members, in their order."""
        return [item.filename for item in self._packed.infolist()]

    def read(self, name: str) -> bytes:
        """A member's bytes.

        Raises
        ------
        InputError
            Where it is damaged, packed in another way, or not as large as it says.
        """
        item = self._packed.getinfo(name)
        if item.file_size > LARGEST:
            raise self._fault(
                name, f"has {item.file_size:,} bytes when unpacked, more than {LARGEST:,}"
            )
        try:
            data = self._unpacked(item)
        except (OSError, struct.error, zlib.error, pa.ArrowException) as error:
            raise self._fault(name, f"cannot be unpacked ({error})") from error
        if len(data) != item.file_size:
            more = "more" if len(data) > item.file_size else len(data)
            raise self._fault(
                name, f"should have {item.file_size:,} bytes when unpacked and has {more}"
            )
        if zlib.crc32(data) != item.CRC:
            raise self._fault(name, "is damaged: its checksum is another")
        return data

    def _unpacked(self, item: zipfile.ZipInfo) -> bytes:
        file = self._packed.fp
        if file is None or item.flag_bits & 1:
            raise self._fault(item.filename, "is encrypted")
        file.seek(item.header_offset)
        mark, name, extra = _HEAD.unpack(file.read(_HEAD.size))
        if mark != b"PK\3\4":
            raise self._fault(item.filename, "is not where the archive says")
        file.seek(name + extra, 1)
        packed = file.read(item.compress_size)
        # One byte beyond what it says shows that it lies.
        most = item.file_size + 1
        if item.compress_type == _STORED:
            return packed
        if item.compress_type == _DEFLATED:
            return zlib.decompressobj(-15).decompress(packed, most)
        if item.compress_type == _ZSTANDARD:
            with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
                return bytes(stream.read(most))
        raise self._fault(
            item.filename,
            f"is packed by method {item.compress_type}; allowed: stored, deflate, Zstandard",
        )

    def _fault(self, name: str, why: str) -> InputError:
        return InputError(f"{self.path}: its member {name!r} {why}.  Write the log again.")


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open an archive.

    Raises
    ------
    InputError
        Where it is no whole archive.
    """
    try:
        packed = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(
            f"{path} is no whole archive ({error}): was its writer interrupted?  Write or copy it again."
        ) from error
    with packed:
        yield Archive(path, packed)
