"""Write the reference pages from the package itself.

Run ``python docs/generate.py`` after a change of metrics, options, results or public names;
``--check`` writes nothing, says what differs and exits 1.
"""

import argparse
import dataclasses
import difflib
import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

import evenhand
from evenhand import bounty
from evenhand.audits import result
from evenhand.bounty.judging import practice
from evenhand.bounty.telling import outcome, standing
from evenhand.cli import app
from evenhand.conditions import FAMILIES as CONDITIONS
from evenhand.conditions import Definition as Condition
from evenhand.differential import result as costs
from evenhand.errors import Note
from evenhand.metrics import FAMILIES, Argument, Definition, Metric, Takes
from evenhand.metrics.speech.languages import languages
from evenhand.samples import MEASURES
from evenhand.services.catalogue import KINDS, RUN_FIELDS, fields_of
from evenhand.services.service import Price
from evenhand.slicing import result as found
from evenhand.trials import plan as plans
from evenhand.trials import records as trial_records
from evenhand.trials import scoring, words
from evenhand.trials import trial as summary

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py. Change the package, not this page. -->"
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a page differs"
    )
    check = parser.parse_args(arguments).check
    differences = [
        line for name, text in pages() for line in _settle(DOCS / "reference" / name, text, check)
    ]
    for line in differences:
        sys.stderr.write(line + "\n")
    return 1 if differences else 0


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of each reference page."""
    yield "metrics.md", metrics_page()
    yield "command-line.md", command_line_page()
    yield "json.md", json_page()
    yield "python.md", python_page()
    yield "conditions.md", conditions_page()
    yield "measures.md", measures_page()
    yield "trials.md", trials_page()


def _settle(path: Path, text: str, check: bool) -> list[str]:
    """Write a page; or, where only checking, the lines that differ."""
    if not check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return []
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    name = f"docs/reference/{path.name}"
    lines = difflib.unified_diff(
        found.splitlines(), text.splitlines(), name, "as the package has it", lineterm="", n=0
    )
    changed = list(lines)
    return [*changed, f"{name} differs.  Run: python docs/generate.py"] if changed else []


def _page(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in (*parts[:1], NOTICE, *parts[1:])) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


# -- metrics -------------------------------------------------------------------------------------


def metrics_page() -> str:
    """Every metric with its worked example."""
    parts = [
        "# Metrics",
        (
            "Each metric maps a row to counts; its value is worked out from their sums over a group.  "
            "A metric is written `name(argument=column, …)`; arguments may also stand in their order, "
            "without names.  The worked examples are tested."
        ),
        _table(
            ["family", "metrics"],
            [
                [name, ", ".join(f"[`{d.name}`](#{d.name})" for d in family)]
                for name, family in FAMILIES.items()
            ],
        ),
    ]
    for name, family in FAMILIES.items():
        parts.append(f"## {name[0].upper()}{name[1:]}")
        parts += [_metric(definition, name) for definition in family]
    return _page(*parts, *_languages())


def _languages() -> list[str]:
    """What each language adds to the default normaliser."""
    intro = "`normalizer='turkish'` and the like add to `unicode` what the orthography of one language leaves open."
    rows = [[f"`{name}`", language.source] for name, language in languages().items()]
    return [
        "## Normalisers of languages",
        intro,
        _table(["normalizer", "what it adds, and where that stands"], rows),
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
        _table(
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
    return f"{_table(list(example.columns), rows)}\n\n`{written.text}` = {example.value:.6g}"


def _cell(value: Any) -> str:
    return "*(missing)*" if value is None else "*(empty)*" if value == "" else str(value)


# -- command line --------------------------------------------------------------------------------


def command_line_page() -> str:
    """Write the help text of every command."""
    parts = [
        "# Command line",
        (
            "Exit codes: `0` done · `1` a bounty's log does not prove its model · `2` you must change something "
            "(the message says what) · `3` refused: no group could be given an interval, no slice is worse, "
            "nothing submitted was proven, or the ledger is spent · `130` interrupted."
        ),
        f"```text\n{help_text()}\n```",
    ]
    for name in commands():
        parts += [f"## evenhand {name}", f"```text\n{help_text(*name.split())}\n```"]
    return _page(*parts)


def commands() -> list[str]:
    """All commands, sorted; those of a bounty follow it."""
    out = []
    for name in sorted(name for name in app if not name.startswith("-")):
        inner = app[name] if name == "bounty" else ()
        out += [name, *(f"{name} {verb}" for verb in inner if not verb.startswith("-"))]
    return out


def help_text(*command: str) -> str:
    """Return what ``evenhand COMMAND --help`` prints: 100 columns wide, no colour."""
    surroundings = {
        **os.environ,
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    printed = started([*command, "--help"], surroundings)
    return "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())


def started(words: Sequence[str], surroundings: Mapping[str, str]) -> str:
    """Return what a command prints, as a process that loads the package anew."""
    command = [sys.executable, "-c", "from evenhand.cli import main; main()", *words]
    done = subprocess.run(
        command, env=surroundings, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout


# -- JSON ----------------------------------------------------------------------------------------


def json_page() -> str:
    """Every field of the JSON that commands print."""
    meanings = tomllib.loads((DOCS / "json_fields.toml").read_text(encoding="utf-8"))
    audit, slices = meanings.pop("audit"), meanings.pop("slices")
    effects, trial = meanings.pop("effects"), meanings.pop("trial")
    settings = slices.pop("settings")
    bounties = meanings.pop("bounty")
    ledger = bounties.pop("ledger")
    _all_known(meanings, ())
    _all_known(audit, (result.Result, *_audit_parts().values()))
    _all_known(slices, (found.Result, *_slices_parts().values()))
    _all_known(effects, (costs.Result, *_effects_parts().values()))
    _all_known(trial, (summary.Trial, *_trial_parts().values()))
    _all_known(bounties, (outcome.Outcome, *_bounty_parts().values()))
    return _page(
        "# JSON",
        (
            "There is no NaN and no infinity: a number that cannot be given is `null`, and a `reason` beside it "
            "says why."
        ),
        "Reasons:\n\n"
        + _table(["reason", "meaning"], [[f"`{k}`", v] for k, v in _reasons().items()]),
        "## Audit",
        (
            f"`evenhand audit … --json` and `Audit.to_json()` give one object under the schema `{result.SCHEMA}`; "
            "several metrics give an array of them."
        ),
        *_object(result, _audit_parts(), audit),
        "## Slices",
        (
            f"`evenhand slices … --json` and `Slices.to_json()` give one object under the schema `{found.SCHEMA}`; "
            "`Slices.from_dict` reads it back."
        ),
        *_object(found, _slices_parts(), slices),
        "### settings of a search",
        "How it was searched; a search of a cube has no columns to name.",
        _settings(settings),
        "## Effects",
        (
            f"`evenhand effects … --json` and `Effects.to_json()` give one object under the schema `{costs.SCHEMA}`; "
            "`Effects.from_dict` reads it back."
        ),
        *_object(costs, _effects_parts(), effects),
        "## Trial",
        (
            f"`evenhand trial … --json` and `Trial.to_json()` give one object under the schema `{summary.SCHEMA}`. "
            "[The reasons](trials.md#reasons) have a page of their own."
        ),
        _fields(summary.Trial, trial, first=[["`schema`", "text", f"Always `{summary.SCHEMA}`."]]),
        *(
            line
            for title, kind in _trial_parts().items()
            for line in (f"### {title}", _first_line(kind), _fields(kind, trial))
        ),
        *_bounty(bounties, ledger),
    )


def _bounty(meanings: Mapping[str, Any], ledger: Mapping[str, str]) -> list[str]:
    """What `evenhand bounty` prints; the account is a plain mapping, so an empty ledger is asked."""
    schema = ["`schema`", "text", f"Always `{outcome.SCHEMA}`."]
    rules = bounty.Rules()
    told = bounty.Ledger(DOCS, rules, bounty.parse_loss("zero_one")).account(
        blocks_used=0, rows=100
    )
    if set(told) != set(ledger):
        raise ValueError(
            "docs/json_fields.toml must explain each of bounty.ledger, and no other: "
            f"{sorted(set(told) ^ set(ledger))}"
        )
    lines = [
        "## Bounty",
        (
            f"`evenhand bounty submit … --json` gives one object under the schema `{outcome.SCHEMA}`; "
            f"`close` gives `{outcome.CLOSED_SCHEMA}`: `verdicts` are such objects, beside them the `block` "
            "that was opened, what it said of earlier updates (`confirmed`), and the `ledger`.  `status` gives "
            "`evenhand.bounty/1`: label, loss, counts of `updates`, `repairs` and `pending` submissions, "
            "`ledger`, `leaderboard`, `epochs`, and `accepted`."
        ),
        _fields(outcome.Outcome, meanings, first=[schema]),
    ]
    for title, kind in _bounty_parts().items():
        lines += [f"### {title}", _first_line(kind), _fields(kind, meanings)]
    table = _table(["field", "meaning"], [[f"`{name}`", ledger[name]] for name in told])
    return [*lines, "### ledger", "The account of what sealed rows have given away.", table]


def _bounty_parts() -> dict[str, type[Any]]:
    return {
        "repairs[]": outcome.Repair,
        "practice": practice.Score,
        "accepted[] of a status": standing.Accepted,
    }


def _first_line(kind: type[Any]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("`None`", "`null`")


def _trial_parts() -> dict[str, type[Any]]:
    return {
        "expected[]": summary.Expected,
        "unanswered[] and cut_off[]": summary.Share,
        "agreements[]": summary.Agreement,
    }


def _object(home: Any, parts: Mapping[str, type[Any]], meanings: Mapping[str, Any]) -> list[str]:
    """Tables of a result's own fields and of those of its parts."""
    schema = ["`schema`", "text", f"Always `{home.SCHEMA}`."]
    lines = [_fields(home.Result, meanings, first=[schema])]
    for title, kind in parts.items():
        lines += [f"### {title}", _first_line(kind), _fields(kind, meanings)]
    return lines


