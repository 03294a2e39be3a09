"""Every metric with its worked example."""

import importlib
import importlib.util
import inspect
from typing import Any

from evenhand.metrics import FAMILIES, Argument, Definition, Metric, Takes
from evenhand.metrics.speech.languages import languages
from reference_pages.page import by_family, page, table

#: Words for what an argument takes, for people.
TAKES = {
    Takes.BINARY: "yes or no: 0 and 1, true and false, a column with `positive=`, or a predicate",
    Takes.CLASS: "class labels",
    Takes.NUMBER: "numbers",
    Takes.PROBABILITY: "probabilities between 0 and 1",
    Takes.TEXT: "text",
    Takes.SET: "lists of labels, or texts such as `cat,dog`",
    Takes.CONSTANT: "an option, not a column",
}


def metrics_page() -> str:
    """Every metric with its worked example."""
    parts = [
        "# Metrics",
        (
            "Each metric maps a row to counts; its value is worked out from their sums over a group.  "
            "A metric is written `name(argument=column, …)`; arguments may also stand in their order, "
            "without names.  The worked examples are tested."
        ),
        *by_family(FAMILIES, ["family", "metrics"], _metric),
    ]
    return page(*parts, *_languages())


def _languages() -> list[str]:
    """What each language adds to the default normaliser."""
    intro = "`normalizer='turkish'` and the like add to `unicode` what the orthography of one language leaves open."
    rows = [[f"`{name}`", language.source] for name, language in languages().items()]
    return [
        "## Normalisers of languages",
        intro,
        table(["normalizer", "what it adds, and where that stands"], rows),
    ]


def _metric(definition: Definition, family: str) -> str:
    harm = "Higher is worse." if definition.higher_is_worse else "Lower is worse."
    unit = "percentage points" if definition.in_points else "the metric's own units"
    parts = [
        f"### {definition.name}",
        _prose(definition, family),
        f"*Definition:* {definition.definition}",
        f"*Usage:* `{definition.usage}`",
        f"*Direction:* {harm}  *Range:* {_range(definition)}.  *Differences* read in {unit}.",
        table(
            ["argument", "takes", "needed"],
            [_argument(argument) for argument in definition.arguments],
        ),
        _example(definition),
        f"*Source:* {definition.source}",
    ]
    return "\n\n".join(part for part in parts if part)


def _prose(definition: Definition, family: str) -> str:
    """Return what the metric's own file says about it."""
    folder = "generic" if family == "any two columns" else family
    name = f"evenhand.metrics.{folder}.{definition.name}"
    if importlib.util.find_spec(name) is None:
        return ""
    return inspect.getdoc(importlib.import_module(name)) or ""


def _range(definition: Definition) -> str:
    low, high = definition.low, definition.high
    if low is None and high is None:
        return "any number"
    if high is None:
        return f"{low:g} and above"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


def _argument(argument: Argument) -> list[str]:
    takes = ", ".join(f"`'{choice}'`" for choice in argument.choices) or TAKES[argument.takes]
    if argument.takes is Takes.CONSTANT and argument.several:
        takes = "values of the columns, in brackets: `('a', 'b')`"
    elif argument.several:
        many = (
            f"columns of {takes}" if argument.least > 1 else f"{takes}; or a column of each class"
        )
        takes = f"{many}, in brackets: `(a, b)`"
    needed = (
        "yes"
        if argument.required
        else "no" + (f" (`'{argument.default}'`)" if argument.default else "")
    )
    return [f"`{argument.name}`", takes, needed]


def _example(definition: Definition) -> str:
    example = definition.example
    names = {argument.name for argument in definition.arguments}
    bound = {name: name for name in example.columns if name in names}
    written = Metric(definition=definition, given={**bound, **example.options})
    rows = [[_cell(value) for value in row] for row in zip(*example.columns.values(), strict=True)]
    return f"{table(list(example.columns), rows)}\n\n`{written.text}` = {example.value:.6g}"


def _cell(value: Any) -> str:
    return "*(missing)*" if value is None else "*(empty)*" if value == "" else str(value)
