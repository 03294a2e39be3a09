"""Subset accuracy (exact match ratio): the share of rows whose set of labels is wholly right."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.multilabel.counts import same_rate
from evenhand.metrics.multilabel.sets import OF_SETS

SUBSET_ACCURACY = Definition(
    name="subset_accuracy",
    definition="rows whose two sets are the same / rows",
    arguments=OF_SETS,
    build=same_rate(),
    higher_is_worse=False,
    example=Example(
        columns={"label": ["cat, dog", "dog", "owl"], "prediction": ["dog,cat", "dog, owl", "owl"]},
        value=2 / 3,
    ),
    source="Tsoumakas & Katakis (2007), doi:10.4018/jdwm.2007070101",
)
