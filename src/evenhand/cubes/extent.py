"""How many cells and units a question makes, looked at before it is asked.

Cells are what memory is for, so that some millions of them are a mistake: a column that names each row among
those that tell groups apart.  The first rows tell nearly always that there is none, and cost next to nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import expm1, prod

from evenhand.cubes.query import CubeQuery
from evenhand.errors import InputError
from evenhand.records import Kind, Records

#: Cells at most.
MOST_CELLS = 5_000_000
#: Units in cells at most, and bytes of memory that an audit of one metric takes of each.
MOST_PAIRS, PAIR_BYTES = 20_000_000, 450
#: Rows that are looked at first.
FIRST_ROWS = 100_000
#: Files of fewer bytes have no rows for so many cells, and are not looked at.
SMALL_BYTES = 1 << 24
#: So many rows nobody has: where cells would be few among them, rows need not be counted.
_ANY_ROWS = 10_000_000_000
#: With fewer rows for each unit in a cell, engines count faster what is not grouped by all values first.
_FEW_ROWS_EACH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRows:
    """What the first rows of a table hold.

    Attributes
    ----------
    rows : int
        How many were looked at.
    cells, pairs : int
        Different keys among them, and different keys with units.
    """

    rows: int
    cells: int
    pairs: int

    def units_repeat(self, rows: int) -> bool:
        """Whether units have many rows in a cell, of so many rows in any order.

        Among P pairs as likely as each other, n rows show ``P (1 - exp(-n / P))``.
        """
        if not rows or not self.rows:
            return True
        few = rows / _FEW_ROWS_EACH
        return self.pairs <= few * -expm1(-self.rows / few)


def first_rows(query: CubeQuery) -> FirstRows | None:
    """Look at the first rows; `None` where the table is too small, or its keys too few, to be looked at."""
    known = _known_values(query)
    if not query.units and known is not None and known <= MOST_CELLS:
        return None
    files = query.records.files
    if files and sum(path.stat().st_size for path in files if path.is_file()) < SMALL_BYTES:
        return None
    found = query.records.engine.query(query.first_rows_sql(FIRST_ROWS)).to_pylist()[0]
    return FirstRows(**{name: int(found[f"n_{name}"] or 0) for name in ("rows", "cells", "pairs")})


def check_cells(query: CubeQuery, first: FirstRows | None) -> None:
    """Refuse more cells than memory is for, before they are counted.

    Raises
    ------
    InputError
        With how many they are, which attribute has most of them, and what to do.

    Notes
    -----
    Of rows in any order, the share of different keys is not larger among all than among the first: exactly so
    where all cells have as many rows, or rows have no order.  Only where that leaves it open are the attributes'
    values counted, and their combinations only where these leave it open, too.
    """
    if first is None or not _may_be_more(query, first):
        return
    places = range(len(query.attributes))
    sizes = {query.attributes[i].name: _distinct(query, [i], MOST_CELLS) for i in places}
    product = prod(sizes.values())
    if product <= MOST_CELLS or _distinct(query, places, MOST_CELLS) <= MOST_CELLS:
        return
    name, rows = max(sizes, key=lambda name: sizes[name]), _n_rows(query.records)
    values = ", ".join(f"{name} {_up_to(size, MOST_CELLS)}" for name, size in sizes.items())
    raise InputError(
        f"{' × '.join(sizes)} makes more than {MOST_CELLS:,} cells, perhaps {min(product, rows):,}, of {rows:,} "
        f"rows; at most {MOST_CELLS:,} are counted.  Different values: {values}.  Leave {name} out, cut it with "
        "--bins, take a coarser column in its place, or keep fewer rows with --where."
    )


def check_pairs(query: CubeQuery, first: FirstRows | None, cells: int, rows: int) -> None:
    """Refuse more units in cells than memory is for, before they are counted.

    Parameters
    ----------
    query, first
        As for `check_cells`.
    cells, rows : int
        How many there are, counted already.

    Raises
    ------
    InputError
        With how many they are and what to do.
    """
    if first is None or rows <= MOST_PAIRS or first.pairs * rows <= MOST_PAIRS * first.rows:
        return
    units = _distinct(query, [], MOST_PAIRS // max(cells, 1), units=True)
    if units * cells <= MOST_PAIRS:
        return
    places = range(len(query.attributes))
    if _distinct(query, places, MOST_PAIRS, units=True) <= MOST_PAIRS:
        return
    unit = " and ".join(query.units.values())
    raise InputError(
        f"{cells:,} cells with units by {unit} make more than {MOST_PAIRS:,} counts, up to {rows:,} as there are "
        f"rows; at most {MOST_PAIRS:,} are kept, which take {MOST_PAIRS * PAIR_BYTES / 1e9:.0f} GB.  Name a coarser "
        "unit, compare fewer attributes, or keep fewer rows with --where."
    )


def _known_values(query: CubeQuery) -> int | None:
    """Cells at most by what attributes are; `None` where that does not tell."""
    kinds = {column.name: column.kind for column in query.records.columns}
    cells = 1
    for attribute in query.attributes:
        if attribute.edges is not None:
            cells *= len(attribute.edges) + 2
        elif attribute.predicate is not None or kinds[attribute.name] is Kind.BOOLEAN:
            cells *= 3
        else:
            return None
    return cells


def _may_be_more(query: CubeQuery, first: FirstRows) -> bool:
    """Whether there may be too many cells where the first rows have so many."""
    if first.rows < FIRST_ROWS:
        return first.cells > MOST_CELLS
    if first.cells * _ANY_ROWS <= MOST_CELLS * first.rows:
        return False
    return first.cells * _n_rows(query.records) > MOST_CELLS * first.rows


def _n_rows(records: Records) -> int:
    return int(records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}")["n"][0].as_py())


def _distinct(query: CubeQuery, places: Iterable[int], most: int, *, units: bool = False) -> int:
    """How many different keys there are, or one more than `most`."""
    sql = query.distinct_sql(places, most + 1, units=units)
    return int(query.records.engine.query(sql)["n"][0].as_py())


def _up_to(number: int, most: int) -> str:
    return f"{number:,}" if number <= most else f"more than {most:,}"
