"""An open record table: where its rows are, what its columns hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from evenhand.deferred import Deferred, narwhals
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, Note, unknown_name
from evenhand.records.column_types import parse_declared, quoted
from evenhand.records.declarations import write_declared
from evenhand.records.delimited import check_case
from evenhand.records.dialect import dialect_of
from evenhand.records.engine import Engine
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.engines.postgres import PostgresEngine
from evenhand.records.engines.spark import SparkEngine
from evenhand.records.engines.spark_client import connect
from evenhand.records.files import (
    find_files,
    fingerprint,
    holds_counts,
    load_files,
    plain_table,
    raise_file_faults,
)
from evenhand.records.label_origin import LabelOrigin
from evenhand.records.missing import MISSING_VALUES
from evenhand.records.native_types import load_native
from evenhand.records.output import files_under
from evenhand.records.schema import Column, Kind, check_key
from evenhand.records.sheets import ENDINGS, load_sheet, split_sheet
from evenhand.records.text_files import Loaded

#: Readers of logs, for which files are looked into once one is opened.
_LOGS = Deferred("evenhand.records.logs")


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
    missing_values : tuple of str
        Texts that mean missing in attributes, units, labels and scores (see `records.missing`).
    notes : tuple of Note
        What a reader should know of how the table was read.
    declared : str
        The types that a person gave, as ``--columns`` takes them.
    log : str
        The reader of logs that read it, as ``--read`` takes it; empty for tables.
    unit : tuple of str
        Columns whose values are independent, unless a person names others.
    choices : Mapping
        Columns that tell readings of one answer, and their values: one must be chosen.
    features : tuple of str, optional
        Columns that say what was known before the answer, where the table tells them from the others.
    scores : tuple of str
        Columns of a log that hold its scores.
    options : Mapping
        What the command line calls what was asked of the table besides its types: ``read``, ``with``, ``on``.
    origin : LabelOrigin, optional
        How its labels came about, where somebody said so.
    """

    name: str
    engine: Engine
    source: str
    columns: tuple[Column, ...]
    files: tuple[Path, ...] = field(default=())
    progress: Callable[[int], None] | None = field(default=None, compare=False)
    missing_values: tuple[str, ...] = field(default=MISSING_VALUES)
    notes: tuple[Note, ...] = field(default=())
    declared: str = field(default="")
    log: str = field(default="")
    unit: tuple[str, ...] = field(default=())
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    features: tuple[str, ...] | None = field(default=None)
    scores: tuple[str, ...] = field(default=())
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: LabelOrigin | None = field(default=None)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def read_rows(self) -> pa.Table:
        """All rows and the columns that the user knows, in memory."""
        quoted = dialect_of(self.engine.dialect).quoted
        names = ", ".join(quoted(column.name) for column in self.columns)
        return self.engine.query(f"SELECT {names} FROM {self.source}")

    def raise_faults(self) -> None:
        """Look for faults in the text behind the table and raise them, if there are any."""
        if self.files and not self.log:
            raise_file_faults(list(self.files))

    def sha256(self) -> str | None:
        """SHA-256 of the files' bytes; `None` where there are no files."""
        return fingerprint(list(self.files)) if self.files else None


def open_records(
    table: Any,
    *,
    columns: str | Mapping[str, str] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    read: str | None = None,
) -> Records:
    """Open a table by path, glob, URL or as a data frame.

    Parameters
    ----------
    table : str, Path, Records or data frame
        Path or glob of Parquet, CSV, TSV, JSON lines (the last three also gzipped) or Arrow
        files; ``duckdb:///file.db?table=t``; ``postgresql://…?table=t``; ``sc://host:port?table=t``
        or ``?parquet=path`` (Spark Connect); a pandas, Polars or PyArrow table, a data frame of
        Spark (its session stays open and as it was), or anything that narwhals or the Arrow stream
        interface understands.
    columns : str or Mapping, optional
        Types that somebody knows better, such as ``age=number, code=text`` (see `parse_declared`).
    missing_values : sequence of str
        Texts that mean missing.
    read : str, optional
        The tool whose log it is (``inspect``, ``lm-eval``), where its content does not tell.

    Raises
    ------
    InputError
        Where it does not exist or is not a table; all faults of a text file come together.
    """
    missing = tuple(missing_values)
    if not all(isinstance(text, str) for text in missing):
        raise InputError(f"missing_values are {list(missing)!r}, but must be texts.")
    if isinstance(table, Records):
        if columns is not None:
            raise InputError("The table is open already.  Give columns to open_records.")
        return table if missing == MISSING_VALUES else replace(table, missing_values=missing)
    declared = parse_declared(columns)
    if isinstance(table, str | Path):
        text = str(table)
        if text.startswith("duckdb:"):
            opened = _open_duckdb(text, declared, missing)
        elif text.startswith(("postgresql:", "postgres:")):
            opened = _open_postgres(text, declared)
        elif text.startswith("sc:"):
            opened = _open_spark(text, declared)
        elif "://" in text:
            raise InputError(
                f"{text.split('://', maxsplit=1)[0]}:// is not a source I know.  "
                "Allowed: a path or glob, duckdb:///file.db?table=t, postgresql://…?table=t, "
                "sc://host:port?table=t or ?parquet=path"
            )
        else:
            opened = _open_files(text, declared, missing, read)
    elif _is_of_spark(table):
        opened = _open_spark_frame(table, declared)
    else:
        opened = _open_frame(table, declared, missing)
    return replace(
        opened,
        missing_values=missing,
        declared=write_declared(declared),
        options={} if read is None else {"read": read},
    )


