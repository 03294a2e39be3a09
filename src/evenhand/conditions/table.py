"""Conditions of a table's row: what clerks, forms and converters do to it."""

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.conditions.files import version_of
from evenhand.errors import InputError, near, unknown_name
from evenhand.samples.rows import read_rows
from evenhand.samples.sample import SampleError
from evenhand.samples.table import Row, is_missing

Values = Mapping[str, Any]


def _fields(row: Row, columns: tuple[str, ...] | None, condition: str) -> list[str]:
    """Names of the fields meant, all when none are named."""
    for column in columns or ():
        if column not in row:
            raise SampleError(
                f"{condition}: the row has no field {column!r}.{near(column, row)}  "
                f"Fields: {', '.join(list(row)[:30])}",
                reason="unfit_media",
            )
    return list(row) if columns is None else list(columns)


def _number(row: Row, column: str, condition: str) -> float | int | None:
    """Number of a field, `None` when it is missing."""
    value = row[column]
    if is_missing(value):
        return None
    kinds = int | float | np.integer | np.floating
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise SampleError(
            f"{condition}: field {column!r} holds {value!r:.80}, which is no number.",
            reason="unfit_media",
        )
    return value.item() if isinstance(value, np.generic) else value


def _missing(row: Row, generator: np.random.Generator, values: Values) -> dict[str, Any]:
    fields = [
        name
        for name in _fields(row, values["columns"], "missing_fields")
        if not is_missing(row[name])
    ]
    # The part of a field is drawn: to the nearest whole number, a fifth of one column were none.
    whole, part = divmod(round(values["share"] * len(fields), 9), 1)
    count = int(whole) + (part > 0 and generator.random() < part)
    blank = (
        {fields[i] for i in generator.choice(len(fields), count, replace=False)} if count else set()
    )
    return {name: None if name in blank else value for name, value in row.items()}


def _unit(row: Row, _: np.random.Generator, values: Values) -> dict[str, Any]:
    changed = dict(row)
    for column in _fields(row, values["columns"], "unit_mistake"):
        number = _number(row, column, "unit_mistake")
        if number is not None:
            changed[column] = _times(number, values["factor"])
    return changed


def _times(number: float, factor: float) -> float | int:
    product = number * factor
    whole = isinstance(number, int) and float(factor).is_integer()
    return int(number) * int(factor) if whole else product


def _rounding(row: Row, _: np.random.Generator, values: Values) -> dict[str, Any]:
    changed, step = dict(row), values["step"]
    for column in _fields(row, values["columns"], "rounding"):
        number = _number(row, column, "rounding")
        if number is not None:
            rounded = round(number / step) * step
            changed[column] = round(rounded) if isinstance(number, int) else rounded
    return changed


def _category(row: Row, _: np.random.Generator, values: Values) -> dict[str, Any]:
    (column,) = _fields(row, (values["column"],), "shifted_category")
    known, value = values["values"], row[column]
    if is_missing(value):
        return dict(row)
    if str(value) not in known:
        raise SampleError(
            f"shifted_category: field {column!r} holds {value!r:.80}, not one of {', '.join(known)}.",
            reason="unfit_media",
        )
    new = known[(known.index(str(value)) + values["shift"]) % len(known)]
    # A code keeps its type, so that a model reads it as it reads the others.
    return {**row, column: new if isinstance(value, str) else type(value)(new)}


def _permuted(row: Row, generator: np.random.Generator, values: Values) -> dict[str, Any]:
    columns = _fields(row, values["columns"], "permuted_fields")
    within = _fields(row, values["within"] or (), "permuted_fields")
    others = _others(values["rows"], tuple(columns), tuple(within)).get(_alike(row, within))
    if not others:
        alike = ", ".join(f"{name} {row[name]!r:.40}" for name in within)
        raise SampleError(
            f"permuted_fields: {values['rows']} has no row with {alike}.", reason="unfit_media"
        )
    drawn = others[int(generator.integers(len(others)))]
    return {**row, **dict(zip(columns, drawn, strict=True))}


