"""Logistic regression beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from evenhand.stats.logistic import fit_logistic


def world(rows, seed=0):
    rng = np.random.default_rng(seed)
    X = np.c_[rng.normal(size=(rows, 3)), np.eye(4)[rng.integers(0, 4, rows)]]
    y = (X @ [1, -2, 0.5, 1, 0, -1, 0.3] + rng.logistic(size=rows) > 0).astype(float)
    return X, y, rng


@pytest.mark.parametrize("rows", [300, 15_000])
@pytest.mark.parametrize("penalty", [1.0, 30.0])
def test_coefficients_are_those_of_scikit_learn(rows, penalty):
    X, y, rng = world(rows)
    weights = rng.integers(1, 4, rows).astype(float)
    found = fit_logistic(X, y, weights=weights, penalty=penalty)
    rival = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=5000)
    rival.fit(X, y, sample_weight=weights)
    assert np.allclose(found, [rival.intercept_[0], *rival.coef_[0]], atol=2e-4)


def test_a_row_with_weight_2_is_two_rows():
    X, y, _ = world(200)
    weights = np.where(np.arange(200) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(200), weights.astype(int))
    assert np.allclose(
        fit_logistic(X, y, weights=weights), fit_logistic(X[twice], y[twice]), atol=1e-6
    )


def test_an_offset_is_what_the_others_have_said():
    X, y, _ = world(4000)
    beta = fit_logistic(X, y, penalty=1e-6)
    more = fit_logistic(X, y, offset=beta[0] + X @ beta[1:], penalty=10.0)
    assert np.abs(more).max() < 1e-3


def test_labels_that_a_plane_parts_are_no_trouble():
    X = np.linspace(-1, 1, 50)[:, None]
    found = fit_logistic(X, (X[:, 0] > 0).astype(float), penalty=1e-3)
    assert np.isfinite(found).all()
    assert found[1] > 5
