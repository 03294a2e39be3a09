"""All conditions by name, each medium's loaded when one of them is first asked for.

Those of the medium *audio* are ``AUDIO`` in ``conditions/audio``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from evenhand.conditions.condition import Condition, ConditionDefinition
from evenhand.conditions.expression import read_condition
from evenhand.deferred import Catalogue
from evenhand.errors import InputError, unknown_name

if TYPE_CHECKING:
    import numpy as np

#: Names of each medium's conditions, as the reference lists them.
_NAMES = {
    "any": "clean",
    "audio": """
        tone noise recorded_noise babble reverberation impulse_response band microphone mu_law a_law
        gsm opus packet_loss clipping gain speed tempo pitch notch
    """,
    "image": """
        light gamma contrast gaussian_blur motion_blur defocus_blur gaussian_noise shot_noise jpeg
        resolution occlusion haze rotation
    """,
    "text": """
        gender names dialect formality misspellings typos casing contractions expansions
    """,
    "table": "missing_fields unit_mistake rounding shifted_category permuted_fields",
}
_FAMILY_OF = {name: family for family, names in _NAMES.items() for name in names.split()}


def _unchanged(media: Any, _: np.random.Generator, __: Mapping[str, Any]) -> Any:
    return media


CLEAN = ConditionDefinition(
    name="clean",
    kind="any",
    apply=_unchanged,
    about="The sample as it is: what every other condition is compared with.",
    source="no change",
)


def _family(name: str) -> tuple[ConditionDefinition, ...]:
    if name == "any":
        return (CLEAN,)
    found: tuple[ConditionDefinition, ...] = getattr(
        import_module(f"evenhand.conditions.{name}"), name.upper()
    )
    return found


def _definition(name: str) -> ConditionDefinition:
    return next(found for found in _family(_FAMILY_OF[name]) if found.name == name)


#: Conditions by media, as the reference lists them.
FAMILIES: Mapping[str, tuple[ConditionDefinition, ...]] = Catalogue(tuple(_NAMES), _family)
DEFINITIONS: Mapping[str, ConditionDefinition] = Catalogue(tuple(_FAMILY_OF), _definition)


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