def _all_known(meanings: Mapping[str, Any], kinds: Sequence[type[Any]]) -> None:
    unknown = set(meanings) - {kind.__name__ for kind in kinds}
    if unknown:
        raise ValueError(
            f"docs/json_fields.toml explains {sorted(unknown)}, which the JSON does not have"
        )


def _reasons() -> Mapping[str, str]:
    from evenhand.errors import REASONS  # noqa: PLC0415 - beside its only use

    return REASONS


def _audit_parts() -> dict[str, type[Any]]:
    return {
        "metric": result.MetricNote,
        "source": result.Source,
        "overall, and groups[].estimate": result.Estimate,
        "groups[]": result.Group,
        "groups[].versus": result.Contrast,
        "gap, and gaps[]": result.Gap,
        "refused[]": result.Refused,
        "missing[]": result.Missing,
        "notes[]": Note,
        "settings": result.Settings,
    }


def _slices_parts() -> dict[str, type[Any]]:
    return {
        "metric of a search": found.Metric,
        "overall of a search": found.Overall,
        "searched": found.Searched,
        "confirmation": found.Confirmation,
        "slices[]": found.Slice,
    }


def _effects_parts() -> dict[str, type[Any]]:
    return {
        "overall[] of effects": costs.Overall,
        "groups[] of effects": costs.GroupEffect,
        "cost, and differential": costs.Effect,
        "pairs[]": costs.Pair,
        "doses[]": costs.Dose,
        "refused[] of effects": costs.Refused,
        "settings of effects": costs.Settings,
    }


