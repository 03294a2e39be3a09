"""Arrow columns of numbers that were worked out here."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def number_column(values: npt.NDArray[Any], known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A column of whole numbers or of doubles, null where a value is not `known`.

    From buffers: pa.array would import pandas where it is installed (0.6 s).

    Examples
    --------
    >>> number_column(np.array([1.5, 2.0]), np.array([True, False])).to_pylist()
    [1.5, None]
    """
    whole = np.issubdtype(values.dtype, np.integer)
    plain = np.ascontiguousarray(values, np.int64 if whole else np.float64)
    bits = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    kind = pa.int64() if whole else pa.float64()
    return pa.Array.from_buffers(kind, len(plain), [bits, pa.py_buffer(plain)])
