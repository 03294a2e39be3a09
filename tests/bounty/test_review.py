"""What a hostile reviewer found, one by one; each of these once went wrong."""

import numpy as np
import pytest

from evenhand.bounty import DirectRunner, Rules, SubmissionError, create_bounty, verify
from evenhand.bounty.proof.certificate import Drawn
from evenhand.bounty.proof.opened_block import Contender, OpenedBlock
from evenhand.bounty.task.disjoint import can_meet
from evenhand.bounty.task.losses import parse_loss
from evenhand.bounty.task.membership import AllOf, AnyOf, MembershipLiteral

from .conftest import FLAW, good, people

SECRET = "class 1000042 is predicted"


def begin(folder, **more):
    settings = {
        "label": "label",
        "base": {"constant": "no"},
        "rules": Rules(blocks=2),
        "runner": DirectRunner(),
    }
    sealed = more.pop("sealed", people(2_000, 3))
    return create_bounty(
        folder,
        train=people(500, 1),
        practice=people(800, 2),
        sealed=sealed,
        **{**settings, **more},
    )


class Moody(DirectRunner):
    """Fails with a telling message where it is asked about other than practice rows."""

    def __init__(self, answer=1):
        super().__init__()
        self.failing = False

    def run(self, model, output, matrix):
        if self.failing:
            raise SubmissionError("wrong_classes", SECRET)
        return super().run(model, output, matrix)


def fail():
    raise SubmissionError("wrong_classes", SECRET)


def opened(rows=100):
    return OpenedBlock(
        loss=parse_loss("zero_one"),
        rules=Rules(blocks=1),
        drawn=Drawn.singly(rows),
        labels=np.zeros(rows, int),
        served=np.ones(rows, int),
    )


@pytest.mark.parametrize(
    "error", [SubmissionError("timeout", SECRET), RecursionError(), KeyError(1)]
)
def test_a_failure_is_a_paid_answer_and_escapes_nowhere(error):
    """Which models fail on a block may depend on its rows, so later tests pay for knowing it."""

    def load():
        raise error

    failing, refused = opened(), opened()
    verdict = failing.test(Contender(key="a", team="t", kind="over 5", load=load), 0.5)
    rows = np.arange(10)
    refused.test(Contender(key="a", team="t", kind="over 5", load=lambda: (rows, np.ones(10))), 0.5)
    assert (verdict.accepted, verdict.reason) == (False, "model_failed")
    paid = [block.transcript.log_probability() for block in (failing, refused, opened())]
    assert paid[0] == paid[1] < paid[2]
    assert SECRET not in str(verdict)


def test_no_text_of_a_failure_reaches_the_log(tmp_path, monkeypatch):
    from evenhand.bounty.judging import block

    with begin(tmp_path / "b") as bounty:
        monkeypatch.setattr(block, "_answering", lambda *_: fail)
        bounty.submit(good())
        verdict = bounty.close_epoch()[0]
        assert SECRET not in (tmp_path / "b" / "log.jsonl").read_text()
        assert (verdict.reason, verdict.failure) == ("model_failed", "wrong_classes")


@pytest.mark.parametrize("length", [900, 1_000, 2_000])
def test_long_and_deep_groups_are_compared_without_recursion(length):
    long = AllOf(tuple(MembershipLiteral(0, ">", (9.0,)) for _ in range(length)))
    assert can_meet(long, MembershipLiteral(1, "=", (0.0,)))
    assert not can_meet(long, MembershipLiteral(0, "=", (0.0,)))
    deep = MembershipLiteral(0, ">", (9.0,))
    for _ in range(length):
        deep = AnyOf((AllOf((deep,)),))
    assert can_meet(deep, deep)
    assert can_meet(deep, MembershipLiteral(0, "<", (9.0,))) == (length == 2_000)


