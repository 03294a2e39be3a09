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
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.ipc
from sqlglot import exp

from evenhand.errors import Fault, FaultsError, InputError
from evenhand.records.engine import DuckDBEngine
from evenhand.records.schema import Kind, kind_of

# Text below this size is parsed once into memory; larger text is streamed at each query.
HELD_BYTES = 64 * 2**20
MAX_PATH = 4000
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
    if not pattern.strip() or len(pattern) > MAX_PATH:
        raise InputError(f"{pattern[:80]!r} is no path of a file.")
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
    # The engine takes its paths for patterns; these are files.
    return "[" + ", ".join(_quoted(glob.escape(str(path))) for path in paths) + "]"


def _load_parquet(engine: DuckDBEngine, paths: list[Path]) -> str:
    source = f"read_parquet({_listed(paths)}, union_by_name = true)"
    try:
        engine.query(f"SELECT * FROM {source} LIMIT 0")
    except duckdb.Error as error:
        raise InputError(
            f"{paths[0]}: not a whole Parquet file: {_short(error)}.  Write it again."
        ) from error
    return source


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
    folded = [name.casefold() for name in table.column_names]
    twins = [name for name in table.column_names if folded.count(name.casefold()) > 1]
    if twins:
        raise InputError(
            f"The columns {twins} differ in case only, which engines do not tell apart."
        )
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
    return table


def _open_ipc(mapped: pa.NativeFile) -> pa.Table:
    try:
        return pa.ipc.open_file(mapped).read_all()
    except pa.ArrowInvalid:
        mapped.seek(0)
        return pa.ipc.open_stream(mapped).read_all()


def _load_jsonl(engine: DuckDBEngine, paths: list[Path]) -> str:
    # A file called .json may hold one array; lines must be objects, one each.
    array = any(path.name.lower().removesuffix(".gz").endswith(".json") for path in paths)
    form = "auto" if array else "newline_delimited"
    source = (
        f"read_json({_listed(paths)}, format = '{form}', union_by_name = true, sample_size = -1)"
    )
    try:
        objects = f"read_json_objects({_listed(paths)}, format = '{form}')"
        strays = engine.query(
            f"SELECT 1 AS one FROM {objects} WHERE json_type(json) <> 'OBJECT' LIMIT 1"
        )
        if not strays.num_rows:
            return _with_columns(engine, _held(engine, source, paths), paths)
        reason = "its lines are not all JSON objects"
    except duckdb.Error as error:
        reason = _short(error)
    raise _fault_of(find_faults(engine, paths)) or InputError(f"{paths[0]}: {reason}")


def _with_columns(engine: DuckDBEngine, source: str, paths: list[Path]) -> str:
    # The engine's name for a table whose objects have no keys.
    if engine.query(f"SELECT * FROM {source} LIMIT 0").column_names == ["json"]:
        raise InputError(f"{paths[0]}: its objects have no keys, so there is no column.")
    return source


def _json_faults(path: Path) -> Iterator[Fault]:
    with _open_text(path) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith("\ufeff"):
                yield Fault(line=1, message="starts with a byte-order mark; save it without")
                return
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    yield Fault(line=number, message=f"{line.strip()[:60]!r} is not an object")
            except json.JSONDecodeError as error:
                yield Fault(line=number, message=f"not JSON: {error.msg} at column {error.colno}")


def _load_delimited(engine: DuckDBEngine, paths: list[Path]) -> str:
    for path in paths:
        _check_encoding(path)
    delimiters = {path: _find_delimiter(path) for path in paths}
    for path, delimiter in delimiters.items():
        _read_header(path, delimiter)
        if delimiter != delimiters[paths[0]]:
            raise InputError(
                f"{path} separates its columns by {delimiter!r}, but {paths[0]} by "
                f"{delimiters[paths[0]]!r}.  One table needs one separator."
            )
    source = f"read_csv({_listed(paths)}, {_csv_options(paths[0])}"
    source += ", union_by_name = true)" if len(paths) > 1 else ")"
    try:
        return _held(engine, source, paths)
    except duckdb.Error as error:
        found = _fault_of(find_faults(engine, paths))
        raise found or InputError(f"{paths[0]}: {_short(error)}") from error


def _csv_options(path: Path) -> str:
    delimiter = _find_delimiter(path)
    header = _read_header(path, delimiter)
    # TSV has no quotes (IANA text/tab-separated-values); a quotation mark there is text.
    quote = "''" if format_of(path) == "tsv" else "'\"'"
    options = (
        f"header = true, skip = 0, delim = {_quoted(delimiter)}, quote = {quote}, escape = {quote}"
    )
    options += ", nullstr = '', strict_mode = true"
    if len(header) == 1:
        options += f", columns = {{{_quoted(header[0])}: 'VARCHAR'}}"
    return options


