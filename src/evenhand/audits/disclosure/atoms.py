"""The finest sets of rows that some predicates can tell apart, found from their text alone."""

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from evenhand.audits.disclosure.printed import PrintedSet, Unknown
from evenhand.errors import InputError
from evenhand.groups import (
    And,
    Between,
    ColumnComparison,
    In,
    IsNull,
    Not,
    Or,
    Predicate,
    columns_of,
)
from evenhand.groups.predicate import leaves_of

#: Combinations of values that are looked at.
MOST_ATOMS = 200_000
Row = Mapping[str, Any]
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def truth(predicate: Predicate | Unknown, row: Row) -> bool | None:
    """Whether a row is in the set, in three values; `None` where a value is missing."""
    match predicate:
        case Unknown(operand):
            return truth(operand, row) is None
        case ColumnComparison(column, sign, value):
            return _compared(row[column], sign, value)
        case In(column, values, negated):
            return _turned(_any([_compared(row[column], "=", v) for v in values]), negated)
        case Between(column, low, high, negated):
            ends = _compared(row[column], ">=", low), _compared(row[column], "<=", high)
            return _turned(_all(ends), negated)
        case IsNull(column, negated):
            return (row[column] is None) != negated
        case Not(operand):
            return _turned(truth(operand, row), turned=True)
        case And(operands):
            return _all([truth(one, row) for one in operands])
        case Or(operands):
            return _any([truth(one, row) for one in operands])


def _compared(left: Any, sign: str, right: Any) -> bool | None:
    if left is None:
        return None
    try:
        return _SIGNS[sign](left, right)
    except TypeError:  # a number and a text
        return _SIGNS[sign](str(left), str(right))


def _turned(value: bool | None, turned: bool) -> bool | None:
    return value if value is None or not turned else not value


def _all(values: Sequence[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _any(values: Sequence[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def read_columns(predicate: Predicate | Unknown) -> tuple[str, ...]:
    """Columns that decide whether a row is in the set."""
    return columns_of(predicate.operand if isinstance(predicate, Unknown) else predicate)


def atoms_of(shown: Sequence[PrintedSet], *, complete: bool) -> list[tuple[bool, ...]]:
    """In which of the sets a row can be at once, each possibility once.

    Parameters
    ----------
    shown : sequence of PrintedSet
        The sets.
    complete : bool
        Whether rows that lack an attribute would stand among them.  The groups of a partition by columns hold
        every other row.

    Raises
    ------
    InputError
        Where there are too many possibilities to look at.
    """
    predicates = [one.rows_of for one in shown]
    partitions = [
        _PrintedPartition.of(by, shown, complete=complete)
        for by in dict.fromkeys(s.by for s in shown)
    ]
    columns = list(dict.fromkeys(c for p in predicates for c in read_columns(p)))
    values = [_values(column, predicates, partitions) for column in columns]
    if math.prod(map(len, values)) > MOST_ATOMS:
        raise InputError(
            f"The sets of this report can overlap in more than {MOST_ATOMS:,} ways, which is too many to attack: "
            f"they read {', '.join(columns)} together."
        )
    found: dict[tuple[bool, ...], None] = {}
    for chosen in itertools.product(*values):
        row = dict(zip(columns, chosen, strict=True))
        inside = tuple(truth(predicate, row) is True for predicate in predicates)
        if all(
            partition.allows(row, [inside[i] for i in partition.places]) for partition in partitions
        ):
            found[inside] = None
    return list(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PrintedPartition:
    """Which rows there can be, by one partition."""

    places: tuple[int, ...]
    columns: tuple[str, ...]
    asked: Predicate | None
    complete: bool

    @classmethod
    def of(cls, by: tuple[str, ...], shown: Sequence[PrintedSet], *, complete: bool) -> Self:
        places = tuple(place for place, one in enumerate(shown) if one.by == by)
        asked = next((shown[i].rows_of for i in places if (shown[i].text,) == by), None)
        columns = dict.fromkeys(c for i in places for c in read_columns(shown[i].rows_of))
        return cls(
            places=places,
            columns=tuple(columns),
            asked=None if isinstance(asked, Unknown) else asked,
            complete=complete,
        )

    def allows(self, row: Row, inside: Sequence[bool]) -> bool:
        """Whether a row that is in these of its sets is possible."""
        if any(inside):
            return True
        if self.asked is not None:
            return not self.complete or truth(self.asked, row) is not None
        if self.complete and len(self.columns) == 1:
            return False
        return any(row[column] is None for column in self.columns)


def _values(
    column: str, predicates: Sequence[Predicate | Unknown], partitions: Sequence[_PrintedPartition]
) -> list[Any]:
    """Values of a column of which each stands for all that no predicate tells from it."""
    named: list[Any] = []
    for predicate in predicates:
        inside = predicate.operand if isinstance(predicate, Unknown) else predicate
        for leaf in leaves_of(inside):
            if leaf.column == column:
                named += _constants(leaf)
    truths = [value for value in named if isinstance(value, bool)]
    numbers = sorted({v for v in named if isinstance(v, int | float) and v not in truths})
    texts = sorted({value for value in named if isinstance(value, str)})
    between: list[Any] = [(a + b) / 2 for a, b in itertools.pairwise(numbers)]
    outside: list[Any] = [numbers[0] - 1, numbers[-1] + 1] if numbers else []
    following = [text + "\x01" for text in texts]
    every = [None, *numbers, *between, *outside, *texts, *following, *([""] if texts else [])]
    every += [True, False] if truths else []
    own = [p for p in partitions if p.asked is None and p.columns == (column,)]
    return [
        value
        for value in every
        if all(
            p.allows(
                {column: value}, [truth(predicates[i], {column: value}) is True for i in p.places]
            )
            for p in own
        )
    ]


def _constants(leaf: ColumnComparison | In | Between | IsNull) -> list[Any]:
    match leaf:
        case ColumnComparison(_, _, value):
            return [value]
        case In(_, values, _):
            return list(values)
        case Between(_, low, high, _):
            return [low, high]
        case IsNull():
            return []
