"""Forms as plain values, so that a file can say how a metric's value follows from its sums.

A ratio is its weights.  A smooth form is a function, which no file may bring: it has the name of a *recipe*
that stands in this package, and the numbers that the recipe takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from evenhand.errors import InputError
from evenhand.stats.forms import AreaUnderCurve, AveragePrecision, Form, Median, Ratio, Smooth

#: Of a number that a recipe takes: more classes than this have no metric.
_MOST = 10_000
_RECIPES: dict[str, Callable[..., Smooth]] = {}
_PLAIN: dict[str, type[AreaUnderCurve | AveragePrecision | Median]] = {
    "area_under_curve": AreaUnderCurve,
    "average_precision": AveragePrecision,
    "median": Median,
}


def recipe(name: str) -> Callable[[Callable[..., Smooth]], Callable[..., Smooth]]:
    """Name a function that makes a smooth form out of numbers; the forms that it makes can be written."""

    def named(make: Callable[..., Smooth]) -> Callable[..., Smooth]:
        @wraps(make)
        def made(**given: Any) -> Smooth:
            return replace(make(**given), made_by=(name, dict(given)))

        _RECIPES[name] = made
        return made

    return named


def write_form(form: Form) -> dict[str, Any]:
    """A form as JSON has it.

    Examples
    --------
    >>> write_form(Ratio(numerator=(1, 0), denominator=(1, 1)))
    {'form': 'ratio', 'numerator': [1, 0], 'denominator': [1, 1], 'needs': []}
    """
    if isinstance(form, Ratio):
        return {
            "form": "ratio",
            "numerator": list(form.numerator),
            "denominator": list(form.denominator),
            "needs": [list(side) for side in form.needs],
        }
    if isinstance(form, Smooth):
        name, given = form.made_by
        return {
            "form": name,
            **{k: list(v) if isinstance(v, list | tuple) else v for k, v in given.items()},
        }
    return {"form": next(name for name, kind in _PLAIN.items() if isinstance(form, kind))}


def read_form(written: Mapping[str, Any], parts: int) -> Form:
    """The form that `write_form` wrote, of so many counts.

    Raises
    ------
    InputError
        Where it is none that this version knows.
    """
    given = {name: value for name, value in written.items() if name != "form"}
    name = written.get("form")
    try:
        if not all(map(_sound, given.values())):
            raise ValueError  # noqa: TRY301 - told below like all others
        form = _made(name, given)
        fits = form.value(np.ones((1, 1, parts))).shape == (1,)
        fits &= all(0 <= part < parts for side in form.sides for part in side)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise InputError(_unknown(name)) from error
    if not fits:
        raise InputError(_unknown(name))
    return form


def _made(name: Any, given: Mapping[str, Any]) -> Form:
    if name == "ratio":
        sides = {side: tuple(map(float, given[side])) for side in ("numerator", "denominator")}
        return Ratio(**sides, needs=tuple(map(tuple, given["needs"])))
    return _PLAIN[name]() if name in _PLAIN else _RECIPES[name](**given)


def _sound(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _MOST and all(map(_sound, value))
    return isinstance(value, int | float) and abs(value) <= _MOST


def _unknown(name: Any) -> str:
    return (
        f"This file says that its metric is computed by {name!r} from its counts, which this version does not know.  "
        "Count the records again."
    )