def test_a_group_of_many_boxes_is_given_up_soon():
    many = AllOf(
        tuple(
            AnyOf((MembershipLiteral(i, "=", (0.0,)), MembershipLiteral(i, "=", (1.0,))))
            for i in range(40)
        )
    )
    never = AllOf((*many.parts, MembershipLiteral(99, "null"), MembershipLiteral(99, "not null")))
    assert can_meet(never, many)


def test_a_long_group_does_not_keep_a_block_open(tmp_path):
    def short(table):
        return table.rename_columns(["a", "s", "income", "label"])

    bounty = create_bounty(
        tmp_path / "b",
        train=short(people(500, 1)),
        practice=short(people(800, 2)),
        sealed=short(people(2_000, 3)),
        label="label",
        base={"constant": "no"},
        runner=DirectRunner(),
    )
    bounty.submit(good(group=FLAW.replace("sex", "s").replace("age", "a")))
    bounty.submit(good(team="eve", group=" AND ".join(["a>9"] * 1_200 + ["a>40"])))
    assert len(bounty.close_epoch()) == 2
    assert bounty.state.opened is None
    assert verify(bounty).proven


def odd_rows(column, bad, fine=1.0, *, kind="class", at=65.0):
    """An ONNX model that answers `bad` where a column is over a bound and `fine` elsewhere."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    name, number = {
        "class": ("label", np.int64),
        "value": ("value", np.float32),
        "probabilities": ("probabilities", np.float32),
        "group": ("group", np.int64),
    }[kind]
    make, wide = onnx.helper.make_node, kind == "probabilities"
    constants = {
        "place": np.array([column]),
        "bound": np.float32(at),
        "bad": np.array(bad, number),
        "fine": np.array(fine, number),
    }
    nodes = [
        make("Gather", ["features", "place"], ["value_of"], axis=1),
        make("Greater", ["value_of", "bound"], ["odd"]),
        make("Where", ["odd", "bad", "fine"], [name]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [None, 3])],
        [
            onnx.helper.make_tensor_value_info(
                name,
                onnx.helper.np_dtype_to_tensor_dtype(np.dtype(number)),
                [None, 2 if wide else 1],
            )
        ],
        [onnx.numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def without_old(table):
    """Rows of people of at most 65, so that an odd answer shows only later."""
    return table.filter(np.asarray(table["age"]) <= 65)


@pytest.mark.parametrize("bad", [7, -3])
def test_an_odd_class_on_later_rows_stops_neither_bounty_nor_service(tmp_path, bad):
    from evenhand.bounty import write_submission
    from evenhand.bounty.deployed.export import PatchedModel

    with create_bounty(
        tmp_path / "b",
        train=people(500, 1),
        practice=without_old(people(800, 2)),
        sealed=people(3_000, 3),
        label="label",
        base={"constant": "no"},
        runner=DirectRunner(),
    ) as bounty:
        model = odd_rows(0, bad)
        bounty.submit(write_submission(team="eve", group=FLAW, model=model))
        assert [v.accepted for v in bounty.close_epoch()] == [True]
        bounty.submit(good(team="bob", group="sex = 'M'", answer="no"))
        assert len(bounty.close_epoch()) == 1
        assert verify(bounty).proven
        assert set(PatchedModel(bounty.state.listed).predict(people(300, 9))) == {"no", "yes"}


ODD = {
    "zero_one": ("class", 7, 1),
    "squared(0, 50)": ("value", np.nan, 30.0),
    "absolute(0, 50)": ("value", np.inf, 30.0),
    "brier": ("probabilities", [np.nan, 2.0], [0.2, 0.8]),
    "log_loss(0.05)": ("probabilities", [-0.5, 1.5], [0.2, 0.8]),
}
WANTED = {
    "zero_one": 1,
    "squared(0, 50)": 0,
    "absolute(0, 50)": 50,
    "brier": 0.5,
    "log_loss(0.05)": 0.5,
}


@pytest.mark.parametrize("loss", ODD)
def test_odd_answers_are_settled_alike_in_the_list_and_in_one_onnx_file(loss):
    from evenhand.bounty import task_of
    from evenhand.bounty.deployed.one_onnx import to_one_onnx
    from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
    from evenhand.bounty.submission.group import read_group
    from evenhand.bounty.submission.model import Model

    kind, bad, fine = ODD[loss]
    label = "income" if kind == "value" else "label"
    task = task_of(people(400, 5), label=label, loss=loss, features=["age", "sex"][:1])
    matrix = task.encode(people(400, 5))
    matrix = np.column_stack([matrix] * 3)  # the model reads three columns
    task = task_of(
        people(400, 5).select(["age", "sex", "income", "label"]),
        label=label,
        loss=loss,
        features=["age", "sex", "label" if label == "income" else "income"],
    )
    base = {"class": (0.0,), "value": (30.0,), "probabilities": (0.5, 0.5)}[kind]
    model = Model(onnx=odd_rows(0, bad, fine, kind=kind))
    group = {
        "onnx": __import__("base64").b64encode(odd_rows(0, 2, 1, kind="group", at=70.0)).decode()
    }
    listed = PointerDecisionList(task=task, models=(Model(constant=base),)).updated(
        read_group(group, task), model, team="t", key="k"
    )
    runner = DirectRunner()
    found = listed.predict(matrix, runner)
    output = {"class": "label", "value": "value", "probabilities": "probabilities"}[kind]
    np.testing.assert_array_equal(runner.run(to_one_onnx(listed), output, matrix).values, found)
    odd = (matrix[:, 0] > 65) & (matrix[:, 0] <= 70)
    assert odd.any()
    assert (found[odd] == WANTED[loss]).all()
    # A group's answer other than 1 is outside: those rows keep the base's answer.
    assert (found[matrix[:, 0] > 70] == np.array(base)).all()


def test_rows_of_a_model_that_fails_fall_through_to_the_version_below():
    from evenhand.bounty import task_of
    from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
    from evenhand.bounty.strangers.runner import Answered
    from evenhand.bounty.submission.group import read_group
    from evenhand.bounty.submission.model import Model

    class Runner:
        def run(self, model, output, matrix):
            if model == b"dies":
                raise SubmissionError("timeout", "")
            values = np.full(len(matrix), int(model))
            return Answered(values=values, failed=np.zeros(len(matrix), bool))

    task = task_of(people(400, 5), label="label")
    matrix = task.encode(people(400, 5))
    listed = PointerDecisionList(task=task, models=(Model(constant=(0.0,)),))
    young = read_group({"predicate": "age < 40"}, task)
    old = read_group({"predicate": "age >= 40"}, task)
    listed = listed.updated(young, Model(onnx=b"1"), team="t", key="1")
    listed = listed.updated(young, Model(onnx=b"dies"), team="t", key="2")
    listed = listed.updated(old, Model(onnx=b"dies"), team="t", key="3")
    wanted = (matrix[:, 0] < 40).astype(int)
    assert listed.predict(matrix, Runner()).tolist() == wanted.tolist()
    found = [listed.predict_one(row, Runner())[0] for row in matrix[:30]]
    assert found == wanted[:30].tolist()


def test_candidates_have_less_time_and_memory_than_operation():
    from evenhand.bounty.strangers.runner import Answered
    from evenhand.bounty.strangers.sandbox import Sandbox, careful

    class Noted(Sandbox):
        def run_within(self, share, model, output, matrix, most=None):
            shares.append(share)
            return Answered(values=matrix, failed=np.zeros(len(matrix), bool))

    shares = []
    sandbox = Noted()
    for runner in (careful(sandbox), sandbox):
        runner.run(b"", "label", np.ones((1, 3), np.float32))
    assert shares[0] < shares[1] == 1


def closed(folder, **more):
    bounty = begin(folder, **more)
    bounty.submit(good())
    bounty.close_epoch()
    return bounty


def test_a_failure_in_the_log_is_a_fact_that_a_quicker_machine_replays(tmp_path, monkeypatch):
    from evenhand.bounty.judging import block

    def late():
        raise SubmissionError("timeout", SECRET)

    with begin(tmp_path / "b") as bounty:
        bounty.submit(good())
        bounty.submit(good(team="bob", group="sex = 'F'"))
        with monkeypatch.context() as patch:
            patch.setattr(block, "_answering", lambda *_: late)
            assert [v.reason for v in bounty.close_epoch()] == ["model_failed"] * 2
        assert verify(bounty).proven


def test_a_log_that_was_cut_lacks_the_head_that_somebody_was_told(tmp_path):
    from evenhand.bounty import Bounty

    with begin(tmp_path / "b") as bounty:
        receipt = bounty.submit(good())
        bounty.close_epoch()
        assert verify(bounty, head=receipt.head).proven
        head = bounty.status().head
    path = tmp_path / "b" / "log.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    with Bounty(tmp_path / "b", runner=DirectRunner()) as bounty:
        bounty.close_epoch()
        assert verify(bounty).proven
        assert not verify(bounty, head=head + "0").proven
        bounty.submit(good(team="bob", group="age < 30", answer="no"))
    path.write_bytes(b"".join(lines[:1]))
    with Bounty(tmp_path / "b", runner=DirectRunner()) as bounty:
        assert not verify(bounty, head=receipt.head).proven


def test_a_whole_last_line_without_its_end_did_happen(tmp_path):
    from evenhand.bounty import Bounty

    closed(tmp_path / "b")
    path = tmp_path / "b" / "log.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    with Bounty(tmp_path / "b", runner=DirectRunner()) as bounty:
        assert bounty.state.opened is None
        bounty.submit(good(team="bob", group="age < 30", answer="no"))
        assert verify(bounty).proven
    assert path.read_bytes().count(b"\n") == len(bounty.log.read())


def test_a_line_has_one_way_to_be_written(tmp_path):
    from evenhand.bounty import Bounty
    from evenhand.bounty.log import LogError

    closed(tmp_path / "b")
    path = tmp_path / "b" / "log.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"body"', b'{"kind":"forged","body"', 1))
    with pytest.raises(LogError):
        Bounty(tmp_path / "b", runner=DirectRunner())


@pytest.mark.parametrize("name", ["log.lock", "part"])
def test_links_are_not_followed(tmp_path, name):
    import hashlib

    with begin(tmp_path / "b") as bounty:
        victim = tmp_path / "victim"
        victim.write_text("precious")
        data = good()
        part = tmp_path / "b" / "submissions" / f"{hashlib.sha256(data).hexdigest()}.json.part"
        link = tmp_path / "b" / name if name == "log.lock" else part
        link.unlink(missing_ok=True)
        link.symlink_to(victim)
        with pytest.raises(OSError, match="symbolic"):
            bounty.submit(data)
        assert victim.read_text() == "precious"


def test_one_table_given_thrice_is_refused_and_twins_are_counted(tmp_path):
    from evenhand.errors import InputError

    table = people(800, 2)
    with pytest.raises(InputError, match="stand in the train or practice table"):
        begin(tmp_path / "b", sealed=table)
    assert not (tmp_path / "b").exists()
    bounty = begin(tmp_path / "c")
    assert bounty.log.read()[0].body["twins"] < 100


@pytest.mark.parametrize(
    "name", ["sealed/block-001.labels.npy", "public/practice.npz", "base.json"]
)
def test_what_was_changed_is_not_used(tmp_path, name):
    from evenhand.bounty import Bounty
    from evenhand.errors import InputError

    closed(tmp_path / "b")
    path = tmp_path / "b" / name
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")

    def go_on():
        bounty = Bounty(tmp_path / "b", runner=DirectRunner())
        bounty.submit(good(team="bob", group="age < 30", answer="no"))
        bounty.close_epoch()

    with pytest.raises(InputError, match="not what the log says"):
        go_on()


@pytest.mark.parametrize("scale", [1, 1e5])
def test_rounding_of_large_losses_sends_no_group_back(scale):
    """A group whose losses move and add up to the same has lost nothing but rounding."""
    rng = np.random.default_rng(1)
    served = rng.random(5_000) * scale
    block = OpenedBlock(
        loss=parse_loss(f"absolute(0, {scale:g})"),
        rules=Rules(blocks=1, caution=0.0),
        drawn=Drawn.singly(5_000),
        labels=np.zeros(5_000),
        served=served,
        introduced=[np.arange(5_000) < 2_500],
    )
    halves = np.r_[served[:2_500][::-1], served[2_500:] / 2]
    found = block.test(
        Contender(key="a", team="t", kind="over 5", load=lambda: (np.arange(5_000), halves)), 0.9
    )
    assert found.accepted
    assert block.settle().repairs == ()


def test_a_killed_worker_is_replaced_once():
    pytest.importorskip("onnxruntime")
    from evenhand.bounty.strangers.sandbox import Sandbox

    model = odd_rows(0, 1, 0)
    matrix = np.ones((5, 3), np.float32)
    with Sandbox(seconds=5) as box:
        first = box.run(model, "label", matrix)
        box._process.kill()
        box._process.wait()
        assert box.run(model, "label", matrix).values.tolist() == first.values.tolist()


@pytest.mark.parametrize(
    ("group", "model"),
    [
        ("age > 40", {"constant": {}}),
        ({"tree": {"feature": "sex", "among": 5, "yes": True, "no": False}}, None),
        ({"tree": {"feature": "sex", "among": [["F"]], "yes": True, "no": False}}, None),
        ({"tree": {"feature": "age", "at_most": 10**400, "yes": True, "no": False}}, None),
        (
            {"tree": {"feature": "age", "at_most": 5, "yes": True, "no": False, "missing": ["no"]}},
            None,
        ),
        ({"linear": {"weights": {"age": 10**400}, "threshold": 0}}, None),
        ({"linear": 5}, None),
        ({"onnx": "é"}, None),
        ({"tree": {"feature": "sex", "among": ["F"] * 30_000, "yes": True, "no": False}}, None),
    ],
)
def test_malformed_groups_are_refused_without_a_traceback(tmp_path, group, model):
    from evenhand.bounty import read_submission, task_of, write_submission
    from evenhand.errors import InputError

    task = task_of(people(50, 1), label="label")
    # Numbers that no other program could hash are refused where they are written.
    with pytest.raises(InputError):
        read_submission(
            write_submission(team="eve", group=group, model=model or {"constant": "yes"}), task
        )


def test_an_exported_model_is_checked_before_it_runs(tmp_path):
    import json

    from evenhand.bounty.deployed.export import export_model, load_model
    from evenhand.errors import InputError

    bounty = closed(tmp_path / "b")
    place = export_model(bounty.state.listed, tmp_path / "m")
    body = json.loads((place / "list.json").read_bytes())
    (tmp_path / "evil.onnx").write_bytes(b"evil")
    for name in ("../../evil.onnx", str(tmp_path / "evil.onnx"), "models/0000.onnx"):
        body["models"][0] = {"file": name}
        (place / "models/0000.onnx").write_bytes(b"evil")
        (place / "list.json").write_text(json.dumps(body))
        with pytest.raises(InputError):
            load_model(place)


def test_a_roll_back_says_for_whom_it_is_worse(tmp_path):
    with begin(tmp_path / "b") as bounty:
        key = bounty.submit(good()).key
        bounty.close_epoch()
        bounty.roll_back(key, reason="asked for")
        (rise,) = bounty.log.read()[-1].body["rises"]
        assert rise["group"] == 0
        assert rise["rise"] > 0.1
        assert verify(bounty).proven
