"""Row losses: bounded, of a declared range and direction, always turned to "lower is better".

A loss is the numerator of a metric whose denominator no answer can change: all rows, or those of a class.
Then a model is better on a group exactly where its numerators add up to less.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evenhand.deferred import Deferred
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, unknown_name

#: Loaded where texts are compared.
_SPEECH = Deferred("evenhand.metrics.speech.alignment")
Floats = npt.NDArray[np.float64]
Answers = npt.NDArray[np.generic]
Reads = Literal["class", "value", "probabilities", "text"]
_MISSED = re.compile(r"\s*missed\s*\((.*)\)\s*")
_TEXT = re.compile(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLoss:
    """A metric that is a ratio of sums over rows, of bounded values over what an answer cannot change.

    Attributes
    ----------
    text : str
        As `parse_loss` reads it, for example ``squared(0, 100)``.
    reads : "class", "value", "probabilities" or "text"
        What a prediction is: a class index, a number, one probability a class, or what a service answered.
    low, high : float
        Range of a row's value; values outside are clipped to it.
    higher_is_worse : bool
        The metric's own direction.  `of_rows` turns it, so that lower is always better.
    score : callable
        ``(predictions, labels) -> values``, before clipping and turning.
    target : (float, float)
        Bounds of the label and of a prediction, where that is a number.
    change : float or None
        Most that an update may move a number from the answer of the list below it; `None` for no limit.
    two_valued : bool
        Whether a row is simply right or wrong, so that McNemar's exact test applies.
    counts : callable, optional
        ``labels -> weights``: what the metric counts of each row; 1 where not given.
    classes : int or None
        How many classes it is for; `None` for any number.
    widest : float or None
        Largest difference of two answers to one row, where that is less than the range.
    """

    text: str
    reads: Reads
    low: float
    high: float
    higher_is_worse: bool
    score: Callable[[Answers, npt.NDArray[np.generic]], Floats]
    target: tuple[float, float] = (0.0, 1.0)
    change: float | None = None
    two_valued: bool = False
    counts: Callable[[npt.NDArray[np.generic]], Floats] | None = None
    classes: int | None = None
    widest: float | None = None

    @property
    def largest_gain(self) -> float:
        """Largest difference that an update can make to a row."""
        return self.gain_of(1)

    def gain_of(self, updates: int) -> float:
        """Largest difference that so many updates, one after the other, can make to a row."""
        if self.widest is not None:
            return self.widest
        if self.change is None:
            return self.high - self.low
        low, high = self.target
        # Where the label is at one bound, and the answers at the other: (R² - (R - c)²), or c.
        moved = min(self.change * updates, high - low)
        return moved * (2 * (high - low) - moved) if self.text.startswith("squared") else moved

    def limited(self, answers: Answers, below: Answers) -> Answers:
        """An update's answers, moved no further from those of the list below it than `change`."""
        if self.change is None:
            return answers
        low, high = self.target
        base = np.clip(np.asarray(below, float), low, high)
        kept = np.clip(np.asarray(answers, float), base - self.change, base + self.change)
        return np.asarray(np.clip(kept, low, high))

    def of_rows(self, predictions: Answers, labels: npt.NDArray[np.generic]) -> Floats:
        """Loss of each row, within [low, high], lower is better.

        Parameters
        ----------
        predictions : array of shape (n,), or (n, classes) of probabilities, or (n, times) of texts
            Texts may be of several times that a service was asked: the loss is their median.
        labels : array of shape (n,)
            Class indices, numbers, or texts.
        """
        if self.reads == "text" and np.ndim(predictions) == 2:
            times = [self.of_rows(said, labels) for said in np.asarray(predictions).T]
            return np.asarray(np.median(np.stack(times), axis=0))
        value = np.clip(self.score(predictions, labels), self.low, self.high)
        return value if self.higher_is_worse else self.low + self.high - value

    def weight(self, labels: npt.NDArray[np.generic]) -> Floats:
        """What the metric counts of each row: its denominator."""
        return np.ones(len(labels)) if self.counts is None else self.counts(labels)


