"""What is known of a tensor in a graph, above all which of its axes stands for the rows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evenhand.bounty.strangers.graph import Constant, GraphNode

#: The axis of the rows among sizes; sizes are never negative, and `None` where not known.
ROWS: Final = -1
#: Axes of a tensor: numpy knows no more either.
MAX_AXES: Final = 64
Dim = int | None
Dims = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is known of a tensor: sizes (`None`: not even how many), element type, integers.

    `small` are whole numbers from 0 to below 2^31, whatever the rows hold; `shape` are the sizes of
    another tensor, where this one holds them.
    """

    dims: Dims | None
    element: int | None
    whole: tuple[int, ...] | None = None
    small: bool = False
    shape: Dims | None = None

    @property
    def axis(self) -> int | None:
        """The axis of the rows; `None` for what is the same for every batch."""
        return self.dims.index(ROWS) if self.dims is not None and ROWS in self.dims else None

    @property
    def sizes(self) -> Dims:
        """The sizes, which must be known."""
        if self.dims is None:
            raise UnclearError("sizes that do not follow from the file")
        return self.dims

    @property
    def integers(self) -> tuple[int, ...]:
        """The values, which must be known integers."""
        if self.whole is None:
            raise UnclearError("a parameter that is no plain constant")
        return self.whole


def alike(tensor: Tensor) -> Tensor:
    """Other numbers of the same sizes and kind."""
    return Tensor(tensor.sizes, tensor.element)


class UnclearError(Exception):
    """Not proven to be row by row, and why."""


Inputs = Sequence[Tensor | None]
Rule = Callable[[GraphNode, Inputs, int], list[Tensor]]


def tensor_of(given: Constant) -> Tensor:
    """A constant, the same for every batch."""
    small = given.whole is not None and all(0 <= number < 1 << 31 for number in given.whole)
    return Tensor(given.dims, given.element, given.whole, small)


def input_at(inputs: Inputs, index: int) -> Tensor:
    """An input that must be there."""
    found = inputs[index] if index < len(inputs) else None
    if found is None:
        raise UnclearError("too few inputs")
    return found


def with_rows(inputs: Inputs, index: int = 0) -> tuple[Tensor, int]:
    """An input, and the axis of its rows."""
    tensor = input_at(inputs, index)
    if tensor.axis is None:
        # Only reached where all else is the same for every batch too, or rows stand elsewhere.
        if any(other is not None and other.axis is not None for other in inputs):
            raise UnclearError("rows where a constant is expected")
        return tensor, -1
    return tensor, tensor.axis


def check_fixed(inputs: Inputs, start: int = 1) -> None:
    """Refuse rows among the inputs from `start` on."""
    for tensor in inputs[start:]:
        if tensor is not None and tensor.axis is not None:
            raise UnclearError("rows where a constant is expected")


def broadcast(shapes: Sequence[Dims]) -> Dims:
    """Sizes broadcast; rows only meet rows of the same axis, or a size of 1."""
    rank = max(len(dims) for dims in shapes)
    out: list[Dim] = []
    for place in range(-rank, 0):
        sizes = [dims[place] for dims in shapes if len(dims) >= -place]
        if ROWS in sizes:
            if any(size not in (ROWS, 1) for size in sizes):
                raise UnclearError("rows that are put together with another axis")
            out.append(ROWS)
            continue
        large = {size for size in sizes if size is not None and size != 1}
        out.append(large.pop() if len(large) == 1 else None if None in sizes or large else 1)
    if out.count(ROWS) > 1:
        raise UnclearError("rows that are put together with other rows")
    return tuple(out)


def axis_of(node: GraphNode, rank: int, default: int) -> int:
    """The attribute ``axis``, counted from the front."""
    found = integer_of(node, "axis", default)
    if not -rank <= found < rank:
        raise UnclearError("an axis that does not exist")
    return found % rank


def integer_of(node: GraphNode, name: str, default: int) -> int:
    """An attribute that is one integer."""
    found = node.attributes.get(name, default)
    if not isinstance(found, int):
        raise UnclearError(f"an odd {name}")
    return found


def integers_of(node: GraphNode, name: str, inputs: Inputs, place: int) -> tuple[int, ...] | None:
    """A list of integers that older operator sets have as an attribute, newer ones as an input."""
    if name in node.attributes:
        found = node.attributes[name]
        if not isinstance(found, tuple):
            raise UnclearError(f"odd {name}")
        return found
    if place < len(inputs) and inputs[place] is not None:
        return input_at(inputs, place).integers
    return None


def product_of(dims: Sequence[Dim]) -> int:
    """How many elements there are; every size must be known."""
    if None in dims:
        raise UnclearError("sizes that do not follow from the file")
    return math.prod(size for size in dims if size is not None)


def place_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < rank:
        raise UnclearError("an axis that does not exist")
    return axis % rank


def sum_of(sizes: Sequence[Dim]) -> int:
    """The sum of known sizes."""
    return sum(size for size in sizes if size is not None)
