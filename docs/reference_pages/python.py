"""Every public name with its signature and docstring."""

import inspect
from collections.abc import Iterator
from typing import Any

import evenhand
from evenhand import bounty
from reference_pages.page import page


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
    return page(*parts)


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
