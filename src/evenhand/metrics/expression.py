"""Metric expressions: ``wer(reference=text, hypothesis=amazon)`` to a bound metric."""

import re
from collections.abc import Collection, Mapping, Sequence

from evenhand.errors import ExpressionError, InputError
from evenhand.groups import parse_predicate
from evenhand.metrics.catalogue import find_definition
from evenhand.metrics.definition import Definition, Given, Metric, Takes
from evenhand.records import Column, find_column

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(")
_ARGUMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)\s*")
_TEXT = re.compile(r"'((?:[^']|'')*)'\s*\Z")
_QUOTED_NAME = re.compile(r'"((?:[^"]|"")+)"\s*\Z')
_NUMBER = re.compile(r"-?\d+(\.\d+)?\s*\Z")
_LABEL = "metric"
MAX_CHARACTERS = 10_000


def parse_metric(
    text: str, columns: Sequence[Column], also: Mapping[str, str] | None = None
) -> Metric:
    """Read a metric expression.

    Parameters
    ----------
    text : str
        ``name(argument=column, …)``; arguments may also stand in their order, without names.  A
        yes/no argument may be a predicate: ``prediction=score >= 0.5``.  Options stand in quotes:
        ``normalizer='english'``.
    columns : Sequence of Column
        The columns of the table.
    also : Mapping, optional
        Arguments that stand outside the text, by their names.

    Raises
    ------
    ExpressionError, InputError
        With a caret, or a near name.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            f"longer than {MAX_CHARACTERS:,} characters",
            text=text,
            position=MAX_CHARACTERS,
            label=_LABEL,
        )
    call = _CALL.match(text)
    if call is None:
        definition = find_definition(text.strip()) if text.strip().isidentifier() else None
        hint = f"expected {definition.usage}" if definition else "expected name(argument=column, …)"
        raise ExpressionError(
            hint, text=text, position=len(text.rstrip()) if definition else 0, label=_LABEL
        )
    definition = find_definition(call.group(1))
    end = _closing(text, call.end())
    positional: list[Given] = []
    named: dict[str, Given] = {}
    for start, stop in _pieces(text, call.end(), end):
        match = _ARGUMENT.match(text, start, stop)
        name = match.group(1) if match and match.group(1) in _names(definition) else None
        if match and name is None and not _is_column(match.group(1), columns):
            named[match.group(1)] = ""  # the definition refuses it with a near name
            continue
        begin = match.end() if match and name else start
        place = name or _names(definition)[min(len(positional), len(_names(definition)) - 1)]
        value = _read(definition, place, text, begin, stop, columns)
        if name is None:
            if place in named or len(positional) >= len(_names(definition)):
                number = len(_names(definition))
                what = f"{definition.name} takes {number} argument{'s' * (number != 1)}"
                what = f"argument {place!r} is given twice" if place in named else what
                raise ExpressionError(what, text=text, position=_ink(text, start), label=_LABEL)
            positional.append(value)
        elif name in named or name in _names(definition)[: len(positional)]:
            raise ExpressionError(
                f"argument {name!r} is given twice",
                text=text,
                position=_ink(text, start),
                label=_LABEL,
            )
        else:
            named[name] = value
    for name, piece in (also or {}).items():
        given = {*named, *_names(definition)[: len(positional)]}
        # In its place among the others, as if it stood in the text.
        known = {name: _beside(definition, name, piece, given, text, columns), **named}
        named = {n: known[n] for n in [*_names(definition), *known] if n in known}
    return definition(*positional, **named)


def _beside(
    definition: Definition,
    name: str,
    piece: str,
    given: Collection[str],
    text: str,
    columns: Sequence[Column],
) -> Given:
    """An argument that stands outside the expression."""
    if name not in _names(definition):
        raise InputError(f"{definition.name} takes no {name}.  Write {definition.usage}")
    if name in given:
        raise InputError(
            f"{text} names a {name} itself, and --{name} {piece} another.  Leave one of them out."
        )
    return _read(definition, name, piece, 0, len(piece), columns)


def _names(definition: Definition) -> list[str]:
    return [argument.name for argument in definition.arguments]


def _is_column(name: str, columns: Sequence[Column]) -> bool:
    return any(column.name == name for column in columns)


def _closing(text: str, start: int) -> int:
    """Position of the bracket that closes the call; nothing may follow it."""
    depth, quote = 1, ""
    for position in range(start, len(text)):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character == "(") - (character == ")")
            if depth == 0:
                if text[position + 1 :].strip():
                    raise ExpressionError(
                        "expected the end here", text=text, position=position + 1, label=_LABEL
                    )
                return position
    raise ExpressionError(
        "expected )" if not quote else f"expected a closing {quote}",
        text=text,
        position=len(text),
        label=_LABEL,
    )


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the arguments, cut at commas outside brackets and quotes."""
    if not text[start:end].strip():
        return []
    cuts, depth, quote = [start], 0, ""
    for position in range(start, end):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "," and depth == 0:
            cuts.append(position + 1)
        else:
            depth += (character == "(") - (character == ")")
    return list(zip(cuts, [*(cut - 1 for cut in cuts[1:]), end], strict=True))


