"""The model of a submission: ONNX, one answer for all, or one to be trained here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.demands import OUTPUTS, check_features, output_named
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Answered, Runner
from evenhand.bounty.submission.lookup import Lookup, read_lookup
from evenhand.bounty.submission.predictions import (
    Predictions,
    check_predictions,
    nothing_said,
    settle_predictions,
)
from evenhand.bounty.submission.values import decoded, finite
from evenhand.bounty.task.task import Matrix, Task

#: Answers of the list below about rows that a model is silent about.
Below = Callable[[npt.NDArray[np.bool_]], Predictions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is predicted: by an ONNX model, or one answer for all; neither means "train it for me".

    A finding is no model: it claims that the group's loss exceeds that of all others by more than so much.
    A service is named as the host has registered it, and asked by the host alone.  A lookup has answers by a key,
    and none for whoever is not listed.
    """

    onnx: bytes | None = None
    constant: tuple[float, ...] | None = None
    finding: float | None = None
    service: str | None = None
    lookup: Lookup | None = None

    @property
    def trained_here(self) -> bool:
        """Whether the hunter named a group only."""
        given = (self.onnx, self.constant, self.finding, self.service, self.lookup)
        return all(one is None for one in given)

    def predict(
        self,
        matrix: Matrix,
        task: Task,
        runner: Runner,
        *,
        strict: bool = False,
        below: Below | None = None,
    ) -> Predictions:
        """Predictions of shape (rows,), or (rows, classes) of probabilities.

        Answers that are none are settled, see `settle_predictions`; `strict` refuses them.  Rows
        that the model has no answer for are answered by `below`, which is told which these are; where
        nothing is below, as if the answer were NaN.
        """
        if self.constant is not None:
            return _constant(self.constant, len(matrix), task)
        if self.lookup is not None:
            values, silent = self.lookup.of(matrix)
            return _with_below(values, silent, task, below)
        if self.service is not None:
            return self._asked(self.service, matrix, task, runner, strict=strict, below=below)
        if self.onnx is None:
            raise SubmissionError("no_model", "this submission has no model to run.")
        answered = runner.run(self.onnx, OUTPUTS[task.loss.reads][0], matrix)
        if strict:
            answered.check_all()
            return check_predictions(answered.values, task, len(matrix))
        values = settle_predictions(answered.values, task, len(matrix))
        return _with_below(values, answered.failed, task, below)

    def _asked(
        self,
        service: str,
        matrix: Matrix,
        task: Task,
        runner: Runner,
        *,
        strict: bool,
        below: Below | None,
    ) -> Predictions:
        """What the service said, of shape (rows, times); a row's number is its matrix' last column."""
        asks = getattr(runner, "ask", None)
        if asks is None:
            raise SubmissionError("not_asked", f"nothing here asks the service {service!r}.")
        answered: Answered = asks(service, matrix[:, -1].astype(np.int64))
        if strict:
            answered.check_all()
        return _with_below(answered.values, answered.failed, task, below)


def _with_below(
    values: Predictions, silent: npt.NDArray[np.bool_], task: Task, below: Below | None
) -> Predictions:
    """Answers with those of the list below where there are none."""
    if not silent.any():
        return values
    values = values.copy()
    values[silent] = below(silent) if below else nothing_said(task)
    return values


def read_model(given: Any, task: Task) -> Model:
    """A model from its JSON."""
    if not isinstance(given, dict) or len(given) != 1:
        raise SubmissionError(
            "wrong_model", "a model is one of onnx, constant, lookup, train, finding, service."
        )
    kind, value = next(iter(given.items()))
    if kind == "finding":
        return Model(finding=_read_finding(value, task))
    if task.asks is not None or kind == "service":
        return Model(service=_read_service(kind, value, task))
    if kind == "train" and value is True:
        return Model()
    if kind == "lookup":
        return Model(lookup=read_lookup(value, task))
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


def _read_service(kind: Any, value: Any, task: Task) -> str:
    if task.asks is None:
        raise SubmissionError("wrong_model", "this bounty's models are functions of the features.")
    if kind != "service" or not isinstance(value, str) or not 0 < len(value) <= 200:
        raise SubmissionError(
            "wrong_model", "this bounty asks services: name one that the host has registered."
        )
    return value


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
