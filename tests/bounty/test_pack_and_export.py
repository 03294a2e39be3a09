"""Estimators become ONNX that agrees; the patched model leaves the bounty unchanged; hunters hunt."""

import itertools
import json

import numpy as np
import pytest

from evenhand.bounty import Bounty, DirectRunner, Sandbox, read_submission, task_of, verify
from evenhand.bounty.deployed.export import export_model, load_model
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.model import Model
from evenhand.errors import InputError

from .conftest import FLAW, good, people

for package in ("onnx", "onnxruntime", "skl2onnx", "onnxmltools", "lightgbm", "xgboost"):
    pytest.importorskip(package)

import lightgbm  # noqa: E402
import xgboost  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

from evenhand.bounty.deployed.one_onnx import to_one_onnx  # noqa: E402
from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList  # noqa: E402
from evenhand.bounty.hunting.ground import HuntingGround  # noqa: E402
from evenhand.bounty.hunting.hunters import alternating, prepend, ternary  # noqa: E402
from evenhand.bounty.hunting.pack import to_onnx  # noqa: E402
from evenhand.bounty.hunting.patch import train_patch  # noqa: E402
from evenhand.bounty.hunting.slice_search import slices  # noqa: E402

RUNNER = DirectRunner()
CLASSIFIERS = {
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=10),
    "tree": lambda: DecisionTreeClassifier(max_depth=6),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=5, verbose=-1),
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=5),
}
REGRESSORS = {
    "histogram boosting": lambda: HistGradientBoostingRegressor(max_iter=10),
    "ridge": Ridge,
    "lightgbm": lambda: lightgbm.LGBMRegressor(n_estimators=5, verbose=-1),
    "xgboost": lambda: xgboost.XGBRegressor(n_estimators=5),
}
quiet = pytest.mark.filterwarnings("ignore")


def rows(loss):
    table = people(600, 5)
    task = task_of(table, label="income" if "squared" in loss else "label", loss=loss)
    return task, task.encode(table), task.encode_labels(table)


