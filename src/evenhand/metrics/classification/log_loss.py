"""Log loss (cross-entropy): mean surprise at the outcome, in nats."""

import math
from collections.abc import Sequence

import sqlglot

from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import LABEL, POSITIVE, SCORE, scored
from evenhand.metrics.definition import Definition, Example, Metric, Plan, rate
from evenhand.records import Records


def _build(metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None) -> Plan:
    del keep, where
    loss = sqlglot.parse_one(
        "-LN(GREATEST(CASE WHEN truth = 1 THEN score ELSE 1 - score END, 2.220446049250313e-16))",
        dialect="duckdb",
    )
    measure = scored(metric, records, loss)
    return Plan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


# A probability of exactly 0 for what happened would be infinite; it is cut at the double's epsilon,
# as scikit-learn does, so that one row cannot hide all others.
LOG_LOSS = Definition(
    name="log_loss",
    definition="−sum of log(probability given to the label) / rows",
    arguments=(LABEL, SCORE, POSITIVE),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 0], "score": [0.5, 0.75]},
        value=(math.log(2) + math.log(4)) / 2,
    ),
    source="Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x",
    high=None,
    in_points=False,
)
