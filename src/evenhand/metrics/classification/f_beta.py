"""F-beta: mean of precision and recall in which recall counts beta times as much as precision."""

from evenhand.errors import InputError
from evenhand.metrics.classification.averages import Weights
from evenhand.metrics.classification.counts import OF_CONFUSION, confusion_rate
from evenhand.metrics.definition import Argument, Definition, Example, Metric, RestsOn, Takes

# Beyond this one of precision and recall decides alone, to rounding.
_MOST = 1000.0


def _squared(metric: Metric) -> float:
    beta = metric.option("beta")
    fine = isinstance(beta, int | float) and not isinstance(beta, bool) and 0 < beta <= _MOST
    if not fine:
        raise InputError(
            f"f_beta: beta is {beta!r}, but must be a number above 0 and at most {_MOST:g}: 2 counts recall "
            "double, 0.5 counts precision double."
        )
    assert isinstance(beta, int | float)
    return float(beta) ** 2


def _numerator(metric: Metric) -> Weights:
    return (1 + _squared(metric), 0, 0, 0)


def _denominator(metric: Metric) -> Weights:
    squared = _squared(metric)
    return (1 + squared, 1, squared, 0)


F_BETA = Definition(
    name="f_beta",
    definition="(1 + β²) · true positives / ((1 + β²) · true positives + false positives + β² · false negatives)",
    arguments=(
        *OF_CONFUSION,
        Argument(
            name="beta",
            takes=Takes.CONSTANT,
            means="a number above 0: how many times as much recall counts as precision",
        ),
    ),
    # As recall and precision do it needs positives, of labels and of predictions: one that counts beta² times
    # as much as all others decides alone.
    build=confusion_rate(
        numerator=_numerator,
        denominator=_denominator,
        proportion=False,
        needs=((0, 2), (0, 1)),
    ),
    higher_is_worse=False,
    example=Example(
        columns={"label": [1, 1, 1, 0, 0, 0, 0, 0], "prediction": [1, 0, 0, 1, 0, 0, 0, 0]},
        options={"beta": 2},
        value=5 / (5 + 1 + 4 * 2),
    ),
    source="van Rijsbergen (1979), Information Retrieval, chapter 7",
    rests_on=RestsOn.ALL,
)
