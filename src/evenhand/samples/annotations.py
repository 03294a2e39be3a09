"""What only people can say of people: read from annotation, never inferred."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from evenhand.errors import InputError

_FITZPATRICK: Final = ("I", "II", "III", "IV", "V", "VI")
_STEPS: Final = {"monk": 10, "fitzpatrick": 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinTone:
    """Skin tone as a person annotated it.

    Parameters
    ----------
    scale : {"monk", "fitzpatrick"}
        Monk's ten tones (Monk 2019, doi:10.31235/osf.io/pdf4c), or Fitzpatrick's six types of how
        skin takes the sun (Fitzpatrick 1988, doi:10.1001/archderm.1988.01670060015008), which were
        not made for images.
    step : int
        From 1, the lightest.
    """

    scale: Literal["monk", "fitzpatrick"]
    step: int


def read_skin_tone(label: str) -> SkinTone:
    """Read an annotator's label: ``monk 7``, ``MST-7``, ``fitzpatrick IV``, ``Fitzpatrick 4``.

    A bare number is refused: 4 of 6 and 4 of 10 differ.

    Raises
    ------
    InputError
        When the scale or the step is not plain.

    Examples
    --------
    >>> read_skin_tone("Fitzpatrick IV")
    SkinTone(scale='fitzpatrick', step=4)
    """
    match = re.fullmatch(
        r"\s*([a-z]+)(?:\s+(?:type|tone|scale))?[\s\-_:]*([0-9]+|[ivx]+)\s*", label.lower()
    )
    names: dict[str, Literal["monk", "fitzpatrick"]] = {
        "monk": "monk", "mst": "monk", "fitzpatrick": "fitzpatrick", "fst": "fitzpatrick"
    }  # fmt: skip
    scale = names.get(match[1]) if match else None
    if match and scale:
        roman = match[2].upper()
        step = _FITZPATRICK.index(roman) + 1 if roman in _FITZPATRICK else 0
        step = int(match[2]) if match[2].isdecimal() else step
        if 1 <= step <= _STEPS[scale]:
            return SkinTone(scale=scale, step=step)
    raise InputError(
        f"Skin tone {label[:80]!r} is not plain.  Allowed: 'monk 1' to 'monk 10', or "
        "'fitzpatrick I' to 'fitzpatrick VI', as an annotator gave it."
    )
