"""Rows of very different lengths: one long row blinds nobody, and lengths are no cause of alarms."""

import numpy as np
import pytest

from evenhand.watching.lengths import counted_ones, usual_length, usual_lengths
from evenhand.watching.monitor import Bets, GroupRows, Monitor

BETS = Bets(threshold=0.2, past=True, above=np.log(20), changed=np.log(1e4), alpha=0.025)


def watched(a, b, cuts=()):
    found = Monitor()
    for own in np.split(np.arange(len(a)), cuts):
        found.take(GroupRows(a=a[own], b=b[own], row=own, time=None, layer=None), BETS, 0)
    return found


def test_one_long_row_blinds_nobody():
    rng = np.random.default_rng(1)
    late: dict[int, list[int]] = {0: [], 200: [], 20_000: []}
    for _ in range(24):
        good, bad = rng.binomial(10, 0.1, 500), rng.binomial(10, 0.4, 1500)
        for length, found in late.items():
            middle = [length // 10] if length else []
            a = np.concatenate([good, middle, bad]).astype(float)
            b = np.concatenate([np.full(500, 10.0), [length] * bool(length), np.full(1500, 10.0)])
            one = watched(a, b)
            assert one.long_rows == bool(length)
            found.append(one.alarms["above"].at.n - 500)
    usual = np.median(late[0])
    assert np.median(late[200]) <= 1.5 * usual
    assert np.median(late[20_000]) <= 1.5 * usual


def lengths_of(rng, kind, n=2000):
    """Lengths, and rates of .2 over all: long rows have a lower rate than short ones, but where they are rare."""
    if kind == "lognormal":
        b = np.ceil(10 * np.exp(rng.normal(size=n)))
        return b, np.where(b > 40, 0.088, 0.25)
    if kind == "pareto":
        b = np.ceil(5 * (1 - rng.random(n)) ** (-1 / 1.5))
        return b, np.where(b > 32, 0.121, 0.25)
    return np.where(rng.random(n) < 0.001, 20_000.0, 10.0), 0.2


@pytest.mark.parametrize("kind", ["lognormal", "pareto", "rare"])
def test_at_the_threshold_rows_of_any_length_bring_no_alarm(kind):
    rng, worlds, false, missed = np.random.default_rng(2), 120, 0, 0
    for _ in range(worlds):
        b, rate = lengths_of(rng, kind)
        found = watched(rng.binomial(b.astype(int), rate).astype(float), b)
        false += "above" in found.alarms
        missed += found.limit < 0.2
    assert false / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)
    assert missed / worlds <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / worlds)


def test_pieces_are_the_whole_also_where_lengths_change():
    rng = np.random.default_rng(3)
    b = np.concatenate([np.ones(700), rng.integers(1, 40, 900), [9000.0], np.ones(9000)])
    a = rng.binomial(b.astype(int), 0.1).astype(float)
    whole, parts = watched(a, b), watched(a, b, (1, 63, 64, 700, 1024, 1601, 5000, 5001))
    assert parts.lengths == whole.lengths
    assert parts.long_rows == whole.long_rows
    assert parts.limit == pytest.approx(whole.limit, rel=1e-8)
    assert parts.above == pytest.approx(whole.above, rel=1e-8, abs=1e-8)
    assert parts.changed == pytest.approx(whole.changed, rel=1e-8, abs=1e-8)


def test_what_was_usual_is_forgotten_and_one_row_is_never_usual():
    b = np.concatenate([np.full(3000, 100.0), np.full(30_000, 10.0), [5000.0], np.full(9, 10.0)])
    usual, counts = usual_lengths(b, 0, {})
    assert usual[0] == 0  # nothing is known before the first
    assert set(usual[1:3001]) == {128.0}
    assert set(usual[-20:]) == {16.0}
    assert usual_length(len(b), counts) == 16.0
    assert counted_ones(5000, 0, {}) == usual_lengths(np.ones(5000), 0, {})[1]
