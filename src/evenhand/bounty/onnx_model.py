"""Strangers' ONNX files, read without running them: allowed operators, inputs, outputs, sizes.

Only the wire format of Protocol Buffers is read, in plain Python, so that no native code sees a
file before these checks.  Field numbers: onnx/onnx.proto3 of ONNX, github.com/onnx/onnx.
"""

from collections.abc import Iterator
from pathlib import Path

from evenhand.bounty.onnx_graph import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT32,
    INT64,
    Attribute,
    Constant,
    Node,
    OnnxGraph,
    RunnerError,
    SubmissionError,
    Value,
)
from evenhand.bounty.rowwise import check_rowwise

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 2_000
#: Fields of one message: more would only cost time.
MAX_FIELDS = 2_000_000
#: Integers of one constant that are read: more are no axis, shape or the like.
MAX_PARAMETERS = 1_000
#: Name of the one input: the task's matrix, float32 of shape (rows, features).
INPUT = "features"
#: Largest number of a field; its tag fits in 32 bits.
_MAX_NUMBER = (1 << 29) - 1
_OPERATORS = Path(__file__).with_name("onnx_operators.txt")


Raw = int | bytes | None
Field = tuple[int, int, Raw]


def _fields(data: bytes) -> Iterator[Field]:
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
        # Numbers of fixed size are floats, which nothing here needs.
        yield number, wire, found if wire == 2 else None
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


def _bytes(value: Raw) -> bytes:
    if not isinstance(value, bytes):
        raise _unreadable()
    return value


def _text(value: Raw) -> str:
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
    versions: dict[str, int] = {}
    for number, _, value in _fields(data):
        if number == 7:
            graphs.append(_bytes(value))
        elif number == 8:
            domain, version = _opset(_bytes(value))
            # Converters name a domain twice; two versions of it would be read by others as they like.
            if versions.setdefault(domain, version) != version:
                raise _unreadable()
        elif number in (20, 25):
            raise SubmissionError(
                "functions_not_allowed", "the model defines functions or training steps of its own."
            )
    if len(graphs) != 1:
        raise _unreadable()
    graph = _graph(graphs[0], versions)
    check_rowwise(graph, _width(graph))
    return graph


def _graph(data: bytes, versions: dict[str, int]) -> OnnxGraph:
    allowed = _allowed()
    nodes: list[Node] = []
    constants: list[Constant] = []
    inputs: list[Value] = []
    outputs: list[Value] = []
    for number, _, value in _fields(data):
        if len(nodes) + len(constants) + len(inputs) + len(outputs) > 4 * MAX_NODES:
            raise SubmissionError("too_large", f"the model has more than {MAX_NODES:,} nodes.")
        if number == 1:
            nodes.append(_node(_bytes(value), allowed))
        elif number == 5:
            constants.append(_tensor(_bytes(value)))
        elif number == 11:
            inputs.append(_value(_bytes(value)))
        elif number == 12:
            outputs.append(_value(_bytes(value)))
        elif number == 15:
            raise SubmissionError("sparse_not_allowed", "the model has sparse constants.")
    if not 1 <= len(nodes) <= MAX_NODES:
        raise SubmissionError(
            "too_large", f"the model has {len(nodes):,} nodes.  Allowed: 1 to {MAX_NODES:,}."
        )
    named = {item.name for item in constants}
    inputs = [item for item in inputs if item.name not in named]
    if [item.name for item in inputs] != [INPUT] or inputs[0].element != FLOAT:
        names = ", ".join(repr(item.name[:40]) for item in inputs[:10]) or "none"
        raise SubmissionError(
            "wrong_input", f"the inputs are {names}.  Allowed: one float32 input named {INPUT!r}."
        )
    return OnnxGraph(
        nodes=tuple(nodes),
        constants=tuple(constants),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        versions=versions,
    )


def _opset(data: bytes) -> tuple[str, int]:
    domain, version = "", 0
    for number, _, value in _fields(data):
        if number == 1:
            domain = _text(value)
        elif number == 2:
            version = _whole(value)
    return "" if domain == "ai.onnx" else domain, version


def _allowed() -> frozenset[tuple[str, str]]:
    lines = _OPERATORS.read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return frozenset(("" if domain == "onnx" else domain, name) for domain, name in pairs)


def _node(data: bytes, allowed: frozenset[tuple[str, str]]) -> Node:
    name, domain = "", ""
    inputs, outputs = [], []
    attributes: dict[str, Attribute] = {}
    for number, _, value in _fields(data):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            label, found = _attribute(_bytes(value))
            if label in attributes:
                raise _unreadable()
            attributes[label] = found
    domain = "" if domain == "ai.onnx" else domain
    if (domain, name) not in allowed:
        shown = f"{domain}.{name}" if domain else name
        raise SubmissionError(
            "operator_not_allowed",
            f"the operator {shown[:80]!r} is not among those that a bounty runs "
            "(no loops, no random numbers, no custom code, no operators that make large tensors or "
            "look at how many rows there are).",
        )
    return Node(
        domain=domain,
        operator=name,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        attributes=attributes,
    )


