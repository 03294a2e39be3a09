"""Updates that may move an answer only so far: what several of them do to one row, and who is credited."""

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import DirectRunner, Rules, create_bounty, verify, write_submission
from evenhand.bounty.proof.certificate import Drawn, certify
from evenhand.bounty.proof.opened_block import Contender, OpenedBlock
from evenhand.bounty.task.losses import parse_loss
from evenhand.bounty.telling.attribution import attribution
from evenhand.bounty.telling.explained import explain
from evenhand.stats.bounded_means import betting_p

from .test_losses import people

LOSS = parse_loss("absolute(0, 100, 5)")


@pytest.mark.parametrize("updates", [1, 2, 7, 100])
@pytest.mark.parametrize("text", ["absolute(0, 100, 5)", "squared(0, 100, 5)", "squared(0, 100)"])
def test_no_stack_of_updates_moves_a_loss_by_more_than_its_range(text, updates):
    loss, rng = parse_loss(text), np.random.default_rng(1)
    labels, start = rng.choice([0, 100, 37.0], 500), rng.choice([0, 100, 51.0], 500)
    answers = start
    for _ in range(updates):
        answers = loss.limited(rng.choice([0.0, 100.0], 500), answers)
    moved = np.abs(loss.of_rows(answers, labels) - loss.of_rows(start, labels))
    assert moved.max() <= loss.gain_of(updates) * (1 + 1e-9)


def stacked(apart):
    """Three updates of one group, or of three groups that are proven apart, each of 5 better."""
    rng, rows = np.random.default_rng(2), 3_000
    opened = OpenedBlock(
        loss=LOSS,
        rules=Rules(),
        drawn=Drawn.singly(rows),
        labels=rng.choice([60.0, 100.0], rows),
        served=np.full(rows, 20.0),
    )
    for number in range(3):
        inside = np.arange(number * 1_000, number * 1_000 + 1_000) if apart else np.arange(rows)
        candidate = Contender(
            key=str(number),
            team="t",
            kind="over 5",
            load=lambda inside=inside: (inside, np.full(len(inside), 100.0)),
            meets=(lambda _: False) if apart else None,
        )
        assert opened.test(candidate, 0.3).accepted
    return opened.settle().certificate


def test_what_is_served_is_tested_in_the_range_that_stacked_updates_have():
    found = stacked(apart=False)
    assert found.improvement == 15
    # By hand: each row gained 15, of at most 15.
    gained = np.full(3_000, 15.0)
    assert found.p_value == pytest.approx(betting_p(gained, 0.0, 0.0025, -15.0, 15.0))
    assert found.lower_bound <= 15


def test_updates_of_groups_proven_apart_keep_the_range_of_one():
    found = stacked(apart=True)
    assert found.p_value == pytest.approx(betting_p(np.full(3_000, 5.0), 0.0, 0.0025, -5.0, 5.0))


def test_a_stack_of_updates_that_lost_much_has_a_p_value_all_the_same():
    drawn, rows = Drawn.singly(400), np.arange(400)
    change = np.where(rows % 3 == 0, -15.0, 8.0)
    found = certify(LOSS, 50 + change, np.full(400, 50.0), rows, drawn, alpha=0.01, updates=3)
    assert 0 <= found.p_value <= 1


def flawed(rows, seed):
    table = people(rows, seed)
    age = np.asarray(table["age"], float)
    return table.set_column(3, "label", [np.where(age >= 50, 80.0, 40.0)])


def test_credits_add_up_to_the_gain_that_is_served_where_updates_move_so_far(tmp_path):
    with create_bounty(
        tmp_path / "b",
        train=flawed(300, 1),
        practice=flawed(500, 2),
        sealed=flawed(3_000, 3),
        label="label",
        loss="squared(0, 100, 5)",
        base={"constant": 40.0},
        rules=Rules(blocks=1),
        runner=DirectRunner(),
        seed=1,
    ) as bounty:
        for group in ("age >= 50", "age >= 60"):
            sent = write_submission(team=group, group=group, model={"constant": 80.0})
            bounty.submit(sent)
        assert [verdict.accepted for verdict in bounty.close_epoch()] == [True, True]
        state = bounty.state
        matrix = bounty.ledger.features(0)
        served = state.listed.predict(matrix, bounty.runner)
        everyone = np.arange(len(matrix))
        before = bounty.ledger.losses(0, np.full(len(matrix), 40.0), everyone)
        gain = (before - bounty.ledger.losses(0, served, everyone)).mean()
        credited = attribution(bounty, state)
        assert sum(one.value for one in credited) == pytest.approx(gain)
        assert all(0 < one.value < gain for one in credited)
        assert verify(bounty).proven
        ages = pa.table({"age": [70, 55, 20], "sex": ["F"] * 3, "income": [30.0] * 3})
        told = [explain(bounty, ages, row) for row in range(3)]
        assert [one.answer for one in told] == [50, 45, 40]
        assert [len(one.steps) for one in told] == [2, 1, 0]


def test_the_smallest_improvement_is_told_in_the_units_of_the_loss(tmp_path):
    """Nothing below it is ever proven, however it falls on the rows."""
    with create_bounty(
        tmp_path / "b",
        train=flawed(300, 1),
        practice=flawed(500, 2),
        sealed=flawed(2_000, 3),
        label="label",
        loss="squared(0, 100)",
        base={"constant": 40.0},
        rules=Rules(blocks=1),
        runner=DirectRunner(),
    ) as bounty:
        told = bounty.account().smallest_detectable
        loss, drawn, alpha = bounty.task.loss, Drawn.singly(2_000), 0.05 / 100
        assert 50 < told < 100
        for touched in (20, 200, 2_000):
            gain = np.zeros(2_000)
            gain[:touched] = 0.99 * told * 2_000 / touched
            if gain.max() <= loss.largest_gain:
                rows = np.arange(2_000)
                assert not certify(loss, gain, gain * 0, rows, drawn, alpha=alpha).accepted
