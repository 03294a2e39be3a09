"""Selection rate: the share of rows predicted positive, whatever the label."""

from collections.abc import Sequence

from evenhand.cubes import Measure, Moments
from evenhand.errors import Note
from evenhand.groups import Predicate
from evenhand.metrics.classification.counts import POSITIVE, PREDICTION
from evenhand.metrics.definition import Definition, Example, Metric, MetricPlan, RestsOn, rate
from evenhand.metrics.inputs import binary_input, indicator, negation, never_occurs
from evenhand.records import Records


def _build(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    del keep, where
    # Nobody selected is a result, and so 0; a slip of the pen looks the same, and is told.
    never = never_occurs(metric, "prediction", records)
    notes = (
        (Note(code="positive_never_occurs", text=f"Nobody is selected: {never}"),) if never else ()
    )
    prediction, selected, checks = binary_input(metric, "prediction", records)
    measure = Measure(
        parts=(("selected", indicator(selected)), ("not_selected", indicator(negation(selected)))),
        inputs=(prediction,),
        checks=checks,
        moments=Moments.INDICATORS,
        few_values=True,
    )
    return MetricPlan(
        records=records, measure=measure, form=rate((1, 0), (1, 1)), proportion=True, notes=notes
    )


# Being selected is the favourable outcome in the law on hiring, and the adverse one where a high risk
# is predicted: a default would call the favoured group harmed in one of the two.
SELECTION_RATE = Definition(
    name="selection_rate",
    definition="rows predicted positive / rows",
    arguments=(PREDICTION, POSITIVE),
    build=_build,
    higher_is_worse=None,
    directions=(
        "who is selected more often is worse off, as where a risk, a fraud or an alarm is predicted.",
        "who is selected less often is worse off, as in hiring, lending or admission.",
    ),
    example=Example(columns={"prediction": [1, 0, 1, 1]}, value=3 / 4),
    source="29 CFR 1607.4(D); NYC Local Law 144, 6 RCNY 5-301",
    rests_on=RestsOn.ALL,
)
