"""False positive rate (fall-out): of the negative rows, the share predicted positive."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

FALSE_POSITIVE_RATE = Definition(
    name="false_positive_rate",
    definition="false positives / (false positives + true negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(0, 1, 0, 0), denominator=(0, 1, 0, 1)),
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=1 / 5,
    ),
    source="Fawcett (2006), doi:10.1016/j.patrec.2005.10.010",
    rests_on=RestsOn.ALL,
)
