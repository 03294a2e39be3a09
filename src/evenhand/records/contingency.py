"""Counts alone: a contingency table, of which each line says how many rows are alike, as the rows that it counts.

Published tables tell true and false positives, or rows of each kind, by group.  Each line is laid out again as that
many rows, so that every question asks of them what it asks of rows.  Lines that hold the total of others are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.deferred import pyarrow as pa
from evenhand.errors import Fault, FaultsError, InputError, Note, near
from evenhand.pages.numbers import plural
from evenhand.records.column_types import parse_declared, quoted
from evenhand.records.schema import Column, Kind, find_column
from evenhand.records.table import Records, open_records
from evenhand.records.totals import find_totals

Integers = npt.NDArray[np.int64]
#: Rows that counts may stand for: a question reads them all.
MOST_ROWS = 1_000_000_000
#: Lines that a note names.
_NAMED = 3
_VIEW, _N, _LINE, _LIKE = (f"evenhand:{name}" for name in ("unfolded", "n", "line", "like"))
_NUMBER = re.compile(r"[+-]?\d+(?:[,' \u00a0\u202f]\d{3})*(?:\.0{0,2})?")
#: Three digits after a point: a whole number to some, thousands to others.
_THOUSANDS = re.compile(r"\d{1,3}\.\d{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFamily:
    """Counts that belong together.

    Attributes
    ----------
    cells : Mapping
        What each count is of: the values that its rows have in the columns of the family.
    totals : Mapping
        Counts that are sums of cells, from which one that is not given follows.
    columns : tuple of str
        Columns that are made.
    """

    cells: Mapping[str, tuple[int, ...]]
    totals: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All counts."""
        return (*self.cells, *self.totals)


_ROWS = CountFamily(cells={"rows": ()}, totals={}, columns=())
_SELECTION = CountFamily(
    cells={"selected": (1,), "rejected": (0,)},
    totals={"total": ("selected", "rejected")},
    columns=("prediction",),
)
_ANSWERS = CountFamily(
    cells={"correct": (0,), "wrong": (1,)},
    totals={"total": ("correct", "wrong")},
    columns=("wrong",),
)
_CONFUSION = CountFamily(
    cells={
        "true_positives": (1, 1),
        "false_positives": (0, 1),
        "true_negatives": (0, 0),
        "false_negatives": (1, 0),
    },
    totals={
        "positives": ("true_positives", "false_negatives"),
        "negatives": ("false_positives", "true_negatives"),
        "selected": ("true_positives", "false_positives"),
        "rejected": ("true_negatives", "false_negatives"),
        "total": ("true_positives", "false_positives", "true_negatives", "false_negatives"),
    },
    columns=("label", "prediction"),
)
#: Errors among words: no rows of 0 and 1, so that each line stays one.
_ERRORS = CountFamily(cells={"errors": (), "words": ()}, totals={}, columns=("errors", "words"))
_FAMILIES = (_ROWS, _SELECTION, _ANSWERS, _CONFUSION, _ERRORS)
_SHORT = {
    "tp": "true_positives",
    "fp": "false_positives",
    "tn": "true_negatives",
    "fn": "false_negatives",
}
_ROLES = dict.fromkeys(name for family in _FAMILIES for name in family.names)


