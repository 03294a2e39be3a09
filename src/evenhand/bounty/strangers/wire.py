"""The wire format of Protocol Buffers, in plain Python: no native code sees a stranger's file before it is checked."""

import struct
from collections.abc import Iterator

from evenhand.bounty.strangers.refusals import SubmissionError

#: Fields of one message: more would only cost time.
MAX_FIELDS = 2_000_000
#: Largest number of a field; its tag fits in 32 bits.
_MAX_NUMBER = (1 << 29) - 1
Raw = int | bytes | memoryview
Field = tuple[int, int, Raw]


def fields(data: bytes) -> Iterator[Field]:
    """Fields of a message as (number, wire type, value)."""
    position, end, count = 0, len(data), 0
    while position < end:
        start, count = position, count + 1
        if count > MAX_FIELDS:
            raise SubmissionError("too_large", f"the model has more than {MAX_FIELDS:,} fields.")
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        # Other readers cut a tag to 32 bits: a longer one would be another field to them.
        if not 1 <= number <= _MAX_NUMBER or position - start > max((key.bit_length() + 6) // 7, 1):
            raise unreadable()
        if wire == 0:
            value, position = _varint(data, position)
            yield number, wire, value
            continue
        if wire == 2:
            size, position = _varint(data, position)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise unreadable()
        if position + size > end:
            raise unreadable()
        found = data[position : position + size]
        # Numbers of fixed size are floats: none of `bytes_of`, `text_of` and `whole_of` takes them.
        yield number, wire, found if wire == 2 else memoryview(found)
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise unreadable()


def unreadable() -> SubmissionError:
    """What is said of a file that cannot be read."""
    return SubmissionError("not_onnx", "the file is not an ONNX model, or it is damaged.")


def bytes_of(value: Raw) -> bytes:
    """A field that holds bytes."""
    if not isinstance(value, bytes):
        raise unreadable()
    return value


def text_of(value: Raw) -> str:
    """A field that holds text."""
    try:
        return bytes_of(value).decode()
    except UnicodeDecodeError as error:
        raise unreadable() from error


def whole_of(value: Raw) -> int:
    """A number as protobuf reads it: 64 bits with a sign."""
    if not isinstance(value, int):
        raise unreadable()
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def wholes_of(wire: int, value: Raw) -> list[int]:
    """Repeated numbers, one by one or packed."""
    if wire == 0:
        return [whole_of(value)]
    data, position, out = bytes_of(value), 0, []
    while position < len(data):
        found, position = _varint(data, position)
        out.append(whole_of(found))
    return out


def floats_of(wire: int, value: Raw) -> tuple[float, ...]:
    """Repeated float32 numbers, one by one or packed."""
    data = bytes_of(value) if wire == 2 else value
    if wire not in (2, 5) or isinstance(data, int) or len(data) % 4:
        raise unreadable()
    return struct.unpack(f"<{len(data) // 4}f", data)
