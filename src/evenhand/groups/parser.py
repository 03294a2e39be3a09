"""Text to predicate: a subset of SQL's WHERE, with an error that points at the wrong character.

Two walls stand between text from outside and any engine.  Every token must be of an allowed kind
in an allowed place (here carets come from), and sqlglot's tree must consist of allowed nodes only;
what passes is copied into our own tree.
"""

import datetime
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from evenhand.errors import ExpressionError, near
from evenhand.groups.predicate import (
    And,
    Between,
    ColumnComparison,
    In,
    IsNull,
    Leaf,
    Not,
    Or,
    Predicate,
    Value,
    leaves_of,
)
from evenhand.records import Column, Kind

MAX_CHARACTERS = 10_000
MAX_DEPTH = 30

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")+"|[^\W\d]\w*)
      | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
      | (?P<operator><=|>=|!=|<>|=|<|>)
      | (?P<mark>[(),-])""",
    re.VERBOSE,
)
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "TRUE", "FALSE"})
_OPERATORS = "one of = != < <= > >= IN BETWEEN IS"
_BINARY: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def parse_predicate(
    text: str, columns: Sequence[Column] | None = None, *, label: str = "group"
) -> Predicate:
    """Parse a predicate such as ``age >= 65 AND dialect IN ('aave', 'scots')``.

    Parameters
    ----------
    text : str
        Comparisons ``column = != < <= > >= value``, ``IN``, ``BETWEEN``, ``IS NULL``, joined by
        ``AND``, ``OR``, ``NOT`` and brackets.  Strings stand in single quotes; a column whose name
        is no plain word stands in double quotes.
    columns : Sequence of Column, optional
        Where given, names must exist and values must fit the column's kind.
    label : str
        What the text is, for the error.

    Raises
    ------
    ExpressionError
        With a caret under the first character that cannot be understood.

    Examples
    --------
    >>> parse_predicate("age >= 65 and not sex = 'F'")
    And(operands=(ColumnComparison(column='age', operator='>=', value=65), Not(operand=ColumnComparison(...))))
    """
    tokens = _tokens(text, label)
    conditions = _check_tokens(tokens, text, label)
    try:
        tree = sqlglot.parse_one(_with_quoted_names(tokens), dialect="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise ExpressionError("cannot be understood", text=text, position=0, label=label) from error
    predicate = _copy(tree, text, label)
    if columns is not None:
        # Leaves of the tree stand in the order of the text.
        for leaf, condition in zip(leaves_of(predicate), conditions, strict=True):
            _check_leaf(leaf, condition, columns, text, label)
    return predicate


class _Token:
    __slots__ = ("kind", "position", "text")

    def __init__(self, kind: str, text: str, position: int) -> None:
        self.kind = kind
        self.text = text
        self.position = position


def _tokens(text: str, label: str) -> list[_Token]:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            f"longer than {MAX_CHARACTERS:,} characters",
            text=text,
            position=MAX_CHARACTERS,
            label=label,
        )
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(
                _unexpected(text[position]), text=text, position=position, label=label
            )
        kind = str(match.lastgroup)
        if kind == "name" and match.group().upper() in _WORDS:
            kind = "word"
        if kind != "space":
            tokens.append(_Token(kind, match.group(), position))
        position = match.end()
    return tokens


def _unexpected(character: str) -> str:
    if character in "'\"":
        return "this quotation mark is never closed"
    if character in "~*/+%|&^!:;#@$?[]{}`\\":
        return f"expected {_OPERATORS}"
    return f"the character {character!r} has no meaning here"


@dataclass(slots=True)
class _Clause:
    """Where a condition's column and values stand in the text."""

    column: int = 0
    values: list[int] = field(default_factory=list)


def _check_tokens(tokens: list[_Token], text: str, label: str) -> list[_Clause]:
    """Check a small grammar over tokens; it gives the exact place of the first fault."""
    reader = _Reader(tokens, text, label)
    reader.expression(0)
    if reader.index < len(tokens):
        reader.fail("expected AND or OR, or the end")
    return reader.conditions


