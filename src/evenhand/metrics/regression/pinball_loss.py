"""Pinball (quantile) loss: of forecasts of a quantile, misses above and below weighed by how rare they should be.

Errors with a heavy tail need more rows than others: of errors in proportion to lognormal targets intervals of 95 %
cover 90.5 % of 20 rows and 94 % of 60; of normal errors 95 % of 20.
"""

from collections.abc import Sequence

from sqlglot import exp

from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import (
    Argument,
    Definition,
    Example,
    Metric,
    MetricPlan,
    Takes,
    rate,
)
from evenhand.metrics.regression.counts import PREDICTION, TARGET, error_measure
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    quantile = metric.option("quantile")
    if not isinstance(quantile, float) or not 0 < quantile < 1:
        raise InputError(
            f"pinball_loss: quantile is {quantile!r}, but must be a number above 0 and below 1, such as 0.9: the "
            "share of targets that should lie below the prediction."
        )
    target, prediction = column_expression("target"), column_expression("prediction")
    short, over = (
        exp.Sub(this=target, expression=prediction),
        exp.Sub(this=prediction, expression=target),
    )
    is_short = exp.GTE(this=target, expression=prediction)
    loss = exp.Case(
        ifs=[
            exp.If(this=is_short, true=exp.Mul(this=literal(quantile), expression=exp.paren(short)))
        ],
        default=exp.Mul(this=literal(1 - quantile), expression=exp.paren(over)),
    )
    measure = error_measure(metric, records, loss)
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


PINBALL_LOSS = Definition(
    name="pinball_loss",
    definition="sum of max(q · (target − prediction), (1 − q) · (prediction − target)) / rows",
    arguments=(
        TARGET,
        PREDICTION,
        Argument(name="quantile", takes=Takes.CONSTANT, means="a number above 0 and below 1"),
    ),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"target": [1.0, 4.0], "prediction": [2.0, 2.0]},
        options={"quantile": 0.9},
        value=(0.1 * 1 + 0.9 * 2) / 2,
    ),
    source="Koenker & Bassett (1978), doi:10.2307/1913643",
    high=None,
    in_points=False,
)
