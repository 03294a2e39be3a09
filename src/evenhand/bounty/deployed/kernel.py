"""The compiled kernel of a list.  Importing this module loads numba (a third of a second)."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from evenhand.bounty.deployed.cells import BITS

#: Rows worked on at once: what is known of them stays in the processor's first cache.
CHUNK = 2_048


@intrinsic
def _lowest(context: Any, value: Any) -> Any:  # noqa: ARG001 - numba calls it so
    """Place of the lowest bit that is set."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


# Inlined by numba itself: what numba's cache gives back runs six times as long otherwise.
@njit(cache=True, nogil=True, inline="always")
def _place(
    column: Any, count: int, top: int, cuts: Any, places: Any, cells: Any, keys: Any
) -> None:
    """Add each row's place on a column to its key."""
    if top >= 0:
        highest, below, missing = np.float32(top), np.int32(2 * top + 1), np.int32(2 * top + 2)
        for row in range(count):
            x = column[row]
            y = x if x > 0 else np.float32(0)
            y = y if y < highest else highest  # noqa: FURB136 - faster than numba's min
            whole = np.int32(y)
            cell = np.int32(2) * whole + (np.int32(1) if np.float32(whole) != y else np.int32(0))
            cell = cell if x >= 0 else below
            cells[row] = cell if x == x else missing  # noqa: PLR0124 - missing
    else:
        # A step for all rows at a time: a search row by row has branches that nobody can foresee.
        step, missing = np.int32((len(cuts) + 1) >> 1), np.int32(len(places) - 1)
        cells[:count] = 0
        while step > 0:
            for row in range(count):
                low = cells[row]
                more = cuts[np.uintp(low + step - np.int32(1))] < column[row]
                cells[row] = low + (step if more else np.int32(0))
            step >>= np.int32(1)
        for row in range(count):
            x, low = column[row], cells[row]
            cell = np.int32(2) * low + (np.int32(1) if cuts[np.uintp(low)] == x else np.int32(0))
            cells[row] = cell if x == x else missing  # noqa: PLR0124 - missing
    for row in range(count):
        keys[row] += places[np.uintp(cells[row])]


@njit(cache=True, nogil=True, inline="always")
def _later(ways: Any, skipped: int) -> Any:
    """Ways of a word without its first ones."""
    if skipped <= 0:
        return ways
    return ways & (~np.uint64(0) << np.uint64(skipped)) if skipped < 64 else np.uint64(0)


@njit(cache=True, nogil=True, inline="always")
def _choose(
    count: int, keys: Any, words: Any, starts: Any, sizes: Any, actions: Any, rows: Any, model: Any
) -> None:
    """The model of each row: that of the first way which is open to it on all columns."""
    ways = np.empty(CHUNK + 96, np.uint64)
    begin = np.empty(CHUNK + 352, np.int32)
    for row in range(count):
        rows[row] = row
        begin[row] = 0
        model[row] = 0
    left = count
    for first in range(0, len(actions), 64):
        for table in range(len(sizes)):
            allowed = words[starts[table] + first // 64 * sizes[table] :]
            key = keys[table]
            if table == 0:
                for place in range(left):
                    ways[place] = allowed[np.uintp(key[np.uintp(rows[place])])]
            else:
                for place in range(left):
                    ways[place] &= allowed[np.uintp(key[np.uintp(rows[place])])]
        kept = 0
        for place in range(left):
            at = np.uintp(rows[place])
            here, going = _later(ways[place], begin[at] - first), 1
            while here != 0:
                action = actions[np.uintp(first) + np.uintp(_lowest(here))]  # type: ignore[call-arg]
                if action >= 0:
                    model[at] = action
                    going = 0
                    break
                # A repair: the search goes on with the ways of an older version.
                begin[at] = -1 - action
                here = _later(here, begin[at] - first)
            rows[kept] = at
            kept += going
        left = kept


@njit(cache=True, nogil=True, inline="always")
def _walk(
    matrix: Any, start: int, count: int, roots: Any, nodes: Any, values: Any, rows: Any, model: Any
) -> None:
    """The leaf of each row in its model's tree, in place of the model: a step for all rows at a time."""
    left = 0
    for row in range(count):
        root = np.uintp(roots[np.uintp(model[row])])
        model[row] = root
        rows[left] = row
        left += 1 if nodes[root, 0] >= 0 else 0
    while left > 0:
        kept = 0
        for place in range(left):
            at = np.uintp(rows[place])
            node = np.uintp(model[at])
            asked = nodes[node, 0]
            x = matrix[np.uintp(start) + at, np.uintp(asked >> 1)]
            less = (x <= values[node, 1]) | ((x != x) & ((asked & 1) != 0))  # noqa: PLR0124
            following = np.uintp(nodes[node, 2]) + (np.uintp(0) if less else np.uintp(1))
            model[at] = following
            rows[kept] = at
            kept += 1 if nodes[following, 0] >= 0 else 0
        left = kept


@njit(cache=True, nogil=True)
def answer(
    matrix: Any,
    bits: Any,
    kinds: Any,
    cuts: Any,
    cut_starts: Any,
    places: Any,
    place_starts: Any,
    words: Any,
    word_starts: Any,
    word_sizes: Any,
    actions: Any,
    roots: Any,
    nodes: Any,
    values: Any,
    out: Any,
) -> None:
    """The answer's number of each row, see `FlatList`."""
    # Sizes differ, so that no two arrays begin at one place of the processor's cache.
    keys = np.empty((max(len(word_sizes), 1), CHUNK + 96), np.uint16)
    column = np.empty(CHUNK + 160, np.float32)
    cells = np.empty(CHUNK + 224, np.int32)
    rows = np.empty(CHUNK + 288, np.uint32)
    model = np.empty(CHUNK + 416, np.uint32)
    for start in range(0, len(matrix), CHUNK):
        count = min(CHUNK, len(matrix) - start)
        keys[:, :count] = 0
        for number in range(len(kinds)):
            asked, kind, joint = kinds[number]
            table = places[place_starts[number] : place_starts[number + 1]]
            key = keys[joint]
            if kind == BITS:
                for row in range(count):
                    key[row] += table[bits[asked, start + row]]
            else:
                for row in range(count):
                    column[row] = matrix[start + row, asked]
                cut = cuts[cut_starts[number] : cut_starts[number + 1]]
                _place(column, count, kind, cut, table, cells, key)
        _choose(count, keys, words, word_starts, word_sizes, actions, rows, model)
        _walk(matrix, start, count, roots, nodes, values, rows, model)
        for row in range(count):
            out[start + row] = nodes[np.uintp(model[row]), 2]
