"""Options of Python's functions: one that does not exist is refused with those that do."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, get_args

from evenhand.errors import InputError, unknown_name

P = ParamSpec("P")
R = TypeVar("R")


class UnknownOptionError(InputError, TypeError):
    """A function was given an option that it does not have; Python calls that a `TypeError`."""


def tells_options(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse unknown options of a function with a near one and all there are; its signature stays.

    Examples
    --------
    >>> @tells_options
    ... def ask(*, unit=None, level=0.95): ...
    >>> try:
    ...     ask(units="speaker")
    ... except UnknownOptionError as error:
    ...     print(error)
    ask: Unknown option 'units'. Did you mean 'unit'?  Options: unit, level
    """
    known = _options(function)

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise UnknownOptionError(
                    f"{function.__name__}: {unknown_name('option', name, known)}"
                )
        return function(*args, **kwargs)

    return asked


def _options(function: Callable[..., object]) -> tuple[str, ...]:
    """Names that a function takes, those of options that it passes on among them."""
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            names.append(parameter.name)
            continue
        (passed,) = get_args(parameter.annotation)
        names += passed.__annotations__
    return tuple(dict.fromkeys(names))
