"""What is measured of a table's row: what is missing, and how far it lies from training data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from evenhand.deferred import numpy as np
from evenhand.errors import InputError
from evenhand.samples.measure import SampleMeasure

if TYPE_CHECKING:
    from numpy.typing import NDArray

Row = Mapping[str, Any]
Floats: TypeAlias = "NDArray[np.float64]"
#: Rows that stand for the training data; more change the nearest distance little.
MAX_ROWS = 1_000
_GOWER = "Gower (1971), doi:10.2307/2528823: mean over fields of |difference| / range, at most 1; 0 or 1 for categories"
MEASURES = (
    SampleMeasure(
        name="missing_share",
        unit="",
        about="Share of the training data's columns that say nothing here.",
        undefined="never",
        source="None, NaN and blank text",
    ),
    SampleMeasure(
        name="outside",
        unit="",
        about="Fields beyond the range, or of a category, that training showed.",
        undefined="never",
        source="ours",
    ),
    SampleMeasure(
        name="unknown",
        unit="",
        about="Fields that training did not have.",
        undefined="never",
        source="ours",
    ),
    SampleMeasure(
        name="distance",
        unit="",
        about="Distance to the nearest training row, 0 to 1, over the fields that both have.",
        undefined="no training row has a field in common",
        source=_GOWER,
    ),
    SampleMeasure(
        name="distance_rank",
        unit="",
        about="Share of training rows that lie nearer to the rest of training than this row does.",
        undefined="as distance",
        source=_GOWER,
    ),
)


def is_missing(value: Any) -> bool:
    """Whether a field says nothing: `None`, NaN or blank text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float holds; infinity and true are categories."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return bool(-1e300 <= value <= 1e300)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """A numeric column: range, and the values of the rows kept, NaN where missing."""

    low: float
    high: float
    kept: Floats

    def distances(self, value: Any) -> Floats:
        if not _is_number(value):
            return np.where(np.isnan(self.kept), np.nan, 1.0)  # text where numbers were
        width = self.high - self.low
        apart = np.abs(self.kept - float(value))
        return np.minimum(apart / width, 1.0) if width else np.sign(apart)

    def outside(self, value: Any) -> bool:
        return not _is_number(value) or not self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class _Categories:
    """A column of anything else, as texts; `kept` holds codes, NaN where missing."""

    codes: Mapping[str, int]
    kept: Floats

    def distances(self, value: Any) -> Floats:
        code = self.codes.get(str(value), -1)
        return np.where(np.isnan(self.kept), np.nan, (self.kept != code).astype(float))

    def outside(self, value: Any) -> bool:
        return str(value) not in self.codes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableProfile:
    """Training data as a measure of distance.

    It keeps up to `MAX_ROWS` rows in memory: it must not be published where the data must not.

    Attributes
    ----------
    columns : mapping
        What is known of each column.
    nearest : array of float64, shape (rows kept,)
        Distance of each kept row to the nearest other, sorted.
    """

    columns: Mapping[str, _Numbers | _Categories]
    nearest: Floats

    @classmethod
    def fit(
        cls, rows: Iterable[Row], *, columns: Sequence[str] | None = None, seed: int = 0
    ) -> TableProfile:
        """Learn what training data look like.

        A column whose values are all numbers is numeric; any other is of categories, as texts.

        Parameters
        ----------
        rows : iterable of mappings
            At least 2.
        columns : sequence of str, optional
            Columns to look at; all by default.
        seed : int
            Chooses the rows kept where there are more than `MAX_ROWS`; cost is their square.

        Raises
        ------
        InputError
            With fewer than 2 rows, or no column with a value.
        """
        listed = list(rows)
        if len(listed) < 2:
            raise InputError(f"A profile needs at least 2 training rows, not {len(listed)}.")
        names = list(columns or dict.fromkeys(name for row in listed for name in row))
        count = min(len(listed), MAX_ROWS)
        chosen = np.sort(np.random.default_rng(seed).choice(len(listed), count, replace=False))
        known = {}
        for name in names:
            column = [None if is_missing(row.get(name)) else row.get(name) for row in listed]
            if any(value is not None for value in column):
                known[name] = _learn(column, chosen)
        if not known:
            raise InputError("No column of the training rows has a value.")
        nearest = [_nearest(known, listed[row], without=place) for place, row in enumerate(chosen)]
        found = np.array([distance for distance in nearest if distance is not None])
        return cls(columns=known, nearest=np.sort(found))

    def measure(self, row: Row) -> dict[str, float | None]:
        """Measure one row.

        Returns
        -------
        dict
            As `MEASURES` says.

        Examples
        --------
        >>> profile = TableProfile.fit([{"age": 30}, {"age": 50}, {"age": 40}])
        >>> profile.measure({"age": 45})["distance"], profile.measure({"age": 400})["outside"]
        (0.25, 1.0)
        """
        given = {name: row.get(name) for name in self.columns if not is_missing(row.get(name))}
        distance = _nearest(self.columns, row)
        rank = None
        if distance is not None and len(self.nearest):
            rank = float(np.searchsorted(self.nearest, distance) / len(self.nearest))
        return {
            "missing_share": 1 - len(given) / len(self.columns),
            "outside": float(sum(self.columns[name].outside(given[name]) for name in given)),
            "unknown": float(sum(name not in self.columns for name in row)),
            "distance": distance,
            "distance_rank": rank,
        }


def _learn(column: Sequence[Any], chosen: NDArray[np.int64]) -> _Numbers | _Categories:
    present = [value for value in column if value is not None]
    if all(map(_is_number, present)):
        numbers = np.array([math.nan if value is None else float(value) for value in column])
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        return _Numbers(low=low, high=high, kept=numbers[chosen])
    codes = {text: code for code, text in enumerate(dict.fromkeys(map(str, present)))}
    coded = np.array([math.nan if value is None else float(codes[str(value)]) for value in column])
    return _Categories(codes=codes, kept=coded[chosen])


def _nearest(
    columns: Mapping[str, _Numbers | _Categories], row: Row, without: int | None = None
) -> float | None:
    """Least of Gower's distances to the kept rows; `without` is the place of the row itself."""
    apart = [
        column.distances(row[name])
        for name, column in columns.items()
        if not is_missing(row.get(name))
    ]
    if not apart:
        return None
    stacked = np.array(apart)
    shared = (~np.isnan(stacked)).sum(axis=0)
    if without is not None:
        shared[without] = 0
    if not shared.any():
        return None
    sums = np.nansum(stacked, axis=0)[shared > 0]
    return float((sums / shared[shared > 0]).min())