def _alike(row: Row, within: list[str] | tuple[str, ...]) -> tuple[Any, ...]:
    """What a row shares with those that it may be given fields of; what is missing is alike."""
    return tuple(None if is_missing(row[name]) else row[name] for name in within)


def _others(
    path: str, columns: tuple[str, ...], within: tuple[str, ...]
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Fields of a file's rows, by what the rows share; kept as long as the file does not change."""
    return _read_others(path, columns, within, *version_of(path, "permuted_fields: "))


@lru_cache(maxsize=16)
def _read_others(
    path: str, columns: tuple[str, ...], within: tuple[str, ...], _changed: int, _size: int
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    rows = read_rows(Path(path))
    known = list(rows[0]) if rows else []
    for column in (*columns, *within):
        if column not in known:
            raise InputError(f"permuted_fields: {path}: " + unknown_name("column", column, known))
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(_alike(row, within), []).append(tuple(row[name] for name in columns))
    return found


def _two_categories(values: Values) -> str | None:
    listed = values["values"]
    if len(listed) < 2 or len(set(listed)) < len(listed):
        return f"values needs two or more different categories, not {', '.join(listed)}."
    return None


_COLUMNS = Parameter(
    name="columns",
    takes=ParameterKind.TEXTS,
    required=True,
    about="Numeric fields; what is missing stays missing",
)

TABLE: tuple[ConditionDefinition, ...] = (
    ConditionDefinition(
        name="missing_fields",
        kind="table",
        parameters=(
            Parameter(name="share", default=0.2, low=0, high=1, unit="of the fields",
                      about="How many are blanked on average; drawn"),
            Parameter(name="columns", takes=ParameterKind.TEXTS, about="Fields that may be; all by default"),
        ),
        apply=_missing,
        about="Fields that nobody filled in, at random: real ones are missing for reasons",
        source="missing completely at random (Rubin 1976, doi:10.1093/biomet/63.3.581)",
    ),
    ConditionDefinition(
        name="unit_mistake",
        kind="table",
        parameters=(
            _COLUMNS,
            Parameter(name="factor", default=2.54, low=1e-6, high=1e6,
                      about="2.54: centimetres for inches; 0.4536: kilograms for pounds"),
        ),
        apply=_unit,
        about="A number in another unit, or with its decimal point lost",
        source="value times factor",
    ),
    ConditionDefinition(
        name="rounding",
        kind="table",
        parameters=(
            _COLUMNS,
            Parameter(name="step", default=5, low=1e-9, high=1e9, about="Multiples that are written down"),
        ),
        apply=_rounding,
        about="Heaped numbers: weights to 5 kg, ages to 10 years; halves go to the even multiple",
        source="nearest multiple of step",
    ),
    ConditionDefinition(
        name="shifted_category",
        kind="table",
        parameters=(
            Parameter(name="column", takes=ParameterKind.TEXT, required=True, about="Field"),
            Parameter(name="values", takes=ParameterKind.TEXTS, required=True,
                      about="Its categories, in the order of the code list"),
            Parameter(name="shift", default=1, low=-1000, high=1000, takes=ParameterKind.WHOLE,
                      about="Places in the list; the list goes round"),
        ),
        apply=_category,
        check=_two_categories,
        about="A code list read off by one, as after a change of version",
        source="category (i + shift) mod n",
    ),
    ConditionDefinition(
        name="permuted_fields",
        kind="table",
        parameters=(
            Parameter(name="columns", takes=ParameterKind.TEXTS, required=True,
                      about="Fields that are taken from another row, all from the same"),
            Parameter(name="rows", takes=ParameterKind.FILE, required=True,
                      about="Table to draw that row from, as a rule the samples' own"),
            Parameter(name="within", takes=ParameterKind.TEXTS,
                      about="Fields in which the other row is alike, so that no impossible person comes of it"),
        ),
        apply=_permuted,
        about="Fields of somebody else: what a service loses by it is what it had from these fields",
        source="permutation importance (Breiman 2001, doi:10.1023/A:1010933404324), within others: "
        "Strobl et al. 2008, doi:10.1186/1471-2105-9-307",
    ),
)  # fmt: skip
