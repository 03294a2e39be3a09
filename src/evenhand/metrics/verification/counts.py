"""What verification metrics count: comparisons of mated and non-mated pairs, matched or not."""

from collections.abc import Sequence

from evenhand.groups import Predicate
from evenhand.metrics.classification.averages import Weights
from evenhand.metrics.classification.counts import confusion_counts
from evenhand.metrics.definition import Argument, Builder, Metric, MetricPlan, Takes, rate
from evenhand.records import Records

MATED = Argument(name="mated", takes=Takes.BINARY)
MATCH = Argument(name="match", takes=Takes.BINARY)


def comparison_rate(numerator: Weights, denominator: Weights) -> Builder:
    """Plan of a ratio of comparison counts: a match is a positive, a mated pair a true one."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        del keep, where
        measure = confusion_counts(metric, records, actual="mated", predicted="match")
        return MetricPlan(
            records=records, measure=measure, form=rate(numerator, denominator), proportion=True
        )

    return build
