"""Mean of a column.  Where all its values are 0 or 1 it is a proportion, with a proportion's interval."""

from collections.abc import Sequence

from evenhand.cubes import Measure
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Argument, Definition, Example, Metric, MetricPlan, Takes
from evenhand.metrics.inputs import number_input
from evenhand.metrics.proportions import share_or_mean
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    value, checks = number_input(metric, "value", records)
    measure = Measure(
        parts=(("value", column_expression("value")), ("rows", literal(1))),
        inputs=(value,),
        checks=checks,
    )
    return share_or_mean(records, measure, where)


MEAN = Definition(
    name="mean",
    definition="sum of values / rows",
    arguments=(Argument(name="value", takes=Takes.NUMBER),),
    build=_build,
    higher_is_worse=True,
    example=Example(columns={"value": [1.0, 2.0, 6.0]}, value=3.0),
    source="Cochran (1977), Sampling Techniques, chapter 2",
    low=None,
    high=None,
    in_points=False,
)
