"""Strangers' ONNX files, read without running them: allowed operators, inputs, outputs, sizes.

Only the wire format of Protocol Buffers is read, in plain Python, so that no native code sees a
file before these checks.  Field numbers: onnx/onnx.proto3 of ONNX, github.com/onnx/onnx.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

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
from evenhand.bounty.strangers.operators import read_operators
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.rowwise import check_rowwise
from evenhand.bounty.strangers.tensor import MAX_AXES
from evenhand.bounty.strangers.wire import (
    MAX_PARAMETERS,
    Message,
    Raw,
    count_of,
    fields,
    message_of,
    text_of,
    unreadable,
    whole_of,
    wholes_of,
)

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 2_000


@lru_cache(maxsize=16)
def read_onnx(data: bytes) -> OnnxGraph:
    """Read an ONNX file and check all that can be checked without running it.

    A file is read when it comes and again where it runs, so the last ones are kept.

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
    for number, _, value in fields(Message(memoryview(data))):
        if number == 7:
            graphs.append(message_of(value))
        elif number == 8:
            domain, version = _opset(message_of(value))
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


def _graph(data: Message, versions: dict[str, int]) -> OnnxGraph:
    nodes: list[GraphNode] = []
    constants: list[Constant] = []
    inputs: list[Value] = []
    outputs: list[Value] = []
    for number, _, value in fields(data):
        if len(nodes) + len(constants) + len(inputs) + len(outputs) > 4 * MAX_NODES:
            raise SubmissionError("too_large", f"the model has more than {MAX_NODES:,} nodes.")
        if number == 1:
            nodes.append(_node(message_of(value)))
        elif number == 5:
            constants.append(_tensor(message_of(value)))
        elif number == 11:
            inputs.append(_value(message_of(value)))
        elif number == 12:
            outputs.append(_value(message_of(value)))
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


def _opset(data: Message) -> tuple[str, int]:
    domain, version = "", 0
    for number, _, value in fields(data):
        if number == 1:
            domain = text_of(value)
        elif number == 2:
            version = whole_of(value)
    return "" if domain == "ai.onnx" else domain, version


def _node(data: Message) -> GraphNode:
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
            label, found = _attribute(message_of(value))
            if label in attributes:
                raise unreadable()
            attributes[label] = found
    domain = "" if domain == "ai.onnx" else domain
    if (domain, name) not in read_operators():
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


def _attribute(data: Message) -> tuple[str, Attribute]:
    """Name and value; of lists of floats, whose values change no shape, their length."""
    # Texts are not kept: they change no shape.
    found: dict[int, list[tuple[int, Raw]]] = {number: [] for number in (1, 3, 5, 7, 8, 10, 20)}
    for number, wire, value in fields(data):
        if number in _NEVER:
            raise SubmissionError(*_NEVER[number])
        if number in found:
            found[number].append((wire, value))
            if len(found[number]) > MAX_PARAMETERS:
                raise unreadable()
    tensors = [_tensor(message_of(value)) for number in (5, 10) for _, value in found[number]]
    name = [text_of(value) for _, value in found[1]][-1:]
    kind = [whole_of(value) for _, value in found[20]][-1:]
    # The type says which of the values others take: numbers of enum AttributeType.
    match kind:
        case [2]:
            return "".join(name), ([whole_of(value) for _, value in found[3]] or [0])[-1]
        case [7]:
            whole = _joined(value for _, value in found[8])
            many = Constant(name="", element=0, dims=(), whole=None)
            return "".join(name), many if whole is None else tuple(whole)
        case [4] if len(tensors) == 1:
            return "".join(name), tensors[0]
        case [1 | 3 | 6 | 8 | 9]:
            count = sum(count_of(*given) for given in found[7])
            return "".join(name), Constant(name="", element=0, dims=(count,), whole=None)
    raise unreadable()


def _joined(values: Iterable[Raw]) -> list[int] | None:
    """The integers of a list in several fields; `None` where they are too many to be parameters."""
    parts = [wholes_of(value) for value in values]
    if any(part is None for part in parts):
        return None
    return [number for part in parts for number in part or ()]


def _tensor(data: Message) -> Constant:
    name, element = "", 0
    listed: dict[int, list[Raw]] = {1: [], 5: [], 7: []}
    raw: Message | None = None
    for number, _, value in fields(data):
        if number == 8:
            name = text_of(value)
        elif number == 2:
            element = whole_of(value)
        elif number in listed:
            listed[number].append(value)
        elif number == 9:
            raw = message_of(value)
        elif number == 13 or (number == 14 and value != 0):
            raise SubmissionError(
                "external_data", "the model refers to data in another file.  Save it as one file."
            )
    dims = _joined(listed[1])
    if dims is None or len(dims) > MAX_AXES or any(size < 0 for size in dims):
        raise unreadable()
    whole = _values(element, raw, listed[5 if element == INT32 else 7])
    if whole is not None and len(whole) != math.prod(dims):
        raise unreadable()
    return Constant(name=name, element=element, dims=tuple(dims), whole=whole)


def _values(element: int, raw: Message | None, listed: list[Raw]) -> tuple[int, ...] | None:
    """The integers of a constant, where there are few enough to be a parameter."""
    size = {INT32: 4, INT64: 8}.get(element)
    if size is None:
        return None
    if raw is None:
        return None if (whole := _joined(listed)) is None else tuple(whole)
    data = raw.data
    if listed or len(data) % size or len(data) > size * MAX_PARAMETERS:
        return None
    cut = range(0, len(data), size)
    raw.steps.take(len(cut))
    return tuple(int.from_bytes(data[i : i + size], "little", signed=True) for i in cut)


def _value(data: Message) -> Value:
    name, element, shape = "", None, None
    for number, _, value in fields(data):
        if number == 1:
            name = text_of(value)
        elif number == 2:
            if element is not None:
                # Protobuf would put both together.
                raise unreadable()
            element, shape = _type(message_of(value))
    return Value(name=name, element=element, shape=shape)


def _type(data: Message) -> tuple[int | None, tuple[int | None, ...] | None]:
    for number, _, value in fields(data):
        if number == 1:
            element, shape = None, None
            for inner, _, part in fields(message_of(value)):
                if inner == 1:
                    element = whole_of(part)
                elif inner == 2:
                    shape = tuple(
                        _dimension(message_of(dim))
                        for n, _, dim in fields(message_of(part))
                        if n == 1
                    )
            return element, shape
    return None, None


def _dimension(data: Message) -> int | None:
    for number, _, value in fields(data):
        if number == 1:
            return whole_of(value)
    return None


def _width(graph: OnnxGraph) -> int | None:
    """Columns of the input that the file declares; `check_features` compares them with the task."""
    shape = graph.inputs[0].shape
    return shape[1] or None if shape is not None and len(shape) == 2 else None
