"""Selection rate: the share of rows predicted positive, whatever the label."""

from collections.abc import Sequence

from evenhand.cubes import Measure, Moments
from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import POSITIVE, PREDICTION
from evenhand.metrics.definition import Definition, Example, Metric, Plan, rate
from evenhand.metrics.inputs import binary_input, check_occurs, indicator, negation
from evenhand.records import Records


def _build(metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None) -> Plan:
    del keep, where
    check_occurs(metric, "prediction", records)
    prediction, selected, checks = binary_input(metric, "prediction", records)
    measure = Measure(
        parts=(("selected", indicator(selected)), ("not_selected", indicator(negation(selected)))),
        inputs=(prediction,),
        checks=checks,
        moments=Moments.INDICATORS,
        few_values=True,
    )
    return Plan(records=records, measure=measure, form=rate((1, 0), (1, 1)), proportion=True)


# Being selected is taken for the favourable outcome, as in the law on hiring; where it is the
# adverse one (predicted high risk), audit with worse="higher".
SELECTION_RATE = Definition(
    name="selection_rate",
    definition="rows predicted positive / rows",
    arguments=(PREDICTION, POSITIVE),
    build=_build,
    higher_is_worse=False,
    example=Example(columns={"prediction": [1, 0, 1, 1]}, value=3 / 4),
    source="29 CFR 1607.4(D); NYC Local Law 144, 6 RCNY 5-301",
)
