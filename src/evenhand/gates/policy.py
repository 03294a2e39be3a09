"""A policy: rules that a service must keep, read from TOML; all that is wrong with it is told together."""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.deferred import tomllib
from evenhand.errors import Fault, FaultsError, InputError, RefusedError, near, unknown_name
from evenhand.gates.keys import FACTS, LIMITS, POLICY, RATES, RATIOS, READING, RULE
from evenhand.gates.lines import KeyLines
from evenhand.records import ORIGINS, Origin
from evenhand.records.output import input_files

_AGE = re.compile(r"\s*(\d{1,6})\s*(hour|day|week)s?\s*$")
_FINDINGS = (
    "There is no file of findings yet that a rule could read.  Allowed in results: JSON of evenhand watch, slices and "
    "audit."
)
EXAMPLE = Path(__file__).with_name("example.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a policy: one measure of some rows, and what is demanded of it.

    Attributes
    ----------
    number : int
        Its place, from 0.
    name : str
    given : mapping
        Its keys, those that hold for all rules among them.
    table : any
        What is read: a path, or in Python a data frame.
    """

    number: int
    name: str
    given: Mapping[str, Any]
    table: Any = None

    def get(self, key: str, usual: Any = None) -> Any:
        """Value of a key."""
        return self.given.get(key, usual)

    def texts(self, key: str) -> tuple[str, ...]:
        """Value of a key that may be one text or several."""
        value = self.given.get(key, ())
        return (value,) if isinstance(value, str) else tuple(value)

    @property
    def limits(self) -> tuple[str, ...]:
        """What it demands of rates."""
        return tuple(key for key in LIMITS if key in self.given)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it demands that is counted."""
        return tuple(key for key in FACTS if key in self.given)

    @property
    def searches(self) -> bool:
        """Whether it is about slices that nobody named."""
        return bool(self.given.get("slices"))

    @property
    def judged(self) -> bool:
        """Whether groups are estimated for it."""
        return bool(self.limits or "coverage" in self.given) and not self.searches

    @property
    def oldest(self) -> datetime.timedelta | None:
        """How old the newest row may be."""
        text = self.given.get("not_older_than")
        return None if text is None else age_of(text)


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


@dataclass(kw_only=True)
class PolicyFaults:
    """What is wrong with a policy, each at its line."""

    name: str
    lines: KeyLines
    found: list[Fault] = field(default_factory=list)

    def add(self, rule: int | None, key: str, message: str, name: str = "") -> None:
        """Note a fault at a key of a rule; of `None`, and where the rule lacks it, at one before all rules."""
        line = self.lines.of(rule, key)
        shared = None
        if rule is not None and line == self.lines.of(rule):
            shared = self.lines.of(None, key)
        # What stands before all rules is wrong once, however many read it.
        told = message if shared is not None or not name else f"{name}: {message}"
        fault = Fault(line=line if shared is None else shared, message=told)
        if fault not in self.found:
            self.found.append(fault)

    @contextmanager
    def at(self, rule: Rule, key: str) -> Iterator[None]:
        """Note what goes wrong inside as a fault of the key, and stop there.

        Raises
        ------
        StopIteration
            Never: what was noted is raised as `FaultsError` by `tell`.
        """
        try:
            yield
        except RefusedError:
            raise
        except InputError as error:
            told = str(error)
            told = told if told.startswith(f"{key}: ") else f"{key}: {told}"
            self.add(rule.number, key, told, rule.name)
            raise NotedError from error

    def tell(self) -> None:
        """Raise all that was found, in the order of lines."""
        if self.found:
            ordered = sorted(self.found, key=lambda fault: fault.line or 0)
            raise FaultsError(
                self.name,
                ordered,
                advice="Nothing was judged.  A policy to start from: evenhand check --example",
            )


class NotedError(Exception):
    """A fault that was noted, and is told with all others."""


def age_of(text: str) -> datetime.timedelta | None:
    """A duration such as ``30 days``; `None` for what is none."""
    found = _AGE.match(text)
    if found is None:
        return None
    number, unit = int(found[1]), found[2]
    return datetime.timedelta(**{f"{unit}s": number})


def read_policy(path: Path) -> tuple[Policy, PolicyFaults]:
    """Read a policy.

    Raises
    ------
    FaultsError
        With all that is wrong, each at its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
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
    _check_names(faults, made)
    _check_together(faults, made)
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
        for key, message in _misfits(rule):
            faults.add(number, key, message, called)
    return rule


def _misfits(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a rule's keys say that does not go together."""
    given = rule.given
    if "results" in given:
        for key in given:
            if key in {*LIMITS, *FACTS, *READING, "metric", "slices", "groups", "condition"}:
                yield key, f"results is a file that was judged before, so {key} says nothing of it."
        return
    if not rule.limits and not rule.facts and not rule.searches:
        yield (
            "",
            f"it demands nothing.  Give it one of: {', '.join((*LIMITS, *FACTS, 'slices', 'results'))}",
        )
    if rule.table is None:
        yield "table", "it has no table.  Say which records it reads: table = …"
    if rule.judged or rule.searches:
        yield from _needed(rule, "metric")
    if rule.judged:
        yield from _needed(rule, "by")
    yield from _limits_apart(given)
    yield from _alone(rule)
    yield from _facts_apart(rule)


def _alone(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that say something of others that are not given."""
    given = rule.given
    if "not_worse_than" not in given:
        for key in ("tolerance", "baseline_sha256"):
            if key in given:
                yield key, f"{key} says something of not_worse_than, which is not given."
    if rule.searches:
        for key in (
            *RATES,
            *RATIOS,
            "not_worse_than",
            "condition",
            "groups",
            "coverage",
            "stratum",
        ):
            if key in given:
                yield (
                    key,
                    f"a search for slices does not take {key}.  Write a rule of its own for it.",
                )
    else:
        for key in ("features", "depth"):
            if key in given:
                yield key, f"{key} says something of a search: slices = true."


def _needed(rule: Rule, key: str) -> Iterator[tuple[str, str]]:
    if key not in rule.given:
        example = {
            "metric": 'metric = "error_rate(label, prediction)"',
            "by": 'by = "race"',
        }[key]
        yield "", f"it has no {key}.  For example: {example}"


def _limits_apart(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "maximum" in given and "minimum" in given and given["minimum"] > given["maximum"]:
        yield (
            "minimum",
            f"minimum is {given['minimum']:g} and maximum {given['maximum']:g}: no value keeps both.",
        )
    if "maximum_ratio" in given and "minimum_ratio" in given:
        yield (
            "minimum_ratio",
            "maximum_ratio says the same as a minimum_ratio of 1 over it: keep one of them.",
        )


def _facts_apart(rule: Rule) -> Iterator[tuple[str, str]]:
    given = rule.given
    if "not_older_than" in given:
        if rule.oldest is None:
            yield (
                "not_older_than",
                f"not_older_than is {given['not_older_than']!r}, but must be such as 30 days, 12 hours or 8 weeks.",
            )
        if "time" not in given:
            yield "not_older_than", "say which column tells when a row was made: time = …"
    elif "time" in given:
        yield "time", "time says something of not_older_than, which is not given."
    for word in rule.texts("label_origin"):
        if ORIGINS.get(word.strip().casefold()) is None:
            yield (
                "label_origin",
                f"label_origin is {word!r}.{near(word, list(map(str, Origin)))}  Allowed: {', '.join(Origin)}",
            )
    if "label_origin" in given and "origin" not in given:
        yield "label_origin", "nobody says how labels came about.  Name the column: origin = …"


def _check_names(faults: PolicyFaults, rules: Sequence[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            faults.add(rule.number, "name", f"Two rules are called {rule.name!r}.  Name each once.")
        seen.add(rule.name)


def _check_together(faults: PolicyFaults, rules: Sequence[Rule]) -> None:
    """Limits of several rules about the same rates that no value keeps."""
    same = ("metric", "by", "where", "unit", "weight", "groups", "condition", "columns")
    least: dict[str, tuple[float, Rule]] = {}
    for wanted in ("minimum", "maximum"):
        for rule in rules:
            limit = rule.get(wanted)
            if not isinstance(limit, int | float) or not isinstance(rule.table, str):
                continue
            about = repr([rule.table, *(rule.get(key) for key in same)])
            if wanted == "minimum":
                if about not in least or limit > least[about][0]:
                    least[about] = (limit, rule)
            elif about in least and least[about][1] is not rule and limit < least[about][0]:
                other = least[about][1]
                faults.add(
                    rule.number,
                    "maximum",
                    f"maximum is {limit:g}, and {other.name!r} demands at least {least[about][0]:g} of the "
                    "same: no value keeps both.",
                    rule.name,
                )
