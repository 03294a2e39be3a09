"""The model of a submission: ONNX, one answer for all, or one to be trained here."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.bounty.strangers.demands import OUTPUTS, check_features, output_named
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.predictions import (
    Predictions,
    check_predictions,
    settle_predictions,
)
from evenhand.bounty.submission.values import decoded, finite
from evenhand.bounty.task.task import Matrix, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is predicted: by an ONNX model, or one answer for all; neither means "train it for me".

    A finding is no model: it claims that the group's loss exceeds that of all others by more than so much.
    """

    onnx: bytes | None = None
    constant: tuple[float, ...] | None = None
    finding: float | None = None

    @property
    def trained_here(self) -> bool:
        """Whether the hunter named a group only."""
        return self.onnx is None and self.constant is None and self.finding is None

    def predict(
        self, matrix: Matrix, task: Task, runner: Runner, *, strict: bool = False
    ) -> Predictions:
        """Predictions of shape (rows,), or (rows, classes) of probabilities.

        Answers that are none are settled, see `settle_predictions`; `strict` refuses them.
        """
        if self.constant is not None:
            return _constant(self.constant, len(matrix), task)
        if self.onnx is None:
            raise SubmissionError("no_model", "this submission has no model to run.")
        found = runner.run(self.onnx, OUTPUTS[task.loss.reads][0], matrix)
        check = check_predictions if strict else settle_predictions
        return check(found, task, len(matrix))


def read_model(given: Any, task: Task) -> Model:
    """A model from its JSON."""
    if not isinstance(given, dict) or len(given) != 1:
        raise SubmissionError("wrong_model", "a model is one of onnx, constant, train, finding.")
    kind, value = next(iter(given.items()))
    if kind == "finding":
        return Model(finding=_read_finding(value, task))
    if kind == "train" and value is True:
        return Model()
    if kind == "constant":
        return Model(constant=_read_constant(value, task))
    if kind == "onnx":
        data = decoded(value)
        graph = read_onnx(data)
        check_features(graph, len(task.features))
        output_named(graph, *OUTPUTS[task.loss.reads])
        return Model(onnx=data)
    raise SubmissionError(
        "wrong_model",
        f"a model of kind {str(kind)[:40]!r} is not known.  Pickled models are never read.",
    )


def _read_finding(value: Any, task: Task) -> float:
    """What a group's loss is claimed to exceed that of the others by."""
    if not isinstance(value, dict) or set(value) != {"more_than"}:
        raise SubmissionError("wrong_finding", 'a finding is {"more_than": a number}.')
    more_than, span = finite(value["more_than"]), task.loss.high - task.loss.low
    if not 0 <= more_than < span:
        raise SubmissionError(
            "wrong_finding",
            f"a group's error cannot exceed that of others by more than {more_than:g}.  "
            f"Allowed: from 0 to less than {span:g}.",
        )
    return more_than


def _read_constant(value: Any, task: Task) -> tuple[float, ...]:
    if task.loss.reads == "class":
        if str(value) not in task.classes:
            raise SubmissionError(
                "wrong_classes",
                f"{str(value)[:40]!r} is no class.  Classes: {', '.join(task.classes[:20])}",
            )
        return (float(task.classes.index(str(value))),)
    if task.loss.reads == "value":
        return (finite(value),)
    if not isinstance(value, list) or len(value) != len(task.classes):
        raise SubmissionError("wrong_shape", f"{len(task.classes)} probabilities are needed.")
    numbers = np.array([[finite(item) for item in value]])
    return tuple(float(p) for p in check_predictions(numbers, task, 1)[0])


def _constant(constant: tuple[float, ...], rows: int, task: Task) -> Predictions:
    if task.loss.reads == "class":
        return np.full(rows, int(constant[0]))
    if task.loss.reads == "value":
        return np.full(rows, constant[0])
    return np.tile(np.array(constant), (rows, 1))
