"""Ratings of the same rows by several raters: one column each."""

from collections.abc import Sequence

from sqlglot import exp

from evenhand.errors import InputError
from evenhand.groups.predicate import literal
from evenhand.metrics.classification.margins import MOST_COUNTED
from evenhand.metrics.definition import Argument, Metric, Takes
from evenhand.metrics.inputs import class_column, indicator
from evenhand.records import Kind, Records, find_column

RATERS = Argument(name="raters", takes=Takes.CLASS, several=True, least=2)
#: More raters than this make a query of very many terms; more columns are seldom of one question.
MOST_RATERS = 50


def rater_columns(metric: Metric, records: Records) -> list[str]:
    """Names of the raters' columns, which must hold values of one kind."""
    given = metric.given["raters"]
    assert isinstance(given, tuple)
    columns = [find_column(str(name), records.columns).name for name in given]
    if len(columns) > MOST_RATERS:
        raise InputError(
            f"{metric.name}: {len(columns)} raters are too many (at most {MOST_RATERS})."
        )
    kinds = [find_column(name, records.columns).kind for name in columns]
    first = kinds[0]
    for name, kind in zip(columns, kinds, strict=True):
        if kind is not first and not (kind.numeric and first.numeric):
            raise InputError(
                f"{metric.name}: {columns[0]!r} holds {first} and {name!r} holds {kind} values; they can never "
                "agree.  Write all in one way."
            )
    return columns


def needed_ratings(classes: int, first: int) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Sides of a form whose counts of ratings begin at `first`, and these counts.

    Where nearly all ratings are of one class, the few others are all that tells agreement from chance,
    so that each class's others are a side.
    """
    counts = tuple(range(first, first + classes))
    if not 2 <= classes <= MOST_COUNTED:
        return ((0,),), ()
    return tuple(tuple(i for i in counts if i != one) for one in counts), counts


def read_ratings(columns: Sequence[str], records: Records) -> list[exp.Expr]:
    """Each rating as it is read, missing as NULL."""
    kinds = {find_column(name, records.columns).kind for name in columns}
    reads = [class_column(name, records) for name in columns]
    # One type for all, so that 1 and 1.0 are one value.
    mixed = len(kinds) > 1 and Kind.NUMBER in kinds
    return [exp.cast(read, "DOUBLE") if mixed else read for read in reads]


def added(values: Sequence[exp.Expr]) -> exp.Expr:
    """Sum of terms, in brackets."""
    total = values[0]
    for value in values[1:]:
        total = exp.Add(this=total, expression=value)
    return exp.paren(total)


def known(rating: exp.Expr) -> exp.Expr:
    """1 where there is a rating, else 0."""
    return indicator(exp.Not(this=exp.Is(this=rating.copy(), expression=exp.Null())))


def chosen(ratings: Sequence[exp.Expr], value: str | float) -> exp.Expr:
    """How many ratings are of a class."""
    return added(
        [indicator(exp.EQ(this=rating.copy(), expression=literal(value))) for rating in ratings]
    )
