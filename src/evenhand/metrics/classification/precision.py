"""Precision (positive predictive value): of the rows predicted positive, the share that are."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

PRECISION = Definition(
    name="precision",
    definition="true positives / (true positives + false positives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(1, 0, 0, 0), denominator=(1, 1, 0, 0)),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=2 / 3,
    ),
    source="Fawcett (2006), doi:10.1016/j.patrec.2005.10.010",
    rests_on=RestsOn.SELECTED,
)
