"""The seam to whatever holds the rows: one query in, Arrow out.

DuckDB in memory is the default, and the twin that tests use in place of a server.
"""

import re
import shutil
import weakref
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from evenhand.errors import InputError

BATCH_ROWS = 1 << 16


class Engine(Protocol):
    """Anything that answers a query with Arrow tables."""

    dialect: str

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        ...

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches of about 65 000 rows."""
        ...

    def close(self) -> None:
        """Give memory and connections back."""
        ...


_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    # A Parquet file's statistics leave NaN out, and this step decides comparisons by them: a file
    # with NaN would have none.  It costs nothing measurable to do without.
    "disabled_optimizers": "statistics_propagation",
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

    def keep(self, folder: str) -> str:
        """Delete a folder of copies when this engine is closed or forgotten."""
        self._copies.append(weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True))
        return folder

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        try:
            return self.connection.sql(sql).to_arrow_table()
        except (duckdb.InternalException, duckdb.FatalException):
            # A broken database must not break the audits that follow.
            _memory.cache_clear()
            raise

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches of about 65 000 rows."""
        yield from self.connection.sql(sql).to_arrow_reader(BATCH_ROWS)

    def execute(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        self.connection.execute(sql)

    def register(self, name: str, table: Any) -> None:
        """Make an Arrow table readable under `name`."""
        self.connection.register(name, table)

    def close(self) -> None:
        """Give the memory back, and what was copied for this engine."""
        self.connection.close()
        for delete in self._copies:
            delete()


class PostgresEngine:
    """A PostgreSQL server through ADBC; the cube query runs there, only the cube comes back."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        try:
            # Heavy third-party extras.
            from adbc_driver_manager import Error  # noqa: PLC0415
            from adbc_driver_postgresql import dbapi  # noqa: PLC0415
        except ImportError as error:
            raise InputError(
                "Reading postgresql:// needs one more package.  Run: pip install 'evenhand[postgres]'"
            ) from error
        self._errors = Error
        self._schema: pa.Schema | None = None
        told = ""
        try:
            self.connection = dbapi.connect(url)
        except Error as error:
            told = _first_line(error)
        if told:
            # Raised here, away from the driver's error: its text holds the URL and so the password.
            raise InputError(f"PostgreSQL does not answer: {told}")

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        return pa.Table.from_batches(list(self.batches(sql)), self._schema)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches as the driver cuts them."""
        told = ""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
                reader = cursor.fetch_record_batch()
                self._schema = reader.schema
                yield from reader
        except self._errors as error:
            told = _first_line(error)
        if told:
            self.connection.rollback()
            raise InputError(f"PostgreSQL cannot answer: {told}")

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


def _first_line(error: Exception) -> str:
    """What the driver says, without the URL: it may hold a password."""
    return re.sub(r"\w*://\S+", "the URL", str(error).strip().splitlines()[0])
