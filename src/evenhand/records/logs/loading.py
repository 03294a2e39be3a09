"""Logs as one table: their rows laid down, their names settled, what the tool says beside what the rows say."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evenhand.deferred import duckdb
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, Note
from evenhand.pages.numbers import plural
from evenhand.records.column_types import quoted, text_literal
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.logs.reader import LogReader, OwnNumber, RowLog, TableLog
from evenhand.records.logs.spool import ATTRIBUTE, OWN, SCORE, LogPart, Spool, Spooled, held, united
from evenhand.records.native_types import load_native
from evenhand.records.text_files import Loaded

#: What an attribute gets before its name where the reader or a score bears it.
_CLASH = {ATTRIBUTE: "metadata_", SCORE: "score_"}
_ROWS = '"evenhand:log"'
#: What readers call the repeats of one question.
_REPEATS = ("epoch", "repeat")
#: Two numbers that differ by less are one that was rounded.
_ROUNDED = 5e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedLogs:
    """Logs as a table, and what else they say.

    Attributes
    ----------
    loaded : Loaded
    unit : tuple of str
        Columns whose values are independent, unless a person names others.
    choices : Mapping
        Columns of which one value must be chosen, and their values.
    features : tuple of str
        Columns that say what was known before the answer.
    scores : tuple of str
        Columns that hold scores.
    """

    loaded: Loaded
    unit: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    features: tuple[str, ...]
    scores: tuple[str, ...]


def load_logs(
    engine: DuckDBEngine,
    reader: LogReader,
    paths: Sequence[Path],
    declared: Mapping[str, str],
    missing: Sequence[str],
) -> LoadedLogs:
    """Read logs of one tool into `engine`.

    Parameters
    ----------
    engine : DuckDBEngine
        Keeps the rows until it is closed.
    reader : LogReader
    paths : sequence of Path
        Files or folders of this tool.
    declared, missing
        As in `open_records`.
    """
    folder = Path(engine.keep_folder(tempfile.mkdtemp(prefix="evenhand-")))
    logs = [(name, reader.open(path)) for name, path in zip(_log_names(paths), paths, strict=True)]
    parts = list(_parts(engine, folder, logs))
    if not parts:
        raise InputError(f"{_called(paths)} has no row: {reader.title} wrote no answer into it.")
    spooled = united(parts)
    names = _settled(spooled, paths)
    selected, letters = _selected(engine, reader, spooled, names)
    engine.execute(f"CREATE TEMP VIEW {_ROWS} AS SELECT {selected} FROM ({spooled.query})")
    found = load_native(engine, _ROWS, declared, missing)
    numbers = [
        (number if len(paths) == 1 else number._replace(where={**number.where, "log": name}))
        for name, log in logs
        for number in log.own_numbers()
    ]
    notes = [
        _read_as(engine, reader, paths),
        *_of_letters(reader, letters),
        *_own_numbers(engine, reader, numbers, names),
        *(sentence for _, log in logs for sentence in log.notes()),
    ]
    return LoadedLogs(
        loaded=Loaded(
            source=found.source,
            columns=found.columns,
            notes=(*found.notes, *(Note(code="log", text=text) for text in dict.fromkeys(notes))),
        ),
        unit=(reader.unit,),
        choices=_choices(engine, reader, names),
        features=tuple(name for key, name in names.items() if key.startswith(ATTRIBUTE)),
        scores=tuple(name for key, name in names.items() if key.startswith(SCORE)),
    )


def _parts(
    engine: DuckDBEngine, folder: Path, logs: Sequence[tuple[str, RowLog | TableLog]]
) -> Iterator[LogPart]:
    """The rows of all logs; of several each row says in which it stands."""
    spool = Spool(folder)
    several = len(logs) > 1
    for place, (called, log) in enumerate(logs):
        if isinstance(log, RowLog):
            for row in log.rows():
                if several:
                    row.own["log"] = called
                spool.add(row)
            continue
        own = folder / f"log{place}"
        own.mkdir()
        part = log.part(engine, own)
        name = f"{OWN}log"
        query = f"SELECT *, {text_literal(called)} AS {quoted(name)} FROM ({part.query})"
        yield LogPart(query, part.types | {name: pa.string()}) if several else part
    yield from spool.close()


def _log_names(paths: Sequence[Path]) -> list[str]:
    """What each log is called: its file, with its folders where several files have one name."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    above = os.path.commonpath([path.parent for path in paths])
    return [os.path.relpath(path, above) for path in paths]


def _called(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} others"


def _settled(spooled: Spooled, paths: Sequence[Path]) -> dict[str, str]:
    """The name of each column; who comes first keeps it, and engines do not tell case apart."""
    out: dict[str, str] = {}
    taken: dict[str, str] = {}
    for who in (OWN, SCORE, ATTRIBUTE):
        for key in spooled.types:
            if not key.startswith(who):
                continue
            name = key.removeprefix(who)
            if not name or name.casefold() in taken:
                name = _CLASH.get(who, "") + name
            if name.casefold() in taken:
                raise InputError(
                    f"{_called(paths)}: {key.removeprefix(who)!r} and {taken[name.casefold()]!r} would be one column.  "
                    "Rename one of them where the log is made."
                )
            taken[name.casefold()] = key.removeprefix(who)
            out[key] = name
    return out


