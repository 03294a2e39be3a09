"""Files as tables: how each format is read, and what can be wrong with it.

Every reader yields the FROM clause of a query.  Checks run before the engine opens the file,
so that their messages name the file, the line and the next step.
"""

import codecs
import csv
import glob
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.ipc
from sqlglot import exp

from evenhand.errors import Fault, FaultsError, InputError
from evenhand.records.engine import DuckDBEngine

# Text below this size is parsed once into memory; larger text is streamed at each query.
HELD_BYTES = 64 * 2**20
_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


def find_files(pattern: str) -> list[Path]:
    """Files that a path or glob names, sorted; an error where there is none."""
    # Path.glob takes no absolute pattern.
    matches = glob.glob(pattern)  # noqa: PTH207
    paths = [Path(pattern)] if Path(pattern).is_file() else sorted(map(Path, matches))
    files = [path for path in paths if path.is_file()]
    if not files:
        if Path(pattern).is_dir():
            raise InputError(f"{pattern} is a folder.  Name its files, for example {pattern}/*.csv")
        raise InputError(
            f"No file is called {pattern!r}.  A path or a glob such as 'runs/*.parquet' is allowed."
        )
    return files


def format_of(path: Path) -> str:
    """Format by the ending of the name; ``.gz`` is looked through."""
    name = path.name.lower().removesuffix(".gz")
    for ending, found in _FORMATS.items():
        if name.endswith(ending):
            return found
    raise InputError(
        f"{path}: the ending says no known format.  "
        "Allowed: .parquet .csv .tsv .jsonl .arrow (.csv, .tsv and .jsonl also with .gz)"
    )


def fingerprint(paths: list[Path]) -> str:
    """SHA-256 of the bytes of all files, in order, as hexadecimal text."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def load_files(engine: DuckDBEngine, paths: list[Path]) -> str:
    """Open files of one format in `engine` and return the FROM clause that reads them."""
    formats = sorted({format_of(path) for path in paths})
    if len(formats) > 1:
        raise InputError(f"One table cannot mix formats; these files are {' and '.join(formats)}.")
    for path in paths:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: not even a header.  Write the records first.")
    return _LOADERS[formats[0]](engine, paths)


def _quoted(value: str) -> str:
    return exp.Literal.string(value).sql("duckdb")


def _listed(paths: list[Path]) -> str:
    return "[" + ", ".join(_quoted(str(path)) for path in paths) + "]"


def _load_parquet(engine: DuckDBEngine, paths: list[Path]) -> str:
    source = f"read_parquet({_listed(paths)}, union_by_name = true)"
    _try(engine, source, f"{paths[0]}: not a whole Parquet file")
    return source


def _load_arrow(engine: DuckDBEngine, paths: list[Path]) -> str:
    tables = []
    for path in paths:
        try:
            with pa.memory_map(str(path)) as mapped:
                tables.append(_open_ipc(mapped))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path}: not a whole Arrow file ({error}).  Write it again."
            ) from error
    engine.register("records", pa.concat_tables(tables, promote_options="default"))
    return "records"


def _open_ipc(mapped: pa.NativeFile) -> pa.Table:
    try:
        return pa.ipc.open_file(mapped).read_all()
    except pa.ArrowInvalid:
        mapped.seek(0)
        return pa.ipc.open_stream(mapped).read_all()


def _load_jsonl(engine: DuckDBEngine, paths: list[Path]) -> str:
    source = f"read_json({_listed(paths)}, format = 'newline_delimited', union_by_name = true)"
    try:
        return _held(engine, source, paths)
    except duckdb.Error as error:
        for path in paths:
            _raise_faults(path, list(_json_faults(path)), "Each line must be one JSON object.")
        raise InputError(f"{paths[0]}: {_short(error)}") from error


def _json_faults(path: Path) -> Iterator[Fault]:
    with _open_text(path) as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    yield Fault(line=number, message=f"{line.strip()[:60]!r} is not an object")
            except json.JSONDecodeError as error:
                yield Fault(line=number, message=f"not JSON: {error.msg} at column {error.colno}")


def _load_delimited(engine: DuckDBEngine, paths: list[Path], delimiter: str | None) -> str:
    for path in paths:
        _check_encoding(path)
    delimiter = delimiter or _find_delimiter(paths[0])
    header = _read_header(paths[0], delimiter)
    # TSV has no quotes (IANA text/tab-separated-values); a quotation mark there is text.
    quote = "''" if delimiter == "\t" else "'\"'"
    options = f"header = true, delim = {_quoted(delimiter)}, quote = {quote}, escape = {quote}, nullstr = ''"
    options += ", union_by_name = true, strict_mode = true"
    if len(header) == 1:
        options += f", columns = {{{_quoted(header[0])}: 'VARCHAR'}}"
    source = f"read_csv({_listed(paths)}, {options})"
    try:
        return _held(engine, source, paths)
    except duckdb.Error as error:
        faults = _rejected(engine, paths, options)
        _raise_faults(paths[0], faults, "Every row needs the header's columns, each of one type.")
        raise InputError(f"{paths[0]}: {_short(error)}") from error


def _load_csv(engine: DuckDBEngine, paths: list[Path]) -> str:
    return _load_delimited(engine, paths, None)


def _load_tsv(engine: DuckDBEngine, paths: list[Path]) -> str:
    return _load_delimited(engine, paths, "\t")


_LOADERS: dict[str, Callable[[DuckDBEngine, list[Path]], str]] = {
    "parquet": _load_parquet,
    "arrow": _load_arrow,
    "jsonl": _load_jsonl,
    "csv": _load_csv,
    "tsv": _load_tsv,
}


def _held(engine: DuckDBEngine, source: str, paths: list[Path]) -> str:
    if sum(path.stat().st_size for path in paths) > HELD_BYTES or len(paths) > 1000:
        engine.execute(f"CREATE TEMP VIEW records AS FROM {source}")
        _try(engine, source, str(paths[0]))
    else:
        engine.execute(f"CREATE TEMP TABLE records AS FROM {source}")
    return "records"


def _try(engine: DuckDBEngine, source: str, what: str) -> None:
    try:
        engine.query(f"SELECT * FROM {source} LIMIT 1")
    except duckdb.InvalidInputException as error:
        raise InputError(f"{what}: {_short(error)}.  Write the file again.") from error


def _rejected(engine: DuckDBEngine, paths: list[Path], options: str) -> list[Fault]:
    relaxed = options.replace(
        "strict_mode = true", "strict_mode = true, store_rejects = true, rejects_limit = 1000"
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE accepted AS FROM read_csv({_listed(paths)}, {relaxed})"
    )
    rows = engine.connection.execute(
        "SELECT DISTINCT line, error_message FROM reject_errors ORDER BY line"
    ).fetchall()
    return [Fault(line=line, message=_plain(message)) for line, message in rows]


def _plain(message: str) -> str:
    """Engine's reason in our words where it is a usual one."""
    if message.startswith("Expected Number of Columns: "):
        wanted, found = message.removeprefix("Expected Number of Columns: ").split(" Found: ")
        return f"{found} fields, but the header has {wanted}"
    return message.splitlines()[0]


