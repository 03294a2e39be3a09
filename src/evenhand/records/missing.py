"""What counts as missing, said once for every file, metric and command.

| where | missing | a value |
|---|---|---|
| attribute, unit, label | NULL, NaN, ±infinity, empty text, a text of `MISSING_VALUES` | any other text |
| score, number | NULL, NaN, empty text, a text of `MISSING_VALUES` | ±infinity is refused, with its row |
| transcript | NULL (in text files a bare empty field) | quoted empty text, and every other text |

A missing *hypothesis* is counted as an empty one: the service said nothing.
"""

from functools import cache
from importlib.resources import files


@cache
def _listed() -> tuple[str, ...]:
    text = (files("evenhand.records") / "missing_texts.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("# "))
    return ("", *lines)


#: Texts that mean *missing* unless somebody says otherwise; the empty text is the first.
MISSING_VALUES = _listed()
