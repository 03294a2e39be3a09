"""Rows that break a measure's checks, told with their line numbers."""

import math
from collections.abc import Sequence
from typing import NoReturn

from sqlglot import exp

from evenhand.cubes.measure import Check, Measure
from evenhand.errors import Fault, FaultsError, OtherValuesError
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression
from evenhand.records import Records, dialect_of, lines_of

#: A column is something else than its check asks for where more than one row in so many breaks it.
SLIPS = 10


def raise_faults(
    records: Records,
    where: Predicate | None,
    measure: Measure,
    broken: Sequence[tuple[Check, int]],
    *,
    advice: str = "Mend these rows, or leave them out with --where.",
) -> NoReturn:
    """Find the rows that break checks again, now with their places, and raise them together."""
    for check, count in broken:
        if check.whole and count > FaultsError.shown:
            _raise_whole(records, measure, check, count, where)
    found = [item for check, _ in broken for item in _faulty_rows(records, measure, check, where)]
    found.sort(key=lambda item: item[0])
    lines = _lines(records, [number for number, _ in found])
    faults = [
        Fault(line=line, message=message + ("" if line or not number else f" (row {number})"))
        for (number, message), line in zip(found, lines, strict=True)
    ]
    total = sum(count for _, count in broken)
    raise FaultsError(records.name, faults, total=total, advice=advice)


def _raise_whole(
    records: Records, measure: Measure, check: Check, count: int, where: Predicate | None
) -> None:
    """Say of a column of numbers what it holds, where more than one row in ten breaks its check."""
    dialect = records.engine.dialect
    read = next(item.expression for item in measure.inputs if item.name == check.input)
    value = read.sql(dialect)
    kept = f" WHERE {to_expression(where).sql(dialect)}" if where is not None else ""
    found = records.engine.query(
        f"SELECT COUNT({value}) AS n, COUNT(DISTINCT {value}) AS d, MIN({value}) AS low, MAX({value}) AS high"
        f" FROM {records.source}{kept}"
    ).to_pylist()[0]
    low, high = found["low"], found["high"]
    if count * SLIPS <= found["n"] or found["d"] < 2 or not math.isfinite(low + high):
        return
    whole = float(low).is_integer() and float(high).is_integer()
    middle = int((low + high) / 2) if whole and high > 1 else float(f"{(low + high) / 2:.3g}")
    two = found["d"] == 2
    held = f"{_shown(low)} and {_shown(high)}"
    if not two:
        held = f"{found['d']:,} values from {_shown(low)} to {_shown(high)}"
    condition = f"= {_shown(high)}" if two and whole else f">= {middle}"
    raise OtherValuesError(check.whole.replace("{values}", held).replace("{condition}", condition))


def _faulty_rows(
    records: Records, measure: Measure, check: Check, where: Predicate | None
) -> list[tuple[int, str]]:
    """Numbers of the first rows that break a check, and what is wrong with each."""
    dialect = records.engine.dialect
    inputs = (exp.alias_(item.expression, item.name, quoted=True) for item in measure.inputs)
    kept = to_expression(where) if where is not None else exp.true()
    rows = exp.select(exp.column("row_number"), exp.alias_(kept, "kept"), *inputs).sql(dialect)
    # Where rows have no order, as on a cluster, none has a number.
    number = "ROW_NUMBER() OVER ()" if dialect_of(dialect).numbers_rows else "0"
    numbered = f"(SELECT *, {number} AS row_number FROM {records.source}) AS numbered"
    value = column_expression(check.input).sql(dialect)
    table = records.engine.query(
        f"SELECT row_number, {value} AS value FROM ({rows} FROM {numbered}) AS shown"
        f" WHERE kept AND {check.faulty.sql(dialect)} ORDER BY row_number LIMIT {FaultsError.shown}"
    )
    numbers, values = table["row_number"].to_pylist(), table["value"].to_pylist()
    return [
        (int(number), check.message.replace("{value}", _shown(value)))
        for number, value in zip(numbers, values, strict=True)
    ]


def _lines(records: Records, numbers: list[int]) -> Sequence[int | None]:
    """Line of each row in a single text file; `None` where rows have no lines."""
    if len(records.files) != 1 or records.source != "records":
        return [None] * len(numbers)
    return lines_of(records.files[0], numbers)


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return repr(value) if isinstance(value, str) else f"{value}"
