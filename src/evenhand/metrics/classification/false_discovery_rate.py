"""False discovery rate: of the rows predicted positive, the share that are not."""

from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Definition, Example, RestsOn

FALSE_DISCOVERY_RATE = Definition(
    name="false_discovery_rate",
    definition="false positives / (true positives + false positives)",
    arguments=OF_CONFUSION,
    build=confusion_rate(numerator=(0, 1, 0, 0), denominator=(1, 1, 0, 0)),
    higher_is_worse=True,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=1 / 3,
    ),
    source="Soric (1989), doi:10.1080/01621459.1989.10478811",
    rests_on=RestsOn.SELECTED,
)
