"""Answers go to JSON and come back by the types of their fields: read after write is what was written."""

import dataclasses
import json
import math
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

from evenhand.errors import InputError, near

#: JSON's words for what a field may be.
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_PLAIN = (str, bool, int, float)


class Result:
    """A frozen dataclass that other programs read: it has a schema, and goes to JSON and back.

    Attributes
    ----------
    SCHEMA : str
        Name and version of its form, the first field of its JSON: ``evenhand.audit/1``.
    """

    __slots__ = ()
    SCHEMA: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them: the schema, then each field by its name."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json(self, indent: int | None = 2) -> str:
        """JSON text of `to_dict`; no NaN and no infinity."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The answer that `to_dict` was asked of.

        Raises
        ------
        InputError
            Where the schema is another, a field is missing or unknown, or a value is not of the field's
            type; the place is named.
        """
        schema = data.get("schema") if isinstance(data, Mapping) else None
        if schema != cls.SCHEMA:
            raise InputError(f"schema is {schema!r}, but must be {cls.SCHEMA!r}.")
        fields = {name: value for name, value in data.items() if name != "schema"}
        answer: Self = _built(cls, fields, cls.SCHEMA)
        return answer

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The answer whose `to_json` gave the text."""
        try:
            data = json.loads(text, parse_constant=no_number)
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"This is no JSON of {cls.SCHEMA}: {error}") from error
        return cls.from_dict(data)


def no_number(text: str) -> None:
    """Refuse what Python reads as a number and JSON has no word for."""
    raise ValueError(f"it holds {text}, which is no number of JSON")


def to_plain(value: Any) -> Any:
    """Dataclasses as dictionaries, answers with their schema; tuples as lists, all else as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        schema = {"schema": value.SCHEMA} if isinstance(value, Result) else {}
        return schema | {
            f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: Any, value: Any, place: str) -> Any:
    """A value of a type from what `to_plain` made of it.

    Parameters
    ----------
    kind : type
        A dataclass, a tuple, a mapping with text for names, a union, literals, a plain type, or `Any`.
    value
        As JSON has it.
    place : str
        What is read, for messages.
    """
    if kind is Any:
        return value
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(inner, value, place)
    if origin is Literal:
        return value if value in inner else _refuse(value, " or ".join(map(repr, inner)), place)
    if origin is tuple:
        return tuple(_items(inner, value, place))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            _refuse(value, "an object", place)
        return {name: from_plain(inner[1], item, f"{place}.{name}") for name, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Result) and isinstance(value, Mapping):
        return kind.from_dict(value)
    if dataclasses.is_dataclass(kind):
        return _built(kind, value, place)
    return _checked(kind, value, place)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    known = [kind for kind in kinds if kind is not type(None)]
    if len(known) == 1:
        return from_plain(known[0], value, place)
    if isinstance(value, tuple(kind for kind in known if isinstance(kind, type))):
        return value
    for kind in known:
        if (origin := get_origin(kind)) is not None and isinstance(value, origin):
            return from_plain(kind, value, place)
    return _refuse(value, " or ".join(_WORDS.get(kind, kind.__name__) for kind in known), place)


def _items(kinds: tuple[Any, ...], value: Any, place: str) -> Iterator[Any]:
    if not isinstance(value, list | tuple):
        _refuse(value, "an array", place)
    if kinds[-1] is not ...:
        if len(value) != len(kinds):
            _refuse(value, f"an array of {len(kinds)}", place)
        each: Any = kinds
    else:
        each = [kinds[0]] * len(value)
    for number, (kind, item) in enumerate(zip(each, value, strict=True)):
        yield from_plain(kind, item, f"{place}[{number}]")


def _built(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        _refuse(value, "an object", place)
    hints = _hints(kind)
    for name in value:
        if name not in hints:
            raise InputError(
                f"{place} has a field {name!r}, which is none of its own.{near(name, list(hints))}  "
                "Was it written by a newer version of Evenhand?"
            )
    for field in dataclasses.fields(kind):
        absent = field.default is field.default_factory is dataclasses.MISSING
        if absent and field.name not in value:
            raise InputError(f"{place} lacks its field {field.name!r}.")
    built = kind(**{n: from_plain(hints[n], item, f"{place}.{n}") for n, item in value.items()})
    _check_ranges(built, place)
    return built


def _check_ranges(built: Any, place: str) -> None:
    """What the fields of every class mean alike: no interval is upside down, and a level is a confidence."""
    low, high = getattr(built, "low", None), getattr(built, "high", None)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise InputError(f"{place} has low {low!r} above high {high!r}.")
    level = getattr(built, "level", None)
    if isinstance(level, int | float) and not 0 < level < 1:
        raise InputError(f"{place}.level is {level!r}, but must be a confidence between 0 and 1.")


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """Types of a dataclass's fields."""
    found = get_type_hints(kind)
    return {field.name: found[field.name] for field in dataclasses.fields(kind)}


def _checked(kind: Any, value: Any, place: str) -> Any:
    fine = isinstance(value, int if kind is int else (int, float) if kind is float else kind)
    if fine and isinstance(value, bool) and kind in (int, float):
        fine = False
    if fine and isinstance(value, float) and not math.isfinite(value):
        fine = False
    return value if fine else _refuse(value, _WORDS.get(kind, getattr(kind, "__name__", "")), place)


def _refuse(value: Any, allowed: str, place: str) -> Any:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    raise InputError(f"{place} is {shown}, but must be {allowed}.")