def _open_files(
    pattern: str, declared: Mapping[str, str], missing: Sequence[str], read: str | None
) -> Records:
    place, sheet = split_sheet(pattern)
    paths, reader = _LOGS.find_logs(place, read)
    if reader is None:
        paths = find_files(place)
    counts = next((path for path in paths if holds_counts(path)), None)
    if counts is not None:
        raise InputError(
            f"{counts} is a cube: it holds counts, not rows.  evenhand audit and slices read cubes; this needs the "
            "records."
        )
    engine = DuckDBEngine()
    if reader is None and paths[0].name.lower().endswith(ENDINGS):
        if len(paths) > 1:
            raise InputError(
                f"{pattern} names {len(paths)} spreadsheets, and one is read at a time.  Save the sheets as CSV to "
                "read them as one."
            )
        loaded = load_sheet(engine, paths[0], sheet, declared, missing)
        return _records(pattern, engine, loaded, tuple(paths))
    if reader is None:
        return _records(pattern, engine, load_files(engine, paths, declared, missing), tuple(paths))
    found = _LOGS.load_logs(engine, reader, paths, declared, missing)
    files = tuple(file for path in paths for file in files_under(path))
    opened = _records(pattern, engine, found.loaded, files)
    return replace(
        opened,
        log=reader.name,
        unit=found.unit,
        choices=found.choices,
        features=found.features,
        scores=found.scores,
    )


def _open_frame(frame: Any, declared: Mapping[str, str], missing: Sequence[str]) -> Records:
    table = _arrow(_plain_frame(frame))
    engine = DuckDBEngine()
    plain = plain_table(table)
    for name in declared:
        if name in table.column_names and name not in plain.column_names:
            check_key(Column(name=name, kind=Kind.OTHER))
    engine.register("frame", plain)
    opened = _records(type(frame).__name__, engine, load_native(engine, "frame", declared, missing))
    known = {column.name for column in opened.columns}
    others = (Column(name=n, kind=Kind.OTHER) for n in table.column_names if n not in known)
    return replace(opened, columns=(*opened.columns, *others))


def _plain_frame(frame: Any) -> Any:
    """A pandas frame whose intervals and periods are their text, as people read them."""
    if type(frame).__module__.partition(".")[0] != "pandas" or not hasattr(frame, "columns"):
        return frame
    told = [
        place
        for place, dtype in enumerate(frame.dtypes)
        if str(dtype).startswith(("interval", "period"))
        or str(getattr(getattr(dtype, "categories", None), "dtype", "")).startswith(
            ("interval", "period")
        )
    ]
    if not told:
        return frame
    columns = {
        name: _as_text(column) if place in told else column
        for place, (name, column) in enumerate(frame.items())
    }
    return type(frame)(columns)


def _as_text(column: Any) -> Any:
    """Intervals and periods of a pandas column as text; what is missing stays missing."""
    if hasattr(column.dtype, "categories"):
        return column.cat.rename_categories([str(value) for value in column.cat.categories])
    absent = column.isna()
    return [None if gone else str(value) for value, gone in zip(column, absent, strict=True)]


