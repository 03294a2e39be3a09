"""A rule of a policy, and what is wrong with policies."""

import datetime
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import Fault, FaultsError, InputError, RefusedError
from evenhand.gates.keys import FACTS, LIMITS
from evenhand.gates.lines import KeyLines
from evenhand.gates.spoken import in_keys

_AGE = re.compile(r"\s*(\d{1,6})\s*(hour|day|week)s?\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a policy: one measure of some rows, and what is demanded of it.

    Attributes
    ----------
    number : int
        Its place, from 0.
    name : str
    given : mapping
        Its keys, those that hold for all rules among them, without those that are faulty.
    own : frozenset of str
        Keys that stand in it.
    shared : any
        The table that stands before all rules, if one does: a rule about results does not read it.
    faulty : bool
        Whether some key of it is none, or has a value that it cannot have: then it is only looked through for more.
    """

    number: int
    name: str
    given: Mapping[str, Any]
    own: frozenset[str] = frozenset()
    shared: Any = None
    faulty: bool = False

    @property
    def table(self) -> Any:
        """What is read: a path, or in Python a data frame."""
        return self.given.get("table")

    def get(self, key: str, usual: Any = None) -> Any:
        """Value of a key."""
        return self.given.get(key, usual)

    def texts(self, key: str) -> tuple[str, ...]:
        """Value of a key that may be one text or several."""
        value = self.given.get(key, ())
        return (value,) if isinstance(value, str) else tuple(value)

    @property
    def metric_name(self) -> str:
        """The metric without its arguments."""
        return str(self.get("metric", "")).partition("(")[0].strip()

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
    def noting(self, rule: Rule, key: str) -> Iterator[None]:
        """Note what goes wrong inside as a fault of the key, and go on."""
        with suppress(NotedError), self.at(rule, key):
            yield

    @contextmanager
    def at(self, rule: Rule, key: str) -> Iterator[None]:
        """Note what goes wrong inside as a fault of the key, and stop there.

        Raises
        ------
        NotedError
            What was noted is told with all else by `tell`.
        """
        try:
            yield
        except RefusedError:
            raise
        except InputError as error:
            told = in_keys(str(error))
            told = told if told.startswith(f"{key}: ") else f"{key}: {told}"
            self.add(rule.number, key, told, rule.name)
            raise NotedError from error

    def tell(self) -> None:
        """Raise all that was found, in the order of lines."""
        if self.found:
            ordered = sorted(self.found, key=lambda fault: fault.line or 0)
            raise PolicyFaultsError(
                self.name,
                ordered,
                advice="Nothing was judged.  A policy to start from: evenhand check --example",
            )


class PolicyFaultsError(FaultsError):
    """A policy is faulty; all its faults are told together."""

    shown = 100


class NotedError(Exception):
    """A fault that was noted, and is told with all others."""


def age_of(text: str) -> datetime.timedelta | None:
    """A duration such as ``30 days``; `None` for what is none."""
    found = _AGE.match(text)
    if found is None:
        return None
    number, unit = int(found[1]), found[2]
    return datetime.timedelta(**{f"{unit}s": number})
