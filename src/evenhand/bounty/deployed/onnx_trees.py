"""The attributes of a learned operator in an ONNX file, which the reading of strangers' files leaves aside.

Only files that `read_onnx` has accepted come here.  Field numbers: onnx/onnx.proto3 of ONNX.
"""

from collections.abc import Mapping
from typing import Any

from evenhand.bounty.strangers.demands import INPUT
from evenhand.bounty.strangers.wire import (
    Message,
    Raw,
    all_wholes_of,
    fields,
    floats_of,
    message_of,
    text_of,
    whole_of,
)

#: Field of an attribute that holds its list, by the number of its type: floats, integers, texts.
_LISTS = {6: 7, 7: 8, 8: 9}


def read_trees(data: bytes) -> Mapping[str, Any]:
    """Lists of the ``TreeEnsemble…`` that alone reads the features; none where another operator does."""
    file = Message(memoryview(data))
    nodes = [node for graph in _parts(file, 7) for node in _parts(message_of(graph), 1)]
    readers = [
        node for node in nodes if INPUT in [text_of(name) for name in _parts(message_of(node), 1)]
    ]
    names = [text_of(name) for node in readers for name in _parts(message_of(node), 4)]
    if len(readers) != 1 or names[0] not in ("TreeEnsembleClassifier", "TreeEnsembleRegressor"):
        return {}
    return dict(_attribute(attribute) for attribute in _parts(message_of(readers[0]), 5))


def _parts(data: Message, wanted: int) -> list[Raw]:
    """All values of one field."""
    return [value for number, _, value in fields(data) if number == wanted]


def _attribute(given: Raw) -> tuple[str, tuple[Any, ...]]:
    """Name and list; what is no list is left out."""
    name, kind = "", 0
    several: dict[int, list[Any]] = {7: [], 8: [], 9: []}
    for number, _, value in fields(message_of(given)):
        match number:
            case 1:
                name = text_of(value)
            case 7:
                several[7] += floats_of(value)
            case 8:
                several[8] += all_wholes_of(value)
            case 9:
                several[9].append(bytes(message_of(value).data))
            case 20:
                kind = whole_of(value)
    return name, tuple(several[_LISTS[kind]]) if kind in _LISTS else ()
