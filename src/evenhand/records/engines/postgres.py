"""PostgreSQL: the query that counts runs on the server, only the counts come back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError
from evenhand.records.engine import interruptible


class PostgresEngine:
    """A PostgreSQL server through ADBC; the cube query runs there, only the cube comes back."""

    dialect = "postgres"
    asof_join = False
    tries_types = False
    hashes_rows = False
    decimals_hold_nan = True

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
                interruptible(lambda: cursor.execute(sql), cancel)
                reader = interruptible(cursor.fetch_record_batch, cancel)
                self._schema = reader.schema
                yield from iter(lambda: interruptible(lambda: next(reader, None), cancel), None)
        except (self._errors, OSError) as error:
            # What goes wrong while rows arrive is pyarrow's OSError.
            told = _first_line(error)
        if told:
            self.connection.rollback()
            raise InputError(f"PostgreSQL cannot answer: {told}")

    def types_of(self, source: str) -> dict[str, str]:
        """PostgreSQL's name for the type of each column of a table."""
        # A domain is read as what it is made of; an enumeration as text.
        found = self.query(
            "SELECT a.attname::text AS name, CASE WHEN t.typtype = 'e' THEN 'text' ELSE "
            "format_type(COALESCE(NULLIF(t.typbasetype, 0), a.atttypid), "
            "CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END) END AS type "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            f"WHERE a.attrelid = '{source.replace(chr(39), chr(39) * 2)}'::regclass "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
        return dict(zip(found["name"].to_pylist(), found["type"].to_pylist(), strict=True))

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


def _first_line(error: Exception) -> str:
    """What the driver says, without the URL: it may hold a password."""
    return re.sub(r"\w*://\S+", "the URL", str(error).strip().splitlines()[0])
