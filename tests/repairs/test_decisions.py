"""Counts of every threshold, parts by unit, and weights, each beside a plain way to the same."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.repairs.worlds import rows_of

from evenhand.repairs.decisions import of_thresholds, thresholds_of
from evenhand.repairs.parting import held_out, turns
from evenhand.repairs.trained import copies, reweighing


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=30))
def test_counts_of_a_threshold_are_those_of_deciding_by_it(rows):
    score = np.array([one[0] for one in rows], float)
    truth = np.array([one[1] for one in rows], float)
    options = of_thresholds(score, truth)
    ways = set()
    for at, counts in zip(options.thresholds, options.counts, strict=True):
        yes = score >= at
        ways.add(tuple(yes))
        direct = [
            (yes & (truth == 1)).sum(),
            (yes & (truth == 0)).sum(),
            (~yes & (truth == 1)).sum(),
            (~yes & (truth == 0)).sum(),
        ]
        assert counts.tolist() == direct
    # Nobody, everybody, and all between.
    assert len(ways) == len(np.unique(score)) + 1


def test_scores_next_to_each_other_are_still_told_apart():
    one = 1.0
    both = np.array([one, np.nextafter(one, 2)])
    assert [int((both >= at).sum()) for at in thresholds_of(both)] == [0, 1, 2]


def test_no_unit_is_in_two_parts():
    rng = np.random.default_rng(0)
    units = rng.integers(0, 300, 2000)
    group = rng.integers(0, 3, 2000)
    sealed = held_out(units, group, 0.4, np.random.default_rng(1))
    assert not set(units[sealed]) & set(units[~sealed])
    assert abs(sealed.mean() - 0.4) < 0.05
    turn = turns(units, group, 5, np.random.default_rng(1))
    assert all(len(set(turn[units == one])) == 1 for one in range(300) if (units == one).any())


def test_every_group_is_in_both_parts_where_it_has_two_units():
    group = np.array([0] * 500 + [1] * 3)
    for seed in range(20):
        sealed = held_out(np.arange(503), group, 0.4, np.random.default_rng(seed))
        assert 0 < sealed[group == 1].sum() < 3


def test_reweighing_makes_group_and_label_independent():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 900)
    truth = (rng.random(900) < 0.2 + 0.2 * group).astype(float)
    weights = reweighing(rows_of(group, truth))
    shares = [np.average(truth[group == g], weights=weights[group == g]) for g in range(3)]
    assert np.allclose(shares, truth.mean())
    assert np.isclose(weights.sum(), 900)


def test_rows_are_there_as_often_as_their_weight_says():
    weights = np.array([0.0, 1.0, 2.0, 0.5] * 2000)
    often = np.bincount(copies(weights, np.random.default_rng(0)), minlength=8000).reshape(-1, 4)
    assert (often[:, :3] == [0, 1, 2]).all()
    assert abs(often[:, 3].mean() - 0.5) < 0.05


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=30))
def test_thresholds_of_whole_numbers_are_whole_and_decide_alike(scores):
    score = np.array(scores, float)
    whole, between = thresholds_of(score, whole=True), thresholds_of(score)
    assert (whole == np.floor(whole)).all()
    assert [(score >= at).tolist() for at in whole] == [(score >= at).tolist() for at in between]


def test_a_score_is_of_whole_numbers_only_where_it_is_in_every_group():
    # In group 0 it is 0 or 1, in group 1 between: half a point may be asked of both.
    group = np.repeat([0, 1], 40)
    truth = np.tile([0.0, 1.0], 40)
    score = np.where(group == 0, truth, 0.2 + 0.5 * truth)
    rows = replace(rows_of(group, truth), scores={"s": score})
    assert not rows.whole_numbers("s")
    assert replace(rows, scores={"s": 4 * truth}).whole_numbers("s")
