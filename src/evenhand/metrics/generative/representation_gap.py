"""Who is mentioned: mentions of one group less those of another, over all of them.

Half its size is HELM's bias in demographic representation of two groups (the total variation
distance to equal mention), kept with its sign.  By the profession that a prompt asks for
(``--by profession``) it is the stereotypical association of each profession, with its interval.
"""

from collections.abc import Sequence

from evenhand.cubes import Measure
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression
from evenhand.metrics.definition import (
    Argument,
    Definition,
    Example,
    Metric,
    MetricPlan,
    Takes,
    rate,
)
from evenhand.metrics.inputs import number_input
from evenhand.records import Records

_WHAT = "mentions are counted: a number of at least 0"


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    first, first_checks = number_input(metric, "first", records, low=0.0, what=_WHAT)
    second, second_checks = number_input(metric, "second", records, low=0.0, what=_WHAT)
    measure = Measure(
        parts=(("first", column_expression("first")), ("second", column_expression("second"))),
        inputs=(first, second),
        checks=first_checks + second_checks,
    )
    return MetricPlan(
        records=records, measure=measure, form=rate((1, -1), (1, 1)), proportion=False
    )


REPRESENTATION_GAP = Definition(
    name="representation_gap",
    definition="(mentions of first − mentions of second) / (mentions of first or second)",
    arguments=(
        Argument(name="first", takes=Takes.NUMBER),
        Argument(name="second", takes=Takes.NUMBER),
    ),
    build=_build,
    higher_is_worse=True,
    example=Example(columns={"first": [3, 0, 2], "second": [1, 1, 0]}, value=(5 - 2) / 7),
    source="Liang et al. (2022), Holistic Evaluation of Language Models, section 4.7, arXiv 2211.09110",
    low=-1.0,
)
