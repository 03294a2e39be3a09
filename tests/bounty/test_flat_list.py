"""The flat list answers as a plain reading does, and its trees as onnxruntime does, bit for bit."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

for package in ("numba", "onnx", "onnxruntime", "skl2onnx", "onnxmltools", "lightgbm", "xgboost"):
    pytest.importorskip(package)

import lightgbm  # noqa: E402
import xgboost  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.tree import (  # noqa: E402
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
)

from evenhand.bounty import (  # noqa: E402
    DirectRunner,
    SubmissionError,
    export_model,
    load_model,
    task_of,
)
from evenhand.bounty.deployed import compiled  # noqa: E402
from evenhand.bounty.deployed.flat_list import FlatList  # noqa: E402
from evenhand.bounty.deployed.kernel import CHUNK  # noqa: E402
from evenhand.bounty.deployed.one_onnx import to_one_onnx  # noqa: E402
from evenhand.bounty.deployed.onnx_trees import read_trees  # noqa: E402
from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList  # noqa: E402
from evenhand.bounty.deployed.trees import plant, rows_of  # noqa: E402
from evenhand.bounty.hunting.pack import to_onnx  # noqa: E402
from evenhand.bounty.submission.group import read_group  # noqa: E402
from evenhand.bounty.submission.model import Model  # noqa: E402
from evenhand.deferred import Deferred  # noqa: E402
from evenhand.errors import InputError  # noqa: E402

from .test_pointer_decision_list import PREDICATES, plainly, table  # noqa: E402

RUNNER = DirectRunner()
quiet = pytest.mark.filterwarnings("ignore")
#: Groups that the flat list asks by tables, and three that it cannot.
GROUPS = [
    *({"predicate": text} for text in PREDICATES),
    {"predicate": "age < 30 OR age > 60 OR age = 45"},
    {"predicate": "age >= 33.25 AND score <= 50.5"},
    {"predicate": "score > 71.5 OR (score < 20 AND sex = 'F')"},
    {"predicate": " AND ".join(f"(age < {20 + n} OR score > {n})" for n in range(20, 50, 3))},
    {
        "linear": {
            "weights": {"age": 1.0, "score": -0.5},
            "values": [{"feature": "sex", "value": "F", "weight": 9.0}],
            "threshold": 30,
        }
    },
]


def task():
    return task_of(rows_of_table(500), label="label")


def rows_of_table(rows, seed=0):
    found = table(rows, seed)
    label = np.random.default_rng(seed).choice(["no", "yes", "maybe"], rows)
    return found.append_column("label", [label.tolist()])


def matrix_of(rows, seed):
    """Rows with missing numbers, texts that nobody listed, and infinite numbers."""
    rng = np.random.default_rng(seed)
    found = task().encode(rows_of_table(rows, seed))
    found[rng.random(found.shape) < 0.1] = np.nan
    found[rng.random(found.shape) < 0.05] = -1
    found[rng.random(found.shape) < 0.02] = -0.0
    found[rng.random(rows) < 0.02, 0] = np.inf
    found[rng.random(rows) < 0.02, 0] = -np.inf
    return found


def packed(estimator, seed=7):
    given = task()
    people = rows_of_table(400, seed)
    matrix = np.nan_to_num(given.encode(people))
    labels = given.encode_labels(people)
    fitted = estimator.fit(matrix, labels)
    return Model(onnx=to_onnx(fitted, given, matrix, allowed=1.0)[0])


@pytest.fixture(scope="module")
def models():
    """Answers of all kinds: constants, trees, and what the runner is asked for."""
    return [
        Model(constant=(1.0,)),
        Model(constant=(2.0,)),
        *(packed(DecisionTreeClassifier(max_depth=depth), seed=depth) for depth in (1, 3, 6)),
        packed(RandomForestClassifier(3, max_depth=3, random_state=0)),
        packed(LogisticRegression(max_iter=500)),
        Model(onnx=b"no model"),
    ]


class Failing:
    """Runs all but one file."""

    def run(self, model, output, matrix):
        if model == b"no model":
            raise SubmissionError("cannot_run", "it is none")
        return RUNNER.run(model, output, matrix)


def random_list(rng, length, models, groups):
    listed = PointerDecisionList(task=task(), models=(Model(constant=(0.0,)),))
    for number in range(length):
        if listed.groups and rng.random() < 0.35:
            listed = listed.repaired(
                int(rng.integers(len(listed.groups))), int(rng.integers(number + 1))
            )
        else:
            group = read_group(groups[rng.integers(len(groups))], listed.task)
            model = models[rng.integers(len(models))]
            listed = listed.updated(group, model, team="t", key=str(number))
        if rng.random() < 0.1:
            listed = listed.rolled_back(str(rng.integers(number + 1)))
    return listed


def plain_answers(listed, matrix, runner):
    """Row by row: the newest node that the row is in, pointers followed, a failing model left out."""
    inside = listed.memberships(matrix, runner)
    said = {}
    for row in range(len(matrix)):
        failing = set()
        while True:
            kept = listed
            for model in failing:
                kept = kept.rolled_back(next(n.key for n in listed.nodes if n.model == model))
            model = plainly(kept, inside, row)
            try:
                said[row] = listed.models[model].predict(
                    matrix[row : row + 1], listed.task, runner
                )[0]
                break
            except SubmissionError:
                failing.add(model)
    return [said[row] for row in range(len(matrix))]


def flat_list(listed, runner=RUNNER):
    models = [(n, listed.models[n]) for n in listed._get_compiled().leaves]
    return FlatList(listed.task, listed.groups, listed._live(), models, runner)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 90))
def test_a_flat_list_answers_as_a_plain_reading_of_it(models, seed, length):
    rng = np.random.default_rng(seed)
    listed = random_list(rng, length, models, GROUPS)
    matrix = matrix_of(61, seed)
    listed.hasten(Failing())
    assert listed._compiled[0].flat is not None
    assert listed.predict(matrix, Failing()).tolist() == plain_answers(listed, matrix, Failing())


@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_any_number_of_rows_is_answered_alike(models, rows):
    listed = random_list(np.random.default_rng(rows), 200, models[:-1], GROUPS)
    matrix = np.resize(matrix_of(3_000, rows), (rows, 5))
    slow = listed.predict(matrix, RUNNER)
    listed.hasten(RUNNER)
    fast = listed.predict(matrix, RUNNER)
    assert fast.dtype == slow.dtype
    np.testing.assert_array_equal(fast, slow)


def test_a_list_without_any_node_is_its_base(models):
    for base in (models[0], models[2], models[5]):
        listed = PointerDecisionList(task=task(), models=(base,))
        matrix = matrix_of(50, 1)
        listed.hasten(RUNNER)
        np.testing.assert_array_equal(
            listed.predict(matrix, RUNNER), base.predict(matrix, listed.task, RUNNER)
        )


def on_the_edges(model, rows, seed):
    """Rows that hold each tree's own thresholds, the numbers next to them, and none."""
    cuts = np.array([0, *read_trees(model.onnx)["nodes_values"]], np.float32)
    near = np.concatenate(
        [cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf), [np.nan] * 5]
    )
    return np.random.default_rng(seed).choice(near, (rows, 5)).astype(np.float32)


