"""Values at given ranks of a column, exact on every engine: by counting, not by the engine's own quantile.

What engines call a quantile is approximate (Trino), a double that a large whole number does not fit (Spark), or
absent.  What all of them do alike is to count.  Values are counted in bins of equal width, whose least and
largest values come back with the counts; a bin that holds a rank is looked into, until it has one value or few
rows.  Rounding of the width moves a value at most into the bin beside it and never past another value, so
ranks stay exact.  Two or three scans of one column, whatever it holds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from evenhand.records import Records, dialect_of

_BINS = 1024
#: A bin of so few rows is told value by value.
_FEW_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bin:
    """Values between two ends that occur, and the rows that lie below and within."""

    low: Any
    high: Any
    below: int
    rows: int

    def holds(self, rank: int) -> bool:
        return self.below <= rank < self.below + self.rows


def least_and_quantiles(
    records: Records, value: str, kept: str, fractions: Sequence[float]
) -> list[Any]:
    """The least value of a column, and those that such fractions of the rows do not exceed.

    Parameters
    ----------
    records, value, kept
        As for `at_ranks`.
    fractions : sequence of float
        Above 0 and below 1.

    Returns
    -------
    list
        One value more than `fractions`; `None` throughout where no row has a value.
    """
    if dialect_of(records.engine.dialect).exact_quantiles:
        steps = ", ".join(
            f"PERCENTILE_DISC({fraction}) WITHIN GROUP (ORDER BY {value}) AS q{place}"
            for place, fraction in enumerate(fractions)
        )
        row = records.engine.query(
            f"SELECT {steps}, MIN({value}) AS lowest FROM {records.source} WHERE {kept}"
        ).to_pylist()[0]
        return [row["lowest"], *(row[f"q{place}"] for place in range(len(fractions)))]
    # A fraction is meant as it is written: 0.1 of ten rows is one row.
    exact = [Fraction(repr(fraction)) for fraction in fractions]
    found = at_ranks(
        records, value, kept, lambda n: [0, *(max(math.ceil(n * one), 1) - 1 for one in exact)]
    )
    return found or [None] * (len(fractions) + 1)


def median(records: Records, value: str, kept: str) -> float | None:
    """The value in the middle, or between the two that are; `None` where no row has a value."""
    if dialect_of(records.engine.dialect).exact_quantiles:
        middle = records.engine.query(
            f"SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY {value}) AS median"
            f" FROM {records.source} WHERE {kept}"
        )["median"][0].as_py()
        return None if middle is None else float(middle)
    found = at_ranks(records, value, kept, lambda n: [(n - 1) // 2, n // 2])
    if not found:
        return None
    below, above = map(float, found)
    return below + (above - below) * 0.5 if above > below else below


def at_ranks(
    records: Records, value: str, kept: str, ranks_of: Callable[[int], Sequence[int]]
) -> list[Any]:
    """Values of a column at ranks that count from 0; none where no row has a value.

    Parameters
    ----------
    records : Records
    value : str
        SQL of a number, in the engine's dialect; NULL is left out.
    kept : str
        SQL of the rows that count.
    ranks_of : callable
        The ranks, of the number of rows that are kept and have a value.
    """
    rows = f"(SELECT {value} AS v FROM {records.source} WHERE {kept}) AS kept"
    ends = records.engine.query(
        f"SELECT MIN(v) AS low, MAX(v) AS high, COUNT(v) AS n FROM {rows}"
    ).to_pylist()[0]
    whole = _Bin(low=ends["low"], high=ends["high"], below=0, rows=int(ends["n"]))
    ranks = ranks_of(whole.rows) if whole.rows else []
    open_, known = [whole], dict[int, Any]()
    while open_:
        bin_ = open_.pop()
        asked = [rank for rank in ranks if bin_.holds(rank)]
        if bin_.low == bin_.high:
            known |= dict.fromkeys(asked, bin_.low)
        elif asked:
            open_ += _look_into(records, rows, bin_)
    return [known[rank] for rank in ranks]


def _look_into(records: Records, rows: str, bin_: _Bin) -> list[_Bin]:
    """Parts of a bin, in rising order; single values where it has few rows."""
    double = dialect_of(records.engine.dialect).double
    low, width = float(bin_.low), (float(bin_.high) - float(bin_.low)) / _BINS
    single = bin_.rows <= _FEW_ROWS or not (math.isfinite(width) and width > 0)
    place = "v" if single else f"FLOOR((CAST(v AS {double}) - {_number(low)}) / {_number(width)})"
    found = records.engine.query(
        f"SELECT MIN(v) AS low, MAX(v) AS high, COUNT(*) AS n FROM (SELECT v, {place} AS place FROM {rows}"
        f" WHERE v >= {_number(bin_.low)} AND v <= {_number(bin_.high)}) AS placed GROUP BY place ORDER BY 1"
    ).to_pylist()
    out, below = [], bin_.below
    for row in found:
        out.append(_Bin(low=row["low"], high=row["high"], below=below, rows=int(row["n"])))
        below += out[-1].rows
    return out


def _number(value: Any) -> str:
    """A number as SQL that no engine takes for a decimal."""
    return str(value) if isinstance(value, int) else f"{float(value):.17e}"
