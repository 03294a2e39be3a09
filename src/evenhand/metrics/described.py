"""A metric as people read of it: what it takes, its range, and its worked example with the counts behind it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.cubes import build_cube
from evenhand.deferred import pyarrow as pa
from evenhand.metrics.catalogue import DEFINITIONS
from evenhand.metrics.definition import Argument, Definition, Metric, Takes
from evenhand.records import open_records

#: What an argument takes.
_TAKES = {
    Takes.BINARY: "yes or no: 0 and 1, true and false, a column with `positive=`, or a predicate",
    Takes.CLASS: "class labels",
    Takes.NUMBER: "numbers",
    Takes.PROBABILITY: "probabilities between 0 and 1",
    Takes.TEXT: "text",
    Takes.SET: "lists of labels, or texts such as `cat,dog`",
    Takes.CONSTANT: "an option, not a column",
}


_NORMALIZER = re.compile(r"\bnormalizer='(\w+)'")


def normalizer_told(expression: str) -> str:
    """What a metric takes for the same text, in a sentence for its page; empty for metrics that read no text.

    Examples
    --------
    >>> normalizer_told("wer(reference=said, hypothesis=heard)")
    'Texts are compared under the normaliser “unicode”, which decides what counts as the same.'
    >>> normalizer_told("cer(reference=said, hypothesis=heard, normalizer='none')")
    'Texts are compared as they stand, under no normaliser.'
    >>> normalizer_told("error_rate(label=ill, prediction=flag)")
    ''
    """
    definition = DEFINITIONS.get(expression.partition("(")[0])
    arguments = definition.arguments if definition is not None else ()
    default = next((each.default for each in arguments if each.name == "normalizer"), None)
    if default is None:
        return ""
    used = [*_NORMALIZER.findall(expression), default][0]
    if used == "none":
        return "Texts are compared as they stand, under no normaliser."
    return (
        f"Texts are compared under the normaliser “{used}”, which decides what counts as the same."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedExample:
    """A metric on a few rows.

    Attributes
    ----------
    expression : str
        The metric as it is written for them.
    columns : tuple of str
    rows : tuple of tuple
        What stands in the columns.
    value : float
        Worked out by hand.
    counts : dict
        What the value is worked out from, by name.
    """

    expression: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    value: float
    counts: dict[str, float]


def work_out(definition: Definition) -> WorkedExample:
    """The worked example of a metric, counted as an audit counts."""
    example = definition.example
    metric = example_metric(definition)
    records = open_records(pa.table(dict(example.columns)))
    plan = metric.plan(records)
    cube = build_cube(plan.records, plan.measure, ())
    sums: Sequence[float] = cube.sums.sum(axis=0).tolist()
    records.close()
    return WorkedExample(
        expression=metric.text,
        columns=tuple(example.columns),
        rows=tuple(zip(*example.columns.values(), strict=True)),
        value=example.value,
        counts=dict(zip(cube.parts, sums, strict=True)),
    )


def example_metric(definition: Definition) -> Metric:
    """The metric bound to the columns of its example."""
    names = {argument.name for argument in definition.arguments}
    bound = {name: name for name in definition.example.columns if name in names}
    return Metric(definition=definition, given={**bound, **definition.example.options})


def value_range(definition: Definition) -> str:
    """The values that it may have."""
    low, high = definition.low, definition.high
    if low is None and high is None:
        return "any number"
    if high is None:
        return f"{low:g} and above"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


def takes(argument: Argument) -> str:
    """What an argument takes; code stands in backticks."""
    listed = ", ".join(f"`'{choice}'`" for choice in argument.choices)
    one = listed or argument.means or _TAKES[argument.takes]
    if not argument.several:
        return one
    if argument.takes is Takes.CONSTANT:
        return "values of the columns, in brackets: `('a', 'b')`"
    several = f"columns of {one}" if argument.least > 1 else f"{one}; or a column of each class"
    return f"{several}, in brackets: `(a, b)`"


def needed(argument: Argument) -> str:
    """Whether an argument must be given, and what stands for it where it is not."""
    if argument.required:
        return "yes"
    return "no" + (f" (`'{argument.default}'`)" if argument.default else "")


def harm(definition: Definition) -> str:
    """Which way harm lies."""
    if definition.higher_is_worse is None:
        return "Said with --worse: it has no direction of harm of its own."
    return "Higher is worse." if definition.higher_is_worse else "Lower is worse."


def difference_unit(definition: Definition) -> str:
    """In what differences read."""
    return "percentage points" if definition.in_points else "the metric's own units"