def unfold_counts(
    table: Records | str | Path, counts: str | Sequence[str] | Mapping[str, str]
) -> Records:
    """The rows that a table of counts stands for.

    Parameters
    ----------
    table : Records, str or Path
        One line a group, or a group and a class; what is no count describes it.
    counts : str, sequence of str or mapping
        Columns that hold counts.  One column alone says how many rows a line stands for.  Several are named by what
        they count, where they are not called so: ``true_positives=hits``.  True and false positives and negatives
        (also ``tp``, ``fp``, ``tn``, ``fn``), of which some follow from ``positives``, ``negatives``, ``selected``,
        ``rejected`` and ``total``, make rows of `label` and `prediction`; ``selected`` of ``total`` rows of
        `prediction`; ``correct`` or ``wrong`` of ``total`` rows of `wrong`; ``errors`` and ``words`` stay counts.

    Returns
    -------
    Records
        Rows are taken for independent, unless a column of the table names units.  Lines without a count, and lines
        that hold the total of others, are left out, which its notes say.

    Raises
    ------
    InputError
        For counts that are no whole numbers of at least 0, that do not add up, or that tell nothing.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> published = pa.table({"site": ["a", "b"], "tp": [30, 12], "fn": [10, 28]})
    >>> rows = evenhand.unfold_counts(evenhand.open_records(published), "tp,fn")
    >>> found = evenhand.audit(rows, "true_positive_rate(label, prediction)", "site")
    >>> [(group.label, group.estimate.value, group.estimate.n_rows) for group in found.groups]
    [('b', 0.3, 40), ('a', 0.75, 40)]
    """
    table = table if isinstance(table, Records) else open_records(table)
    roles = _roles(counts, table)
    family = _family(roles)
    lines = table.read_rows()
    read, absent = _read(lines, roles, table)
    _check_marks(roles, table)
    kept = [column for column in table.columns if column.name not in roles.values()]
    for name in family.columns:
        _check_free(name, kept, table)
    described = lines.select([column.name for column in kept])
    totals = find_totals(described, kept, read, ~absent, classes=family is _ROWS)
    left = ~absent & ~totals.places
    known = {role: column[left] for role, column in read.items()}
    # Faults are told by the line of the table.
    cells = _solved(known, family, np.flatnonzero(left), table)
    long, n_rows = _long(described.filter(pa.array(left)), cells, family)
    notes = [
        _told(family, n_rows, int(left.sum()), table),
        *totals.notes,
        *_absent_note(described, lines, roles, absent),
        *_empty_note(described, cells, np.flatnonzero(left)),
    ]
    declared = {c.name: "text" for c in kept if c.kind is Kind.TEXT}
    opened = open_records(long, columns=declared or None, missing_values=table.missing_values)
    columns = tuple(column for column in opened.columns if column.name != _N)
    rows = opened.source
    if family is not _ERRORS:
        each = f"range({quoted(_N)}) AS {quoted(_LIKE)}({quoted(_LIKE)})"
        rows = f"(SELECT * FROM {opened.source}) AS {quoted(_LINE)}, {each}"
    selected = ", ".join(quoted(column.name) for column in columns)
    opened.engine.execute(  # type: ignore[attr-defined]
        f"CREATE TEMP VIEW {quoted(_VIEW)} AS SELECT {selected} FROM {rows}"
    )
    table.close()
    return replace(
        opened,
        name=table.name,
        source=quoted(_VIEW),
        columns=columns,
        files=table.files,
        progress=table.progress,
        notes=(*table.notes, *notes),
        declared=table.declared,
        choices={**table.choices, **totals.choices},
        options={**table.options, "counts": [f"{role}={name}" for role, name in roles.items()]},
    )


def count_columns(columns: Sequence[Column]) -> list[str]:
    """Columns that are called as counts of a confusion are, where there are at least two."""
    names = [
        c.name for c in columns if c.kind is Kind.INTEGER and _role(c.name) in _CONFUSION.cells
    ]
    return names if len(names) > 1 else []


def _role(name: str) -> str:
    """What a column of this name counts, if it is called as counts are."""
    plain = re.sub(r"[\s-]+", "_", name.strip().casefold())
    return _SHORT.get(plain, plain)


# -- what counts what ---------------------------------------------------------------------------


def _roles(counts: str | Sequence[str] | Mapping[str, str], table: Records) -> dict[str, str]:
    """Column of each count that is given."""
    if isinstance(counts, Mapping):
        asked = [f"{role}={name}" for role, name in counts.items()]
    else:
        names = {column.name for column in table.columns}
        texts = [counts] if isinstance(counts, str) else list(counts or ())
        if not all(isinstance(text, str) for text in texts):
            raise InputError(f"counts are {counts!r}, but must be names of columns.")
        asked = [
            one.strip()
            for text in texts
            for one in ([text] if text in names else text.split(","))
            if one.strip()
        ]
    if not asked:
        raise InputError(f"Say which columns of {table.name} hold counts: --counts tp,fp,tn,fn")
    roles: dict[str, str] = {}
    for one in asked:
        role, equals, name = one.partition("=")
        column = find_column((name if equals else role).strip(), table.columns)
        plain = _role(role)
        if not equals and len(asked) == 1 and plain not in _ROLES:
            plain = "rows"
        if plain not in _ROLES:
            raise InputError(
                f"--counts {one}: {role.strip()!r} is no count that I know.{near(plain, _ROLES)}  Say what the column "
                f"counts, as in true_positives={column.name}.  Allowed: {', '.join(_ROLES)}"
            )
        if plain in roles:
            raise InputError(
                f"--counts names {plain} twice: {roles[plain]} and {column.name}.  Keep one of them."
            )
        if column.name in roles.values():
            raise InputError(
                f"--counts names the column {column.name} twice.  A column counts one thing."
            )
        roles[plain] = column.name
    return roles


