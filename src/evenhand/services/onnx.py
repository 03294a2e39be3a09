"""A classifier in ONNX: rows of a table, or images."""

import functools
import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.errors import InputError
from evenhand.samples.image import Image
from evenhand.services.service import Answer, Request, ServiceError, plain_answer


@dataclass(slots=True, kw_only=True)
class OnnxService:
    """A model file; its output is the label and, where there are probabilities, its score.

    Attributes
    ----------
    name : str
    model : Path
    features : tuple of str
        Columns of the row, in the order of training; a model with one named input a column takes
        them by name.
    labels : tuple of str
        Names of the classes, in order; needed where the model tells scores alone.
    size : tuple of int
        Width and height that images are scaled to.
    mean, deviation : tuple of float
        Subtracted from, and divided into, the channels of images in 0 … 1.
    """

    name: str
    model: Path
    features: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    size: tuple[int, int] = (224, 224)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        try:
            digest = hashlib.sha256(self.model.read_bytes()).hexdigest()[:16]
        except OSError as error:
            raise InputError(f"{self.model} cannot be read: {error.strerror}.") from error
        shape = (self.size, self.mean, self.deviation)
        self.version = f"{digest} {self.features} {self.labels} {shape}"

    def answer_now(self, request: Request) -> Answer:
        """Classify one sample."""
        session = _session(str(self.model), self.version)
        start = time.monotonic()
        try:
            found = session.run(None, self._inputs(session, request))
        except (ServiceError, InputError):
            raise
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no type
            raise ServiceError("exception", str(error)) from None
        return plain_answer(self._output(found), seconds=time.monotonic() - start)

    def _inputs(self, session: Any, request: Request) -> dict[str, Any]:
        wanted = session.get_inputs()
        if request.kind == "image":
            return {wanted[0].name: self._pixels(request.media)}
        if request.kind != "table":
            raise ServiceError(
                "unfit_media", f"a model of rows or images, not {request.kind}", stop=True
            )
        names = self.features or tuple(request.media)
        absent = [name for name in names if request.media.get(name) is None]
        if absent:
            raise ServiceError("no_feature", f"the row has no {', '.join(absent)}")
        values = [request.media[name] for name in names]
        if len(wanted) > 1:
            by_name = dict(zip(names, values, strict=True))
            return {item.name: _array(item, [[by_name[item.name]]]) for item in wanted}
        return {wanted[0].name: _array(wanted[0], [values])}

    def _pixels(self, image: Image) -> Any:
        import PIL.Image  # noqa: PLC0415 - heavy extra

        scaled = PIL.Image.fromarray(image.pixels).resize(self.size)
        values = np.asarray(scaled, dtype=np.float32) / 255
        values = (values - np.asarray(self.mean, np.float32)) / np.asarray(
            self.deviation, np.float32
        )
        return values.transpose(2, 0, 1)[None]

    def _output(self, found: list[Any]) -> dict[str, Any]:
        first = np.asarray(found[0])
        if first.ndim == 1 and len(found) > 1:  # a label, then probabilities: scikit-learn's form
            label = first[0].item()
            scores = found[1][0]
            score = scores[label] if isinstance(scores, dict) else np.ravel(scores)[-1]
            return {"label": label, "score": float(score)}
        values = np.ravel(first)
        place = int(np.argmax(values))
        label = self.labels[place] if place < len(self.labels) else place
        return {"label": label, "score": float(values[place])}


def _array(wanted: Any, values: list[Any]) -> Any:
    kinds = {"tensor(string)": object, "tensor(int64)": np.int64, "tensor(double)": np.float64}
    return np.asarray(values, dtype=kinds.get(wanted.type, np.float32))


@functools.lru_cache(maxsize=4)
def _session(path: str, version: str) -> Any:
    del version  # another file of the same name is another session
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime  # noqa: PLC0415 - heavy extra
    except ImportError:
        raise InputError(
            "An ONNX model needs one more package.  Run: pip install 'evenhand[onnx]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the executor runs calls side by side
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no type
        raise InputError(f"{path} is no ONNX model that can be run: {str(error)[:200]}") from None
