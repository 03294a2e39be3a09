"""The look: from a table to what it holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from evenhand.overviews.advice import next_commands
from evenhand.overviews.result import Overview, SeenColumn
from evenhand.overviews.roles import (
    FORECAST,
    GROUP,
    HYPOTHESIS,
    LABEL,
    PREDICTION,
    PROBABILITY,
    SCORE,
    UNIT,
    roles_of,
)
from evenhand.overviews.seen import Values, first_rows
from evenhand.overviews.spellings import spellings_of
from evenhand.overviews.uneven import crossings_of, missing_shares
from evenhand.questions.copies import copied_rows
from evenhand.questions.opening import opened
from evenhand.questions.outcomes import outcome_notes
from evenhand.questions.question import check_rows
from evenhand.records import MISSING_VALUES, Column

_MEASURED = (LABEL, PREDICTION, HYPOTHESIS, SCORE, PROBABILITY, FORECAST)
#: Names of units that are looked for in several groups.
_UNITS = 2


def look(
    table: Any,
    *,
    columns: str | Mapping[str, str] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
) -> Overview:
    """Look at a table before anything is measured: what it holds, what is odd in it, what could be asked.

    Parameters
    ----------
    table, columns, missing_values
        As in `evenhand.open_records`.

    Returns
    -------
    Overview
        Of the first 50,000 rows.  Nothing is guessed about people: what columns look like is said of labels,
        predictions, transcripts, ids and numbers, by their values and what they are called.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"call": range(60), "site": ["a", "b", "B"] * 20, "wrong": [0, 1] * 30})
    >>> found = evenhand.look(table)
    >>> [(column.name, column.role) for column in found.columns]
    [('call', 'id'), ('site', 'group'), ('wrong', 'score')]
    >>> found.spellings[0].values
    ('b', 'B')
    """
    with opened(table, columns=columns, missing_values=missing_values) as records:
        check_rows(records)
        counted = records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}")
        seen = first_rows(records)
        roles = roles_of(records, seen)
        by_name = {c.name: c for c in seen}
        groups = [by_name[n] for n, role in roles.items() if role == GROUP]
        measured = [by_name[n] for n, role in roles.items() if role in _MEASURED]
        units = [by_name[n] for n, role in roles.items() if role == UNIT and n in by_name]
        options = list[str]()
        for name, value in records.options.items():
            for one in [value] if isinstance(value, str) else value:
                options += [f"--{name}", str(one)]
        return Overview(
            table=records.name,
            log=records.log,
            rows=int(counted["n"][0].as_py()),
            looked_at=len(seen[0].values) if seen else 0,
            columns=tuple(
                _seen(column, by_name.get(column.name), roles) for column in records.columns
            ),
            missing=missing_shares(measured, groups),
            spellings=tuple(found for c in [*groups, *units] for found in spellings_of(c)),
            crossings=tuple(
                found for unit in units[:_UNITS] for found in crossings_of(unit, groups)
            ),
            notes=(*records.notes, *outcome_notes(records, (), None), *copied_rows(records)),
            next=tuple(next_commands(records.name, options, roles, records.choices)),
        )


def _seen(column: Column, values: Values | None, roles: Mapping[str, str]) -> SeenColumn:
    """A column as it was seen; those of lists and structures have no values."""
    return SeenColumn(
        name=column.name,
        kind=str(column.kind),
        missing=0 if values is None else values.missing,
        different=0 if values is None else len(values.counts),
        examples=() if values is None else values.examples(),
        role=roles.get(column.name, ""),
    )
