"""The compiled kernel: the same counts by numba.  Importing this module loads numba (a second)."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic


@intrinsic
def _popcount(context: Any, value: Any) -> Any:  # noqa: ARG001 - numba calls it so
    """The processor's own bit count, which numba has no name for."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
def count_compiled(
    items: Any, planes: Any, prefixes: Any, starts: Any, last: Any, out: Any
) -> None:
    """Kernel in compiled code; arguments as in `evenhand.slicing.kernels.Kernel`."""
    words = items.shape[1]
    shared = np.empty(words, np.uint64)
    chosen = np.empty(words, np.uint64)
    for group in range(len(prefixes)):
        shared[:] = ~np.uint64(0)
        for depth in range(prefixes.shape[1]):
            for word in range(words):
                shared[word] &= items[prefixes[group, depth], word]
        for number in range(starts[group], starts[group + 1]):
            item = last[number]
            total = np.uint64(0)
            for word in range(words):
                chosen[word] = shared[word] & items[item, word]
                total += _popcount(chosen[word])  # type: ignore[call-arg]
            out[number, 0] += total
            if total == 0:
                continue
            for plane in range(len(planes)):
                total = np.uint64(0)
                for word in range(words):
                    total += _popcount(chosen[word] & planes[plane, word])  # type: ignore[call-arg]
                out[number, 1 + plane] += total
