"""One bad row changes nobody else's answer, on any machine, and costs little."""

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import DirectRunner, PointerDecisionList, Sandbox, SubmissionError, task_of
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.operators import read_operators
from evenhand.bounty.strangers.sandbox import FEW, careful
from evenhand.bounty.strangers.tensor import Tensor
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.model import Model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from .test_strangers import FIRST, LABEL, NUMBERS, constant, file, node  # noqa: E402

#: A code of three columns looked up in a table of four classes, as converters write it.
PLACE = node("Cast", ["c"], ["i"], to=7)
TABLE = {"table": np.array([0, 1, 1, 0]), "shares": np.array([[1, 0], [0, 1]], np.float32)}
#: Models that have no answer where the first column holds 9 or is missing.
POISONED = {
    "a place outside the table": [FIRST, PLACE, node("Gather", ["table", "i"], ["label"])],
    "an element outside its line": [
        node("Cast", ["features"], ["i"], to=7),
        node("GatherElements", ["features", "i"], ["e"], axis=1),
        node("Gather", ["e", "zero"], ["x"], axis=1),
        LABEL,
    ],
    "a code that no category has": [
        FIRST,
        PLACE,
        node("OneHotEncoder", ["i"], ["h"], domain="ai.onnx.ml", cats_int64s=[0, 1, 2], zeros=0),
        node("ReduceMax", ["h"], ["x"], axes=[1], keepdims=0),
        LABEL,
    ],
}


def model(nodes):
    used = {name for item in nodes for name in item.input}
    known = {**NUMBERS, **TABLE}
    constants = [constant(name, value) for name, value in known.items() if name in used]
    return file(nodes, constants=constants, domains=["ai.onnx.ml"])


@pytest.fixture(scope="module")
def runners():
    with Sandbox(seconds=10) as box:
        yield [DirectRunner(), box]


def matrix(first):
    return np.array([[value, 0, 1] for value in first], np.float32)


@pytest.fixture(scope="module")
def task():
    table = pa.table({"a": [0.0, 1.0], "b": [0.0, 1.0], "c": [0.0, 1.0], "y": ["no", "yes"]})
    return task_of(table, label="y")


@pytest.mark.parametrize("bad", [9.0, np.nan, 1e30, -np.inf])
@pytest.mark.parametrize("name", POISONED)
def test_a_bad_row_has_no_answer_and_the_others_have_theirs(name, bad, runners):
    data = model(POISONED[name])
    read_onnx(data)
    good = [0, 1, 2, 1, 0, 2]
    for runner in runners:
        alone = runner.run(data, "label", matrix(good))
        assert not alone.failed.any()
        for place in range(len(good) + 1):
            joined = [*good[:place], bad, *good[place:]]
            found = runner.run(data, "label", matrix(joined))
            assert found.failed.tolist() == [at == place for at in range(len(joined))]
            assert np.delete(found.values, place).tolist() == alone.values.tolist()


@pytest.mark.parametrize("name", POISONED)
def test_rows_without_an_answer_fall_to_the_list_below_and_no_others(name, task, runners):
    data = model(POISONED[name])
    listed = PointerDecisionList(task=task, models=(Model(constant=(1.0,)),))
    listed = listed.updated(
        read_group({"predicate": "b = 0"}, task), Model(onnx=data), team="t", key="k"
    )
    good = matrix([0, 1, 2, 0])
    for runner in runners:
        wanted = [runner.run(data, "label", row[None]).values[0] for row in good]
        rows = np.concatenate([good, matrix([9, np.nan])])
        found = listed.predict(rows, runner)
        assert found.tolist() == [*wanted, 1, 1]
        assert found.tolist() == [listed.predict_one(row, runner)[0] for row in rows]


def test_a_base_that_is_silent_about_a_row_answers_it_as_if_it_were_nan(task, runners):
    listed = PointerDecisionList(
        task=task, models=(Model(onnx=model(POISONED["a place outside the table"])),)
    )
    for runner in runners:
        assert listed.predict(matrix([1, 9, 2, np.nan]), runner).tolist() == [1, 0, 1, 0]


def test_a_group_whose_model_is_silent_about_a_row_leaves_it_outside(task, runners):
    import base64

    nodes = [FIRST, PLACE, node("Gather", ["table", "i"], ["group"])]
    used = [constant("zero", NUMBERS["zero"]), constant("table", TABLE["table"])]
    data = file(nodes, output="group", constants=used)
    group = read_group({"onnx": base64.b64encode(data).decode()}, task)
    rows = matrix([1, 9, 2, np.nan, 1])
    for runner in runners:
        assert np.unpackbits(group.bits(None, rows, runner), count=5).tolist() == [1, 0, 1, 0, 1]


