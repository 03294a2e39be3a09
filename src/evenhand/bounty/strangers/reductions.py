"""Operators that sum, compare or order along an axis: never along that of the rows."""

from dataclasses import replace

from evenhand.bounty.strangers.graph import INT64, GraphNode
from evenhand.bounty.strangers.tensor import (
    Inputs,
    Tensor,
    UnclearError,
    alike,
    axis_of,
    broadcast,
    check_fixed,
    input_at,
    integer_of,
    integers_of,
    place_of,
    with_rows,
)


def softmax(node: GraphNode, inputs: Inputs, version: int) -> list[Tensor]:
    """Shares along another axis than the rows'."""
    tensor, rows = with_rows(inputs)
    rank = len(tensor.sizes)
    axis = axis_of(node, rank, -1 if version >= 13 else 1)
    # Older sets flatten all axes from this one on.
    if axis == rows or (version < 13 and axis < rows):
        raise UnclearError("sums over rows")
    return [alike(tensor)]


def along(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """``LpNormalization``: shares along another axis than the rows'."""
    return softmax(node, inputs, 13)


def cumulated(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """Sums from the first on, along another axis than the rows'."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    (axis,) = input_at(inputs, 1).integers
    if place_of(axis, len(tensor.sizes)) == rows:
        raise UnclearError("sums over rows")
    return [alike(tensor)]


def normalized(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """``LayerNormalization``: means over axes after the rows'."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    if axis_of(node, len(tensor.sizes), -1) <= rows:
        raise UnclearError("means over rows")
    shape = broadcast([item.sizes for item in inputs if item is not None])
    if len(node.outputs) > 1:
        raise UnclearError("outputs that are not known")
    return [Tensor(shape, tensor.element)]


def batch(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """``BatchNormalization`` by learned means, never by the rows at hand."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    training = integer_of(node, "training_mode", 0) or len(node.outputs) > 1
    if rows > 0 or len(tensor.sizes) < 2 or training:
        raise UnclearError("means over rows")
    return [alike(tensor)]


def reduced(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Sums and the like along named axes."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    rank = len(tensor.sizes)
    axes = integers_of(node, "axes", inputs, 1)
    if not axes:
        if axes is not None and integer_of(node, "noop_with_empty_axes", 0):
            return [alike(tensor)]
        raise UnclearError("sums over rows")
    gone = {place_of(axis, rank) for axis in axes}
    return [_without(tensor, gone, rows, integer_of(node, "keepdims", 1), tensor.element)]


def _without(tensor: Tensor, gone: set[int], rows: int, keep: int, element: int | None) -> Tensor:
    if rows in gone:
        raise UnclearError("sums over rows")
    kept = [
        1 if i in gone else size for i, size in enumerate(tensor.sizes) if keep or i not in gone
    ]
    return Tensor(tuple(kept), element)


def arg(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Place of the largest or smallest along an axis."""
    tensor, rows = with_rows(inputs)
    axis = axis_of(node, len(tensor.sizes), 0)
    made = _without(tensor, {axis}, rows, integer_of(node, "keepdims", 1), INT64)
    return [replace(made, small=True)]


def top(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """The largest along an axis, and their places."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    axis = axis_of(node, len(tensor.sizes), -1)
    if axis == rows:
        raise UnclearError("an order of rows")
    dims = tuple(None if i == axis else size for i, size in enumerate(tensor.sizes))
    return [Tensor(dims, tensor.element), Tensor(dims, INT64, small=True)]
