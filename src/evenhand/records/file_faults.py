"""What is wrong with text files, and on which lines."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from evenhand.deferred import duckdb
from evenhand.errors import Fault, FaultsError, InputError
from evenhand.records import delimited, jsonl
from evenhand.records.encodings import encoding_of, open_text
from evenhand.records.engines.duckdb import DuckDBEngine

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
_ALLOWED = (
    "Allowed: .parquet .csv .tsv .jsonl .arrow (.csv, .tsv and .jsonl also with .gz), .xlsx .ods"
)
_PANDAS = 'python -c "import pandas; pandas.{reader}({path!r}).to_csv({csv!r}, index=False)"'
#: Files that people have and that are no tables here: what to do with them.
_ELSEWHERE = {
    (".sav",): "Run: " + _PANDAS.replace("{reader}", "read_spss"),
    (".dta",): "Run: " + _PANDAS.replace("{reader}", "read_stata"),
    (".sas7bdat", ".xpt"): "Run: " + _PANDAS.replace("{reader}", "read_sas"),
    (".rds", ".rdata"): "In R: write.csv(table, {csv!r}, row.names = FALSE)",
    (".zip", ".bz2", ".xz", ".zst", ".7z"): "Unpack it first.",
    (".duckdb", ".db"): "Name the table in it: duckdb:///{path}?table=NAME",
    (
        ".eval",
        ".trn",
        ".stm",
        ".ctm",
    ): "It is called as a log is and has not its content: it is empty, cut off, or of "
    "another version.  --read with inspect, trn, stm or ctm tells where reading ends.",
    (
        ".txt",
        ".dat",
    ): "If its columns are separated by tabs, call it {tsv}; if by commas or semicolons, {csv}",
}


def format_of(path: Path) -> str:
    """Format by the ending of the name; ``.gz`` is looked through."""
    name = path.name.lower().removesuffix(".gz")
    for ending, found in _FORMATS.items():
        if name.endswith(ending):
            return found
    for endings, advice in _ELSEWHERE.items():
        if name.endswith(endings):
            names = {"path": str(path), "csv": path.stem + ".csv", "tsv": path.stem + ".tsv"}
            raise InputError(f"{path} is not a table that is read here.  {advice.format(**names)}")
    raise InputError(f"{path}: the ending says no known format.  {_ALLOWED}")


def find_faults(engine: DuckDBEngine, paths: Sequence[Path]) -> dict[Path, list[Fault]]:
    """Look for what is wrong with text files, with the lines; empty where nothing is found."""
    found: dict[Path, list[Fault]] = {}
    for path in paths:
        kind = format_of(path)
        if kind == "jsonl":
            encoding_of(path)
            found[path] = list(jsonl.faults(path, alone=len(paths) == 1))
        elif kind in ("csv", "tsv"):
            found[path] = _rejected(engine, path)
    return {path: faults for path, faults in found.items() if faults}


def told(found: dict[Path, list[Fault]]) -> FaultsError | None:
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
        else "Every row needs the header's columns."
    )
    return FaultsError(str(first), faults, advice=what)


def _rejected(engine: DuckDBEngine, path: Path) -> list[Fault]:
    layout = delimited.find_layout(path, tabs=format_of(path) == "tsv")
    source = delimited.readable(engine, path)
    relaxed = f"{layout.options()}, store_rejects = true, rejects_limit = 1000"
    try:
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE accepted AS "
            f"FROM read_csv({delimited.listed([source])}, {relaxed})"
        )
        rows = engine.query(
            "SELECT line, error_message FROM reject_errors ORDER BY line, length(error_message) DESC"
        ).to_pylist()
        engine.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    except duckdb.Error:
        return _unclosed_quote(path, layout)
    # The engine counts records, the first of which is the header, and may tell a row twice.
    first = {row["line"]: _plain(row["error_message"]) for row in reversed(rows)}
    numbers = sorted(first)
    lines = lines_of(path, [number - 1 for number in numbers])
    return [Fault(line=line, message=first[n]) for n, line in zip(numbers, lines, strict=True)]


def _unclosed_quote(path: Path, layout: delimited.Delimited) -> list[Fault]:
    """Where a quotation mark opens that is never closed."""
    start = 1
    with open_text(path) as file:
        reader = csv.reader(file, delimiter=layout.separator, strict=True)
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
    if kind == "tsv" and not delimited.find_layout(path, tabs=True).quotes:
        return _places(numbers, (i for i, line in _numbered(path) if i > 1 and line.strip("\r\n")))
    if kind in ("csv", "tsv"):
        return _places(numbers, _csv_starts(path))
    return [None] * len(numbers)


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    with open_text(path) as file:
        yield from enumerate(file, 1)


def _csv_starts(path: Path) -> Iterator[int]:
    """First line of each record after the header; quoted fields may run over several lines."""
    layout = delimited.find_layout(path, tabs=format_of(path) == "tsv")
    with open_text(path) as file:
        reader = csv.reader(file, delimiter=layout.separator)
        start = 1
        for number, row in enumerate(reader):
            # An empty line is a missing value where there is one column, and no record elsewhere.
            if number and (row or len(layout.names) == 1):
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
