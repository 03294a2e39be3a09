"""Options that several questions have: what each may be, checked in one place."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.errors import InputError, near


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Numbers that an option may be.

    Attributes
    ----------
    least : float
        The smallest.
    below : float
        All are less than it.
    whole : bool
        Whether they are whole.
    words : str
        The same in words.
    """

    least: float
    below: float = math.inf
    whole: bool = False
    words: str

    def __contains__(self, value: object) -> bool:
        kinds = int if self.whole else int | float
        if not isinstance(value, kinds) or isinstance(value, bool):
            return False
        return bool(self.least <= value < self.below)  # NaN is in no range


def whole(least: int, most: int | None = None) -> Allowed:
    """Whole numbers from one to another, or without end."""
    words = (
        f"a whole number of at least {least}"
        if most is None
        else f"a whole number from {least} to {most}"
    )
    return Allowed(
        least=least, below=math.inf if most is None else most + 1, whole=True, words=words
    )


#: Beyond one in a million no interval of ours is known to hold, and quantiles run out of digits.
MOST_SURE = 0.999999
LEVEL = Allowed(
    least=0.5,
    below=np.nextafter(MOST_SURE, 1.0),
    words=f"a confidence from 0.5 to {MOST_SURE}, for example 0.95",
)
AT_LEAST_0 = Allowed(least=0, words="a finite number of at least 0")
SHARE = Allowed(least=0, below=1, words="a number in [0, 1)")
#: What options may be that mean the same in every question.
NUMBERS = {
    "level": LEVEL,
    "tolerance": AT_LEAST_0,
    "min_units": whole(2, 1_000_000_000),
    "suppress_below": whole(0),
    "seed": whole(0),
}
CHOICES = {
    "adjust": ("max-t", "holm", "bh"),
    "interval": ("wilson", "clopper-pearson"),
    "worse": ("higher", "lower"),
}


def plain(value: Any) -> Any:
    """A number or array of numpy as Python's own; all else as it is."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def plain_bins(bins: Mapping[str, Any] | None) -> dict[str, Any]:
    """Bins by the name of their attribute, with plain numbers.

    Raises
    ------
    InputError
        Where they name nothing.
    """
    if bins is not None and not isinstance(bins, Mapping):
        raise InputError(
            f"bins are {bins!r}, but must name attributes, for example {{'age': [25, 45]}}."
        )
    return {
        name: edges.tolist() if hasattr(edges, "tolist") else edges
        for name, edges in (bins or {}).items()
    }


def check_numbers(given: Mapping[str, object], allowed: Mapping[str, Allowed] = NUMBERS) -> None:
    """Refuse numbers that have no meaning, the first in the order given.

    Parameters
    ----------
    given : mapping
        Values by the name of their option.
    allowed : mapping
        What each may be.
    """
    for name, value in given.items():
        if value not in allowed[name]:
            hint = ""
            if name == "level" and isinstance(value, int | float) and 50 <= value < 100:
                hint = f"  Did you mean {value / 100:g}?"
            raise InputError(f"{name} is {value!r}, but must be {allowed[name].words}.{hint}")


def check_choices(
    given: Mapping[str, object],
    allowed: Mapping[str, Sequence[str]] = CHOICES,
    *,
    needed: Collection[str] = (),
) -> None:
    """Refuse words that are none of an option's; `None` is none given, where it is not among those needed."""
    for name, value in given.items():
        if value not in allowed[name] and (value is not None or name in needed):
            raise InputError(
                f"{name} is {value!r}.{near(str(value), allowed[name])}  "
                f"Allowed: {', '.join(allowed[name])}"
            )


def check_texts(
    given: Mapping[str, object], *, needed: Collection[str] = (), words: str = "text"
) -> None:
    """Refuse what is no text; `None` is none given, where it is not among those needed."""
    for name, value in given.items():
        if not isinstance(value, str) and (value is not None or name in needed):
            raise InputError(f"{name} is {value!r}, but must be {words}.")
