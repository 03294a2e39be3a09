"""Permuted fields give scikit-learn's permutation importance, group by group."""

import csv

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

from evenhand.conditions.table import TABLE

ROWS, DRAWS = 600, 40
PERMUTED = {definition.name: definition for definition in TABLE}["permuted_fields"]


@pytest.fixture(scope="module")
def world():
    random = np.random.default_rng(3)
    group = random.integers(0, 2, ROWS)
    fields = random.normal(size=(ROWS, 3))
    strength = np.where(group[:, None] == 1, [2.0, 0.2, 0.0], [0.2, 1.5, 0.0])
    label = random.random(ROWS) < 1 / (1 + np.exp(-(fields * strength).sum(1)))
    return group, fields, label, LogisticRegression().fit(fields, label)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_cost_of_a_permuted_field_is_its_importance(world, tmp_path, column):
    group, fields, label, model = world
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "c"], *fields.tolist()])
    condition = PERMUTED(columns=["abc"[column]], rows=str(path))
    rows = [dict(zip("abc", values, strict=True)) for values in fields.tolist()]
    right = np.zeros(ROWS)
    for draw in range(DRAWS):
        changed = [condition.apply(row, seed=draw * ROWS + i) for i, row in enumerate(rows)]
        right += model.predict([list(row.values()) for row in changed]) == label
    for value in (0, 1):
        of = group == value
        before = model.score(fields[of], label[of])
        ours = before - right[of].mean() / DRAWS
        # scikit-learn permutes among the group's own rows; here the columns are alike in both.
        theirs = permutation_importance(
            model, fields[of], label[of], n_repeats=DRAWS, random_state=0
        )
        error = theirs.importances_std[column] / np.sqrt(DRAWS)
        assert ours == pytest.approx(theirs.importances_mean[column], abs=0.02 + 4 * error)
