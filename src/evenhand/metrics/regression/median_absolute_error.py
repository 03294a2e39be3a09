"""Median absolute error: half of the rows have a larger error, and half a smaller one.

Unlike a mean it does not move with a few very large errors.  It is found by counting, from the rows at
each distinct error (of more than 32 768 these are rounded down to as many quantiles); its standard error rests on how
densely errors lie around it, so that errors on a coarse grid may have none.
"""

from collections.abc import Sequence

from sqlglot import exp

from evenhand.cubes import Input, Measure
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan
from evenhand.metrics.inputs import number_input
from evenhand.metrics.regression.counts import PREDICTION, TARGET
from evenhand.records import Records
from evenhand.stats.forms import Median


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    target, target_checks = number_input(metric, "target", records)
    prediction, prediction_checks = number_input(metric, "prediction", records)
    apart = exp.Sub(this=prediction.expression.copy(), expression=target.expression.copy())
    error = Input(
        name="error",
        expression=exp.Abs(this=apart),
        text=f"{metric.given['target']}, {metric.given['prediction']}",
    )
    measure = Measure(
        parts=(("rows", literal(1)), ("error", column_expression("error"))),
        inputs=(target, prediction, error),
        checks=target_checks + prediction_checks,
        level="error",
    )
    return MetricPlan(records=records, measure=measure, form=Median(), proportion=False)


MEDIAN_ABSOLUTE_ERROR = Definition(
    name="median_absolute_error",
    definition="median of |prediction − target|",
    arguments=(TARGET, PREDICTION),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"target": [1.0, 4.0, 7.0, 2.0], "prediction": [2.0, 2.0, 7.0, 9.0]},
        value=(1 + 2) / 2,
    ),
    source="Hampel (1974), doi:10.1080/01621459.1974.10482962",
    high=None,
    in_points=False,
)
