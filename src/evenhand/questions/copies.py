"""Rows that may be counted twice: exact copies, and ids that stand in several files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evenhand.errors import InputError, Note
from evenhand.groups.predicate import column_expression
from evenhand.records import Kind, Records, dialect_of, open_records

#: Rows at most that are looked at: of one table, and of several files read as one.
MOST_ROWS, MOST_JOINED = 100_000, 1_000_000
#: Bytes of text at most; larger text is read as a stream, and would be read once more for this.
MOST_BYTES = 64 * 2**20
#: A table whose rows are nearly told apart by one column has no copies by chance.
IDENTIFIES = 0.9
#: Fewest rows that say anything.
FEWEST = 20
_IDS = (Kind.TEXT, Kind.INTEGER)


def copied_rows(records: Records) -> Iterator[Note]:
    """Say where rows are exact copies of others, or ids repeat over files.

    Only tables in which one column nearly identifies a row are looked at: where all columns have few
    values equal rows mean nothing.  More than 100,000 rows (1,000,000 over several files), and rows on
    a server, are not looked at.
    """
    if not dialect_of(records.engine.dialect).hashes_rows or is_large(records):
        return
    # Rows may differ in what no engine compares.
    if any(column.kind is Kind.OTHER for column in records.columns):
        return
    counted = records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}")
    rows, files = int(counted["n"][0].as_py()), len(records.files)
    if not FEWEST <= rows <= (MOST_JOINED if files > 1 else MOST_ROWS):
        return
    names = [column_expression(column.name).sql("duckdb") for column in records.columns]
    different = _counts(records, [f"hash({', '.join(names)})"])[0]
    # Few different rows of many are no copies but what a table of few values looks like.
    usual = different >= max(FEWEST, rows / (2 * max(files, 1)))
    if different < rows and usual:
        # Columns are counted only now: most tables have no copies, and many columns take their time.
        if max(_counts(records, names)) >= IDENTIFIES * different:
            over = f" of {files} files" if files > 1 else ""
            yield Note(
                code="duplicate_rows",
                text=f"{rows - different:,} of the {rows:,} rows{over} are exact copies of others, and count "
                "again.  Leave the copies out, if they are no answers of their own.",
            )
    elif files > 1 and different == rows:
        yield from _repeated_ids(records, _counts(records, names), rows)


def _counts(records: Records, expressions: Sequence[str]) -> list[int]:
    """How many different values each of some expressions has."""
    asked = ", ".join(f"COUNT(DISTINCT {one}) AS d{i}" for i, one in enumerate(expressions))
    found = records.engine.query(f"SELECT {asked} FROM {records.source}").to_pylist()[0]
    return [int(found[f"d{i}"]) for i in range(len(expressions))]


def is_large(records: Records) -> bool:
    """Whether the text behind a table is so large that it is read as a stream."""
    text = [path for path in records.files if not path.name.lower().endswith((".parquet", ".pq"))]
    return sum(path.stat().st_size for path in text if path.is_file()) > MOST_BYTES


def _repeated_ids(records: Records, distinct: Sequence[int], rows: int) -> Iterator[Note]:
    """Columns that name each row of a file, but not of all files together."""
    candidates = {
        column.name: rows - count
        for column, count in zip(records.columns, distinct, strict=True)
        if column.kind in _IDS and rows > count >= rows / len(records.files)
    }
    for path in records.files:
        candidates = {name: n for name, n in candidates.items() if name in _identifying(path)}
    for name, repeated in candidates.items():
        yield Note(
            code="ids_repeat",
            text=f"{name} is different in each row of a file, but {repeated:,} of its values stand in several "
            f"of the {len(records.files)} files: the same may be counted twice.",
        )


def _identifying(path: Path) -> set[str]:
    """Columns whose values are all different in one file."""
    try:
        one = open_records(path)
    except InputError:
        return set()
    try:
        names = [column.name for column in one.columns if column.kind in _IDS]
        counts = ", ".join(
            f"COUNT(DISTINCT {column_expression(name).sql('duckdb')}) AS d{place}"
            for place, name in enumerate(names)
        )
        if not names:
            return set()
        found = one.engine.query(f"SELECT COUNT(*) AS n, {counts} FROM {one.source}").to_pylist()[0]
        return {name for place, name in enumerate(names) if found[f"d{place}"] == found["n"]}
    finally:
        one.close()
