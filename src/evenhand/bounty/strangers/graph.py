"""What was read of an ONNX file: nodes, constants, inputs and outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

#: Element types, by onnx/onnx.proto3.
FLOAT, INT32, INT64, STRING, BOOL, DOUBLE = 1, 6, 7, 8, 9, 11


FLOATS = frozenset({1, 10, 11, 16})


class Guard(NamedTuple):
    """Numbers that must lie in [low, high) where a row is to have an answer.

    What lies outside, or is NaN, is turned into something else by each machine in its own way.

    Attributes
    ----------
    name : str
        Of the tensor.
    axis : int or None
        The axis of its rows; `None` where it is the same for every batch.
    low, high : float
    """

    name: str
    axis: int | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """An input or output: name, ONNX element type, and sizes (`None` where free)."""

    name: str
    element: int | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A constant tensor; `whole` are its values where they are integers of 32 or 64 bits."""

    name: str
    element: int
    dims: tuple[int, ...]
    whole: tuple[int, ...] | None


Attribute = int | tuple[int, ...] | Constant


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """An operator with its inputs and outputs by name.

    Attributes
    ----------
    attributes : Mapping
        Integers and constants; of other lists, whose values change no shape, the length only.
    """

    domain: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxGraph:
    """What a file says of itself; `guards` is what the proof takes from the numbers of each run."""

    nodes: tuple[GraphNode, ...]
    constants: tuple[Constant, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    versions: Mapping[str, int]
    guards: tuple[Guard, ...] = ()

    @property
    def operators(self) -> tuple[tuple[str, str], ...]:
        """Domain and name of each node's operator."""
        return tuple((node.domain, node.operator) for node in self.nodes)
