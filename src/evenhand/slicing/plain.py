"""Slices in names that readers know, ``race African-American, priors_count 5 or more``; the SQL stays beside."""

from collections.abc import Sequence

from evenhand.errors import ExpressionError
from evenhand.groups import And, Between, ColumnComparison, In, IsNull, Predicate, parse_predicate
from evenhand.pages.edition import Edition

#: How a bound is said.
_BOUNDS = {">=": "{} or more", ">": "more than {}", "<": "under {}", "<=": "{} or less"}


def plain_slice(literals: Sequence[str], edition: Edition) -> str:
    """A slice by its literals, in words."""
    return ", ".join(plain_literal(one, edition) for one in literals)


def plain_literal(text: str, edition: Edition) -> str:
    """A literal in words, or as it stands where it is of another form.

    Examples
    --------
    >>> plain_literal("age >= 50 AND age < 65", Edition(labels={"age": "years of age"}))
    'years of age 50 or more and under 65'
    >>> plain_literal("age_cat = 'Less than 25'", Edition(labels={"age_cat": "age"}))
    'age “Less than 25”'
    >>> plain_literal("dialect = 'north'", Edition()), plain_literal("new = '1'", Edition())
    ('dialect north', 'new “1”')
    """
    if text in edition.labels:
        return edition.labels[text]
    try:
        parsed = parse_predicate(text)
    except ExpressionError:
        return text
    return _told(parsed, edition) or text


def _told(parsed: Predicate, edition: Edition) -> str | None:
    match parsed:
        case ColumnComparison(column, "=", value):
            return f"{edition.column(column)} {_value(column, value, edition)}"
        case ColumnComparison(column, operator, value) if operator in _BOUNDS:
            return f"{edition.column(column)} {_BOUNDS[operator].format(value)}"
        case And((ColumnComparison(column, low, least), ColumnComparison(other, high, most))) if (
            column == other and low in _BOUNDS and high in _BOUNDS
        ):
            bounds = f"{_BOUNDS[low].format(least)} and {_BOUNDS[high].format(most)}"
            return f"{edition.column(column)} {bounds}"
        case Between(column, low, high, False):
            return f"{edition.column(column)} {low} to {high}"
        case In(column, values, negated):
            names = " or ".join(_value(column, value, edition) for value in values)
            return f"{edition.column(column)} {'neither ' if negated else ''}{names}"
        case IsNull(column, negated):
            return f"{edition.column(column)} {'given' if negated else 'missing'}"
        case _:
            return None


def _value(column: str, value: object, edition: Edition) -> str:
    told = edition.value(column, value)
    return f"“{told}”" if isinstance(value, str) and told == value and not _is_word(value) else told


def _is_word(value: str) -> bool:
    """Whether a value reads as a word beside its column's name: *African-American*, but not *F* or *1*."""
    return len(value) > 3 and value.replace("-", "").isalpha()
