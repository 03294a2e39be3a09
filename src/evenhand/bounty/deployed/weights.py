"""The numbers of a learned operator in an ONNX file, which the reading of strangers' files leaves aside.

Only files that `read_onnx` has accepted come here.  Field numbers: onnx/onnx.proto3 of ONNX.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.bounty.strangers.demands import INPUT
from evenhand.bounty.strangers.wire import bytes_of, fields, floats_of, text_of, whole_of, wholes_of

#: Operators that hand on what they are given, with the types that a `Cast` may give it.
_HANDED_ON = {"Identity": (), "Cast": (1, 7, 11)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedOperator:
    """The one operator of a file that reads the features.

    Attributes
    ----------
    name : str
        Such as ``TreeEnsembleClassifier``.
    values : Mapping
        Its attributes by name: tuples of numbers or texts, or single ones.
    answers : frozenset of str
        Outputs of the file that are the operator's first output, handed on as it is.
    """

    name: str
    values: Mapping[str, Any]
    answers: frozenset[str]


def read_operator(data: bytes) -> LearnedOperator | None:
    """The operator that alone reads the features; none where several do, or it is not learned."""
    graph = next(bytes_of(value) for number, _, value in fields(data) if number == 7)
    nodes = [_node(bytes_of(value)) for number, _, value in fields(graph) if number == 1]
    readers = [node for node in nodes if INPUT in node["inputs"]]
    if len(readers) != 1 or readers[0]["domain"] != "ai.onnx.ml":
        return None
    (reader,) = readers
    names = {reader["outputs"][0]}
    for node in nodes:
        if node["name"] in _HANDED_ON and node["inputs"][0] in names:
            allowed = _HANDED_ON[node["name"]]
            values = _values(node["attributes"])
            if not allowed or values.get("to") in allowed:
                names |= set(node["outputs"])
    return LearnedOperator(
        name=reader["name"], values=_values(reader["attributes"]), answers=frozenset(names)
    )


def _node(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {
        "inputs": [], "outputs": [], "name": "", "domain": "", "attributes": []
    }  # fmt: skip
    for number, _, value in fields(data):
        match number:
            case 1:
                found["inputs"].append(text_of(value))
            case 2:
                found["outputs"].append(text_of(value))
            case 4:
                found["name"] = text_of(value)
            case 5:
                found["attributes"].append(bytes_of(value))
            case 7:
                found["domain"] = text_of(value)
    return found


def _values(attributes: list[bytes]) -> dict[str, Any]:
    """Attributes by name; tensors and graphs stand as `None`."""
    found: dict[str, Any] = {}
    for data in attributes:
        name, kind = "", 0
        single: dict[int, Any] = {}
        several: dict[int, list[Any]] = {7: [], 8: [], 9: []}
        for number, wire, value in fields(data):
            match number:
                case 1:
                    name = text_of(value)
                case 2:
                    single[1] = floats_of(wire, value)[0]
                case 3:
                    single[2] = whole_of(value)
                case 4:
                    single[3] = bytes_of(value)
                case 7:
                    several[7] += floats_of(wire, value)
                case 8:
                    several[8] += wholes_of(wire, value)
                case 9:
                    several[9].append(bytes_of(value))
                case 20:
                    kind = whole_of(value)
        listed = {6: 7, 7: 8, 8: 9}.get(kind)
        found[name] = tuple(several[listed]) if listed is not None else single.get(kind)
    return found