def _read(
    definition: Definition, name: str, text: str, start: int, stop: int, columns: Sequence[Column]
) -> Given:
    """Value of one argument: a column, a constant or a predicate."""
    piece = text[start:stop].strip()
    argument = next(argument for argument in definition.arguments if argument.name == name)
    takes = argument.takes
    position = _ink(text, start)
    if argument.several and piece.startswith("(") and piece.endswith(")"):
        return _several(definition, name, text, (position, position + len(piece)), columns)
    if not piece:
        raise ExpressionError(
            f"expected a value for {name!r}", text=text, position=position, label=_LABEL
        )
    if takes is Takes.CONSTANT:
        return _constant(piece, text, position)
    if _is_column(piece, columns):
        return piece
    if quoted := _QUOTED_NAME.match(piece):
        return _column(quoted.group(1).replace('""', '"'), text, position, columns)
    if (
        piece.replace(" ", "").replace("-", "").replace(".", "").isidentifier()
        or takes is not Takes.BINARY
    ):
        return _column(piece, text, position, columns)
    try:
        return parse_predicate(piece, columns, label=name)
    except ExpressionError as error:
        raise ExpressionError(
            error.message, text=text, position=position + error.position, label=_LABEL
        ) from error


def _several(
    definition: Definition, name: str, text: str, span: tuple[int, int], columns: Sequence[Column]
) -> Given:
    """Values in brackets: ``(first, second)``."""
    found: list[str | int | float] = []
    for start, stop in _pieces(text, span[0] + 1, span[1] - 1):
        one = _read(definition, name, text, start, stop, columns)
        if not isinstance(one, str | int | float):
            raise ExpressionError(
                "expected a column or a value", text=text, position=_ink(text, start), label=_LABEL
            )
        found.append(one)
    if not found:
        raise ExpressionError(
            f"expected values for {name!r}", text=text, position=span[0], label=_LABEL
        )
    return tuple(found)


def _ink(text: str, start: int) -> int:
    """First character from `start` that is no space."""
    return len(text) - len(text[start:].lstrip())


def _column(piece: str, text: str, position: int, columns: Sequence[Column]) -> str:
    if piece in {column.name for column in columns}:
        return (
            piece  # of any kind: a metric's own inputs say what they take, lists of references too
        )
    try:
        return find_column(piece, columns).name
    except InputError as error:
        told = str(error)
        if any(mark in piece for mark in "=<>"):
            told = (
                f"expected a column, and {piece!r} is a predicate.  Write it into the table as a column of 1 and 0 and "
                "name that, or take a metric that reads predicates, such as balanced_accuracy"
            )
        raise ExpressionError(told, text=text, position=position, label=_LABEL) from error


def _constant(piece: str, text: str, position: int) -> Given:
    if match := _TEXT.match(piece):
        return match.group(1).replace("''", "'")
    if _NUMBER.match(piece):
        return float(piece) if "." in piece else int(piece)
    if piece.isidentifier():
        return piece
    raise ExpressionError(
        "expected a number or text in 'quotes'", text=text, position=position, label=_LABEL
    )
