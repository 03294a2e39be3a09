"""The wire format of Protocol Buffers, in plain Python: no native code sees a stranger's file before it is checked.

Nothing is copied, and what a file may take is counted, so that its bytes bound time and memory.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from evenhand.bounty.strangers.refusals import SubmissionError

#: Fields of one message: more would only cost time.
MAX_FIELDS = 2_000_000
#: Steps of Python for a whole file: one for each field, run of equal fields, and integer that is
#: read.  A million take about a second; a forest that fills 32 MB takes 0.9 million.
MAX_STEPS = 1_000_000
#: Integers of one list that are read: more are no axis, shape or the like.
MAX_PARAMETERS = 1_000
#: Largest number of a field; its tag fits in 32 bits.
_MAX_NUMBER = (1 << 29) - 1
#: Bytes that do not end a number.
_GO_ON = bytes(range(128, 256))
_FIXED = {1: 8, 5: 4}


@dataclass(slots=True)
class Steps:
    """What reading a file may still take."""

    left: int = MAX_STEPS

    def take(self, count: int) -> None:
        """Refuse a file that takes too many."""
        self.left -= count
        if self.left < 0:
            raise SubmissionError(
                "too_large", f"the model has more than {MAX_STEPS:,} fields and parameters."
            )


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes of a field, and the steps left for the file that they stand in."""

    data: memoryview
    steps: Steps = field(default_factory=Steps)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Numbers as fields of one tag, one after the other: integers, or numbers of fixed size."""

    data: memoryview
    steps: Steps
    wire: int

    @property
    def count(self) -> int:
        """How many there are; a tag ends a number as an integer's last byte does."""
        size = _FIXED.get(self.wire)
        return len(self.data) // (size + 1) if size else _ends(self.data) // 2


Raw = int | Message | Repeated
Field = tuple[int, int, Raw]


def fields(message: Message) -> Iterator[Field]:
    """Fields of a message as (number, wire type, value); equal ones of numbers come as one run."""
    data, steps = message.data, message.steps
    position, end, count = 0, len(data), 0
    while position < end:
        start, count = position, count + 1
        steps.take(1)
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        # Other readers cut a tag to 32 bits: a longer one would be another field to them.
        if not 1 <= number <= _MAX_NUMBER or position - start > max((key.bit_length() + 6) // 7, 1):
            raise unreadable()
        if key < 128 and wire != 2 and (found := _equal(key).match(data, start)):
            run = Repeated(data[start : found.end()], steps, wire)
            yield number, wire, run
            count, position = count + run.count - 1, found.end()
        elif wire == 0:
            value, position = _varint(data, position)
            yield number, wire, value
        elif wire == 2 or wire in _FIXED:
            size, position = _varint(data, position) if wire == 2 else (_FIXED[wire], position)
            if position + size > end:
                raise unreadable()
            yield number, wire, Message(data[position : position + size], steps)
            position += size
        else:
            raise unreadable()
        if count > MAX_FIELDS:
            raise SubmissionError("too_large", f"the model has more than {MAX_FIELDS:,} fields.")


@cache
def _equal(key: int) -> re.Pattern[bytes]:
    """Fields with this tag, of one byte: two integers or more, or any numbers of fixed size."""
    tag = re.escape(bytes([key]))
    size = _FIXED.get(key & 7)
    number = b".{%d}" % size if size else rb"[\x80-\xff]{0,9}[\x00-\x7f]"
    return re.compile(b"(?:%b%b){%d,}+" % (tag, number, 1 if size else 2), re.DOTALL)


def _ends(data: memoryview) -> int:
    return len(bytes(data).translate(None, _GO_ON))


def _varint(data: memoryview, position: int) -> tuple[int, int]:
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


def message_of(value: Raw) -> Message:
    """A field that holds bytes."""
    if not isinstance(value, Message):
        raise unreadable()
    return value


def text_of(value: Raw) -> str:
    """A field that holds text."""
    try:
        return str(message_of(value).data, "utf-8")
    except UnicodeDecodeError as error:
        raise unreadable() from error


def whole_of(value: Raw) -> int:
    """A number as protobuf reads it: 64 bits with a sign."""
    if not isinstance(value, int):
        raise unreadable()
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def count_of(wire: int, value: Raw) -> int:
    """How many float32 numbers a field holds, one by one or packed."""
    if isinstance(value, Repeated) and wire == 5:
        return value.count
    return len(message_of(value).data) // 4


def floats_of(value: Raw) -> list[float]:
    """Repeated float32 numbers, one by one or packed."""
    tags = isinstance(value, Repeated) and value.wire == 5
    data = value.data if isinstance(value, Repeated) and tags else message_of(value).data
    try:
        return [number for (number,) in struct.iter_unpack("<xf" if tags else "<f", data)]
    except struct.error as error:
        raise unreadable() from error


def wholes_of(value: Raw) -> list[int] | None:
    """Repeated integers, one by one or packed; `None` where they are too many to be parameters."""
    if isinstance(value, int):
        return [whole_of(value)]
    count = value.count if isinstance(value, Repeated) else _ends(value.data)
    if count > MAX_PARAMETERS:
        return None
    value.steps.take(count)
    return all_wholes_of(value)


def all_wholes_of(value: Raw) -> list[int]:
    """Repeated integers of a file that was accepted, however many."""
    if isinstance(value, int):
        return [whole_of(value)]
    tags = isinstance(value, Repeated)
    if isinstance(value, Repeated) and value.wire != 0:
        raise unreadable()
    position, out = 0, []
    while position < len(value.data):
        found, position = _varint(value.data, position + tags)
        out.append(whole_of(found))
    return out
