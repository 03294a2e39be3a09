"""Monitors of groups: what the recursions say, in pieces as at once; no false alarms, and alarms in time."""

import numpy as np
import pytest

from evenhand.stats.monitors import (
    STAKES,
    changed,
    ever_above,
    limit_of_past,
    log_factors,
    ratio_limits,
)
from evenhand.watching import monitor as monitors
from evenhand.watching.monitor import Bets, GroupRows, Monitor

BETS = Bets(threshold=0.2, past=True, above=np.log(20), changed=np.log(1e4), alpha=0.025)


def rows(a, b=None, start=0, layer=None, time=True):
    n = len(a)
    return GroupRows(
        a=np.asarray(a, float),
        b=np.ones(n) if b is None else np.asarray(b, float),
        row=np.arange(start, start + n) + 1,
        time=np.arange(start, start + n, dtype=float) if time else None,
        layer=layer,
    )


def watched(a, b=None, bets=BETS, layer=None):
    found = Monitor()
    found.take(rows(a, b, layer=layer), bets, 40)
    return found


def world(rng, good, bad, before=0.1, after=0.25):
    return np.concatenate([rng.random(good) < before, rng.random(bad) < after]).astype(float)


def test_runs_of_rows_say_what_row_by_row_says():
    x = world(np.random.default_rng(1), 3000, 400)
    found = watched(x)
    limit = limit_of_past(x, BETS.alpha)
    known = np.isfinite(limit)
    path, last = changed(log_factors(x[known] - limit[known], limit[known]))
    first = np.flatnonzero(path >= BETS.changed)[0] + 1 + (~known).sum()
    assert found.alarms["changed"].at.n == first
    assert found.changed[0] == pytest.approx(last, rel=1e-9)
    path, last = ever_above(log_factors(x - 0.2, 0.2))
    assert found.above[0] == pytest.approx(last, rel=1e-9)
    assert found.evidence(units=False) == pytest.approx(path[-1], rel=1e-9)


@pytest.mark.parametrize("kind", ["proportion", "ratio", "units"])
def test_in_pieces_it_is_what_it_is_at_once(kind):
    rng = np.random.default_rng(2)
    x = world(rng, 1500, 300)
    b = rng.integers(1, 12, len(x)).astype(float) if kind == "ratio" else None
    a = (
        rng.binomial(b.astype(int), np.where(np.arange(len(x)) < 1500, 0.1, 0.3))
        if kind == "ratio"
        else x
    )
    layer = rng.integers(0, 4, len(x)) if kind == "units" else None
    whole = watched(a, b, layer=layer)
    parts = Monitor()
    cuts = [0, 1, 49, 50, 51, 700, 1499, 1502, 1700]
    for start, end in zip(cuts, [*cuts[1:], len(x)], strict=True):
        own = slice(start, end)
        parts.take(
            rows(
                a[own], None if b is None else b[own], start, None if layer is None else layer[own]
            ),
            BETS,
            40,
        )
    assert parts.now == whole.now
    assert parts.history == whole.history
    assert {k: v.at.n for k, v in parts.alarms.items()} == {
        k: v.at.n for k, v in whole.alarms.items()
    }
    assert {k: v.since.n for k, v in parts.alarms.items()} == {
        k: v.since.n for k, v in whole.alarms.items()
    }
    assert parts.changed == pytest.approx(whole.changed, rel=1e-8, abs=1e-8)
    assert parts.above == pytest.approx(whole.above, rel=1e-8, abs=1e-8)
    assert parts.since.n == whole.since.n
    assert parts.limit == pytest.approx(whole.limit, rel=1e-8)


def test_since_is_where_it_began():
    rng = np.random.default_rng(3)
    off = [
        watched(world(rng, 2000, 500, 0.1, 0.3)).alarms["changed"].since.n - 2000 for _ in range(40)
    ]
    assert abs(np.median(off)) < 15
    assert np.quantile(np.abs(off), 0.8) < 120


def test_a_change_is_found_in_time_after_ten_thousand_rows():
    rng, usual = np.random.default_rng(4), np.log(1e5 / 0.9)
    bets = Bets(threshold=None, past=True, above=99.0, changed=usual, alpha=0.05 * 0.9)
    delays = [watched(world(rng, 10_000, 2000, 0.1, 0.2), bets=bets) for _ in range(60)]
    late = np.array([m.alarms["changed"].at.n - 10_000 for m in delays if "changed" in m.alarms])
    assert len(late) == 60
    assert np.median(late[late > 0]) <= 1.5 * 175