_LOADERS: dict[str, Callable[[DuckDBEngine, list[Path]], str]] = {
    "parquet": _load_parquet,
    "arrow": _load_arrow,
    "jsonl": _load_jsonl,
    "csv": _load_delimited,
    "tsv": _load_delimited,
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
    except duckdb.Error as error:
        raise InputError(f"{what}: {_short(error)}.  Write the file again.") from error


def find_faults(engine: DuckDBEngine, paths: list[Path]) -> dict[Path, list[Fault]]:
    """Look for what is wrong with text files, with the lines; empty where nothing is found."""
    found: dict[Path, list[Fault]] = {}
    for path in paths:
        kind = format_of(path)
        if kind == "jsonl":
            _check_encoding(path)
            found[path] = list(_json_faults(path))
        elif kind in ("csv", "tsv"):
            found[path] = _rejected(engine, path)
    return {path: faults for path, faults in found.items() if faults}


def raise_file_faults(engine: DuckDBEngine, paths: list[Path]) -> None:
    """Raise what is wrong with text files, if anything is."""
    error = _fault_of(find_faults(engine, [path for path in paths if path.suffix != ".db"]))
    if error is not None:
        raise error


def _fault_of(found: dict[Path, list[Fault]]) -> FaultsError | None:
    """Error that tells the faults of all files."""
    if not found:
        return None
    first = next(iter(found))
    faults = [
        fault
        if path == first
        else Fault(line=None, message=f"{path} line {fault.line}: {fault.message}")
        for path, faults in found.items()
        for fault in faults
    ]
    what = (
        "Each line must be one JSON object."
        if format_of(first) == "jsonl"
        else ("Every row needs the header's columns, each of one type.")
    )
    return FaultsError(str(first), faults, advice=what)


def _rejected(engine: DuckDBEngine, path: Path) -> list[Fault]:
    relaxed = f"{_csv_options(path)}, store_rejects = true, rejects_limit = 1000"
    try:
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE accepted AS FROM read_csv({_listed([path])}, {relaxed})"
        )
        rows = engine.connection.execute(
            "SELECT line, error_message FROM reject_errors ORDER BY line, length(error_message) DESC"
        ).fetchall()
        engine.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    except duckdb.Error:
        return _unclosed_quote(path)
    # The engine counts records, the first of which is the header, and may tell a row twice.
    first = {record: _plain(message) for record, message in reversed(rows)}
    numbers = sorted(first)
    lines = lines_of(path, [number - 1 for number in numbers])
    return [Fault(line=line, message=first[n]) for n, line in zip(numbers, lines, strict=True)]


def _unclosed_quote(path: Path) -> list[Fault]:
    """Where a quotation mark opens that is never closed."""
    start = 1
    with _open_text(path) as file:
        reader = csv.reader(file, delimiter=_find_delimiter(path), strict=True)
        try:
            for _ in reader:
                start = reader.line_num + 1
        except csv.Error as error:
            return [
                Fault(line=start, message=f"the quotation marks of this row do not match ({error})")
            ]
    return []


def _plain(message: str) -> str:
    """Engine's reason in our words where it is a usual one."""
    if message.startswith("Expected Number of Columns: "):
        wanted, found = message.removeprefix("Expected Number of Columns: ").split(" Found: ")
        return f"{found} fields, but the header has {wanted}"
    return message.splitlines()[0]


def lines_of(path: Path, numbers: Sequence[int]) -> list[int | None]:
    """Line of the file on which each record starts, records and lines counted from 1."""
    kind = format_of(path)
    if kind == "jsonl":
        return _places(numbers, (i for i, line in _numbered(path) if line.strip()))
    if kind == "tsv":
        return [number + 1 for number in numbers]
    if kind == "csv":
        return _places(numbers, _csv_starts(path))
    return [None] * len(numbers)


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    with _open_text(path) as file:
        yield from enumerate(file, 1)


def _csv_starts(path: Path) -> Iterator[int]:
    """First line of each record after the header; quoted fields may run over several lines."""
    with _open_text(path) as file:
        reader = csv.reader(file, delimiter=_find_delimiter(path))
        start = 1
        for number, row in enumerate(reader):
            if number and row:
                yield start
            start = reader.line_num + 1


def _places(numbers: Sequence[int], starts: Iterable[int]) -> list[int | None]:
    wanted, found = set(numbers), dict[int, int]()
    for number, start in enumerate(starts, 1):
        if number in wanted:
            found[number] = start
            if len(found) == len(wanted):
                break
    return [found.get(number) for number in numbers]


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
    encoding = "utf-8" if format_of(path) == "jsonl" else "utf-8-sig"
    return io.TextIOWrapper(_open_bytes(path), encoding=encoding, newline="")


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
    if format_of(path) == "tsv":
        return "\t"
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
