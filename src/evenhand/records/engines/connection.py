"""Any warehouse whose driver follows Python's DB-API (PEP 249): the query that counts runs there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError
from evenhand.records.dialect import dialect_of, spoken
from evenhand.records.engine import BATCH_ROWS, interruptible

_T = TypeVar("_T")
#: What drivers call the method that gives all rows as an Arrow table: ADBC and DuckDB, Databricks, Snowflake.
_ARROW = ("fetch_arrow_table", "fetchall_arrow", "fetch_arrow_all")


class ConnectionEngine:
    """An open connection of somebody's driver; it is not closed with the engine.

    Parameters
    ----------
    connection
        An open connection of a driver that follows PEP 249; Arrow is taken where the driver gives it.
    dialect : str
        Which SQL the server speaks.
    name : str, optional
        What messages call it; the dialect where absent.
    """

    def __init__(self, connection: Any, dialect: str, *, name: str = "") -> None:
        self.connection, self._name = connection, name or dialect
        self.dialect = spoken(dialect)

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        with self._ran(sql) as cursor:
            return _renamed(self._told(cursor, lambda: _all_rows(cursor)), sql)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches of about 65 000 rows, or as the driver cuts them."""
        with self._ran(sql) as cursor:
            if hasattr(cursor, "adbc_cancel"):
                reader = self._told(cursor, cursor.fetch_record_batch)
                while (batch := self._told(cursor, lambda: next(reader, None))) is not None:
                    yield from _renamed(pa.Table.from_batches([batch]), sql).to_batches()
                return
            if _arrow_method(cursor) is not None:
                table = self._told(cursor, lambda: _all_rows(cursor))
                yield from _renamed(table, sql).to_batches(BATCH_ROWS)
                return
            names = _names(cursor)
            while rows := self._told(cursor, lambda: cursor.fetchmany(BATCH_ROWS)):
                yield from _renamed(_table(names, rows), sql).to_batches()

    def types_of(self, source: str) -> dict[str, str]:
        """The server's name for the type of each column of a table."""
        dialect = dialect_of(self.dialect)
        *path, table = self.parts(source)
        quoted = ".".join(map(dialect.quoted, path))
        schema = path[-1] if path else dialect.schema
        found = self.query(
            dialect.columns.format(
                schema=text_literal(schema), table=text_literal(table), path=quoted
            )
        )
        return dict(zip(found["name"].to_pylist(), found["type"].to_pylist(), strict=True))

    def parts(self, source: str) -> list[str]:
        """Names that a quoted FROM clause is made of."""
        quote = re.escape(dialect_of(self.dialect).quote)
        double = dialect_of(self.dialect).quote * 2
        found = re.findall(rf"{quote}((?:[^{quote}]|{quote}{quote})+){quote}", source)
        return [name.replace(double, double[0]) for name in found]

    def close(self) -> None:
        """Leave the connection as it was: whoever opened it closes it."""

    @contextlib.contextmanager
    def _ran(self, sql: str) -> Iterator[Any]:
        cursor = self._told(None, self.connection.cursor)
        try:
            self._told(cursor, lambda: cursor.execute(sql))
            yield cursor
        finally:
            with contextlib.suppress(Exception):
                cursor.close()

    def _told(self, cursor: Any, work: Callable[[], _T]) -> _T:
        """Do what asks the server; its errors become ours, and Ctrl-C cancels there where the driver can."""
        cancel: Callable[[], None] = getattr(
            cursor, "adbc_cancel", getattr(cursor, "cancel", lambda: None)
        )
        told = ""
        try:
            return interruptible(work, cancel)
        except Exception as error:  # noqa: BLE001 - each driver has errors of its own
            told = first_line(error)
        with contextlib.suppress(Exception):
            self.connection.rollback()
        # Raised here, away from the driver's error: its text may hold a password.
        raise InputError(f"{self._name} cannot answer: {told}")


def _arrow_method(cursor: Any) -> Callable[[], Any] | None:
    return next((getattr(cursor, name) for name in _ARROW if hasattr(cursor, name)), None)


def _all_rows(cursor: Any) -> pa.Table:
    fetch = _arrow_method(cursor)
    if fetch is None:
        return _table(_names(cursor), cursor.fetchall())
    found = fetch()
    # Snowflake's driver gives None where there is no row.
    return _table(_names(cursor), ()) if found is None else found


def _names(cursor: Any) -> list[str]:
    return [column[0] for column in cursor.description]


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    arrays = [pa.array(list(values)) for values in columns]
    return pa.Table.from_arrays(arrays, list(names))


def _renamed(table: pa.Table, sql: str) -> pa.Table:
    """Names as the query wrote them: a server may give those in capitals that were not quoted."""
    names = [
        name.lower()
        if name.isupper() and not re.search(rf"""["`]{re.escape(name)}["`]""", sql)
        else name
        for name in table.column_names
    ]
    return table.rename_columns(names)


def text_literal(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def first_line(error: Exception) -> str:
    """What the driver says, without where it is: that may hold a password."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"\w*://\S+", "the URL", first)
