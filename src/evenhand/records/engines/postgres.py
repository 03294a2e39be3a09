"""PostgreSQL: the query that counts runs on the server, only the counts come back."""

from evenhand.errors import InputError
from evenhand.records.engines.connection import ConnectionEngine, first_line, text_literal


class PostgresEngine(ConnectionEngine):
    """A PostgreSQL server through ADBC, by its URL."""

    def __init__(self, url: str) -> None:
        try:
            # Heavy third-party extras.
            from adbc_driver_manager import Error  # noqa: PLC0415
            from adbc_driver_postgresql import dbapi  # noqa: PLC0415
        except ImportError as error:
            raise InputError(
                "Reading postgresql:// needs one more package.  Run: pip install 'evenhand[postgres]'"
            ) from error
        told = ""
        try:
            super().__init__(dbapi.connect(url), "postgres", name="PostgreSQL")
        except Error as error:
            told = first_line(error)
        if told:
            # Raised here, away from the driver's error: its text holds the URL and so the password.
            raise InputError(f"PostgreSQL does not answer: {told}")

    def types_of(self, source: str) -> dict[str, str]:
        """PostgreSQL's name for the type of each column of a table."""
        # A domain is read as what it is made of; an enumeration as text.
        found = self.query(
            "SELECT a.attname::text AS name, CASE WHEN t.typtype = 'e' THEN 'text' ELSE "
            "format_type(COALESCE(NULLIF(t.typbasetype, 0), a.atttypid), "
            "CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END) END AS type "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            f"WHERE a.attrelid = {text_literal(source)}::regclass "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
        return dict(zip(found["name"].to_pylist(), found["type"].to_pylist(), strict=True))

    def close(self) -> None:
        """Hang up."""
        self.connection.close()
