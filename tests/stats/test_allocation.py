"""Labels of cells: known allocations, whole numbers, and widths that are kept."""

import itertools

import numpy as np
import pytest

from evenhand.stats.allocation import (
    RULES,
    Pilot,
    half_widths,
    spend,
    told_enough,
    units_for,
    units_for_pairs,
    units_that_tell,
    variance_df,
    worst_pair,
)
from evenhand.stats.intervals import t_of, wilson, z_of

SURE = 1e9


def proportions(rates, trials, **changes):
    p, n = np.array(rates, float), np.full(len(rates), float(trials))
    return pilot(p * (1 - p), **{"units": n, "successes": p * n, "trials": n} | changes)


def pilot(variance, **changes):
    v = np.array(variance, float)
    one = np.ones(len(v))
    unknown = np.full(len(v), np.nan)
    fields = {
        "units": one * SURE,
        "effective": one,
        "kurtosis": 3.0,
        "successes": unknown,
        "trials": unknown,
        "rows": one,
        "share": one / len(v),
        "cost": one,
    }
    return Pilot(variance=v, **fields | changes)


@pytest.mark.parametrize(
    ("rule", "widest_pair"),
    [("minimax-pair", 0.0443), ("neyman", 0.1002), ("proportional", 0.1308), ("equal", 0.0532)],
)
def test_the_same_2000_labels_by_each_rule(rule, widest_pair):
    share = np.array([0.70, 0.20, 0.07, 0.03])
    found = proportions([0.05, 0.10, 0.20, 0.30], SURE, share=share)
    units = spend(found, 2000, rule, 0.95, 0.0, 5)
    assert units.sum() == 2000
    assert worst_pair(half_widths(found, units, 0.95))[2] == pytest.approx(widest_pair, abs=5e-5)


def test_two_cells_have_neymans_allocation():
    units = spend(pilot([1.0, 4.0]), 3000, "minimax-pair", 0.95, 0.0, 5)
    assert units == pytest.approx([1000, 2000], abs=10)


@pytest.mark.parametrize("variance", [[1, 1, 9], [1, 1, 1.5], [4, 1, 1]])
@pytest.mark.parametrize("cost", [[1, 1, 1], [1, 2, 5]])
def test_no_other_allocation_of_three_cells_is_better(variance, cost):
    found = pilot(variance, cost=np.array(cost, float))
    budget = 3000.0
    units = spend(found, budget, "minimax-pair", 0.95, 0.0, 5)
    assert units @ found.cost <= budget
    own = worst_pair(half_widths(found, units, 0.95))[2]
    grid = np.arange(40, budget, 40)
    others = []
    for a, b in itertools.product(grid / cost[0], grid / cost[1]):
        c = (budget - a * cost[0] - b * cost[1]) / cost[2]
        if c >= 5:
            others.append(worst_pair(half_widths(found, np.array([a, b, c]), 0.95))[2])
    assert own <= min(others) * 1.002


def test_no_fewer_units_have_the_wanted_width():
    found = proportions([0.05, 0.3], 60)
    units = units_for(found, 0.03, 0.95, 0.9, 5)
    assert (half_widths(found, units, 0.95, 0.9) <= 0.03).all()
    assert (half_widths(found, units - 1, 0.95, 0.9) > 0.03).all()
    pairs = units_for_pairs(found, 0.05, 0.95, 0.9, 5)
    assert worst_pair(half_widths(found, pairs, 0.95, 0.9))[2] <= 0.05


@pytest.mark.parametrize("rule", RULES)
def test_a_budget_is_never_passed_and_hardly_left(rule):
    rows, cost = np.array([1.0, 2.7, 31.4]), np.array([1.0, 2.5, 0.3])
    found = pilot([0.2, 0.02, 1.3], units=np.full(3, 30.0), rows=rows, cost=cost)
    for budget in (400, 1234.5, 20_000):
        units = spend(found, budget, rule, 0.95, 0.95, 5)
        spent = found.labels(units) @ cost
        assert spent <= budget
        assert budget - spent <= found.unit_cost.min() + 2 * cost.sum()
        assert (units >= 5).all()


