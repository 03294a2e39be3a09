"""What the past is known not to exceed: right, the same in pieces as at once, and never forgotten."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

import evenhand
from evenhand.watching.merging import _join
from evenhand.watching.monitor import Bets, GroupRows, Monitor

BETS = Bets(threshold=None, past=True, above=99.0, changed=99.0, alpha=0.0225)
ASKED = {"worse": "higher", "bounds": (0, 1), "time": "t"}


def rows(a):
    n = len(a)
    return GroupRows(a=a, b=np.ones(n), row=np.arange(n), time=None, layer=None)


def limit(*pieces):
    found = Monitor()
    for piece in pieces:
        found.take(rows(piece), BETS, 0)
    return found.limit


def scores(rng, half, rate, n=1500):
    return np.where(rng.random(n) < half, 0.5, (rng.random(n) < rate) * 1.0)


@pytest.mark.parametrize(("half", "rate"), [(0.02, 0.3), (0.05, 0.1), (0.02, 0.5)])
def test_scores_in_pieces_have_the_limit_of_the_whole_and_it_holds(half, rate):
    worlds, missed, true = 100, 0, half * 0.5 + (1 - half) * rate
    for seed in range(worlds):
        x = scores(np.random.default_rng(seed), half, rate)
        whole = limit(x)
        if seed < 2:
            assert limit(*np.split(x, range(5, len(x), 5))) == pytest.approx(whole, rel=1e-9)
        missed += whole < true
    assert missed / worlds <= BETS.alpha + 3 * np.sqrt(BETS.alpha * (1 - BETS.alpha) / worlds)


def test_a_settlement_changes_nothing_of_the_limit_also_when_merged():
    worlds, missed = 150, 0
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        one, plain, other = Monitor(), Monitor(), Monitor()
        first, second, third = ((rng.random(n) < 0.1) * 1.0 for n in (500, 500, 1000))
        for part in (first, second):
            one.take(rows(part), BETS, 0)
            plain.take(rows(part), BETS, 0)
            one.settle("mended", 500, None, ())
        assert one.limit == plain.limit
        other.take(rows(third), BETS, 0)
        merged, expected = Monitor(), Monitor()
        for into, mine in ((merged, one), (expected, plain)):
            _join(into, mine, BETS)
            _join(into, other, BETS)
        assert merged.limit == expected.limit
        missed += merged.limit < 0.1
    allowed = 3 * BETS.alpha  # of two shards and of both
    assert missed / worlds <= allowed + 3 * np.sqrt(allowed * (1 - allowed) / worlds)


def harmed(rng):
    """A shard with harm that was settled: of 9,000 rows a third are wrong three times in ten."""
    found = Monitor()
    for rate in (0.05, 0.3, 0.05):
        found.take(rows((rng.random(3000) < rate) * 1.0), BETS, 0)
    found.settle("mended", 9000, None, ())
    return found


def test_the_limit_before_harm_stays_in_every_order_and_nesting():
    rng = np.random.default_rng(1)
    few, more = Monitor(), Monitor()
    few.take(rows((rng.random(30) < 0.05) * 1.0), BETS, 0)
    more.take(rows(scores(rng, 0.02, 0.05)), BETS, 0)
    bad = harmed(rng)
    assert bad.limit < 0.07

    def joined(*parts):
        out = Monitor()
        for part in parts:
            _join(out, part, BETS)
        return out

    found = [joined(*order).limit for order in itertools.permutations((bad, few, more))]
    for x, y, z in itertools.permutations((bad, few, more)):
        found.append(joined(joined(x, y), z).limit)
        found.append(joined(x, joined(y, z)).limit)
    assert found == pytest.approx([found[0]] * len(found), rel=1e-12)
    by_hand = (bad.limit * 9000 + 30 + more.limit * 1500) / 10_530
    assert found[0] == pytest.approx(by_hand, rel=1e-12)
    assert joined(bad).limit == bad.limit


def test_shards_of_different_rates_are_no_change():
    alarms = 0
    bets = Bets(threshold=None, past=True, above=99.0, changed=np.log(1e5), alpha=0.0225)
    for seed in range(20):
        rng, merged = np.random.default_rng(seed), Monitor()
        for rate in (0.05, 0.15):
            one = Monitor()
            one.take(rows((rng.random(3000) < rate) * 1.0), bets, 0)
            _join(merged, one, bets)
        merged.take(rows((rng.random(10_000) < 0.1) * 1.0), bets, 0)
        alarms += bool(merged.alarms)
    assert alarms == 0


def test_merged_files_keep_what_a_settled_shard_knew(tmp_path):
    rng = np.random.default_rng(2)

    def table(n, rate, site, start):
        wrong = (rng.random(n) < rate).astype(int)
        return pa.table({"wrong": wrong, "site": [site] * n, "t": np.arange(start, start + n)})

    asked = {"metric": "mean(wrong)", "by": "site", **ASKED}
    states = [tmp_path / name for name in "ab"]
    for start, n, rate in ((0, 3000, 0.05), (3000, 1500, 0.3), (4500, 3000, 0.05)):
        found = evenhand.watch(table(n, rate, "x", start), **asked, state=states[0])
        if found.alarms:
            evenhand.settle_watch(states[0], "mended")
    evenhand.watch(table(500, 0.05, "y", 0), **asked, state=states[1])
    own = next(g.past_limit for g in found.groups if g.group == {"site": "x"})
    for number, order in enumerate((states, states[::-1])):
        merged = evenhand.merge_watches(order, tmp_path / f"all-{number}")
        kept = next(g.past_limit for g in merged.groups if g.group == {"site": "x"})
        assert kept == pytest.approx(own, rel=1e-12)
