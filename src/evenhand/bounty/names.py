"""Teams' names, and which of them people would take for one another."""

import unicodedata
from functools import cache
from pathlib import Path

LONGEST = 500
_TABLE = Path(__file__).with_name("lookalikes.txt")
#: Printable characters that draw nothing: fillers, joiners and selectors of variants.
_UNDRAWN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)}


def is_name(name: str) -> bool:
    """Whether a team's name can be seen and printed, and is no longer than a line or two."""
    return is_text(name) and bool(likeness(name))


def is_text(text: str) -> bool:
    """Whether a text, as a reason, can be printed and is no longer than a line or two."""
    return text.isprintable() and len(text) <= LONGEST


def likeness(name: str) -> str:
    """What a name looks like: two names with one likeness are not both taken.

    By compatibility forms and case folding, without spaces, and with letters of other scripts as the
    Latin ones that they look like.

    Examples
    --------
    >>> likeness("Ada") == likeness(" аda") == likeness("ＡＤＡ") != likeness("ada2")
    True
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    drawn = (one for one in folded if not one.isspace() and ord(one) not in _UNDRAWN)
    return "".join(drawn).translate(_lookalikes())


@cache
def _lookalikes() -> dict[int, str]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return {ord(other): letter for letter, others in pairs for other in others}
