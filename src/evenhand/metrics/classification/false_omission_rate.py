"""False omission rate: of the rows predicted negative, the share that are positive."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

FALSE_OMISSION_RATE = Definition(
    name="false_omission_rate",
    definition="false negatives / (false negatives + true negatives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(0, 0, 1, 0), denominator=(0, 0, 1, 1)),
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=1 / 5,
    ),
    source="Berk et al. (2021), doi:10.1177/0049124118782533",
    rests_on=RestsOn.ALL,
)
