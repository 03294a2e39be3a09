"""Hamming loss: the share of all decisions, one for each label of each row, that are wrong.

The labels are those that occur in the table or that ``labels=`` names, so that more labels that nobody
confuses make it smaller.
"""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.multilabel.counts import loss_rate
from evenhand.metrics.multilabel.sets import OF_SETS

HAMMING_LOSS = Definition(
    name="hamming_loss",
    definition="labels added or missed / (rows · labels)",
    arguments=OF_SETS,
    build=loss_rate(),
    higher_is_worse=True,
    example=Example(
        columns={"label": ["cat, dog", "dog", "owl"], "prediction": ["cat", "dog, owl", "owl"]},
        options={"labels": ("cat", "dog", "owl")},
        value=2 / 9,
    ),
    source="Schapire & Singer (2000), doi:10.1023/A:1007649029923",
)
