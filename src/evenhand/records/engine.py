"""The seam to whatever holds the rows: one query in, Arrow out.

DuckDB in memory is the default, and the twin that tests use in place of a server.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any, Protocol, TypeVar

from evenhand.deferred import duckdb
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError

BATCH_ROWS = 1 << 16
_T = TypeVar("_T")


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


@cache
def _thread(process: int) -> ThreadPoolExecutor:
    """The thread in which the main thread's statements run; a forked process has its own."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"evenhand-engine-{process}")


def _interruptible(work: Callable[[], _T], cancel: Callable[[], None]) -> _T:
    """Do `work` such that Ctrl-C ends it at once: the main thread only waits, and then cancels.

    Native code in the main thread would see the signal late (DuckDB 2.0.1 between its tasks, as a
    RuntimeError) or keep it to itself (ADBC 1.13.0, as an error of the statement).  It waits in
    short turns, since a wait without end is not woken once polars 2.1.0 is imported.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    result = _thread(os.getpid()).submit(work)
    try:
        while not wait([result], timeout=0.1).done:
            pass
    except KeyboardInterrupt:
        cancel()
        # Cancelled before it began, it would go on.
        while not wait([result], timeout=0.1).done:
            cancel()
        raise
    return result.result()


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
            return _interruptible(work, self.connection.interrupt)
        except (duckdb.InternalException, duckdb.FatalException):
            # A broken database must not break the audits that follow.
            _memory.cache_clear()
            raise

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
                cancel = cursor.adbc_cancel
                _interruptible(lambda: cursor.execute(sql), cancel)
                reader = _interruptible(cursor.fetch_record_batch, cancel)
                self._schema = reader.schema
                yield from iter(lambda: _interruptible(lambda: next(reader, None), cancel), None)
        except (self._errors, OSError) as error:
            # What goes wrong while rows arrive is pyarrow's OSError.
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
