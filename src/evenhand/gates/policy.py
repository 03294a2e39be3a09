"""A policy: rules that a service must keep, read from TOML; all that is wrong with it is told together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.deferred import tomllib
from evenhand.errors import InputError, unknown_name
from evenhand.gates.keys import POLICY, READING, RULE
from evenhand.gates.lines import KeyLines
from evenhand.gates.misfits import check_together, misfits
from evenhand.gates.rules import PolicyFaults, Rule
from evenhand.records.output import input_files

_FINDINGS = (
    "There is no file of findings yet that a rule could read.  Allowed in results: JSON of evenhand watch, slices and "
    "audit."
)
EXAMPLE = Path(__file__).with_name("example.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules, and the confidence with which all answers hold together.

    Attributes
    ----------
    name : str
        File, or what it is called in Python.
    title : str
    text : str
        As it was written; empty for one made in Python.
    folder : Path
        Where its files are looked for.
    level : float
    seed : int
    rules : tuple of Rule
    """

    name: str
    title: str
    text: str
    folder: Path
    level: float
    seed: int
    rules: tuple[Rule, ...]

    @property
    def files(self) -> list[Path]:
        """Files that its rules read."""
        keys = ("table", "not_worse_than", "results")
        named = [rule.get(key) for rule in self.rules for key in keys]
        places = [
            one if "://" in one else str(self.folder / one) for one in named if isinstance(one, str)
        ]
        return [path for place in dict.fromkeys(places) for path in input_files(place)]


def read_policy(path: Path) -> tuple[Policy, PolicyFaults]:
    """Read a policy.

    Raises
    ------
    FaultsError
        With all that is wrong, each at its line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.  A policy to start from: evenhand check --example"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8, and so no policy.") from error
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is no TOML: {error}.  A policy to start from: evenhand check --example"
        ) from error
    return made_policy(given, name=str(path), folder=path.parent, text=text)


def made_policy(
    given: Mapping[str, Any], *, name: str, folder: Path, text: str = ""
) -> tuple[Policy, PolicyFaults]:
    """A policy from its keys and values."""
    faults = PolicyFaults(name=name, lines=KeyLines(text))
    rules = given.get("rule", [])
    if not isinstance(rules, list) or not all(isinstance(one, Mapping) for one in rules):
        faults.add(None, "rule", "Write each rule below a line [[rule]].")
        rules = []
    shared = {key: value for key, value in given.items() if key != "rule"}
    _check_keys(faults, None, shared, POLICY)
    if not rules and not faults.found:
        faults.add(None, "rule", "There is no rule.  Write one below a line [[rule]].")
    reading = {key: value for key, value in shared.items() if key in READING}
    made = [_rule(faults, number, one, reading) for number, one in enumerate(rules)]
    check_together(faults, made)
    faults.tell()
    policy = Policy(
        name=name,
        title=shared.get("title", ""),
        text=text,
        folder=folder,
        level=float(shared.get("level", 0.95)),
        seed=shared.get("seed", 0),
        rules=tuple(made),
    )
    return policy, faults


def _check_keys(
    faults: PolicyFaults, rule: int | None, given: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    for key, value in given.items():
        if key == "table" and rule is not None and not isinstance(value, str | int | float | list):
            continue  # a data frame, in Python
        if key in ("findings", "finding"):
            faults.add(rule, key, f"{key}: {_FINDINGS}")
        elif key not in known:
            where = "a rule" if rule is not None else "the policy"
            hint = (
                "  It says something of a rule: write it below [[rule]]."
                if rule is None and key in RULE
                else ""
            )
            faults.add(
                rule,
                key,
                f"{unknown_name('key', key, list(known))} ({where} takes no other).{hint}",
            )
        elif not known[key].allows(value):
            faults.add(
                rule,
                key,
                f"{key} is {_shown(value)}, but must be {known[key].words}.{_percent(key, value)}",
            )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _percent(key: str, value: Any) -> str:
    if key == "level" and isinstance(value, int | float) and 50 <= value < 100:
        return f"  Did you mean {value / 100:g}?"
    if key == "minimum_ratio" and isinstance(value, int | float) and 1 < value <= 100:
        return f"  Did you mean {value / 100:g}?"
    return ""


def _rule(
    faults: PolicyFaults, number: int, given: Mapping[str, Any], shared: Mapping[str, Any]
) -> Rule:
    before = len(faults.found)
    _check_keys(faults, number, given, RULE)
    name = given.get("name")
    called = name if isinstance(name, str) else f"rule {number + 1}"
    if "name" not in given:
        faults.add(
            number, "name", f"Rule {number + 1} has no name.  Say what it is called: name = …"
        )
    own = given if "results" in given else {**shared, **given}
    rule = Rule(number=number, name=called, given=own, table=own.get("table"))
    if len(faults.found) == before:
        for key, message in misfits(rule):
            faults.add(number, key, message, called)
    return rule
