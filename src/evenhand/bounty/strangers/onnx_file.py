"""Strangers' ONNX files, read without running them: allowed operators, inputs, outputs, sizes.

Only the wire format of Protocol Buffers is read, in plain Python, so that no native code sees a
file before these checks.  Field numbers: onnx/onnx.proto3 of ONNX, github.com/onnx/onnx.
"""

from dataclasses import replace
from pathlib import Path

from evenhand.bounty.strangers.demands import INPUT
from evenhand.bounty.strangers.graph import (
    FLOAT,
    INT32,
    INT64,
    Attribute,
    Constant,
    GraphNode,
    OnnxGraph,
    Value,
)
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.rowwise import check_rowwise
from evenhand.bounty.strangers.wire import (
    Raw,
    bytes_of,
    fields,
    text_of,
    unreadable,
    whole_of,
    wholes_of,
)

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 2_000
#: Integers of one constant that are read: more are no axis, shape or the like.
MAX_PARAMETERS = 1_000
_OPERATORS = Path(__file__).with_name("onnx_operators.txt")


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
    for number, _, value in fields(data):
        if number == 7:
            graphs.append(bytes_of(value))
        elif number == 8:
            domain, version = _opset(bytes_of(value))
            # Converters name a domain twice; two versions of it would be read by others as they like.
            if versions.setdefault(domain, version) != version:
                raise unreadable()
        elif number in (20, 25):
            raise SubmissionError(
                "functions_not_allowed", "the model defines functions or training steps of its own."
            )
    if len(graphs) != 1:
        raise unreadable()
    graph = _graph(graphs[0], versions)
    return replace(graph, guards=check_rowwise(graph, _width(graph)))


def _graph(data: bytes, versions: dict[str, int]) -> OnnxGraph:
    allowed = _allowed()
    nodes: list[GraphNode] = []
    constants: list[Constant] = []
    inputs: list[Value] = []
    outputs: list[Value] = []
    for number, _, value in fields(data):
        if len(nodes) + len(constants) + len(inputs) + len(outputs) > 4 * MAX_NODES:
            raise SubmissionError("too_large", f"the model has more than {MAX_NODES:,} nodes.")
        if number == 1:
            nodes.append(_node(bytes_of(value), allowed))
        elif number == 5:
            constants.append(_tensor(bytes_of(value)))
        elif number == 11:
            inputs.append(_value(bytes_of(value)))
        elif number == 12:
            outputs.append(_value(bytes_of(value)))
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
    for number, _, value in fields(data):
        if number == 1:
            domain = text_of(value)
        elif number == 2:
            version = whole_of(value)
    return "" if domain == "ai.onnx" else domain, version


def _allowed() -> frozenset[tuple[str, str]]:
    lines = _OPERATORS.read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return frozenset(("" if domain == "onnx" else domain, name) for domain, name in pairs)


def _node(data: bytes, allowed: frozenset[tuple[str, str]]) -> GraphNode:
    name, domain = "", ""
    inputs, outputs = [], []
    attributes: dict[str, Attribute] = {}
    for number, _, value in fields(data):
        if number == 1:
            inputs.append(text_of(value))
        elif number == 2:
            outputs.append(text_of(value))
        elif number == 4:
            name = text_of(value)
        elif number == 7:
            domain = text_of(value)
        elif number == 5:
            label, found = _attribute(bytes_of(value))
            if label in attributes:
                raise unreadable()
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
    return GraphNode(
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
    for number, wire, value in fields(data):
        if number in _NEVER:
            raise SubmissionError(*_NEVER[number])
        found.setdefault(number, []).append((wire, value))
    tensors = [_tensor(bytes_of(value)) for number in (5, 10) for _, value in found.get(number, [])]
    name = [text_of(value) for _, value in found.get(1, [])][-1:]
    kind = [whole_of(value) for _, value in found.get(20, [])][-1:]
    # The type says which of the values others take: numbers of enum AttributeType.
    match kind:
        case [2]:
            return "".join(name), ([whole_of(value) for _, value in found.get(3, [])] or [0])[-1]
        case [7]:
            several = [wholes_of(wire, value) for wire, value in found.get(8, [])]
            return "".join(name), tuple(item for part in several for item in part)
        case [4] if len(tensors) == 1:
            return "".join(name), tensors[0]
        case [1 | 3 | 6 | 8 | 9]:
            floats = (1 if w == 5 else len(bytes_of(v)) // 4 for w, v in found.get(7, []))
            count = sum(floats) + len(found.get(9, []))
            return "".join(name), Constant(name="", element=0, dims=(count,), whole=None)
    raise unreadable()


def _tensor(data: bytes) -> Constant:
    name, element = "", 0
    dims: list[int] = []
    listed: dict[int, list[int]] = {5: [], 7: []}
    raw: bytes | None = None
    for number, wire, value in fields(data):
        if number == 8:
            name = text_of(value)
        elif number == 1:
            dims += wholes_of(wire, value)
        elif number == 2:
            element = whole_of(value)
        elif number in listed:
            listed[number] += wholes_of(wire, value)
        elif number == 9:
            raw = bytes_of(value)
        elif number == 13 or (number == 14 and value != 0):
            raise SubmissionError(
                "external_data", "the model refers to data in another file.  Save it as one file."
            )
    if any(size < 0 for size in dims):
        raise unreadable()
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


def _value(data: bytes) -> Value:
    name, element, shape = "", None, None
    for number, _, value in fields(data):
        if number == 1:
            name = text_of(value)
        elif number == 2:
            if element is not None:
                # Protobuf would put both together.
                raise unreadable()
            element, shape = _type(bytes_of(value))
    return Value(name=name, element=element, shape=shape)


def _type(data: bytes) -> tuple[int | None, tuple[int | None, ...] | None]:
    for number, _, value in fields(data):
        if number == 1:
            element, shape = None, None
            for inner, _, part in fields(bytes_of(value)):
                if inner == 1 and isinstance(part, int):
                    element = part
                elif inner == 2:
                    shape = tuple(
                        _dimension(bytes_of(dim)) for n, _, dim in fields(bytes_of(part)) if n == 1
                    )
            return element, shape
    return None, None


def _dimension(data: bytes) -> int | None:
    for number, wire, value in fields(data):
        if number == 1 and wire == 0 and isinstance(value, int):
            return value
    return None


def _width(graph: OnnxGraph) -> int | None:
    """Columns of the input that the file declares; `check_features` compares them with the task."""
    shape = graph.inputs[0].shape
    return shape[1] or None if shape is not None and len(shape) == 2 else None
