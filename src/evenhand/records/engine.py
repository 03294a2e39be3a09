"""The seam to whatever holds the rows: one query in, Arrow out.

DuckDB in memory is the default, and the twin that tests use in place of a server.
"""

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


_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config=_SETTINGS)


class DuckDBEngine:
    """DuckDB in this process, without network, extensions from outside or Python look-ups."""

    dialect = "duckdb"

    def __init__(self, database: str | None = None) -> None:
        if database is None:
            # Connections to one database are cheap, and keep temporary tables to themselves.
            self.connection = _memory().cursor()
        else:
            self.connection = duckdb.connect(database, read_only=True, config=_SETTINGS)

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        return self.connection.sql(sql).to_arrow_table()

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
        """Give the memory back."""
        self.connection.close()


class PostgresEngine:
    """A PostgreSQL server through ADBC; the cube query runs there, only the cube comes back."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        try:
            from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - heavy third-party extra
        except ImportError as error:
            raise InputError(
                "Reading postgresql:// needs one more package.  Run: pip install 'evenhand[postgres]'"
            ) from error
        try:
            self.connection = dbapi.connect(url)
        except Exception as error:
            raise InputError(f"PostgreSQL does not answer: {_first_line(error)}") from error

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches as the driver cuts them."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            yield from cursor.fetch_record_batch()

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
