"""A table behind a connection that somebody else opened."""

from collections.abc import Mapping, Sequence
from typing import Any

from evenhand.errors import InputError, unknown_name
from evenhand.records.column_types import parse_declared
from evenhand.records.declarations import write_declared
from evenhand.records.dialect import dialect_of, dialects
from evenhand.records.engines.connection import ConnectionEngine
from evenhand.records.missing import MISSING_VALUES
from evenhand.records.native_types import load_native
from evenhand.records.table import Records


def open_connection(
    connection: Any,
    table: str | Sequence[str],
    *,
    dialect: str,
    columns: str | Mapping[str, str] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
) -> Records:
    """Open a table of a warehouse through its own driver; the counting runs there, and only counts come back.

    Parameters
    ----------
    connection
        An open connection of a driver that follows Python's DB-API (PEP 249), ADBC's among them.  It stays open, and
        is used by one thread at a time.
    table : str or sequence of str
        Name of the table, as the server spells it; ``schema.table``, or its parts where a name holds a point.
    dialect : {'bigquery', 'databricks', 'duckdb', 'postgres', 'redshift', 'snowflake', 'spark', 'trino'}
        Which SQL the server speaks.
    columns, missing_values
        As in `open_records`.

    Returns
    -------
    Records
        What `evenhand.audit` takes as a table.

    Raises
    ------
    InputError
        Where the dialect or the table is unknown, or the server refuses.

    Notes
    -----
    DuckDB and PostgreSQL are tested live, and Spark through `open_records`.  The queries of BigQuery, Databricks,
    Redshift, Snowflake and Trino are checked as text, and were not run on the services: compare one audit with one of a
    download of the same rows before you rely on them.

    Examples
    --------
    >>> import duckdb, evenhand
    >>> connection = duckdb.connect()
    >>> _ = connection.execute("CREATE TABLE calls AS SELECT i % 2 AS site, i % 6 = 0 AS wrong FROM range(600) AS t(i)")
    >>> calls = evenhand.open_connection(connection, "calls", dialect="duckdb")
    >>> found = evenhand.audit(calls, "mean(wrong)", "site", worse="higher")
    >>> [(group.label, round(group.estimate.value, 3)) for group in found.groups]
    [('0', 0.333), ('1', 0.0)]
    """
    if type(connection).__module__.partition(".")[0] == "sqlite3":
        raise InputError(
            "connection speaks SQLite's SQL, in which queries are not written here.  Read the table into a frame, and "
            'audit that: polars.read_database("SELECT * FROM calls", connection)'
        )
    if dialect not in dialects():
        raise InputError(unknown_name("dialect", dialect, dialects()))
    if not callable(getattr(connection, "cursor", None)):
        raise InputError(
            f"connection is a {type(connection).__name__}, but must be an open connection of a driver that follows "
            "Python's DB-API, such as duckdb.connect('x.db')."
        )
    parts = table.split(".") if isinstance(table, str) else table
    named = isinstance(parts, list | tuple) and all(isinstance(one, str) and one for one in parts)
    if not named or not parts:
        raise InputError(
            f"table is {table!r}, but must be a name such as 'calls' or 'quality.calls'."
        )
    engine = ConnectionEngine(connection, dialect)
    source = ".".join(map(dialect_of(engine.dialect).quoted, parts))
    declared = parse_declared(columns)
    if not engine.types_of(source):
        raise InputError(
            f"There is no table {'.'.join(parts)} in {dialect}, or none that this login may read.  Spell it as the "
            "server does (Snowflake: in capitals), with its schema: 'schema.table'"
        )
    loaded = load_native(engine, source, declared, missing_values)
    return Records(
        name=f"{dialect}:{'.'.join(parts)}",
        engine=engine,
        source=loaded.source,
        columns=loaded.columns,
        notes=loaded.notes,
        missing_values=tuple(missing_values),
        declared=write_declared(declared),
    )
