"""R² (coefficient of determination): how much of the targets' variance the predictions explain.

A group's targets vary about their own mean, so that a group whose targets are alike has a low R² with
small errors: compare errors (`mae`, `rmse`) too.  Below 0 the predictions are worse than that mean.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlglot
from sqlglot import exp

from evenhand.cubes import Measure
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan
from evenhand.metrics.inputs import middle_of, number_input
from evenhand.metrics.regression.counts import PREDICTION, TARGET
from evenhand.records import Records
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _value(sums: Any) -> Any:
    squares, rows, total, about = (sums[..., i] for i in range(4))
    around = about - total * total / rows
    # What is left of equal targets is rounding, and no variance.
    flat = np.where(around.real <= 1e-12 * about.real, np.nan, around)
    return 1 - squares / flat


@recipe("r_squared")
def _form() -> Smooth:
    return Smooth(function=_value, sides=((1,),))


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    target, target_checks = number_input(metric, "target", records)
    prediction, prediction_checks = number_input(metric, "prediction", records)
    # About a middle of all targets: raw sums of squares lose the digits of values far from 0.
    shifted = exp.paren(
        exp.Sub(
            this=column_expression("target"),
            expression=literal(middle_of(records, target.expression, where)),
        )
    )
    loss = sqlglot.parse_one("(prediction - target) * (prediction - target)", dialect="duckdb")
    measure = Measure(
        parts=(
            ("squared_errors", loss),
            ("rows", literal(1)),
            ("target", shifted),
            ("target_squared", exp.Mul(this=shifted.copy(), expression=shifted.copy())),
        ),
        inputs=(target, prediction),
        checks=target_checks + prediction_checks,
    )
    return MetricPlan(records=records, measure=measure, form=_form(), proportion=False)


R_SQUARED = Definition(
    name="r_squared",
    definition="1 − sum of (prediction − target)² / sum of (target − mean target)²",
    arguments=(TARGET, PREDICTION),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={"target": [1.0, 4.0, 4.0], "prediction": [2.0, 4.0, 5.0]},
        value=1 - (1 + 0 + 1) / (4 + 1 + 1),
    ),
    source="Wright (1921), Journal of Agricultural Research 20, 557-585",
    low=None,
    in_points=False,
    least_units=400,
)
