"""What a model answered: checked, settled, or put in the order of the rows."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.values import finite
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.task import Task, read_table

#: By how much float32 probabilities may leave [0, 1], and their sum 1.  A number has 24 bits: adding
#: up a thousand trees or classes may round by 1,000 / 2^24 = 6e-5, and converters that go through
#: logarithms lose a digit more.  What is further off is no rounding but another scale.
HAIR = 1e-3
Predictions = npt.NDArray[np.generic]


def check_predictions(found: Predictions, task: Task, rows: int) -> Predictions:
    """What a model answered, as the loss reads it; or why it is refused."""
    values = _shaped(found, task, rows)
    if task.loss.reads == "class":
        outside = (values < 0) | (values >= len(task.classes))
        if outside.any():
            raise SubmissionError(
                "wrong_classes",
                f"class {values[outside][0]} is predicted.  Allowed: 0 to {len(task.classes) - 1}.",
            )
        return values
    if not np.isfinite(values).all():
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise SubmissionError("not_finite", f"{count:,} predictions are NaN or infinite.")
    if task.loss.reads == "probabilities":
        if not (fine := _adding_up(values)).all():
            row = int(np.argmin(fine))
            raise SubmissionError(
                "wrong_probabilities",
                "the probabilities of a row must lie in [0, 1] and add up to 1, give or take "
                f"{HAIR:g}; those of {np.count_nonzero(~fine):,} rows do not, first {values[row]}.",
            )
        return _normalised(values)
    return values


def settle_predictions(found: Predictions, task: Task, rows: int) -> Predictions:
    """What a model answered, with something definite in place of what is no answer.

    A class that does not exist is the nearest one that does; NaN and infinite numbers are bounds of
    the target, NaN the lower one; probabilities that are off by a hair are clipped and divided by
    their sum, those that are off by more are equal ones.  The same
    holds when a model is tested and when it serves, so one odd row can neither stop a bounty nor
    answer differently from what was tested.
    """
    values = _shaped(found, task, rows)
    if task.loss.reads == "class":
        return np.asarray(np.clip(values, 0, len(task.classes) - 1))
    if task.loss.reads == "value":
        low, high = task.loss.target
        return np.asarray(np.nan_to_num(values, nan=low, posinf=high, neginf=low))
    fine = _adding_up(values)[:, None]
    return np.where(fine, _normalised(np.where(fine, values, 1.0)), nothing_said(task))


def nothing_said(task: Task) -> float | str:
    """The answer where there is none: what NaN is settled to, or no words."""
    if task.loss.reads == "text":
        return ""
    if task.loss.reads == "class":
        return 0
    return task.loss.target[0] if task.loss.reads == "value" else 1 / len(task.classes)


def _adding_up(values: Floats) -> npt.NDArray[np.bool_]:
    # Probabilities that do not add up would cheat Brier's score.
    with np.errstate(invalid="ignore"):
        within = ((values >= -HAIR) & (values <= 1 + HAIR)).all(axis=1)
        return np.asarray(within & (np.abs(values.sum(axis=1) - 1) <= HAIR))


def _normalised(values: Floats) -> Floats:
    clipped = np.clip(values, 0.0, 1.0)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True))


def _shaped(found: Predictions, task: Task, rows: int) -> npt.NDArray[Any]:
    """Class indices or float64 numbers of the right shape."""
    found = np.asarray(found)
    reads, classes = task.loss.reads, len(task.classes)
    if found.dtype.kind not in ("biu" if reads == "class" else "biuf"):
        raise SubmissionError("wrong_type", f"the predictions are {found.dtype} values.")
    if reads != "probabilities" and found.shape == (rows, 1):
        found = found[:, 0]
    shape = (rows, classes) if reads == "probabilities" else (rows,)
    if found.shape != shape:
        raise SubmissionError(
            "wrong_shape", f"the predictions have shape {found.shape}, not {shape}."
        )
    return found.astype(np.int64 if reads == "class" else float)


def read_predictions(table: Any, expected: int, task: Task) -> Predictions:
    """Predictions of a table with the columns ``row`` and ``prediction``, in the order of the rows."""
    found = read_table(table)
    if set(found.column_names) != {"row", "prediction"}:
        raise SubmissionError("damaged", "a predictions file has the columns row and prediction.")
    if task.loss.reads == "probabilities":
        raise SubmissionError("wrong_type", "this bounty's models answer with probabilities.")
    rows, answers = (found[name].to_pylist() for name in ("row", "prediction"))
    return order_predictions(rows, answers, expected, task)


def order_predictions(
    rows: list[Any], predictions: list[Any], expected: int, task: Task
) -> Predictions:
    """Predictions of a file for rows 0 to expected - 1, each exactly once, in order."""
    counts = Counter(rows)
    double = next((row for row, count in counts.items() if count > 1), None)
    if double is not None:
        raise SubmissionError("doubled_rows", f"row {double} is predicted more than once.")
    ordered: list[Any] = [None] * expected
    for row, value in zip(rows, predictions, strict=True):
        if type(row) is not int or not 0 <= row < expected:
            raise SubmissionError("unknown_rows", f"row {str(row)[:40]} was not disclosed.")
        ordered[row] = value
    if len(rows) < expected:
        missing = next(row for row in range(expected) if row not in counts)
        raise SubmissionError("missing_rows", f"row {missing} has no prediction.")
    if task.loss.reads == "class":
        known = {text: i for i, text in enumerate(task.classes)}
        unknown = [value for value in ordered if str(value) not in known]
        if unknown:
            raise SubmissionError("wrong_classes", f"{str(unknown[0])[:40]!r} is no class.")
        return np.array([known[str(value)] for value in ordered])
    return check_predictions(np.array([finite(value) for value in ordered]), task, expected)
