"""False match rate: of the comparisons of different people, the share declared a match."""

from evenhand.metrics.definition import Definition, Example, RestsOn
from evenhand.metrics.verification.counts import MATCH, MATED, comparison_rate

# The independent unit of a comparison is the person, so name one with --unit.
FALSE_MATCH_RATE = Definition(
    name="false_match_rate",
    definition="matches of non-mated pairs / non-mated pairs",
    arguments=(MATED, MATCH),
    build=comparison_rate(numerator=(0, 1, 0, 0), denominator=(0, 1, 0, 1)),
    higher_is_worse=True,
    example=Example(
        columns={"mated": [1, 1, 1, 0, 0, 0, 0, 0], "match": [1, 1, 0, 1, 0, 0, 0, 0]},
        value=1 / 5,
    ),
    source="ISO/IEC 19795-1:2021; NIST IR 8280, doi:10.6028/NIST.IR.8280",
    rests_on=RestsOn.ALL,
)
