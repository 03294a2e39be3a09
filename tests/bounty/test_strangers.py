"""Strangers' ONNX files: what is refused, by whom, and what a confined process cannot do."""

import base64
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evenhand.bounty import Bounty, Sandbox, SubmissionError, write_submission
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.runner import DirectRunner

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

PLACE = Path(__file__).parents[2] / "src" / "evenhand" / "bounty" / "strangers"


def file(
    nodes,
    *,
    output="label",
    kind=TensorProto.INT64,
    name="features",
    width=3,
    constants=(),
    domains=(),
    input_kind=TensorProto.FLOAT,
):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, input_kind, [None, width])],
        [helper.make_tensor_value_info(output, kind, [None])],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def node(kind, inputs, outputs, **more):
    return helper.make_node(kind, inputs, outputs, **more)


def constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def classes(value=1, *, output="label", kind=TensorProto.INT64):
    """One class for every row, computed from the first feature so that it has the right length."""
    return file(
        [
            node("Gather", ["features", "zero"], ["column"], axis=1),
            node("IsNaN", ["column"], ["missing"]),
            node("Cast", ["missing"], ["number"], to=TensorProto.INT64),
            node("Add", ["number", "value"], [output]),
        ],
        output=output,
        kind=kind,
        constants=[constant("zero", np.int64(0)), constant("value", np.int64(value))],
    )


def external():
    tensor = constant("value", np.int64(1))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return file([node("Add", ["features", "value"], ["label"])], constants=[tensor])


def looping():
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
    )
    return file([node("Loop", ["", "yes"], ["label"], body=body)])


BAD = {
    "not an ONNX file": (b"\x80\x04pickle", "not_onnx"),
    "cut short": (classes()[:-5], "not_onnx"),
    "wrong input name": (file([node("Identity", ["x"], ["label"])], name="x"), "wrong_input"),
    "float64 input": (
        file([node("Identity", ["features"], ["label"])], input_kind=TensorProto.DOUBLE),
        "wrong_input",
    ),
    "wrong number of features": (
        file([node("Abs", ["features"], ["label"])], width=9),
        "wrong_shape",
    ),
    "wrong output name": (classes(output="answer"), "wrong_output"),
    "wrong output type": (classes(kind=TensorProto.FLOAT), "wrong_type"),
    "an endless loop": (looping(), "operator_not_allowed|subgraph_not_allowed"),
    "random numbers": (
        file([node("RandomNormalLike", ["features"], ["label"])]),
        "operator_not_allowed",
    ),
    "a huge tensor from nothing": (
        file([node("ConstantOfShape", ["n"], ["label"])], constants=[constant("n", [1 << 40])]),
        "not_row_wise",
    ),
    "custom code": (
        file([node("Evil", ["features"], ["label"], domain="com.evil")], domains=["com.evil"]),
        "operator_not_allowed",
    ),
    "external data": (external(), "external_data"),
    "classes that do not exist": (classes(7), "wrong_classes"),
    "two gigabytes of constants": (classes() + b"\0" * (40 << 20), "too_large"),
    "two answers a row": (
        file(
            [
                node("Cast", ["features"], ["numbers"], to=TensorProto.INT64),
                node("Reshape", ["numbers", "flat"], ["label"]),
            ],
            constants=[constant("flat", np.array([-1]))],
        ),
        "not_row_wise",
    ),
}


@pytest.fixture(scope="module")
def box():
    with Sandbox(seconds=5) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", BAD)
def test_a_bad_model_is_refused_with_its_reason_and_nothing_is_written(folder, box, name):
    data, reason = BAD[name]
    with Bounty(folder, runner=box) as bounty:
        before = bounty.log.read()
        with pytest.raises(SubmissionError, match=reason):
            bounty.submit(write_submission(team="eve", group="age > 40", model=data))
        assert bounty.log.read() == before
        assert not list((folder / "submissions").iterdir())


def test_a_good_model_passes_the_sandbox_and_is_accepted(folder, box):
    with Bounty(folder, runner=box) as bounty:
        bounty.submit(
            write_submission(team="ada", group="sex = 'F' AND age >= 50", model=classes(1))
        )
        assert [v.accepted for v in bounty.close_epoch()] == [True]


