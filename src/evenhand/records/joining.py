"""Two tables as one: the rows of the first, each with what the other says of it.

What both have under one name gets the other's name before it.  Nothing is dropped: a row without a partner stays,
with nothing from the other, and is counted.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evenhand.deferred import Deferred, parquet
from evenhand.errors import InputError, Note
from evenhand.pages.numbers import plural
from evenhand.records.column_types import quoted
from evenhand.records.delimited import listed
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.schema import Column, Kind, find_column
from evenhand.records.table import Records, open_records, public_name

#: Readers of logs, which tables do without.
_LOGS = Deferred("evenhand.records.logs")
#: Keys that a message names.
_NAMED = 3
#: What stands last in the name of a file.
_ENDING = r"\.[A-Za-z]\w{1,4}$"
#: Logs whose ids and speakers are in lower case, however they were written.
_OF_NO_CASE = {"trn", "sclite"}


def join_records(
    table: Records, other: Records | str | Path, on: str | Sequence[str] = ()
) -> Records:
    """The rows of a table, each with the columns of another that belong to it.

    Parameters
    ----------
    table : Records
        Its rows stay, all of them, in their order.
    other : Records, str or Path
        Each of its keys stands once.  Words of a recording (CTM) joined to segments (STM) need no key: they belong to
        the segment in which their middle lies.
    on : str or sequence of str
        Columns that tell which rows belong together: ``speaker``, or ``id=file`` where the other calls it otherwise.
        Of two logs `id`, and what tells repeats, where nothing is said.

    Returns
    -------
    Records
        With the other's columns; those whose name is taken are called by the other's name, an underscore and theirs.

    Raises
    ------
    InputError
        Where a key is missing, stands twice in the other, or nothing belongs together.
    """
    if not isinstance(table.engine, DuckDBEngine):
        raise InputError(
            f"{table.name} lies on a server, so files are not joined to it here.  Join them there, in a view."
        )
    added = other if isinstance(other, Records) else open_records(other)
    try:
        if table.log == "stm" and added.log == "ctm":
            return _with_words(table, added)
        keys = _keys(table, added, [on] if isinstance(on, str) else list(on))
        return _joined(table, added, keys)
    finally:
        if added is not other:
            added.close()


def join_files(table: Records, files: Sequence[str], on: Sequence[str]) -> Records:
    """A table with several files joined to it, each by those of the columns that it has.

    Raises
    ------
    InputError
        As `join_records`, and where no file has a column.
    """
    unused = set(on)
    for name in files:
        other = open_records(name)
        names = {column.name for column in other.columns}
        keys = [key for key in on if key.rpartition("=")[2].strip() in names]
        unused -= set(keys)
        table = join_records(table, other, keys or on)
        other.close()
    if unused:
        key = min(unused)
        raise InputError(
            f"--on {key}: none of {', '.join(files)} has a column {key.rpartition('=')[2]!r}."
        )
    return table


def _keys(table: Records, other: Records, on: Sequence[str]) -> list[tuple[Column, Column]]:
    if not on and table.log and other.log:
        names = [c.name for c in table.columns]
        both = [c.name for c in other.columns if c.name in names]
        on = [
            *table.unit,
            *(name for name in ("epoch", "repeat", "task", "doc_hash") if name in both),
        ]
    if not on:
        shared = sorted({c.name for c in table.columns} & {c.name for c in other.columns})
        raise InputError(
            f"Say on which column {other.name} is joined to {table.name}: --on COLUMN.  "
            + (f"Both have: {', '.join(shared)}" if shared else "No column stands in both; --on A=B joins A to B.")
        )  # fmt: skip
    pairs = []
    for text in on:
        ours, _, theirs = text.partition("=")
        pairs.append((_key(ours, table), _key(theirs or ours, other)))
    return pairs


def _key(name: str, records: Records) -> Column:
    try:
        return find_column(name.strip(), records.columns)
    except InputError as error:
        raise InputError(
            f"--on, {records.name}: {error}{_renamed(name.strip(), records)}"
        ) from error


def _renamed(name: str, records: Records) -> str:
    """What a column of a tool's file is called once it is read; empty where there is none of that name."""
    reader = _LOGS.reader_called(records.log) if records.log in _LOGS.reader_names() else None
    called = None if reader is None else reader.renamed.get(name)
    if reader is None or called is None:
        return ""
    return f".  It is read as {reader.title}, where {name} is called {called}: --on {called}, or {called}={name}."


