"""Columns of an engine's answer, as numbers and as keys of a cube."""

import datetime
import decimal
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.errors import InputError
from evenhand.groups.partition import Key
from evenhand.records.declarations import columns_option

#: Columns up to so long are read without Arrow's functions, which take 25 ms to load.
_FEW_ROWS = 4096


def floats_of(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Numbers of an Arrow column, decimals included."""
    if pa.types.is_decimal(column.type):
        if len(column) <= _FEW_ROWS:
            return np.array(column.to_pylist(), dtype=float)
        column = column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy(), dtype=float)


def integers_of(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Whole numbers of an Arrow column, decimals included."""
    return floats_of(column).astype(np.int64)


def values_of(column: pa.ChunkedArray | pa.Array, name: str) -> list[Any]:
    """Values of an attribute; dates that Python has no word for are refused."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError) as error:
        raise InputError(
            f"{name} holds a date outside the years 1 to 9999 (or an infinite one).  Mend it, leave it "
            f"out with --where, or take the dates as text: {columns_option(name, 'text')}"
        ) from error


def key_of(value: Any) -> Key:
    """An attribute's value as it stands in a cube: text, number, truth or missing."""
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        # -0.0 is 0.0, whichever row comes first; of NaN there is one, so that it equals itself in a key.
        return math.nan if math.isnan(value) else value + 0.0
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def keys_of(values: Sequence[Any]) -> list[Key]:
    """Keys of an attribute's values, each value turned once: units repeat them."""
    known = {value: key_of(value) for value in dict.fromkeys(values)}
    return [known[value] for value in values]


def coded(column: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Numbers of a column's values in order of appearance, and the values; NULL is one of them."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    found = column.dictionary_encode("encode")
    return found.indices.to_numpy().astype(np.int64), found.dictionary


def coded_keys(column: pa.ChunkedArray, name: str) -> tuple[list[Key], npt.NDArray[np.int64]]:
    """Keys of an attribute's values, and which of them each row has; some keys may be equal."""
    if len(column) <= _FEW_ROWS:
        return keys_of(values_of(column, name)), np.arange(len(column))
    codes, values = coded(column)
    return keys_of(values_of(values, name)), codes
