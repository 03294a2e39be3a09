"""False negative rate (miss rate): of the positive rows, the share predicted negative."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

FALSE_NEGATIVE_RATE = Definition(
    name="false_negative_rate",
    definition="false negatives / (true positives + false negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(0, 0, 1, 0), denominator=(1, 0, 1, 0)),
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=1 / 3,
    ),
    source="Fawcett (2006), doi:10.1016/j.patrec.2005.10.010",
    rests_on=RestsOn.ALL,
)
