"""Word lists, spelling variants and patterns of the English normaliser, loaded when first used."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any


@cache
def rules() -> dict[str, dict[str, Any]]:
    """Replacements, characters and number words, by the rule that uses them."""
    return _read_json("english_rules.json")


@cache
def spellings() -> dict[str, str]:
    """American spelling of each British one."""
    return _read_json("english_spellings.json")


def _read_json(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    return content


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile on first use: two dozen patterns would triple the time of importing."""
    return re.compile(pattern)
