"""F1 of sets of labels: harmonic mean of their precision and recall.

``average='micro'`` takes all labels together, ``'macro'`` is the mean of the labels' own, ``'weighted'`` that
mean by how many rows have the label, ``'samples'`` the mean of the rows' own.
"""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.multilabel.counts import OF_AVERAGES, overlap_rate

SET_F1 = Definition(
    name="set_f1",
    definition="2 · labels hit / (labels given + right labels)",
    arguments=OF_AVERAGES,
    build=overlap_rate(numerator=(2, 0, 0), denominator=(2, 1, 1)),
    higher_is_worse=False,
    example=Example(
        columns={"label": ["cat, dog", "dog", "owl"], "prediction": ["cat", "dog, owl", "owl"]},
        value=6 / 8,
    ),
    source="Godbole & Sarawagi (2004), doi:10.1007/978-3-540-24775-3_5; "
    "Tsoumakas & Katakis (2007), doi:10.4018/jdwm.2007070101",
)
