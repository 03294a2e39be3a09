"""Jaccard index (critical success index): true positives of all rows that are positive or said to be."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

JACCARD = Definition(
    name="jaccard",
    definition="true positives / (true positives + false positives + false negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(1, 0, 0, 0), denominator=(1, 1, 1, 0)),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=2 / 4,
    ),
    source="Jaccard (1912), doi:10.1111/j.1469-8137.1912.tb05611.x",
    rests_on=RestsOn.ALL,
)
