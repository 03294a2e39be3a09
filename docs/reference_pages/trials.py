"""Conditions, measures, plans, services and records of trials."""

import dataclasses
import importlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.conditions import FAMILIES as CONDITIONS
from evenhand.conditions import ConditionDefinition as Condition
from evenhand.samples import MEASURES
from evenhand.services.catalogue import KINDS, RUN_FIELDS, fields_of
from evenhand.services.service import Price
from evenhand.trials import plan as plans
from evenhand.trials import records as trial_records
from evenhand.trials import scoring, words
from reference_pages.page import by_family, page, table, told_by

DOCS = Path(__file__).parents[1]


def conditions_page() -> str:
    """Every condition with its parameters."""
    parts = [
        "# Conditions",
        (
            "A condition is written `name(parameter=value, …)`; several follow each other when they are joined by "
            "`|`.  Its randomness comes from a seed: the same sample, condition and seed give the same media.  "
            "`evenhand conditions NAME` tells the same."
        ),
        *by_family(
            CONDITIONS, ["samples", "conditions"], lambda definition, _: _condition(definition)
        ),
    ]
    return page(*parts)


def _condition(definition: Condition) -> str:
    rows = [
        [
            f"`{each.name}`",
            each.allowed,
            "must be given" if each.required else _default(each.default),
            each.about,
        ]
        for each in definition.parameters
    ]
    parts = [f"### {definition.name}", definition.about, f"*Usage:* `{definition.usage}`"]
    parts += [table(["parameter", "allowed", "default", "what it is"], rows)] if rows else []
    return "\n\n".join([*parts, f"*Source:* {definition.source}"])


def _default(value: Any) -> str:
    return "–" if value is None else f"`{value}`"


def measures_page() -> str:
    """Every measure of a sample."""
    parts = [
        "# Measures",
        (
            "A trial measures its samples before any condition; the records call a measure `measured_NAME`.  "
            "No measure says who a person is: that comes from the people themselves, as an attribute of the manifest."
        ),
    ]
    for kind, measures in MEASURES.items():
        rows = [[f"`{m.name}`", m.unit or "–", m.about, m.undefined, m.source] for m in measures]
        head = ["measure", "unit", "what it is", "missing where", "source"]
        parts += [f"## {kind[0].upper()}{kind[1:]}", table(head, rows)]
    return page(*parts)


def trials_page() -> str:
    """Every key of a plan, every kind of service and score, every column and reason."""
    meanings = tomllib.loads((DOCS / "plan_keys.toml").read_text(encoding="utf-8"))
    own = ("kind", "name", *RUN_FIELDS)
    scores = {kind: ", ".join(f"`{o}`" for o in scoring.OPTIONS[kind]) for kind in scoring.OPTIONS}
    explained = _explained("score_kinds", meanings["score_kinds"], list(scores))
    return page(
        "# Trials: plans, services, records",
        "[How to use them](../trials.md).  All faults of a plan are told at once, before anything is called.",
        "## [trial]",
        _keys("trial", meanings, plans.TRIAL_FIELDS),
        "## [samples]",
        _keys("samples", meanings, plans.SAMPLE_FIELDS),
        "## [[conditions]]",
        _keys("conditions", meanings, ("apply", "name", "sweep", "seeds")),
        "## [[services]]",
        _keys("services", meanings, own),
        *(line for kind in KINDS for line in _service(kind, meanings["fields"], own)),
        "### price",
        _keys("price", meanings, [field.name for field in dataclasses.fields(Price)]),
        "## [[scores]]",
        _keys("scores", meanings, ("kind", "column", "against")),
        table(
            ["kind", "options", "meaning"],
            [[f"`{kind}`", scores[kind] or "–", explained[kind]] for kind in scores],
        ),
        "## Records",
        (
            "One row per sample, condition, service and repeat.  Beside these columns stand the sample's attributes, "
            "its unit, its measures, the conditions' parameters and the scores.  An attribute of the same name as "
            "one of these is written `attribute_NAME`."
        ),
        _keys("columns", meanings, trial_records.COLUMNS),
        "## Reasons",
        "`http_NNN` is a reply with that status.",
        table(["reason", "meaning"], [[f"`{k}`", v] for k, v in words.REASONS.items()]),
    )


def _keys(section: str, meanings: Mapping[str, Mapping[str, str]], names: Sequence[str]) -> str:
    explained = _explained(section, meanings[section], names)
    return table(["key", "meaning"], [[f"`{name}`", explained[name]] for name in names])


def _explained(section: str, found: Mapping[str, str], names: Sequence[str]) -> Mapping[str, str]:
    if set(found) != set(names):
        odd = sorted(set(found) ^ set(names))
        raise ValueError(f"docs/plan_keys.toml must explain each of {section}, and no other: {odd}")
    return found


def _service(kind: str, common: Mapping[str, str], own: Sequence[str]) -> Iterator[str]:
    entry = KINDS[kind]
    built = getattr(importlib.import_module(entry.module), entry.type)
    told = told_by(built) | {k: told_by(built).get(v, "") for k, v in entry.renamed.items()}
    rows = []
    for name, needed in fields_of(kind).items():
        if name in own:
            continue
        meaning = common.get(name) or told.get(name)
        if not meaning:
            raise ValueError(f"Neither docs/plan_keys.toml nor {entry.type} explains {name}")
        rows.append([f"`{name}`", "yes" if needed else "no", meaning])
    yield f"### {kind}"
    yield f"{entry.about[0].upper()}{entry.about[1:]}."
    if rows:
        yield table(["field", "needed", "meaning"], rows)
