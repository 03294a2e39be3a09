"""The command that asks a question again, for one that was asked in Python."""

import inspect
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

#: What the command line calls an option that Python calls otherwise.
_CALLED = {"missing_values": "missing"}


def write_command(asked: Callable[..., Any], source: str, given: Mapping[str, Any]) -> str:
    """Command line of a question.

    Parameters
    ----------
    asked : callable
        The function that was asked; the command is called as it is, and what equals its defaults is
        left out.
    source : str
        What the user called the table.
    given : mapping
        Values by the function's names, in the order in which they are written.  A sequence is an option
        several times; bins are a mapping; `True` and `False` are an option and its negative.

    Examples
    --------
    >>> def audit(table, metric, *, by, unit=None, level=0.95, bins=None): ...
    >>> given = {"metric": "mean(wrong)", "by": ["site", "age"], "level": 0.95, "bins": {"age": [40.0]}}
    >>> write_command(audit, "calls.csv", given)
    "evenhand audit calls.csv --metric 'mean(wrong)' --by site --by age --bins age=40.0,"
    """
    own = inspect.signature(asked).parameters
    words = ["evenhand", asked.__name__, source]
    for name, value in given.items():
        if value is None or (name in own and value == own[name].default):
            continue
        words += _option(name, value)
    return shlex.join(words)


def told_options(command: str, *names: str) -> list[tuple[str, str]]:
    """What a command tells of some options that take a value, in its order; nothing where it is none.

    Examples
    --------
    >>> told_options("evenhand audit calls.csv --with people.csv --on speaker --with=sites.csv", "--with")
    [('--with', 'people.csv'), ('--with', 'sites.csv')]
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    found = []
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found.append((name, value if equals else "".join(words[place + 1 : place + 2])))
    return found


def joined_files(command: str) -> tuple[str, ...]:
    """Files that a command joins to its table."""
    return tuple(name for _, name in told_options(command, "--with") if name)


def _option(name: str, value: Any) -> Iterator[str]:
    option = _CALLED.get(name, name).replace("_", "-")
    if isinstance(value, bool):
        yield f"--{option}" if value else f"--no-{option}"
        return
    if isinstance(value, Mapping):
        value = written_bins(value)
    for one in [value] if isinstance(value, str) or not isinstance(value, Sequence) else value:
        yield from (f"--{option}", str(one))


def written_bins(bins: Mapping[str, int | Sequence[float]]) -> tuple[str, ...]:
    """Bins as the command line takes them; a comma after a single edge tells it from a number of bins."""
    return tuple(
        f"{name}={','.join(map(repr, cut))}{',' * (len(cut) == 1)}"
        if isinstance(cut, Sequence)
        else f"{name}={cut}"
        for name, cut in bins.items()
    )
