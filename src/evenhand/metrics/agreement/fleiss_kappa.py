"""Fleiss' kappa: agreement of several raters beyond what chance would give.

Every row must have all the ratings; those that lack one, or have one that ``labels=`` leaves out, are counted
as missing (`krippendorff_alpha` uses them).

Where nearly all ratings are of one class, the few others decide the value: with 5 % of another intervals of all
of 20 rows covered 47 % where 95 are promised.  So as many rows are counted for it as its ratings of all
classes but the commonest would fill.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sqlglot import exp

from evenhand.cubes import Input, Measure, Moments
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.agreement.ratings import (
    RATERS,
    added,
    chosen,
    needed_ratings,
    rater_columns,
    read_ratings,
)
from evenhand.metrics.classification.classes import LABELS, absent_labels, classes_of, only
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan
from evenhand.metrics.inputs import indicator
from evenhand.records import Records
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


@recipe("fleiss_kappa")
def _form(*, raters: int, classes: int) -> Smooth:
    pairs = raters * (raters - 1) / 2

    def value(sums: Any) -> Any:
        rows, agreeing, counts = sums[..., 0], sums[..., 1], sums[..., 2:]
        observed = agreeing / (rows * pairs)
        shares = counts / (rows * raters)[..., None]
        expected = (shares * shares).sum(axis=-1)
        # Where all ratings are one class, chance agrees wholly and nothing is left to divide by.
        beyond = np.where(expected.real > 1 - 1e-12, np.nan, 1 - expected)
        return (observed - expected) / beyond

    sides, votes = needed_ratings(classes, 2)
    return Smooth(function=value, sides=sides, votes=votes)


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    columns = rater_columns(metric, records)
    names = [f"rater{number}" for number in range(len(columns))]
    reads = read_ratings(columns, records)
    inputs = tuple(
        Input(name=name, expression=read, text=column)
        for name, read, column in zip(names, reads, columns, strict=True)
    )
    classes = classes_of(metric, records, where, columns)
    if metric.option("labels") is not None:
        inputs = tuple(only(item, classes) for item in inputs)
    ratings: list[exp.Expr] = [column_expression(name) for name in names]
    agreeing = [
        indicator(exp.EQ(this=one.copy(), expression=other.copy()))
        for one, other in combinations(ratings, 2)
    ]
    counts = tuple((f"rated:{value}", chosen(ratings, value)) for value in classes)
    measure = Measure(
        parts=(("rows", literal(1)), ("agreeing_pairs", added(agreeing)), *counts),
        inputs=inputs,
        moments=Moments.COUNTS,
        few_values=True,
    )
    form = _form(raters=len(columns), classes=len(classes))
    notes = absent_labels(metric, records, where, columns)
    return MetricPlan(records=records, measure=measure, form=form, proportion=False, notes=notes)


FLEISS_KAPPA = Definition(
    name="fleiss_kappa",
    definition="(agreeing pairs of raters − those by chance) / (all pairs − those by chance)",
    arguments=(RATERS, LABELS),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={
            "one": ["yes", "yes", "no", "no"],
            "two": ["yes", "no", "no", "no"],
            "three": ["yes", "yes", "no", "yes"],
        },
        options={"raters": ("one", "two", "three")},
        value=((3 + 1 + 3 + 1) / 12 - 0.5) / (1 - 0.5),
    ),
    source="Fleiss (1971), doi:10.1037/h0031619",
    low=-1.0,
    in_points=False,
)
