"""Where keys of a policy stand in its text, so that what is wrong is told with its line."""

import re
from collections.abc import Iterator

_RULE = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_SECTION = re.compile(r"\s*\[")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""")
_LONG = ('"""', "'''")


class KeyLines:
    r"""Lines of keys, counted from 1.

    Parameters
    ----------
    text : str
        TOML that was read without a fault.

    Examples
    --------
    >>> lines = KeyLines('level = 0.9\n[[rule]]\nname = "a"')
    >>> lines.of(None, "level"), lines.of(0), lines.of(0, "name"), lines.of(0, "by")
    (1, 2, 3, 2)
    """

    def __init__(self, text: str) -> None:
        self._rules: list[int] = []
        self._keys: dict[tuple[int | None, str], int] = {}
        rule: int | None = None
        aside = False
        for number, line in _outside_of_long_texts(text):
            if _RULE.match(line):
                rule, aside = len(self._rules), False
                self._rules.append(number)
            elif _SECTION.match(line) and not _KEY.match(line):
                aside = True
            elif not aside and (found := _KEY.match(line)):
                key = next(name for name in found.groups() if name is not None)
                self._keys.setdefault((rule, key), number)

    def of(self, rule: int | None, key: str = "") -> int | None:
        """The line of a key of a rule, or of the rule; of `None` a key before all rules."""
        if (found := self._keys.get((rule, key))) is not None:
            return found
        return self._rules[rule] if rule is not None and rule < len(self._rules) else None


def _outside_of_long_texts(text: str) -> Iterator[tuple[int, str]]:
    within = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not within:
            yield number, line
        for mark in _LONG:
            if within in ("", mark) and line.count(mark) % 2:
                within = "" if within else mark
