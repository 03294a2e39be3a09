"""fairlearn's repairs: the reduction that reweighs a logistic regression many times, and its thresholds by chance."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.deferred import show_pandas
from evenhand.errors import InputError
from evenhand.repairs.goals import RepairGoal
from evenhand.repairs.linear import (
    LearntScores,
    LinearPart,
    LinearScorer,
    encoded,
    read_features,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: What the score of a reduction is called: the share of its models that say yes.
REDUCTION = "votes of fairlearn's reduction"


def load(name: str) -> Any:
    """A module of fairlearn or scikit-learn.

    Raises
    ------
    InputError
        Where it is not installed.
    """
    show_pandas()
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(
            "fairlearn's repairs need two more packages.  Run: pip install 'evenhand[fix]'.  Or leave out --fairlearn: "
            "Evenhand's own repairs need none."
        ) from error


def _moment(metric: str, goal: RepairGoal) -> Any:
    """Fairlearn's constraint for a metric; that of the error rate where it has none."""
    reductions = load("fairlearn.reductions")
    named = {
        "selection_rate": "DemographicParity",
        "true_positive_rate": "TruePositiveRateParity",
        "false_negative_rate": "TruePositiveRateParity",
        "false_positive_rate": "FalsePositiveRateParity",
        "true_negative_rate": "FalsePositiveRateParity",
    }
    bound = goal.limit if goal.kind == "maximum difference" and goal.limit else 0.02
    return getattr(reductions, named.get(metric, "ErrorRateParity"))(difference_bound=bound / 2)


def learn_reduction(
    table: pa.Table,
    columns: Sequence[str],
    truth: Floats,
    group: Integers,
    turn: Integers,
    metric: str,
    goal: RepairGoal,
) -> LearntScores:
    """Votes of an exponentiated gradient's models, cross-fitted as `learn_scores` does.

    Its answer is drawn anew for each row, by the shares of its models.  Here a row is decided by the share that says
    yes, so that the same row always has the same decision.  Agarwal, Beygelzimer, Dudík, Langford & Wallach (2018),
    arXiv:1803.02453.
    """
    features = read_features(table, columns)
    X = encoded(table, features)
    known = np.isfinite(truth) & (group >= 0)
    scores = np.empty(len(X))
    for one in range(int(turn.max()) + 1):
        parts = _votes(X, truth, group, known & (turn != one), metric, goal)
        scorer = LinearScorer(name=REDUCTION, features=features, parts=parts)
        own = turn == one
        scores[own] = scorer.of_encoded(X[own], group[own], {})
    parts = _votes(X, truth, group, known, metric, goal)
    return LearntScores(
        scores=scores, scorer=LinearScorer(name=REDUCTION, features=features, parts=parts)
    )


def _votes(
    X: Floats,
    truth: Floats,
    group: Integers,
    kept: npt.NDArray[np.bool_],
    metric: str,
    goal: RepairGoal,
) -> tuple[LinearPart, ...]:
    base = load("sklearn.linear_model").LogisticRegression(max_iter=1000)
    model = load("fairlearn.reductions").ExponentiatedGradient(base, _moment(metric, goal))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of how fairlearn uses pandas: nothing that a reader could mend
            model.fit(X[kept], truth[kept].astype(int), sensitive_features=group[kept])
    except Exception as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"fairlearn's reduction failed: {said}  Leave out --fairlearn.") from error
    parts = []
    for share, one in zip(model.weights_, model.predictors_, strict=True):
        if share <= 0:
            continue
        if hasattr(one, "coef_"):
            parts.append(_part(float(share), float(one.intercept_[0]), one.coef_[0]))
        else:
            # A model of one class says the same of everybody.
            says = float(one.predict(X[:1])[0])
            parts.append(_part(float(share), 1.0 if says else -1.0, np.zeros(X.shape[1])))
    return tuple(parts)


def _part(share: float, intercept: float, coefficients: Floats) -> LinearPart:
    return LinearPart(
        predicate="",
        intercept=intercept,
        coefficients=tuple(float(one) for one in coefficients),
        share=share,
    )


def chance_thresholds(
    score: Floats, truth: Floats, group: Integers, turn: Integers, metric: str, seed: int
) -> Floats:
    """Decisions of fairlearn's ThresholdOptimizer, cross-fitted; drawn, so that they hold for one draw.

    Hardt, Price & Srebro (2016), arXiv:1610.02413.
    """
    named = {
        "selection_rate": "demographic_parity",
        "true_positive_rate": "true_positive_rate_parity",
        "false_negative_rate": "false_negative_rate_parity",
        "false_positive_rate": "false_positive_rate_parity",
        "true_negative_rate": "true_negative_rate_parity",
    }
    optimizer = load("fairlearn.postprocessing").ThresholdOptimizer
    out = np.full(len(score), np.nan)
    known = np.isfinite(score) & (group >= 0)
    for one in range(int(turn.max()) + 1):
        fit = known & np.isfinite(truth) & (turn != one)
        own = np.flatnonzero(known & (turn == one) & np.isin(group, np.unique(group[fit])))
        model = optimizer(
            estimator=_given(),
            constraints=named.get(metric, "equalized_odds"),
            predict_method="predict",
        )
        try:
            model.fit(score[fit, None], truth[fit].astype(int), sensitive_features=group[fit])
        except ValueError:
            # It learns nothing where a group has one label alone.
            return out
        if len(own):
            out[own] = model.predict(
                score[own, None], sensitive_features=group[own], random_state=seed
            )
    return out


def _given() -> Any:
    """A model, as fairlearn asks for one, whose answer is the score that is there."""
    base = load("sklearn.base").BaseEstimator

    def fit(self: Any, X: Floats, y: Floats) -> Any:
        del X, y
        self.fitted_ = True
        return self

    def predict(self: Any, X: Floats) -> Floats:
        del self
        return np.asarray(X[:, 0], float)

    return type("GivenScore", (base,), {"fit": fit, "predict": predict})()
