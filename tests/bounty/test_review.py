"""What a hostile reviewer found, one by one; each of these once went wrong."""

import numpy as np
import pytest

from evenhand.bounty import DirectRunner, Rules, SubmissionError, create_bounty, verify
from evenhand.bounty.disjoint import can_meet
from evenhand.bounty.evidence import Evidence
from evenhand.bounty.ledger import Candidate, Session
from evenhand.bounty.losses import parse_loss
from evenhand.bounty.membership import All, Any, Literal

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


def session(rules=None, rows=100):
    return Session(
        loss=parse_loss("zero_one"),
        rules=rules or Rules(blocks=1),
        evidence=Evidence(np.ones(rows), []),
    )


@pytest.mark.parametrize(
    "error", [SubmissionError("timeout", SECRET), RecursionError(), KeyError(1)]
)
def test_a_failure_is_a_paid_answer_and_escapes_nowhere(error):
    """Which models fail on a block may depend on its rows, so later tests pay for knowing it."""

    def load():
        raise error

    failing, refused = session(), session()
    verdict = failing.test(Candidate(key="a", kind="over 5", load=load), np.zeros(100), 0.5)
    rows = np.arange(10)
    refused.test(
        Candidate(key="a", kind="over 5", load=lambda: (rows, np.ones(10))), np.zeros(100), 0.5
    )
    assert (verdict.accepted, verdict.reason) == (False, "model_failed")
    assert failing.transcript.bits == refused.transcript.bits > session().transcript.bits
    assert SECRET not in str(verdict)


@pytest.mark.parametrize("mode", ["epochs", "continuous"])
def test_no_text_of_a_failure_reaches_the_log_and_continuous_mode_tells_none(
    tmp_path, monkeypatch, mode
):
    from evenhand.bounty.judging import BlockJudge

    with begin(tmp_path / "b", rules=Rules(blocks=2, mode=mode)) as bounty:
        monkeypatch.setattr(BlockJudge, "_rows_and_predictions", lambda *_: fail())
        receipt = bounty.submit(good())
        verdict = receipt.verdict or bounty.close_epoch()[0]
        assert SECRET not in (tmp_path / "b" / "log.jsonl").read_text()
        told = (verdict["reason"], verdict["failure"])
        assert told == (
            ("not_accepted", None) if mode == "continuous" else ("model_failed", "wrong_classes")
        )
        assert bounty.state.bits > 0.4


@pytest.mark.parametrize("length", [900, 1_000, 2_000])
def test_long_and_deep_groups_are_compared_without_recursion(length):
    long = All(tuple(Literal(0, ">", (9.0,)) for _ in range(length)))
    assert can_meet(long, Literal(1, "=", (0.0,)))
    assert not can_meet(long, Literal(0, "=", (0.0,)))
    deep = Literal(0, ">", (9.0,))
    for _ in range(length):
        deep = Any((All((deep,)),))
    assert can_meet(deep, deep)
    assert can_meet(deep, Literal(0, "<", (9.0,))) == (length == 2_000)


def test_a_group_of_many_boxes_is_given_up_soon():
    many = All(tuple(Any((Literal(i, "=", (0.0,)), Literal(i, "=", (1.0,)))) for i in range(40)))
    never = All((*many.parts, Literal(99, "null"), Literal(99, "not null")))
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
