"""Predicates as our own small tree: what a group is, free of any text or engine.

Text from outside becomes such a tree or an error; only the tree is ever turned into SQL.
Three-valued logic is SQL's: a row whose attribute is missing is in no group about it.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from sqlglot import exp
from sqlglot.tokens import Tokenizer

from evenhand.records import Kind

Value = str | int | float | bool
#: Words that DuckDB or PostgreSQL reserve and sqlglot does not know: quoted, they are names anywhere.
_RESERVED = frozenset(
    (Path(__file__).parent / "reserved_words.txt").read_text(encoding="utf-8").upper().split()
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class ColumnComparison:
    """``column operator value``; the operator is one of ``= != < <= > >=``."""

    column: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    """``column IN (values)``, or ``NOT IN`` where negated."""

    column: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """``column BETWEEN low AND high``, both ends included."""

    column: str
    low: Value
    high: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column IS NULL``, or ``IS NOT NULL`` where negated."""

    column: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """Rows for which the operand is false."""

    operand: "Predicate"


@dataclass(frozen=True, slots=True)
class And:
    """Rows for which every operand is true."""

    operands: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Rows for which some operand is true."""

    operands: tuple["Predicate", ...]


Leaf = ColumnComparison | In | Between | IsNull
Predicate = Leaf | Not | And | Or

_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
OPERATORS = tuple(_COMPARISONS)


def equals(column: str, value: Value | None) -> Predicate:
    """The rows with one value of a column; `None` is the missing value."""
    return IsNull(column) if value is None else ColumnComparison(column, "=", value)


def columns_of(predicate: Predicate) -> tuple[str, ...]:
    """Columns that a predicate reads, each once, in order of appearance."""
    return tuple(dict.fromkeys(leaf.column for leaf in leaves_of(predicate)))


def leaves_of(predicate: Predicate) -> Iterator[Leaf]:
    """Conditions on single columns that a predicate is made of, in the order of its text."""
    match predicate:
        case Not(operand):
            yield from leaves_of(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from leaves_of(operand)
        case _:
            yield predicate


def to_expression(predicate: Predicate) -> exp.Expr:
    """SQL expression of a predicate, for any dialect that sqlglot writes."""
    inside: exp.Expr
    match predicate:
        case ColumnComparison(column, operator, value):
            return _COMPARISONS[operator](this=_read(column, value), expression=literal(value))
        case In(column, values, negated):
            inside = exp.In(this=_read(column, *values), expressions=[literal(v) for v in values])
            return exp.Not(this=inside) if negated else inside
        case Between(column, low, high, negated):
            inside = exp.Between(
                this=_read(column, low, high), low=literal(low), high=literal(high)
            )
            return exp.Not(this=inside) if negated else inside
        case IsNull(column, negated):
            inside = exp.Is(this=column_expression(column), expression=exp.Null())
            return exp.Not(this=inside) if negated else inside
        case Not(operand):
            return exp.Not(this=exp.paren(to_expression(operand)))
        case And(operands):
            return exp.and_(*(to_expression(item) for item in operands))
        case Or(operands):
            return exp.or_(*(to_expression(item) for item in operands))


def where_clause(kept: Predicate | None, dialect: str) -> str:
    """What follows a FROM clause so that only some rows are kept: `` WHERE …``, or nothing."""
    return "" if kept is None else f" WHERE {to_expression(kept).sql(dialect)}"


def _read(column: str, *values: Value) -> exp.Expr:
    """A column as it is compared: engines take NaN for the largest number, we for missing."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return finite(column_expression(column)) if numeric else column_expression(column)


def column_expression(name: str) -> exp.Column:
    """Quoted column reference, so that a column may have any name."""
    return exp.column(exp.to_identifier(name, quoted=True))


def is_finite(column: exp.Expr) -> exp.Expr:
    """Whether a number is neither NaN nor infinite.

    Such a number less itself is 0, in every dialect.
    """
    value = exp.cast(column.copy(), "DOUBLE")
    return exp.EQ(
        this=exp.paren(exp.Sub(this=value, expression=value.copy())), expression=literal(0)
    )


