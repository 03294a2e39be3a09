"""Files as tables: how each format is read, and what can be wrong with it.

Every reader yields the FROM clause of a query.  Checks run before the engine opens the file,
so that their messages name the file, the line and the next step.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.deferred import duckdb
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError
from evenhand.records.delimited import check_case, listed
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.file_faults import find_faults, format_of, told
from evenhand.records.native_types import load_native
from evenhand.records.output import matching_files
from evenhand.records.schema import Kind, kind_of
from evenhand.records.sheets import ENDINGS
from evenhand.records.text_files import Loaded, load_text

MAX_PATH = 4000
#: How the schema of a file of counts begins.
CUBE_SCHEMA = "evenhand.cube/"
_PARQUET = b"PAR1"


def holds_counts(path: Path) -> bool:
    """Whether a Parquet file looks as if counts stood in it instead of rows; its end tells, and is all that is read."""
    try:
        with path.open("rb") as file:
            if file.read(4) != _PARQUET:
                return False
            size = file.seek(0, 2)
            file.seek(max(size - 8, 0))
            length = int.from_bytes(file.read(4), "little")
            file.seek(max(size - 8 - length, 0))
            return CUBE_SCHEMA.encode() in file.read(length)
    except OSError:
        return False


def begins_as_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does, whole or not."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _PARQUET
    except OSError:
        return False


def is_whole_parquet(path: Path) -> bool:
    """Whether a file begins and ends as Parquet does."""
    if not begins_as_parquet(path):
        return False
    with path.open("rb") as file:
        file.seek(max(file.seek(0, 2) - 4, 0))
        return file.read(4) == _PARQUET


def check_pattern(pattern: str) -> None:
    """Refuse what is no path of a file."""
    if not pattern.strip() or len(pattern) > MAX_PATH:
        raise InputError(f"{pattern[:80]!r} is no path of a file.")


def find_files(pattern: str) -> list[Path]:
    """Files that a path or glob names, sorted; an error where there is none."""
    check_pattern(pattern)
    files = matching_files(pattern)
    if not files:
        if Path(pattern).is_dir():
            raise InputError(f"{pattern} is a folder.  Name its files, for example {pattern}/*.csv")
        raise InputError(
            f"No file is called {pattern!r}.  A path or a glob such as 'runs/*.parquet' is allowed."
        )
    return files


def fingerprint(paths: list[Path]) -> str:
    """SHA-256 of the bytes of all files, in order, as hexadecimal text."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def load_files(
    engine: DuckDBEngine, paths: list[Path], declared: Mapping[str, str], missing: Sequence[str]
) -> Loaded:
    """Open files of one format in `engine`."""
    formats = sorted({format_of(path) for path in paths})
    if len(formats) > 1:
        raise InputError(f"One table cannot mix formats; these files are {' and '.join(formats)}.")
    for path in paths:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: not even a header.  Write the records first.")
    if formats[0] == "parquet":
        return _load_parquet(engine, paths, declared, missing)
    if formats[0] == "arrow":
        return load_native(engine, _load_arrow(engine, paths), declared, missing)
    return load_text(engine, paths, declared, missing)


def raise_file_faults(paths: Sequence[Path]) -> None:
    """Raise what is wrong with text files, if anything is."""
    engine = DuckDBEngine()
    try:
        texts = [path for path in paths if not path.name.lower().endswith((".db", *ENDINGS))]
        error = told(find_faults(engine, texts))
    finally:
        engine.close()
    if error is not None:
        raise error


def _load_parquet(
    engine: DuckDBEngine, paths: list[Path], declared: Mapping[str, str], missing: Sequence[str]
) -> Loaded:
    source = f"read_parquet({listed(paths)}, union_by_name = true)"
    try:
        # The engine gives the second of two names that differ in case another name.
        for path in paths:
            tree = engine.query(f"SELECT name, num_children FROM parquet_schema({listed([path])})")
            check_case(str(path), _top_names(tree.to_pylist()))
        return load_native(engine, source, declared, missing, nested=_of_arrow(engine, paths[0]))
    except duckdb.Error as error:
        raise InputError(
            f"{paths[0]}: not a whole Parquet file: {str(error).splitlines()[0]}.  Write it again."
        ) from error


def _of_arrow(engine: DuckDBEngine, path: Path) -> list[str]:
    """Columns of durations and periods, which Parquet itself takes for whole numbers."""
    found = engine.query(
        f"SELECT value FROM parquet_kv_metadata({listed([path])}) WHERE key = 'ARROW:schema'::BLOB"
    )["value"].to_pylist()
    if not found:
        return []
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(found[0])))
    except (pa.ArrowInvalid, ValueError, OSError):
        return []  # somebody else's metadata: the columns are what Parquet says
    return [
        item.name
        for item in schema
        if pa.types.is_duration(item.type)
        or b"pandas.period" in (item.metadata or {}).get(b"ARROW:extension:name", b"")
        or getattr(item.type, "extension_name", "") == "pandas.period"
    ]


def _top_names(tree: list[dict[str, Any]]) -> list[str]:
    """Names of a Parquet file's columns, from its schema in depth-first order."""
    names, open_ = [], [0]
    for place, node in enumerate(tree):
        if place and len(open_) == 1:
            names.append(str(node["name"]))
        if place:
            open_.append(int(node["num_children"] or 0))
            while len(open_) > 1 and not open_[-1]:
                open_.pop()
                if len(open_) > 1:
                    open_[-1] -= 1
    return names


def _load_arrow(engine: DuckDBEngine, paths: list[Path]) -> str:
    tables = []
    for path in paths:
        try:
            with pa.memory_map(str(path)) as mapped:
                tables.append(plain_table(_open_ipc(mapped)))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path}: not a whole Arrow file ({error}).  Write it again."
            ) from error
    try:
        engine.register("records", pa.concat_tables(tables, promote_options="default"))
    except pa.ArrowException as error:
        raise InputError(f"{paths[0]}: the files do not fit together ({error}).") from error
    return "records"


def plain_table(table: pa.Table) -> pa.Table:
    """The columns that an engine can group by; nested and extension types are left out."""
    doubled = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if doubled:
        raise InputError(f"The column names {doubled} stand more than once.  Give each its own.")
    check_case("The table", table.column_names)
    kept = [item.name for item in table.schema if kind_of(item.type) is not Kind.OTHER]
    texts = (pa.list_(pa.string()), pa.list_(pa.large_string()), pa.large_list(pa.large_string()))
    kept += [item.name for item in table.schema if item.type in texts]  # references of transcripts
    if not kept:
        raise InputError("The table has no column of numbers, texts, dates or true/false.")
    table = table.select(kept)
    for place, item in enumerate(table.schema):
        if pa.types.is_float16(item.type):  # DuckDB does not read it
            single = table.column(place).cast(pa.float32())
            table = table.set_column(place, item.name, single)
        if pa.types.is_decimal256(item.type):  # nor this
            table = table.set_column(place, item.name, _narrower(table.column(place), item))
    return table


def _narrower(column: pa.ChunkedArray, item: pa.Field) -> pa.ChunkedArray:
    try:
        return column.cast(pa.decimal128(38, item.type.scale))
    except pa.ArrowInvalid as error:
        raise InputError(
            f"Column {item.name!r} holds decimals of {item.type.precision} digits, more than engines "
            "read (38).  Make it text or a double first."
        ) from error


def _open_ipc(mapped: pa.NativeFile) -> pa.Table:
    try:
        return pa.ipc.open_file(mapped).read_all()
    except pa.ArrowInvalid:
        mapped.seek(0)
        return pa.ipc.open_stream(mapped).read_all()
