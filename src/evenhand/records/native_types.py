"""Tables whose engine knows their types: how each type is read, alike on every engine.

* A float32 is the shortest decimal that names it: 0.7, not 0.699999988.
* Text is compared by code points; ``char(n)`` has no padding; enumerations and UUIDs are their text.
* A time with a zone is the time in UTC; a time of day is text.
* Decimals are doubles; where two of them would become one double they are no groups (`Column.exact`).
* Lists, structures, bytes and durations are refused in words, where they are used.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evenhand.errors import InputError
from evenhand.records.column_types import check_declared, column_type, misfit, quoted
from evenhand.records.engine import Engine
from evenhand.records.missing import MISSING_VALUES
from evenhand.records.schema import Column, Kind
from evenhand.records.text_files import Loaded

#: Decimal digits that every double keeps.
EXACT_DIGITS = 15
_PLAIN = "{}"
_DUCKDB_TEXT = "CAST({} AS VARCHAR)"
_POSTGRES_TEXT = 'CAST({} AS text) COLLATE "C"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReading:
    """How a type is read: SQL with a place for the column, and what it then holds."""

    sql: str
    kind: Kind


_OTHER = ColumnReading(sql=_PLAIN, kind=Kind.OTHER)


def _table(text: str, single: str, utc: str) -> dict[str, ColumnReading]:
    """Types that both engines know by the same names, with their own SQL."""
    return {
        "boolean": ColumnReading(sql=_PLAIN, kind=Kind.BOOLEAN),
        **dict.fromkeys(
            ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger",
             "ubigint", "hugeint", "uhugeint"),
            ColumnReading(sql=_PLAIN, kind=Kind.INTEGER),
        ),
        **dict.fromkeys(("float", "real"), ColumnReading(sql=single, kind=Kind.NUMBER)),
        **dict.fromkeys(("double", "double precision"), ColumnReading(sql=_PLAIN, kind=Kind.NUMBER)),
        **dict.fromkeys(
            ("decimal", "numeric"), ColumnReading(sql="CAST({} AS DOUBLE PRECISION)", kind=Kind.NUMBER)
        ),
        **dict.fromkeys(
            ("uuid", "time", "time_ns", "time with time zone", "time without time zone"),
            ColumnReading(sql=text, kind=Kind.TEXT),
        ),
        **dict.fromkeys(
            ("date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns",
             "timestamp without time zone"),
            ColumnReading(sql=_PLAIN, kind=Kind.DATE),
        ),
        **dict.fromkeys(
            ("timestamp with time zone", "timestamptz_ns"), ColumnReading(sql=utc, kind=Kind.DATE)
        ),
    }  # fmt: skip


_DUCKDB: Mapping[str, ColumnReading] = {
    **_table(_DUCKDB_TEXT, "CAST(CAST({} AS VARCHAR) AS DOUBLE)", "timezone('UTC', {})"),
    "varchar": ColumnReading(sql=_PLAIN, kind=Kind.TEXT),
    '"null"': ColumnReading(sql=_DUCKDB_TEXT, kind=Kind.TEXT),
    "enum": ColumnReading(sql=_DUCKDB_TEXT, kind=Kind.TEXT),
    "bit": ColumnReading(sql=_DUCKDB_TEXT, kind=Kind.TEXT),
    "json": ColumnReading(sql="json_extract_string({}, '$')", kind=Kind.TEXT),
}
_POSTGRES: Mapping[str, ColumnReading] = {
    **_table(
        _POSTGRES_TEXT, "CAST(CAST({} AS text) AS DOUBLE PRECISION)", "({} AT TIME ZONE 'UTC')"
    ),
    **dict.fromkeys(
        ("text", "character varying", "character", "bpchar", "name", "citext", "inet", "cidr",
         "macaddr", "bit", "bit varying", '"char"'),
        ColumnReading(sql=_POSTGRES_TEXT, kind=Kind.TEXT),
    ),
    **dict.fromkeys(
        ("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"),
        ColumnReading(sql=_POSTGRES_TEXT, kind=Kind.TEXT),
    ),
    "money": ColumnReading(sql="CAST(CAST({} AS NUMERIC) AS DOUBLE PRECISION)", kind=Kind.NUMBER),
}  # fmt: skip
#: Types of each engine, by the name of its SQL.
_READINGS = {"duckdb": _DUCKDB, "postgres": _POSTGRES}
#: What a person may declare of a column on a server, which refuses what does not fit.
_ON_SERVERS = {
    "text": ColumnReading(sql=_POSTGRES_TEXT, kind=Kind.TEXT),
    "number": ColumnReading(sql="CAST({} AS DOUBLE PRECISION)", kind=Kind.NUMBER),
    "integer": ColumnReading(sql="CAST({} AS BIGINT)", kind=Kind.INTEGER),
    "boolean": ColumnReading(sql="CAST({} AS BOOLEAN)", kind=Kind.BOOLEAN),
    "date": ColumnReading(sql="CAST({} AS TIMESTAMP)", kind=Kind.DATE),
}


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
    types = engine.types_of(source)
    types |= {name: "nested[]" for name in nested if name in types}
    check_declared(declared, list(types))
    readings = {
        name: _declared(engine, source, name, declared[name], missing)
        if name in declared
        else _reading(engine.dialect, type_)
        for name, type_ in types.items()
    }
    if collated:
        own = ColumnReading(sql='{} COLLATE "C"', kind=Kind.TEXT)
        readings = {
            name: own if reading.sql == _PLAIN and reading.kind is Kind.TEXT else reading
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
    if all(reading.sql == _PLAIN for reading in readings.values()):
        return Loaded(source=source, columns=columns)
    selected = ", ".join(
        f"{reading.sql.format(quoted(name))} AS {quoted(name)}"
        for name, reading in readings.items()
    )
    return Loaded(source=f"(SELECT {selected} FROM {source}) AS records", columns=columns)


def _reading(dialect: str, type_: str) -> ColumnReading:
    known = _READINGS[dialect]
    if type_.endswith("]"):
        return _OTHER
    name = re.sub(r"\(.*\)", "", type_.lower()).strip()
    return known.get(name, _OTHER)


def _declared(
    engine: Engine, source: str, name: str, kind: str, missing: Sequence[str]
) -> ColumnReading:
    """A column read as the type that a person gave, by its text: the same rules as in a text file."""
    if not engine.tries_types:
        if kind not in _ON_SERVERS:
            raise InputError(
                f"--columns gives {name!r} the type {kind!r}, which servers do not read.  "
                f"Allowed here: {', '.join(_ON_SERVERS)}"
            )
        return _ON_SERVERS[kind]
    text = _DUCKDB_TEXT.format(quoted(name))
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
    column = quoted(name)
    whole = f"CAST(CAST({column} AS DOUBLE PRECISION) AS {type_})"
    known = f"{column} <> 'NaN'" if engine.decimals_hold_nan else f"{column} IS NOT NULL"
    found = engine.query(
        f"SELECT 1 AS one FROM {source} WHERE {known} AND {whole} <> {column} LIMIT 1"
    )
    return not found.num_rows