@pytest.mark.parametrize("seed", range(3))
def test_no_rule_knows_the_pair_known_least_better(seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        k = int(rng.integers(2, 8))
        changes = {"cost": 10 ** rng.uniform(-1, 1.5, k), "share": rng.dirichlet(np.ones(k))}
        if rng.random() < 0.5:
            n, p = rng.integers(5, 400, k).astype(float), rng.uniform(0, 0.6, k)
            x = rng.binomial(n.astype(int), p).astype(float)
            v = np.maximum(x / n * (1 - x / n), 1e-9)
            found = pilot(v, units=n, successes=x, trials=n, **changes)
        else:
            changes |= {"units": rng.integers(5, 300, k).astype(float), "kurtosis": 5.0}
            found = pilot(10 ** rng.uniform(-4, 2, k), rows=rng.uniform(1, 30, k), **changes)
        budget = (found.labels(np.full(k, 5)) + 1) @ found.cost * 10 ** rng.uniform(0, 3)
        widths = {}
        for rule in RULES:
            units = spend(found, budget, rule, 0.95, 0.95, 5)
            assert (units >= 5).all()
            assert found.labels(units) @ found.cost <= budget * (1 + 1e-12)
            widths[rule] = worst_pair(half_widths(found, units, 0.95, 0.95))[2]
        assert widths["minimax-pair"] == min(widths.values())


def test_a_dear_cell_gets_no_more_than_it_is_worth():
    cheap = spend(pilot([1.0, 1.0, 1.0]), 3000, "minimax-pair", 0.95, 0.0, 5)
    dear = spend(
        pilot([1.0, 1.0, 1.0], cost=np.array([1.0, 1.0, 9.0])), 3000, "minimax-pair", 0.95, 0.0, 5
    )
    assert cheap == pytest.approx([1000] * 3, abs=5)
    assert dear[2] < dear[0] < cheap[0]


@pytest.mark.parametrize("rates", [[0.05, 0.1, 0.2, 0.3], [0.02, 0.02, 0.02], [0.5, 0.4]])
@pytest.mark.parametrize("trials", [20, 60, 200])
def test_promised_widths_of_proportions_are_kept(rates, trials):
    rng = np.random.default_rng(trials)
    p, worlds, kept = np.array(rates), 200, 0
    for _ in range(worlds):
        x = rng.binomial(trials, p).astype(float)
        found = proportions(rates, trials, successes=x)
        units = units_for(found, 0.05, 0.95, 0.95, 5)
        low, high = wilson(rng.binomial(units, p), units, z_of(0.95))
        kept += bool(((high - low) / 2 <= 0.05).all())
    # 95 % less three standard errors, and what Jeffreys' prior costs the smallest pilots.
    assert kept / worlds >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)


def callers(rng, n):
    """Rates of callers with 20 calls each, about two in ten wrong."""
    return rng.binomial(20, rng.beta(2, 8, n)) / 20


@pytest.mark.parametrize("trials", [10, 30, 100])
def test_promised_widths_of_units_are_kept(trials):
    rng = np.random.default_rng(trials)
    cells, worlds, kept = 4, 200, 0
    for _ in range(worlds):
        seen = [callers(rng, trials) for _ in range(cells)]
        variance = np.array([one.var(ddof=1) for one in seen])
        off = np.array([((one - one.mean()) ** 4).mean() / one.var() ** 2 for one in seen])
        found = pilot(variance, units=np.full(cells, float(trials)), kurtosis=off.mean())
        units = units_for(found, 0.04, 0.95, 0.95, 5)
        new = [t_of(0.95, n - 1) * np.sqrt(callers(rng, n).var(ddof=1) / n) for n in units]
        kept += max(new) <= 0.04
    assert kept / worlds >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)


@pytest.mark.parametrize("cells", [1, 4, 17])
def test_a_pilot_tells_enough_where_no_promise_is_twice_as_wide_as_expected(cells):
    """By the widths of very many labels, which Fisher's F of `half_widths` makes."""
    df = np.linspace(1, 40, 79)
    told = np.array([told_enough(np.full(cells, one), 0.95).all() for one in df])
    many = np.full(cells, 1e11)
    for one, able in zip(df, told, strict=True):
        found = pilot(np.ones(cells), units=np.full(cells, one + 1), kurtosis=-1e9)
        ratio = half_widths(found, many, 0.95, 0.95) / half_widths(found, many, 0.95)
        assert (ratio <= 2).all() == able
    assert not told[0]
    assert told[-1]


def test_fewer_cells_need_less_each_and_the_most_are_taken():
    assert told_enough(np.array([7.0]), 0.95).all()
    assert told_enough(np.array([7.0, 7.0]), 0.95).sum() <= 1
    assert told_enough(np.array([0.9]), 0.5).sum() == 0
    assert told_enough(np.array([3.0, 50.0, 0.4, 50.0]), 0.95).tolist() == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("kurtosis", [1.8, 3.0, 9.0, 80.0])
def test_as_many_units_as_tell_tell(kurtosis):
    for cells in (1, 5, 40):
        units = units_that_tell(kurtosis, 200.0, cells, 0.95)
        df = variance_df(np.array([units + 1e-6, units - 0.5]), kurtosis, 200.0)
        assert told_enough(np.full(cells, df[0]), 0.95).all()
        assert not told_enough(np.full(cells, df[1]), 0.95).all()
