"""Turn a fitted estimator into ONNX as a bounty reads it, and check that both agree."""

import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.demands import INPUT, OUTPUTS
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.runner import DirectRunner
from evenhand.bounty.submission.submission import read_submission, write_submission
from evenhand.bounty.task.precision import lost_values
from evenhand.bounty.task.task import Matrix, Task
from evenhand.errors import InputError

Rows = npt.NDArray[np.floating[Any]]
#: Versions of the operator sets that onnxruntime 1.17 and later run.
OPSET = {"": 17, "ai.onnx.ml": 3}
_MISSING = "Packing models needs more packages.  Run: pip install 'evenhand[bounty-pack]'"


#: Most by which a probability, or a number divided by the range, may differ: float32 rounds a
#: hundred times finer, and whom it moves over a threshold it moves by chance.
CLOSE = 1e-4
_LEARNT = (
    "Usual causes: the estimator was not fitted on Task.encode(table), which is float32; or a tree met "
    "missing values, which its ONNX file does not know: put a SimpleImputer before it."
)
_SUMMED = (
    "LightGBM's boosting_type 'rf' is a mean of trees and is converted as their sum: use 'gbdt', or "
    "a RandomForestClassifier or RandomForestRegressor of scikit-learn."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How well an ONNX file does what the estimator does, on some rows.

    Attributes
    ----------
    rows : int
        Compared rows.
    different : int
        Rows with another class, or with a probability or number off by more than one in 10,000 of
        the range.
    flipped : int
        Rows with another class; 0 where numbers are predicted.
    largest : float
        Largest difference of a probability or number; 0 where the estimator gives classes only.
    """

    rows: int
    different: int
    flipped: int
    largest: float

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"differently on {self.different:,} of {self.rows:,} rows (another class on "
            f"{self.flipped:,}; probabilities or numbers off by up to {self.largest:.3g})"
        )


def to_onnx(
    estimator: Any, task: Task, matrix: Rows, *, allowed: float = 0.01
) -> tuple[bytes, Fidelity]:
    """Convert a fitted scikit-learn, XGBoost or LightGBM estimator.

    Parameters
    ----------
    estimator : object
        Fitted on the task's matrix (`Task.encode`) and its labels: class indices or numbers.
    task : Task
        Says which output is needed.
    matrix : array of shape (rows, features)
        Rows to compare on, for example the practice rows, in the precision that the estimator was
        fitted on; the ONNX file is asked about them as float32.
    allowed : float
        Largest share of rows that may differ: trees cut float32 numbers where the estimator cut
        float64 ones.

    Raises
    ------
    InputError
        Where the estimator cannot be converted, or the two disagree on more rows.
    """
    converted = _convert(estimator, task, matrix.shape[1])
    agreement = compare(estimator, converted, task, matrix)
    if agreement.different > allowed * agreement.rows:
        raise InputError(
            f"The ONNX file answers {agreement.text}.  {_cause(estimator, task, matrix)}"
        )
    data = _renamed(converted, task)
    read_onnx(data)
    return data, agreement


def _cause(estimator: Any, task: Task, matrix: Rows) -> str:
    """Why they disagree, as far as can be seen, and what next."""
    columns = zip(task.features, np.asarray(matrix, float).T, strict=True)
    lost = [lost_values(feature.name, values) for feature, values in columns]
    told = [one.text for one in lost if one is not None]
    if getattr(estimator, "boosting_type", None) == "rf":
        told.append(_SUMMED)
    return "\n".join(told or [_LEARNT])


def pack(
    estimator: Any,
    group: Mapping[str, Any] | str,
    *,
    task: Task,
    matrix: Rows,
    team: str,
    note: str = "",
    allowed: float = 0.01,
) -> bytes:
    """A submission of a fitted estimator for a group: what would be refused is refused here.

    Parameters
    ----------
    estimator : object
        As `to_onnx` takes it.
    group : str or Mapping
        A predicate, or a tree, linear rule or ONNX model, see `write_submission`.
    task, matrix, allowed
        As `to_onnx` takes them.
    team : str
        Who is to be credited.

    Raises
    ------
    InputError
        Where the estimator cannot be converted or disagrees, or the group cannot be read.
    """
    data, _ = to_onnx(estimator, task, matrix, allowed=allowed)
    # A nonce keeps others from guessing what a published commitment stands for.
    submission = write_submission(
        team=team, group=group, model=data, note=note, nonce=secrets.token_hex(16)
    )
    given = read_submission(submission, task)
    given.model.predict(_single(matrix), task, DirectRunner(1), strict=True)
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
    convert = partial(
        convert_sklearn,
        estimator,
        initial_types=[(INPUT, FloatTensorType(given[0][1].shape))],
        target_opset=OPSET,
        custom_conversion_functions=converters,
        custom_shape_calculators=shapes,
    )
    try:
        return convert(options={id(estimator): {"zipmap": False}} if task.classes else None)
    except NameError:
        # Some classifiers give plain tensors without being asked, and refuse to be.
        return convert()


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
    if not {"", "ai.onnx"} & {item.domain for item in model.opset_import}:
        model.opset_import.append(helper.make_opsetid("", OPSET[""]))
    _rename(graph, {f"{wanted}_out": wanted, wanted: f"{wanted}_before"})
    return bytes(model.SerializeToString())


def _rename(graph: Any, names: dict[str, str]) -> None:
    for node in graph.node:
        for listed in (node.input, node.output):
            for index, name in enumerate(listed):
                listed[index] = names.get(name, name)
    for output in graph.output:
        output.name = names.get(output.name, output.name)


def compare(estimator: Any, converted: Any, task: Task, matrix: Rows) -> Fidelity:
    """Compare an estimator and what a converter made of it, on the rows of a matrix.

    Classes are compared by their probabilities too, where the estimator gives them: where rows are
    near a threshold, equal classes say little of equal models.
    """
    names = [output.name for output in converted.graph.output]
    data, runner, rows = converted.SerializeToString(), DirectRunner(1), len(matrix)
    single = _single(matrix)
    with warnings.catch_warnings():
        # Estimators warn that the matrix has no column names; neither has the ONNX file.
        warnings.simplefilter("ignore")
        wanted = np.asarray(estimator.predict(matrix))
        shares = _probabilities(estimator, matrix) if task.classes else None
    found = runner.run(data, names[0], single)
    odd, flipped, largest, scale = found.failed.copy(), 0, 0.0, 1.0
    if task.classes:
        other = found.values.reshape(rows) != wanted.astype(np.int64)
        flipped, odd = int(np.count_nonzero(other)), odd | other
        if shares is None and task.loss.reads == "probabilities":
            raise InputError(
                f"A {type(estimator).__name__} gives no probabilities, which this bounty scores.  "
                "Allowed: estimators with predict_proba; CalibratedClassifierCV gives it to others."
            )
        if shares is None:
            return Fidelity(rows=rows, different=int(odd.sum()), flipped=flipped, largest=0.0)
        found, wanted = runner.run(data, names[1], single), shares
    else:
        scale = max(float(np.ptp(wanted)), 1e-12)
    apart = np.abs(found.values.astype(float).reshape(wanted.shape) - wanted).reshape(rows, -1)
    gap = np.nan_to_num(apart.max(axis=1, initial=0.0), nan=np.inf)
    odd |= gap > CLOSE * scale
    largest = float(gap.max(initial=0.0))
    return Fidelity(rows=rows, different=int(odd.sum()), flipped=flipped, largest=largest)


def _probabilities(estimator: Any, matrix: Rows) -> Any:
    """Of each class; `None` where the estimator has none."""
    if not hasattr(estimator, "predict_proba"):
        return None
    return np.asarray(estimator.predict_proba(matrix), float)


def _single(matrix: Rows) -> Matrix:
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(matrix, np.float32)
    return np.where(np.isfinite(single), single, np.float32(np.nan))
