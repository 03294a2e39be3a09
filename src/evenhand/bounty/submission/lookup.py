"""Answers by a key, for people who are known one by one: a table of predictions in place of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.predictions import Predictions, check_predictions
from evenhand.bounty.submission.values import finite
from evenhand.bounty.task.task import Matrix, Task

#: Keys of one table.
MOST_KEYS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Answers by the value of one column; whoever is not listed has none.

    Attributes
    ----------
    column : int
        Of the matrix.
    keys : array of shape (keys,)
        As the matrix holds them, ascending.
    answers : array of shape (keys,), or (keys, classes)
    given : Mapping
        As it was submitted.
    """

    column: int
    keys: npt.NDArray[np.float32]
    answers: Predictions
    given: Mapping[str, Any]

    def of(self, matrix: Matrix) -> tuple[Predictions, npt.NDArray[np.bool_]]:
        """Answers of all rows, and which rows have none."""
        values = matrix[:, self.column]
        places = np.searchsorted(self.keys, values).clip(max=len(self.keys) - 1)
        return self.answers[places], self.keys[places] != values


def read_lookup(given: Any, task: Task) -> Lookup:
    """A table of predictions from its JSON: ``{"key": column, "answers": {key: prediction}}``."""
    if not isinstance(given, dict) or set(given) != {"key", "answers"}:
        raise SubmissionError("wrong_lookup", 'a lookup is {"key": a column, "answers": {…}}.')
    answers, named = given["answers"], {feature.name: feature for feature in task.features}
    if given["key"] not in named:
        raise SubmissionError(
            "wrong_lookup",
            f"{str(given['key'])[:40]!r} is no feature.  Features: {', '.join(list(named)[:20])}",
        )
    if not isinstance(answers, dict) or not 0 < len(answers) <= MOST_KEYS:
        raise SubmissionError("wrong_lookup", f"a lookup has 1 to {MOST_KEYS:,} keys.")
    feature = named[given["key"]]
    listed = {text: float(code) for code, text in enumerate(feature.categories)}
    # What no table holds is nobody's key, and matches no row.
    known = {
        _key(key, listed if feature.kind == "text" else None): answer
        for key, answer in answers.items()
    }
    known.pop(None, None)
    if len(known) < len(answers) and feature.kind != "text":
        raise SubmissionError("wrong_lookup", "two keys are one number for a float32.")
    if not known:
        raise SubmissionError("wrong_lookup", f"no key of {feature.name!r} stands in any table.")
    order = sorted(key for key in known if key is not None)
    values = _answers([known[key] for key in order], task)
    return Lookup(
        column=task.index_of(feature.name),
        keys=np.array(order, np.float32),
        answers=values,
        given=given,
    )


def _key(text: str, listed: Mapping[str, float] | None) -> float | None:
    if listed is not None:
        return listed.get(text)
    try:
        number = float(np.float32(text))
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise SubmissionError("wrong_lookup", f"the key {text[:40]!r} is no number.")
    return number


def _answers(given: list[Any], task: Task) -> Predictions:
    if task.loss.reads == "class":
        known = {text: code for code, text in enumerate(task.classes)}
        for answer in given:
            if not isinstance(answer, str) or answer not in known:
                raise SubmissionError("wrong_classes", f"{str(answer)[:40]!r} is no class.")
        return np.array([known[answer] for answer in given], np.int64)
    if task.loss.reads == "value":
        return np.array([finite(answer) for answer in given])
    wide = len(task.classes)
    if not all(isinstance(answer, list) and len(answer) == wide for answer in given):
        raise SubmissionError("wrong_shape", f"{wide} probabilities of each key are needed.")
    numbers = np.array([[finite(part) for part in answer] for answer in given])
    return check_predictions(numbers, task, len(given))
