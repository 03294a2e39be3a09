"""Intervals cover as often as they say: by enumeration where possible, else by seeded simulation.

Many worlds are put into one cube, a cell each, so that the whole path from counts to interval is
tested at the speed of arrays.  Slack is 3 binomial standard errors.
"""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from threadpoolctl import threadpool_limits

from evenhand.audits.judge import judge
from evenhand.comparisons.comparison import compare
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Units, estimate
from evenhand.cubes.cube import cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.groups import Attribute, Partition
from evenhand.stats import contrasts, intervals
from evenhand.stats.forms import Ratio

Z = float(intervals.z_of(0.95))
RATE = Ratio(numerator=(1, 0), denominator=(0, 1))
SHARE = Ratio(numerator=(1, 0), denominator=(1, 1))


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Small matrices: threads cost more than they save."""
    with threadpool_limits(1):
        yield


def least(level, worlds):
    return level - 3 * np.sqrt(level * (1 - level) / worlds)


def most(level, worlds):
    return level + 3 * np.sqrt(level * (1 - level) / worlds)


def unit_cube(cell, unit, numerator, denominator) -> Cube:
    rows = np.bincount(cell)
    return cube_of_units(
        keys=CellKeys.of([(f"k{i:04}",) for i in range(len(rows))]),
        attributes=("k",),
        parts=("above", "below"),
        n_rows=rows,
        n_defined=rows,
        units=Units(
            cell=cell,
            unit=unit,
            sums=np.stack([numerator, denominator], axis=1).astype(float),
            names=tuple(map(str, range(unit.max() + 1))),
        ),
    )


def binary_cube(wrong, trials) -> Cube:
    sums = np.stack([wrong, trials - wrong], axis=1).astype(float)
    comoments = (
        np.einsum("cp,pq->cpq", sums, np.eye(2))
        - sums[:, :, None] * sums[:, None, :] / trials[:, None, None]
    )
    return Cube(
        attributes=("k",),
        parts=("wrong", "right"),
        keys=CellKeys.of([(f"k{i:02}",) for i in range(len(trials))]),
        n_rows=trials,
        n_defined=trials,
        sums=sums,
        comoments=comoments,
        level=np.zeros(len(trials), np.int64),
        indicators=True,
    )


def judged(cube: Cube, **options):
    binary = cube.units is None
    rules = VerdictRules(**({"draws": 1000, "low": 0.0, "high": 1.0 if binary else None} | options))
    partitions = [Partition(names=("k",))]
    return judge(
        cube, SHARE if binary else RATE, [Attribute(name="k")], partitions, rules, proportion=binary
    )


# -- proportions: enumerated, no simulation -----------------------------------------------------


def binomial_coverage(interval, n, rates):
    """Exact coverage at each rate."""
    x = np.arange(n + 1)
    low, high = interval(x, np.full(n + 1, n))
    inside = (low[:, None] <= rates) & (rates <= high[:, None])
    return (stats.binom.pmf(x[:, None], n, rates) * inside).sum(0)


@pytest.mark.parametrize("n", [10, 20, 30, 50, 100])
def test_wilson_covers_on_average_and_nowhere_far_below(n):
    covered = binomial_coverage(
        lambda x, m: intervals.wilson(x, m, Z), n, np.linspace(0.005, 0.995, 397)
    )
    assert 0.945 < covered.mean() < 0.965
    assert covered.min() > 0.91  # Wald's minimum is near 0, Wilson's own .83
    rare = binomial_coverage(lambda x, m: intervals.wilson(x, m, Z), n, np.array([0.02]))
    assert rare[0] > 0.91  # the percentile bootstrap: .18 to .45 at n = 10 to 30


@pytest.mark.parametrize("n", [20, 30, 60, 200])
@pytest.mark.parametrize(("level", "least_covered"), [(0.95, 0.915), (0.99, 0.977)])
def test_wilson_covers_rates_just_below_the_limit_of_few_events(n, level, least_covered):
    def interval(x, m):
        return intervals.wilson(x, m, intervals.z_of(level))

    # Coverage falls just below each lower limit and just above each upper one, Wilson's own too.
    x = np.arange(n + 1)
    plain = proportion_confint(x, n, alpha=1 - level, method="wilson")
    ends = np.concatenate([*interval(x, np.full(n + 1, n)), *plain])
    rates = np.unique(np.concatenate([np.linspace(0.05, 8, 400) / n, ends - 1e-9, ends + 1e-9]))
    covered = binomial_coverage(interval, n, rates[(rates > 0) & (rates < 1)])
    assert covered.min() > least_covered  # Wilson's: .837 and .888
    even = binomial_coverage(interval, n, np.linspace(0.0005, 0.9995, 1999))
    assert level - 0.001 < even.mean() < level + 0.007
    one = binomial_coverage(interval, n, np.array([0.165 / n]))
    assert one[0] > level  # one event in n excluded this rate: .848


@pytest.mark.parametrize(("n1", "n2"), [(30, 20_000), (60, 600), (20, 200), (30, 30)])
def test_a_small_group_beside_a_large_one_is_not_proven_worse_by_few_events(n1, n2):
    proven = []
    for rate in np.geomspace(0.02, 12, 40) / n1:
        x1, x2 = np.arange(n1 + 1)[:, None], np.arange(int(stats.binom.ppf(1 - 1e-9, n2, rate)) + 2)
        low, _ = contrasts.newcombe(x1, n1, x2, n2, Z)
        weight = stats.binom.pmf(x1, n1, rate) * stats.binom.pmf(x2, n2, rate)
        proven.append((weight * (low > 0)).sum())
    assert np.mean(proven) < 0.025  # of Wilson's limits .048 beside 20,000
    assert np.max(proven) < 0.06  # and .133


@pytest.mark.parametrize("n", [10, 20, 30, 50, 100])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_clopper_pearson_never_covers_less_than_the_level(n, level):
    rates = np.linspace(0.001, 0.999, 999)
    assert (
        binomial_coverage(lambda x, m: intervals.clopper_pearson(x, m, level), n, rates).min()
        >= level - 1e-9
    )


@pytest.mark.parametrize(("n1", "n2"), [(10, 10), (20, 40), (60, 30)])
def test_newcombe_covers_the_difference_of_two_proportions(n1, n2):
    x1, x2 = (
        axis.ravel() for axis in np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1), indexing="ij")
    )
    low, high = contrasts.newcombe(x1, n1, x2, n2, Z)
    covered = []
    for p1 in np.linspace(0.05, 0.95, 13):
        for p2 in np.linspace(0.05, 0.95, 13):
            weight = stats.binom.pmf(x1, n1, p1) * stats.binom.pmf(x2, n2, p2)
            covered.append((weight * ((low <= p1 - p2) & (p1 - p2 <= high))).sum())
    assert np.mean(covered) > 0.945
    assert np.min(covered) > 0.90


def test_mover_ratio_covers_the_impact_ratio():
    rng = np.random.default_rng(1)
    worlds = 4000
    x1, x2 = rng.binomial(60, 0.2, worlds), rng.binomial(90, 0.4, worlds)
    one, two = intervals.wilson(x1, 60, Z), intervals.wilson(x2, 90, Z)
    low, high = contrasts.mover_ratio(x1 / 60, *one, x2 / 90, *two)
    assert np.mean((low <= 0.5) & (high >= 0.5)) >= least(0.95, worlds)


# -- named units ---------------------------------------------------------------------------------


def covered_by_t(cube, truth):
    sets = np.eye(len(cube.keys), dtype=bool)
    found = estimate(cube, RATE, sets, np.zeros((1, 2), np.int64))
    low, high = intervals.linearised(
        found.values, found.variances, found.n_units.astype(float), 0.95
    )
    return np.mean((low <= truth) & (truth <= high))


def speaker_worlds(worlds, speakers, utterances, seed):
    """Errors of each utterance: shape (worlds, speakers, utterances); 10 words each, WER .2."""
    rng = np.random.default_rng(seed)
    own = rng.beta(2, 8, (worlds, speakers, 1))
    return rng.binomial(10, np.broadcast_to(own, (worlds, speakers, utterances)))


def test_clustered_t_covers_where_ignoring_the_speaker_covers_half():
    worlds = 400
    errors = speaker_worlds(worlds, 40, 40, 2)
    cell = np.repeat(np.arange(worlds), 40)
    clustered = unit_cube(
        cell, np.arange(len(cell)), errors.sum(2).ravel(), np.full(len(cell), 400)
    )
    assert least(0.95, worlds) <= covered_by_t(clustered, 0.2) <= most(0.95, worlds)
    flat = errors.reshape(worlds, 1600)
    comoments = np.zeros((worlds, 2, 2))
    comoments[:, 0, 0] = flat.var(1) * 1600
    rows = np.full(worlds, 1600)
    ignored = Cube(
        attributes=("k",),
        parts=("above", "below"),
        keys=clustered.keys,
        n_rows=rows,
        n_defined=rows,
        sums=np.stack([flat.sum(1), np.full(worlds, 16_000)], axis=1).astype(float),
        comoments=comoments,
        level=np.zeros(worlds, np.int64),
    )
    assert 0.3 < covered_by_t(ignored, 0.2) < 0.7


@pytest.mark.parametrize("speakers", [30, 100])
def test_ratio_of_skewed_units_covers(speakers):
    """Words and error rates both skewed, and correlated: a long talker makes more errors."""
    rng = np.random.default_rng(3)
    worlds = 500
    words = np.ceil(rng.lognormal(5, 0.5, (worlds, speakers)))
    own = rng.beta(3, 12, words.shape) * (words / 150) ** 0.2
    errors = rng.poisson(words * own)
    big = np.ceil(rng.lognormal(5, 0.5, 1_000_000))
    truth = (big * 0.2 * (big / 150) ** 0.2).sum() / big.sum()
    cell = np.repeat(np.arange(worlds), speakers)
    cube = unit_cube(cell, np.arange(len(cell)), errors.ravel(), words.ravel())
    assert covered_by_t(cube, truth) >= least(0.95, worlds)


def contrast_coverage(shared, units, seed, worlds=300):
    """Two conditions of which `shared` units occur in both; the second adds .05 to the rate."""
    rng = np.random.default_rng(seed)
    everyone = 2 * units - shared
    own = rng.beta(4, 12, (worlds, everyone))
    words = rng.integers(50, 150, (worlds, 2, units))
    rate = np.stack([own[:, :units], own[:, units - shared :] + 0.05], axis=1)
    errors = rng.binomial(words, np.minimum(rate, 1))
    unit = np.arange(worlds)[:, None, None] * everyone + np.stack(
        [np.arange(units), np.arange(units - shared, everyone)]
    )
    cell = np.broadcast_to(np.arange(2 * worlds).reshape(worlds, 2, 1), errors.shape)
    cube = unit_cube(cell.ravel(), unit.ravel(), errors.ravel(), words.ravel())
    first, second = np.arange(worlds) * 2, np.arange(worlds) * 2 + 1
    found = estimate(cube, RATE, np.eye(2 * worlds, dtype=bool), np.stack([second, first], axis=1))
    assert (found.shared == shared).all()
    compared = compare(found, RATE, second, first, proportion=False)
    low, high = compared.interval(Z)
    return np.mean((low <= 0.05) & (high >= 0.05)), np.mean(high - low), worlds


@pytest.mark.parametrize("shared", [0, 15, 30])
def test_difference_of_conditions_covers_whether_they_share_no_some_or_all_units(shared):
    covered, _, worlds = contrast_coverage(shared, 30, 4)
    assert least(0.95, worlds) <= covered <= most(0.95, worlds)


def test_pairing_makes_the_interval_narrow():
    widths = [contrast_coverage(shared, 30, 5, worlds=100)[1] for shared in (0, 15, 30)]
    assert widths[2] < 0.5 * widths[0]
    assert widths[2] < widths[1] < widths[0]


# -- many groups, through `judge` ------------------------------------------------------------------


def all_cover(result, truth, shares):
    """Whether every interval of the difference to the rest holds the truth."""
    for i, group in enumerate(sorted(result.groups, key=lambda g: g.label)):
        rest = (truth @ shares - truth[i] * shares[i]) / (shares.sum() - shares[i])
        if (
            group.versus.low is not None
            and not group.versus.low <= truth[i] - rest <= group.versus.high
        ):
            return False
    return True


def test_intervals_of_eighteen_groups_hold_all_at_once():
    rng = np.random.default_rng(6)
    truth = np.linspace(0.1, 0.4, 18)
    covered = []
    for seed in range(80):
        trials = rng.integers(60, 500, 18)
        result = judged(binary_cube(rng.binomial(trials, truth), trials), seed=seed)
        covered.append(all_cover(result, truth, trials))
    assert np.mean(covered) >= least(0.95, 80)


def test_intervals_of_eighteen_clustered_groups_hold_all_at_once():
    rng = np.random.default_rng(7)
    truth = np.linspace(0.1, 0.4, 18)
    cell = np.repeat(np.arange(18), 40)
    covered = []
    for seed in range(80):
        own = rng.beta(20 * truth, 20 * (1 - truth), (40, 18)).T.ravel()
        cube = unit_cube(
            cell, np.arange(len(cell)), rng.binomial(200, own), np.full(len(cell), 200)
        )
        covered.append(all_cover(judged(cube, seed=seed), truth, np.ones(18)))
    assert np.mean(covered) >= least(0.95, 80)


def test_lower_bound_of_the_gap_is_seldom_above_the_true_gap_of_binary_groups():
    """Two rates a few points apart; the smallest groups swing far beyond them."""
    rng = np.random.default_rng(8)
    truth = np.where(np.arange(18) < 9, 0.02, 0.05)
    beyond = []
    for seed in range(80):
        trials = np.concatenate([[2000, 2000], rng.integers(5, 20, 16)])[rng.permutation(18)]
        bound = (
            judged(binary_cube(rng.binomial(trials, truth), trials), seed=seed).gaps[0].lower_bound
        )
        beyond.append(bound is not None and bound > 0.03)
    assert np.mean(beyond) <= most(0.05, 80)


def test_lower_bound_of_the_gap_is_seldom_above_the_true_gap_of_clustered_groups():
    rng = np.random.default_rng(9)
    truth = np.where(np.arange(18) < 9, 0.10, 0.15)
    beyond = []
    for seed in range(80):
        sizes = rng.integers(5, 15, 18)
        cell = np.repeat(np.arange(18), sizes)
        words = rng.integers(100, 400, len(cell))
        errors = rng.poisson(words * rng.gamma(1.5, truth[cell] / 1.5))
        bound = (
            judged(unit_cube(cell, np.arange(len(cell)), errors, words), seed=seed)
            .gaps[0]
            .lower_bound
        )
        beyond.append(bound is not None and bound > 0.05)
    assert np.mean(beyond) <= most(0.05, 80)


def test_lower_bound_of_the_gap_is_near_the_gap_where_data_abound():
    trials = np.full(18, 200_000)
    wrong = np.where(np.arange(18) == 0, 60_000, 20_000)
    gap = judged(binary_cube(wrong, trials)).gaps[0]
    assert 0.19 < gap.lower_bound < gap.largest == pytest.approx(0.2)
