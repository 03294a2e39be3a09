"""Run ONNX models: what a runner is, and the one that runs in this process."""

import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.graph import Guard
from evenhand.bounty.strangers.guarded import guarded
from evenhand.bounty.strangers.refusals import RunnerError, SubmissionError
from evenhand.bounty.strangers.rows_apart import answer_apart

Matrix = npt.NDArray[np.float32]
Output = npt.NDArray[np.generic]
MISSING = "Running ONNX models needs one more package.  Run: pip install 'evenhand[onnx]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a model answered, row by row.

    Attributes
    ----------
    values : array of shape (rows, …)
        Without meaning where a row has no answer.
    failed : array of shape (rows,)
        Rows without an answer: the model raises on them, or turns a number into an integer that
        cannot hold it.
    """

    values: Output
    failed: npt.NDArray[np.bool_]

    def check_all(self) -> None:
        """Refuse a model that has no answer on a row."""
        if self.failed.any():
            count, first = np.count_nonzero(self.failed), int(np.argmax(self.failed))
            raise SubmissionError(
                "cannot_run",
                f"the model has no answer on {count:,} of {len(self.failed):,} rows, the first of "
                f"them row {first}: it raises there, or turns NaN or a number out of range into an "
                "integer.  Fill missing values and clip numbers before they become places or codes.",
            )


class Runner(Protocol):
    """Whatever runs an ONNX model."""

    def run(self, model: bytes, output: str, matrix: Matrix) -> Answered:
        """One output of a model for all rows of a matrix."""
        ...


class DirectRunner:
    """In this process: for models of one's own, and for accepted ones where they serve.

    Parameters
    ----------
    kept : int
        Sessions kept open, the latest used ones.

    Notes
    -----
    However many rows have no answer, the others have theirs: a bound would make a row's answer
    depend on the rows beside it.
    """

    def __init__(self, kept: int = 2_000) -> None:
        self._kept = kept
        self._sessions: OrderedDict[int, tuple[bytes, Any, tuple[Guard, ...]]] = OrderedDict()

    def run(self, model: bytes, output: str, matrix: Matrix) -> Answered:
        """One output of a model for all rows of a matrix."""
        session, guards = self._opened(model)
        try:
            values, failed = answer_apart(session, output, matrix, guards, None)
        except Exception as error:
            raise SubmissionError("cannot_run", str(error)[:300]) from error
        return Answered(values=values, failed=failed)

    def _opened(self, model: bytes) -> tuple[Any, tuple[Guard, ...]]:
        """The open session of a model, and what is guarded in it."""
        # The object itself is kept, so its identity stays its own.
        key = id(model)
        if key not in self._sessions:
            shown, guards = guarded(model)
            self._sessions[key] = (model, open_session(shown), guards)
            if len(self._sessions) > self._kept:
                self._sessions.popitem(last=False)
        return self._sessions[key][1:]


def open_session(model: bytes) -> Any:
    """A session of onnxruntime on one thread."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime as ort  # noqa: PLC0415 - heavy extra
    except ImportError as error:
        raise RunnerError(MISSING) from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise SubmissionError("cannot_run", str(error)[:300]) from error
