"""A condition: a circumstance that is applied to a sample, its parameters in physical units.

A `ConditionDefinition` names what may be applied and in which ranges; a `Condition` is a definition with its
values, and perhaps another condition after it.  Neither holds randomness: the seed is given where
a condition is applied, so the same sample, condition and seed give the same media.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from evenhand.deferred import numpy as np
from evenhand.errors import InputError, near, unknown_name

Kind = Literal["audio", "image", "text", "table", "any"]
Value = float | int | bool | str | tuple[str, ...] | None
#: No physical quantity of ours is larger; beyond, a float would not hold whole numbers.
LARGEST = 2**53
Check = Callable[[Mapping[str, Any]], str | None]
Apply = Callable[[Any, "np.random.Generator", Mapping[str, Any]], Any]


class ParameterKind(StrEnum):
    """What a parameter of a condition may be."""

    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "true or false"
    TEXT = "text"
    """One of `choices` where there are any; else free, as a file name is."""
    TEXTS = "list of texts"
    FILE = "file"
    FILES = "list of files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A named value of a condition.

    Attributes
    ----------
    name : str
    default : Value
        `None` means that the effect is absent unless it is asked for.
    low, high : float, optional
        Smallest and largest value allowed, both included; `None` where there is no bound.
    unit : str
        Physical unit, for example ``Hz``; empty for counts and texts.
    about : str
        What it is, in a line.
    takes : ParameterKind
    choices : tuple of str
        The texts allowed; empty where any is.
    required : bool
        Whether it must be given.
    """

    name: str
    default: Value = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    about: str = ""
    takes: ParameterKind = ParameterKind.NUMBER
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def allowed(self) -> str:
        """What may be given, in words: ``20 to 20000 Hz``."""
        unit = f" {self.unit}" if self.unit else ""
        match self.takes:
            case (
                ParameterKind.FLAG | ParameterKind.TEXTS | ParameterKind.FILE | ParameterKind.FILES
            ):
                return str(self.takes.value)
            case ParameterKind.TEXT:
                return ", ".join(self.choices) if self.choices else "text"
            case _:
                what = "" if self.takes is ParameterKind.NUMBER else "whole numbers "
                if self.low is None and self.high is None:
                    return f"any {self.takes.value}{unit}"
                if self.high is None:
                    return f"{what}from {_written(self.low)}{unit}"
                if self.low is None:
                    return f"{what}up to {_written(self.high)}{unit}"
                return f"{what}{_written(self.low)} to {_written(self.high)}{unit}"

    def check(self, value: Any, owner: str) -> Value:
        """Value in its own type, or an error that says what is allowed.

        Parameters
        ----------
        value : Any
            As a plan or an expression gave it.
        owner : str
            Name of the condition, for the message.
        """
        if value is None and not self.required:
            return self.default
        match self.takes:
            case ParameterKind.NUMBER | ParameterKind.WHOLE:
                return self._number(value, owner)
            case ParameterKind.FLAG if isinstance(value, bool):
                return value
            case ParameterKind.TEXT if value in self.choices or not self.choices:
                if isinstance(value, str):
                    return value
            case ParameterKind.FILE if isinstance(value, str | Path):
                return str(value)
            case ParameterKind.TEXTS | ParameterKind.FILES:
                items = list(value) if isinstance(value, list | tuple) else [value]
                if items and all(isinstance(item, str | Path) for item in items):
                    return tuple(map(str, items))
        raise self._refused(value, owner)

    def _number(self, value: Any, owner: str) -> Value:
        number = type(value) in (int, float) or isinstance(
            value, int | float | np.integer | np.floating
        )
        if not number or isinstance(value, bool) or not abs(value) <= LARGEST:
            raise self._refused(value, owner)
        whole = self.takes is ParameterKind.WHOLE
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not low <= value <= high or (whole and value != int(value)):
            raise self._refused(value, owner)
        return int(value) if whole else float(value)

    def _refused(self, value: Any, owner: str) -> InputError:
        shown = _written(value) if isinstance(value, bool | int | float | str) else repr(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        unit = f" {self.unit}" if self.unit and number else ""
        hint = near(value, self.choices) if isinstance(value, str) else ""
        return InputError(
            f"{owner}: {self.name} is {shown[:80]}{unit}.{hint}  Allowed: {self.allowed}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionDefinition:
    """A kind of circumstance.

    Attributes
    ----------
    name : str
        Conditions are called by it.
    kind : str
        The media that it changes; ``any`` fits each of them.
    parameters : tuple of Parameter
    apply : callable
        ``apply(media, generator, values) -> media``; it never changes what it is given, and all its
        randomness comes from the generator.
    about : str
        What it does, physically.
    source : str
        Where it is defined, or what it was measured against.
    check : callable, optional
        ``check(values)`` says what is wrong between values that are each in range, or `None`.
    """

    name: str
    kind: Kind
    parameters: tuple[Parameter, ...] = ()
    apply: Apply
    about: str
    source: str
    check: Check | None = None

    def __call__(self, **given: Any) -> Condition:
        """Bind values to the parameters.

        Raises
        ------
        InputError
            For an unknown or absent parameter, a value out of its range, or values that exclude
            each other.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in names:
                if not names:
                    raise InputError(f"{self.name} takes no parameters, so {name!r} cannot be set.")
                raise InputError(f"{self.name}: " + unknown_name("parameter", name, names))
        absent = [p.name for p in self.parameters if p.required and given.get(p.name) is None]
        if absent:
            raise InputError(f"{self.name} also needs {' and '.join(absent)}.  Write {self.usage}")
        values = {
            parameter.name: parameter.check(given.get(parameter.name), self.name)
            for parameter in self.parameters
        }
        if self.check is not None and (wrong := self.check(values)):
            raise InputError(f"{self.name}: {wrong}")
        return Condition(definition=self, parameters=values)

    @property
    def usage(self) -> str:
        """How to write it: ``noise(snr=NUMBER)``."""
        shown = (f"{p.name}={p.takes.name}" for p in self.parameters if p.required)
        return f"{self.name}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A definition with its values; `then` is applied to what it gives.

    A repair is a condition like the others: ``tone(frequency=1000) | notch(frequency=1000)``.

    Attributes
    ----------
    definition : ConditionDefinition
    parameters : Mapping
        All values, those that were not given by their defaults.
    then : Condition, optional
        What follows.
    """

    definition: ConditionDefinition
    parameters: Mapping[str, Value]
    then: Condition | None = None

    @property
    def steps(self) -> tuple[Condition, ...]:
        """Each condition of the chain, alone."""
        alone = Condition(definition=self.definition, parameters=self.parameters)
        return (alone, *(self.then.steps if self.then else ()))

    @property
    def name(self) -> str:
        """Names of the steps: ``tone``, or ``tone | notch``."""
        return " | ".join(step.definition.name for step in self.steps)

    @property
    def kind(self) -> Kind:
        """The media that it changes."""
        kinds: list[Kind] = [s.definition.kind for s in self.steps if s.definition.kind != "any"]
        return kinds[0] if kinds else "any"

    @property
    def text(self) -> str:
        """The whole condition, defaults too; it parses back, so it may key a cache."""
        return " | ".join(_step_text(step) for step in self.steps)

    @property
    def files(self) -> tuple[str, ...]:
        """Files that it reads; their content belongs into a cache's key beside `text`."""
        found: list[str] = []
        for step in self.steps:
            for parameter in step.definition.parameters:
                value = step.parameters[parameter.name]
                if parameter.takes is ParameterKind.FILE and isinstance(value, str):
                    found.append(value)
                elif parameter.takes is ParameterKind.FILES and isinstance(value, tuple):
                    found.extend(value)
        return tuple(found)

    def followed_by(self, other: Condition) -> Condition:
        """Chain the other condition behind this one.

        Raises
        ------
        InputError
            When they change different media.
        """
        if "any" not in (self.kind, other.kind) and self.kind != other.kind:
            raise InputError(
                f"{self.name} changes {self.kind} and {other.name} changes {other.kind}; "
                "only conditions of the same media can follow each other."
            )
        then = self.then.followed_by(other) if self.then else other
        return Condition(definition=self.definition, parameters=self.parameters, then=then)

    def apply(self, media: Any, seed: int) -> Any:
        """Media under this condition.

        Each step draws from a stream of its own, so that ``a`` and ``a | b`` draw alike in ``a``.

        Parameters
        ----------
        media : Audio, Image, str or dict
            Left as it is.
        seed : int
            At least 0, of any size.
        """
        for place, step in enumerate(self.steps):
            stream = np.random.SeedSequence(seed, spawn_key=(place,))
            generator = np.random.default_rng(stream)
            media = step.definition.apply(media, generator, step.parameters)
        return media

    def to_dict(self) -> list[dict[str, Any]]:
        """Steps as plain values, for JSON; `parse_condition` reads them back."""
        return [
            {
                "name": step.definition.name,
                **{
                    name: list(value) if isinstance(value, tuple) else value
                    for name, value in step.parameters.items()
                    if value is not None
                },
            }
            for step in self.steps
        ]


def _step_text(step: Condition) -> str:
    values = {name: value for name, value in step.parameters.items() if value is not None}
    if not values:
        return step.definition.name
    shown = ", ".join(f"{name}={_written(value)}" for name, value in values.items())
    return f"{step.definition.name}({shown})"


def _written(value: Value) -> str:
    """Value as the language writes it: ``1000``, ``0.5``, ``pink``, ``'ward hum.wav'``."""
    match value:
        case bool():
            return str(value).lower()
        case int() if abs(value) > LARGEST:
            return "beyond 2^53"
        case float():
            return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case str():
            reserved = value.lower() in {"true", "false", "none"}
            plain = value.isascii() and value.isidentifier() and not reserved
            return value if plain else "'" + value.replace("'", "''") + "'"
        case tuple():
            return "[" + ", ".join(_written(item) for item in value) + "]"
    return str(value)