def _arrow(frame: Any) -> pa.Table:
    try:
        if isinstance(frame, pa.Table):
            return frame
        if hasattr(frame, "__arrow_c_stream__"):
            return pa.table(frame)
        return narwhals.from_native(frame, eager_only=True).to_arrow()
    except (TypeError, ValueError, NotImplementedError, pa.ArrowException) as error:
        raise InputError(
            f"A {type(frame).__name__} is not a table I can read ({_first_line(error)}).  "
            "Allowed: a path, or a pandas, Polars or PyArrow table with one type per column."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _open_duckdb(url: str, declared: Mapping[str, str], missing: Sequence[str]) -> Records:
    place, name = _split_table(url)
    # As in SQLAlchemy URLs three slashes start a relative path and four an absolute one;
    # an absolute path after three is understood too.
    text = place.removeprefix("duckdb:").removeprefix("//")
    absolute, relative = Path(text), Path(text.removeprefix("/"))
    path = relative if relative.is_file() else absolute
    if not path.is_file():
        raise InputError(f"No DuckDB file is called {str(path)!r} (from {url!r}).")
    engine = DuckDBEngine(str(path))
    found = engine.query(
        "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables"
    )
    source = _known_table(name, found.to_pylist(), "main")
    return _records(
        url, engine, load_native(engine, source, declared, missing, collated=True), files=(path,)
    )


def _open_postgres(url: str, declared: Mapping[str, str]) -> Records:
    place, name = _split_table(url)
    engine = PostgresEngine(place)
    try:
        found = engine.query(
            "SELECT table_schema::text AS schema, table_name::text AS name,"
            " table_schema = ANY (current_schemas(false)) AS near FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).to_pylist()
        plain = [row | {"schema": ""} for row in found if row["near"]]
        source = _known_table(name, plain + found, "")
        return _records(public_name(url), engine, load_native(engine, source, declared))
    except InputError:
        engine.close()
        raise


def _open_spark(url: str, declared: Mapping[str, str]) -> Records:
    place, _, query = url.partition("?")
    asked = [item.partition("=") for item in query.split("&")]
    if len(asked) != 1 or asked[0][0] not in ("table", "parquet") or not asked[0][2]:
        raise InputError("Say which table: add ?table=NAME or ?parquet=PATH to the URL.")
    ((what, _, name),) = asked
    engine = connect(place)
    try:
        source = (engine.table if what == "table" else engine.parquet)(unquote(name))
        check_case(name, list(engine.types_of(source)))
        return _records(public_name(url), engine, load_native(engine, source, declared))
    except InputError:
        engine.close()
        raise


def _is_of_spark(frame: Any) -> bool:
    """Whether it is a data frame of a Spark session, which is not asked of pyspark: it may not be there."""
    return type(frame).__module__.startswith("pyspark.sql.") and hasattr(frame, "sparkSession")


def _open_spark_frame(frame: Any, declared: Mapping[str, str]) -> Records:
    """Rows of a session that goes on: its settings are changed after it has said what the frame means."""
    engine = SparkEngine(frame.sparkSession, own=False)
    try:
        source = engine.view(frame)
        engine.set_up()
        name = type(frame).__name__
        check_case(name, list(engine.types_of(source)))
        return _records(name, engine, load_native(engine, source, declared))
    except BaseException:
        # Ctrl-C as well: the session is somebody's.
        engine.close()
        raise


def _split_table(url: str) -> tuple[str, str]:
    place, _, query = url.partition("?")
    names = parse_qs(query).get("table", [])
    if len(names) != 1:
        raise InputError("Say which table: add ?table=NAME to the URL.")
    rest = "&".join(item for item in query.split("&") if not item.startswith("table="))
    return (f"{place}?{rest}" if rest else place), names[0]


def _known_table(name: str, found: Sequence[Mapping[str, Any]], near: str) -> str:
    """FROM clause of a table, which may be named with its schema."""
    known = {
        (row["name"] if row["schema"] == near else f"{row['schema']}.{row['name']}"): row
        for row in found
    }
    if name not in known:
        raise InputError(unknown_name("table", name, sorted(known)))
    row = known[name]
    parts = [row["name"]] if row["schema"] == near else [row["schema"], row["name"]]
    return ".".join(map(quoted, parts))


def public_name(place: str) -> str:
    """What may be told of a place: a URL without user, password and options.

    Examples
    --------
    >>> public_name("postgresql://me:secret@host/db?sslmode=require&table=calls")
    'postgresql://host/db?table=calls'
    >>> public_name("sc://host:15002/;token=secret?table=calls")
    'sc://host:15002?table=calls'
    """
    match = re.match(r"(\w+://)(?:[^/]*@)?([^?]*?)(?:/;[^?]*)?(?:\?(.*))?\Z", place, re.DOTALL)
    if match is None:
        return place
    kept = [item for item in (match[3] or "").split("&") if item.startswith(("table=", "parquet="))]
    return match[1] + match[2] + ("?" + "&".join(kept) if kept else "")


def _records(name: str, engine: Engine, loaded: Loaded, files: tuple[Path, ...] = ()) -> Records:
    return Records(
        name=name,
        engine=engine,
        source=loaded.source,
        columns=loaded.columns,
        files=files,
        notes=loaded.notes,
    )
