"""Rewards: what the parts mean; Shapley values against all orders."""

import itertools

import numpy as np
import pytest

from evenhand.bounty.judging.practice import PracticeScore
from evenhand.bounty.proof.reward import reward, shapley_shares
from evenhand.bounty.telling import words
from evenhand.bounty.telling.standing import Accepted


def test_a_reward_is_provisional_until_fresh_data_confirm_it_and_never_grows_then():
    assert not reward(0.1).final
    assert reward(0.1, severity=2).points == pytest.approx(0.2)
    assert reward(0.1, confirmed=0.04).points == pytest.approx(0.04)
    assert reward(0.1, confirmed=0.4).points == pytest.approx(0.1)
    assert reward(0.1, confirmed=-0.4).points == 0


def test_sampled_shapley_values_are_those_of_all_orders_within_their_error():
    rng = np.random.default_rng(4)
    losses = rng.random(300)
    updates = []
    for _ in range(4):
        rows = np.flatnonzero(rng.random(300) < 0.5)
        updates.append((rows, rng.random(len(rows)) * 0.6))
    every = np.zeros(4)
    orders = list(itertools.permutations(range(4)))
    for order in orders:
        current = losses.copy()
        for number in order:
            rows, after = updates[number]
            every[number] += (current[rows] - after).sum() / 300
            current[rows] = after
    shares = shapley_shares(losses, updates, rng, permutations=400)
    for share, exact in zip(shares, every / len(orders), strict=True):
        assert abs(share.value - exact) <= 4 * share.standard_error + 1e-12
        assert share.standard_error < 0.02


def test_a_loss_in_practice_has_a_minus_that_people_read():
    score = PracticeScore(rows=400, group_rows=90, improvement=-0.334, standard_error=0.01)
    assert words.practice(score).startswith("Practice: −0.334 a row (standard error 0.01)")


def test_what_an_update_is_credited_with_is_told_as_a_loss_a_row_not_as_a_share():
    one = Accepted(
        submission="a",
        team="t",
        group="g",
        version=1,
        epoch=0,
        group_weight=0.2,
        error_before=0.5,
        error_after=0.3,
        improvement=0.04,
        lower_bound=0.01,
        severity=1.0,
        points=0.01,
        final=False,
        share=0.0321,
        share_error=0.002,
    )
    told = words.worth(one)
    assert told.endswith("; credited with 0.0321 ± 0.002 a row of the common gain")
    assert "share" not in told
