"""AUC: the probability that a positive row scores above a negative one, ties counting a half.

AUC is no ratio of sums: each row is compared with all others.  It is made from counts all the
same, those of positives and negatives at each distinct score, kept as levels of the cube; its
influence values are DeLong's placements (see `evenhand.stats.forms.AreaUnderCurve`).  More than
32 768 distinct scores are rounded down to as many quantiles; pairs within one of them count a half.
"""

from evenhand.metrics.classification.counts import LABEL, POSITIVE, ranking
from evenhand.metrics.definition import Argument, Definition, Example, RestsOn, Takes
from evenhand.stats.forms import AreaUnderCurve

AUC = Definition(
    name="auc",
    definition="pairs in which the positive scores above the negative / pairs",
    arguments=(LABEL, Argument(name="score", takes=Takes.NUMBER), POSITIVE),
    build=ranking(AreaUnderCurve()),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 0, 0], "score": [0.9, 0.3, 0.3, 0.1]},
        value=3.5 / 4,
    ),
    source="Hanley & McNeil (1982), doi:10.1148/radiology.143.1.7063747; DeLong et al. (1988), doi:10.2307/2531595",
    rests_on=RestsOn.ALL,
)
