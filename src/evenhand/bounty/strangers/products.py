"""Products of matrices: rows stay rows."""

from evenhand.bounty.strangers.graph import GraphNode
from evenhand.bounty.strangers.tensor import (
    ROWS,
    Dims,
    Inputs,
    Tensor,
    UnclearError,
    broadcast,
    input_at,
    integer_of,
    with_rows,
)


def gemm(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """A table of rows times constant weights."""
    first, rows = with_rows(inputs)
    weights = input_at(inputs, 1)
    turned = integer_of(node, "transA", 0)
    if len(first.sizes) != 2 or len(weights.sizes) != 2 or weights.axis is not None:
        raise UnclearError("a product of two tensors of rows")
    if turned or rows > 0:
        raise UnclearError("sums over rows")
    width = weights.sizes[0 if integer_of(node, "transB", 0) else 1]
    dims: Dims = (first.sizes[0], width)
    if len(inputs) > 2 and inputs[2] is not None:
        added = input_at(inputs, 2).sizes
        if len(added) > 2 or broadcast([dims, added])[0] != dims[0]:
            raise UnclearError("rows that are put together with another axis")
    return [Tensor(dims, first.element)]


def matmul(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """A product that sums over another axis than the rows'."""
    one, other = input_at(inputs, 0).sizes, input_at(inputs, 1).sizes
    if not one or not other:
        raise UnclearError("a product with a single number")
    left = one if len(one) > 1 else (1, *one)
    right = other if len(other) > 1 else (*other, 1)
    if left[-1] == ROWS or right[-2] == ROWS:
        raise UnclearError("sums over rows")
    batch = broadcast([left[:-2], right[:-2]]) if len(left) + len(right) > 4 else ()
    dims = (
        *batch,
        *((left[-2],) if len(one) > 1 else ()),
        *((right[-1],) if len(other) > 1 else ()),
    )
    if dims.count(ROWS) > 1:
        raise UnclearError("a product of two tensors of rows")
    return [Tensor(dims, input_at(inputs, 0).element)]
