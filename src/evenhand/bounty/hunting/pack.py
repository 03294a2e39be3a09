"""Turn a fitted estimator into ONNX as a bounty reads it, and check that both agree."""

import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.bounty.strangers.demands import INPUT, OUTPUTS
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.runner import DirectRunner
from evenhand.bounty.submission.submission import read_submission, write_submission
from evenhand.bounty.task.task import Matrix, Task
from evenhand.errors import InputError

#: Versions of the operator sets that onnxruntime 1.17 and later run.
OPSET = {"": 17, "ai.onnx.ml": 3}
_MISSING = "Packing models needs more packages.  Run: pip install 'evenhand[bounty-pack]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How well an ONNX file does what the estimator does, on some rows.

    Attributes
    ----------
    rows : int
        Compared rows.
    different : int
        Rows with another class; for numbers and probabilities, off by more than one in 10,000 of
        the range.
    largest : float
        Largest difference of a number or probability; 0 for classes.
    """

    rows: int
    different: int
    largest: float


def to_onnx(
    estimator: Any, task: Task, matrix: Matrix, *, allowed: float = 0.01
) -> tuple[bytes, Fidelity]:
    """Convert a fitted scikit-learn, XGBoost or LightGBM estimator.

    Parameters
    ----------
    estimator : object
        Fitted on the task's matrix (`Task.encode`) and its labels: class indices or numbers.
    task : Task
        Says which output is needed.
    matrix : array of shape (rows, features)
        Rows to compare on, for example the practice rows.
    allowed : float
        Largest share of rows that may differ: trees cut float32 numbers where the estimator cut
        float64 ones.

    Raises
    ------
    InputError
        Where the estimator cannot be converted, or the two disagree on more rows.
    """
    data = _renamed(_convert(estimator, task, matrix.shape[1]), task)
    read_onnx(data)
    agreement = compare(estimator, data, task, matrix)
    if agreement.different > allowed * agreement.rows:
        raise InputError(
            f"The ONNX file answers differently on {agreement.different:,} of {agreement.rows:,} "
            f"rows (largest difference {agreement.largest:.3g}).  Usual causes: the estimator was not "
            "fitted on Task.encode(table), which is float32; or a tree met missing values, which "
            "its ONNX file does not know: put a SimpleImputer before it."
        )
    return data, agreement


def pack(
    estimator: Any,
    group: Mapping[str, Any] | str,
    *,
    task: Task,
    matrix: Matrix,
    team: str,
    note: str = "",
) -> bytes:
    """A submission of a fitted estimator for a group: what would be refused is refused here.

    Parameters
    ----------
    estimator : object
        As `to_onnx` takes it.
    group : str or Mapping
        A predicate, or a tree, linear rule or ONNX model, see `write_submission`.
    task, matrix : Task, array
        The bounty's, and rows to compare estimator and ONNX file on.
    team : str
        Who is to be credited.

    Raises
    ------
    InputError
        Where the estimator cannot be converted or disagrees, or the group cannot be read.
    """
    data, _ = to_onnx(estimator, task, matrix)
    # A nonce keeps others from guessing what a published commitment stands for.
    submission = write_submission(
        team=team, group=group, model=data, note=note, nonce=secrets.token_hex(16)
    )
    given = read_submission(submission, task)
    given.model.predict(matrix, task, DirectRunner(1), strict=True)
    return submission


def _convert(estimator: Any, task: Task, features: int) -> Any:
    try:
        import skl2onnx  # noqa: F401, PLC0415 - heavy extra
        from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: PLC0415
    except ImportError as error:
        raise InputError(_MISSING) from error
    family = type(estimator).__module__.split(".")[0]
    given = [(INPUT, FloatTensorType([None, features]))]
    try:
        with warnings.catch_warnings():
            # Converters warn of their own dependencies' future; nothing a hunter can act on.
            warnings.simplefilter("ignore")
            return _CONVERTERS.get(family, _convert_sklearn)(estimator, task, given)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"A {type(estimator).__name__} cannot be converted: {_first_line(error)}  "
            "Allowed: fitted estimators of scikit-learn, XGBoost, LightGBM."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _convert_sklearn(estimator: Any, task: Task, given: Any) -> Any:
    from skl2onnx import convert_sklearn  # noqa: PLC0415 - heavy extra
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415

    converters, shapes = _hist_gradient_boosting()
    return convert_sklearn(
        estimator,
        initial_types=[(INPUT, FloatTensorType(given[0][1].shape))],
        options={id(estimator): {"zipmap": False}} if task.classes else None,
        target_opset=OPSET,
        custom_conversion_functions=converters,
        custom_shape_calculators=shapes,
    )


class _PlainIntegers:
    """A converter's container that writes truth values as integers, as onnx 1.20 and later demand."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> Any:
        plain = {
            name: [int(item) for item in value] if name.endswith("tracks_true") else value
            for name, value in attributes.items()
        }
        return self._container.add_node(*arguments, **plain)


