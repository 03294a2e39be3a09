"""Rows of the journal of a watch as JSON, and on which side of a settlement each is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.watching.reading import ScoredRows


def passed(settlement: Mapping[str, Any], time: float | None, place: int) -> bool:
    """Whether a row comes after a settlement."""
    newest = settlement["newest"]
    if time is None or newest is None or time == newest:
        return bool(place >= settlement["rows"])
    return bool(time > newest)


def written_row(rows: ScoredRows, place: int) -> str:
    """A row of the journal: sums, time, unit and values of its attributes."""
    key = [values[code[place]] for values, code in zip(rows.values, rows.codes, strict=True)]
    time = None if rows.time is None else float(rows.time[place])
    unit = None if rows.unit is None else rows.unit[place]
    row = [float(rows.a[place]), float(rows.b[place]), time, unit, key]
    return json.dumps(row, ensure_ascii=False)


def rows_of(rows: Sequence[tuple[Any, ...]], attributes: int) -> ScoredRows:
    """Rows of the journal, each with its name first."""
    values, codes = [], []
    for i in range(attributes):
        place: dict[str | None, int] = {}
        own = [place.setdefault(row[5][i], len(place)) for row in rows]
        values.append(tuple(place))
        codes.append(np.array(own, np.int64))
    return ScoredRows(
        a=np.array([row[1] for row in rows], float),
        b=np.array([row[2] for row in rows], float),
        values=tuple(values),
        codes=tuple(codes),
        time=np.array([row[3] for row in rows], float) if rows and rows[0][3] is not None else None,
        unit=tuple(row[4] for row in rows) if rows and rows[0][4] is not None else None,
        name=tuple(row[0] for row in rows),
    )