def parse_loss(text: str) -> RowLoss:
    """Read a loss by its name.

    Known are ``zero_one``, ``accuracy``, ``missed(class)``, ``cost(numbers)``, ``squared(low, high, change)``,
    ``absolute(low, high, change)``, ``log_loss(floor)``, ``brier``, and of texts ``wer(most)`` and ``differs``.

    Parameters
    ----------
    text : str
        ``missed`` counts rows of one class, by its place among the sorted classes from 0: the false negative rate
        where 1 is the positive class, the false positive rate where it is 0.  ``cost`` has what each
        answer costs, a row of numbers for each true class: ``cost(0, 1, 5, 0)``.  ``low`` and ``high`` bound
        the target: predictions and labels are clipped to them; ``change``, if given, is the most by which
        an update may move an answer, and makes proof easier.  ``floor`` is the least probability that
        counts (0.01 if not given).  ``wer`` counts wrong words over the words of the reference, at most `most`
        of a row (30 if not given; a bounty takes the longest public reference): the lower, the more can be proven.
        ``differs`` is 1 where a text is another one.  Both leave case and punctuation
        out, as the metric ``wer`` does.

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
    >>> parse_loss("cost(0, 1, 5, 0)").of_rows(np.array([1, 0]), np.array([0, 1])).tolist()
    [1.0, 5.0]
    >>> parse_loss("squared(0, 100, 5)").largest_gain
    975.0
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


def reads_of(text: str) -> Reads:
    """What a prediction is under a loss, where its classes may not be known yet.

    Examples
    --------
    >>> reads_of("missed(yes)"), reads_of("absolute(0, 9)")
    ('class', 'value')
    """
    return "class" if _MISSED.fullmatch(text) else parse_loss(text).reads


def mean_loss(losses: Floats, weights: Floats) -> float | None:
    """Losses over what the loss counts of the same rows; `None` where that is nothing.

    Examples
    --------
    >>> import numpy as np
    >>> mean_loss(np.array([1.0, 0.0]), np.array([1.0, 3.0])), mean_loss(np.zeros(0), np.zeros(0))
    (0.25, None)
    """
    counted = float(weights.sum())
    return float(losses.sum()) / counted if counted else None


def with_class_placed(text: str, classes: Sequence[str]) -> str:
    """``missed(yes)`` as ``missed(1)`` where "yes" is the second class; any other loss as it is.

    Examples
    --------
    >>> with_class_placed("missed(yes)", ["no", "yes"]), with_class_placed("brier", ["no", "yes"])
    ('missed(1)', 'brier')
    """
    match = _MISSED.fullmatch(text)
    if match is None:
        return text
    name = match[1].strip()
    if name not in classes:
        raise InputError(unknown_name("class", name, list(classes)))
    return f"missed({list(classes).index(name)})"


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
        two_valued=True,
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
        two_valued=True,
        score=lambda p, y: np.asarray(p == y, float),
    )


def _missed(given: list[float]) -> RowLoss:
    """1 where a row of the class is answered with another one; other rows are not counted."""
    if len(given) != 1 or given[0] < 0 or given[0] != int(given[0]):
        raise InputError(
            f"The loss missed takes the place of one class, from 0, not {given}: "
            "missed(1) is the false negative rate where 1 is the positive class."
        )
    wanted = int(given[0])
    return RowLoss(
        text=f"missed({wanted})",
        reads="class",
        low=0.0,
        high=1.0,
        higher_is_worse=True,
        two_valued=True,
        score=lambda p, y: np.asarray((y == wanted) & (p != wanted), float),
        counts=lambda y: np.asarray(y == wanted, float),
    )


def _cost(given: list[float]) -> RowLoss:
    """What an answer costs, by the true class."""
    classes = math.isqrt(len(given))
    if classes < 2 or classes**2 != len(given) or not np.isfinite(given).all():
        raise InputError(
            f"The loss cost takes a square of finite numbers, not {len(given)} of them: for two classes "
            "cost(0, 1, 5, 0), the costs of the answers where the first class is true, then the second."
        )
    table = np.array(given).reshape(classes, classes)
    steps = table - table.min(axis=1, keepdims=True)
    if not steps.any():
        raise InputError("The loss cost has one cost whatever is answered: nothing can be better.")
    return RowLoss(
        text=_written("cost", given),
        reads="class",
        low=float(table.min()),
        high=float(table.max()),
        higher_is_worse=True,
        # With one size of loss a row is right or wrong.
        two_valued=len(np.unique(steps)) == 2,
        score=lambda p, y: table[np.asarray(y, int), np.asarray(p, int)],
        classes=classes,
        widest=float(steps.max()),
    )


def _written(name: str, given: list[float]) -> str:
    """A loss and its numbers, as they are read again without a loss."""
    short = [f"{number:g}" for number in given]
    exact = [
        text if float(text) == number else repr(number)
        for text, number in zip(short, given, strict=True)
    ]
    return f"{name}({', '.join(exact)})"


def _bounds(name: str, given: list[float]) -> tuple[float, float, float | None]:
    if len(given) not in (2, 3) or not np.isfinite(given).all() or given[0] >= given[1]:
        raise InputError(
            f"The loss {name} needs the range of the target, for example {name}(0, 100000): "
            "two finite numbers, the lower first.  A bound is what makes proof possible."
        )
    if len(given) == 3 and given[2] <= 0:
        raise InputError(
            f"The loss {name} has a largest change of {given[2]:g}.  Allowed: more than 0."
        )
    return given[0], given[1], given[2] if len(given) == 3 else None


def _squared(given: list[float]) -> RowLoss:
    low, high, change = _bounds("squared", given)

    def score(p: Answers, y: npt.NDArray[np.generic]) -> Floats:
        return np.asarray((np.clip(p, low, high) - np.clip(y, low, high)) ** 2, float)

    return RowLoss(
        text=_written("squared", given),
        reads="value",
        low=0.0,
        high=(high - low) ** 2,
        higher_is_worse=True,
        score=score,
        target=(low, high),
        change=change,
    )


def _absolute(given: list[float]) -> RowLoss:
    low, high, change = _bounds("absolute", given)

    def score(p: Answers, y: npt.NDArray[np.generic]) -> Floats:
        return np.asarray(np.abs(np.clip(p, low, high) - np.clip(y, low, high)), float)

    return RowLoss(
        text=_written("absolute", given),
        reads="value",
        low=0.0,
        high=high - low,
        higher_is_worse=True,
        score=score,
        target=(low, high),
        change=change,
    )


def _log_loss(given: list[float]) -> RowLoss:
    floor = given[0] if given else 0.01
    if len(given) > 1 or not 0 < floor < 0.5:
        raise InputError(
            f"The loss log_loss takes one floor between 0 and 0.5, not {given}: "
            "the least probability that counts."
        )

    def score(p: Answers, y: npt.NDArray[np.generic]) -> Floats:
        chosen = np.asarray(p, float)[np.arange(len(y)), np.asarray(y, int)]
        return np.asarray(-np.log(np.clip(chosen, floor, 1.0)), float)

    return RowLoss(
        text=_written("log_loss", [floor]),
        reads="probabilities",
        low=0.0,
        high=float(-np.log(floor)),
        higher_is_worse=True,
        score=score,
    )


def _brier(given: list[float]) -> RowLoss:
    """Half the squared distance between the probabilities and the label's indicator."""
    _no_arguments("brier", given)

    def score(p: Answers, y: npt.NDArray[np.generic]) -> Floats:
        probabilities = np.asarray(p, float)
        chosen = probabilities[np.arange(len(y)), np.asarray(y, int)]
        return np.asarray(((probabilities**2).sum(axis=1) - 2 * chosen + 1) / 2, float)

    return RowLoss(
        text="brier", reads="probabilities", low=0.0, high=1.0, higher_is_worse=True, score=score
    )