@quiet
@pytest.mark.parametrize("loss", ["zero_one", "brier"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_packed_classifiers_agree(name, loss):
    task, matrix, labels = rows(loss)
    data, agreement = to_onnx(CLASSIFIERS[name]().fit(matrix, labels), task, matrix)
    assert agreement.different <= 0.01 * agreement.rows
    assert Model(onnx=data).predict(matrix, task, RUNNER).shape[0] == 600


@quiet
@pytest.mark.parametrize("name", REGRESSORS)
def test_packed_regressors_agree(name):
    task, matrix, labels = rows("squared(0, 100)")
    _, agreement = to_onnx(REGRESSORS[name]().fit(matrix, labels), task, matrix)
    assert agreement.different == 0


@quiet
def test_what_disagrees_is_not_packed():
    """A tree's ONNX file does not know missing values."""
    task, matrix, labels = rows("zero_one")
    holes = matrix.copy()
    holes[::3, 0] = np.nan
    fitted = DecisionTreeClassifier(max_depth=8).fit(holes, (labels + np.isnan(holes[:, 0])) % 2)
    with pytest.raises(InputError, match="SimpleImputer"):
        to_onnx(fitted, task, holes)


def test_what_cannot_be_converted_is_said():
    task, matrix, _ = rows("zero_one")
    with pytest.raises(InputError, match="cannot be converted"):
        to_onnx(object(), task, matrix)


def patched(loss):
    """A list of all kinds of parts, with repairs."""
    task, matrix, labels = rows(loss)
    kinds = REGRESSORS if "squared" in loss else CLASSIFIERS
    packed = [
        Model(onnx=to_onnx(kinds[name]().fit(matrix, labels), task, matrix)[0])
        for name in ("histogram boosting", "lightgbm", "xgboost")
    ]
    groups = [
        {"predicate": "age < 40 OR sex IS NULL"},
        {"linear": {"weights": {"age": 1.0, "income": -0.5}, "values": [], "threshold": 30}}
        if "squared" not in loss
        else {"predicate": "NOT age BETWEEN 30 AND 50"},
        {"predicate": "sex = 'F' AND age NOT IN (20, 21, 22)"},
    ]
    listed = PointerDecisionList(task=task, models=(packed[0],))
    for number, (group, model) in enumerate(zip(groups, packed, strict=True)):
        listed = listed.updated(read_group(group, task), model, team="t", key=str(number))
    return listed.repaired(0, 1).repaired(1, 2), matrix


@quiet
@pytest.mark.parametrize("loss", ["zero_one", "brier", "squared(0, 100)"])
def test_one_onnx_file_gives_the_same_outputs(loss):
    listed, matrix = patched(loss)
    holes = matrix.copy()
    holes[::7, 0] = np.nan
    output = {"zero_one": "label", "brier": "probabilities"}.get(loss, "value")
    found = RUNNER.run(to_one_onnx(listed), output, holes).values
    np.testing.assert_array_equal(found, listed.predict(holes, RUNNER))


@quiet
def test_an_exported_directory_answers_as_the_list_does(tmp_path):
    listed, matrix = patched("zero_one")
    model = load_model(export_model(listed, tmp_path / "model"))
    assert model.predict_matrix(matrix).tolist() == listed.predict(matrix, RUNNER).tolist()
    assert set(model.predict(people(20, 9))) <= {"yes", "no"}
    assert not list((tmp_path / "model").rglob("*.pkl"))


@pytest.mark.parametrize("part", ["task", "models", "groups", "nodes"])
def test_a_damaged_export_is_said_to_be_one(tmp_path, part):
    task, _, _ = rows("zero_one")
    listed = PointerDecisionList(task=task, models=(Model(constant=(0.0,)),))
    place = export_model(listed, tmp_path / "model")
    body = json.loads((place / "list.json").read_text())
    for damaged in (
        {name: value for name, value in body.items() if name != part},
        body | {part: 7},
    ):
        (place / "list.json").write_text(json.dumps(damaged))
        with pytest.raises(InputError, match="damaged"):
            load_model(place)


@quiet
def test_the_estimator_is_one_of_scikit_learns(tmp_path):
    from sklearn.base import clone, is_classifier
    from sklearn.metrics import accuracy_score

    from evenhand.bounty.deployed.estimator import PatchedClassifier

    listed, _ = patched("zero_one")
    folder = str(export_model(listed, tmp_path / "model"))
    estimator = clone(PatchedClassifier(folder)).fit()
    table = people(200, 9)
    found = estimator.predict(table)
    assert is_classifier(estimator)
    assert accuracy_score(table["label"].to_pylist(), found) == estimator.score(
        table, table["label"].to_pylist()
    )


HUNTERS = {
    "alternating": lambda: alternating(np.random.default_rng(1), starts=4),
    "ternary": lambda: ternary(depth=4),
    "prepend": lambda: prepend([FLAW, "sex = 'M'", "age > 500"]),
    "slices": lambda: slices(top=3),
}


@quiet
@pytest.mark.parametrize("name", HUNTERS)
def test_each_hunter_finds_the_planted_flaw(folder, name):
    with Bounty(folder, runner=DirectRunner()) as bounty:
        seen = bounty.data("train")
        hunt = HuntingGround(
            task=bounty.task,
            matrix=seen.matrix,
            labels=seen.labels,
            predictions=bounty.state.listed.predict(seen.matrix, bounty.runner),
        )
        for data in itertools.islice(HUNTERS[name]()(hunt), 4):
            read_submission(data, bounty.task)
            bounty.submit(data)
        assert any(verdict.accepted for verdict in bounty.close_epoch())
        matrix = bounty.data("practice").matrix
        flawed = np.asarray(bounty.state.listed.predict(matrix, bounty.runner))
        assert (flawed == 1).any()


@quiet
def test_a_group_alone_gets_its_patch_trained_here(folder):
    from evenhand.bounty import write_submission

    with Sandbox() as box, Bounty(folder, runner=box) as bounty:
        receipt = bounty.submit(
            write_submission(team="those affected", group="age >= 50", model=None),
            trainer=train_patch,
        )
        assert [v.accepted for v in bounty.close_epoch()] == [True]
        assert bounty.state.listed.nodes[0].team == "those affected"
        assert verify(bounty).proven
        assert (folder / "submissions" / f"{receipt.key}.onnx").is_file()


def test_a_group_alone_without_a_trainer_is_refused(bounty):
    from evenhand.bounty import SubmissionError, write_submission

    with pytest.raises(SubmissionError, match="trains no patches"):
        bounty.submit(write_submission(team="a", group="age >= 50", model=None))
    assert good()


@quiet
def test_pack_makes_a_submission_that_is_taken(bounty):
    from evenhand.bounty import pack

    seen = bounty.data("train")
    fitted = HistGradientBoostingClassifier(max_iter=10).fit(seen.matrix, seen.labels)
    data = pack(fitted, FLAW, task=bounty.task, matrix=seen.matrix, team="ada")
    bounty.submit(data)
    assert bounty.close_epoch()[0].accepted
    with pytest.raises(InputError, match="unknown column"):
        pack(fitted, "dialect = 'aave'", task=bounty.task, matrix=seen.matrix, team="ada")


@quiet
@pytest.mark.parametrize("asked", [0, 1, 7])
@pytest.mark.parametrize("loss", ["zero_one", "brier"])
def test_one_onnx_file_answers_where_most_models_have_no_row(loss, asked):
    """Some operators fail without rows, such as those of a network's classes."""
    task, matrix, labels = rows(loss)
    base = MLPClassifier((4,), max_iter=5, random_state=0).fit(matrix, labels)
    answer = (1.0,) if loss == "zero_one" else (0.25, 0.75)
    listed = PointerDecisionList(task=task, models=(Model(onnx=to_onnx(base, task, matrix)[0]),))
    group = read_group({"predicate": "age >= 0"}, task)
    listed = listed.updated(group, Model(constant=answer), team="t", key="k")
    output = "label" if loss == "zero_one" else "probabilities"
    found = RUNNER.run(to_one_onnx(listed), output, matrix[:asked]).values
    np.testing.assert_array_equal(found, listed.predict(matrix[:asked], RUNNER))
