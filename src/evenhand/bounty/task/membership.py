"""Groups over the matrix: literals joined by "all" and "any", as packed bits or for one row.

The meaning is that of the group language: a row whose value is missing is in no group about it.
Negation is pushed down to the literals, where De Morgan's laws hold for three-valued logic too, so
that each formula only has to know which rows it holds for.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.task import Matrix, Task
from evenhand.errors import InputError
from evenhand.groups import And, Between, ColumnComparison, In, IsNull, Not, Or, Predicate, Value

Bits = npt.NDArray[np.uint8]
_BLOCK = 2048
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "null", "not null"]
_NEGATED: dict[Operator, Operator] = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
    "null": "not null",
    "not null": "null",
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class MembershipLiteral:
    """``column operator values``; the values are float32 numbers or codes of texts."""

    column: int
    operator: Operator
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """Rows for which every part holds; with no part, every row."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Rows for which some part holds; with no part, no row."""

    parts: tuple["Formula", ...]


Formula = MembershipLiteral | AllOf | AnyOf


def formula_of(predicate: Predicate, task: Task, *, negated: bool = False) -> Formula:
    """A predicate over the task's matrix, negation pushed down to its literals."""
    match predicate:
        case Not(operand):
            return formula_of(operand, task, negated=not negated)
        case And(operands) | Or(operands):
            parts = tuple(formula_of(item, task, negated=negated) for item in operands)
            return AllOf(parts) if isinstance(predicate, And) != negated else AnyOf(parts)
        case Between(column, low, high, flipped):
            inside = And(
                (ColumnComparison(column, ">=", low), ColumnComparison(column, "<=", high))
            )
            return formula_of(inside, task, negated=negated != flipped)
        case IsNull(column, flipped):
            return MembershipLiteral(
                task.index_of(column), "not null" if flipped != negated else "null"
            )
        case In(column, values, flipped):
            literal = _membership(column, "in", values, task)
            return _negate(literal) if flipped != negated else literal
        case ColumnComparison(column, compared, value):
            literal = _comparison(column, compared, value, task)
            return _negate(literal) if negated else literal


def _negate(literal: MembershipLiteral) -> MembershipLiteral:
    return MembershipLiteral(literal.column, _NEGATED[literal.operator], literal.values)


def _comparison(column: str, compared: str, value: Value, task: Task) -> MembershipLiteral:
    if compared in ("=", "!="):
        return _membership(column, "in" if compared == "=" else "not in", (value,), task)
    index = task.index_of(column)
    feature = task.features[index]
    if feature.kind != "text":
        return MembershipLiteral(index, compared, (_number(value),))  # type: ignore[arg-type]
    test = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[compared]
    codes = (float(i) for i, text in enumerate(feature.categories) if test(text, value))
    return MembershipLiteral(index, "in", tuple(codes))


def _membership(
    column: str, kind: Literal["in", "not in"], values: Sequence[Value], task: Task
) -> MembershipLiteral:
    index = task.index_of(column)
    feature = task.features[index]
    if feature.kind == "text":
        # A text that is not listed matches nothing; a typing slip shows as an empty group.
        listed = {text: float(i) for i, text in enumerate(feature.categories)}
        found = tuple(sorted({listed[str(v)] for v in values if str(v) in listed}))
    else:
        found = tuple(sorted({_number(value) for value in values}))
    if len(found) == 1:
        return MembershipLiteral(index, "=" if kind == "in" else "!=", found)
    return MembershipLiteral(index, kind, found)


