"""Delimited text and JSON lines as tables: the rows as text, and beside it what each column holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from evenhand.deferred import duckdb
from evenhand.errors import Fault, FaultsError, InputError, Note
from evenhand.records import delimited, jsonl
from evenhand.records.column_types import (
    ColumnType,
    check_declared,
    column_type,
    infer_types,
    misfit,
    quoted,
)
from evenhand.records.encodings import encoding_of
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.file_faults import find_faults, format_of, lines_of, told
from evenhand.records.schema import Column, Kind

# Text below this size is parsed once into memory; larger text is streamed at each query.
HELD_BYTES = 64 * 2**20
_WRITTEN = '"evenhand:written"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A table in an engine: its FROM clause, its columns, and what a reader should know of it."""

    source: str
    columns: tuple[Column, ...]
    notes: tuple[Note, ...] = ()


def load_text(
    engine: DuckDBEngine, paths: Sequence[Path], declared: Mapping[str, str], missing: Sequence[str]
) -> Loaded:
    """Open text files of one format; every row is looked at to tell what columns hold.

    Raises
    ------
    FaultsError, InputError
        All faults together, with their lines.
    """
    if format_of(paths[0]) == "jsonl":
        return _read(engine, paths, lambda: _load_jsonl(engine, paths, declared, missing))
    layouts = [find_layout(path) for path in paths]
    return _read(engine, paths, lambda: _load_delimited(engine, layouts, declared, missing))


def find_layout(path: Path) -> delimited.Delimited:
    """Separator and header of one CSV or TSV file."""
    return delimited.find_layout(path, tabs=format_of(path) == "tsv")


def _read(engine: DuckDBEngine, paths: Sequence[Path], load: Callable[[], Loaded]) -> Loaded:
    try:
        return load()
    except duckdb.Error as error:
        found = told(find_faults(engine, paths))
        raise found or InputError(f"{paths[0]}: {str(error).splitlines()[0]}") from error
    except jsonl.StrayLinesError as error:
        raise told(find_faults(engine, paths)) or error from error


def _load_delimited(
    engine: DuckDBEngine,
    layouts: Sequence[delimited.Delimited],
    declared: Mapping[str, str],
    missing: Sequence[str],
) -> Loaded:
    names = list(dict.fromkeys(name for layout in layouts for name in layout.names))
    check_declared(declared, names)
    paths = [layout.path for layout in layouts]
    _hold(engine, delimited.rows_as_text(engine, layouts), paths)
    local = layouts[0].separator != ","
    types = _types(engine, paths, names, declared, missing, local=local)
    return _typed(engine, types, (), _notes(paths, types))


def _load_jsonl(
    engine: DuckDBEngine, paths: Sequence[Path], declared: Mapping[str, str], missing: Sequence[str]
) -> Loaded:
    query, kinds, nested = jsonl.rows_as_text(engine, paths)
    check_declared(declared, [*kinds, *nested])
    _hold(engine, query, paths)
    types = _types(engine, paths, list(kinds), declared, missing, kinds=kinds)
    return _typed(engine, types, nested, ())


def _hold(engine: DuckDBEngine, query: str, paths: Sequence[Path]) -> None:
    small = sum(path.stat().st_size for path in paths) <= HELD_BYTES
    packed = any(path.name.lower().endswith(".gz") for path in paths)
    what = "TABLE" if small and not packed and len(paths) <= 1000 else "VIEW"
    engine.execute(f"CREATE TEMP {what} {_WRITTEN} AS {query}")


def _types(
    engine: DuckDBEngine,
    paths: Sequence[Path],
    names: Sequence[str],
    declared: Mapping[str, str],
    missing: Sequence[str],
    *,
    kinds: Mapping[str, Sequence[Kind]] | None = None,
    local: bool = False,
) -> dict[str, ColumnType]:
    guessed = [name for name in names if name not in declared]
    types = infer_types(engine, _WRITTEN, guessed, missing=missing, kinds=kinds, local=local)
    given = {
        name: column_type(quoted(name), kind, missing, declared=True)
        for name, kind in declared.items()
        if name in names
    }
    if given:
        _check_given(engine, paths, given, missing)
    types |= given
    return {name: types[name] for name in names}


def _check_given(
    engine: DuckDBEngine,
    paths: Sequence[Path],
    given: Mapping[str, ColumnType],
    missing: Sequence[str],
) -> None:
    """Refuse values that are not of the type which a person declared, with their lines."""
    for name, type_ in given.items():
        wrong = misfit(quoted(name), type_, missing)
        total = engine.query(f"SELECT COUNT(*) FILTER ({wrong}) AS n FROM {_WRITTEN}")["n"][
            0
        ].as_py()
        if total:
            _tell_misfits(engine, paths, name, type_, wrong, total)


def _tell_misfits(
    engine: DuckDBEngine,
    paths: Sequence[Path],
    name: str,
    type_: ColumnType,
    wrong: str,
    total: int,
) -> NoReturn:
    rows = engine.query(
        f"SELECT n, value FROM (SELECT ROW_NUMBER() OVER () AS n, {wrong} AS wrong, {quoted(name)} AS value"
        f" FROM {_WRITTEN}) WHERE wrong ORDER BY n LIMIT {FaultsError.shown}"
    ).to_pylist()
    numbers = [int(row["n"]) for row in rows]
    lines = lines_of(paths[0], numbers) if len(paths) == 1 else [None] * len(rows)
    faults = [
        Fault(
            line=line, message=f"`{name}` is {row['value'][:60]!r}, but was declared {type_.name}"
        )
        for line, row in zip(lines, rows, strict=True)
    ]
    raise FaultsError(
        str(paths[0]),
        faults,
        total=total,
        advice=f"Mend these rows, say which text means missing with --missing, or declare {name!r} text.",
    )


def _typed(
    engine: DuckDBEngine,
    types: Mapping[str, ColumnType],
    nested: Sequence[str],
    notes: tuple[Note, ...],
) -> Loaded:
    """View whose columns have their types; what is no text is there as it is written, too."""
    selected, columns = [], list[Column]()
    for name, type_ in types.items():
        selected.append(f"{type_.value} AS {quoted(name)}")
        written = None if type_.kind is Kind.TEXT else f"evenhand:written:{name}"
        if written:
            selected.append(f"{quoted(name)} AS {quoted(written)}")
        columns.append(Column(name=name, kind=type_.kind, written=written))
    columns += [Column(name=name, kind=Kind.OTHER) for name in nested]
    selected += [quoted(name) for name in nested]
    engine.execute(f"CREATE TEMP VIEW records AS SELECT {', '.join(selected)} FROM {_WRITTEN}")
    return Loaded(source="records", columns=tuple(columns), notes=notes)


def _notes(paths: Sequence[Path], types: Mapping[str, ColumnType]) -> tuple[Note, ...]:
    told = (
        f"{path} is not UTF-8 and was read as Windows-1252, in which one of its words is "
        f"{encoding_of(path).sample!r}.  If that is wrong, save it as UTF-8."
        for path in paths
        if encoding_of(path).name == "cp1252"
    )
    notes = [Note(code="encoding", text=sentence) for sentence in told]
    comma = [name for name, type_ in types.items() if type_.name == "decimal-comma"]
    if comma:
        text = f"Read with a decimal comma: {', '.join(comma)}."
        notes.append(Note(code="decimal_comma", text=text))
    return tuple(notes)
