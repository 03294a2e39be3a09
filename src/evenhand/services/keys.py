"""Keys: named in plans, read from the environment at the last moment, told to nobody."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from evenhand.errors import InputError

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_FIELD = re.compile(
    r"authorization|cookie|secret|password|token$|api[-_]?key|access[-_]?key|subscription[-_]?key",
    re.IGNORECASE,
)
_SHORTEST = 6


def names_in(text: str) -> list[str]:
    """Names of the environment that a text asks for.

    Examples
    --------
    >>> names_in("Bearer ${VENDOR_KEY}")
    ['VENDOR_KEY']
    """
    return _NAME.findall(text)


def resolve(text: str) -> str:
    """Text with the environment's values in place of ``${NAME}``.

    Raises
    ------
    InputError
        For a name that the environment lacks; the message tells names only.
    """
    absent = [name for name in names_in(text) if not os.environ.get(name)]
    if absent:
        raise InputError(
            f"The environment has no {' and '.join(absent)}.  Set it: export {absent[0]}=…"
        )
    return _NAME.sub(lambda match: os.environ[match[1]], text)


def resolve_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they are sent."""
    return {name: resolve(value) for name, value in headers.items()}


def absent_keys(templates: Iterable[str]) -> list[str]:
    """Sentence for each name that the environment lacks."""
    found = dict.fromkeys(name for template in templates for name in names_in(template))
    return [
        f"the environment has no {name}.  Set it: export {name}=…"
        for name in found
        if not os.environ.get(name)
    ]


def redact(text: str, templates: Iterable[str]) -> str:
    """Text in which the values of all names in `templates` are written as ``${NAME}`` again."""
    for template in templates:
        for name in names_in(template):
            value = os.environ.get(name, "")
            if len(value) >= _SHORTEST:
                text = text.replace(value, f"${{{name}}}")
    return text


def literal_keys(fields: Mapping[str, Any]) -> list[str]:
    """Names of fields that carry a key itself where they should name one.

    Examples
    --------
    >>> literal_keys({"Authorization": "Bearer sk-1", "X-Api-Key": "${KEY}", "Accept": "*/*"})
    ['Authorization']
    """
    return [
        name
        for name, value in fields.items()
        if _SECRET_FIELD.search(name) and isinstance(value, str) and value and not names_in(value)
    ]


def check_url(url: str, owner: str) -> None:
    """Refuse a URL that is no HTTP address or holds a key."""
    match = re.fullmatch(r"https?://([^/?#\s]+)([^\s]*)", url)
    if match is None:
        raise InputError(
            f"{owner}: url is not an http:// or https:// address.  Example: http://localhost:8000/v1"
        )
    fields = dict(re.findall(r"[?&]([^=&#]+)=([^&#]*)", match[2]))
    if "@" in match[1] or literal_keys(fields) or ("key" in fields and not names_in(fields["key"])):
        raise InputError(
            f"{owner}: the url holds a key or password.  Put it into the environment and write "
            'headers = {Authorization = "Bearer ${NAME}"}'
        )


def address_below(url: str, path: str) -> str:
    """Address below another; its query stays behind the path.

    Examples
    --------
    >>> address_below("http://localhost:8000/v1/", "chat/completions")
    'http://localhost:8000/v1/chat/completions'
    >>> address_below("https://a.example/openai/deployments/d?api-version=2024-10-21", "completions")
    'https://a.example/openai/deployments/d/completions?api-version=2024-10-21'
    """
    place, mark, query = url.partition("?")
    return f"{place.rstrip('/')}/{path.lstrip('/')}{mark}{query}"


def refuse_literal_keys(owner: str, fields: Mapping[str, Any]) -> None:
    """Refuse fields that hold a key instead of naming one."""
    found = literal_keys(fields)
    if found:
        raise InputError(
            f"{owner}: {found[0]!r} holds the key itself.  Put it into the environment "
            f'and write {found[0]} = "${{NAME}}"'
        )
