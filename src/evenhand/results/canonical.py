"""The one JSON text of a value by RFC 8785, which programs in other languages write byte for byte alike.

Sources: Rundgren, Jordan & Erdtman (2020), RFC 8785, doi:10.17487/RFC8785; numbers as ECMA-262 writes them.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from evenhand.errors import InputError

#: Whole numbers beyond this are not told apart by programs whose numbers are doubles.
LARGEST = 2**53 - 1


def canonical_json(value: Any, place: str = "the text") -> bytes:
    """Canonical text of plain values.

    Raises
    ------
    InputError
        For a whole number that other programs cannot hold, a number that is none, and text that is no Unicode.

    Examples
    --------
    >>> canonical_json({"b": [1.0, 1e21, 0.000001], "a": "é"}).decode()
    '{"a":"é","b":[1,1e+21,0.000001]}'
    """
    try:
        return _text(value, place).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place} holds text that is no Unicode: {error.object[:40]!r}."
        ) from error


def _text(value: Any, place: str) -> str:
    if isinstance(value, Mapping):
        # By UTF-16 code units, as the RFC has it.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        inner = (f"{_string(name)}:{_text(value[name], f'{place}.{name}')}" for name in names)
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(one, f"{place}[{i}]") for i, one in enumerate(value)) + "]"
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        if abs(value) > LARGEST:
            # Longer ones are not even written out.
            told = value if value.bit_length() < 200 else f"a number of {value.bit_length()} bits"
            raise InputError(
                f"{place} is {told}, but whole numbers beyond {LARGEST} are read differently by other programs.  "
                "Choose a smaller one."
            )
        return str(value)
    if not math.isfinite(value):
        raise InputError(f"{place} is {value}, which JSON has no word for.")
    return number_text(value)


#: Python escapes what the RFC does, and alike.
_string = json.JSONEncoder(ensure_ascii=False).encode


def number_text(value: float) -> str:
    """A double as ECMAScript writes it: the shortest digits that read back, exponents from 1e21 and below 1e-6.

    Examples
    --------
    >>> [number_text(x) for x in (333333333.33333329, 1e30, 4.50, 2e-3, 1e-27, -0.0)]
    ['333333333.3333333', '1e+30', '4.5', '0.002', '1e-27', '0']
    """
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    kept = digits.lstrip("0")
    point -= len(digits) - len(kept)
    kept = kept.rstrip("0")
    if len(kept) <= point <= 21:
        return sign + kept + "0" * (point - len(kept))
    if 0 < point <= 21:
        return f"{sign}{kept[:point]}.{kept[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{kept}"
    power = point - 1
    shown = kept if len(kept) == 1 else f"{kept[0]}.{kept[1:]}"
    return f"{sign}{shown}e{'+' if power > 0 else '-'}{abs(power)}"
