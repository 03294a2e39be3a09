"""A page of the reference: its notice, its tables, and what docstrings say of a class's fields."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

NOTICE = "<!-- Written by docs/generate.py. Change the package, not this page. -->"


def page(*parts: str) -> str:
    """Parts one below the other, the notice after the title."""
    return "\n\n".join(part.strip("\n") for part in (*parts[:1], NOTICE, *parts[1:])) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def by_family(
    families: Mapping[str, Sequence[Any]], head: Sequence[str], write: Callable[[Any, str], str]
) -> Iterator[str]:
    """A table of each family's names, then a section a family with what is written of each."""
    names = {
        name: ", ".join(f"[`{d.name}`](#{d.name})" for d in own) for name, own in families.items()
    }
    yield table(head, list(map(list, names.items())))
    for name, family in families.items():
        yield f"## {name[0].upper()}{name[1:]}"
        yield from (write(definition, name) for definition in family)


def told_by(built: type[Any]) -> dict[str, str]:
    """Meaning of each attribute in the docstrings of a class and its bases."""
    found: dict[str, str] = {}
    for kind in reversed(built.__mro__[:-1]):
        lines = inspect.getdoc(kind) or ""
        names: list[str] = []
        for line in lines.partition("Attributes\n----------\n")[2].splitlines():
            if line and not line.startswith(" "):
                names = line.partition(" : ")[0].split(", ")
                found |= dict.fromkeys(names, "")
            else:
                found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return {name: text.replace("``", "`") for name, text in found.items()}