def _joined(table: Records, other: Records, keys: Sequence[tuple[Column, Column]]) -> Records:
    pairs = [_alike(ours, theirs) for ours, theirs in keys]
    if {table.log, other.log} & _OF_NO_CASE:
        # sclite's ids meet in any case.
        pairs = [(_in_any_case(left), _in_any_case(right)) for left, right in pairs]
    right = _laid_down(table, other, [pair[1] for pair in pairs])
    names = [f"evenhand:key{place}" for place in range(len(pairs))]
    _check_once(table, other, right, names, [theirs.name for _, theirs in keys])
    columns, selected = _columns(table, other, {theirs.name for _, theirs in keys})
    equal = " AND ".join(
        f"{left} = other.{quoted(name)}" for (left, _), name in zip(pairs, names, strict=True)
    )
    base = f"(SELECT * FROM {table.source})"
    view = f"evenhand:joined{len(table.files)}:{len(table.columns)}"
    chosen = "".join(f", {item}" for item in selected)
    table.engine.execute(  # type: ignore[attr-defined]
        f"CREATE OR REPLACE TEMP VIEW {quoted(view)} AS SELECT base.*{chosen} "
        f"FROM {base} AS base LEFT JOIN {right} AS other ON {equal}"
    )
    return _told(
        replace(
            table,
            source=quoted(view),
            columns=(*table.columns, *columns),
            files=(*table.files, *other.files),
            notes=(*table.notes, *other.notes),
            features=_features(table, other, columns),
            options=_options(table, other, _written(keys)),
        ),
        _partners(table, other, base, right, equal, keys),
    )


def _alike(ours: Column, theirs: Column) -> tuple[str, str]:
    """The two keys in one type; a number and a text are compared as they are written."""
    left, right = f"base.{quoted(ours.name)}", quoted(theirs.name)
    if ours.kind is theirs.kind:
        return left, right
    if ours.kind.numeric and theirs.kind.numeric:
        return left, right
    written = [
        f"{prefix}{quoted(column.written or column.name)}"
        for prefix, column in (("base.", ours), ("", theirs))
    ]
    return f"CAST({written[0]} AS VARCHAR)", f"CAST({written[1]} AS VARCHAR)"


def _in_any_case(key: str) -> str:
    return f"LOWER(CAST({key} AS VARCHAR))"


def _laid_down(table: Records, other: Records, keys: Sequence[str]) -> str:
    """The other's rows where the table's engine reads them, with their keys."""
    names = [quoted(c.name) for c in other.columns if c.kind is not Kind.OTHER or _readable(other)]
    names += [quoted(c.written) for c in other.columns if c.written]
    asked = [f"{key} AS {quoted(f'evenhand:key{place}')}" for place, key in enumerate(keys)]
    sql = f"SELECT {', '.join([*names, *asked])} FROM {other.source}"
    folder = Path(table.engine.keep_folder(tempfile.mkdtemp(prefix="evenhand-")))  # type: ignore[attr-defined]
    path = folder / "other.parquet"
    writer = None
    for batch in other.engine.batches(sql):
        writer = writer or parquet.ParquetWriter(path, batch.schema)
        writer.write_batch(batch)
    if writer is None:
        raise InputError(f"{other.name} has no rows, so nothing can be joined.")
    writer.close()
    return f"read_parquet({listed([path])})"


def _readable(other: Records) -> bool:
    """Whether lists can be carried over as they are."""
    return isinstance(other.engine, DuckDBEngine)


def _check_once(
    table: Records, other: Records, right: str, names: Sequence[str], called: Sequence[str]
) -> None:
    keys = ", ".join(map(quoted, names))
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in names)
    twice = table.engine.query(
        f"SELECT {keys}, COUNT(*) AS n FROM {right} WHERE {known} GROUP BY {keys} HAVING COUNT(*) > 1 "
        f"ORDER BY {keys} LIMIT {_NAMED}"
    ).to_pylist()
    if twice:
        told = "; ".join(
            f"{', '.join(str(row[name]) for name in names)} ({row['n']} times)" for row in twice
        )
        raise InputError(
            f"{other.name} has several rows of one {' and '.join(called)}: {told}.  A row can be joined to one: leave "
            "one each, or name more columns with --on."
        )