#: Estimators of one tree; boosting has one for numbers only, as there are three classes.
CLASSIFIERS = (DecisionTreeClassifier(max_depth=8), ExtraTreeClassifier(random_state=0))
REGRESSORS = (
    DecisionTreeRegressor(max_depth=8),
    HistGradientBoostingRegressor(max_iter=1),
    xgboost.XGBRegressor(n_estimators=1),
    lightgbm.LGBMRegressor(n_estimators=1, verbose=-1),
)
TREES = [
    *((estimator, loss) for estimator in CLASSIFIERS for loss in ("zero_one", "brier")),
    *((estimator, "squared(0, 100)") for estimator in REGRESSORS),
]


@quiet
@pytest.mark.parametrize(("estimator", "loss"), TREES, ids=lambda given: type(given).__name__)
def test_a_tree_answers_as_onnxruntime_does_bit_for_bit(estimator, loss):
    label = "score" if "squared" in loss else "label"
    given = task_of(rows_of_table(500), label=label, loss=loss)
    people = rows_of_table(400, 7)
    matrix, labels = np.nan_to_num(given.encode(people)), given.encode_labels(people)
    model = Model(onnx=to_onnx(estimator.fit(matrix, labels), given, matrix, allowed=1.0)[0])
    listed = PointerDecisionList(task=given, models=(model,))
    asked = on_the_edges(model, 3_000, 1)[:, : len(given.features)].copy()
    found = flat_list(listed)
    numbers = found.numbers(asked, RUNNER)
    assert (numbers >= 0).all(), "no row needs the runner"
    wanted = model.predict(asked, given, RUNNER)
    assert found.answers.take(numbers, axis=0).tobytes() == wanted.tobytes()


