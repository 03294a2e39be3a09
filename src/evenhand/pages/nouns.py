"""What columns call people and things: a plural where the name is a noun that is known, else the name itself."""

from functools import cache
from importlib.resources import files


def unit_noun(column: str, number: int = 2) -> str:
    """So many of what a column names: a noun with its plural, or units of that column.

    Examples
    --------
    >>> unit_noun("speaker"), unit_noun("speaker", 1), unit_noun("city"), unit_noun("person")
    ('speakers', 'speaker', 'cities', 'people')
    >>> unit_noun("q"), unit_noun("client_id", 1)
    ('units (q)', 'unit (client_id)')
    """
    if " × " in column:
        # Rows that share any of several are dependent: none of them alone is the unit.
        return unit_noun("unit", number)
    if not is_noun(column):
        return f"{unit_noun('unit', number)} ({column})"
    return column if number == 1 else many(column)


def count_units(number: int, column: str) -> str:
    """A number of them: ``25 speakers``, ``25 units (q)``."""
    return f"{number:,} {unit_noun(column, number)}"


def is_noun(name: str) -> bool:
    """Whether a column's name is an English noun that is known."""
    return name.lower() in _nouns()


def many(noun: str) -> str:
    """The plural of an English noun.

    Examples
    --------
    >>> many("accent"), many("city"), many("box"), many("day"), many("woman"), many("Person")
    ('accents', 'cities', 'boxes', 'days', 'women', 'People')
    """
    if plural := _nouns().get(noun.lower()):
        return plural if noun.islower() else plural.upper() if noun.isupper() else plural.title()
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


@cache
def _nouns() -> dict[str, str]:
    """Nouns with the plurals that no rule makes."""
    text = (files("evenhand.pages") / "static" / "nouns.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {line[0]: line[1] if len(line) > 1 else "" for line in lines}
