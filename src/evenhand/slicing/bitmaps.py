"""Bitmaps: literals and counts as bits, in blocks that stay in the processor's cache.

Sums of a slice are then AND and popcount, and exact: a whole number is a few bit planes, and its sum
the planes' popcounts times powers of two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.slicing.kernels import Kernel
from evenhand.slicing.losses import Losses
from evenhand.slicing.space import Item, member

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
#: Words of 64 cells in a block: 4 KiB a literal.
BLOCK_WORDS = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bitmaps:
    """Literals and counts of all cells.

    Attributes
    ----------
    items : array of shape (blocks, items, words)
        A bit is set where the cell satisfies the literal.
    planes : array of shape (blocks, planes, words)
        Bits of the counts.
    weights : integer array of shape (1 + planes, 3)
        What a cell, and a bit of each plane, adds to rows, numerator and denominator.
    kernel : Kernel
        What counts.
    """

    items: Words
    planes: Words
    weights: Integers
    kernel: Kernel

    def sums(self, slices: npt.NDArray[np.int32]) -> Integers:
        """Rows, numerator and denominator of slices, shape (slices, 3).

        Parameters
        ----------
        slices : integer array of shape (slices, literals)
            Numbers of the literals, best in lexicographic order: what neighbours share is computed once.
        """
        count = len(slices)
        new = np.ones(count, bool)
        new[1:] = (slices[1:, :-1] != slices[:-1, :-1]).any(axis=1)
        starts = np.append(np.flatnonzero(new), count).astype(np.int64)
        prefixes = np.ascontiguousarray(slices[starts[:-1], :-1], np.int64)
        last = np.ascontiguousarray(slices[:, -1], np.int64)
        counts = np.zeros((count, 1 + self.planes.shape[1]), np.int64)
        for block in range(len(self.items)):
            self.kernel(self.items[block], self.planes[block], prefixes, starts, last, counts)
        return counts @ self.weights

    def supports(self) -> "Bitmaps":
        """The same without the planes that only numerators need: rows and denominators are exact."""
        needed = np.flatnonzero((self.weights[1:, [0, 2]] != 0).any(axis=1))
        return replace(
            self,
            planes=np.ascontiguousarray(self.planes[:, needed]),
            weights=self.weights[np.concatenate([[0], needed + 1])],
        )

    def words(self, items: Sequence[int]) -> Words:
        """Bits of the cells that satisfy all of some literals, shape (blocks, words)."""
        return np.asarray(np.bitwise_and.reduce(self.items[:, list(items)], axis=1), np.uint64)

    def members(self, items: Sequence[int], cells: int) -> npt.NDArray[np.bool_]:
        """Which of so many cells satisfy all of some literals, shape (cells,)."""
        bits = np.ascontiguousarray(self.words(items)).view(np.uint8).ravel()
        return np.unpackbits(bits, count=cells, bitorder="little").view(bool)

    def sums_of(self, words: Words) -> Integers:
        """Rows, numerator and denominator of the cells of some bits, shape (3,)."""
        counts = np.zeros(1 + self.planes.shape[1], np.int64)
        for bits, planes in zip(words, self.planes, strict=True):
            counts[0] += np.bitwise_count(bits).sum(dtype=np.int64)
            counts[1:] += np.bitwise_count(planes & bits).sum(axis=1, dtype=np.int64)
        return counts @ self.weights


def pack(cells: Cells, items: Sequence[Item], losses: Losses, kernel: Kernel) -> Bitmaps:
    """Bitmaps of some literals and of the losses."""
    words = -(-len(cells) // 64)
    block = min(BLOCK_WORDS, max(words, 1))
    blocks = max(-(-words // block), 1)
    packed = np.empty((blocks, len(items), block), np.uint64)
    for number, item in enumerate(items):
        packed[:, number] = _bits(member(cells, item), blocks, block)
    planes, weights = _planes(cells, losses)
    bits = np.empty((blocks, len(planes), block), np.uint64)
    for number, plane in enumerate(planes):
        bits[:, number] = _bits(plane, blocks, block)
    return Bitmaps(items=packed, planes=bits, weights=weights, kernel=kernel)


def bytes_needed(cells: int, items: int, losses: Losses) -> int:
    """Memory that `pack` will take."""
    planes = sum(int(np.abs(v).max(initial=0)).bit_length() for v in (losses.above, losses.below))
    return (cells // 8 + 8) * (items + planes)


def _bits(mask: npt.NDArray[np.bool_], blocks: int, block: int) -> Words:
    out = np.zeros(blocks * block * 8, np.uint8)
    packed = np.packbits(mask, bitorder="little")
    out[: len(packed)] = packed
    return out.view(np.uint64).reshape(blocks, block)


def _planes(cells: Cells, losses: Losses) -> tuple[list[npt.NDArray[np.bool_]], Integers]:
    """Bit planes of rows, numerator and denominator, and what each adds to which."""
    planes: list[npt.NDArray[np.bool_]] = []
    weights = [np.zeros(3, np.int64)]
    seen: list[tuple[Integers, list[int]]] = []
    for channel, values in enumerate((cells.n_rows, losses.above, losses.below)):
        if (values == 1).all():
            weights[0][channel] = 1
            continue
        known = next((numbers for other, numbers in seen if np.array_equal(other, values)), None)
        if known is not None:
            for number in known:
                weights[number][channel] = weights[number][seen_channel(weights[number])]
            continue
        numbers = []
        for sign in (1, -1):
            size = np.maximum(values * sign, 0)
            for bit in range(int(size.max(initial=0)).bit_length()):
                planes.append((size >> bit) & 1 == 1)
                weights.append(np.zeros(3, np.int64))
                weights[-1][channel] = sign << bit
                numbers.append(len(weights) - 1)
        seen.append((values, numbers))
    return planes, np.array(weights)


def seen_channel(weights: Integers) -> int:
    """Channel that a plane was made for: the first it adds to."""
    return int(np.flatnonzero(weights)[0])
