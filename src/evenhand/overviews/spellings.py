"""Values of a column that may be one: another case, a space, a letter more or less."""

import re
from collections import defaultdict
from collections.abc import Iterator

from rapidfuzz import fuzz

from evenhand.overviews.result import Spellings
from evenhand.overviews.seen import Values
from evenhand.records import Kind

#: Values that are compared with each other, at most.
_MOST = 200
#: How alike two values are that may be one, and how long; a rarer one is a slip, two frequent ones are two.
_ALIKE, _LONG, _RARE = 88.0, 6, 0.1
#: What tells no two values apart; signs that compare and count do: <=50K is not >50K, A+ is not A-.
_NOISE = re.compile(r"(?:(?<=[^\W_])\s*[-−]\s*(?=[^\W_])|[^\w<>=≤≥+−-]|_)+")


def spellings_of(c: Values) -> Iterator[Spellings]:
    """Groups of values that may be one."""
    if c.column.kind is not Kind.TEXT or not 2 <= len(c.counts) <= _MOST:
        return
    plain: dict[str, list[str]] = defaultdict(list)
    for value, _ in c.counts.most_common():
        plain[_NOISE.sub(" ", value.casefold()).strip()].append(value)
    for found in plain.values():
        if len(found) > 1:
            yield _told(c, found)
    single = [found[0] for found in plain.values() if len(found) == 1]
    for place, often in enumerate(single):
        slips = [rare for rare in single[place + 1 :] if _is_slip(c, often, rare)]
        if slips:
            yield _told(c, [often, *slips])


def _is_slip(c: Values, often: str, rare: str) -> bool:
    if c.counts[rare] > _RARE * c.counts[often] or min(len(often), len(rare)) < _LONG:
        return False
    # Numbers tell things apart: site 11 is not site 12.
    if re.sub(r"\D", "", often) != re.sub(r"\D", "", rare):
        return False
    return fuzz.ratio(often.casefold(), rare.casefold()) >= _ALIKE


def _told(c: Values, values: list[str]) -> Spellings:
    return Spellings(
        column=c.name, values=tuple(values), rows=tuple(c.counts[value] for value in values)
    )
