"""Commands as people read and paste them: quoted for a shell, readably."""

import re
import shlex
from collections.abc import Iterable
from html import escape

from markupsafe import Markup

#: What a shell reads in double quotes: a ``!`` too, but for one before ``=`` or a space (bash, zsh and csh).
_READ_BY_SHELLS = re.compile(r'["$`\\]|!(?![= ])')


def quoted(text: str) -> str:
    """A word for a shell; in double quotes where a predicate's own single ones would be unreadable.

    Examples
    --------
    >>> print(quoted("site = 'north'"), quoted("calls.csv"), quoted("a b"))
    "site = 'north'" calls.csv 'a b'
    >>> print(quoted("site != 'north'"))
    "site != 'north'"
    """
    if "'" in text and not _READ_BY_SHELLS.search(text):
        return f'"{text}"'
    return shlex.quote(text)


def written(words: Iterable[str]) -> str:
    """A command of these words."""
    return " ".join(map(quoted, words))


def readable(command: str) -> str:
    """The same command quoted so; as it stands where no shell could read it.

    Examples
    --------
    >>> print(readable(shlex.join(["evenhand", "audit", "--where", "site = 'north'"])))
    evenhand audit --where "site = 'north'"
    """
    try:
        return written(shlex.split(command))
    except ValueError:
        return command


def unbroken(command: str) -> Markup:
    """HTML of a command, inside an element: no option is broken at its hyphens, where browsers else break lines.

    Examples
    --------
    >>> print(unbroken("evenhand audit 'a<b.csv' --min-units 5"))
    evenhand audit 'a&lt;b.csv' <kbd>--min-units</kbd> 5
    """
    text = escape(command, quote=False)
    return Markup(re.sub(r"(?<!\S)(--[a-z][a-z-]*)", r"<kbd>\1</kbd>", text))  # noqa: S704 - escaped
