"""A policy: rules that a service must keep, read from TOML; all that is wrong with it is told together."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evenhand.deferred import tomllib
from evenhand.errors import InputError, near, nearest
from evenhand.gates.keys import POLICY, READING, RULE, PolicyKey
from evenhand.gates.lines import KeyLines
from evenhand.gates.misfits import check_together, misfits, needs
from evenhand.gates.rules import PolicyFaults, Rule
from evenhand.records.output import input_files
from evenhand.records.toml_lines import Place

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
    """Read a policy, and note all that is wrong with it, each at its line.

    What can be understood of it is there all the same, so that what is wrong with its tables is told with it.

    Raises
    ------
    InputError
        Where it is no TOML.
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
    given = _plain(given)
    rules, shared = _parted(given)
    faults = PolicyFaults(name=name, lines=KeyLines(text, list(rules)))
    for key in dict.fromkeys(str(place[0]) for place in rules if place[0] != "rule"):
        faults.add(None, key, f"Unknown table [[{key}]].  Did you mean [[rule]]?")
    if "rule" in given and not _are_rules(given["rule"]):
        faults.add(None, "rule", "Write each rule below a line [[rule]].")
    _check_keys(faults, None, shared, POLICY)
    if not rules and not faults.found:
        faults.add(None, "rule", "There is no rule.  Write one below a line [[rule]].")
    sound = _sound(shared, POLICY)
    made = [_rule(faults, number, one, shared) for number, one in enumerate(rules.values())]
    check_together(faults, made)
    policy = Policy(
        name=name,
        title=sound.get("title", ""),
        text=text,
        folder=folder,
        level=float(sound.get("level", 0.95)),
        seed=sound.get("seed", 0),
        rules=tuple(made),
    )
    return policy, faults


def _plain(value: Any) -> Any:
    """Numbers of Python in place of those of numpy, and lists in place of tuples, as TOML has them."""
    if isinstance(value, Mapping):
        return {key: one if key == "table" else _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return float(value)
    return value


def _are_rules(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def _parted(given: Mapping[str, Any]) -> tuple[dict[Place, Mapping[str, Any]], dict[str, Any]]:
    """Rules by where they stand, those whose head is nearly ``[[rule]]`` among them; and what stands before them."""
    rules: dict[Place, Mapping[str, Any]] = {}
    shared: dict[str, Any] = {}
    for key, value in given.items():
        if key == "rule" and isinstance(value, Mapping):
            rules[key,] = value
        elif key == "rule" or (
            key not in POLICY and nearest(key, ["rule", *POLICY]) == "rule" and _are_rules(value)
        ):
            rules |= (
                {(key, number): one for number, one in enumerate(value)}
                if _are_rules(value)
                else {}
            )
        else:
            shared[key] = value
    return rules, shared


def _is_table(key: str, value: Any) -> bool:
    """Whether a rule's table is a data frame, in Python."""
    return key == "table" and not isinstance(value, str | int | float | list)


def _sound(given: Mapping[str, Any], known: Mapping[str, PolicyKey]) -> dict[str, Any]:
    """Those keys that are known, with values that they may have."""
    return {
        key: value
        for key, value in given.items()
        if key in known and (_is_table(key, value) or known[key].allows(value))
    }


def _check_keys(
    faults: PolicyFaults, rule: int | None, given: Mapping[str, Any], known: Mapping[str, PolicyKey]
) -> None:
    for key, value in given.items():
        if rule is not None and _is_table(key, value):
            continue
        if key in ("findings", "finding"):
            faults.add(rule, key, f"{key}: {_FINDINGS}")
        elif key not in known:
            faults.add(rule, key, _unknown(rule, key, list(known)))
        elif not known[key].allows(value):
            faults.add(
                rule,
                key,
                f"{key} is {_shown(value)}, but must be {known[key].words}.{_percent(key, value)}",
            )


def _unknown(rule: int | None, key: str, known: list[str]) -> str:
    if rule is None and key in RULE:
        return f"{key!r} says something of a rule: write it below [[rule]]."
    if near(key, known):
        return f"Unknown key {key!r}.{near(key, known)}"
    where = "a rule" if rule is not None else "the policy"
    return f"Unknown key {key!r}.  {where.capitalize()} takes: {', '.join(known)}"


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
    inherited = {key: value for key, value in shared.items() if key in (*READING, "metric")}
    every = given if "results" in given else {**inherited, **given}
    sound = _sound(every, RULE)
    # What is missing because it is misspelled is told once.
    odd = [key for key in (*given, *shared) if key not in RULE and key not in POLICY]
    meant = {name for key in odd if (name := nearest(key, RULE)) is not None}
    rule = Rule(
        number=number,
        name=called,
        given=sound,
        own=frozenset(given),
        shared=shared.get("table"),
        faulty=sound.keys() != every.keys(),
    )
    for key, message in needs(rule) if rule.faulty else misfits(rule):
        if key not in meant and (key in sound or key not in every):
            faults.add(number, key, message, called)
    return replace(rule, faulty=rule.faulty or len(faults.found) > before)
