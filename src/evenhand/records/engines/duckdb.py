"""DuckDB in this process: files, frames and its own databases."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

from evenhand.deferred import duckdb
from evenhand.deferred import pyarrow as pa
from evenhand.records.engine import BATCH_ROWS, interruptible

_T = TypeVar("_T")
_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    # Steps that it does without, at no cost that was measured.  A Parquet file's statistics leave NaN out,
    # and the first decides comparisons by them: a file with NaN would have none.  The second, where a
    # query has many lists of values, plans for half a minute (2.0.1; an ordinal scale of 8 values).
    "disabled_optimizers": "statistics_propagation,partial_aggregate_pushdown",
}


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config=_SETTINGS)


class DuckDBEngine:
    """DuckDB in this process, without network, extensions from outside or Python look-ups."""

    dialect = "duckdb"

    def __init__(self, database: str | None = None) -> None:
        self._copies: list[weakref.finalize[..., Any]] = []
        if database is None:
            # Connections to one database are cheap, and keep temporary tables to themselves.
            self.connection = _memory().cursor()
        else:
            self.connection = duckdb.connect(database, read_only=True, config=_SETTINGS)

    def keep_folder(self, folder: str) -> str:
        """Delete a folder of copies when this engine is closed or forgotten."""
        self._copies.append(weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True))
        return folder

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        return self._run(lambda: self.connection.sql(sql).to_arrow_table())

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches of about 65 000 rows."""
        reader = self._run(lambda: self.connection.sql(sql).to_arrow_reader(BATCH_ROWS))
        yield from iter(lambda: self._run(lambda: next(reader, None)), None)

    def execute(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        self._run(lambda: self.connection.execute(sql))

    def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return interruptible(work, self.connection.interrupt)
        except (duckdb.InternalException, duckdb.FatalException):
            # A broken database must not break the audits that follow.
            _memory.cache_clear()
            raise

    def types_of(self, source: str) -> dict[str, str]:
        """DuckDB's name for the type of each column of a FROM clause."""
        found = self.query(f"DESCRIBE FROM {source}")
        names, types = (found[part].to_pylist() for part in ("column_name", "column_type"))
        return dict(zip(names, types, strict=True))

    def register(self, name: str, table: Any) -> None:
        """Make an Arrow table readable under `name`."""
        self.connection.register(name, table)

    def close(self) -> None:
        """Give the memory back, and what was copied for this engine."""
        self.connection.close()
        for delete in self._copies:
            delete()