def _edits(references: Answers, heard: Answers) -> Any:
    texts = [pa.array([str(text) for text in side], pa.string()) for side in (references, heard)]
    return _SPEECH.count_edits(*texts)


def _wer(given: list[float]) -> RowLoss:
    """Wrong words over words: substitutions, deletions and insertions, at most so many of a row."""
    most = given[0] if given else 30.0
    if len(given) > 1 or not (1 <= most <= 1_000) or most != int(most):
        raise InputError(
            f"The loss wer takes the most words that a row may count wrong, from 1 to 1000, not {given}."
        )

    def wrong(p: Answers, y: npt.NDArray[np.generic]) -> Floats:
        edits = _edits(y, p)
        return np.asarray(edits.substitutions + edits.deletions + edits.insertions, float)

    return RowLoss(
        text=_written("wer", [most]),
        reads="text",
        low=0.0,
        high=most,
        higher_is_worse=True,
        score=wrong,
        counts=lambda y: np.asarray(_edits(y, y).hits, float),
    )


def _differs(given: list[float]) -> RowLoss:
    """1 where a text is another one than expected."""
    _no_arguments("differs", given)

    def score(p: Answers, y: npt.NDArray[np.generic]) -> Floats:
        edits = _edits(y, p)
        return np.asarray(edits.substitutions + edits.deletions + edits.insertions > 0, float)

    return RowLoss(
        text="differs",
        reads="text",
        low=0.0,
        high=1.0,
        higher_is_worse=True,
        two_valued=True,
        score=score,
    )


_MAKERS: dict[str, Callable[[list[float]], RowLoss]] = {
    "zero_one": _zero_one,
    "accuracy": _accuracy,
    "missed": _missed,
    "cost": _cost,
    "squared": _squared,
    "absolute": _absolute,
    "log_loss": _log_loss,
    "brier": _brier,
    "wer": _wer,
    "differs": _differs,
}
_LISTED = (
    "zero_one, accuracy, missed(class), cost(numbers), squared(low, high, change), "
    "absolute(low, high, change), log_loss(floor), brier, wer(most), differs"
)
