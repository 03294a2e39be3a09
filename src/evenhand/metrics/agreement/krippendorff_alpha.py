"""Krippendorff's alpha: agreement of any number of raters beyond what chance would give, ratings missing or not.

``level='nominal'`` counts any disagreement as one; ``'ordinal'`` by how many ratings lie between the two
values, in the order of numbers or of ``labels=``; ``'interval'`` by their squared difference.  A row with
fewer than two ratings has nothing to compare and is counted as missing.

Its chance is that of drawing two ratings without putting the first back, so that it changes by the
order of one over the number of ratings when every row is doubled.

Where nearly all ratings are of one class, the few others decide the value, so as many rows are counted for it
as its ratings of all classes but the commonest would fill.  Numbers of ``level='interval'`` have no
classes to count: where 6 % of the ratings lie apart, its intervals of 95 % cover 50 % with 20 rows, 83 % with 60
and 91 % with 200.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sqlglot import exp

from evenhand.cubes import Input, Measure
from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.agreement.ratings import (
    RATERS,
    added,
    chosen,
    known,
    needed_ratings,
    rater_columns,
    read_ratings,
)
from evenhand.metrics.classification.classes import LABELS, absent_labels, classes_of
from evenhand.metrics.definition import Argument, Definition, Example, Metric, MetricPlan, Takes
from evenhand.metrics.inputs import Class, middle_of
from evenhand.records import Kind, Records, find_column
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe

LEVEL = Argument(
    name="level",
    takes=Takes.CONSTANT,
    required=False,
    choices=("nominal", "ordinal", "interval"),
    default="nominal",
)
#: Every pair of values of an ordinal scale is a count of its own.
_MOST_ORDINAL = 10


def _beyond_chance(observed: Any, expected: Any, ratings: Any) -> Any:
    """1 − observed / expected; undefined where all ratings are alike."""
    flat = expected.real <= 1e-12 * ratings.real**2
    return 1 - (ratings - 1) * observed / np.where(flat, np.nan, expected)


def _nominal(sums: Any) -> Any:
    counts = sums[..., 2:]
    ratings = counts.sum(axis=-1)
    return _beyond_chance(sums[..., 1], ratings**2 - (counts**2).sum(axis=-1), ratings)


@recipe("krippendorff_alpha_nominal")
def _nominal_form(*, classes: int) -> Smooth:
    sides, votes = needed_ratings(classes, 2)
    return Smooth(function=_nominal, sides=sides, votes=votes)


@recipe("krippendorff_alpha_ordinal")
def _ordinal_form(*, classes: int) -> Smooth:
    first, second = np.triu_indices(classes, 1)

    def value(sums: Any) -> Any:
        counts, met = sums[..., 1 : 1 + classes], sums[..., 1 + classes :]
        upto = np.cumsum(counts, axis=-1)
        # Ratings between the two values, half of the two values' own.
        middle = upto - counts / 2
        apart = (middle[..., second] - middle[..., first]) ** 2
        ratings = counts.sum(axis=-1)
        observed = 2 * (met * apart).sum(axis=-1)
        expected = 2 * (counts[..., first] * counts[..., second] * apart).sum(axis=-1)
        # Squared numbers of ratings are the scale of the distances, not what chance leaves.
        return _beyond_chance(observed / ratings**2, expected / ratings**2, ratings)

    sides, votes = needed_ratings(classes, 1)
    return Smooth(function=value, sides=sides, votes=votes)


def _interval(sums: Any) -> Any:
    observed, ratings, total, squares = (sums[..., i] for i in range(1, 5))
    expected = 2 * (ratings * squares - total**2)
    flat = expected.real <= 1e-12 * (ratings * squares).real
    return 1 - (ratings - 1) * observed / np.where(flat, np.nan, expected)


@recipe("krippendorff_alpha_interval")
def _interval_form() -> Smooth:
    return Smooth(function=_interval, sides=((0,),))


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    columns = rater_columns(metric, records)
    level = str(metric.option("level"))
    kinds = {find_column(name, records.columns).kind for name in columns}
    if level == "interval" and not all(kind.numeric for kind in kinds):
        raise InputError(
            "krippendorff_alpha: level='interval' needs numbers, but the raters' columns hold "
            f"{' and '.join(sorted(kinds))}.  Use 'ordinal' with labels in their order, or 'nominal'."
        )
    if level == "ordinal" and Kind.TEXT in kinds and metric.option("labels") is None:
        raise InputError(
            "krippendorff_alpha: level='ordinal' needs the order of the values, and texts have none of their own: "
            "name them from one end of the scale to the other, as in labels=('bad', 'fair', 'good')."
        )
    reads = read_ratings(columns, records)
    if level == "interval":
        return _interval_plan(columns, reads, records, where)
    most = {"most": _MOST_ORDINAL} if level == "ordinal" else {}
    classes = classes_of(metric, records, where, columns, **most)
    inputs, counts = _inputs(columns, reads, classes, named=metric.option("labels") is not None)
    measure, form = _measure(level, classes, inputs, counts)
    notes = absent_labels(metric, records, where, columns)
    return MetricPlan(records=records, measure=measure, form=form, proportion=False, notes=notes)


def _inputs(
    columns: Sequence[str], reads: Sequence[exp.Expr], classes: Sequence[Class], *, named: bool
) -> tuple[tuple[Input, ...], list[exp.Expr]]:
    """How many ratings of each class a row has; NULL where it has fewer than two."""
    names = [f"class{number}" for number in range(len(classes))]
    counted = [chosen(reads, value) for value in classes]
    # Ratings that labels= leaves out are as if they were missing.
    total = added([one.copy() for one in counted]) if named else added([known(r) for r in reads])
    inputs = [
        Input(name=name, expression=count, text=", ".join(columns))
        for name, count in zip(names, counted, strict=True)
    ]
    return (_pairable(total, columns), *inputs), [column_expression(name) for name in names]


def _pairable(total: exp.Expr, columns: Sequence[str]) -> Input:
    enough = exp.GTE(this=total.copy(), expression=literal(2))
    return Input(
        name="ratings",
        expression=exp.Case(ifs=[exp.If(this=enough, true=total)]),
        text="two ratings of " + ", ".join(columns),
    )


def _measure(
    level: str, classes: Sequence[Class], inputs: tuple[Input, ...], counts: Sequence[exp.Expr]
) -> tuple[Measure, Smooth]:
    named = [(f"rated:{value}", count) for value, count in zip(classes, counts, strict=True)]
    if level == "nominal":
        disagreeing = [
            exp.Mul(this=count, expression=exp.paren(exp.Sub(this=_RATINGS, expression=count)))
            for count in counts
        ]
        parts = [("rows", literal(1)), ("disagreement", _per_other(added(disagreeing))), *named]
        form = _nominal_form(classes=len(classes))
    else:
        met = [
            (
                f"{classes[i]} and {classes[j]}",
                _per_other(exp.Mul(this=counts[i], expression=counts[j])),
            )
            for i, j in combinations(range(len(classes)), 2)
        ]
        parts = [("rows", literal(1)), *named, *met]
        form = _ordinal_form(classes=len(classes))
    return Measure(parts=tuple(parts), inputs=inputs, few_values=False), form


_RATINGS = column_expression("ratings")


def _per_other(value: exp.Expr) -> exp.Expr:
    """A row's pairs over its number of ratings less one, so that each rating counts once."""
    others = exp.Sub(this=exp.cast(_RATINGS, "DOUBLE"), expression=literal(1))
    return exp.Div(this=exp.paren(value), expression=exp.paren(others))


