"""Every metric with its worked example."""

import importlib
import importlib.util
import inspect
from typing import Any

from evenhand.metrics import FAMILIES, Argument, Definition
from evenhand.metrics.described import (
    difference_unit,
    example_metric,
    harm,
    needed,
    takes,
    value_range,
)
from evenhand.metrics.speech.languages import languages
from reference_pages.page import by_family, page, table


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
    parts = [
        f"### {definition.name}",
        _prose(definition, family),
        f"*Definition:* {definition.definition}",
        f"*Usage:* `{definition.usage}`",
        (
            f"*Direction:* {harm(definition)}  *Range:* {value_range(definition)}.  "
            f"*Differences* read in {difference_unit(definition)}."
        ),
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


def _argument(argument: Argument) -> list[str]:
    return [f"`{argument.name}`", takes(argument), needed(argument)]


def _example(definition: Definition) -> str:
    example = definition.example
    rows = [[_cell(value) for value in row] for row in zip(*example.columns.values(), strict=True)]
    written = example_metric(definition).text
    return f"{table(list(example.columns), rows)}\n\n`{written}` = {example.value:.6g}"


def _cell(value: Any) -> str:
    return "*(missing)*" if value is None else "*(empty)*" if value == "" else str(value)
