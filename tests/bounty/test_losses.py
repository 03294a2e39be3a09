"""Losses that people have: missed classes, costs, and regression with a declared largest change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from evenhand.bounty import DirectRunner, Rules, create_bounty, parse_loss, verify, write_submission
from evenhand.bounty.deployed.export import export_model, load_model
from evenhand.bounty.proof.certificate import Drawn, certify
from evenhand.errors import InputError

from .conftest import FLAW, good, people, scored


def begin(place, loss, base="no", sealed=3_000, **more):
    return create_bounty(
        place,
        train=people(500, 1),
        practice=people(800, 2),
        sealed=people(sealed, 3),
        label="label",
        loss=loss,
        base={"constant": base},
        rules=Rules(blocks=1),
        runner=DirectRunner(),
        **more,
    )


def test_missed_is_the_false_negative_rate_of_the_group(tmp_path):
    with begin(tmp_path / "b", "missed(yes)") as bounty:
        assert bounty.task.loss.text == "missed(1)"
        bounty.submit(good())
        (verdict,) = bounty.close_epoch()
        found = verdict.certificate
        assert verdict.accepted
        assert (found.error_before, found.error_after, found.method) == (1.0, 0.0, "mcnemar")
        assert verify(bounty).proven


@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_the_errors_of_a_certificate_are_those_of_an_oracle(seed):
    rng = np.random.default_rng(seed)
    labels, before, after = rng.integers(0, 2, (3, 400))
    rows = np.flatnonzero(rng.random(400) < 0.6)
    costs = rng.uniform(0, 9, 4).round(3)
    y = labels[rows]
    for text, rate in (
        ("missed(1)", lambda p: 1 - oracle.recall_score(y, p)),
        ("missed(0)", lambda p: 1 - oracle.recall_score(y, p, pos_label=0)),
        ("zero_one", lambda p: oracle.zero_one_loss(y, p)),
        (
            f"cost({', '.join(map(str, costs))})",
            lambda p: (oracle.confusion_matrix(y, p, labels=[0, 1]).ravel() @ costs) / len(y),
        ),
    ):
        loss = parse_loss(text)
        found = certify(
            loss,
            loss.of_rows(before[rows], y),
            loss.of_rows(after[rows], y),
            rows,
            Drawn.singly(400),
            alpha=0.05,
            weights=loss.weight(y),
        )
        assert found.error_before == pytest.approx(rate(before[rows]))
        assert found.error_after == pytest.approx(rate(after[rows]))


def test_a_cost_that_is_paid_only_for_misses_finds_what_missed_finds(tmp_path):
    with begin(tmp_path / "b", "cost(0, 1, 5, 0)") as bounty:
        bounty.submit(good())
        (verdict,) = bounty.close_epoch()
        assert verdict.accepted
        assert verdict.certificate.method == "betting"
        assert verdict.certificate.error_before > 4


@pytest.mark.parametrize("levels", [0.05, 0.2])
@pytest.mark.parametrize("text", ["cost(0, 1, 5, 0)", "cost(0, 3, 3, 0)", "missed(1)"])
def test_costs_of_a_model_that_is_no_better_are_hardly_ever_proven(text, levels):
    """Where class 1 has a sixth of the rows, all answers cost alike under 1 and 5."""
    rng, runs, loss = np.random.default_rng(3), 1_500, parse_loss(text)
    rate = {"cost(0, 1, 5, 0)": 1 / 6, "cost(0, 3, 3, 0)": 0.5}.get(text, 0.3)
    false, n = 0, 300
    for _ in range(runs):
        y = (rng.random(n) < rate).astype(int)
        before, after = np.zeros(n, int), np.ones(n, int)
        if text == "missed(1)":
            before, after = rng.integers(0, 2, (2, n))
        found = certify(
            loss,
            loss.of_rows(before, y),
            loss.of_rows(after, y),
            np.arange(n),
            Drawn.singly(n),
            alpha=levels,
        )
        false += found.accepted
        assert found.lower_bound <= max(found.improvement, 0)
    assert false / runs <= levels + 3 * np.sqrt(levels * (1 - levels) / runs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cost(0, 1, 2)", "square"),
        ("cost(1, 1, 1, 1)", "nothing can be better|one cost"),
        ("cost()", "square"),
        ("missed()", "place of one class"),
        ("missed(1.5)", "place of one class"),
        ("squared(0, 10, 0)", "largest change"),
        ("squared(0, 10, -1)", "largest change"),
        ("absolute(0, 10, 2, 3)", "range of the target"),
    ],
)
def test_a_loss_that_is_none_says_what_is_allowed(text, message):
    with pytest.raises(InputError, match=message):
        parse_loss(text)


def test_a_loss_for_other_classes_is_refused(tmp_path):
    with pytest.raises(InputError, match="for 3 classes; the label 'label' has 2"):
        begin(tmp_path / "b", "cost(0, 1, 1, 1, 0, 1, 1, 1, 0)")
    with pytest.raises(InputError, match="perhaps"):
        begin(tmp_path / "b", "missed(perhaps)")


@given(
    st.lists(st.floats(-50, 150), min_size=3, max_size=3),
    st.floats(0.1, 200),
    st.sampled_from(["squared", "absolute"]),
)
@settings(max_examples=200, deadline=None)
def test_no_update_gains_more_on_a_row_than_the_largest_change_allows(values, change, kind):
    loss = parse_loss(f"{kind}(0, 100, {change!r})")
    label, below, answer = (np.array([value]) for value in values)
    kept = loss.limited(answer, np.clip(below, 0, 100))
    gain = loss.of_rows(np.clip(below, 0, 100), label) - loss.of_rows(kept, label)
    assert abs(gain[0]) <= loss.largest_gain * (1 + 1e-9)


def test_an_update_moves_no_answer_further_than_declared_when_tested_and_when_served(tmp_path):
    with create_bounty(
        tmp_path / "b",
        train=scored(300, 1),
        practice=scored(500, 2),
        sealed=scored(3_000, 3),
        label="score",
        loss="absolute(0, 100, 8)",
        base={"constant": 30},
        rules=Rules(blocks=2),
        runner=DirectRunner(),
    ) as bounty:
        for team, group in (("ada", FLAW), ("bob", "age >= 50 AND sex = 'F'")):
            bounty.submit(write_submission(team=team, group=group, model={"constant": 70}))
            (verdict,) = bounty.close_epoch()
            assert verdict.accepted
            # Eight points of forty at a time.
            assert verdict.certificate.difference == pytest.approx(8, abs=0.5)
        women = bounty.task.encode({"age": [60, 60], "sex": ["F", "M"], "income": [30.0, 30.0]})
        listed = bounty.state.listed
        assert listed.predict(women, bounty.runner).tolist() == [46.0, 30.0]
        assert listed.predict_one(women[0], bounty.runner).tolist() == [46.0]
        assert listed.prefix(1).predict(women, bounty.runner).tolist() == [38.0, 30.0]
        assert verify(bounty).proven
        loaded = load_model(export_model(listed, tmp_path / "m"))
        assert loaded.predict_matrix(women).tolist() == [46.0, 30.0]
        back = listed.repaired(1, 1)
        assert back.predict(women, bounty.runner).tolist() == [38.0, 30.0]
        out = listed.rolled_back(listed.nodes[0].key)
        assert out.predict(women, bounty.runner).tolist() == [38.0, 30.0]
