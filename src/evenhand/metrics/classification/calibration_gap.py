"""Calibration gap (calibration in the large): mean predicted probability less the rate of positives.

Where an outcome is rare, the few rows that have it carry the gap: with 8 % positives intervals of 95 % cover
93 % of 50 rows, with 3 % of them 89 % of 60 rows and 94 % of 100.
"""

from collections.abc import Sequence

import sqlglot

from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import LABEL, POSITIVE, SCORE, scored
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, rate
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    loss = sqlglot.parse_one("score - truth", dialect="duckdb")
    measure = scored(metric, records, loss)
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


# Signed: positive where the scores promise more positives than there are.
CALIBRATION_GAP = Definition(
    name="calibration_gap",
    definition="sum of (score − label) / rows",
    arguments=(LABEL, SCORE, POSITIVE),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 0, 1], "score": [0.9, 0.2, 0.4]},
        value=(1.5 - 2) / 3,
    ),
    source="Van Calster et al. (2019), doi:10.1186/s12916-019-1466-7",
    low=-1.0,
    least_units=50,
)
