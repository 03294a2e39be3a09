"""True positive rate (recall, sensitivity): of the positive rows, the share predicted positive."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

TRUE_POSITIVE_RATE = Definition(
    name="true_positive_rate",
    definition="true positives / (true positives + false negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(1, 0, 0, 0), denominator=(1, 0, 1, 0)),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=2 / 3,
    ),
    source="Fawcett (2006), doi:10.1016/j.patrec.2005.10.010",
    rests_on=RestsOn.ALL,
)
