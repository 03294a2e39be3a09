"""Ratio of two columns' sums: any numerator over any denominator.

Where each row adds 0 or 1 to both, and no more above than below, it is a proportion.
"""

from collections.abc import Sequence

from evenhand.cubes import Measure
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression
from evenhand.metrics.definition import Argument, Definition, Example, Metric, MetricPlan, Takes
from evenhand.metrics.inputs import number_input
from evenhand.metrics.proportions import share_or_mean
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    numerator, above = number_input(metric, "numerator", records)
    denominator, below = number_input(
        metric,
        "denominator",
        records,
        low=0.0,
        what="a denominator counts something: it is a number of at least 0",
    )
    measure = Measure(
        parts=(
            ("numerator", column_expression("numerator")),
            ("denominator", column_expression("denominator")),
        ),
        inputs=(numerator, denominator),
        checks=above + below,
    )
    return share_or_mean(records, measure, where)


RATIO = Definition(
    name="ratio",
    definition="sum of numerators / sum of denominators",
    arguments=(
        Argument(name="numerator", takes=Takes.NUMBER),
        Argument(name="denominator", takes=Takes.NUMBER),
    ),
    build=_build,
    higher_is_worse=True,
    example=Example(columns={"numerator": [1, 0, 3], "denominator": [4, 6, 10]}, value=4 / 20),
    source="Cochran (1977), Sampling Techniques, chapter 6",
    low=None,
    high=None,
    in_points=False,
)
