"""What groups lend each other: by hand, at the limits, and in the tail."""

import numpy as np
import pytest
from scipy import special, stats

from evenhand.stats.bounded_means import gaffke_limits
from evenhand.stats.intervals import constant_limits
from evenhand.stats.moderation import Prior, fit_prior


def prior_of(groups):
    n = np.array([float(len(g)) for g in groups])
    own = np.array([g.var(ddof=1) for g in groups])
    powers = [
        np.array([((g - g.mean()) ** power).mean() for g in groups])[None] for power in (3, 4)
    ]
    prior = fit_prior(own[None], n[None], *powers, np.ones((1, len(groups)), bool))
    return prior, own, n


def lent(groups):
    prior, own, n = prior_of(groups)
    return prior.moderated(np.zeros(len(groups), int), own, n)


def test_groups_that_vary_alike_lend_all_they_have():
    rng = np.random.default_rng(1)
    groups = [rng.normal(0, 1, 10) for _ in range(200)]
    variance, df = lent(groups)
    assert np.median(variance) == pytest.approx(1, rel=0.05)
    assert np.median(np.abs(variance - 1)) < 0.05
    assert np.median(df) > 100


def test_groups_that_vary_each_in_its_way_keep_their_own():
    rng = np.random.default_rng(2)
    groups = [rng.normal(0, np.exp(rng.normal(0, 1.5)), 30) for _ in range(50)]
    variance, df = lent(groups)
    own = np.array([g.var(ddof=1) for g in groups])
    assert np.median(np.abs(np.log(variance / own))) < 0.05
    assert np.median(df) < 35


@pytest.mark.parametrize("truth", [4, 8, 20])
def test_the_prior_of_smyth_is_found(truth):
    """Variances from a scaled inverse chi-square; their mixture's tails are not taken for the units'."""
    rng = np.random.default_rng(3)
    groups = [rng.normal(0, np.sqrt(2 * truth / rng.chisquare(truth)), 12) for _ in range(4000)]
    prior, _, _ = prior_of(groups)
    # 17.8 and 36 were found for 8 and 20 while the mixture's fourth powers were taken for kurtosis.
    assert 0.85 * truth < prior.df[0] < 1.3 * truth
    assert prior.scale[0] == pytest.approx(2, rel=0.05)
    assert prior.kurtosis[0] == pytest.approx(3, abs=0.3)


def test_heavy_tails_of_units_that_vary_alike_stay_theirs():
    rng = np.random.default_rng(8)
    prior, _, _ = prior_of([rng.laplace(0, 1, 60) for _ in range(400)])
    assert prior.kurtosis[0] == pytest.approx(6, abs=0.8)
    assert prior.df[0] > 100


def test_a_group_far_below_the_others_is_believed_and_one_of_two_lends_nothing_to_the_larger():
    rng = np.random.default_rng(4)
    small = [rng.normal(0, 0.02, 10), *(rng.normal(0, 0.15, 20) for _ in range(5))]
    variance, _ = lent(small)
    assert variance[0] == pytest.approx(small[0].var(ddof=1), rel=0.2)
    two = [rng.normal(0, 2, 8), rng.normal(0, 1, 100)]
    variance, df = lent(two)
    assert (variance[0], df[0]) == pytest.approx((two[0].var(ddof=1), 7))


@pytest.mark.parametrize("groups", [3, 6, 12, 40])
@pytest.mark.parametrize("units", [5, 10, 20])
def test_what_is_lent_keeps_the_error_of_normal_units(groups, units):
    """All variances that a group can have by chance, weighed by their probability."""
    nu = units - 1.0
    variance = stats.chi2.ppf((np.arange(4000) + 0.5) / 4000, nu) / nu
    prior = Prior(
        scale=np.ones(1),
        df=np.array([np.inf]),
        mean=np.ones(1),
        total_df=np.array([nu * groups]),
        groups=np.array([groups]),
        skewness=np.zeros(1),
        kurtosis=np.full(1, 3.0),
    )
    lent, df = prior.moderated(np.zeros(4000, int), variance, np.full(4000, float(units)))
    for alpha in (0.05 / groups, 0.001, 0.0001):
        critical = -special.stdtrit(df, alpha / 2)
        wrong = 2 * special.ndtr(-critical * np.sqrt(lent)).mean()
        assert wrong < 1.06 * alpha


def pools_of(spreads, rng):
    """Pools of 12 groups of 8 units, one for each spread."""
    groups = [[rng.normal(0, spread, 8) for _ in range(12)] for spread in spreads]
    own = np.array([[g.var(ddof=1) for g in pool] for pool in groups])
    powers = [
        np.array([[((g - g.mean()) ** power).mean() for g in pool] for pool in groups])
        for power in (3, 4)
    ]
    return fit_prior(own, np.full(own.shape, 8.0), *powers, np.ones(own.shape, bool))


def test_conditions_that_vary_alike_lend_each_other():
    rng, family = np.random.default_rng(10), (np.arange(40),)
    alike = pools_of(np.ones(40), rng)
    lent = alike.among(family, np.zeros(1))
    assert np.abs(np.log(lent.mean)).mean() < 0.4 * np.abs(np.log(alike.mean)).mean()
    assert np.median(lent.total_df) > 2.5 * np.median(alike.total_df)
    # Of variances that are correlated by .25 forty tell what four would.
    resembling = alike.among(family, np.full(1, 0.25))
    assert np.median(resembling.total_df) < 5 * np.median(alike.total_df)
    few = alike.among((np.arange(3),), np.zeros(1))
    assert few.total_df == pytest.approx(alike.total_df)


