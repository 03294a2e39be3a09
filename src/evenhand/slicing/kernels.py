"""Kernels: count bits of many slices in one block of cells.

Both kernels give the same whole numbers; the compiled one (extra ``fast``) is up to fifteen times as
fast and takes a second to load, so it is used where there is enough to count.
"""

from importlib.util import find_spec
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evenhand.deferred import Deferred
from evenhand.errors import InputError

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
#: Words to be ANDed from which on loading the compiled kernel pays.
COMPILED_FROM = 5e7
#: Loads numba.
_COMPILED = Deferred("evenhand.slicing.compiled")


class Kernel(Protocol):
    """Adds popcounts of slices over one block to `out`."""

    def __call__(
        self,
        items: Words,
        planes: Words,
        prefixes: Integers,
        starts: Integers,
        last: Integers,
        out: Integers,
    ) -> None:
        """Count.

        Parameters
        ----------
        items, planes : arrays of shape (items, words), (planes, words)
            Bits of the block.
        prefixes : integer array of shape (groups, literals - 1)
            Literals that the slices of a group share.
        starts : integer array of shape (groups + 1,)
            Where each group begins in `last`.
        last : integer array of shape (slices,)
            Last literal of each slice.
        out : integer array of shape (slices, 1 + planes)
            Cells, and bits of each plane.
        """
        ...


def count_numpy(
    items: Words,
    planes: Words,
    prefixes: Integers,
    starts: Integers,
    last: Integers,
    out: Integers,
) -> None:
    """Kernel in numpy."""
    everything = np.full(items.shape[1], ~np.uint64(0))
    for group, prefix in enumerate(prefixes):
        shared = everything
        for item in prefix:
            shared = shared & items[item]
        for start in range(starts[group], starts[group + 1], 256):
            chosen = slice(start, min(start + 256, starts[group + 1]))
            bits = items[last[chosen]]
            bits &= shared
            out[chosen, 0] += _popcount(bits)
            for number, plane in enumerate(planes):
                out[chosen, 1 + number] += _popcount(bits & plane)


def _popcount(bits: Words) -> npt.NDArray[np.uint16]:
    # 512 words of 64 bits count to 32 768: they fit 16 bits, which numpy adds fastest.
    return np.asarray(np.bitwise_count(bits).sum(axis=1, dtype=np.uint16))


def choose_kernel(work: float, wanted: str = "auto") -> Kernel:
    """The kernel that suits an amount of work.

    Parameters
    ----------
    work : float
        Words that will be ANDed, about.
    wanted : {'auto', 'numpy', 'compiled'}
        Which one to take.
    """
    if wanted not in ("auto", "numpy", "compiled"):
        raise InputError(f"kernel is {wanted!r}.  Allowed: auto, numpy, compiled")
    installed = find_spec("numba") is not None
    if wanted == "compiled" and not installed:
        raise InputError(
            "The compiled kernel needs one more package.  Run: pip install 'evenhand[fast]'"
        )
    if wanted == "compiled" or (wanted == "auto" and installed and work > COMPILED_FROM):
        kernel: Kernel = _COMPILED.count_compiled
        return kernel
    return count_numpy