def tree_file(modes, tracks, values):
    """A classifier of one tree of seven nodes with any modes."""
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["features"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        nodes_treeids=[0] * 7,
        nodes_nodeids=list(range(7)),
        nodes_featureids=[0, 1, 2, 0, 0, 0, 0],
        nodes_modes=[*modes, *["LEAF"] * 4],
        nodes_values=[*values, 0.0, 0.0, 0.0, 0.0],
        nodes_truenodeids=[1, 3, 5, 0, 0, 0, 0],
        nodes_falsenodeids=[2, 4, 6, 0, 0, 0, 0],
        nodes_missing_value_tracks_true=[*tracks, 0, 0, 0, 0],
        class_treeids=[0] * 4,
        class_nodeids=[3, 4, 5, 6],
        class_ids=[0, 1, 2, 0],
        class_weights=[1.0, 1.0, 1.0, 1.0],
        classlabels_int64s=[0, 1, 2],
        post_transform="NONE",
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 5])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 3]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tracked", [0, 1])
def test_every_mode_of_a_node_is_read_as_onnxruntime_reads_it(mode, tracked):
    model = Model(onnx=tree_file([mode] * 3, [tracked, 0, 1], [0.5, -1.25, 0.0]))
    listed = PointerDecisionList(task=task(), models=(model,))
    matrix = on_the_edges(model, 2_000, 3)
    matrix[::9] = np.inf
    matrix[::10] = -np.inf
    found = flat_list(listed)
    numbers = found.numbers(matrix, RUNNER)
    assert (numbers >= 0).all()
    wanted = model.predict(matrix, listed.task, RUNNER)
    assert len(set(wanted.tolist())) == 3
    assert found.answers[numbers].tolist() == wanted.tolist()


def test_a_row_stands_for_each_leaf_where_one_can_end():
    tree = plant(read_trees(packed(DecisionTreeClassifier(max_depth=8)).onnx), 5)
    rows, leaves = rows_of(tree, 5)
    assert sorted(leaves) == np.flatnonzero(tree[:, 0] < 0).tolist()
    thresholds = tree.view(np.float32)[:, 1]
    for row, leaf in zip(rows, leaves, strict=True):
        at = 0
        while tree[at, 0] >= 0:
            at = tree[at, 2] + (not row[tree[at, 0] >> 1] <= thresholds[at])
        assert at == leaf


def test_a_leaf_for_missing_numbers_alone_has_its_row():
    # At most 1, then at most 1 again: only a missing number comes to the second "more".
    values = {
        "nodes_treeids": (0,) * 5,
        "nodes_nodeids": (0, 1, 2, 3, 4),
        "nodes_modes": (b"BRANCH_LEQ", b"BRANCH_LEQ", b"LEAF", b"LEAF", b"LEAF"),
        "nodes_featureids": (0,) * 5,
        "nodes_values": (1.0, 1.0, 0.0, 0.0, 0.0),
        "nodes_truenodeids": (1, 3, 0, 0, 0),
        "nodes_falsenodeids": (2, 4, 0, 0, 0),
        "nodes_missing_value_tracks_true": (1, 0, 0, 0, 0),
    }
    rows, leaves = rows_of(plant(values, 1), 1)
    assert sorted(leaves) == [2, 3, 4]
    assert np.isnan(rows[leaves.index(4)]).all()
    without = plant(values | {"nodes_missing_value_tracks_true": (0,) * 5}, 1)
    assert sorted(rows_of(without, 1)[1]) == [2, 3]


