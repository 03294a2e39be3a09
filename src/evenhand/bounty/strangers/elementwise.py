"""Operators that make each element of one element a tensor, and constants."""

from dataclasses import replace

from evenhand.bounty.strangers.graph import BOOL, FLOAT, INT64, Constant, GraphNode
from evenhand.bounty.strangers.tensor import (
    Inputs,
    Tensor,
    UnclearError,
    broadcast,
    input_at,
    integer_of,
    tensor_of,
)


def elementwise(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """Of one element at a time; the result has the type of the first."""
    return [_joint(inputs, input_at(inputs, 0).element)]


def compared(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """True or false for each element."""
    return [replace(_joint(inputs, BOOL), small=True)]


def chosen(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """``Where``: one or the other element."""
    return [_joint(inputs, input_at(inputs, 1).element)]


def _joint(inputs: Inputs, element: int | None) -> Tensor:
    return Tensor(broadcast([tensor.sizes for tensor in inputs if tensor is not None]), element)


def cast(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Another element type."""
    return [Tensor(input_at(inputs, 0).sizes, integer_of(node, "to", 0))]


def identity(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """The same."""
    return [input_at(inputs, 0)]


def constant(node: GraphNode, _: Inputs, __: int) -> list[Tensor]:
    """A constant within the graph."""
    value = node.attributes.get("value")
    if isinstance(value, Constant):
        return [tensor_of(value)]
    if isinstance(single := node.attributes.get("value_int"), int):
        return [Tensor((), INT64, (single,))]
    if isinstance(listed := node.attributes.get("value_ints"), tuple):
        return [Tensor((len(listed),), INT64, listed)]
    if "value_float" in node.attributes:
        return [Tensor((), FLOAT)]
    if isinstance(several := node.attributes.get("value_floats"), Constant):
        return [Tensor(several.dims, FLOAT)]
    raise UnclearError("a value of an odd kind")
