"""The patched model as a scikit-learn estimator; this module needs scikit-learn."""

from typing import Any, Self

import numpy as np

from evenhand.bounty.deployed.export import load_model
from evenhand.bounty.task.task import read_table
from evenhand.errors import InputError

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
except ImportError as missing:
    raise InputError(
        "The estimator needs one more package.  Run: pip install 'evenhand[bounty-pack]'"
    ) from missing


class _Patched(BaseEstimator):  # type: ignore[misc]
    """An exported model behind scikit-learn's methods; it is fitted already.

    Parameters
    ----------
    folder : str
        What `export_model` wrote.
    """

    def __init__(self, folder: str = "") -> None:
        self.folder = folder

    def fit(self, X: Any = None, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Read the model; the data change nothing, since only a bounty may change it."""
        self.model_ = load_model(self.folder)
        self.n_features_in_ = len(self.model_.task.features)
        if self.model_.task.classes:
            self.classes_ = np.array(self.model_.task.classes)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _ready(self) -> Any:
        return self.model_ if hasattr(self, "model_") else self.fit().model_


class PatchedClassifier(ClassifierMixin, _Patched):  # type: ignore[misc]
    """Predicts the classes by name."""

    def predict(self, X: Any) -> Any:
        """Classes of the rows of a table."""
        found = np.asarray(self._ready().predict(_table(X)))
        return self.classes_[found.argmax(axis=1)] if found.ndim == 2 else found

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes, where the bounty's loss reads them."""
        found = np.asarray(self._ready().predict(_table(X)))
        if found.ndim != 2:
            raise InputError("This bounty's models answer with classes, not with probabilities.")
        return found


class PatchedRegressor(RegressorMixin, _Patched):  # type: ignore[misc]
    """Predicts numbers."""

    def predict(self, X: Any) -> Any:
        """Numbers for the rows of a table."""
        return self._ready().predict(_table(X))


def _table(X: Any) -> Any:
    return X if isinstance(X, dict) else read_table(X)
