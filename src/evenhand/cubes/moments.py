"""Sums and centred second moments of cells that are added up."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Beyond this the fourth power of a sum, and the square of a variance, fit in no float.
LARGEST_SUM = 1e70


def summed(values: npt.NDArray[Any], group: Integers, count: int) -> npt.NDArray[Any]:
    """Sum of the values of each group, added in the order in which they stand.

    Parameters
    ----------
    values : array of shape (cells, ...)
        Whole numbers, whose sums are exact, or floats.
    group : integer array of shape (cells,)
        Number of the group of each cell.
    count : int
        How many groups there are.
    """
    if not np.issubdtype(values.dtype, np.floating):
        out = np.zeros((count, *values.shape[1:]), values.dtype)
        np.add.at(out, group, values)
        return out
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    out = np.empty((count, flat.shape[1]))
    for place, column in enumerate(flat.T):
        out[:, place] = np.bincount(group, column, count)
    return out.reshape(count, *values.shape[1:])


def indicator_comoments(n_rows: npt.NDArray[Any], sums: Floats) -> Floats:
    """Centred second moments of cells whose rows add 1 to at most one count: told by the sums alone.

    Parameters
    ----------
    n_rows, sums : arrays of shape (cells,) and (cells, parts)
    """
    products = sums[:, :, None] * sums[:, None, :]
    diagonal = sums[:, :, None] * np.eye(sums.shape[1])
    out: Floats = diagonal - products / n_rows[:, None, None]
    return out


def merged_comoments(
    n_rows: Integers,
    sums: Floats,
    comoments: Floats | None,
    group: Integers,
    totals: Floats,
    rows: Integers,
) -> Floats:
    """Centred second moments of groups of cells.

    Parameters
    ----------
    n_rows, sums, comoments : arrays of shape (cells,), (cells, parts) and (cells, parts, parts)
        Rows of each cell, its sums, and its moments; no moments where the rows of a cell are alike.
    group : integer array of shape (cells,)
        Number of the group of each cell.
    totals, rows : arrays of shape (groups, parts) and (groups,)
        Sums and rows of each group.

    Notes
    -----
    Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115.
    """
    count, parts = totals.shape
    out = np.zeros((count, parts, parts))
    means = totals / np.maximum(rows, 1)[:, None]
    apart = sums / np.maximum(n_rows, 1)[:, None] - means[group]
    for i, j in np.ndindex(parts, parts):
        if j <= i:
            products = n_rows * apart[:, i] * apart[:, j]
            if comoments is not None:
                products = products + comoments[:, i, j]
            out[:, i, j] = out[:, j, i] = summed(products, group, count)
    return out
