"""The condition language: ``tone(frequency=1000, rate=16) | notch(frequency=1000)``.

A small tokeniser and a descent over it; no text is ever handed to an evaluator.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.conditions.condition import Condition, ConditionDefinition
from evenhand.errors import ExpressionError, InputError, unknown_name

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<word>[^\W\d]\w*)
      | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<mark>[(),=|\[\]])""",
    re.VERBOSE,
)
_CONSTANTS = {"true": True, "false": False, "none": None}
_LABEL = "condition"
_DIGITS = 18
MAX_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class _WrittenToken:
    kind: str
    text: str
    position: int


def read_condition(
    given: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    definitions: Mapping[str, ConditionDefinition],
) -> Condition:
    """Read a condition.

    Parameters
    ----------
    given : str, mapping or sequence of mappings
        ``name(parameter=value, …)``, several joined by ``|`` in the order in which they are
        applied; or, as a plan file has it, ``{name = "tone", frequency = 1000}`` or a list of such.
    definitions : Mapping
        What may be named.

    Raises
    ------
    ExpressionError, InputError
        With a caret, a near name or the range allowed.
    """
    if isinstance(given, str):
        return _Parser(given, definitions).condition()
    steps = [given] if isinstance(given, Mapping) else given
    if not isinstance(steps, list | tuple) or not steps:
        raise InputError(f"A condition is text or a table with a name, not {given!r:.80}.")
    conditions = [_from_mapping(step, definitions) for step in steps]
    return _chained(conditions)


def _from_mapping(step: Any, definitions: Mapping[str, ConditionDefinition]) -> Condition:
    if not isinstance(step, Mapping) or not isinstance(step.get("name"), str):
        raise InputError(
            f"Condition {step!r:.80} has no name.  "
            'Write {name = "tone", frequency = 1000}, with a name and its parameters.'
        )
    name = step["name"]
    if name not in definitions:
        raise InputError(unknown_name("condition", name, sorted(definitions)))
    return definitions[name](**{str(key): value for key, value in step.items() if key != "name"})


def _chained(conditions: Sequence[Condition]) -> Condition:
    first, *rest = conditions
    for condition in rest:
        first = first.followed_by(condition)
    return first


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str, definitions: Mapping[str, ConditionDefinition]) -> None:
        self.text = text
        self.definitions = definitions
        if len(text) > MAX_CHARACTERS:
            raise self._error(f"longer than {MAX_CHARACTERS:,} characters", MAX_CHARACTERS)
        self.tokens = self._tokens()
        self.place = 0

    def condition(self) -> Condition:
        steps = [self._step()]
        while self._accept("|"):
            steps.append(self._step())
        if self._now().kind != "end":
            raise self._error("expected | or the end here")
        return _chained(steps)

    def _step(self) -> Condition:
        token = self._now()
        if token.kind != "word":
            raise self._error("expected a condition, as name(parameter=value, …)")
        self.place += 1
        if token.text not in self.definitions:
            raise self._error(
                unknown_name(_LABEL, token.text, sorted(self.definitions)), token.position
            )
        definition = self.definitions[token.text]
        values, places = self._parameters(definition) if self._accept("(") else ({}, {})
        try:
            return definition(**values)
        except InputError as error:
            wrong = [name for name in places if f"{definition.name}: {name} is" in str(error)]
            place = places[wrong[0]] if wrong else token.position
            raise self._error(str(error), place) from error

    def _parameters(self, definition: ConditionDefinition) -> tuple[dict[str, Any], dict[str, int]]:
        """Values by name, and where each stands."""
        values: dict[str, Any] = {}
        places: dict[str, int] = {}
        known = [parameter.name for parameter in definition.parameters]
        while not self._accept(")"):
            name = self._now()
            if name.kind != "word":
                raise self._error(
                    f"expected parameter=value or )  ({definition.name}: {', '.join(known)})"
                )
            if name.text not in known:
                raise self._error(unknown_name("parameter", name.text, known))
            if name.text in values:
                raise self._error(f"parameter {name.text!r} is given twice")
            self.place += 1
            if not self._accept("="):
                raise self._error(f"expected = after {name.text!r}")
            places[name.text] = self._now().position
            values[name.text] = self._value()
            if not self._accept(",") and self._now().text != ")":
                raise self._error("expected , or )")
        return values, places

    def _value(self) -> Any:
        token = self._now()
        self.place += 1
        match token.kind:
            case "number":
                whole = len(token.text) <= _DIGITS and not re.search(r"[.eE]", token.text)
                return int(token.text) if whole else float(token.text)
            case "text":
                quote = token.text[0]
                return token.text[1:-1].replace(quote * 2, quote)
            case "word":
                return _CONSTANTS.get(token.text.lower(), token.text)
            case "mark" if token.text == "[":
                return self._items()
            case _:
                raise self._error("expected a number, a word or text in 'quotes'", token.position)

    def _items(self) -> list[Any]:
        items: list[Any] = []
        while not self._accept("]"):
            if self._now().text == "[":
                raise self._error("expected a number or text; lists do not nest")
            items.append(self._value())
            if not self._accept(",") and self._now().text != "]":
                raise self._error("expected , or ]")
        return items

    def _tokens(self) -> list[_WrittenToken]:
        tokens, position = [], 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            if match is None:
                quote = self.text[position]
                what = f"expected a closing {quote}" if quote in "'\"" else "unexpected character"
                raise self._error(what, position)
            if match.lastgroup != "space":
                tokens.append(_WrittenToken(str(match.lastgroup), match.group(), position))
            position = match.end()
        return [*tokens, _WrittenToken("end", "", len(self.text.rstrip()))]

    def _now(self) -> _WrittenToken:
        return self.tokens[self.place]

    def _accept(self, mark: str) -> bool:
        found = self._now().kind == "mark" and self._now().text == mark
        self.place += found
        return found

    def _error(self, message: str, position: int | None = None) -> ExpressionError:
        place = self._now().position if position is None else position
        return ExpressionError(message, text=self.text, position=place, label=_LABEL)