def _columns(table: Records, other: Records, keys: set[str]) -> tuple[list[Column], list[str]]:
    """The other's columns under the names that they get, and how they are selected."""
    taken = {column.name.casefold() for column in table.columns}
    called = joined_names(table, other)
    columns, selected = [], []
    for column in other.columns:
        if column.name in keys:
            continue
        name = called.get(column.name, column.name)
        if name.casefold() in taken:
            raise InputError(
                f"{other.name}: its column {column.name!r} would be called {name!r}, which stands in {table.name} "
                "already.  Rename the file, or the column."
            )
        taken.add(name.casefold())
        written = f"evenhand:written:{name}" if column.written else None
        columns.append(replace(column, name=name, written=written))
        selected.append(f"other.{quoted(column.name)} AS {quoted(name)}")
        if written and column.written:
            selected.append(f"other.{quoted(column.written)} AS {quoted(written)}")
    return columns, selected


def joined_names(table: Records, other: Records) -> dict[str, str]:
    """What another table's columns are called beside this one's, where theirs are taken.

    Parameters
    ----------
    table, other : Records
        As `join_records` takes them.
    """
    taken = {column.name.casefold() for column in table.columns}
    stem = stem_of(other.name)
    if stem == stem_of(table.name) and (folder := Path(other.name).parent.name):
        # Two runs write files of one name into a folder each.
        stem = stem_of(folder)
    return {
        column.name: f"{stem}_{column.name}"
        for column in other.columns
        if column.name.casefold() in taken
    }


def stem_of(name: str) -> str:
    """What a table is called in the names of columns.

    Examples
    --------
    >>> stem_of("runs/hyp.trn"), stem_of("out/2026-11 b.eval"), stem_of("sc://host?table=a.calls")
    ('hyp', '2026_11_b', 'calls')
    """
    if "://" in name:
        return re.sub(r"\W+", "_", name.rpartition("=")[2].rpartition(".")[2])
    stem = Path(name).name
    while (shorter := Path(stem).stem) != stem:
        stem = shorter
    return re.sub(r"\W+", "_", stem.strip("*?")).strip("_") or "other"


def _partners(
    table: Records,
    other: Records,
    base: str,
    right: str,
    equal: str,
    keys: Sequence[tuple[Column, Column]],
) -> str:
    """How many rows have no partner, on either side."""
    alone, rows = (
        table.engine.query(
            f"SELECT COUNT(*) FILTER (NOT EXISTS (SELECT 1 FROM {right} AS other WHERE {equal})) AS alone, "
            f"COUNT(*) AS n FROM {base} AS base"
        )
        .to_pylist()[0]
        .values()
    )
    left, total = (
        table.engine.query(
            f"SELECT COUNT(*) FILTER (NOT EXISTS (SELECT 1 FROM {base} AS base WHERE {equal})) AS alone, COUNT(*) AS n "
            f"FROM {right} AS other"
        )
        .to_pylist()[0]
        .values()
    )
    on = " and ".join(text.replace("=", " = ") for text in _written(keys))
    if rows and alone == rows:
        first = _ours_and_theirs(table, right, base, keys)
        raise InputError(
            f"No row of {table.name} has a partner in {public_name(other.name)} by {on}.  {first}"
            + _but_for_endings(table, right, base, keys)
        )
    return (
        f"{public_name(other.name)} is joined by {on}: {rows - alone:,} of {rows:,} rows have a partner"
        + (f", {alone:,} have none and nothing of its columns" if alone else "")
        + (f"; {left:,} of its {total:,} rows belong to nobody here" if left else "")
        + "."
    )


def _ours_and_theirs(
    table: Records, right: str, base: str, keys: Sequence[tuple[Column, Column]]
) -> str:
    """The first keys of both, for somebody to see why they differ."""
    ours = ", ".join(quoted(one.name) for one, _ in keys)
    theirs = ", ".join(quoted(f"evenhand:key{place}") for place in range(len(keys)))
    told = []
    for names, rows in ((ours, f"{base} AS base"), (theirs, right)):
        found = table.engine.query(f"SELECT {names} FROM {rows} LIMIT {_NAMED}").to_pylist()
        told.append(", ".join(" / ".join(map(str, row.values())) for row in found))
    return f"Here stand {told[0]} …, there {told[1]} …"


