"""Tables whose engine knows their types: how each type is read, alike on every engine.

* A float32 is the shortest decimal that names it: 0.7, not 0.699999988.
* Text is compared by code points; ``char(n)`` has no padding; enumerations and UUIDs are their text.
* A time with a zone is the time in UTC; a time of day is text.
* Decimals are doubles; where two of them would become one double they are no groups (`Column.exact`).
* Lists, structures, bytes and durations are refused in words, where they are used.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from evenhand.errors import InputError
from evenhand.records.column_types import check_declared, column_type, misfit
from evenhand.records.dialect import PLAIN, ColumnReading, Dialect, dialect_of
from evenhand.records.engine import Engine
from evenhand.records.missing import MISSING_VALUES
from evenhand.records.schema import Column, Kind
from evenhand.records.text_files import Loaded

#: Decimal digits that every double keeps.
EXACT_DIGITS = 15
_OTHER = ColumnReading(sql=PLAIN, kind=Kind.OTHER)


def load_native(
    engine: Engine,
    source: str,
    declared: Mapping[str, str],
    missing: Sequence[str] = MISSING_VALUES,
    *,
    nested: Collection[str] = (),
    collated: bool = False,
) -> Loaded:
    """Table of an engine, each column read as its type asks for.

    Parameters
    ----------
    engine : Engine
    source : str
        FROM clause of the table as it lies there.
    declared : Mapping
        Types that a person gave.
    missing : sequence of str
        Texts that mean missing.
    nested : collection of str
        Columns that hold more than the engine's types say.
    collated : bool
        Whether texts may have an order and an equality of their own.
    """
    dialect, types = dialect_of(engine.dialect), engine.types_of(source)
    types |= {name: "nested[]" for name in nested if name in types}
    check_declared(declared, list(types))
    readings = {
        name: _declared(engine, source, name, declared[name], missing)
        if name in declared
        else _reading(dialect, type_)
        for name, type_ in types.items()
    }
    if collated and dialect.collated:
        own = dialect.collated
        readings = {
            name: own if reading.sql == PLAIN and reading.kind is Kind.TEXT else reading
            for name, reading in readings.items()
        }
    columns = tuple(
        Column(
            name=name,
            kind=reading.kind,
            exact=reading.kind is not Kind.NUMBER or _is_exact(engine, source, name, types[name]),
        )
        for name, reading in readings.items()
    )
    if all(reading.sql == PLAIN for reading in readings.values()):
        return Loaded(source=source, columns=columns)
    selected = ", ".join(
        f"{reading.sql.format(dialect.quoted(name))} AS {dialect.quoted(name)}"
        for name, reading in readings.items()
    )
    return Loaded(source=f"(SELECT {selected} FROM {source}) AS records", columns=columns)


def _reading(dialect: Dialect, type_: str) -> ColumnReading:
    if type_.endswith("]"):
        return _OTHER
    name = re.sub(r"\(.*\)", "", type_.lower()).strip()
    return dialect.types.get(name, _OTHER)


def _declared(
    engine: Engine, source: str, name: str, kind: str, missing: Sequence[str]
) -> ColumnReading:
    """A column read as the type that a person gave, by its text: the same rules as in a text file."""
    dialect = dialect_of(engine.dialect)
    if not dialect.tries_types:
        if kind not in dialect.declared:
            raise InputError(
                f"--columns gives {name!r} the type {kind!r}, which servers do not read.  "
                f"Allowed here: {', '.join(dialect.declared)}"
            )
        return dialect.declared[kind]
    text = dialect.text.sql.format(dialect.quoted(name))
    type_ = column_type(text, kind, missing, declared=True)
    wrong = engine.query(
        f"SELECT {text} AS v FROM {source} WHERE {misfit(text, type_, missing)} LIMIT 1"
    )["v"].to_pylist()
    if wrong:
        raise InputError(f"--columns declares {name!r} {kind}, but it holds {wrong[0][:60]!r}.")
    return ColumnReading(sql=type_.value.replace("{", "{{").replace("}", "}}"), kind=type_.kind)


def _is_exact(engine: Engine, source: str, name: str, type_: str) -> bool:
    """Whether a double tells all decimals of a column apart."""
    numbers = re.match(r"(?:decimal|numeric)(?:\((\d+),\s*(\d+)\))?", type_.lower())
    if numbers is None or (numbers[1] and int(numbers[1]) <= EXACT_DIGITS):
        return True
    dialect = dialect_of(engine.dialect)
    column = dialect.quoted(name)
    whole = f"CAST(CAST({column} AS {dialect.double}) AS {type_})"
    known = f"{column} <> 'NaN'" if dialect.decimals_hold_nan else f"{column} IS NOT NULL"
    found = engine.query(
        f"SELECT 1 AS one FROM {source} WHERE {known} AND {whole} <> {column} LIMIT 1"
    )
    return not found.num_rows
