"""Where tables and keys of a TOML text stand, so that what is wrong with it is told with its line."""

import re
from collections.abc import Iterator

#: A key's way from the top: names of tables, numbers of those that are written ``[[so]]``, and its own name.
Place = tuple[str | int, ...]
_HEAD = re.compile(r"\s*(\[\[?)([^=]*?)\]\]?\s*(?:#.*)?$")
_PLAIN = re.compile(r"[\w.-]+")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""")
_LONG = ('"""', "'''")


class TomlLines:
    r"""Lines of tables and keys, counted from 1, as far as they are written plainly.

    Parameters
    ----------
    text : str
        TOML that was read without a fault.

    Examples
    --------
    >>> lines = TomlLines('level = 0.9\n[[rule]]\nname = "a"\n[service]\nname = "b"')
    >>> lines.at(("level",)), lines.at(("rule", 0)), lines.at(("rule", 0, "name")), lines.at(("service", "name"))
    (1, 2, 3, 5)
    >>> lines.nearest(("service", "version")), lines.nearest(("uses", 0))
    (4, None)
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        numbers: dict[str, int] = {}
        table: Place | None = ()
        for number, line in _outside_of_long_texts(text):
            if (key := _KEY.match(line)) is not None:
                if table is not None:
                    name = next(one for one in key.groups() if one is not None)
                    self._lines.setdefault((*table, name), number)
            elif (head := _HEAD.match(line)) is not None:
                table = _table(head[2].strip(), numbers, listed=head[1] == "[[")
                if table is not None:
                    self._lines.setdefault(table, number)

    def at(self, place: Place) -> int | None:
        """The line of a table or a key; `None` where it is not there."""
        return self._lines.get(place)

    def nearest(self, place: Place) -> int | None:
        """The same, or that of what holds it."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place)


def _table(name: str, numbers: dict[str, int], *, listed: bool) -> Place | None:
    """The place of a table; `None` where its name is not written plainly."""
    if not _PLAIN.fullmatch(name):
        return None
    if not listed:
        return tuple(name.split("."))
    numbers[name] = numbers.get(name, -1) + 1
    return (*name.split("."), numbers[name])


def _outside_of_long_texts(text: str) -> Iterator[tuple[int, str]]:
    within = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not within:
            yield number, line
        for mark in _LONG:
            if within in ("", mark) and line.count(mark) % 2:
                within = "" if within else mark
