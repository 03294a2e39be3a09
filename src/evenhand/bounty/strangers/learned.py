"""Operators of learned models (ai.onnx.ml): a table of rows in, an answer a row out."""

from dataclasses import replace

from evenhand.bounty.strangers.graph import FLOAT, INT64, Constant, GraphNode
from evenhand.bounty.strangers.tensor import (
    ROWS,
    Inputs,
    Tensor,
    UnclearError,
    alike,
    check_fixed,
    input_at,
    integer_of,
    product_of,
    sum_of,
    with_rows,
)


def _table(inputs: Inputs, index: int = 0) -> Tensor:
    """An input of shape (rows, columns), as the operators for learned models read it."""
    tensor = input_at(inputs, index)
    if tensor.axis != 0 or len(tensor.sizes) != 2:
        raise UnclearError("an input that is not of shape (rows, columns)")
    return tensor


def label_and_scores(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """A label, and a row of scores: as many as labels, where each has its own."""
    check_fixed(inputs)
    names, base = node.attributes.get(_LABELS[node.operator]), node.attributes.get("intercepts")
    count = len(names) if isinstance(names, tuple) and len(names) > 1 else None
    own = node.operator == "TreeEnsembleClassifier" or (
        node.operator == "LinearClassifier" and isinstance(base, Constant) and base.dims == (count,)
    )
    kind = None if "classlabels_strings" in node.attributes else INT64
    _table(inputs)
    return [Tensor((ROWS,), kind), Tensor((ROWS, count if own and kind else None), FLOAT)]


#: The attribute of whole numbers as labels.
_LABELS = {
    "TreeEnsembleClassifier": "classlabels_int64s",
    "LinearClassifier": "classlabels_ints",
    "SVMClassifier": "classlabels_ints",
}


def scores(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """A row of float32 numbers."""
    return [replace(scores_alike(node, inputs, _)[0], element=FLOAT)]


def scores_alike(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """A row of numbers of the input's kind."""
    table = _table(inputs)
    check_fixed(inputs)
    targets = integer_of(node, "n_targets", integer_of(node, "targets", 1))
    single = node.operator == "SVMRegressor"
    return [Tensor((ROWS, 1 if single else targets), table.element)]


def plain_table(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """A table of float32 numbers."""
    return [Tensor(_table(inputs).sizes, FLOAT)]


def same_table(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """A table of the same kind."""
    return [alike(_table(inputs))]


def one_hot(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """A number for each category."""
    tensor, _rows_axis = with_rows(inputs)
    cats = node.attributes.get("cats_int64s")
    width = len(cats) if isinstance(cats, tuple) else None
    return [Tensor((*tensor.sizes, width), FLOAT)]


def vectorized(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """Tables side by side."""
    widths = [_table(inputs, index).sizes[1] for index in range(len(inputs))]
    return [Tensor((ROWS, None if None in widths else sum_of(widths)), FLOAT)]


def extracted(_: GraphNode, inputs: Inputs, __: int) -> list[Tensor]:
    """Columns of a table, or one entry of a constant line a row."""
    tensor, index = input_at(inputs, 0), input_at(inputs, 1)
    if index.axis is None and tensor.axis is not None:
        if tensor.axis == len(tensor.sizes) - 1:
            raise UnclearError("a choice of rows")
        count = None if None in index.sizes else product_of(index.sizes)
        return [Tensor((*tensor.sizes[:-1], count), tensor.element)]
    if tensor.axis is None and len(tensor.sizes) == 1 and index.axis is not None:
        # A table of constants, asked for one entry a row: one line with an entry for each row.
        if any(size not in (ROWS, 1) for size in index.sizes):
            raise UnclearError("several entries a row")
        return [Tensor((1, ROWS), tensor.element)]
    raise UnclearError("a choice of rows")


def labels(node: GraphNode, inputs: Inputs, _: int) -> list[Tensor]:
    """``LabelEncoder``: each element turned into another."""
    tensor, _rows_axis = with_rows(inputs)
    values = node.attributes.get("values_tensor")
    if isinstance(values, Constant):
        return [Tensor(tensor.sizes, values.element)]
    kinds = {"values_int64s": INT64, "values_floats": FLOAT}
    element = next((kind for name, kind in kinds.items() if name in node.attributes), None)
    return [Tensor(tensor.sizes, element)]