ODD = {
    "a node that is its own child": {"nodes_truenodeids": (0, 0, 0)},
    "a child that is not there": {"nodes_falsenodeids": (7, 0, 0)},
    "one child twice": {"nodes_falsenodeids": (1, 0, 0)},
    "a feature that is not there": {"nodes_featureids": (5, 0, 0)},
    "an equality": {"nodes_modes": (b"BRANCH_EQ", b"LEAF", b"LEAF")},
    "a threshold that is no number": {"nodes_values": (np.nan, 0.0, 0.0)},
    "two nodes of one number": {"nodes_nodeids": (0, 1, 1)},
    "two trees": {"nodes_treeids": (0, 0, 1)},
    "a list that is too short": {"nodes_values": (1.0,)},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_trees_are_left_to_the_runner(name):
    plain = {
        "nodes_treeids": (0, 0, 0),
        "nodes_nodeids": (0, 1, 2),
        "nodes_modes": (b"BRANCH_LEQ", b"LEAF", b"LEAF"),
        "nodes_featureids": (0, 0, 0),
        "nodes_values": (1.0, 0.0, 0.0),
        "nodes_truenodeids": (1, 0, 0),
        "nodes_falsenodeids": (2, 0, 0),
    }
    assert plant(plain, 5) is not None
    assert plant(plain | ODD[name], 5) is None


def test_forests_and_linear_models_are_left_to_the_runner(models):
    for model in models[5:7]:
        found = flat_list(PointerDecisionList(task=task(), models=(model,)))
        assert found.answers is None
        assert (found.numbers(matrix_of(9, 1), RUNNER) == -1).all()


def test_an_onnx_group_is_asked_by_itself(models):
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["features", "place"], ["age"], axis=1),
            helper.make_node("Greater", ["age", "limit"], ["group"]),
        ],
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 5])],
        [helper.make_tensor_value_info("group", TensorProto.BOOL, [None])],
        [
            helper.make_tensor("place", TensorProto.INT64, [], [0]),
            helper.make_tensor("limit", TensorProto.FLOAT, [], [40.0]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx = {"onnx": base64.b64encode(made.SerializeToString()).decode()}
    listed = PointerDecisionList(task=task(), models=(Model(constant=(0.0,)),))
    for number, group in enumerate([onnx, {"predicate": "sex = 'F'"}, onnx]):
        listed = listed.updated(
            read_group(group, listed.task), models[number], team="t", key=str(number)
        )
    listed = listed.repaired(1, 1)
    matrix = matrix_of(300, 4)
    slow = listed.predict(matrix, RUNNER)
    listed.hasten(RUNNER)
    assert listed.predict(matrix, RUNNER).tolist() == slow.tolist()


def test_a_list_becomes_flat_once_as_many_rows_came_as_it_costs(models, monkeypatch):
    monkeypatch.setattr(compiled, "KERNEL", "a module that is not loaded")
    monkeypatch.setattr(compiled, "KERNEL_ROWS", 100)
    monkeypatch.setattr(compiled, "MODEL_ROWS", 0)
    listed = random_list(np.random.default_rng(1), 30, models[:-1], GROUPS)
    matrix = matrix_of(60, 1)
    first = listed.predict(matrix, RUNNER)
    assert listed._compiled[0].flat is None
    assert listed.predict(matrix, RUNNER).tolist() == first.tolist()
    assert listed._compiled[0].flat is not None


def test_without_numba_a_list_stays_as_it_is(models, monkeypatch):
    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    listed = random_list(np.random.default_rng(1), 30, models[:-1], GROUPS)
    matrix = matrix_of(60, 1)
    listed.hasten(RUNNER)
    assert listed.predict(matrix, RUNNER).tolist() == plain_answers(listed, matrix, RUNNER)
    assert listed._compiled[0].flat is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("cells.MAX_PLACES", 3),
        ("cells.MAX_TRUTHS", 3),
        ("flat_list._KERNEL", Deferred("evenhand.a_numba_that_does_not_go_with_this_numpy")),
    ],
)
def test_what_cannot_be_flat_stays_as_it_is(models, monkeypatch, place, value):
    monkeypatch.setattr(f"evenhand.bounty.deployed.{place}", value)
    listed = random_list(np.random.default_rng(1), 30, models[:-1], GROUPS)
    matrix = matrix_of(60, 1)
    listed.hasten(RUNNER)
    assert listed._compiled[0].flat is None
    assert listed.predict(matrix, RUNNER).tolist() == plain_answers(listed, matrix, RUNNER)


def test_a_list_whose_updates_move_an_answer_only_so_far_has_no_flat_form_and_no_one_file():
    given = task_of(rows_of_table(500), label="score", loss="squared(0, 100, 5)")
    listed = PointerDecisionList(task=given, models=(Model(constant=(10.0,)),))
    group = read_group({"predicate": "sex = 'F'"}, given)
    listed = listed.updated(group, Model(constant=(90.0,)), team="t", key="k")
    matrix = given.encode(rows_of_table(50))
    listed.hasten(RUNNER)
    assert listed._get_compiled().flat is None
    assert set(listed.predict(matrix, RUNNER).tolist()) == {10.0, 15.0}
    with pytest.raises(InputError, match="at most 5, which one ONNX"):
        to_one_onnx(listed)


def test_an_exported_model_is_hastened_and_answers_as_before(models, tmp_path):
    listed = random_list(np.random.default_rng(5), 40, models[:-1], GROUPS)
    model = load_model(export_model(listed, tmp_path / "model"))
    matrix = matrix_of(200, 5)
    before = model.predict_matrix(matrix).tolist()
    model.hasten()
    assert model.listed._get_compiled().flat is not None
    assert model.predict_matrix(matrix).tolist() == before