def utterances(rng, rate, number):
    words = rng.integers(5, 16, number)
    return rng.binomial(words, rng.beta(6 * rate, 6 * (1 - rate), number)), words


def test_word_error_rates_above_are_found_in_time_and_no_others():
    rng, worlds = np.random.default_rng(5), 300
    bets = Bets(threshold=0.18, past=False, above=np.log(20), changed=99.0, alpha=0.05)
    late = [watched(*utterances(rng, 0.25, 800), bets=bets).alarms for _ in range(100)]
    assert np.median([one["above"].at.n if one else 9999 for one in late]) <= 1.5 * 71
    false = np.mean(
        [bool(watched(*utterances(rng, 0.18, 2000), bets=bets).alarms) for _ in range(worlds)]
    )
    assert false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_the_limit_of_a_ratio_holds_at_all_times():
    rng, missed, worlds = np.random.default_rng(6), 0, 150
    for _ in range(worlds):
        found = Monitor()
        found.take(
            rows(*utterances(rng, 0.18, 3000)),
            Bets(threshold=None, past=True, above=99, changed=99, alpha=0.05),
            0,
        )
        missed += found.limit < 0.18
        assert found.limit < 0.5
    assert missed / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_limits_of_ratios_close_in_and_nothing_is_known_of_nothing():
    squares = np.array([0.02, 0.02, 0.03])
    near = [
        ratio_limits(np.array([[0.1, 0.5]]) * n, squares[None, :] * n, 0.05)[0]
        for n in (200, 2_000, 200_000)
    ]
    assert near[0] > near[1] > near[2] > 0.2
    assert near[2] < 0.203
    assert ratio_limits(np.zeros((1, 2)), np.zeros((1, 3)), 0.05)[0] == np.inf
    assert not len(ratio_limits(np.zeros((0, 2)), np.zeros((0, 3)), 0.05))


def test_units_that_return_are_no_new_evidence():
    # A caller's rate is his own: all his rows are alike.  300 callers of 10 rows each at the threshold.
    rng, worlds, false, naive = np.random.default_rng(7), 120, 0, 0
    for _ in range(worlds):
        own = rng.random(300) < 0.2
        order = rng.permutation(np.repeat(np.arange(300), 10))
        seen = np.zeros(300, int)
        layer = np.empty(len(order), np.int64)
        for i, unit in enumerate(order):
            layer[i] = seen[unit]
            seen[unit] += 1
        x = own[order].astype(float)
        false += "above" in watched(x, layer=layer).alarms
        naive += "above" in watched(x).alarms
    assert false / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)
    assert naive / worlds > 0.15


def test_visits_beyond_the_last_layer_count_in_rates_only():
    layer = np.full(500, monitors.MOST_LAYERS)
    found = watched(np.ones(500), layer=layer)
    assert found.now.a == 500
    assert not found.alarms
    assert found.evidence(units=True) == pytest.approx(0.0)


def test_layers_are_averaged_with_their_weights():
    rng = np.random.default_rng(8)
    x = (rng.random(600) < 0.3).astype(float)
    layer = np.tile([0, 1], 300)
    found = watched(x, layer=layer)
    each = [np.exp(ever_above(log_factors(x[layer == k] - 0.2, 0.2))[0][-1]) for k in (0, 1)]
    assert np.exp(found.evidence(units=True)) == pytest.approx(each[0] / 2 + each[1] / 6 + 1 / 3)


def test_the_past_kept_for_figures_stays_small_and_adds_up():
    found = watched(np.ones(5000))
    assert 20 <= len(found.history) <= 40
    assert found.history[-1].n <= 5000
    assert len({b.n - a.n for a, b in zip(found.history, found.history[1:], strict=False)}) == 1
    assert len(STAKES) == found.above.shape[1]


def test_what_is_divided_by_nothing_before_anything_else_is_no_evidence():
    found = watched([5, 3, 0, 0], [0, 0, 4, 4])
    assert found.now == watched([5, 3, 0, 0], [0, 0, 4, 4]).now
    assert not found.alarms
    assert found.above == pytest.approx(
        ever_above(log_factors(np.array([-0.8, -0.8]), 0.8))[1][None, :]
    )
