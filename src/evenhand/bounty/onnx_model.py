"""Strangers' ONNX files, read without running them: allowed operators, inputs, outputs, sizes.

Only the wire format of Protocol Buffers is read, in plain Python, so that no native code sees a
file before these checks.  Field numbers: onnx/onnx.proto3 of ONNX, github.com/onnx/onnx.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evenhand.errors import InputError

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 2_000
#: Name of the one input: the task's matrix, float32 of shape (rows, features).
INPUT = "features"
_FLOAT, _INT64, _BOOL = 1, 7, 9
_DOUBLE = 11
#: Largest number of a field; its tag fits in 32 bits.
_MAX_NUMBER = (1 << 29) - 1
_OPERATORS = Path(__file__).with_name("onnx_operators.txt")


class SubmissionError(InputError):
    """A submission that is refused; `reason` is the code, the message says what to do.

    Parameters
    ----------
    reason : str
        A short code, for example ``operator_not_allowed``.
    message : str
        For the hunter.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(f"Refused [{reason}]: {message}")


class RunnerError(InputError):
    """Where this machine cannot run models at all: no model is to blame for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """An input or output: name, ONNX element type, and sizes (`None` where free)."""

    name: str
    element: int | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxGraph:
    """What a file says of itself."""

    operators: tuple[tuple[str, str], ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


Field = tuple[int, int, int | bytes]


def _fields(data: bytes) -> Iterator[Field]:
    """Fields of a message as (number, wire type, value)."""
    position, end = 0, len(data)
    while position < end:
        start = position
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        # Other readers cut a tag to 32 bits: a longer one would be another field to them.
        if not 1 <= number <= _MAX_NUMBER or position - start > max((key.bit_length() + 6) // 7, 1):
            raise _unreadable()
        if wire == 0:
            value, position = _varint(data, position)
            yield number, wire, value
            continue
        if wire == 2:
            size, position = _varint(data, position)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise _unreadable()
        if position + size > end:
            raise _unreadable()
        found = data[position : position + size]
        # A number of fixed size is a number: nobody else reads a name or a message from it.
        yield number, wire, found if wire == 2 else int.from_bytes(found, "little")
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
    raise _unreadable()


def _unreadable() -> SubmissionError:
    return SubmissionError("not_onnx", "the file is not an ONNX model, or it is damaged.")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _unreadable()
    return value


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise _unreadable() from error


def read_onnx(data: bytes) -> OnnxGraph:
    """Read an ONNX file and check all that can be checked without running it.

    Parameters
    ----------
    data : bytes
        The file.

    Raises
    ------
    SubmissionError
        Where it is too large, damaged, uses an operator that is not allowed (loops, random
        numbers, custom code), refers to other files, or has not one input named ``features``.
    """
    if len(data) > MAX_BYTES:
        raise SubmissionError(
            "too_large", f"the model has {len(data):,} bytes.  Allowed: {MAX_BYTES:,}."
        )
    graphs = []
    for number, _, value in _fields(data):
        if number == 7:
            graphs.append(_bytes(value))
        elif number in (20, 25):
            raise SubmissionError(
                "functions_not_allowed", "the model defines functions or training steps of its own."
            )
    if len(graphs) != 1:
        raise _unreadable()
    return _graph(graphs[0])


def _graph(data: bytes) -> OnnxGraph:
    allowed = _allowed()
    operators, inputs, outputs, constants = [], [], [], set()
    for number, _, value in _fields(data):
        if number == 1:
            operators.append(_node(_bytes(value), allowed))
        elif number == 5:
            constants.add(_tensor(_bytes(value)))
        elif number == 11:
            inputs.append(_value(_bytes(value)))
        elif number == 12:
            outputs.append(_value(_bytes(value)))
        elif number == 15:
            raise SubmissionError("sparse_not_allowed", "the model has sparse constants.")
    if not 1 <= len(operators) <= MAX_NODES:
        raise SubmissionError(
            "too_large", f"the model has {len(operators):,} nodes.  Allowed: 1 to {MAX_NODES:,}."
        )
    inputs = [item for item in inputs if item.name not in constants]
    if [item.name for item in inputs] != [INPUT] or inputs[0].element != _FLOAT:
        names = ", ".join(repr(item.name[:40]) for item in inputs[:10]) or "none"
        raise SubmissionError(
            "wrong_input", f"the inputs are {names}.  Allowed: one float32 input named {INPUT!r}."
        )
    return OnnxGraph(operators=tuple(operators), inputs=tuple(inputs), outputs=tuple(outputs))


def _allowed() -> frozenset[tuple[str, str]]:
    lines = _OPERATORS.read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return frozenset(("" if domain == "onnx" else domain, name) for domain, name in pairs)


def _node(data: bytes, allowed: frozenset[tuple[str, str]]) -> tuple[str, str]:
    name, domain = "", ""
    for number, _, value in _fields(data):
        if number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            _attribute(_bytes(value))
    pair = ("" if domain == "ai.onnx" else domain, name)
    if pair not in allowed:
        shown = f"{domain}.{name}" if domain else name
        raise SubmissionError(
            "operator_not_allowed",
            f"the operator {shown[:80]!r} is not among those that a bounty runs "
            "(no loops, no random numbers, no custom code, no operators that make large tensors).",
        )
    return pair


def _attribute(data: bytes) -> None:
    for number, _, value in _fields(data):
        if number in (5, 10):
            _tensor(_bytes(value))
        elif number in (6, 11):
            raise SubmissionError("subgraph_not_allowed", "the model has graphs within its nodes.")
        elif number in (22, 23):
            raise SubmissionError("sparse_not_allowed", "the model has sparse constants.")


def _tensor(data: bytes) -> str:
    name = ""
    for number, _, value in _fields(data):
        if number == 8:
            name = _text(value)
        elif number == 13 or (number == 14 and value != 0):
            raise SubmissionError(
                "external_data", "the model refers to data in another file.  Save it as one file."
            )
    return name


def _value(data: bytes) -> Value:
    name, element, shape = "", None, None
    for number, _, value in _fields(data):
        if number == 1:
            name = _text(value)
        elif number == 2:
            element, shape = _type(_bytes(value))
    return Value(name=name, element=element, shape=shape)


def _type(data: bytes) -> tuple[int | None, tuple[int | None, ...] | None]:
    for number, _, value in _fields(data):
        if number == 1:
            element, shape = None, None
            for inner, _, part in _fields(_bytes(value)):
                if inner == 1 and isinstance(part, int):
                    element = part
                elif inner == 2:
                    shape = tuple(
                        _dimension(_bytes(dim)) for n, _, dim in _fields(_bytes(part)) if n == 1
                    )
            return element, shape
    return None, None


def _dimension(data: bytes) -> int | None:
    for number, wire, value in _fields(data):
        if number == 1 and wire == 0 and isinstance(value, int):
            return value
    return None


def check_features(graph: OnnxGraph, features: int) -> None:
    """Refuse a model whose input has another number of columns than the task has features."""
    shape = graph.inputs[0].shape
    width = shape[1] if shape is not None and len(shape) == 2 else None
    fixed = shape is not None and (len(shape) != 2 or shape[0] not in (None, 0))
    if fixed or (width not in (None, 0, features)):
        raise SubmissionError(
            "wrong_shape",
            f"the input {INPUT!r} has shape {shape}.  Allowed: (any number of rows, {features}).",
        )


def output_named(graph: OnnxGraph, name: str, elements: tuple[int, ...]) -> None:
    """Refuse a model that lacks an output of this name and one of these element types."""
    found = {value.name: value.element for value in graph.outputs}
    if name not in found:
        listed = ", ".join(repr(n[:40]) for n in found) or "none"
        raise SubmissionError(
            "wrong_output", f"the outputs are {listed}.  Needed for this task: {name!r}."
        )
    if found[name] not in elements:
        raise SubmissionError(
            "wrong_type", f"the output {name!r} has ONNX type {found[name]}, not {elements}."
        )


#: Output that a model must have, and its types, by what the task's loss reads.
OUTPUTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "class": ("label", (_INT64,)),
    "value": ("value", (_FLOAT, _DOUBLE)),
    "probabilities": ("probabilities", (_FLOAT, _DOUBLE)),
    "group": ("group", (_BOOL, _INT64)),
}
