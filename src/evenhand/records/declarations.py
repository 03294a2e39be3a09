"""Declarations of columns as text: ``age=number, code=text``."""

import re
from collections.abc import Mapping


def write_declared(declared: Mapping[str, str]) -> str:
    """Text that `parse_declared` reads back."""
    names = {
        name: name if re.fullmatch(r"[^\",=]+", name) else '"' + name.replace('"', '""') + '"'
        for name in declared
    }
    return ", ".join(f"{names[name]}={kind}" for name, kind in declared.items())


def columns_option(name: str, kind: str) -> str:
    """The option that declares a column, as it is typed in a shell."""
    text = write_declared({name: kind}).replace("'", "'\"'\"'")
    return f"--columns '{text}'"
