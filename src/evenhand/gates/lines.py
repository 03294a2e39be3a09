"""Where keys of a policy stand in its text, so that what is wrong is told with its line."""

from collections.abc import Sequence

from evenhand.records.toml_lines import Place, TomlLines


class KeyLines:
    r"""Lines of keys, counted from 1.

    Parameters
    ----------
    text : str
        TOML that was read without a fault.
    rules : sequence of tuple
        Where each rule stands: ``("rule", 0)``, or what it was called in place of that.

    Examples
    --------
    >>> lines = KeyLines('level = 0.9\n[[rule]]\nname = "a"', [("rule", 0)])
    >>> lines.of(None, "level"), lines.of(0), lines.of(0, "name"), lines.of(0, "by")
    (1, 2, 3, 2)
    """

    def __init__(self, text: str, rules: Sequence[Place]) -> None:
        self._lines, self._rules = TomlLines(text), rules

    def of(self, rule: int | None, key: str = "") -> int | None:
        """The line of a key of a rule, or of the rule; of `None` a key, or a table, before all rules."""
        if rule is None:
            return self._lines.at((key,)) or self._lines.at((key, 0))
        return self._lines.nearest((*self._rules[rule], key))
