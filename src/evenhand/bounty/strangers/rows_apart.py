"""Each row's own answer, also where others of its batch have none.

The sandbox's process loads this module alone, so it imports nothing of ours.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

#: Name of the one input: the task's matrix, float32 of shape (rows, features).
INPUT = "features"
#: Parts that a batch is cut into.  A call that raises costs as much as many that answer (40 to 400 µs,
#: by how much is loaded that must be unwound), so that few levels of many parts are best.
PARTS = 16
#: Name of a tensor, the axis of its rows or `None`, and the range [low, high) that it must keep.
Guards = Sequence[tuple[str, int | None, float, float]]


def answer_apart(
    session: Any, output: str, rows: Any, guards: Guards, most: int | None
) -> tuple[Any, Any]:
    """Values of an output, and which rows have none.

    A batch that raises is cut into parts until the rows that raise stand alone.  Memory that does not
    suffice is no row's fault and is raised as it is.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Has the tensors of the guards among its outputs.
    output : str
    rows : array of shape (n, features)
    guards : sequence
        Rows whose numbers leave their range, or are NaN, have no answer.
    most : int or None
        Rows that may have no answer; with more the last error is raised.
    """
    names = list(dict.fromkeys([output, *(name for name, *_ in guards if name != INPUT)]))
    parts: list[tuple[slice, Any]] = []
    failed = np.zeros(len(rows), bool)
    waiting = [(0, len(rows))]
    while waiting:
        start, stop = waiting.pop()
        try:
            part = rows[start:stop]
            found = dict(zip(names, session.run(names, {INPUT: part}), strict=True))
        except Exception as error:
            whole = stop - start == len(rows) and len(rows) < 2
            if whole or is_memory(error) or (most is not None and failed.sum() > most):
                raise
            if stop - start > 1:
                size = -(-(stop - start) // PARTS)
                waiting += [(at, min(at + size, stop)) for at in range(start, stop, size)]
                continue
            failed[start], last = True, error
            continue
        for name, axis, low, high in guards:
            tensor = np.asarray(part if name == INPUT else found[name])
            failed[start:stop] |= _outside(tensor, axis, low, high, stop - start)
        parts.append((slice(start, stop), np.asarray(found[output])))
    if not parts:
        raise last
    return _joined(parts, len(rows)), failed


def is_memory(error: Exception) -> bool:
    """Whether it is memory that did not suffice."""
    told = str(error)
    return isinstance(error, MemoryError) or ("llocat" in told and "memory" in told.lower())


def _outside(tensor: Any, axis: int | None, low: float, high: float, rows: int) -> Any:
    if tensor.dtype.kind not in "biuf" or (axis is not None and tensor.shape[axis] != rows):
        return np.ones(rows, bool)
    # NaN is smaller and larger than nothing.
    fine = (tensor >= low) & (tensor < high)
    if axis is None:
        return np.full(rows, not fine.all())
    return ~fine.all(axis=tuple(i for i in range(fine.ndim) if i != axis))


def _joined(parts: list[tuple[slice, Any]], rows: int) -> Any:
    if len(parts) == 1 and parts[0][0] == slice(0, rows):
        return parts[0][1]
    first = parts[0][1]
    values = np.zeros((rows, *first.shape[1:]), first.dtype)
    for place, found in parts:
        if found.shape != (place.stop - place.start, *first.shape[1:]):
            raise ValueError("the answers have not one entry a row")
        values[place] = found
    return values