def finite(column: exp.Expr) -> exp.Expr:
    """A number, or NULL where it is NaN or infinite."""
    return exp.Case(ifs=[exp.If(this=is_finite(column), true=column)])


def without_nan(column: exp.Expr) -> exp.Expr:
    """A double, or NULL where it is NaN, which engines take for equal to itself."""
    nan = exp.cast(exp.Literal.string("NaN"), "DOUBLE")
    return exp.Nullif(this=column, expression=nan)


def unless_missing(column: exp.Expr, kind: Kind, texts: Sequence[str]) -> exp.Expr:
    """A value, or NULL where it is a text that means missing, or a number that such a text says."""
    numeric = kind.numeric
    listed = _listed(tuple(texts), numeric=numeric) if numeric or kind is Kind.TEXT else ()
    if not listed:
        return column
    values = [exp.Var(this=item) if isinstance(item, _Plain) else literal(item) for item in listed]
    missing = exp.In(this=column.copy(), expressions=values)
    return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=column)


def means_missing(value: Value, kind: Kind, texts: Sequence[str]) -> bool:
    """Whether a value of a column is one of those that `unless_missing` and `finite` make NULL."""
    if kind is Kind.NUMBER and isinstance(value, float) and not math.isfinite(value):
        return True
    return (kind is Kind.TEXT and value in texts) or (
        kind.numeric and value in _numbers(tuple(texts))
    )


class _Plain(str):
    """Literals that all engines write alike."""

    __slots__ = ()


@lru_cache(maxsize=64)
def _listed(texts: tuple[str, ...], *, numeric: bool) -> tuple[Value, ...]:
    """Many literals as few texts, which are written once: every column is compared with them.

    What engines write in different ways (a text with a quote or a backslash, a fraction) stands alone.
    """
    found = [_number(text) for text in texts] if numeric else texts
    values = [value for value in found if value is not None]
    out: list[Value] = []
    for differs, run in groupby(values, key=_differs):
        if differs:
            out += run
        else:
            out.append(_Plain(", ".join(literal(value).sql("duckdb") for value in run)))
    return tuple(out)


@lru_cache(maxsize=64)
def _numbers(texts: tuple[str, ...]) -> frozenset[int | float | None]:
    return frozenset(map(_number, texts))


def _differs(value: Value) -> bool:
    return isinstance(value, float) or (isinstance(value, str) and bool(re.search(r"['\\]", value)))


def _number(text: str) -> int | float | None:
    """The number that a text says, finite and written in ASCII; `None` where it says none."""
    if not re.fullmatch(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *", text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(text) if re.fullmatch(r" *[+-]?[0-9]+ *", text) else number


def literal(value: Value) -> exp.Expr:
    """SQL literal of a value."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    number: exp.Expr = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=number) if value < 0 else number


def to_text(predicate: Predicate) -> str:
    """Text of a predicate that parses back to the same tree.

    Examples
    --------
    >>> to_text(And((ColumnComparison("age", ">=", 65), In("dialect", ("aave", "it's")))))
    "age >= 65 AND dialect IN ('aave', 'it''s')"
    """
    match predicate:
        case ColumnComparison(column, operator, value):
            return f"{_name(column)} {operator} {_text(value)}"
        case In(column, values, negated):
            listed = ", ".join(_text(value) for value in values)
            return f"{_name(column)} {'NOT ' * negated}IN ({listed})"
        case Between(column, low, high, negated):
            return f"{_name(column)} {'NOT ' * negated}BETWEEN {_text(low)} AND {_text(high)}"
        case IsNull(column, negated):
            return f"{_name(column)} IS {'NOT ' * negated}NULL"
        case Not(operand):
            return f"NOT ({to_text(operand)})"
        case And(operands):
            return " AND ".join(_grouped(item) for item in operands)
        case Or(operands):
            return " OR ".join(_grouped(item) for item in operands)


def _grouped(predicate: Predicate) -> str:
    text = to_text(predicate)
    return f"({text})" if isinstance(predicate, And | Or) else text


def _name(column: str) -> str:
    reserved = column.upper() in Tokenizer.KEYWORDS or column.upper() in _RESERVED
    if _PLAIN_NAME.match(column) and not reserved:
        return column
    return '"' + column.replace('"', '""') + '"'


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)