class _Reader:
    def __init__(self, tokens: list[_Token], text: str, label: str) -> None:
        self.tokens, self.text, self.label, self.index = tokens, text, label, 0
        self.conditions: list[_Clause] = []

    def fail(self, message: str) -> None:
        position = (
            self.tokens[self.index].position if self.index < len(self.tokens) else len(self.text)
        )
        raise ExpressionError(message, text=self.text, position=position, label=self.label)

    def peek(self, *texts: str) -> bool:
        if self.index >= len(self.tokens):
            return False
        token = self.tokens[self.index]
        return token.kind in ("word", "mark", "operator") and token.text.upper() in texts

    def take(self, *texts: str) -> bool:
        found = self.peek(*texts)
        self.index += found
        return found

    def need(self, text: str) -> None:
        if not self.take(text):
            self.fail(f"expected {text}")

    def expression(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.fail(f"nested deeper than {MAX_DEPTH} levels")
        self.term(depth)
        while self.take("AND", "OR"):
            self.term(depth)

    def term(self, depth: int) -> None:
        negations = 0
        while self.take("NOT"):
            negations += 1
            if negations > MAX_DEPTH:
                self.fail(f"nested deeper than {MAX_DEPTH} levels")
        if self.take("("):
            self.expression(depth + 1)
            self.need(")")
        else:
            self.condition()

    def condition(self) -> None:
        self.conditions.append(_Clause())
        if self.index < len(self.tokens) and self.tokens[self.index].kind in ("number", "string"):
            self.value()
            if not self.take("=", "!=", "<>", "<", "<=", ">", ">="):
                self.fail("expected one of = != < <= > >=")
            self.column()
            return
        self.column()
        if self.take("IS"):
            self.take("NOT")
            self.need("NULL")
        elif self.take("=", "!=", "<>", "<", "<=", ">", ">="):
            self.value()
        else:
            self.take("NOT")
            self.membership()

    def membership(self) -> None:
        if self.take("IN"):
            self.need("(")
            self.value()
            while self.take(","):
                self.value()
            self.need(")")
        elif self.take("BETWEEN"):
            self.value()
            self.need("AND")
            self.value()
        elif self.peek("("):
            self.fail("functions are not part of the group language")
        else:
            self.fail(f"expected {_OPERATORS}")

    def column(self) -> None:
        if self.index >= len(self.tokens) or self.tokens[self.index].kind != "name":
            self.fail("expected a column name")
        self.conditions[-1].column = self.tokens[self.index].position
        self.index += 1

    def value(self) -> None:
        place = (
            self.tokens[self.index].position if self.index < len(self.tokens) else len(self.text)
        )
        if not self.take("TRUE", "FALSE"):
            negative = self.take("-")
            allowed = ("number",) if negative else ("number", "string")
            if self.index >= len(self.tokens) or self.tokens[self.index].kind not in allowed:
                self.fail("expected a value: a number, TRUE, FALSE, or text in 'single quotes'")
            token = self.tokens[self.index]
            if token.kind == "number" and not math.isfinite(float(token.text)):
                self.fail("this number is too large")
            self.index += 1
        self.conditions[-1].values.append(place)


def _with_quoted_names(tokens: list[_Token]) -> str:
    """Canonical text in which no column name can be taken for a word of SQL."""
    plain = (token.kind == "name" and not token.text.startswith('"') for token in tokens)
    return " ".join(
        f'"{token.text}"' if bare else token.text for token, bare in zip(tokens, plain, strict=True)
    )


def _copy(node: exp.Expr, text: str, label: str) -> Predicate:
    """Second wall: sqlglot's tree to ours, allowed nodes only."""
    match node:
        case exp.Paren():
            return _copy(node.this, text, label)
        case exp.And() | exp.Or():
            parts = [_copy(part, text, label) for part in node.flatten()]
            return _joined(And if isinstance(node, exp.And) else Or, parts)
        case exp.Not():
            return _negated(
                _copy(node.this, text, label), bracketed=isinstance(node.this, exp.Paren)
            )
    leaf = _LEAVES.get(type(node))
    if leaf is None:
        raise ExpressionError(
            "is not part of the group language", text=text, position=0, label=label
        )
    return leaf(node)


def _joined(kind: type[And] | type[Or], parts: list[Predicate]) -> Predicate:
    flat: list[Predicate] = []
    for part in parts:
        flat.extend(part.operands if isinstance(part, kind) else [part])
    return kind(tuple(flat))


def _negated(operand: Predicate, *, bracketed: bool) -> Predicate:
    match operand:
        case In(column, values, False) if not bracketed:
            return In(column, values, negated=True)
        case Between(column, low, high, False) if not bracketed:
            return Between(column, low, high, negated=True)
        case IsNull(column, False) if not bracketed:
            return IsNull(column, negated=True)
    return Not(operand)


def _comparison(node: exp.Expr) -> Predicate:
    operator = _BINARY[type(node)]
    left, right = node.this, node.expression
    if isinstance(right, exp.Column):
        return ColumnComparison(right.name, _FLIPPED[operator], _value(left))
    return ColumnComparison(left.name, operator, _value(right))


def _membership(node: exp.Expr) -> Predicate:
    return In(node.this.name, tuple(_value(item) for item in node.expressions))


def _between(node: exp.Expr) -> Predicate:
    return Between(node.this.name, _value(node.args["low"]), _value(node.args["high"]))


def _is_null(node: exp.Expr) -> Predicate:
    if isinstance(node.expression, exp.Not):
        return IsNull(node.this.name, negated=True)
    return IsNull(node.this.name)


_LEAVES: dict[type[exp.Expr], Callable[[exp.Expr], Predicate]] = {
    **dict.fromkeys(_BINARY, _comparison),
    exp.In: _membership,
    exp.Between: _between,
    exp.Is: _is_null,
}


def _value(node: exp.Expr) -> Value:
    if isinstance(node, exp.Neg):
        inner = _value(node.this)
        return -inner if isinstance(inner, int | float) else inner
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    text = str(node.this)
    if node.is_string:
        return text
    return int(text) if text.isdigit() else float(text)


def _check_leaf(
    leaf: Leaf, condition: _Clause, columns: Sequence[Column], text: str, label: str
) -> None:
    names = [column.name for column in columns]
    if leaf.column not in names:
        listed = ", ".join(names[:30])
        message = (
            f"unknown column {leaf.column[:80]!r}.{near(leaf.column, names)}  Columns: {listed}"
        )
        raise ExpressionError(message, text=text, position=condition.column, label=label)
    kind = columns[names.index(leaf.column)].kind
    for value, position in zip(_values(leaf), condition.values, strict=True):
        wanted = _misfit(kind, value)
        if wanted:
            message = f"column {leaf.column!r} holds {wanted}, not {value!r}"
            raise ExpressionError(message, text=text, position=position, label=label)


def _values(leaf: Leaf) -> tuple[Value, ...]:
    match leaf:
        case ColumnComparison(_, _, value):
            return (value,)
        case In(_, values, _):
            return values
        case Between(_, low, high, _):
            return (low, high)
        case _:
            return ()


def _misfit(kind: Kind, value: Value) -> str | None:
    """What the column holds instead, where a value cannot be compared with it."""
    if kind.numeric and (isinstance(value, str | bool)):
        return "numbers"
    if kind is Kind.TEXT and not isinstance(value, str):
        return "text (write it in 'single quotes')"
    if kind is Kind.BOOLEAN and not isinstance(value, bool):
        return "TRUE or FALSE"
    if kind is Kind.DATE and not _is_date(value):
        return "dates (write '2026-11-22')"
    if kind is Kind.OTHER:
        return "lists, structures, bytes or durations"
    return None


def _is_date(value: Value) -> bool:
    for kind in (datetime.datetime, datetime.time):
        try:
            kind.fromisoformat(str(value))
        except ValueError:
            continue
        return isinstance(value, str)
    return False
