"""Scoring rate of NYC Local Law 144: the share of a group that scores above the sample's median."""

from collections.abc import Sequence

from sqlglot import exp

from evenhand.cubes import Measure, Moments, median
from evenhand.cubes.measure import Input
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import (
    Argument,
    Definition,
    Example,
    Metric,
    MetricPlan,
    RestsOn,
    Takes,
    rate,
)
from evenhand.metrics.inputs import indicator, negation, number_input
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep
    score, checks = number_input(metric, "score", records)
    above = exp.GT(
        this=column_expression("score"), expression=literal(_median(records, score, where))
    )
    measure = Measure(
        parts=(("above", indicator(above)), ("not_above", indicator(negation(above)))),
        inputs=(score,),
        checks=checks,
        moments=Moments.INDICATORS,
    )
    return MetricPlan(records=records, measure=measure, form=rate((1, 0), (1, 1)), proportion=True)


def _median(records: Records, score: Input, where: Predicate | None) -> float:
    """Median over all rows audited, as the rule's definition of the sample asks."""
    dialect = records.engine.dialect
    kept = to_expression(where).sql(dialect) if where is not None else "TRUE"
    found = median(records, score.expression.sql(dialect), kept)
    return 0.0 if found is None else found


SCORING_RATE = Definition(
    name="scoring_rate",
    definition="rows scoring above the median of all rows / rows",
    arguments=(Argument(name="score", takes=Takes.NUMBER),),
    build=_build,
    higher_is_worse=False,
    example=Example(columns={"score": [1, 2, 3, 4, 5]}, value=2 / 5),
    weighable=False,
    source="NYC Local Law 144 of 2021, rules of 2023, 6 RCNY 5-300",
    rests_on=RestsOn.ALL,
)