def _interval_plan(
    columns: Sequence[str], reads: Sequence[exp.Expr], records: Records, where: Predicate | None
) -> MetricPlan:
    # About a middle of the first: raw squares lose the digits of values far from 0.
    middle = literal(middle_of(records, reads[0], where))
    numbers = [
        exp.paren(exp.Sub(this=exp.cast(read, "DOUBLE"), expression=middle.copy()))
        for read in reads
    ]
    total, squares = (
        added([exp.Coalesce(this=value, expressions=[literal(0)]) for value in values])
        for values in (
            numbers,
            [exp.Mul(this=number.copy(), expression=number.copy()) for number in numbers],
        )
    )
    inputs = (
        _pairable(added([known(read) for read in reads]), columns),
        Input(name="total", expression=total, text=", ".join(columns)),
        Input(name="squares", expression=squares, text=", ".join(columns)),
    )
    total, squares = column_expression("total"), column_expression("squares")
    within = exp.Sub(
        this=exp.Mul(this=_RATINGS, expression=squares),
        expression=exp.Mul(this=total, expression=total),
    )
    apart = exp.Mul(this=literal(2), expression=_per_other(within))
    measure = Measure(
        parts=(
            ("rows", literal(1)),
            ("disagreement", apart),
            ("ratings", _RATINGS),
            ("total", total),
            ("squares", squares),
        ),
        inputs=inputs,
    )
    return MetricPlan(records=records, measure=measure, form=_interval_form(), proportion=False)


KRIPPENDORFF_ALPHA = Definition(
    name="krippendorff_alpha",
    definition="1 − disagreement within rows / disagreement of any two ratings",
    arguments=(RATERS, LEVEL, LABELS),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={
            "one": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
            "two": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
            "three": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
            "four": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
        },
        options={"raters": ("one", "two", "three", "four")},
        value=1 - 39 * 8 / 1216,
    ),
    source="Krippendorff (2004), doi:10.1111/j.1468-2958.2004.tb00738.x; Hayes & Krippendorff (2007), "
    "doi:10.1080/19312450709336664",
    low=-1.0,
    in_points=False,
    corrected=True,
)
