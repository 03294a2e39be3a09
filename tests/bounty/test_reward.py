"""Rewards: what the parts mean; Shapley values against all orders."""

import itertools

import numpy as np
import pytest

from evenhand.bounty.proof.reward import overlap_of, reward, shapley_shares


def test_a_copy_of_an_accepted_group_earns_nothing():
    mask = np.array([True, False, True])
    assert reward(0.1, mask, [mask]).points == 0
    assert reward(0.1, mask, [~mask], severity=2).points == pytest.approx(0.2)


def test_a_reward_is_provisional_until_fresh_data_confirm_it_and_never_grows_then():
    mask = np.ones(3, bool)
    assert not reward(0.1, mask, []).final
    assert reward(0.1, mask, [], confirmed=0.04).points == pytest.approx(0.04)
    assert reward(0.1, mask, [], confirmed=0.4).points == pytest.approx(0.1)
    assert reward(0.1, mask, [], confirmed=-0.4).points == 0


def test_empty_groups_do_not_overlap():
    assert overlap_of(np.zeros(3, bool), np.zeros(3, bool)) == 0


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