def _raise_faults(path: Path, faults: list[Fault], advice: str) -> None:
    if faults:
        raise FaultsError(str(path), faults, advice=advice)


def _short(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Invalid Input Error: ").rstrip(".")


def _open_bytes(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _open_text(path: Path) -> IO[str]:
    return io.TextIOWrapper(_open_bytes(path), encoding="utf-8-sig", newline="")


def _check_encoding(path: Path) -> None:
    """All lines that are not UTF-8, told together."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open_bytes(path) as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        _raise_faults(
            path,
            list(_encoding_faults(path)),
            f"Save it as UTF-8, for example: iconv -f latin1 -t utf-8 {path} > utf8{path.suffix}",
        )
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}).  Copy it again.") from error


def _encoding_faults(path: Path) -> Iterator[Fault]:
    with _open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                yield Fault(
                    line=number,
                    message=f"byte 0x{byte:02X} at column {error.start + 1} is not UTF-8",
                )


def _find_delimiter(path: Path) -> str:
    with _open_text(path) as file:
        header = file.readline()
    counts = {mark: header.count(mark) for mark in ",;\t|"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def _read_header(path: Path, delimiter: str) -> list[str]:
    with _open_text(path) as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    names = Counter(name.strip() for name in header)
    doubled = [name for name, count in names.items() if count > 1]
    if doubled:
        raise FaultsError(
            str(path),
            [
                Fault(line=1, message=f"column {name!r} stands {names[name]} times")
                for name in doubled
            ],
            advice="Give every column a name of its own.",
        )
    if not any(names):
        raise InputError(f"{path} has no header.  Its first line must name the columns.")
    return header