#: Fields of an attribute that a bounty does not run, with the reason.
_NEVER = {
    6: ("subgraph_not_allowed", "the model has graphs within its nodes."),
    11: ("subgraph_not_allowed", "the model has graphs within its nodes."),
    21: ("functions_not_allowed", "the model defines functions of its own."),
    22: ("sparse_not_allowed", "the model has sparse constants."),
    23: ("sparse_not_allowed", "the model has sparse constants."),
}


def _attribute(data: bytes) -> tuple[str, Attribute]:
    """Name and value; of lists whose values change no shape, their length."""
    found: dict[int, list[tuple[int, Raw]]] = {}
    for number, wire, value in _fields(data):
        if number in _NEVER:
            raise SubmissionError(*_NEVER[number])
        found.setdefault(number, []).append((wire, value))
    tensors = [_tensor(_bytes(value)) for number in (5, 10) for _, value in found.get(number, [])]
    name = [_text(value) for _, value in found.get(1, [])][-1:]
    kind = [_whole(value) for _, value in found.get(20, [])][-1:]
    # The type says which of the values others take: numbers of enum AttributeType.
    match kind:
        case [2]:
            return "".join(name), ([_whole(value) for _, value in found.get(3, [])] or [0])[-1]
        case [7]:
            several = [_wholes(wire, value) for wire, value in found.get(8, [])]
            return "".join(name), tuple(item for part in several for item in part)
        case [4] if len(tensors) == 1:
            return "".join(name), tensors[0]
        case [1 | 3 | 6 | 8 | 9]:
            floats = (1 if w == 5 else len(_bytes(v)) // 4 for w, v in found.get(7, []))
            count = sum(floats) + len(found.get(9, []))
            return "".join(name), Constant(name="", element=0, dims=(count,), whole=None)
    raise _unreadable()


def _tensor(data: bytes) -> Constant:
    name, element = "", 0
    dims: list[int] = []
    listed: dict[int, list[int]] = {5: [], 7: []}
    raw: bytes | None = None
    for number, wire, value in _fields(data):
        if number == 8:
            name = _text(value)
        elif number == 1:
            dims += _wholes(wire, value)
        elif number == 2:
            element = _whole(value)
        elif number in listed:
            listed[number] += _wholes(wire, value)
        elif number == 9:
            raw = _bytes(value)
        elif number == 13 or (number == 14 and value != 0):
            raise SubmissionError(
                "external_data", "the model refers to data in another file.  Save it as one file."
            )
    if any(size < 0 for size in dims):
        raise _unreadable()
    whole = _values(element, raw, listed[5 if element == INT32 else 7])
    return Constant(name=name, element=element, dims=tuple(dims), whole=whole)


def _values(element: int, raw: bytes | None, listed: list[int]) -> tuple[int, ...] | None:
    """The integers of a constant, where there are few enough to be a parameter."""
    size = {INT32: 4, INT64: 8}.get(element)
    if size is None:
        return None
    if raw is None:
        return tuple(listed[:MAX_PARAMETERS]) if len(listed) <= MAX_PARAMETERS else None
    if listed or len(raw) % size or len(raw) > size * MAX_PARAMETERS:
        return None
    cut = range(0, len(raw), size)
    return tuple(int.from_bytes(raw[i : i + size], "little", signed=True) for i in cut)


def _whole(value: Raw) -> int:
    """A number as protobuf reads it: 64 bits with a sign."""
    if not isinstance(value, int):
        raise _unreadable()
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _wholes(wire: int, value: Raw) -> list[int]:
    """Repeated numbers, one by one or packed."""
    if wire == 0:
        return [_whole(value)]
    data, position, out = _bytes(value), 0, []
    while position < len(data):
        found, position = _varint(data, position)
        out.append(_whole(found))
    return out


def _value(data: bytes) -> Value:
    name, element, shape = "", None, None
    for number, _, value in _fields(data):
        if number == 1:
            name = _text(value)
        elif number == 2:
            if element is not None:
                # Protobuf would put both together.
                raise _unreadable()
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


def _width(graph: OnnxGraph) -> int | None:
    """Columns of the input that the file declares; `check_features` compares them with the task."""
    shape = graph.inputs[0].shape
    return shape[1] or None if shape is not None and len(shape) == 2 else None


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
    "class": ("label", (INT64,)),
    "value": ("value", (FLOAT, DOUBLE)),
    "probabilities": ("probabilities", (FLOAT, DOUBLE)),
    "group": ("group", (BOOL, INT64)),
}

__all__ = [
    "INPUT",
    "MAX_BYTES",
    "OUTPUTS",
    "OnnxGraph",
    "RunnerError",
    "SubmissionError",
    "Value",
    "check_features",
    "output_named",
    "read_onnx",
]
