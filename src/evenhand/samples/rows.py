"""Rows of a small table, in memory.

CSV and JSON lines are read by the standard library: opening them with the records' engine costs
0.5 s of CPU and 60 MB before the first call (measured).  What is faulty goes to that engine all the
same, since it tells every fault with its line.
"""

import csv
import json
from pathlib import Path
from typing import Any

from evenhand.deferred import Deferred
from evenhand.errors import InputError

#: See the first lines.
_RECORDS = Deferred("evenhand.records")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a small table, with numbers where a whole column is numbers."""
    name = path.name.lower()
    if not path.is_file():
        raise InputError(f"No file is called {str(path)!r}.")
    try:
        if name.endswith((".jsonl", ".ndjson")):
            with path.open(encoding="utf-8") as file:
                rows = [json.loads(line) for line in file if line.strip()]
            if all(isinstance(row, dict) for row in rows):
                return _same_columns(rows)
        elif name.endswith((".csv", ".tsv")):
            with path.open(encoding="utf-8-sig", newline="") as file:
                mark = "\t" if name.endswith(".tsv") else _delimiter(file.readline())
                file.seek(0)
                reader = csv.reader(file, delimiter=mark, strict=True)
                header = next(reader, [])
                found = [row for row in reader if row]
            if all(len(row) == len(header) for row in found):
                return _typed(header, found)
        elif name.endswith((".parquet", ".pq")):
            from pyarrow import parquet  # noqa: PLC0415 - CSV manifests do not need it

            return list(parquet.read_table(path).to_pylist())
    except (ValueError, csv.Error, OSError):
        pass  # the engine below says what is wrong, and where
    return _through_engine(path)


def _through_engine(path: Path) -> list[dict[str, Any]]:
    records = _RECORDS.open_records(path)
    try:
        rows = records.read_rows().to_pylist()
    except InputError:
        raise
    except Exception as error:
        records.raise_faults()
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    finally:
        records.close()
    return list(rows)


def _delimiter(header: str) -> str:
    return max(",;\t|", key=header.count)


def _same_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def _typed(names: list[str], rows: list[list[str]]) -> list[dict[str, Any]]:
    """Columns of whole numbers, numbers or truth values in their type; empty is missing."""
    columns = [_column(list(values)) for values in zip(*rows, strict=True)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _column(values: list[str]) -> list[Any]:
    filled = [value for value in values if value != ""]
    truth = {"true": True, "false": False}
    if filled and all(value.lower() in truth for value in filled):
        return [truth[value.lower()] if value else None for value in values]
    for kind in (int, float):
        # A code such as 007 is no number.
        if any(value[0] == "0" and value[1:2].isdigit() for value in filled):
            break
        try:
            return [kind(value) if value else None for value in values] if filled else list(values)
        except ValueError:
            continue
    return list(values)
