"""JSON Schema of an answer, from the types and the documentation of its fields (draft 2020-12)."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from evenhand.results.protocol import Result

_PLAIN = {bool: "boolean", int: "integer", float: "number", str: "string"}


def json_schema(kind: type[Result], *, identifier: str, title: str) -> dict[str, Any]:
    """What JSON of an answer must satisfy.

    Parameters
    ----------
    kind : type
        The class of the answer.
    identifier : str
        The schema's own ``$id``.
    title : str
        What it is called.
    """
    written = _SchemaWriter()
    body = written.of(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
        **body,
        "$defs": dict(sorted(written.classes.items())),
    }


class _SchemaWriter:
    """Schemas of the classes that were met, each once."""

    def __init__(self) -> None:
        self.classes: dict[str, Any] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """Schema of a type."""
        origin, inner = get_origin(kind), get_args(kind)
        if kind is Any:
            return {}
        if kind is type(None):
            return {"type": "null"}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(one) for one in inner]}
        if origin is Literal:
            return {"enum": list(inner)}
        if origin is tuple:
            if inner[-1] is ...:
                return {"type": "array", "items": self.of(inner[0])}
            each = [self.of(one) for one in inner]
            return {"type": "array", "prefixItems": each, "minItems": len(each), "items": False}
        if origin is not None and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            return self.reference(kind)
        return {"type": _PLAIN[kind]}

    def reference(self, kind: type[Any]) -> dict[str, Any]:
        """Where the schema of a class stands; it is written when it is met first."""
        if kind.__name__ not in self.classes:
            self.classes[kind.__name__] = {}  # holds its place while its own fields are written
            self.classes[kind.__name__] = self._class(kind)
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def _class(self, kind: type[Any]) -> dict[str, Any]:
        hints = get_type_hints(kind)
        fields = dataclasses.fields(kind)
        properties = {field.name: self.of(hints[field.name]) for field in fields}
        needed = [
            field.name
            for field in fields
            if field.default is field.default_factory is dataclasses.MISSING
        ]
        if issubclass(kind, Result):
            properties = {"schema": {"const": kind.SCHEMA}} | properties
            needed = ["schema", *needed]
        return {
            "type": "object",
            "description": (kind.__doc__ or "").strip().partition("\n")[0],
            "properties": properties,
            "required": needed,
            "additionalProperties": False,
        }