def _family(roles: Mapping[str, str]) -> CountFamily:
    family = next((one for one in _FAMILIES if set(roles) <= set(one.names)), None)
    if family is None:
        raise InputError(
            f"--counts names {', '.join(roles)}, which do not belong together.  Together go: "
            + "; ".join(", ".join(one.names) for one in _FAMILIES)
        )
    steps = _steps(set(roles), family)
    known = {name for name in roles if name in family.cells} | {cell for _, cell in steps if cell}
    needless = [name for name in roles if name in family.totals and name not in dict(steps)]
    if family is _ERRORS and len(known) < len(family.cells):
        raise InputError("--counts needs both errors=COLUMN and words=COLUMN.")
    if needless:
        raise InputError(
            f"--counts: from {' and '.join(needless)} nothing follows without "
            f"{' or '.join(dict.fromkeys(cell for total in needless for cell in family.totals[total]))}."
        )
    if family not in (_ROWS, _ERRORS) and len(known) < 2:
        raise InputError(
            f"--counts names {', '.join(roles)} alone, of which no rate can be made.  Name what it is a part of too, "
            f"as in {next(iter(family.totals))}=COLUMN.  Allowed: {', '.join(family.names)}"
        )
    return family


def _steps(given: Collection[str], family: CountFamily) -> list[tuple[str, str | None]]:
    """Totals in an order in which each lacks one cell at most: what is left of it follows; else it is a check."""
    known, steps = {name for name in given if name in family.cells}, dict[str, str | None]()
    while True:
        ready = {
            name: unknown
            for name, parts in family.totals.items()
            if name in given
            and name not in steps
            and len(unknown := [part for part in parts if part not in known]) <= 1
        }
        if not ready:
            return list(steps.items())
        name, unknown = next(iter(ready.items()))
        steps[name] = next(iter(unknown), None)
        known.update(unknown)


# -- the numbers --------------------------------------------------------------------------------


def _read(
    lines: pa.Table, roles: Mapping[str, str], table: Records
) -> tuple[dict[str, Integers], npt.NDArray[np.bool_]]:
    """Counts of each role, and which lines lack one."""
    read, faults = {}, []
    absent = np.zeros(lines.num_rows, bool)
    for role, name in roles.items():
        values = np.zeros(lines.num_rows, np.int64)
        for place, value in enumerate(lines[name].to_pylist()):
            number = _whole(value)
            if number is None:
                absent[place] = True
            elif isinstance(number, int) and 0 <= number <= MOST_ROWS:
                values[place] = number
            else:
                limit = f"at most {MOST_ROWS:,}" if isinstance(number, int) and number > 0 else ""
                faults.append(
                    Fault(
                        line=None,
                        message=f"{name} is {value} in line {place + 1}, but must be a whole number of "
                        + (limit or "at least 0")
                        + ".",
                    )
                )
        read[role] = values
    if faults:
        raise FaultsError(
            table.name, faults, advice="Counts are numbers of rows; shares cannot be counted."
        )
    return read, absent


def _check_marks(roles: Mapping[str, str], table: Records) -> None:
    """Refuse counts that are written as 1.000 in a text file: one, or a thousand."""
    declared = parse_declared(table.declared or None)
    for name in roles.values():
        written = find_column(name, table.columns).written
        if written is None or name in declared:
            continue
        texts = table.engine.query(f"SELECT {quoted(written)} AS text FROM {table.source}")["text"]
        for place, text in enumerate(texts.to_pylist()):
            if text is not None and _THOUSANDS.fullmatch(text.strip()):
                raise InputError(
                    f"{table.name}: {name} is written {text.strip()} in line {place + 1}: {text.split('.')[0]}, or a "
                    f"thousand times that?  Write it without the point, or say which: --columns '{name}=decimal-comma' "
                    "where points stand between thousands."
                )


def _whole(value: Any) -> int | float | None:
    """A count; `None` where there is none (``<5``, ``*``), and a number that is no count as it is."""
    if isinstance(value, bool):
        return math.nan
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return math.nan if re.fullmatch(r"[+-]?[\d.,]*\d[\d.,]*\s*%?", text) else None
        value = float(re.sub(r"[,' \u00a0\u202f]", "", text))
    number = float(value)
    return int(number) if number.is_integer() else number


