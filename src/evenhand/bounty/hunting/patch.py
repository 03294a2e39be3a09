"""Patches that are trained here: trees of scikit-learn, as ONNX."""

from typing import Any

from evenhand.bounty.hunting.pack import to_onnx
from evenhand.bounty.task.task import Labels, Matrix, Task
from evenhand.errors import InputError


def train_patch(matrix: Matrix, labels: Labels, task: Task) -> bytes:
    """Gradient boosted trees for the rows of a group, as ONNX: what "group only" gets."""
    return to_onnx(boosted_trees(task).fit(matrix, labels), task, matrix)[0]


def load_sklearn() -> Any:
    """scikit-learn with the parts that hunters use, or which extra to install."""
    try:
        import sklearn.ensemble  # noqa: PLC0415 - heavy extra
        import sklearn.impute  # noqa: PLC0415
        import sklearn.pipeline  # noqa: PLC0415
        import sklearn.tree  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            "Hunters need more packages.  Run: pip install 'evenhand[bounty-pack]'"
        ) from error
    return sklearn


def boosted_trees(task: Task) -> Any:
    """Gradient boosted trees for what the task predicts, not yet fitted."""
    ensemble = load_sklearn().ensemble
    given = {"max_iter": 60, "max_leaf_nodes": 15, "min_samples_leaf": 20, "random_state": 0}
    if task.classes:
        return ensemble.HistGradientBoostingClassifier(**given)
    return ensemble.HistGradientBoostingRegressor(**given)


def single_tree(task: Task, depth: int) -> Any:
    """A tree whose ONNX file answers alike for missing values: they are filled in first."""
    sklearn = load_sklearn()
    given = {"max_depth": depth, "min_samples_leaf": 20, "random_state": 0}
    kind = (
        sklearn.tree.DecisionTreeClassifier if task.classes else sklearn.tree.DecisionTreeRegressor
    )
    filled = sklearn.impute.SimpleImputer(
        strategy="constant", fill_value=-1e6, keep_empty_features=True
    )
    return sklearn.pipeline.make_pipeline(filled, kind(**given))
