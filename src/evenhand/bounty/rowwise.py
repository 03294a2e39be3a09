"""Prove from the graph alone that an ONNX model answers each row by itself.

A model that looks at its whole batch answers otherwise when it is asked about one row, and tells
of other rows.  Each tensor's sizes are followed through the graph; the axis that stands for the
rows is marked `ROWS`, and tensors without it are the same for every batch.  An operator is allowed
where row i of what it makes depends on row i of what it reads, and on nothing else.
Semantics: github.com/onnx/onnx/blob/main/docs/Operators.md, and Operators-ml.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from evenhand.bounty.onnx_graph import (
    BOOL,
    FLOAT,
    FLOATS,
    INT64,
    Constant,
    Node,
    OnnxGraph,
    SubmissionError,
)

#: The axis of the rows among sizes; sizes are never negative, and `None` where not known.
ROWS: Final = -1
Dim = int | None
Dims = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is known of a tensor: sizes (`None`: not even how many), element type, integers."""

    dims: Dims | None
    element: int | None
    whole: tuple[int, ...] | None = None

    @property
    def axis(self) -> int | None:
        """The axis of the rows; `None` for what is the same for every batch."""
        return self.dims.index(ROWS) if self.dims is not None and ROWS in self.dims else None

    @property
    def sizes(self) -> Dims:
        """The sizes, which must be known."""
        if self.dims is None:
            raise _UnclearError("sizes that do not follow from the file")
        return self.dims

    @property
    def integers(self) -> tuple[int, ...]:
        """The values, which must be known integers."""
        if self.whole is None:
            raise _UnclearError("a parameter that is no plain constant")
        return self.whole


class _UnclearError(Exception):
    """Not proven to be row by row, and why."""


Inputs = Sequence[Tensor | None]
Rule = Callable[[Node, Inputs, int], list[Tensor]]


def check_rowwise(graph: OnnxGraph, features: int | None) -> None:
    """Refuse a graph that is not proven to answer each row by itself.

    Parameters
    ----------
    graph : OnnxGraph
        Its first input is the matrix.
    features : int or None
        Columns of the matrix.

    Raises
    ------
    SubmissionError
        ``not_row_wise``, with the operator.
    """
    known = {item.name: _constant(item) for item in graph.constants}
    if len(known) != len(graph.constants):
        raise _refusal("", "two constants of one name")
    known[graph.inputs[0].name] = Tensor((ROWS, features), FLOAT)
    for node in graph.nodes:
        for name, tensor in zip(node.outputs, _made(node, known, graph), strict=False):
            if name in known:
                raise _refusal(node.operator, "an output's name that stands for something else")
            if name:
                known[name] = tensor
    for output in graph.outputs:
        found = known.get(output.name)
        if found is None or found.axis != 0:
            raise _refusal("", f"the output {output.name[:40]!r}, which has not one answer a row")


def _refusal(operator: str, why: str) -> SubmissionError:
    where = f"the operator {operator[:40]!r} has " if operator else "the model has "
    return SubmissionError(
        "not_row_wise",
        f"{where}{why}.  A model must be seen to answer each row by itself, whatever other rows "
        "it is asked about at the same time.",
    )


def _constant(given: Constant) -> Tensor:
    return Tensor(given.dims, given.element, given.whole)


def _made(node: Node, known: dict[str, Tensor], graph: OnnxGraph) -> list[Tensor]:
    """The outputs of a node."""
    if any(name and name not in known for name in node.inputs):
        raise _refusal(node.operator, "an input that no node before it makes")
    inputs = [known[name] if name else None for name in node.inputs]
    fixed = all(tensor is None or tensor.axis is None for tensor in inputs)
    try:
        _check_division(node, inputs)
    except _UnclearError as error:
        raise _refusal(node.operator, str(error)) from error
    try:
        made = _RULES[node.operator](node, inputs, graph.versions.get(node.domain, 1))
    except (_UnclearError, IndexError, AttributeError, ValueError) as error:
        if fixed:
            # The same for every batch, whatever it is.
            return [Tensor(None, None) for _ in node.outputs]
        raise _refusal(
            node.operator,
            str(error) if isinstance(error, _UnclearError) else "inputs of an odd kind",
        ) from error
    if len(made) < len(node.outputs) or any(
        tensor.dims is not None and tensor.dims.count(ROWS) > 1 for tensor in made
    ):
        raise _refusal(node.operator, "outputs that are not known")
    return made


