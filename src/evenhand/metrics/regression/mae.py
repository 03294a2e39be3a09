"""Mean absolute error.

Errors with a heavy tail need more rows than others: of errors in proportion to lognormal targets intervals of 95 %
cover 90 % of 20 rows and 93 % of 60; of normal errors 95 % of 20.
"""

from collections.abc import Sequence

import sqlglot

from evenhand.groups import Predicate
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan
from evenhand.metrics.proportions import share_or_mean
from evenhand.metrics.regression.counts import PREDICTION, TARGET, error_measure
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    loss = sqlglot.parse_one("ABS(prediction - target)", dialect="duckdb")
    measure = error_measure(metric, records, loss)
    return share_or_mean(records, measure, where)


MAE = Definition(
    name="mae",
    definition="sum of |prediction − target| / rows",
    arguments=(TARGET, PREDICTION),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"target": [1.0, 4.0], "prediction": [2.0, 2.0]},
        value=(1 + 2) / 2,
    ),
    source="Willmott & Matsuura (2005), doi:10.3354/cr030079",
    high=None,
    in_points=False,
)