def _hist_gradient_boosting() -> tuple[dict[type, Any], dict[type, Any]]:
    """skl2onnx's own converters of histogram gradient boosting, behind `_PlainIntegers`."""
    from skl2onnx.common import shape_calculator  # noqa: PLC0415 - heavy extra
    from skl2onnx.operator_converters import random_forest  # noqa: PLC0415
    from sklearn.ensemble import (  # noqa: PLC0415
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    def classifier(scope: Any, operator: Any, container: Any) -> None:
        random_forest.convert_sklearn_random_forest_classifier(
            scope, operator, _PlainIntegers(container)
        )

    def regressor(scope: Any, operator: Any, container: Any) -> None:
        random_forest.convert_sklearn_random_forest_regressor_converter(
            scope, operator, _PlainIntegers(container)
        )

    converters = {
        HistGradientBoostingClassifier: classifier,
        HistGradientBoostingRegressor: regressor,
    }
    shapes = {
        HistGradientBoostingClassifier: shape_calculator.calculate_linear_classifier_output_shapes,
        HistGradientBoostingRegressor: shape_calculator.calculate_linear_regressor_output_shapes,
    }
    return converters, shapes


def _convert_lightgbm(estimator: Any, task: Task, given: Any) -> Any:
    from onnxmltools import convert_lightgbm  # noqa: PLC0415 - heavy extra

    options = {"zipmap": False} if task.classes else {}
    return convert_lightgbm(estimator, initial_types=given, target_opset=15, **options)


def _convert_xgboost(estimator: Any, _: Task, given: Any) -> Any:
    from onnxmltools import convert_xgboost  # noqa: PLC0415 - heavy extra

    return convert_xgboost(estimator, initial_types=given, target_opset=15)


_CONVERTERS = {"lightgbm": _convert_lightgbm, "xgboost": _convert_xgboost}


def _renamed(model: Any, task: Task) -> bytes:
    """The model with the outputs' names that a bounty reads, and only those."""
    from onnx import helper  # noqa: PLC0415 - heavy extra

    graph = model.graph
    wanted = OUTPUTS[task.loss.reads][0]
    position = 1 if task.loss.reads == "probabilities" else 0
    old = graph.output[position]
    kind = old.type.tensor_type.elem_type
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == wanted and name != old.name:
                    names[index] = f"{name}_inner"
    graph.node.append(helper.make_node("Identity", [old.name], [f"{wanted}_out"]))
    del graph.output[:]
    shape = [None, len(task.classes)] if task.loss.reads == "probabilities" else None
    graph.output.append(helper.make_tensor_value_info(f"{wanted}_out", kind, shape))
    _rename(graph, {f"{wanted}_out": wanted, wanted: f"{wanted}_before"})
    return bytes(model.SerializeToString())


def _rename(graph: Any, names: dict[str, str]) -> None:
    for node in graph.node:
        for listed in (node.input, node.output):
            for index, name in enumerate(listed):
                listed[index] = names.get(name, name)
    for output in graph.output:
        output.name = names.get(output.name, output.name)


def compare(estimator: Any, data: bytes, task: Task, matrix: Matrix) -> Fidelity:
    """Compare estimator and file on the rows of a matrix."""
    output = OUTPUTS[task.loss.reads][0]
    found = DirectRunner(1).run(data, output, matrix).values
    with warnings.catch_warnings():
        # Estimators warn that the matrix has no column names; neither has the ONNX file.
        warnings.simplefilter("ignore")
        if task.loss.reads == "probabilities":
            wanted = np.asarray(estimator.predict_proba(matrix), float)
        else:
            wanted = np.asarray(estimator.predict(matrix))
    if task.loss.reads == "class":
        return Fidelity(
            rows=len(matrix),
            different=int(np.count_nonzero(found.ravel() != wanted.astype(np.int64))),
            largest=0.0,
        )
    gap = np.abs(found.astype(float).reshape(wanted.shape) - wanted)
    scale = 1.0 if task.loss.reads == "probabilities" else max(float(np.ptp(wanted)), 1e-12)
    rows = gap.reshape(len(matrix), -1).max(axis=1, initial=0.0)
    return Fidelity(
        rows=len(matrix),
        different=int(np.count_nonzero(rows > 1e-4 * scale)),
        largest=float(rows.max(initial=0.0)),
    )