def _check_division(node: Node, inputs: Inputs) -> None:
    """Whole numbers are divided only by constants that no processor stops at."""
    if node.operator == "ReduceMean" and _given(inputs, 0).element not in FLOATS:
        raise _UnclearError("a mean of whole numbers")
    if node.operator != "Div" or _given(inputs, 0).element in FLOATS:
        return
    whole = _given(inputs, 1).whole
    if whole is None or {0, -1} & set(whole):
        raise _UnclearError("a division of whole numbers by something that could be 0 or -1")


# --- sizes ---


def _given(inputs: Inputs, index: int) -> Tensor:
    found = inputs[index] if index < len(inputs) else None
    if found is None:
        raise _UnclearError("too few inputs")
    return found


def _rows(inputs: Inputs, index: int = 0) -> tuple[Tensor, int]:
    """An input, and the axis of its rows."""
    tensor = _given(inputs, index)
    if tensor.axis is None:
        # Only reached where all else is the same for every batch too, or rows stand elsewhere.
        if any(other is not None and other.axis is not None for other in inputs):
            raise _UnclearError("rows where a constant is expected")
        return tensor, -1
    return tensor, tensor.axis


def _fixed(inputs: Inputs, start: int = 1) -> None:
    for tensor in inputs[start:]:
        if tensor is not None and tensor.axis is not None:
            raise _UnclearError("rows where a constant is expected")


def _together(shapes: Sequence[Dims]) -> Dims:
    """Sizes broadcast; rows only meet rows of the same axis, or a size of 1."""
    rank = max(len(dims) for dims in shapes)
    out: list[Dim] = []
    for place in range(-rank, 0):
        sizes = [dims[place] for dims in shapes if len(dims) >= -place]
        if ROWS in sizes:
            if any(size not in (ROWS, 1) for size in sizes):
                raise _UnclearError("rows that are put together with another axis")
            out.append(ROWS)
            continue
        large = {size for size in sizes if size is not None and size != 1}
        out.append(large.pop() if len(large) == 1 else None if None in sizes or large else 1)
    if out.count(ROWS) > 1:
        raise _UnclearError("rows that are put together with other rows")
    return tuple(out)


def _axis(node: Node, rank: int, default: int) -> int:
    found = _integer(node, "axis", default)
    if not -rank <= found < rank:
        raise _UnclearError("an axis that does not exist")
    return found % rank


def _integer(node: Node, name: str, default: int) -> int:
    found = node.attributes.get(name, default)
    if not isinstance(found, int):
        raise _UnclearError(f"an odd {name}")
    return found


def _integers(node: Node, name: str, inputs: Inputs, place: int) -> tuple[int, ...] | None:
    """A list of integers that older operator sets have as an attribute, newer ones as an input."""
    if name in node.attributes:
        found = node.attributes[name]
        if not isinstance(found, tuple):
            raise _UnclearError(f"odd {name}")
        return found
    if place < len(inputs) and inputs[place] is not None:
        return _given(inputs, place).integers
    return None


def _product(dims: Sequence[Dim]) -> int:
    if None in dims:
        raise _UnclearError("sizes that do not follow from the file")
    return math.prod(size for size in dims if size is not None)


# --- operators ---