def _solved(
    known: dict[str, Integers], family: CountFamily, lines: Integers, table: Records
) -> dict[str, Integers]:
    """Every cell that is known, or follows."""
    cells = {name: known[name] for name in family.cells if name in known}
    faults: list[Fault] = []
    for name, missing in _steps(known, family):
        there = [part for part in family.totals[name] if part in cells]
        rest = known[name] - sum((cells[part] for part in there), np.zeros(len(lines), np.int64))
        faults += [
            Fault(
                line=None,
                message=f"line {lines[place] + 1}: {name} is {known[name][place]:,}, but "
                + " + ".join(f"{part} ({cells[part][place]:,})" for part in there)
                + f" {'is more' if missing else 'is not that'}.",
            )
            for place in np.flatnonzero(rest < 0 if missing else rest != 0)
        ]
        if missing:
            cells[missing] = rest
    if family is _ERRORS:
        faults += [
            Fault(
                line=None, message=f"line {lines[place] + 1}: words is 0 and errors is {count:,}."
            )
            for place, count in enumerate(known["errors"].tolist())
            if count and not known["words"][place]
        ]
    if faults:
        raise FaultsError(
            table.name,
            faults,
            advice="The counts do not add up: mend them, or name other columns with --counts.",
        )
    return cells


def _long(
    described: pa.Table, cells: Mapping[str, Integers], family: CountFamily
) -> tuple[pa.Table, int]:
    """One line a group and cell that counts something, and how many rows they stand for."""
    if family is _ERRORS:
        table = described
        for name in family.columns:
            table = table.append_column(name, pa.array(cells[name]))
        return table, described.num_rows
    parts = []
    total = sum(int(counts.sum()) for counts in cells.values())
    if total > MOST_ROWS:
        raise InputError(
            f"The counts stand for {total:,} rows; at most {MOST_ROWS:,} are read.  Count them where they "
            "lie, into a cube: evenhand cube count"
        )
    if not total:
        raise InputError("There is nothing to measure: every count is 0, or is missing.")
    for cell, counts in cells.items():
        some = counts > 0
        part = described.filter(pa.array(some))
        for name, value in zip(family.columns, family.cells[cell], strict=True):
            part = part.append_column(name, pa.array(np.full(part.num_rows, value)))
        parts.append(part.append_column(_N, pa.array(counts[some])))
    return pa.concat_tables(parts), total


def _check_free(name: str, kept: Sequence[Column], table: Records) -> None:
    if any(column.name.casefold() == name for column in kept):
        raise InputError(
            f"{table.name} has a column {name!r}, which the counts would make.  Rename it, or leave it out."
        )


# -- what is told -------------------------------------------------------------------------------


def _told(family: CountFamily, n_rows: int, n_lines: int, table: Records) -> Note:
    lines = plural(n_lines, "line")
    if family is _ERRORS:
        text = (
            f"{table.name} holds errors and words of {lines}.  How much they vary from speaker to speaker counts do "
            "not say: a group of one line has a value and no interval."
        )
    else:
        text = (
            f"{table.name} holds counts: {lines} for {plural(n_rows, 'row')}, which are taken for independent "
            "unless units are named.  Whether several are of one person counts do not say."
        )
    return Note(code="counts_unfolded", text=text)


def _empty_note(
    described: pa.Table, cells: Mapping[str, Integers], lines: Integers
) -> Iterator[Note]:
    """Lines all of whose counts are 0: their groups do not occur."""
    empty = lines[np.sum(list(cells.values()), axis=0) == 0].tolist()
    if empty:
        told = _in_short((_line(described, place) for place in empty[:_NAMED]), len(empty))
        yield Note(code="line_of_nothing", text=f"Of {told}, nothing is counted.")


def _in_short(first: Iterable[str], number: int) -> str:
    """The first lines that are told, and how many more there are."""
    more = f", and {number - _NAMED:,} more" if number > _NAMED else ""
    return "; ".join(first) + more


def _line(described: pa.Table, place: int) -> str:
    """A line by its number and the texts that stand in it."""
    row = described.slice(place, 1).to_pylist()[0]
    what = ", ".join(value for value in row.values() if isinstance(value, str))
    return f"line {place + 1}{f' ({what})' if what else ''}"


def _absent_note(
    described: pa.Table, lines: pa.Table, roles: Mapping[str, str], absent: npt.NDArray[np.bool_]
) -> Iterator[Note]:
    places = np.flatnonzero(absent).tolist()
    if not places:
        return
    told = []
    for place in places[:_NAMED]:
        row = lines.slice(place, 1).to_pylist()[0]
        name = next(name for name in roles.values() if not isinstance(_whole(row[name]), int))
        told.append(f"{_line(described, place)}: {name} is {row[name] or 'empty'}")
    yield Note(
        code="line_without_count",
        text=f"Left out for want of a count: {len(places):,} of {plural(lines.num_rows, 'line')} "
        f"({_in_short(told, len(places))}).  What is said of all together misses them.",
    )
