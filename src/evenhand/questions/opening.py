"""A table opened for a question, and closed again; what its engine says is told as a fault of the table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import duckdb

from evenhand.cubes import CountedRecords
from evenhand.errors import InputError
from evenhand.records import MISSING_VALUES, Records, open_records


@contextmanager
def opened(
    table: Any,
    *,
    columns: str | Mapping[str, str] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Records]:
    """Open a table, and close it unless it was open before.

    Parameters
    ----------
    table, columns, missing_values
        As in `evenhand.open_records`.
    progress : callable, optional
        Told the number of rows done during long work.

    Raises
    ------
    InputError
        Where it cannot be opened, or a query of the block fails: with all faults of the file, where it has
        some, else in the engine's own words.
    """
    if isinstance(table, CountedRecords):
        raise InputError(
            "A cube holds counts, not rows.  audit and slices read cubes; this needs the records."
        )
    records = open_records(table, columns=columns, missing_values=missing_values)
    if progress is not None:
        records = replace(records, progress=progress)
    try:
        yield records
    except duckdb.Error as error:
        records.raise_faults()
        reason = str(error).splitlines()[0]
        raise InputError(f"{records.name} cannot be read as asked: {reason}") from error
    finally:
        if records.engine is not getattr(table, "engine", None):
            records.close()
