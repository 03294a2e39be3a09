"""F1: harmonic mean of precision and recall, which is itself a ratio of counts."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

# A row counts 0, 1 or 2 in numerator and denominator, so that F1 is no proportion of rows:
# its interval is linearised, not Wilson's.
F1 = Definition(
    name="f1",
    definition="2 · true positives / (2 · true positives + false positives + false negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(2, 0, 0, 0), denominator=(2, 1, 1, 0), proportion=False),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=4 / 6,
    ),
    source="van Rijsbergen (1979), Information Retrieval, chapter 7",
    rests_on=RestsOn.ALL,
)
