"""Rows that break a measure's checks, told with their line numbers."""

from collections.abc import Sequence
from typing import NoReturn

from sqlglot import exp

from evenhand.cubes.measure import Check, Measure
from evenhand.errors import Fault, FaultsError
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression
from evenhand.records import Records, dialect_of, lines_of


def raise_faults(
    records: Records,
    where: Predicate | None,
    measure: Measure,
    broken: Sequence[tuple[Check, int]],
    *,
    advice: str = "Mend these rows, or leave them out with --where.",
) -> NoReturn:
    """Find the rows that break checks again, now with their places, and raise them together."""
    found = [item for check, _ in broken for item in _faulty_rows(records, measure, check, where)]
    found.sort(key=lambda item: item[0])
    lines = _lines(records, [number for number, _ in found])
    faults = [
        Fault(line=line, message=message + ("" if line or not number else f" (row {number})"))
        for (number, message), line in zip(found, lines, strict=True)
    ]
    total = sum(count for _, count in broken)
    raise FaultsError(records.name, faults, total=total, advice=advice)


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
        (int(number), check.message.format(value=_shown(value)))
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
