"""Names of persons swapped between two groups, by a list that says where it comes from."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from evenhand.conditions.text.words import Change, Span, read_list, replaced, split_words
from evenhand.errors import InputError

SHIPPED: Final = "names_bertrand_2004.csv"
_NEEDED: Final = ("name", "group", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A list of names.

    Attributes
    ----------
    groups : tuple of str
        In the order of the file.
    within : mapping
        Names by (group, what is kept alike, such as the sex), in the order of the file.
    also : frozenset of str
        Names that are ordinary words or places too.
    """

    groups: tuple[str, ...]
    within: Mapping[tuple[str, str], tuple[str, ...]]
    also: frozenset[str]


@cache
def read_names(file: str = SHIPPED) -> Names:
    """Read a list of names.

    Parameters
    ----------
    file : str
        CSV with the columns ``name``, ``group`` and ``source``, where the source says who found that
        the name is read as of the group; and perhaps ``within`` (names are only swapped with names
        of the same) and ``also`` (what else the word means).

    Raises
    ------
    InputError
        When a column or a source is missing, or a name stands twice.
    """
    rows = read_list(file)
    absent = [name for name in _NEEDED if not rows or name not in rows[0]]
    if absent:
        raise InputError(
            f"{file} has no column {' or '.join(absent)}.  A list of names needs {', '.join(_NEEDED)}, "
            "and may have within and also."
        )
    within: dict[tuple[str, str], list[str]] = defaultdict(list)
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        name = row["name"]
        if not row["source"]:
            raise InputError(
                f"{file} line {line}: {name!r} has no source.  Say who found that it is read as "
                f"{row['group']!r}: a study, a register, or your own survey."
            )
        if [word.text for word in split_words(name)] != [name] or not name[0].isupper():
            raise InputError(f"{file} line {line}: {name!r} is not one capitalised word.")
        if name.lower() in seen:
            raise InputError(
                f"{file} line {line}: {name!r} stands twice, so it has no one partner."
            )
        seen.add(name.lower())
        within[row["group"], row.get("within", "")].append(name)
    return Names(
        groups=tuple(dict.fromkeys(group for group, _ in within)),
        within={key: tuple(names) for key, names in within.items()},
        also=frozenset(row["name"] for row in rows if row.get("also")),
    )


def pair_names(
    names: Names, first: str, second: str, generator: np.random.Generator | None = None
) -> dict[str, str]:
    """Partner of each name, both ways, of the same ``within``; drawn, or in the order of the list.

    Where a group has more names, those left over have no partner.

    Raises
    ------
    InputError
        When a group is not in the list, or nothing can be paired.
    """
    for group in (first, second):
        if group not in names.groups:
            raise InputError(f"No names of {group!r}.  Groups: {', '.join(names.groups)}")
    partners: dict[str, str] = {}
    for (group, kept), listed in names.within.items():
        if group != first:
            continue
        others = list(names.within.get((second, kept), ()))
        if generator is not None:
            others = [others[place] for place in generator.permutation(len(others))]
        for one, other in zip(listed, others, strict=False):
            partners[one], partners[other] = other, one
    if first == second or not partners:
        raise InputError(f"Nothing to pair between {first!r} and {second!r}: name two groups.")
    return partners


def swap_names(
    text: str, partners: Mapping[str, str], *, also: frozenset[str] = frozenset()
) -> Change:
    """Swap each name for its partner, written as the list has it or in capitals.

    Parameters
    ----------
    text : str
    partners : mapping
        As `pair_names` gives it; it must be its own inverse to be reversible.
    also : frozenset of str
        Names that mean something else too; where they stand, the swap is ambiguous.

    Examples
    --------
    >>> swap_names("Emily's and EBONY's: an emily", {"Emily": "Ebony", "Ebony": "Emily"}).text
    "Ebony's and EMILY's: an emily"
    """
    edits: dict[Span, str] = {}
    ambiguous = 0
    for word in split_words(text):
        for name, suffix in ((word.text, ""), (word.stem, word.suffix)):
            known = name if name in partners else name.capitalize() if name.isupper() else ""
            if known in partners:
                partner = partners[known]
                edits[word.span] = (partner.upper() if name.isupper() else partner) + suffix
                ambiguous += known in also
                break
    return Change(
        text=replaced(text, edits),
        changed=len(edits),
        ambiguous=ambiguous,
        reversible=all(partners.get(other) == one for one, other in partners.items()),
    )