def test_a_condition_that_varies_otherwise_keeps_its_own():
    rng, family = np.random.default_rng(11), (np.arange(40),)
    one = pools_of(np.r_[np.ones(39), 3.0], rng)
    assert one.among(family, np.zeros(1)).mean[-1] > 0.98 * one.mean[-1]
    each = pools_of(np.exp(rng.normal(0, 1, 40)), rng)
    lent = each.among(family, np.zeros(1))
    assert np.abs(np.log(lent.mean / each.mean)).max() < 0.1


def test_half_the_spread_of_the_others_is_half_believed():
    """A group of 10 that varies half as much as 300 others was drawn up to them wholly."""
    rng = np.random.default_rng(9)
    small = np.array([-1.0, 1.0] * 5) * 0.075 * np.sqrt(9 / 10)
    variance, df = lent([small, *(rng.normal(0, 0.15, 60) for _ in range(5))])
    assert variance[0] < 0.75 * 0.15**2
    assert 9 <= df[0] < 40


def test_no_event_among_few_skewed_units_is_no_certainty():
    rng = np.random.default_rng(5)
    groups = [np.zeros(10), *((rng.random(100) < 0.05) * 1.0 for _ in range(5))]
    variance, _ = lent(groups)
    pooled = np.mean([g.var(ddof=1) for g in groups[1:]])
    assert variance[0] > 0.8 * pooled


def test_the_far_tail_is_that_of_student():
    """p-values below .001 and .0001 came 1.5 and 3.9 times as often while small variances were believed."""
    rng, found, total = np.random.default_rng(6), np.zeros(3), 0
    for _ in range(500):
        groups = rng.normal(0, 1, (12, 8))
        variance, df = lent(list(groups))
        t = groups.mean(axis=1) / np.sqrt(variance / 8)
        p = 2 * special.stdtr(df, -np.abs(t))
        found += [(p < alpha).sum() for alpha in (0.05, 0.01, 0.001)]
        total += len(p)
    expected = total * np.array([0.05, 0.01, 0.001])
    assert (found <= expected + 3 * np.sqrt(expected) * 1.3).all()
    assert found[0] > 0.8 * expected[0]


# -- limits of bounded means ---------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 5, 20, 200])
def test_limits_of_a_constant_are_clopper_and_pearsons(n):
    low, high = gaffke_limits(np.zeros(n), 0.025)
    exact = stats.beta.ppf(0.975, 1, n)
    assert (low, high) == pytest.approx((0, exact))
    assert constant_limits(1.0, n, 0.025, 0.0, 1.0)[0] == pytest.approx(1 - exact)


@pytest.mark.parametrize("tail", [0.025, 0.001])
def test_the_tail_beyond_a_limit_is_that_of_exponentials(tail):
    """Lugannani and Rice against a hundred thousand draws."""
    rng = np.random.default_rng(7)
    for x in (rng.beta(2, 8, 20), np.r_[np.full(7, 0.05), 0.6], np.r_[np.zeros(39), 1.0]):
        low, high = gaffke_limits(x, tail)
        drawn = rng.exponential(size=(200_000, len(x) + 1))
        above = drawn[:, :-1] @ (x - high) + drawn[:, -1] * (1 - high) > 0
        below = drawn[:, :-1] @ (x - low) + drawn[:, -1] * (0 - low) < 0
        slack = 4 * np.sqrt(tail / 200_000) + 0.2 * tail
        assert abs(above.mean() - tail) < slack
        assert abs(below.mean() - tail) < slack


@pytest.mark.parametrize("n", [5, 20, 60])
@pytest.mark.parametrize(
    ("share", "bad", "good"),
    [(0.1, 1.0, 0.0), (0.05, 0.9, 0.05), (0.5, 1.0, 0.0), (0.02, 1.0, 0.2)],
)
def test_limits_of_bounded_means_miss_no_more_than_they_say(n, share, bad, good):
    """Two values: all numbers of bad ones, weighed by their probability, without simulation."""
    k = np.arange(n + 1)
    truth = share * bad + (1 - share) * good
    ends = [gaffke_limits(np.r_[np.full(i, bad), np.full(n - i, good)], 0.025) for i in k]
    low, high = np.array(ends).T
    chance = stats.binom.pmf(k, n, share)
    assert chance[low > truth + 1e-9].sum() <= 0.0251
    assert chance[high < truth - 1e-9].sum() <= 0.0251


def test_more_of_the_same_brings_limits_nearer_and_sizes_weigh():
    x = np.r_[np.zeros(15), np.full(5, 0.4)]
    once, twice = gaffke_limits(x, 0.025), gaffke_limits(x, 0.025, times=2)
    assert once[0] < twice[0] < x.mean() < twice[1] < once[1]
    assert twice == pytest.approx(gaffke_limits(np.r_[x, x], 0.025), abs=1e-6)
    weighed = gaffke_limits(x, 0.025, sizes=np.r_[np.ones(15), np.full(5, 3.0)])
    assert weighed[1] > once[1]
    assert gaffke_limits(3 * x - 1, 0.025, -1, 2) == pytest.approx(
        tuple(3 * end - 1 for end in once), abs=1e-6
    )
