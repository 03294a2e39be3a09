"""Jaccard index of sets of labels: labels hit of all that are right or were given."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.multilabel.counts import OF_AVERAGES, overlap_rate

SET_JACCARD = Definition(
    name="set_jaccard",
    definition="labels hit / labels right or given",
    arguments=OF_AVERAGES,
    build=overlap_rate(numerator=(1, 0, 0), denominator=(1, 1, 1)),
    higher_is_worse=False,
    example=Example(
        columns={"label": ["cat, dog", "dog", "owl"], "prediction": ["cat", "dog, owl", "owl"]},
        value=3 / 5,
    ),
    source="Godbole & Sarawagi (2004), doi:10.1007/978-3-540-24775-3_5; "
    "Tsoumakas & Katakis (2007), doi:10.4018/jdwm.2007070101",
)
