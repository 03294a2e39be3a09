"""Columns that float32 cannot hold: values that differ in a table and are one number in the matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.task import Task
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError

#: Different values that are left and are enough for any model here: trees cut a column 255 times.
ENOUGH = 1 << 16
#: Share of its different values that a column may lose without a word, and before it is refused.
TOLD, REFUSED = 0.01, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LostValues:
    """A column of which float32 keeps too few values apart.

    Attributes
    ----------
    column : str
    different, kept : int
        Different values of the table, and of the matrix.
    low, high : float
        The smallest and largest of them.
    """

    column: str
    different: int
    kept: int
    low: float
    high: float

    @property
    def text(self) -> str:
        """What is lost, and what to do."""
        return (
            f"float32 cannot hold the column {self.column!r}: of {self.different:,} different values "
            f"from {self.low:,.12g} to {self.high:,.12g} it keeps {self.kept:,} apart.  Subtract its "
            "minimum first, or give days instead of seconds; leave it out where it is a number that "
            "only names a row."
        )


def lost_values(column: str, numbers: npt.NDArray[np.float64]) -> LostValues | None:
    """What float32 loses of a column; `None` where that is little.

    Whole numbers are exact up to 2^24 = 16,777,216; from there on 2, at 1.7 billion (seconds since
    1970) 128 of them are one.
    """
    values = np.unique(numbers[np.isfinite(numbers)])
    with np.errstate(over="ignore"):
        kept = len(np.unique(values.astype(np.float32)))
    if kept >= ENOUGH or len(values) - kept <= TOLD * len(values):
        return None
    low, high = float(values[0]), float(values[-1])
    return LostValues(column=column, different=len(values), kept=kept, low=low, high=high)


def check_precision(table: pa.Table, task: Task) -> tuple[LostValues, ...]:
    """Columns of which float32 loses more than one value in a hundred, to be told.

    Raises
    ------
    InputError
        Where it loses more than half of a column's values: no model of the bounty could tell them
        apart.
    """
    found = []
    for feature in task.features:
        if feature.kind == "number":
            numbers = table[feature.name].cast(pa.float64(), safe=False).to_numpy()
            found.append(lost_values(feature.name, np.asarray(numbers, float)))
    lost = tuple(one for one in found if one is not None)
    if refused := [one for one in lost if one.different - one.kept > REFUSED * one.different]:
        raise InputError("\n".join(one.text for one in refused))
    return lost