def test_a_group_as_onnx_must_answer_yes_or_no(folder, box):
    def group(data):
        return {"onnx": base64.b64encode(data).decode()}

    with Bounty(folder, runner=box) as bounty:
        with pytest.raises(SubmissionError, match="other values than 0 and 1"):
            bounty.submit(
                write_submission(
                    team="eve", group=group(classes(3, output="group")), model={"constant": "yes"}
                )
            )
        with pytest.raises(SubmissionError, match="whole_population"):
            bounty.submit(
                write_submission(
                    team="eve", group=group(classes(1, output="group")), model={"constant": "yes"}
                )
            )


def test_nan_predictions_are_refused():
    from evenhand.bounty.submission.predictions import check_predictions
    from evenhand.bounty.task.task import task_of

    from .conftest import people

    task = task_of(people(50, 1), label="income", loss="squared(0, 100)")
    with pytest.raises(SubmissionError, match="not_finite"):
        check_predictions(np.array([1.0, np.nan]), task, 2)


def test_a_model_that_takes_too_long_is_stopped():
    """A thousand products of large matrices, with no operator that is not allowed."""
    big = constant("big", np.full((3, 2_000), 0.1, np.float32))
    square = constant("square", np.full((2_000, 2_000), 0.01, np.float32))
    nodes = [node("MatMul", ["features", "big"], ["h0"])]
    nodes += [node("MatMul", [f"h{i}", "square"], [f"h{i + 1}"]) for i in range(800)]
    nodes += [
        node("Gather", [f"h{800}", "zero"], ["c"], axis=1),
        node("Cast", ["c"], ["label"], to=TensorProto.INT64),
    ]
    data = file(nodes, constants=[big, square, constant("zero", np.int64(0))])
    with Sandbox(seconds=1) as box:
        started = time.monotonic()
        with pytest.raises(SubmissionError, match="timeout"):
            box.run(data, "label", np.ones((20_000, 3), np.float32))
        assert time.monotonic() - started < 8
        # The next model has a process of its own and is not harmed.
        assert box.run(classes(1), "label", np.ones((4, 3), np.float32)).values.tolist() == [1] * 4


def test_a_model_that_takes_too_much_memory_is_stopped(box):
    """Each row times a wide constant: 200 GB from a few hundred kilobytes."""
    data = file(
        [
            node("Gather", ["features", "first"], ["tall"], axis=1),
            node("MatMul", ["tall", "wide"], ["product"]),
            node("ReduceSum", ["product", "one"], ["sum"], keepdims=0),
            node("Cast", ["sum"], ["label"], to=TensorProto.INT64),
        ],
        constants=[
            constant("first", np.array([0])),
            constant("one", np.array([1])),
            constant("wide", np.ones((1, 500_000), np.float32)),
        ],
    )
    read_onnx(data)
    with pytest.raises(SubmissionError, match=r"out_of_memory|crashed"):
        box.run(data, "label", np.ones((100_000, 3), np.float32))


@pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")
@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "open('/tmp/evenhand-was-here', 'w')",
        "__import__('socket').socket()",
        "__import__('os').fork()",
        "__import__('os').kill(__import__('os').getppid(), 0)",
        "__import__('os').execv('/bin/true', ['true'])",
        "__import__('os').listdir('/')",
    ],
)
def test_a_confined_process_reaches_nothing(attempt):
    program = (
        "import sys, os, socket; sys.path.insert(0, sys.argv[1]); import confinement\n"
        "confinement.limit(1 << 31, 5); walls = confinement.confine()\n"
        "assert 'seccomp' in walls, walls\n"
        f"try:\n    {attempt}\nexcept OSError as error:\n    os.write(1, b'refused')\n"
        "os._exit(0)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-S", "-c", program, str(PLACE)], capture_output=True, timeout=30
    )
    assert ended.stdout == b"refused", ended
    assert not Path("/tmp/evenhand-was-here").exists()


def test_the_reader_survives_any_damage():
    """Every prefix and many changed bytes of a file are either read or refused, never a crash."""
    data = classes()
    rng = np.random.default_rng(1)
    damaged = [data[:cut] for cut in range(0, len(data), 3)]
    for _ in range(300):
        changed = bytearray(data)
        changed[rng.integers(len(data))] = rng.integers(256)
        damaged.append(bytes(changed))
    for item in damaged:
        try:
            read_onnx(item)
        except SubmissionError:
            continue


