"""Average precision: how many of those ranked as high as a positive are positives, on average over the positives.

It summarises the precision-recall curve, and depends on how frequent positives are: groups in which they
are rarer have a lower one at the same `auc`.  As there, more than 32 768 distinct scores are rounded
down to as many quantiles.
"""

from evenhand.metrics.classification.counts import LABEL, POSITIVE, ranking
from evenhand.metrics.definition import Argument, Definition, Example, RestsOn, Takes
from evenhand.stats.forms import AveragePrecision

AVERAGE_PRECISION = Definition(
    name="average_precision",
    definition="mean over the positives of (positives scoring at least as high / rows scoring at least as high)",
    arguments=(LABEL, Argument(name="score", takes=Takes.NUMBER), POSITIVE),
    build=ranking(AveragePrecision()),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 0, 0], "score": [0.9, 0.3, 0.3, 0.1]},
        value=(1 / 1 + 2 / 3) / 2,
    ),
    source="Boyd, Eng & Page (2013), doi:10.1007/978-3-642-40994-3_29",
    rests_on=RestsOn.ALL,
)
