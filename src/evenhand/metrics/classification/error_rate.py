"""Error rate (zero-one loss): the share of rows whose prediction is not the label."""

from collections.abc import Sequence

from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import CLASS_LABEL, CLASS_PREDICTION, agreement
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, RestsOn, rate
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    form = rate((0, 1), (1, 1))
    return MetricPlan(
        records=records, measure=agreement(metric, records), form=form, proportion=True
    )


ERROR_RATE = Definition(
    name="error_rate",
    definition="wrong rows / rows",
    arguments=(CLASS_LABEL, CLASS_PREDICTION),
    build=_build,
    higher_is_worse=True,
    example=Example(
        columns={"label": ["cat", "dog", "dog", "owl"], "prediction": ["cat", "cat", "dog", "dog"]},
        value=2 / 4,
    ),
    source="Fawcett (2006), doi:10.1016/j.patrec.2005.10.010",
    rests_on=RestsOn.ALL,
)
