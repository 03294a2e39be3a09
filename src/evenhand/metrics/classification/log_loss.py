"""Log loss (cross-entropy): mean surprise at the outcome, in nats.

Of several classes, with a column of probabilities each: ``log_loss(label, score=(p_cat, p_dog, p_owl),
labels=('cat', 'dog', 'owl'))``; `labels` may be left out where the columns are called as the classes.

Where an outcome is rare, the few rows that have it carry the loss: with 8 % positives intervals of 95 % cover
93.5 % of 60 rows, with 3 % of them 86 % of 60 rows, 91 % of 100 and 95 % of 200.
"""

import math
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
    loss = sqlglot.parse_one(
        "-LN(GREATEST(CASE WHEN truth = 1 THEN score ELSE 1 - score END, 2.220446049250313e-16))",
        dialect="duckdb",
    )
    measure = scored(metric, records, loss)
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


def _of_classes(scores: Sequence[exp.Expr], truths: Sequence[exp.Expr]) -> exp.Expr:
    """Surprise at the class that came."""
    said: exp.Expr = literal(0)
    for score, truth in zip(scores, truths, strict=True):
        said = exp.Add(this=said, expression=exp.Mul(this=truth, expression=score))
    floor = exp.Greatest(this=exp.paren(said), expressions=[literal(2.220446049250313e-16)])
    return exp.Neg(this=exp.Ln(this=floor))


# A probability of exactly 0 for what happened would be infinite; it is cut at the double's epsilon,
# as scikit-learn does, so that one row cannot hide all others.
LOG_LOSS = Definition(
    name="log_loss",
    definition="−sum of log(probability given to the label) / rows",
    arguments=(LABEL, SCORES, POSITIVE, LABELS),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 0], "score": [0.5, 0.75]},
        value=(math.log(2) + math.log(4)) / 2,
    ),
    source="Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x",
    high=None,
    in_points=False,
    least_units=60,
)