def _number(value: Value) -> float:
    """As the matrix holds it."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


class Memberships:
    """Which rows of one matrix each formula holds for, as packed bits; literals are kept.

    Parameters
    ----------
    matrix : array of shape (rows, features)
    """

    def __init__(self, matrix: Matrix) -> None:
        self.rows = len(matrix)
        self._columns = _by_column(matrix)
        self._literals: dict[MembershipLiteral, Bits] = {}

    def of(self, formula: Formula) -> Bits:
        """Packed bits of shape (ceil(rows / 8),); bits beyond the last row are 0."""
        if isinstance(formula, MembershipLiteral):
            if formula not in self._literals:
                self._literals[formula] = np.packbits(self._truth(formula))
            return self._literals[formula]
        joined = np.bitwise_and if isinstance(formula, AllOf) else np.bitwise_or
        if not formula.parts:
            truth = np.full(self.rows, isinstance(formula, AllOf))
            return np.packbits(truth)
        bits = self.of(formula.parts[0])
        for part in formula.parts[1:]:
            bits = joined(bits, self.of(part))
        return bits

    def _truth(self, literal: MembershipLiteral) -> npt.NDArray[np.bool_]:
        column = self._columns[literal.column]
        match literal.operator:
            case "null":
                return np.asarray(np.isnan(column))
            case "not null":
                return np.asarray(~np.isnan(column))
            case "in" | "=":
                truth = np.zeros(self.rows, bool)
                for value in literal.values:
                    truth |= column == np.float32(value)
                return truth
            case "not in" | "!=":
                truth = np.asarray(~np.isnan(column), bool)
                for value in literal.values:
                    truth &= column != np.float32(value)
                return truth
            case compared:
                bound = np.float32(literal.values[0])
                compare: Any = _COMPARE[compared]
                return np.asarray(compare(column, bound), bool)


def _by_column(matrix: Matrix) -> Matrix:
    """The matrix of shape (features, rows), contiguous by column.

    Copied in blocks that stay in the cache: twice as fast as in one go.
    """
    out = np.empty(matrix.shape[::-1], np.float32)
    for start in range(0, len(matrix), _BLOCK):
        out[:, start : start + _BLOCK] = matrix[start : start + _BLOCK].T
    return out


def unpack(bits: Bits, rows: int) -> npt.NDArray[np.bool_]:
    """Packed bits as booleans."""
    return np.unpackbits(bits, count=rows).view(bool)


def single(formula: Formula) -> Callable[[list[float]], bool]:
    """The formula as a plain function of one row, which answers in about a tenth of a microsecond."""
    if isinstance(formula, MembershipLiteral):
        return _single_literal(formula)
    parts = [single(part) for part in formula.parts]
    if len(parts) == 1:
        return parts[0]
    wanted = not isinstance(formula, AllOf)

    def joined(row: list[float]) -> bool:
        # A loop, since all() over a generator costs three times as much.
        for part in parts:
            if part(row) is wanted:
                return wanted
        return not wanted

    return joined


def _single_literal(literal: MembershipLiteral) -> Callable[[list[float]], bool]:
    index, values = literal.column, frozenset(literal.values)
    bound = literal.values[0] if literal.values else 0.0
    tests: dict[str, Callable[[list[float]], bool]] = {
        "null": lambda row: row[index] != row[index],
        "not null": lambda row: row[index] == row[index],
        "in": lambda row: row[index] in values,
        "=": lambda row: row[index] == bound,
        "not in": lambda row: row[index] == row[index] and row[index] not in values,
        "!=": lambda row: row[index] == row[index] and row[index] != bound,
        "<": lambda row: row[index] < bound,
        "<=": lambda row: row[index] <= bound,
        ">": lambda row: row[index] > bound,
        ">=": lambda row: row[index] >= bound,
    }
    return tests[literal.operator]


def literals_of(formula: Formula) -> tuple[MembershipLiteral, ...]:
    """All literals of a formula, in order."""
    if isinstance(formula, MembershipLiteral):
        return (formula,)
    return tuple(literal for part in formula.parts for literal in literals_of(part))


def check_size(formula: Formula, limit: int = 2_000) -> Formula:
    """The formula itself, or an error where it is too large to be run on every row."""
    size = sum(1 + len(literal.values) // 10 for literal in literals_of(formula))
    if size > limit:
        raise InputError(f"The group has {size:,} conditions.  Allowed: {limit:,}.")
    return formula
