"""Symmetric mean absolute percentage error: the error as a share of the mean size of target and prediction.

Between 0 and 2; a row in which both are 0 has no error.
"""

from collections.abc import Sequence

import sqlglot

from evenhand.groups import Predicate
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, rate
from evenhand.metrics.regression.counts import PREDICTION, TARGET, error_measure
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    loss = sqlglot.parse_one(
        "COALESCE(2 * ABS(prediction - target) / NULLIF(ABS(target) + ABS(prediction), 0), 0)",
        dialect="duckdb",
    )
    measure = error_measure(metric, records, loss)
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


SMAPE = Definition(
    name="smape",
    definition="sum of 2 · |prediction − target| / (|target| + |prediction|) / rows",
    arguments=(TARGET, PREDICTION),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"target": [1.0, 4.0, 0.0], "prediction": [3.0, 2.0, 0.0]},
        value=(2 * 2 / 4 + 2 * 2 / 6 + 0) / 3,
    ),
    source="Makridakis (1993), doi:10.1016/0169-2070(93)90079-3",
    high=2.0,
    least_units=40,
)