def test_a_hunter_is_told_of_rows_without_an_answer(task, runners):
    data = model(POISONED["a place outside the table"])
    for runner in runners:
        with pytest.raises(
            SubmissionError, match="no answer on 2 of 3 rows, the first of them row 1"
        ):
            Model(onnx=data).predict(matrix([1, 9, np.nan]), task, runner, strict=True)


def test_a_candidate_that_is_silent_about_many_rows_is_refused(runners):
    data = model(POISONED["a place outside the table"])
    rows = matrix([9] * (FEW + 1) + [1] * 200)
    for runner in runners:
        assert runner.run(data, "label", rows).failed.sum() == FEW + 1
        assert careful(runner).run(data, "label", rows[1:]).failed.sum() == FEW
        with pytest.raises(SubmissionError, match="cannot_run"):
            careful(runner).run(data, "label", rows)


def test_a_model_that_answers_no_row_fails_as_a_whole(runners):
    data = model(POISONED["a place outside the table"])
    for runner in runners:
        with pytest.raises(SubmissionError, match="cannot_run"):
            runner.run(data, "label", matrix([9, 9, 9]))


#: Conversions that each processor does in its own way: nodes that make `label`, and values of the
#: first column with an answer and without.
UNDEFINED = {
    "to 64 bits": (
        [FIRST, node("Cast", ["c"], ["label"], to=7)],
        [-9e18, -1.5, 0, 9e18],
        [np.nan, np.inf, -np.inf, 2.0**63, -(2.0**64)],
    ),
    "to 32 bits": (
        [FIRST, node("Cast", ["c"], ["i"], to=6), node("Cast", ["i"], ["label"], to=7)],
        [-(2.0**31), 0, 2e9],
        [np.nan, 2.0**31, -2.2e9],
    ),
    "to 8 bits without a sign": (
        [FIRST, node("Cast", ["c"], ["i"], to=2), node("Cast", ["i"], ["label"], to=7)],
        [0, 255],
        [-1, 256, np.nan],
    ),
    "a product of whole numbers": (
        [FIRST, PLACE, node("Mul", ["i", "i"], ["label"])],
        [2.0**31 - 128, -(2.0**31)],
        [2.0**31, -3e9],
    ),
    "a sum of whole numbers": (
        [
            node("Cast", ["features"], ["i"], to=7),
            node("ReduceSum", ["i", "axis1"], ["label"], keepdims=0),
        ],
        [2e9, -2e9],
        [2.0**31, 9e18],
    ),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_what_no_machine_defines_is_no_answer(name, runners):
    nodes, fine, odd = UNDEFINED[name]
    data = model(nodes)
    for runner in runners:
        found = runner.run(data, "label", matrix([*fine, *odd]))
        assert found.failed.tolist() == [False] * len(fine) + [True] * len(odd)


#: Whole numbers that other operators turn into any numbers: nothing is known of them any more.
CHANGED = {
    "filled in": node(
        "Imputer",
        ["i"],
        ["o"],
        domain="ai.onnx.ml",
        imputed_value_int64s=[9],
        replaced_value_int64=0,
    ),
    "halved, then whole": node("Div", ["f", "half"], ["o"]),
    "summed": node("CumSum", ["i", "one"], ["o"]),
    "shared": node("Softmax", ["f"], ["o"]),
    "scaled": node("BatchNormalization", ["f", "three", "three", "three", "three"], ["o"]),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_place_that_was_changed_is_no_place(name):
    nodes = [
        node("ArgMax", ["features"], ["i"], axis=1, keepdims=1),
        node("Cast", ["i"], ["f"], to=1),
        CHANGED[name],
        node("Cast", ["o"], ["p"], to=7),
        node("ArrayFeatureExtractor", ["table", "p"], ["e"], domain="ai.onnx.ml"),
        node("Reshape", ["e", "flat"], ["x"]),
        LABEL,
    ]
    with pytest.raises(SubmissionError, match="places that could be below 0"):
        read_onnx(model(nodes))


def test_a_category_by_whole_number_is_guarded(runners):
    nodes = [
        node("OneHotEncoder", ["features"], ["h"], domain="ai.onnx.ml", cats_int64s=[0, 1]),
        node("ReduceMax", ["h"], ["r"], axes=[1, 2], keepdims=0),
        node("Cast", ["r"], ["label"], to=7),
    ]
    data = model(nodes)
    for runner in runners:
        found = runner.run(data, "label", matrix([0, 5, np.nan, 1e30]))
        assert found.failed.tolist() == [False, False, True, True]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_an_ensemble_has_as_many_scores_as_labels(count):
    """The proof takes it so; here one class alone has weights."""
    tree = node(
        "TreeEnsembleClassifier",
        ["features"],
        ["x", "scores"],
        domain="ai.onnx.ml",
        classlabels_int64s=list(range(count)),
        class_ids=[0, 0],
        class_nodeids=[1, 2],
        class_treeids=[0, 0],
        class_weights=[0.2, 0.8],
        nodes_falsenodeids=[2, 0, 0],
        nodes_truenodeids=[1, 0, 0],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_nodeids=[0, 1, 2],
        nodes_treeids=[0, 0, 0],
        nodes_values=[0.5, 0.0, 0.0],
        post_transform="NONE",
    )
    data = file([tree], output="scores", kind=1, domains=["ai.onnx.ml"])
    (found,) = rule_of_first(data)
    assert found == (-1, count)
    assert DirectRunner().run(data, "scores", matrix([0, 1, 2])).values.shape == (3, count)


def rule_of_first(data):
    """Sizes of the scores of a file's first node."""
    graph = read_onnx(data)
    rule = read_operators()["ai.onnx.ml", graph.nodes[0].operator].rule
    return [rule(graph.nodes[0], [Tensor((-1, 3), 1)], 3)[1].dims]


#: What no guard at run time could make safe is refused in the graph.
NEVER = {
    "places that could be below 0": [
        FIRST,
        PLACE,
        node("ArrayFeatureExtractor", ["flip", "i"], ["x"], domain="ai.onnx.ml"),
    ],
    "whole numbers that could overflow": [FIRST, PLACE, node("Pow", ["i", "i"], ["x"])],
    "whole numbers that": [
        FIRST,
        node("Cast", ["features"], ["i"], to=6),
        node("ReduceSum", ["i", "axis1"], ["x"], keepdims=0),
    ],
    "numbers of another kind": [FIRST, node("Cast", ["c"], ["x"], to=22)],
    "a division of whole numbers": [FIRST, PLACE, node("Div", ["i", "i"], ["x"])],
}


@pytest.mark.parametrize("reason", NEVER)
def test_what_cannot_be_guarded_is_refused(reason):
    with pytest.raises(SubmissionError, match=reason):
        read_onnx(model([*NEVER[reason], LABEL]))


def test_a_place_by_argmax_needs_no_guard():
    nodes = [
        node("ArgMax", ["features"], ["i"], axis=1, keepdims=1),
        node("ArrayFeatureExtractor", ["table", "i"], ["e"], domain="ai.onnx.ml"),
        node("Reshape", ["e", "flat"], ["x"]),
        LABEL,
    ]
    assert read_onnx(model(nodes)).guards == ()


def test_a_conversion_of_the_input_itself_is_guarded(runners):
    nodes = [
        node("Cast", ["features"], ["i"], to=7),
        node("Gather", ["i", "zero"], ["label"], axis=1),
    ]
    for runner in runners:
        found = runner.run(model(nodes), "label", np.array([[1, 2, 3], [1, np.nan, 3]], np.float32))
        assert found.failed.tolist() == [False, True]


def by_age(name="label"):
    """Yes for women of 50 and over, by a table of ages up to 99."""
    table = constant("table", (np.arange(100) >= 50).astype(np.int64))
    nodes = [FIRST, PLACE, node("Gather", ["table", "i"], [name])]
    return file(nodes, output=name, constants=[constant("zero", NUMBERS["zero"]), table])


@pytest.mark.parametrize("sandboxed", [False, True])
def test_a_candidate_is_tested_as_it_is_deployed_on_rows_it_has_no_answer_for(
    tmp_path, runners, sandboxed
):
    """Ten sealed rows have an age of which the candidate's table says nothing."""
    from evenhand.bounty import Bounty, Rules, create_bounty, verify, write_submission

    from .conftest import people

    sealed = people(4_000, 3)
    ages = sealed["age"].to_numpy().copy()
    ages[::400] = 150
    create_bounty(
        tmp_path / "b",
        train=people(500, 1),
        practice=people(1_000, 2),
        sealed=sealed.set_column(0, "age", pa.array(ages)),
        label="label",
        base={"constant": "no"},
        rules=Rules(blocks=1),
        seed=1,
        runner=runners[0],
    ).close()
    with Bounty(tmp_path / "b", runner=runners[sandboxed]) as bounty:
        bounty.submit(write_submission(team="ada", group="sex = 'F'", model=by_age()))
        (verdict,) = bounty.close_epoch()
        assert verdict.accepted
        matrix = bounty.ledger.features(0)
        listed = bounty.state.listed
        found = listed.predict(matrix, bounty.runner)
        silent = matrix[:, 0] == 150
        assert silent.sum() == 10
        assert (found[silent] == 0).all()
        women = matrix[:, 1] == bounty.task.features[1].categories.index("F")
        assert (found == (women & ~silent & (matrix[:, 0] >= 50))).all()
        rows = np.arange(len(matrix))
        before = bounty.ledger.losses(0, listed.prefix(0).predict(matrix, bounty.runner), rows)
        after = bounty.ledger.losses(0, found, rows)
        assert verdict.certificate.improvement == pytest.approx((before - after).mean())
        assert verify(bounty).proven
