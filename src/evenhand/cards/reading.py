"""card.toml: read strictly, with all its faults at once, each at its line."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from evenhand.cards.written import WrittenCard
from evenhand.deferred import tomllib
from evenhand.errors import Fault, FaultsError, InputError, unknown_name
from evenhand.records.toml_lines import TomlLines

#: Letters of one text, at most: more is a document of its own.
LONGEST = 10_000
_SEE = "See: evenhand card new --help"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRequest:
    """What card.toml asks for.

    Attributes
    ----------
    written : WrittenCard
        What people wrote.
    results : tuple of str
        Files of results, or globs, beside the card.toml.
    """

    written: WrittenCard
    results: tuple[str, ...] = ()


def starter_text() -> str:
    """A card.toml to fill in, with comments."""
    return (files("evenhand.cards") / "static" / "starter.toml").read_text(encoding="utf-8")


def read_request(path: Path) -> CardRequest:
    """What a card.toml asks for.

    Raises
    ------
    InputError
        Where it cannot be read, or is no TOML; else with all its faults, each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no card.toml: it is not text.  {_SEE}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.  {_SEE}") from error
    if path.suffix == ".json":
        raise InputError(
            f"{path} is JSON, such as a result; a card is made from a card.toml, after which results may be named:\n"
            f"evenhand card new card.toml && evenhand card make card.toml {path.name}"
        )
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not TOML: {error}.  {_SEE}") from error
    reader = _CardReader(lines=TomlLines(text))
    results = reader.value(tuple[str, ...], given.pop("results", []), ("results",))
    written = reader.built(WrittenCard, given, (), also=("results",))
    if reader.faults:
        faults = sorted(reader.faults, key=lambda fault: fault.line or 0)
        raise FaultsError(str(path), faults, advice=_SEE)
    return CardRequest(written=written, results=results)


@dataclass(slots=True)
class _CardReader:
    """Builds dataclasses from plain values and collects what is wrong."""

    lines: TomlLines
    faults: list[Fault] = field(default_factory=list)

    def built(
        self, kind: Any, given: Any, place: tuple[str | int, ...], also: tuple[str, ...] = ()
    ) -> Any:
        """A dataclass; `None` where something that it needs is wrong."""
        if not isinstance(given, Mapping):
            self.tell(place, f"{_called(place)} is {given!r:.60}, but must be a table.")
            return None
        hints = get_type_hints(kind)
        for name in given:
            if name not in hints:
                told = unknown_name("field", str(name), [*also, *hints])
                self.tell((*place, name), f"{_called(place)}: {told}" if place else told)
        values = {
            name: self.value(hints[name], one, (*place, name))
            for name, one in given.items()
            if name in hints
        }
        absent = [
            one.name
            for one in fields(kind)
            if one.default is one.default_factory is MISSING and one.name not in given
        ]
        for name in absent:
            self.tell(place, f"{_called((*place, name))} is missing.")
        if absent:
            return None
        return kind(**values)

    def value(self, kind: Any, given: Any, place: tuple[str | int, ...]) -> Any:
        """A value of a type; the faults tell where it is of another."""
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return self.value(inner[0], given, place)
        if origin is Literal:
            if given not in inner:
                self.tell(place, f"{_called(place)}: {unknown_name('word', str(given), inner)}")
            return given
        if origin is tuple:
            if not isinstance(given, list):
                form = "[[…]] tables" if is_dataclass(inner[0]) else "a list of texts: [“…”]"
                self.tell(place, f"{_called(place)} is {given!r:.60}, but must be {form}.")
                return ()
            return tuple(
                self.value(inner[0], one, (*place, number)) for number, one in enumerate(given)
            )
        if is_dataclass(kind):
            return self.built(kind, given, place)
        if kind is bool:
            if not isinstance(given, bool):
                self.tell(place, f"{_called(place)} is {given!r:.60}, but must be true or false.")
            return given is True
        return self.text(given, place)

    def text(self, given: Any, place: tuple[str | int, ...]) -> str:
        """A text; a date is one too."""
        if isinstance(given, datetime.date):
            given = given.isoformat()
        if not isinstance(given, str):
            self.tell(place, f"{_called(place)} is {given!r:.60}, but must be text in quotes.")
            return ""
        if len(given) > LONGEST:
            self.tell(
                place,
                f"{_called(place)} has {len(given):,} letters, but may have at most {LONGEST:,}.",
            )
        if place == ("service", "applies_to") and not _is_day(given):
            self.tell(place, f"applies_to is {given!r:.60}, but must be a day as 2026-11-29.")
        needed = place[0] == "service" or place[-1] in ("name", "table")
        if needed and place[-1] not in ("description", "api", "licence") and not given.strip():
            self.tell(place, f"{_called(place)} is empty.")
        return given.strip()

    def tell(self, place: tuple[str | int, ...], message: str) -> None:
        """A fault, at the line of its place or of what holds it."""
        self.faults.append(Fault(line=self.lines.nearest(place), message=message))


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _called(place: tuple[str | int, ...]) -> str:
    """How a place is called: ``uses, number 2: name``."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f", number {part + 1}"
        else:
            text += (": " if re.search(r"number \d+$", text) else "." if text else "") + part
    return text or "the card"