LABEL = node("Cast", ["x"], ["label"], to=TensorProto.INT64)
FIRST = node("Gather", ["features", "zero"], ["c"], axis=1)
NUMBERS = {
    "zero": np.int64(0),
    "one": np.int64(1),
    "axis0": np.array([0]),
    "axis1": np.array([1]),
    "flat": np.array([-1]),
    "flip": np.array([3, -1]),
    "wide": np.array([1, -1]),
    "tall": np.array([-1, 1]),
    "pairs": np.array([-1, 2]),
    "three": np.ones(3, np.float32),
    "half": np.float32(0.5),
    "square": np.ones((3, 3), np.float32),
    "rows": np.ones((4, 1), np.float32),
    "from": np.array([1]),
    "to": np.array([2]),
    "minus": np.int64(-1),
}
#: Models that tell of other rows: nodes that make `x`.
LEAKS = {
    "the number of rows": [FIRST, node("Shape", ["c"], ["x"])],
    "the number of rows in a constant's values": [
        FIRST,
        node("Shape", ["c"], ["s"]),
        node("Cast", ["s"], ["n"], to=TensorProto.FLOAT),
        node("Add", ["c", "n"], ["x"]),
    ],
    "the number of rows as a place": [
        FIRST,
        node("Shape", ["c"], ["s"]),
        node("Gather", ["three", "s"], ["n"]),
        node("Add", ["c", "n"], ["x"]),
    ],
    "as many constants as there are rows, summed": [
        FIRST,
        node("Shape", ["c"], ["s"]),
        node("ConstantOfShape", ["s"], ["o"]),
        node("ReduceSum", ["o", "axis0"], ["x"]),
    ],
    "constants of sizes that were reckoned with": [
        FIRST,
        node("Shape", ["c"], ["s"]),
        node("Add", ["s", "one"], ["n"]),
        node("ConstantOfShape", ["n"], ["x"]),
    ],
    "sums from the first row on": [FIRST, node("CumSum", ["c", "zero"], ["x"])],
    "shares of all rows": [node("LpNormalization", ["features"], ["x"], axis=0)],
    "sum over rows": [FIRST, node("ReduceSum", ["c", "axis0"], ["x"])],
    "sum over everything": [node("ReduceSum", ["features"], ["x"])],
    "mean over rows, from behind": [node("ReduceMean", ["features"], ["x"], axes=[-2])],
    "softmax over rows": [FIRST, node("Softmax", ["c"], ["x"])],
    "softmax over rows by name": [
        node("Softmax", ["features"], ["s"], axis=0),
        node("Gather", ["s", "zero"], ["x"], axis=1),
    ],
    "the row of the largest": [node("ArgMax", ["features"], ["x"])],
    "the largest rows": [FIRST, node("TopK", ["c", "axis1"], ["x", "i"])],
    "another row": [node("Gather", ["features", "axis0"], ["x"], axis=0)],
    "a row named by a row": [
        FIRST,
        node("Cast", ["c"], ["i"], to=7),
        node("Gather", ["c", "i"], ["x"]),
    ],
    "elements of other rows": [
        node("Cast", ["features"], ["i"], to=7),
        node("GatherElements", ["features", "i"], ["x"], axis=0),
    ],
    "some rows": [node("Slice", ["features", "from", "to"], ["x"])],
    "parts of the rows": [node("Split", ["features"], ["x", "y"], axis=0)],
    "rows end to end": [node("Concat", ["features", "features"], ["x"], axis=0)],
    "a transposed matrix": [node("Transpose", ["features"], ["x"])],
    "all in one row": [node("Flatten", ["features"], ["x"], axis=0)],
    "shifted rows": [node("Reshape", ["features", "pairs"], ["x"])],
    "rows cut anew": [node("Reshape", ["features", "flip"], ["x"])],
    "the gram matrix": [node("Gemm", ["features", "features"], ["x"], transA=1)],
    "each row times each": [
        FIRST,
        node("Unsqueeze", ["c", "axis1"], ["a"]),
        node("Unsqueeze", ["c", "axis0"], ["b"]),
        node("MatMul", ["a", "b"], ["x"]),
    ],
    "each row beside each": [
        FIRST,
        node("Unsqueeze", ["c", "axis1"], ["a"]),
        node("Add", ["a", "c"], ["x"]),
    ],
    "rows summed by a product": [FIRST, node("MatMul", ["c", "c"], ["x"])],
    "a constant for each row": [node("Add", ["features", "rows"], ["x"])],
    "rows along a constant": [FIRST, node("Add", ["c", "three"], ["x"])],
    "an axis of unknown size taken away": [FIRST, node("Squeeze", ["c"], ["x"])],
    "normalized over rows": [
        node("LayerNormalization", ["features", "three"], ["x"], axis=0),
    ],
    "normalized by the batch": [
        node(
            "BatchNormalization",
            ["features", "three", "three", "three", "three"],
            ["x", "m", "v"],
            training_mode=1,
        )
    ],
    "a table of the rows": [
        node("ArrayFeatureExtractor", ["features", "axis0"], ["t"], domain="ai.onnx.ml"),
        node("Reshape", ["t", "wide"], ["w"]),
        node("ArrayFeatureExtractor", ["w", "axis0"], ["x"], domain="ai.onnx.ml"),
    ],
    "one answer for all": [node("Identity", ["one"], ["x"])],
    "an answer of a column": [node("Normalizer", ["c"], ["x"], domain="ai.onnx.ml")],
}


