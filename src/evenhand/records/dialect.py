"""What the SQL of an engine can do, and how it is written: one file of `dialects` an engine, no code."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from evenhand.deferred import sqlglot
from evenhand.records.schema import Kind

PLAIN = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReading:
    """How a type is read: SQL with a place for the column, and what it then holds."""

    sql: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The SQL of one kind of engine.

    Attributes
    ----------
    name : str
        As sqlglot has it once `spoken` was asked for it.
    quote : str
        What stands around a name; doubled where it stands inside.
    schema : str
        Where tables lie that are named without a schema.
    columns : str
        Query of the names and types of a table's columns in their order, with places for the texts ``{schema}``
        and ``{table}``, or for the quoted ``{path}`` of the schema.
    double : str
        Its name of a floating number of 64 bits.
    fraction : str
        How a number with a point is written, so that it is a floating number where others are decimals.
    covariance : str
        How the covariance of the rows is written, of two numbers.
    text : ColumnReading
        How a column is read as text.
    types : Mapping of str to ColumnReading
        How each type is read, by the engine's name for it, in small letters and without parameters.
    declared : Mapping of str to ColumnReading
        How a column is read that a person declared; empty where texts can be tried as a type.
    collated : ColumnReading, optional
        How a column of texts is read whose order may be another than that of code points.
    asof_join : bool
        Whether a row can be joined with the nearest of another table (``ASOF JOIN``).
    tries_types : bool
        Whether a text can be tried as a type, which gives NULL where it is none (``TRY_CAST``), and the
        engine knows all that is asked of text files.
    hashes_rows : bool
        Whether several columns can be hashed together (``hash(a, b)``), and it costs little to do so.
    exact_quantiles : bool
        Whether ``PERCENTILE_DISC`` and ``PERCENTILE_CONT`` are exact, of whole numbers of 64 bits as well.
    numbers_rows : bool
        Whether rows come in an order of their own, so that each has a number (``ROW_NUMBER() OVER ()``).
    local : bool
        Whether the rows are in this process, so that reading them sends none.
    random : str
        A number in [0, 1) for each row, by chance; empty where rows have numbers, which serve as well.
    decimals_hold_nan : bool
        Whether an exact decimal may be NaN.
    """

    name: str
    quote: str
    schema: str
    columns: str
    double: str
    fraction: str
    covariance: str
    text: ColumnReading
    types: Mapping[str, ColumnReading]
    declared: Mapping[str, ColumnReading]
    collated: ColumnReading | None
    asof_join: bool
    tries_types: bool
    hashes_rows: bool
    exact_quantiles: bool
    numbers_rows: bool
    local: bool
    random: str
    decimals_hold_nan: bool

    def quoted(self, name: str) -> str:
        """Quoted reference of a column or table."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote


def dialects() -> list[str]:
    """Names of the dialects that there are files of."""
    found = (files("evenhand.records") / "dialects").iterdir()
    return sorted(one.name.removesuffix(".toml") for one in found if one.name.endswith(".toml"))


#: Kind of a column that a person declared, by the words of `column_types.DECLARED` that servers take.
_DECLARED_KINDS = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "integer": Kind.INTEGER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
}


def _read(name: str) -> dict[str, Any]:
    """What a file says, or the file that it says to be like."""
    file = files("evenhand.records") / "dialects" / f"{name}.toml"
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    return _read(given["like"]) if "like" in given else given


@cache
def dialect_of(name: str) -> Dialect:
    """The dialect of this name.

    Examples
    --------
    >>> dialect_of("spark").quoted("a`b")
    '`a``b`'
    """
    given = _read(name.removeprefix(_OURS))
    declared, collated = given.pop("declared", {}), given.pop("collated", None)
    return Dialect(
        name=name,
        fraction=given.pop("fraction", PLAIN),
        covariance=given.pop("covariance", "COVAR_POP({}, {})"),
        random=given.pop("random", ""),
        local=given.pop("local", False),
        text=ColumnReading(sql=given.pop("text")["sql"], kind=Kind.TEXT),
        types={
            type_: ColumnReading(sql=read.get("sql", PLAIN), kind=Kind(read["kind"]))
            for read in given.pop("types")
            for type_ in read["names"]
        },
        declared={
            kind: ColumnReading(sql=sql, kind=_DECLARED_KINDS[kind])
            for kind, sql in declared.items()
        },
        collated=collated and ColumnReading(sql=collated["sql"], kind=Kind.TEXT),
        **given,
    )


#: What stands before the name of a dialect that is written otherwise than sqlglot does.
_OURS = "evenhand_"


@cache
def spoken(name: str) -> str:
    """Name under which sqlglot writes a dialect as its engines read it: its own, or one more.

    Examples
    --------
    >>> from sqlglot import exp
    >>> exp.Literal.number("0.7").sql(spoken("spark"))
    '0.7E0'
    """
    fraction = dialect_of(name).fraction
    if fraction == PLAIN:
        return name
    theirs = type(sqlglot.Dialect.get_or_raise(name))

    class Doubles(theirs.Generator):  # type: ignore[name-defined,misc]
        def literal_sql(self, expression: sqlglot.exp.Literal) -> str:
            text = str(super().literal_sql(expression))
            pointed = not expression.is_string and "." in text and "e" not in text.lower()
            return fraction.format(text) if pointed else text

    # sqlglot knows a dialect from the moment that its class exists.
    return type(f"{_OURS}{name}", (theirs,), {"Generator": Doubles}).__name__.lower()
