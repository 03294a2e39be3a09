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
_SUMS = {"Add", "Sub", "Mul", "Sum", "Neg", "Abs", "ReduceSum", "ReduceL1", "CumSum"}
_NEVER = {
    "Pow",
    "Mean",
    "Gemm",
    "MatMul",
    "ReduceMean",
    "ReduceProd",
    "ReduceSumSquare",
    "ReduceL2",
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
    if (node.operator == "ConstantOfShape") != any(one and one.shape for one in inputs):
        raise UnclearError("sizes of its own making, or looks at how many rows there are")
    if node.operator == "Cast":
        tensor, wanted = input_at(inputs, 0), _target(node)
        bounds = _BITS.get(wanted)
        exact = tensor.element in {*_BITS, BOOL} or (tensor.small and wanted == INT64)
        if bounds is not None and not exact:
            bits, sign = bounds
            high = 2.0 ** (bits - sign)
            yield from _within(node, 0, tensor, -high if sign else 0.0, high)
    elif node.operator == "ArrayFeatureExtractor":
        # Proven, not guarded: a place is used before its value could be looked at.
        index = input_at(inputs, 1)
        if not index.small:
            raise UnclearError("places that could be below 0")
    elif node.operator == "Div" and input_at(inputs, 0).element not in FLOATS:
        whole = input_at(inputs, 1).whole
        if whole is None or {0, -1} & set(whole):
            raise UnclearError("a division of whole numbers by something that could be 0 or -1")
    elif node.operator in _SUMS | _NEVER and input_at(inputs, 0).element not in FLOATS:
        yield from _sums(node, inputs)


def _sums(node: GraphNode, inputs: Inputs) -> Iterator[Guard]:
    """Sums and products of two numbers of half the bits do not overflow."""
    element = input_at(inputs, 0).element
    if node.operator in _NEVER or element not in (INT32, INT64):
        raise UnclearError("whole numbers that could overflow")
    half = 1 << (31 if element == INT64 else 15)
    terms = inputs[:1] if node.operator in ("ReduceSum", "CumSum") else inputs
    for place, tensor in enumerate(terms):
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