def leaking(nodes):
    used = {name for item in nodes for name in item.input}
    constants = [constant(name, value) for name, value in NUMBERS.items() if name in used]
    if not any("c" in item.output for item in nodes) and "c" in used:
        nodes = [FIRST, *nodes]
        constants = [*constants, constant("zero", np.int64(0))]
    return file([*nodes, LABEL], constants=constants, domains=["ai.onnx.ml"])


@pytest.mark.parametrize("name", LEAKS)
def test_a_model_that_looks_at_other_rows_is_refused(name):
    with pytest.raises(SubmissionError, match=r"not_row_wise|operator_not_allowed"):
        read_onnx(leaking(LEAKS[name]))


@pytest.mark.parametrize(("version", "allowed"), [(6, False), (7, True), (17, True), (99, False)])
def test_an_operator_of_a_set_that_nobody_compared_is_refused(version, allowed):
    model = onnx.load_from_string(leaking(FINE["a column there and back"]))
    next(item for item in model.opset_import if item.domain == "").version = version
    if allowed:
        assert read_onnx(model.SerializeToString())
        return
    with pytest.raises(SubmissionError, match=f"operator set {version}"):
        read_onnx(model.SerializeToString())


def test_an_attribute_of_another_type_is_not_believed():
    """Other readers take the default, here axis 0, where the type does not fit."""
    model = onnx.load_from_string(
        leaking([node("ArgMax", ["features"], ["x"], axis=1, keepdims=0)])
    )
    assert read_onnx(model.SerializeToString())
    axis = next(item for item in model.graph.node[0].attribute if item.name == "axis")
    axis.type = onnx.AttributeProto.FLOAT
    with pytest.raises(SubmissionError, match="not_row_wise"):
        read_onnx(model.SerializeToString())


FINE = {
    "a perceptron": [
        node("Gemm", ["features", "square", "three"], ["h"], transB=1),
        node("Softmax", ["h"], ["s"]),
        node("ArgMax", ["s"], ["x"], axis=1, keepdims=0),
    ],
    "columns cut and joined": [
        node("Slice", ["features", "from", "to", "axis1"], ["a"]),
        node("Concat", ["a", "features"], ["b"], axis=-1),
        node("ReduceMax", ["b"], ["x"], axes=[1], keepdims=0),
    ],
    "a column there and back": [
        FIRST,
        node("Reshape", ["c", "tall"], ["t"]),
        node("Reshape", ["t", "wide"], ["w"]),
        node("Reshape", ["w", "flat"], ["x"]),
    ],
    "columns of a layer": [
        node("LayerNormalization", ["features", "three"], ["n"]),
        node("MatMul", ["n", "three"], ["x"]),
    ],
    "a constant for each place of a tensor": [
        FIRST,
        node("Shape", ["c"], ["s"]),
        node("ConstantOfShape", ["s"], ["o"], value=numpy_helper.from_array(np.float32([2]))),
        node("Add", ["c", "o"], ["x"]),
    ],
    "shares and sums along a row": [
        node("LpNormalization", ["features"], ["n"], p=1),
        node("CumSum", ["n", "one"], ["s"]),
        node("ReduceMax", ["s"], ["x"], axes=[1], keepdims=0),
    ],
    "a table of constants": [
        FIRST,
        node("Greater", ["c", "half"], ["g"]),
        node("Cast", ["g"], ["i"], to=7),
        node("Gather", ["three", "i"], ["x"]),
    ],
}


@pytest.mark.parametrize("name", FINE)
def test_models_that_answer_row_by_row_are_read_and_do(name):
    data = leaking(FINE[name])
    read_onnx(data)
    matrix = np.random.default_rng(0).random((9, 3)).astype(np.float32)
    found = DirectRunner().run(data, "label", matrix).values
    assert found.shape == (9,)
    alone = [DirectRunner().run(data, "label", matrix[i : i + 1]).values[0] for i in range(9)]
    assert found.tolist() == alone


