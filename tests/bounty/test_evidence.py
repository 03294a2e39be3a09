"""Group losses on the evidence never rise; incremental sums are those of a fresh count."""

import itertools

import numpy as np
import pytest

from evenhand.bounty.proof.block_losses import BlockLosses


def play(seed, updates=40, rows=800, margin=0.0, limit=64, share=0.3):
    """Random overlapping updates that gain overall; the losses at each published version."""
    rng = np.random.default_rng(seed)
    losses = (rng.random(rows) < 0.5).astype(float)
    evidence = BlockLosses(losses, [])
    groups, history, undone, repaired = [], [losses.copy()], 0, 0
    for _ in range(updates):
        inside = np.flatnonzero(rng.random(rows) < rng.uniform(0.05, share))
        after = (rng.random(len(inside)) < 0.45).astype(float)
        if after.sum() >= evidence.losses_of(inside).sum():
            continue
        before = evidence.losses_of(np.arange(rows)).copy()
        repairs = evidence.accept(inside, after, margin=margin, limit=limit)
        now = evidence.losses_of(np.arange(rows)).copy()
        if repairs is None:
            undone += 1
            assert (now == before).all()
            continue
        repaired += len(repairs)
        groups.append(inside)
        history.append(now)
    return evidence, groups, history, undone, repaired


@pytest.mark.parametrize("seed", range(5))
def test_no_introduced_group_ever_loses(seed):
    _, groups, history, _, repaired = play(seed)
    assert repaired > 0
    for number, rows in enumerate(groups):
        errors = [losses[rows].sum() for losses in history[number + 1 :]]
        assert all(b <= a for a, b in itertools.pairwise(errors))


@pytest.mark.parametrize("seed", range(5))
def test_total_loss_falls_with_every_version(seed):
    _, _, history, _, _ = play(seed)
    totals = [losses.sum() for losses in history]
    assert all(b < a for a, b in itertools.pairwise(totals))


def test_repairs_that_do_not_end_undo_the_acceptance():
    _, _, _, undone, repaired = play(1, limit=0)
    assert undone > 0
    assert repaired == 0


def test_a_margin_bounds_the_rise_and_saves_repairs():
    loose, _, _, _, fewer = play(2, margin=0.01)
    assert loose.largest_rise() <= 0.01 + 1e-9
    assert fewer < play(2)[4]


def test_groups_introduced_before_the_block_was_opened_are_kept_too():
    losses = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    before = np.array([True, True, False, False, False, False])
    evidence = BlockLosses(losses, [before])
    repairs = evidence.accept(np.arange(1, 6), np.array([1.0, 0.0, 0.0, 0.0, 0.0]))
    assert [(step.group, step.version) for step in repairs] == [(0, 0)]
    assert evidence.losses_of(np.arange(6)).tolist() == [0, 0, 0, 0, 0, 0]
