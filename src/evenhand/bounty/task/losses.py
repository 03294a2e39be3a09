"""Row losses: bounded, of a declared range and direction, always turned to "lower is better"."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError, unknown_name

Floats = npt.NDArray[np.float64]
Reads = Literal["class", "value", "probabilities"]
_TEXT = re.compile(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLoss:
    """A metric that is a mean of bounded values of rows.

    Attributes
    ----------
    text : str
        As `parse_loss` reads it, for example ``squared(0, 100)``.
    reads : "class", "value" or "probabilities"
        What a prediction is: a class index, a number, or one probability a class.
    low, high : float
        Range of a row's value; values outside are clipped to it.
    higher_is_worse : bool
        The metric's own direction.  `of_rows` turns it, so that lower is always better.
    score : callable
        ``(predictions, labels) -> values``, before clipping and turning.
    target : (float, float)
        Bounds of the label and of a prediction, where that is a number.
    """

    text: str
    reads: Reads
    low: float
    high: float
    higher_is_worse: bool
    score: Callable[[npt.NDArray[np.generic], npt.NDArray[np.generic]], Floats]
    target: tuple[float, float] = (0.0, 1.0)

    @property
    def range(self) -> float:
        """Largest difference that two predictions of a row can make."""
        return self.high - self.low

    @property
    def two_valued(self) -> bool:
        """Whether a row is simply right or wrong, so that McNemar's exact test applies."""
        return self.reads == "class"

    def of_rows(
        self, predictions: npt.NDArray[np.generic], labels: npt.NDArray[np.generic]
    ) -> Floats:
        """Loss of each row, within [low, high], lower is better.

        Parameters
        ----------
        predictions : array of shape (n,), or (n, classes) of probabilities
        labels : array of shape (n,)
            Class indices, or numbers.
        """
        value = np.clip(self.score(predictions, labels), self.low, self.high)
        return value if self.higher_is_worse else self.low + self.high - value


def parse_loss(text: str) -> RowLoss:
    """Read a loss by its name.

    Known are ``zero_one``, ``accuracy``, ``squared(low, high)``, ``absolute(low, high)``,
    ``log_loss(floor)`` and ``brier``.

    Parameters
    ----------
    text : str
        ``low`` and ``high`` bound the target: predictions and labels are clipped to them.
        ``floor`` is the least probability that counts (0.01 if not given).

    Raises
    ------
    InputError
        For an unknown name or arguments out of range.

    Examples
    --------
    >>> import numpy as np
    >>> parse_loss("squared(0, 10)").of_rows(np.array([2.0, 99.0]), np.array([5.0, 5.0])).tolist()
    [9.0, 25.0]
    >>> parse_loss("accuracy").of_rows(np.array([1, 0]), np.array([1, 1])).tolist()
    [0.0, 1.0]
    """
    match = _TEXT.match(text)
    if match is None:
        raise InputError(f"The loss {text[:80]!r} is not NAME or NAME(numbers).  Losses: {_LISTED}")
    name, inside = match[1], match[2]
    if name not in _MAKERS:
        raise InputError(unknown_name("loss", name, sorted(_MAKERS)))
    try:
        arguments = [float(item) for item in inside.split(",")] if inside else []
    except ValueError as error:
        raise InputError(f"The arguments of the loss {text[:80]!r} must be numbers.") from error
    return _MAKERS[name](arguments)


def _no_arguments(name: str, given: list[float]) -> None:
    if given:
        raise InputError(f"The loss {name} takes no numbers; it got {given}.")


def _zero_one(given: list[float]) -> RowLoss:
    """1 where the class is wrong."""
    _no_arguments("zero_one", given)
    return RowLoss(
        text="zero_one",
        reads="class",
        low=0.0,
        high=1.0,
        higher_is_worse=True,
        score=lambda p, y: np.asarray(p != y, float),
    )


def _accuracy(given: list[float]) -> RowLoss:
    """1 where the class is right: the same test as `zero_one`, in the other direction."""
    _no_arguments("accuracy", given)
    return RowLoss(
        text="accuracy",
        reads="class",
        low=0.0,
        high=1.0,
        higher_is_worse=False,
        score=lambda p, y: np.asarray(p == y, float),
    )


def _bounds(name: str, given: list[float]) -> tuple[float, float]:
    if len(given) != 2 or not np.isfinite(given).all() or given[0] >= given[1]:
        raise InputError(
            f"The loss {name} needs the range of the target, for example {name}(0, 100000): "
            "two finite numbers, the lower first.  A bound is what makes proof possible."
        )
    return given[0], given[1]


def _squared(given: list[float]) -> RowLoss:
    low, high = _bounds("squared", given)

    def score(p: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Floats:
        return np.asarray((np.clip(p, low, high) - np.clip(y, low, high)) ** 2, float)

    return RowLoss(
        text=f"squared({low:g}, {high:g})",
        reads="value",
        low=0.0,
        high=(high - low) ** 2,
        higher_is_worse=True,
        score=score,
        target=(low, high),
    )


def _absolute(given: list[float]) -> RowLoss:
    low, high = _bounds("absolute", given)

    def score(p: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Floats:
        return np.asarray(np.abs(np.clip(p, low, high) - np.clip(y, low, high)), float)

    return RowLoss(
        text=f"absolute({low:g}, {high:g})",
        reads="value",
        low=0.0,
        high=high - low,
        higher_is_worse=True,
        score=score,
        target=(low, high),
    )


def _log_loss(given: list[float]) -> RowLoss:
    floor = given[0] if given else 0.01
    if len(given) > 1 or not 0 < floor < 0.5:
        raise InputError(
            f"The loss log_loss takes one floor between 0 and 0.5, not {given}: "
            "the least probability that counts."
        )

    def score(p: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Floats:
        chosen = np.asarray(p, float)[np.arange(len(y)), np.asarray(y, int)]
        return np.asarray(-np.log(np.clip(chosen, floor, 1.0)), float)

    return RowLoss(
        text=f"log_loss({floor:g})",
        reads="probabilities",
        low=0.0,
        high=float(-np.log(floor)),
        higher_is_worse=True,
        score=score,
    )


def _brier(given: list[float]) -> RowLoss:
    """Half the squared distance between the probabilities and the label's indicator."""
    _no_arguments("brier", given)

    def score(p: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Floats:
        probabilities = np.asarray(p, float)
        chosen = probabilities[np.arange(len(y)), np.asarray(y, int)]
        return np.asarray(((probabilities**2).sum(axis=1) - 2 * chosen + 1) / 2, float)

    return RowLoss(
        text="brier", reads="probabilities", low=0.0, high=1.0, higher_is_worse=True, score=score
    )


_MAKERS: dict[str, Callable[[list[float]], RowLoss]] = {
    "zero_one": _zero_one,
    "accuracy": _accuracy,
    "squared": _squared,
    "absolute": _absolute,
    "log_loss": _log_loss,
    "brier": _brier,
}
_LISTED = "zero_one, accuracy, squared(low, high), absolute(low, high), log_loss(floor), brier"
