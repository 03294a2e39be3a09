"""What no machine defines: conversions and whole numbers out of range, and places outside a table.

Each is refused in the graph, proven not to happen, or guarded: a row whose numbers leave the range
has no answer, on any machine.  ONNX calls a float that is converted to an integer out of range
undefined (github.com/onnx/onnx/blob/main/docs/Operators.md#Cast); of sums and products of integers
that overflow it says nothing.
"""

from collections.abc import Iterator

from evenhand.bounty.strangers.graph import (
    BOOL,
    DOUBLE,
    FLOAT,
    FLOATS,
    INT32,
    INT64,
    STRING,
    GraphNode,
    Guard,
)
from evenhand.bounty.strangers.tensor import Inputs, Tensor, UnclearError, input_at, integer_of

#: Bits of the integers that a tensor may hold, and whether they have a sign, by ONNX type.
_BITS = {
    2: (8, 0),
    3: (8, 1),
    4: (16, 0),
    5: (16, 1),
    6: (32, 1),
    7: (64, 1),
    12: (32, 0),
    13: (64, 0),
}
#: Operators on integers of 32 bits and more; on such of 64 bits only; and on none.
_SUMS = {"Add", "Sub", "Mul", "Neg", "Abs"}
_ALONG = {"ReduceSum", "ReduceL1", "CumSum"}
_MORE = {"Sum", *_ALONG}
_NEVER = {"Pow", "Mean", "Gemm", "MatMul"} | {
    f"Reduce{name}" for name in ("Mean", "Prod", "SumSquare", "L2", "LogSumExp")
}
#: Operators that move numbers and make none, with the inputs that they take them from.
_MOVES = {
    **dict.fromkeys(
        ("Cast", "Identity", "Gather", "GatherElements", "Slice", "Split"), slice(0, 1)
    ),
    **dict.fromkeys(("Squeeze", "Unsqueeze", "Transpose", "Reshape", "Flatten"), slice(0, 1)),
    "ArrayFeatureExtractor": slice(0, 1),
    "Where": slice(1, 3),
    "Concat": slice(0, None),
}


def guards_of(node: GraphNode, inputs: Inputs) -> Iterator[Guard]:
    """Ranges that a node's inputs must keep.

    Raises
    ------
    UnclearError
        Where no range would do.
    """
    name = node.operator
    if (name == "ConstantOfShape") != any(one and one.shape for one in inputs):
        raise UnclearError("sizes of its own making, or looks at how many rows there are")
    if name == "Cast":
        yield from _conversion(node, input_at(inputs, 0), _target(node))
    elif name == "OneHotEncoder" and "cats_int64s" in node.attributes:
        yield from _conversion(node, input_at(inputs, 0), INT64)
    elif name == "ArrayFeatureExtractor":
        # Proven, not guarded: a place is used before its value could be looked at.
        if not input_at(inputs, 1).small:
            raise UnclearError("places that could be below 0")
    elif name in {"Div", *_SUMS, *_MORE, *_NEVER} and not any(
        one and one.element in FLOATS for one in inputs
    ):
        yield from _whole(node, inputs)


def _conversion(node: GraphNode, tensor: Tensor, wanted: int) -> Iterator[Guard]:
    """Numbers that become integers must be ones that fit."""
    if wanted not in {*_BITS, *FLOATS, BOOL, STRING}:
        raise UnclearError("a conversion to numbers of another kind")
    exact = tensor.element in {*_BITS, BOOL} or (tensor.small and wanted == INT64)
    if wanted in _BITS and not exact:
        bits, sign = _BITS[wanted]
        high = 2.0 ** (bits - sign)
        yield from _within(node, 0, tensor, -high if sign else 0.0, high)


def _whole(node: GraphNode, inputs: Inputs) -> Iterator[Guard]:
    """Sums and products of two numbers of half the bits do not overflow."""
    element = input_at(inputs, 0).element
    if node.operator == "Div":
        whole = input_at(inputs, 1).whole
        if whole is None or {0, -1} & set(whole):
            raise UnclearError("a division of whole numbers by something that could be 0 or -1")
        return
    if element != INT64 and (element != INT32 or node.operator not in _SUMS):
        raise UnclearError("whole numbers that could overflow")
    if node.operator in _NEVER:
        raise UnclearError("whole numbers that could overflow")
    half = 1 << (31 if element == INT64 else 15)
    for place, tensor in enumerate(inputs[: 1 if node.operator in _ALONG else None]):
        if tensor is None or (tensor.small and element == INT64):
            continue
        if tensor.whole is None:
            yield from _within(node, place, tensor, -half, half)
        elif not all(-half <= number < half for number in tensor.whole):
            raise UnclearError("whole numbers that could overflow")


def _within(
    node: GraphNode, place: int, tensor: Tensor, low: float, high: float
) -> Iterator[Guard]:
    yield Guard(name=node.inputs[place], axis=tensor.axis, low=low, high=high)


def stays_small(node: GraphNode, inputs: Inputs) -> bool:
    """Whether a node hands on whole numbers from 0 to below 2^31 only."""
    taken = _MOVES.get(node.operator)
    if node.operator == "Cast" and _target(node) not in (FLOAT, DOUBLE, INT32, INT64, BOOL):
        return False
    return taken is not None and all(one is not None and one.small for one in inputs[taken])


def _target(node: GraphNode) -> int:
    return integer_of(node, "to", 0)