def _joint(element: int | None = None, first: int = 0) -> Rule:
    """Of one element at a time; the result has the type of an input, or a fixed one."""

    def rule(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
        shapes = [tensor.sizes for tensor in inputs if tensor is not None]
        kind = element if element is not None else _given(inputs, first).element
        return [Tensor(_together(shapes), kind)]

    return rule


def _cast(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    return [Tensor(_given(inputs, 0).sizes, _integer(node, "to", 0))]


def _identity(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
    return [_given(inputs, 0)]


def _constant_node(node: Node, _: Inputs, __: int) -> list[Tensor]:
    value = node.attributes.get("value")
    if isinstance(value, Constant):
        return [_constant(value)]
    if isinstance(single := node.attributes.get("value_int"), int):
        return [Tensor((), INT64, (single,))]
    if isinstance(listed := node.attributes.get("value_ints"), tuple):
        return [Tensor((len(listed),), INT64, listed)]
    if "value_float" in node.attributes:
        return [Tensor((), FLOAT)]
    if isinstance(several := node.attributes.get("value_floats"), Constant):
        return [Tensor(several.dims, FLOAT)]
    raise _UnclearError("a value of an odd kind")


def _softmax(node: Node, inputs: Inputs, version: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    rank = len(tensor.sizes)
    axis = _axis(node, rank, -1 if version >= 13 else 1)
    # Older sets flatten all axes from this one on.
    if axis == rows or (version < 13 and axis < rows):
        raise _UnclearError("sums over rows")
    return [tensor]


def _normalized(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    if _axis(node, len(tensor.sizes), -1) <= rows:
        raise _UnclearError("means over rows")
    shape = _together([item.sizes for item in inputs if item is not None])
    if len(node.outputs) > 1:
        raise _UnclearError("outputs that are not known")
    return [Tensor(shape, tensor.element)]


def _batch(node: Node, inputs: Inputs, version: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    training = _integer(node, "training_mode", 0) or version < 9 or len(node.outputs) > 1
    if rows > 0 or len(tensor.sizes) < 2 or training:
        raise _UnclearError("means over rows")
    return [tensor]


def _reduce(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    rank = len(tensor.sizes)
    axes = _integers(node, "axes", inputs, 1)
    if not axes:
        if axes is not None and _integer(node, "noop_with_empty_axes", 0):
            return [tensor]
        raise _UnclearError("sums over rows")
    gone = {_place(axis, rank) for axis in axes}
    return [_without(tensor, gone, rows, _integer(node, "keepdims", 1), tensor.element)]


def _place(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise _UnclearError("an axis that does not exist")
    return axis % rank


def _without(tensor: Tensor, gone: set[int], rows: int, keep: int, element: int | None) -> Tensor:
    if rows in gone:
        raise _UnclearError("sums over rows")
    kept = [
        1 if i in gone else size for i, size in enumerate(tensor.sizes) if keep or i not in gone
    ]
    return Tensor(tuple(kept), element)


def _arg(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    axis = _axis(node, len(tensor.sizes), 0)
    return [_without(tensor, {axis}, rows, _integer(node, "keepdims", 1), INT64)]


def _top(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    axis = _axis(node, len(tensor.sizes), -1)
    if axis == rows:
        raise _UnclearError("an order of rows")
    dims = tuple(None if i == axis else size for i, size in enumerate(tensor.sizes))
    return [Tensor(dims, tensor.element), Tensor(dims, INT64)]


def _gather(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, index = _given(inputs, 0), _given(inputs, 1)
    axis = _axis(node, len(tensor.sizes), 0)
    if axis == tensor.axis or (tensor.axis is not None and index.axis is not None):
        raise _UnclearError("a choice of rows")
    dims = (*tensor.sizes[:axis], *index.sizes, *tensor.sizes[axis + 1 :])
    return [Tensor(dims, tensor.element)]


def _gather_elements(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, index = _given(inputs, 0), _given(inputs, 1)
    axis = _axis(node, len(tensor.sizes), 0)
    same = tensor.axis == index.axis and len(tensor.sizes) == len(index.sizes)
    if not same or axis == tensor.axis:
        raise _UnclearError("a choice of rows")
    return [Tensor(index.sizes, tensor.element)]


def _concat(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    parts = [tensor for tensor in inputs if tensor is not None]
    rank = len(_given(inputs, 0).sizes)
    axis = _axis(node, rank, 1)
    if len({part.axis for part in parts}) > 1 or any(len(part.sizes) != rank for part in parts):
        raise _UnclearError("rows that are joined with a constant")
    if parts[0].axis == axis:
        raise _UnclearError("rows that are joined with rows")
    sizes = [part.sizes[axis] for part in parts]
    total = None if None in sizes else _product_sum(sizes)
    dims = tuple(total if i == axis else size for i, size in enumerate(parts[0].sizes))
    return [Tensor(dims, parts[0].element)]


def _product_sum(sizes: Sequence[Dim]) -> int:
    return sum(size for size in sizes if size is not None)


def _slice(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    rank = len(tensor.sizes)
    starts = _integers(node, "starts", inputs, 1)
    axes = _integers(node, "axes", inputs, 3)
    cut = {_place(axis, rank) for axis in (axes if axes is not None else range(len(starts or ())))}
    if rows in cut:
        raise _UnclearError("a choice of rows")
    return [
        Tensor(
            tuple(None if i in cut else size for i, size in enumerate(tensor.sizes)), tensor.element
        )
    ]


def _split(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    axis = _axis(node, len(tensor.sizes), 0)
    if axis == rows:
        raise _UnclearError("a choice of rows")
    sizes = _integers(node, "split", inputs, 1) or (None,) * len(node.outputs)
    return [
        Tensor(
            tuple(part if i == axis else size for i, size in enumerate(tensor.sizes)),
            tensor.element,
        )
        for part in sizes
    ]


def _squeeze(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, _rows_axis = _rows(inputs)
    axes = _integers(node, "axes", inputs, 1)
    gone = {_place(axis, len(tensor.sizes)) for axis in axes or ()}
    if not gone or any(tensor.sizes[axis] != 1 for axis in gone):
        raise _UnclearError("axes to take away that are not named, or not of size 1")
    dims = tuple(size for i, size in enumerate(tensor.sizes) if i not in gone)
    return [replace(tensor, dims=dims)]


def _unsqueeze(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, _rows_axis = _rows(inputs)
    _fixed(inputs)
    axes = _integers(node, "axes", inputs, 1)
    if axes is None:
        raise _UnclearError("no axes")
    rank = len(tensor.sizes) + len(axes)
    new = {_place(axis, rank) for axis in axes}
    if len(new) != len(axes):
        raise _UnclearError("an axis twice")
    old = iter(tensor.sizes)
    return [replace(tensor, dims=tuple(1 if i in new else next(old) for i in range(rank)))]


def _transpose(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    rank = len(tensor.sizes)
    order = node.attributes.get("perm", tuple(reversed(range(rank))))
    if not isinstance(order, tuple) or sorted(order) != list(range(rank)):
        raise _UnclearError("an odd order of axes")
    dims = tuple(tensor.sizes[axis] for axis in order)
    if rows >= 0 and dims.index(ROWS) != rows:
        raise _UnclearError("rows that are moved to another axis")
    return [Tensor(dims, tensor.element)]


def _reshape(node: Node, inputs: Inputs, version: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    _fixed(inputs)
    target = node.attributes.get("shape") if version < 5 else _given(inputs, 1).integers
    if not isinstance(target, tuple) or _integer(node, "allowzero", 0):
        raise _UnclearError("sizes that do not follow from the file")
    if rows < 0:
        dims = tuple(None if size <= 0 else size for size in target)
        return [Tensor(dims, tensor.element)]
    each = _product([size for i, size in enumerate(tensor.sizes) if i != rows])
    copied = tuple(
        tensor.sizes[i] if size == 0 else None if size == -1 else size
        for i, size in enumerate(target)
    )
    if ROWS in copied:
        rest = _product([size for size in copied if size not in (ROWS, None)])
        free = each // rest if rest and each % rest == 0 else None
        dims = tuple(free if size is None else size for size in copied)
    else:
        dims = tuple(ROWS if size is None else size for size in copied)
    kept = dims.count(ROWS) == 1 and _product([s for s in dims if s != ROWS]) == each
    # In memory, rows come one after the other only where nothing larger than 1 is before them.
    before = (*tensor.sizes[:rows], *dims[: dims.index(ROWS)]) if kept else (None,)
    if not kept or each < 1 or any(size != 1 for size in before):
        raise _UnclearError("a new shape that does not keep rows apart")
    return [Tensor(dims, tensor.element)]


def _flatten(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, rows = _rows(inputs)
    rank = len(tensor.sizes)
    axis = _integer(node, "axis", 1)
    if rows != 0 or rank < 1 or (axis if axis >= 0 else axis + rank) != 1:
        raise _UnclearError("a new shape that does not keep rows apart")
    rest = tensor.sizes[1:]
    return [Tensor((ROWS, None if None in rest else _product(rest)), tensor.element)]


def _gemm(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    first, rows = _rows(inputs)
    weights = _given(inputs, 1)
    turned = _integer(node, "transA", 0)
    if len(first.sizes) != 2 or len(weights.sizes) != 2 or weights.axis is not None:
        raise _UnclearError("a product of two tensors of rows")
    if turned or rows > 0:
        raise _UnclearError("sums over rows")
    width = weights.sizes[0 if _integer(node, "transB", 0) else 1]
    dims: Dims = (first.sizes[0], width)
    if len(inputs) > 2 and inputs[2] is not None:
        added = _given(inputs, 2).sizes
        if len(added) > 2 or _together([dims, added])[0] != dims[0]:
            raise _UnclearError("rows that are put together with another axis")
    return [Tensor(dims, first.element)]


def _matmul(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
    one, other = _given(inputs, 0).sizes, _given(inputs, 1).sizes
    if not one or not other:
        raise _UnclearError("a product with a single number")
    left = one if len(one) > 1 else (1, *one)
    right = other if len(other) > 1 else (*other, 1)
    if left[-1] == ROWS or right[-2] == ROWS:
        raise _UnclearError("sums over rows")
    batch = _together([left[:-2], right[:-2]]) if len(left) + len(right) > 4 else ()
    dims = (
        *batch,
        *((left[-2],) if len(one) > 1 else ()),
        *((right[-1],) if len(other) > 1 else ()),
    )
    if dims.count(ROWS) > 1:
        raise _UnclearError("a product of two tensors of rows")
    return [Tensor(dims, _given(inputs, 0).element)]


def _table(inputs: Inputs, index: int = 0) -> Tensor:
    """An input of shape (rows, columns), as the operators for learned models read it."""
    tensor = _given(inputs, index)
    if tensor.axis != 0 or len(tensor.sizes) != 2:
        raise _UnclearError("an input that is not of shape (rows, columns)")
    return tensor


def _learned(*elements: int | None) -> Rule:
    """One row of `scores`, or a label and a row of scores."""

    def rule(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
        _table(inputs)
        _fixed(inputs)
        if len(elements) == 1:
            targets = _integer(node, "n_targets", _integer(node, "targets", 1))
            single = node.operator == "SVMRegressor"
            return [Tensor((ROWS, 1 if single else targets), elements[0])]
        kind = INT64 if "classlabels_strings" not in node.attributes else None
        # How many scores there are follows from several attributes that need not fit together.
        return [Tensor((ROWS,), kind), Tensor((ROWS, None), elements[1])]

    return rule


def _plain_table(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
    return [Tensor(_table(inputs).sizes, FLOAT)]


def _same_table(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
    return [_table(inputs)]


def _one_hot(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, _rows_axis = _rows(inputs)
    cats = node.attributes.get("cats_int64s")
    width = len(cats) if isinstance(cats, tuple) else None
    return [Tensor((*tensor.sizes, width), FLOAT)]


def _vectorized(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
    widths = [_table(inputs, index).sizes[1] for index in range(len(inputs))]
    return [Tensor((ROWS, None if None in widths else _product_sum(widths)), FLOAT)]


def _extracted(_: Node, inputs: Inputs, __: int) -> list[Tensor]:
    tensor, index = _given(inputs, 0), _given(inputs, 1)
    if index.axis is None and tensor.axis is not None:
        if tensor.axis == len(tensor.sizes) - 1:
            raise _UnclearError("a choice of rows")
        count = None if None in index.sizes else _product(index.sizes)
        return [Tensor((*tensor.sizes[:-1], count), tensor.element)]
    if tensor.axis is None and len(tensor.sizes) == 1 and index.axis is not None:
        # A table of constants, asked for one entry a row: one line with an entry for each row.
        if any(size not in (ROWS, 1) for size in index.sizes):
            raise _UnclearError("several entries a row")
        return [Tensor((1, ROWS), tensor.element)]
    raise _UnclearError("a choice of rows")


def _labels(node: Node, inputs: Inputs, _: int) -> list[Tensor]:
    tensor, _rows_axis = _rows(inputs)
    element = next(
        (
            kind
            for suffix, kind in (("int64s", INT64), ("floats", FLOAT))
            if f"values_{suffix}" in node.attributes
        ),
        None,
    )
    return [Tensor(tensor.sizes, element)]


_ONE = (
    "Abs Ceil Clip Elu Erf Exp Floor HardSigmoid LeakyRelu Log Neg Not Reciprocal Relu Round Selu "
    "Sigmoid Sign Softplus Sqrt Tanh Add Sub Mul Div Pow PRelu Max Min Mean Sum"
)
_TESTS = "And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN"
_REDUCE = "L1 L2 LogSumExp Max Mean Min Prod Sum SumSquare"
_RULES: dict[str, Rule] = {
    **dict.fromkeys(_ONE.split(), _joint()),
    **dict.fromkeys(_TESTS.split(), _joint(BOOL)),
    **dict.fromkeys([f"Reduce{name}" for name in _REDUCE.split()], _reduce),
    "Where": _joint(first=1),
    "Cast": _cast,
    "Identity": _identity,
    "Constant": _constant_node,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "LayerNormalization": _normalized,
    "BatchNormalization": _batch,
    "ArgMax": _arg,
    "ArgMin": _arg,
    "TopK": _top,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "ArrayFeatureExtractor": _extracted,
    "Binarizer": _joint(),
    "FeatureVectorizer": _vectorized,
    "Imputer": _same_table,
    "LabelEncoder": _labels,
    "LinearClassifier": _learned(None, FLOAT),
    "LinearRegressor": _learned(FLOAT),
    "Normalizer": _plain_table,
    "OneHotEncoder": _one_hot,
    "Scaler": _plain_table,
    "SVMClassifier": _learned(None, FLOAT),
    "SVMRegressor": _learned(FLOAT),
    "TreeEnsemble": _learned(None),
    "TreeEnsembleClassifier": _learned(None, FLOAT),
    "TreeEnsembleRegressor": _learned(FLOAT),
}
