"""Operators that choose, join, cut or turn what is there: never rows."""

from dataclasses import replace

from evenhand.bounty.strangers.graph import FLOAT, INT64, Constant, GraphNode
from evenhand.bounty.strangers.tensor import (
    ROWS,
    Inputs,
    Tensor,
    UnclearError,
    axis_of,
    check_fixed,
    input_at,
    integer_of,
    integers_of,
    place_of,
    product_of,
    sum_of,
    with_rows,
)


def gather(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Entries by place, along another axis than the rows'."""
    tensor, index = input_at(inputs, 0), input_at(inputs, 1)
    axis = axis_of(node, len(tensor.sizes), 0)
    if axis == tensor.axis or (tensor.axis is not None and index.axis is not None):
        raise UnclearError("a choice of rows")
    dims = (*tensor.sizes[:axis], *index.sizes, *tensor.sizes[axis + 1 :])
    return [Tensor(dims, tensor.element)]


def gather_elements(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """One entry a place, along another axis than the rows'."""
    tensor, index = input_at(inputs, 0), input_at(inputs, 1)
    axis = axis_of(node, len(tensor.sizes), 0)
    same = tensor.axis == index.axis and len(tensor.sizes) == len(index.sizes)
    if not same or axis == tensor.axis:
        raise UnclearError("a choice of rows")
    return [Tensor(index.sizes, tensor.element)]


def concat(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Tensors joined along another axis than the rows'."""
    parts = [tensor for tensor in inputs if tensor is not None]
    rank = len(input_at(inputs, 0).sizes)
    axis = axis_of(node, rank, 1)
    if len({part.axis for part in parts}) > 1 or any(len(part.sizes) != rank for part in parts):
        raise UnclearError("rows that are joined with a constant")
    if parts[0].axis == axis:
        raise UnclearError("rows that are joined with rows")
    sizes = [part.sizes[axis] for part in parts]
    total = None if None in sizes else sum_of(sizes)
    dims = tuple(total if i == axis else size for i, size in enumerate(parts[0].sizes))
    return [Tensor(dims, parts[0].element)]


def cut(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """``Slice``: a part along other axes than the rows'."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    rank = len(tensor.sizes)
    starts = integers_of(node, "starts", inputs, 1)
    axes = integers_of(node, "axes", inputs, 3)
    cut = {
        place_of(axis, rank) for axis in (axes if axes is not None else range(len(starts or ())))
    }
    if rows in cut:
        raise UnclearError("a choice of rows")
    return [
        Tensor(
            tuple(None if i in cut else size for i, size in enumerate(tensor.sizes)), tensor.element
        )
    ]


def split(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Several parts along another axis than the rows'."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    axis = axis_of(node, len(tensor.sizes), 0)
    if axis == rows:
        raise UnclearError("a choice of rows")
    sizes = integers_of(node, "split", inputs, 1) or (None,) * len(node.outputs)
    return [
        Tensor(
            tuple(part if i == axis else size for i, size in enumerate(tensor.sizes)),
            tensor.element,
        )
        for part in sizes
    ]


def squeeze(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Axes of size 1 taken away."""
    tensor, _rows_axis = with_rows(inputs)
    axes = integers_of(node, "axes", inputs, 1)
    gone = {place_of(axis, len(tensor.sizes)) for axis in axes or ()}
    if not gone or any(tensor.sizes[axis] != 1 for axis in gone):
        raise UnclearError("axes to take away that are not named, or not of size 1")
    dims = tuple(size for i, size in enumerate(tensor.sizes) if i not in gone)
    return [replace(tensor, dims=dims)]


def unsqueeze(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Axes of size 1 put in."""
    tensor, _rows_axis = with_rows(inputs)
    check_fixed(inputs)
    axes = integers_of(node, "axes", inputs, 1)
    if axes is None:
        raise UnclearError("no axes")
    rank = len(tensor.sizes) + len(axes)
    new = {place_of(axis, rank) for axis in axes}
    if len(new) != len(axes):
        raise UnclearError("an axis twice")
    old = iter(tensor.sizes)
    return [replace(tensor, dims=tuple(1 if i in new else next(old) for i in range(rank)))]


def transpose(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Axes in another order, the rows' at its place."""
    tensor, rows = with_rows(inputs)
    rank = len(tensor.sizes)
    order = node.attributes.get("perm", tuple(reversed(range(rank))))
    if not isinstance(order, tuple) or sorted(order) != list(range(rank)):
        raise UnclearError("an odd order of axes")
    dims = tuple(tensor.sizes[axis] for axis in order)
    if rows >= 0 and dims.index(ROWS) != rows:
        raise UnclearError("rows that are moved to another axis")
    return [Tensor(dims, tensor.element)]


def reshape(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """Other sizes, where each row keeps its numbers to itself."""
    tensor, rows = with_rows(inputs)
    check_fixed(inputs)
    target = input_at(inputs, 1).integers
    if integer_of(node, "allowzero", 0):
        raise UnclearError("sizes that do not follow from the file")
    if rows < 0:
        dims = tuple(None if size <= 0 else size for size in target)
        return [Tensor(dims, tensor.element)]
    each = product_of([size for i, size in enumerate(tensor.sizes) if i != rows])
    copied = tuple(
        tensor.sizes[i] if size == 0 else None if size == -1 else size
        for i, size in enumerate(target)
    )
    if ROWS in copied:
        rest = product_of([size for size in copied if size not in (ROWS, None)])
        free = each // rest if rest and each % rest == 0 else None
        dims = tuple(free if size is None else size for size in copied)
    else:
        dims = tuple(ROWS if size is None else size for size in copied)
    kept = dims.count(ROWS) == 1 and product_of([s for s in dims if s != ROWS]) == each
    # In memory, rows come one after the other only where nothing larger than 1 is before them.
    before = (*tensor.sizes[:rows], *dims[: dims.index(ROWS)]) if kept else (None,)
    if not kept or each < 1 or any(size != 1 for size in before):
        raise UnclearError("a new shape that does not keep rows apart")
    return [Tensor(dims, tensor.element)]


def flatten(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """One axis of all that a row holds."""
    tensor, rows = with_rows(inputs)
    rank = len(tensor.sizes)
    axis = integer_of(node, "axis", 1)
    if rows != 0 or rank < 1 or (axis if axis >= 0 else axis + rank) != 1:
        raise UnclearError("a new shape that does not keep rows apart")
    rest = tensor.sizes[1:]
    return [Tensor((ROWS, None if None in rest else product_of(rest)), tensor.element)]


def shape(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """The sizes of a tensor, for `filled` alone."""
    sizes = input_at(inputs, 0).sizes
    if node.attributes:
        raise UnclearError("a part of the sizes")
    return [Tensor((len(sizes),), INT64, shape=sizes)]


def filled(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """``ConstantOfShape``: one number for each place of a tensor that is there."""
    value = node.attributes.get("value")
    return [
        Tensor(input_at(inputs, 0).shape, value.element if isinstance(value, Constant) else FLOAT)
    ]
