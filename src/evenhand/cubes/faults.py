"""Rows that break a measure's checks, told with their line numbers."""

import csv
import gzip
from pathlib import Path
from typing import NoReturn

from sqlglot import exp

from evenhand.cubes.measure import Check, Measure
from evenhand.errors import Fault, FaultsError
from evenhand.groups import Predicate, to_expression
from evenhand.records import Records


def raise_faults(
    records: Records, measure: Measure, check: Check, total: int, where: Predicate | None
) -> NoReturn:
    """Find the faulty rows again, now with their places, and raise them together."""
    dialect = records.engine.dialect
    inputs = (exp.alias_(item.expression, item.name, quoted=True) for item in measure.inputs)
    kept = to_expression(where) if where is not None else exp.true()
    rows = exp.select(exp.column("row_number"), exp.alias_(kept, "kept"), *inputs)
    numbered = f"(SELECT *, ROW_NUMBER() OVER () AS row_number FROM {records.source}) AS numbered"
    table = records.engine.query(
        f'SELECT row_number, "{check.input}" AS value FROM ({rows.sql(dialect)} FROM {numbered}) AS shown'
        f" WHERE kept AND {check.faulty.sql(dialect)} ORDER BY row_number LIMIT {FaultsError.shown}"
    )
    numbers = [int(number) for number in table["row_number"].to_pylist()]
    lines = _lines(records, numbers)
    faults = [
        Fault(
            line=line,
            message=check.message.format(value=_shown(value))
            + ("" if line else f" (row {number})"),
        )
        for number, line, value in zip(numbers, lines, table["value"].to_pylist(), strict=True)
    ]
    advice = "Mend these rows, or leave them out with --where."
    raise FaultsError(records.name, faults, total=total, advice=advice)


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value) if isinstance(value, str) else f"{value}"


def _lines(records: Records, numbers: list[int]) -> list[int | None]:
    """Line of each row in a single text file; `None` where rows have no lines."""
    if len(records.files) != 1:
        return [None] * len(numbers)
    path = records.files[0]
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return list(numbers)
    if name.endswith((".tsv", ".tab")):
        return [number + 1 for number in numbers]
    if name.endswith(".csv"):
        return list(_csv_lines(path, numbers))
    return [None] * len(numbers)


def _csv_lines(path: Path, numbers: list[int]) -> list[int]:
    """First line of each record; quoted fields may run over several lines."""
    wanted, found = set(numbers), {}
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        start = 1
        for number, row in enumerate(filter(None, reader)):
            if number in wanted:
                found[number] = start
            if len(found) == len(wanted):
                break
            start = reader.line_num + 1
            del row
    return [found.get(number, number + 1) for number in numbers]