def _settings(meanings: Mapping[str, str]) -> str:
    """Options that a search tells; they are no class of their own, so a small search is asked."""
    table = pa.table({"site": ["a", "b"] * 20, "wrong": [1, 0, 0, 0] * 10})
    told = evenhand.slices(table, metric="mean(wrong)", confirm=False).settings
    if set(told) != set(meanings):
        raise ValueError(
            "docs/json_fields.toml must explain each of slices.settings, and no other: "
            f"{sorted(set(told) ^ set(meanings))}"
        )
    return _table(["field", "meaning"], [[f"`{name}`", meanings[name]] for name in told])


def _fields(
    kind: type[Any], meanings: Mapping[str, Mapping[str, str]], first: Sequence[list[str]] = ()
) -> str:
    explained = dict(meanings.get(kind.__name__, {}))
    rows = [list(row) for row in first]
    for field in dataclasses.fields(kind):
        if field.name not in explained:
            raise ValueError(f"docs/json_fields.toml does not explain {kind.__name__}.{field.name}")
        rows.append([f"`{field.name}`", _json_type(field.type), explained.pop(field.name)])
    if explained:
        raise ValueError(
            f"docs/json_fields.toml explains {sorted(explained)}, which {kind.__name__} lacks"
        )
    return _table(["field", "type", "meaning"], rows)


def _json_type(annotation: Any) -> str:
    """JSON's word for a Python type."""
    text = (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation)
    )
    if text.startswith("typing.Optional["):  # how Python writes a Literal or None
        return f"{_json_type(text[len('typing.Optional[') : -1])} or null"
    words = {
        "dict": "object",
        "tuple": "array",
        "bool": "true or false",
        "int": "whole number",
        "float": "number",
        "str": "text",
        "Literal": "text",
    }
    base = next(
        (word for name, word in words.items() if text.startswith((name, f"typing.{name}"))),
        "object",
    )
    return f"{base} or null" if "None" in text.split("[")[0] + text.rpartition("]")[2] else base


# -- trials --------------------------------------------------------------------------------------