def _selected(
    engine: DuckDBEngine, reader: LogReader, spooled: Spooled, names: Mapping[str, str]
) -> tuple[str, list[str]]:
    """What is read of each column, and the scores whose letters became numbers."""
    values = {key: quoted(held(key)) for key in names}
    letters = []
    for key, type_ in spooled.types.items():
        if key.startswith(SCORE) and pa.types.is_string(type_) and reader.letters:
            number = _letter_number(reader.letters, key)
            unknown = f"{number} IS NULL AND {quoted(held(key))} IS NOT NULL"
            found = engine.query(f"SELECT 1 AS one FROM ({spooled.query}) WHERE {unknown} LIMIT 1")
            if not found.num_rows:
                values[key] = number
                letters.append(names[key])
    task, id_ = OWN + "task", OWN + "id"
    if task in values and id_ in values:
        several = f"(SELECT COUNT(DISTINCT {quoted(task)}) FROM ({spooled.query})) > 1"
        if engine.query(f"SELECT {several} AS several")["several"][0].as_py():
            values[id_] = f"CONCAT_WS('/', {quoted(task)}, {quoted(id_)})"
    return ", ".join(f"{value} AS {quoted(names[key])}" for key, value in values.items()), letters


def _letter_number(letters: Mapping[str, float], key: str) -> str:
    """A score's text as a number: letters as they are, words in any case, numbers by their value."""
    value = quoted(held(key))
    cases = " ".join(
        f"WHEN {value if len(text) == 1 else f'LOWER({value})'} = {text_literal(text)} THEN {float(number)}"
        for text, number in letters.items()
    )
    return f"CASE {cases} ELSE TRY_CAST({value} AS DOUBLE) END"


def _of_letters(reader: LogReader, scores: Sequence[str]) -> list[str]:
    if not scores:
        return []
    told = ", ".join(f"{letter} {number:g}" for letter, number in reader.letters.items())
    return [f"Letters of {', '.join(scores)} are numbers, as in {reader.title}: {told}."]


def _read_as(engine: DuckDBEngine, reader: LogReader, paths: Sequence[Path]) -> str:
    unit = quoted(reader.unit)
    found = engine.query(f"SELECT COUNT(*) AS rows, COUNT(DISTINCT {unit}) AS units FROM {_ROWS}")
    rows, units = (found[name][0].as_py() for name in ("rows", "units"))
    several = f"{len(paths):,} files" if len(paths) > 1 else paths[0].name
    told = f"Read {several} as {reader.title}: {plural(rows, 'row')}"
    if units == rows:
        return f"{told}."
    return (
        f"{told} of {units:,} different {reader.unit}.  Rows of one {reader.unit} are repeats, so {reader.unit} is the "
        "unit unless you name another."
    )


def _own_numbers(
    engine: DuckDBEngine,
    reader: LogReader,
    numbers: Iterable[OwnNumber],
    names: Mapping[str, str],
) -> list[str]:
    """Sentences on the tool's numbers that are not the mean of the rows."""
    out = []
    for number in numbers:
        key = SCORE + number.score
        if key not in names:
            continue
        column = quoted(names[key])
        kept = " AND ".join(
            f"{quoted(name)} = {text_literal(value)}" for name, value in number.where.items()
        )
        value = (
            f"CASE WHEN isnan(CAST({column} AS DOUBLE)) THEN NULL ELSE CAST({column} AS DOUBLE) END"
        )
        try:
            found = engine.query(
                f"SELECT AVG({value}) AS mean, COUNT({value}) AS n FROM {_ROWS} WHERE {kept or 'TRUE'}"
            ).to_pylist()[0]
        except duckdb.Error:  # a score of texts has no mean
            continue
        if found["mean"] is None or abs(found["mean"] - number.value) < _ROUNDED:
            continue
        where = f" of {number.where['log']}" if "log" in number.where else ""
        out.append(
            f"{reader.title} says {number.name} {number.value:.3f} of {names[key]}{where}; the {found['n']:,} rows "
            f"that have a score give {found['mean']:.3f}, since {number.why}."
        )
    return out


def _choices(
    engine: DuckDBEngine, reader: LogReader, names: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Columns of which one value must be chosen: some answer has rows of several.

    Several logs are read as one where each has answers of its own; two of the same answers are two runs.
    """
    there = set(names.values())
    told = [name for name in reader.choice if name in there]
    out = {
        name: values
        for name in told
        if (values := _several(engine, name, (reader.unit,))) is not None
    }
    alike = (reader.unit, *(name for name in (*_REPEATS, *told) if name in there))
    runs = _several(engine, "log", alike) if "log" in there else None
    return out if runs is None else {**out, "log": runs}


def _several(engine: DuckDBEngine, name: str, by: Sequence[str]) -> tuple[str, ...] | None:
    """Values of a column, where some rows that agree in others have several."""
    groups = ", ".join(map(quoted, by))
    twice = engine.query(
        f"SELECT 1 AS one FROM {_ROWS} GROUP BY {groups} HAVING COUNT(DISTINCT {quoted(name)}) > 1 LIMIT 1"
    )
    if not twice.num_rows:
        return None
    found = engine.query(
        f"SELECT DISTINCT {quoted(name)} AS v FROM {_ROWS} WHERE {quoted(name)} IS NOT NULL ORDER BY 1"
    )
    return tuple(map(str, found["v"].to_pylist()))
