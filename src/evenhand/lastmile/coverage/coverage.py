"""Coverage that users ask for: from a table and a population to what is covered, thin and empty."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.groups import Attribute, parse_predicate, to_text
from evenhand.groups.predicate import ColumnComparison, equals
from evenhand.lastmile.coverage.assembly import Wanted, answer
from evenhand.lastmile.coverage.result import Coverage
from evenhand.metrics import Metric
from evenhand.questions.command import write_command
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import (
    NUMBERS,
    Allowed,
    check_choices,
    check_numbers,
    check_texts,
    plain,
)
from evenhand.questions.question import (
    By,
    bound_metric,
    check_rows,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES, Kind, Records, find_column

#: Units that a covered cell has at least: where nothing else is asked, and where a difference is.
MIN_UNITS, LEAST_UNITS = 30, 5
_NUMBERS = NUMBERS | {"detect": Allowed(least=1e-9, words="a number above 0")}


@tells_options
def coverage(
    table: Any,
    by: By,
    *,
    metric: str | Metric | None = None,
    population: Any = None,
    synthetic: str | None = None,
    unit: str | Sequence[str] | None = None,
    min_units: int | None = None,
    detect: float | None = None,
    where: str | None = None,
    level: float = 0.95,
    worse: str | None = None,
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Coverage:
    """Say which cells of groups and conditions a table tells of, which it does not, and what is missing.

    Parameters
    ----------
    table
        Records as in `evenhand.audit`.
    by : str or sequence
        Attributes whose crossing makes the cells: groups, conditions of a trial or of annotations, measures of samples.
    metric : str or Metric, optional
        What is to be measured: units count that say something about it.  Without one rows count.
    population : path, optional
        Whom the service is for: a CSV file with a column for each attribute and one called ``share``, or records, whose
        rows are counted.
    synthetic : str, optional
        Which rows were made: a column of true and false or of 0 and 1, or a predicate.  They are counted apart,
        and cover nothing.
    unit, where, level, bins, missing_values, columns, command, progress
        As in `evenhand.audit`.
    min_units : int, optional
        Natural units that a covered cell has at least: 30, or 5 where a difference is named.
    detect : float, optional
        Difference from the rest that a covered cell shows in four samples of five, in the metric's units.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.

    Returns
    -------
    Coverage

    Raises
    ------
    InputError
        For anything that must be changed first.

    Notes
    -----
    All crossings of the levels that occur in the table or the population are cells, so that what nobody collected is
    told.  A cell without a natural row is empty, whatever is synthetic there.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 90 + ["b"] * 45, "noise": ["low"] * 80 + ["high"] * 10 + ["low"] * 45})
    >>> found = evenhand.coverage(table, "site,noise")
    >>> [(cell.label, cell.state, cell.missing) for cell in found.cells]
    [('b, high', 'empty', 30), ('a, high', 'thin', 20), ('a, low', 'covered', 0), ('b, low', 'covered', 0)]
    """
    least = plain(min_units)
    if least is None:
        least = MIN_UNITS if detect is None else LEAST_UNITS
    check_numbers({"min_units": least, "level": plain(level)}, _NUMBERS)
    if detect is not None:
        check_numbers({"detect": plain(detect)}, _NUMBERS)
    check_texts({"where": where, "synthetic": synthetic})
    check_choices({"worse": worse})
    units = _one_unit(unit_columns(unit))
    with opened(
        table, columns=columns, missing_values=missing_values, progress=progress
    ) as records:
        check_rows(records)
        question = read_question(records, by, units=units, where=where, bins=bins)
        _one_unit(question.units)
        bound = None if metric is None else bound_metric(metric, records)
        made = None if synthetic is None else _synthetic(synthetic, records)
        told = {
            "by": question.by,
            "metric": None if bound is None else bound.text,
            "population": str(population) if isinstance(population, str | Path) else None,
            "synthetic": synthetic,
            "unit": question.units,
            "min_units": plain(min_units),
            "detect": plain(detect),
            "where": to_text(question.where) if question.where is not None else None,
            "level": plain(level),
            "worse": worse,
            "columns": records.declared or None,
            "bins": question.bins,
            "missing_values": records.missing_values,
            **records.options,
        }
        return answer(
            question,
            bound,
            Wanted(min_units=least, detect=plain(detect), level=plain(level)),
            population=population,
            synthetic=made,
            worse=worse,
            command=command or write_command(coverage, records.name, told),
        )


def _one_unit(units: tuple[str, ...]) -> tuple[str, ...]:
    if len(units) > 1:
        raise InputError(
            f"Coverage counts one kind of unit, and {' and '.join(units)} are named.  Name the one of which there are "
            f"fewer: --unit {units[0]}"
        )
    return units


def _synthetic(given: str, records: Records) -> Attribute:
    """What marks the rows that were made."""
    if given in [column.name for column in records.columns]:
        kind = find_column(given, records.columns).kind
        if kind is Kind.BOOLEAN:
            return Attribute(name=given, predicate=equals(given, True))
        if kind.numeric:
            return Attribute(name=given, predicate=ColumnComparison(given, "!=", 0))
        raise InputError(
            f"synthetic is {given}, a column of {kind.value}, but must be one of true and false or of 0 and 1, or a "
            f"predicate: \"{given} = 'made'\""
        )
    predicate = parse_predicate(given, records.columns, label="synthetic")
    return Attribute(name=to_text(predicate), predicate=predicate)
