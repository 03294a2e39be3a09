"""Brier score: mean squared difference of the predicted probability and the outcome."""

from collections.abc import Sequence

import sqlglot

from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import LABEL, POSITIVE, SCORE, scored
from evenhand.metrics.definition import Definition, Example, Metric, Plan, rate
from evenhand.records import Records


def _build(metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None) -> Plan:
    del keep, where
    loss = sqlglot.parse_one("(score - truth) * (score - truth)", dialect="duckdb")
    measure = scored(metric, records, loss)
    return Plan(records=records, measure=measure, form=rate((1, 0), (0, 1)), proportion=False)


BRIER = Definition(
    name="brier",
    definition="sum of (score − label)² / rows",
    arguments=(LABEL, SCORE, POSITIVE),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 0, 1], "score": [0.9, 0.2, 0.4]},
        value=(0.01 + 0.04 + 0.36) / 3,
    ),
    source="Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",
    in_points=False,
)
