"""An open record table: where its rows are, what its columns hold."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pyarrow as pa
from sqlglot import exp

from evenhand.errors import InputError, unknown_name
from evenhand.records.engine import DuckDBEngine, Engine, PostgresEngine
from evenhand.records.files import find_files, fingerprint, load_files
from evenhand.records.schema import Column, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A table of records, opened but not read.

    Attributes
    ----------
    name : str
        What the user called it.
    engine : Engine
        Holds the rows and answers queries.
    source : str
        The FROM clause that reads them.
    columns : tuple of Column
        Names and kinds.
    files : tuple of Path
        The files behind it; empty for frames and servers.
    progress : callable, optional
        Told the number of rows done during long work.
    """

    name: str
    engine: Engine
    source: str
    columns: tuple[Column, ...]
    files: tuple[Path, ...] = field(default=())
    progress: Callable[[int], None] | None = field(default=None, compare=False)

    def sha256(self) -> str | None:
        """SHA-256 of the files' bytes; `None` where there are no files."""
        return fingerprint(list(self.files)) if self.files else None


def open_records(table: Any) -> Records:
    """Open a table by path, glob, URL or as a data frame.

    Parameters
    ----------
    table : str, Path, Records or data frame
        Path or glob of Parquet, CSV, TSV, JSON lines (the last three also gzipped) or Arrow
        files; ``duckdb:///file.db?table=t``; ``postgresql://…?table=t``; a pandas, Polars or
        PyArrow table, or anything that narwhals or the Arrow stream interface understands.

    Raises
    ------
    InputError
        Where it does not exist or is not a table; all faults of a text file come together.
    """
    if isinstance(table, Records):
        return table
    if isinstance(table, str | Path):
        text = str(table)
        if text.startswith("duckdb:"):
            return _open_duckdb(text)
        if text.startswith(("postgresql:", "postgres:")):
            return _open_postgres(text)
        if "://" in text:
            raise InputError(
                f"{text.split('://', maxsplit=1)[0]}:// is not a source I know.  "
                "Allowed: a path or glob, duckdb:///file.db?table=t, postgresql://…?table=t"
            )
        return _open_files(text)
    return _open_frame(table)


def _open_files(pattern: str) -> Records:
    paths = find_files(pattern)
    engine = DuckDBEngine()
    source = load_files(engine, paths)
    return _records(pattern, engine, source, files=tuple(paths))


def _open_frame(frame: Any) -> Records:
    engine = DuckDBEngine()
    engine.register("records", _arrow(frame))
    return _records(type(frame).__name__, engine, "records")


def _arrow(frame: Any) -> pa.Table:
    if isinstance(frame, pa.Table):
        table = frame
    elif hasattr(frame, "__arrow_c_stream__"):
        table = pa.table(frame)
    else:
        import narwhals as nw  # noqa: PLC0415 - only frames need it, and it is slow to load

        try:
            table = nw.from_native(frame, eager_only=True).to_arrow()
        except (TypeError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(
                f"A {type(frame).__name__} is not a table I can read ({str(error).splitlines()[0]}).  "
                "Allowed: a path, or a pandas, Polars or PyArrow table with one type per column."
            ) from error
    doubled = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if doubled:
        raise InputError(f"The column names {doubled} stand more than once.  Give each its own.")
    return table


def _open_duckdb(url: str) -> Records:
    place, name = _split_table(url)
    # As in SQLAlchemy URLs three slashes start a relative path and four an absolute one;
    # an absolute path after three is understood too.
    absolute = Path(urlsplit(place).path)
    relative = Path(urlsplit(place).path.removeprefix("/"))
    path = relative if relative.is_file() else absolute
    if not path.is_file():
        raise InputError(f"No DuckDB file is called {str(path)!r} (from {url!r}).")
    engine = DuckDBEngine(str(path))
    known = engine.query("SELECT table_name AS name FROM information_schema.tables")[
        "name"
    ].to_pylist()
    return _records(url, engine, _known_table(name, known), files=(path,))


def _open_postgres(url: str) -> Records:
    place, name = _split_table(url)
    engine = PostgresEngine(place)
    found = engine.query(
        "SELECT table_name::text AS name FROM information_schema.tables"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    source = _known_table(name, found["name"].to_pylist())
    shown = urlsplit(url)
    # The password must not reach reports: keep host and path only.
    public = urlunsplit((shown.scheme, shown.hostname or "", shown.path, f"table={name}", ""))
    return _records(public, engine, source)


def _split_table(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    names = parse_qs(parts.query).get("table", [])
    if len(names) != 1:
        raise InputError("Say which table: add ?table=NAME to the URL.")
    rest = "&".join(item for item in parts.query.split("&") if not item.startswith("table="))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, rest, "")), names[0]


def _known_table(name: str, known: list[str]) -> str:
    if name not in known:
        raise InputError(unknown_name("table", name, sorted(known)))
    return str(exp.to_identifier(name, quoted=True).sql())


def _records(name: str, engine: Engine, source: str, files: tuple[Path, ...] = ()) -> Records:
    schema = engine.query(f"SELECT * FROM {source} LIMIT 0").schema
    columns = tuple(Column(name=item.name, kind=kind_of(item.type)) for item in schema)
    return Records(name=name, engine=engine, source=source, columns=columns, files=files)
