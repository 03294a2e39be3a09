"""Root mean squared error, in the target's units.

Squares of errors with a heavy tail hang on rows that a sample mostly lacks: of errors in proportion to lognormal
targets intervals of 95 % covered 78 % of 60 rows and 83 % of 200.  There `mae`, `mape` and
`median_absolute_error` say more.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlglot

from evenhand.groups import Predicate
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan
from evenhand.metrics.regression.counts import PREDICTION, TARGET, error_measure
from evenhand.records import Records
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _value(sums: Any) -> Any:
    return np.sqrt(sums[..., 0] / sums[..., 1])


@recipe("rmse")
def _form() -> Smooth:
    return Smooth(function=_value, sides=((1,),))


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    loss = sqlglot.parse_one("(prediction - target) * (prediction - target)", dialect="duckdb")
    measure = error_measure(metric, records, loss)
    return MetricPlan(
        records=records,
        measure=measure,
        form=_form(),
        proportion=False,
    )


RMSE = Definition(
    name="rmse",
    definition="√(sum of (prediction − target)² / rows)",
    arguments=(TARGET, PREDICTION),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"target": [1.0, 4.0], "prediction": [2.0, 2.0]},
        value=(5 / 2) ** 0.5,
    ),
    source="Gauss (1823), Theoria combinationis observationum",
    high=None,
    in_points=False,
    least_units=30,
)