@pytest.mark.parametrize("divisor", ["i", "zero", "minus"])
@pytest.mark.parametrize("operator", ["Div", "Mod"])
def test_whole_numbers_are_not_divided_by_what_stops_the_processor(operator, divisor):
    nodes = [FIRST, node("Cast", ["c"], ["i"], to=7), node(operator, ["i", divisor], ["x"])]
    with pytest.raises(SubmissionError, match=r"not_row_wise|operator_not_allowed"):
        read_onnx(leaking(nodes))
    assert read_onnx(leaking([FIRST, node("Div", ["c", "c"], ["x"])]))


def test_what_fails_while_it_runs_in_this_process_is_a_refusal():
    data = file(
        [node("Reshape", ["features", "flip"], ["x"]), LABEL],
        constants=[constant("flip", NUMBERS["flip"])],
    )
    with pytest.raises(SubmissionError, match="cannot_run"):
        DirectRunner().run(data, "label", np.ones((1, 1), np.float32))


def test_the_spot_check_asks_again_in_another_order(folder, monkeypatch):
    """What the proof from the graph would miss shows where few rows are asked about alone."""
    import evenhand.bounty.strangers.onnx_file as module

    monkeypatch.setattr(module, "check_rowwise", lambda *_: ())
    nodes = [
        FIRST,
        node("ReduceMean", ["c"], ["m"], keepdims=0),
        node("Greater", ["c", "m"], ["g"]),
        node("Cast", ["g"], ["x"], to=7),
    ]
    data = leaking(nodes)
    with (
        Bounty(folder, runner=DirectRunner()) as bounty,
        pytest.raises(SubmissionError, match="not_row_wise"),
    ):
        bounty.submit(write_submission(team="eve", group="age > 40", model=data))


def varint(number, padding=0):
    """A number as protobuf writes it, with some needless bytes if asked for."""
    out = bytearray()
    while number > 127 or padding:
        padding -= number <= 127
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def piece(number, data, *, shift=0, padding=0):
    """A field of bytes whose tag is written in another way."""
    return varint((number << 3 | 2) + shift, padding) + varint(len(data)) + data


TAGS = [{"shift": 1 << bit} for bit in range(32, 63)] + [{"padding": more} for more in (1, 2, 5)]


@pytest.mark.parametrize("tag", TAGS, ids=str)
def test_a_tag_that_other_readers_see_as_another_field_is_refused(tag):
    """Protobuf cuts a tag to 32 bits, so a node behind such a tag would be run unseen."""
    hidden = node("RandomNormalLike", ["features"], ["noise"]).SerializeToString()
    model = onnx.load_from_string(classes())
    inside = model.graph.SerializeToString()
    model.ClearField("graph")
    outside = model.SerializeToString()
    assert read_onnx(outside + piece(7, inside))
    for data in (
        outside + piece(7, inside + piece(1, hidden, **tag)),
        outside + piece(7, inside) + piece(7, piece(1, hidden), **tag),
    ):
        with pytest.raises(SubmissionError, match="not_onnx"):
            read_onnx(data)


def test_whatever_the_reader_lets_through_protobuf_reads_alike():
    """Damage at random, above all to tags: nodes, constants and external data are those it saw."""
    data = classes()
    rng = np.random.default_rng(2)
    read = 0
    for _ in range(3_000):
        changed = bytearray(data)
        place = int(rng.integers(len(data)))
        if rng.random() < 0.5:
            changed[place : place + 1] = [changed[place] | 128, *rng.integers(0, 256, 4).tolist()]
        else:
            changed[place] = int(rng.integers(256))
        try:
            seen = read_onnx(bytes(changed))
        except SubmissionError:
            continue
        try:
            model = onnx.load_from_string(bytes(changed))
        except Exception:  # noqa: BLE001 - whatever protobuf says
            continue  # a stricter reader than ours: nothing is run
        read += 1
        nodes = tuple((n.domain, n.op_type) for n in model.graph.node)
        assert seen.operators == nodes
        assert not any(tensor.external_data for tensor in model.graph.initializer)
        assert not model.functions
    assert read > 100


def test_both_runners_agree(box):
    matrix = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    found = box.run(classes(1), "label", matrix).values
    assert found.tolist() == DirectRunner().run(classes(1), "label", matrix).values.tolist()
