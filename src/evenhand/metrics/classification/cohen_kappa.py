"""Cohen's kappa: agreement of two raters beyond what chance would give.

For a judge and people who label the same answers, or for two people; of any number of classes.
"""

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.classification.counts import CLASS_LABEL, CLASS_PREDICTION, find_classes
from evenhand.metrics.definition import Definition, Example, Metric, Plan
from evenhand.metrics.inputs import class_inputs, indicator, negation
from evenhand.records import Records
from evenhand.stats.forms import Smooth


def _value(sums: Any) -> Any:
    agreed, wrong, margins = sums[..., 0], sums[..., 1], sums[..., 2:]
    rows = agreed + wrong
    observed = agreed / rows
    labels, predictions = margins[..., ::2], margins[..., 1::2]
    expected = (labels * predictions).sum(axis=-1) / (rows * rows)
    return (observed - expected) / (1 - expected)


def _build(metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None) -> Plan:
    del keep
    inputs = class_inputs(metric, records)
    same = exp.EQ(this=column_expression("label"), expression=column_expression("prediction"))
    margins = tuple(
        (
            f"{name}:{value}",
            indicator(exp.EQ(this=column_expression(name), expression=literal(value))),
        )
        for value in find_classes(metric, records, where)
        for name in ("label", "prediction")
    )
    measure = Measure(
        parts=(("agreed", indicator(same)), ("disagreed", indicator(negation(same))), *margins),
        inputs=inputs,
        moments=Moments.COUNTS,
        few_values=True,
    )
    form = Smooth(function=_value, sides=((0, 1),))
    return Plan(records=records, measure=measure, form=form, proportion=False)


COHEN_KAPPA = Definition(
    name="cohen_kappa",
    definition="(agreement − agreement by chance) / (1 − agreement by chance)",
    arguments=(CLASS_LABEL, CLASS_PREDICTION),
    build=_build,
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=(6 / 8 - 34 / 64) / (1 - 34 / 64),
    ),
    source="Cohen (1960), doi:10.1177/001316446002000104",
    low=-1.0,
    in_points=False,
)
