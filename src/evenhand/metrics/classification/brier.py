"""Brier score: mean squared difference of the predicted probability and the outcome.

Of several classes, with a column of probabilities each (see `log_loss`), it is half the sum of the squared
differences of all classes: with two of them the same as of one column, and at most 1.

Where an outcome is rare, the few rows that have it carry the score: with 8 % positives intervals of 95 % cover
93 % of 50 rows, with 3 % of them 89 % of 60 rows and 94 % of 100.
"""

from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from evenhand.groups import Predicate
from evenhand.groups.predicate import literal
from evenhand.metrics.classification.classes import LABELS
from evenhand.metrics.classification.counts import LABEL, POSITIVE, SCORES, scored
from evenhand.metrics.classification.probabilities import several_plan
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, rate
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    if isinstance(metric.given["score"], tuple):
        return several_plan(metric, records, where, _of_classes)
    loss = sqlglot.parse_one("(score - truth) * (score - truth)", dialect="duckdb")
    measure = scored(metric, records, loss)
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


def _of_classes(scores: Sequence[exp.Expr], truths: Sequence[exp.Expr]) -> exp.Expr:
    """Half the sum over the classes: with two of them the score of either, and never above 1."""
    total: exp.Expr = literal(0)
    for score, truth in zip(scores, truths, strict=True):
        apart = exp.paren(exp.Sub(this=score, expression=truth))
        total = exp.Add(this=total, expression=exp.Mul(this=apart, expression=apart.copy()))
    return exp.Div(this=exp.paren(total), expression=literal(2.0))


BRIER = Definition(
    name="brier",
    definition="sum of (score − label)² / rows; of several classes half their sum",
    arguments=(LABEL, SCORES, POSITIVE, LABELS),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 0, 1], "score": [0.9, 0.2, 0.4]},
        value=(0.01 + 0.04 + 0.36) / 3,
    ),
    source="Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",
    in_points=False,
    least_units=50,
)