def conditions_page() -> str:
    """Every condition with its parameters."""
    parts = [
        "# Conditions",
        (
            "A condition is written `name(parameter=value, …)`; several follow each other when they are joined by "
            "`|`.  Its randomness comes from a seed: the same sample, condition and seed give the same media.  "
            "`evenhand conditions NAME` tells the same."
        ),
        _table(
            ["samples", "conditions"],
            [
                [name, ", ".join(f"[`{d.name}`](#{d.name})" for d in family)]
                for name, family in CONDITIONS.items()
            ],
        ),
    ]
    for name, family in CONDITIONS.items():
        parts.append(f"## {name[0].upper()}{name[1:]}")
        parts += [_condition(definition) for definition in family]
    return _page(*parts)


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
    parts += [_table(["parameter", "allowed", "default", "what it is"], rows)] if rows else []
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
        parts += [f"## {kind[0].upper()}{kind[1:]}", _table(head, rows)]
    return _page(*parts)


def trials_page() -> str:
    """Every key of a plan, every kind of service and score, every column and reason."""
    meanings = tomllib.loads((DOCS / "plan_keys.toml").read_text(encoding="utf-8"))
    own = ("kind", "name", *RUN_FIELDS)
    scores = {kind: ", ".join(f"`{o}`" for o in scoring.OPTIONS[kind]) for kind in scoring.OPTIONS}
    explained = _explained("score_kinds", meanings["score_kinds"], list(scores))
    return _page(
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
        _table(
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
        _table(["reason", "meaning"], [[f"`{k}`", v] for k, v in words.REASONS.items()]),
    )


def _keys(section: str, meanings: Mapping[str, Mapping[str, str]], names: Sequence[str]) -> str:
    explained = _explained(section, meanings[section], names)
    return _table(["key", "meaning"], [[f"`{name}`", explained[name]] for name in names])


def _explained(section: str, found: Mapping[str, str], names: Sequence[str]) -> Mapping[str, str]:
    if set(found) != set(names):
        odd = sorted(set(found) ^ set(names))
        raise ValueError(f"docs/plan_keys.toml must explain each of {section}, and no other: {odd}")
    return found


def _service(kind: str, common: Mapping[str, str], own: Sequence[str]) -> Iterator[str]:
    entry = KINDS[kind]
    built = getattr(importlib.import_module(entry.module), entry.type)
    told = _told_by(built) | {k: _told_by(built).get(v, "") for k, v in entry.renamed.items()}
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
        yield _table(["field", "needed", "meaning"], rows)


def _told_by(built: type[Any]) -> dict[str, str]:
    """Meaning of each attribute in the docstrings of a class and its bases."""
    found: dict[str, str] = {}
    for kind in reversed(built.__mro__[:-1]):
        lines = inspect.getdoc(kind) or ""
        names: list[str] = []
        for line in lines.partition("Attributes\n----------\n")[2].splitlines():
            if line and not line.startswith(" "):
                names = line.partition(" : ")[0].split(", ")
                found |= dict.fromkeys(names, "")
            else:
                found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return {name: text.replace("``", "`") for name, text in found.items()}


# -- Python --------------------------------------------------------------------------------------


def python_page() -> str:
    """Every public name with its signature and docstring."""
    parts = [
        "# Python",
        (
            "Everything here is imported from `evenhand`.  Importing it costs nothing: each name is loaded "
            "when it is first used."
        ),
    ]
    for name in sorted(evenhand.__all__, key=str.casefold):
        parts += _public(name, getattr(evenhand, name))
    parts.append("What follows is imported from `evenhand.bounty`.")
    for name in sorted(bounty.__all__, key=str.casefold):
        parts += _public(name, getattr(bounty, name), "evenhand.bounty")
    return _page(*parts)


def _public(name: str, value: Any, home: str = "evenhand") -> list[str]:
    if not callable(value):
        size = f"  It holds {len(value)} entries." if hasattr(value, "__len__") else ""
        return [
            f"## {name}",
            f"A `{type(value).__name__}`: every [metric](metrics.md) by its name.{size}",
        ]
    parts = [f"## {name}", _described(f"{home}.{name}", value)]
    if inspect.isclass(value) and not issubclass(value, BaseException):
        for member, function in _methods(value):
            parts += [f"### {name}.{member}", _described(f"{name}.{member}", function)]
    return parts


def _methods(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    for name, member in inspect.getmembers(kind):
        if name.startswith("_") or not (callable(member) or isinstance(member, property)):
            continue
        if inspect.getdoc(member):
            yield name, member


def _described(name: str, value: Any) -> str:
    documentation = inspect.getdoc(value) or ""
    head = name if isinstance(value, property) else f"{name}{_signature(value)}"
    return f"```text\n{head}\n\n{documentation}\n```"


def _signature(value: Any) -> str:
    """Names and defaults; the docstring has the types."""
    signature = inspect.signature(value)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    if len(text) <= 80:
        return text
    return "(\n    " + ",\n    ".join(map(str, bare)) + ",\n)"


if __name__ == "__main__":
    sys.exit(main())
