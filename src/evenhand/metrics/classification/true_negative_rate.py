"""True negative rate (specificity): of the negative rows, the share predicted negative."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

TRUE_NEGATIVE_RATE = Definition(
    name="true_negative_rate",
    definition="true negatives / (false positives + true negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(0, 0, 0, 1), denominator=(0, 1, 0, 1)),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=4 / 5,
    ),
    source="Fawcett (2006), doi:10.1016/j.patrec.2005.10.010",
    rests_on=RestsOn.ALL,
)
