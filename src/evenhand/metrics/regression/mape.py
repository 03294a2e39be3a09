"""Mean absolute percentage error: the error as a share of the target, which must not be 0."""

from collections.abc import Sequence
from dataclasses import replace

import sqlglot
from sqlglot import exp

from evenhand.cubes import Check
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, rate
from evenhand.metrics.regression.counts import PREDICTION, TARGET, error_measure
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    # Checks see the inputs only, so that the loss itself must not divide by 0.
    loss = sqlglot.parse_one("ABS((prediction - target) / NULLIF(target, 0))", dialect="duckdb")
    measure = error_measure(metric, records, loss)
    check = Check(
        input="target",
        faulty=exp.EQ(this=column_expression("target"), expression=literal(0)),
        message=f"`{metric.given['target']}` is {{value}}, but mape divides by it; smape or mae do not",
    )
    measure = replace(measure, checks=(*measure.checks, check))
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


MAPE = Definition(
    name="mape",
    definition="sum of |prediction − target| / |target| / rows",
    arguments=(TARGET, PREDICTION),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"target": [1.0, -4.0], "prediction": [2.0, -2.0]},
        value=(1 / 1 + 2 / 4) / 2,
    ),
    source="de Myttenaere et al. (2016), doi:10.1016/j.neucom.2015.12.114",
    high=None,
)
