"""Messages of other rooms, which name options of commands, in the words of a policy."""

import re

from evenhand.gates.keys import RULE

#: A command that somebody is told to type stays as it is.
_COMMAND = r"`?evenhand [a-z]+[^.;`]*?--"
_NO_VALUE = "and|or|does|gives|names|says|it|if|is|to|in"
_BARE = r"(?:[\w=/%-]|:(?=\S))+"
_VALUE = rf"""'[^']*'|"[^"]*"|(?!(?:{_NO_VALUE})\b){_BARE}(?:[.,]{_BARE})*"""
_OPTION = re.compile(
    rf"({_COMMAND})|--([a-z][a-z-]*)\b((?: (?:{_VALUE}))?)((?: --\2 (?:{_VALUE}))*)"
)
_EACH = re.compile(_VALUE)


def in_keys(text: str) -> str:
    r"""The text with keys of a policy in place of options.

    Examples
    --------
    >>> in_keys("no row satisfies --where.  Name them, as in --unit speaker --unit voice.")
    'no row satisfies `where`.  Name them, as in unit = ["speaker", "voice"].'
    >>> print(in_keys("(--where 'a > 1'), --min-units 5; see evenhand audit … --json"))
    (where = "a > 1"), min_units = 5; see evenhand audit … --json
    """
    return _OPTION.sub(_key, text)


def _key(found: re.Match[str]) -> str:
    command, option, first, more = found.groups()
    key = (option or "").replace("-", "_")
    if command or key not in RULE:
        return found[0]
    values = [_EACH.match(one) for one in re.split(rf" --{option} ", f"{first.strip()}{more}")]
    told = [_written(key, one[0]) for one in values if one is not None]
    if not told:
        return f"`{key}`" + found[0].removeprefix(f"--{option}")
    return f"{key} = {told[0] if len(told) == 1 else '[' + ', '.join(told) + ']'}"


def _written(key: str, value: str) -> str:
    """A value as TOML has it."""
    value = value[1:-1] if value[0] in "'\"" else value
    if key == "bins":
        name, _, edges = value.partition("=")
        return f"{{ {name} = {f'[{edges}]'.replace(',', ', ') if ',' in edges else edges} }}"
    if value.isdigit() and key in ("min_units", "suppress_below"):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
