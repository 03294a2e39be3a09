"""Margins of a table of labels by predictions: how many rows each class has on either side."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from evenhand.groups.predicate import column_expression
from evenhand.metrics.inputs import Class, indicator

SIDES = ("label", "prediction")
#: Above so many classes it is not looked whether one holds nearly all rows: each would cost two more counts.
MOST_COUNTED = 12


def margins_of(
    classes: Sequence[Class], equals: Callable[[str, Class], exp.Expr]
) -> tuple[tuple[str, exp.Expr], ...]:
    """Counts of rows labelled, and predicted, as each class: alternating."""
    return tuple(
        (f"{name}:{value}", indicator(equals(name, value))) for value in classes for name in SIDES
    )


def exclusive_margins(classes: int, first: int) -> frozenset[tuple[int, int]]:
    """Pairs of margins that no row has both of: a row has one label and one prediction."""
    return frozenset(
        (first + 2 * i + side, first + 2 * j + side)
        for i in range(classes)
        for j in range(i + 1, classes)
        for side in range(2)
    )


def needed_margins(classes: int, first: int, rows: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Counts that agreement beyond chance needs units of: all classes but one, of labels and of predictions.

    Where nearly all rows are of one class, the few others are all that tells agreement from chance; of
    two classes these are the scarcer.  `rows` are the counts that make up all rows.
    """
    if not 2 <= classes <= MOST_COUNTED:
        return (rows,)
    return tuple(
        tuple(first + 2 * other + side for other in range(classes) if other != one)
        for one in range(classes)
        for side in range(2)
    )


def same_class() -> exp.Expr:
    """Whether the prediction is the label."""
    label, prediction = (column_expression(name) for name in SIDES)
    return exp.EQ(this=label, expression=prediction)