def _but_for_endings(
    table: Records, right: str, base: str, keys: Sequence[tuple[Column, Column]]
) -> str:
    """How many rows would have a partner, were files named without what they are written in; empty where none."""
    names = [
        (f"base.{quoted(ours.name)}", f'other."evenhand:key{i}"')
        for i, (ours, _) in enumerate(keys)
    ]
    equal = " AND ".join(
        " = ".join(f"regexp_replace(CAST({name} AS VARCHAR), '{_ENDING}', '')" for name in pair)
        for pair in names
    )
    found = table.engine.query(
        f"SELECT COUNT(*) AS n FROM {base} AS base WHERE EXISTS (SELECT 1 FROM {right} AS other WHERE {equal})"
    )
    met = found["n"][0].as_py()
    return (
        f"  But for their endings, such as .wav and .mp3, {plural(met, 'row')} would have one: write one in both."
        if met
        else ""
    )


def _features(table: Records, other: Records, columns: Sequence[Column]) -> tuple[str, ...] | None:
    """What was known before the answer: of a table that was joined to a log, all of its columns."""
    if table.features is None:
        return None
    kept = [column.name for column in columns]
    if other.features is not None:
        kept = [name for name in other.features if name in kept]
    return (*table.features, *kept)


def _written(keys: Sequence[tuple[Column, Column]]) -> list[str]:
    return [
        ours.name if ours.name == theirs.name else f"{ours.name}={theirs.name}"
        for ours, theirs in keys
    ]


def _options(table: Records, other: Records, on: Sequence[str]) -> dict[str, Any]:
    """What a command joins, with what was joined before."""
    before = table.options
    return {
        **before,
        "with": [*before.get("with", ()), public_name(other.name)],
        "on": list(dict.fromkeys([*before.get("on", ()), *on])),
    }


def _told(records: Records, sentence: str) -> Records:
    return replace(records, notes=(*records.notes, Note(code="joined", text=sentence)))


def _with_words(table: Records, words: Records) -> Records:
    """Segments with the words whose middle lies in them, in the order of time."""
    right = _laid_down(table, words, [])
    name = f"{stem_of(words.name)}_text"
    within = (
        "word.file = base.file AND word.channel = base.channel "
        'AND word.start + word.seconds / 2 >= base.start AND word.start + word.seconds / 2 < base."end"'
    )
    base = f"(SELECT * FROM {table.source})"
    heard = f"(SELECT string_agg(word.word, ' ' ORDER BY word.start) FROM {right} AS word WHERE {within})"
    if any(column.name.casefold() == name.casefold() for column in table.columns):
        raise InputError(
            f"{words.name}: its words would be called {name!r}, which stands there already.  Rename the file."
        )
    view = quoted(f"evenhand:words{len(table.files)}")
    inside = f"(SELECT COUNT(*) FROM {base} AS base WHERE {within})"
    stray, several, met = (
        table.engine.query(
            "SELECT COUNT(*) FILTER (n = 0) AS stray, COUNT(*) FILTER (n > 1) AS several, "
            f"COUNT(*) FILTER (n > 0) AS met FROM (SELECT {inside} AS n FROM {right} AS word)"
        )
        .to_pylist()[0]
        .values()
    )
    if not met:
        ours, theirs = (
            table.engine.query(f"SELECT file, channel FROM {rows} LIMIT 1").to_pylist()
            for rows in (f"{base} AS base", f"{right} AS word")
        )
        raise InputError(
            f"No word of {words.name} lies in a segment of {table.name}.  Here the first is of file and channel "
            f"{_first(ours)}, there of {_first(theirs)}: both must be the same, and times be of one clock."
        )
    table.engine.execute(  # type: ignore[attr-defined]
        f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT base.*, CASE WHEN base.outcome <> 'ignored' THEN "
        f"COALESCE({heard}, '') END AS {quoted(name)} FROM {base} AS base"
    )
    told = f"Words of {words.name} belong to the segment in which their middle lies"
    told += f"; {stray:,} lie in none and are left out" if stray else ""
    told += f"; {several:,} lie in several, which overlap, and count in each." if several else "."
    joined = replace(
        table,
        source=view,
        columns=(*table.columns, Column(name=name, kind=Kind.TEXT)),
        files=(*table.files, *words.files),
        options=_options(table, words, ()),
    )
    return _told(joined, told)


def _first(rows: Sequence[dict[str, Any]]) -> str:
    """File and channel of the first row."""
    return " ".join(map(str, rows[0].values())) if rows else "none"
