"""All conditions by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.conditions.audio import AUDIO
from evenhand.conditions.condition import Condition, ConditionDefinition
from evenhand.conditions.expression import read_condition
from evenhand.conditions.image import IMAGE
from evenhand.conditions.table import TABLE
from evenhand.conditions.text import TEXT
from evenhand.errors import InputError, unknown_name


def _unchanged(media: Any, _: np.random.Generator, __: Mapping[str, Any]) -> Any:
    return media


CLEAN = ConditionDefinition(
    name="clean",
    kind="any",
    apply=_unchanged,
    about="The sample as it is: what every other condition is compared with.",
    source="no change",
)

#: Conditions by media, as the reference lists them.
FAMILIES: dict[str, tuple[ConditionDefinition, ...]] = {
    "any": (CLEAN,),
    "audio": AUDIO,
    "image": IMAGE,
    "text": TEXT,
    "table": TABLE,
}
DEFINITIONS = {definition.name: definition for family in FAMILIES.values() for definition in family}


def find_definition(name: str) -> ConditionDefinition:
    """Condition of this name, or an error that offers a near one.

    Examples
    --------
    >>> find_definition("tone").kind
    'audio'
    """
    if name not in DEFINITIONS:
        raise InputError(unknown_name("condition", name, sorted(DEFINITIONS)))
    return DEFINITIONS[name]


def parse_condition(given: str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Condition:
    """Read a condition; see `read_condition`.

    Examples
    --------
    >>> parse_condition("tone(frequency=1000, rate=16) | notch(frequency=1000)").name
    'tone | notch'
    >>> parse_condition({"name": "noise", "snr": 10}).text
    'noise(snr=10, colour=white)'
    """
    return read_condition(given, DEFINITIONS)
