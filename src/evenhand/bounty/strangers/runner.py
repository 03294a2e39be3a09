"""Run ONNX models: what a runner is, and the one that runs in this process."""

import os
from collections import OrderedDict
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.demands import INPUT
from evenhand.bounty.strangers.refusals import RunnerError, SubmissionError

Matrix = npt.NDArray[np.float32]
Output = npt.NDArray[np.generic]
MISSING = "Running ONNX models needs one more package.  Run: pip install 'evenhand[onnx]'"


class Runner(Protocol):
    """Whatever runs an ONNX model."""

    def run(self, model: bytes, output: str, matrix: Matrix) -> Output:
        """One output of a model for all rows of a matrix."""
        ...


class DirectRunner:
    """In this process: for models of one's own, and for accepted ones where they serve.

    Parameters
    ----------
    kept : int
        Sessions kept open, the latest used ones.
    """

    def __init__(self, kept: int = 2_000) -> None:
        self._kept = kept
        self._sessions: OrderedDict[int, tuple[bytes, Any]] = OrderedDict()

    def run(self, model: bytes, output: str, matrix: Matrix) -> Output:
        """One output of a model for all rows of a matrix."""
        session = self.session(model)
        try:
            return np.asarray(session.run([output], {INPUT: matrix})[0])
        except Exception as error:
            raise SubmissionError("cannot_run", str(error)[:300]) from error

    def session(self, model: bytes) -> Any:
        """The open session of a model."""
        # The object itself is kept, so its identity stays its own.
        key = id(model)
        if key not in self._sessions:
            self._sessions[key] = (model, open_session(model))
            if len(self._sessions) > self._kept:
                self._sessions.popitem(last=False)
        return self._sessions[key][1]


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
