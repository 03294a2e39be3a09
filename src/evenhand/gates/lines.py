"""Where keys of a policy stand in its text, so that what is wrong is told with its line."""

from evenhand.records.toml_lines import TomlLines


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
        self._lines = TomlLines(text)

    def of(self, rule: int | None, key: str = "") -> int | None:
        """The line of a key of a rule, or of the rule; of `None` a key before all rules."""
        if rule is None:
            return self._lines.at((key,))
        return self._lines.nearest(("rule", rule, key))
