"""What mainstream tools or brute force compute, we compute."""

import itertools

import numpy as np
import pytest
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.oneway import anova_oneway
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evenhand.stats import contrasts, intervals, power, shrinkage, simultaneous, spread

LEVELS = (0.8, 0.95, 0.999)


# -- one proportion --------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_wilson_is_that_of_statsmodels(level):
    n = np.repeat([1, 2, 7, 30, 1000], 5)
    x = np.round(n * np.tile([0, 0.1, 0.5, 0.9, 1], 5))
    ours = intervals.wilson(x, n, intervals.z_of(level))
    theirs = proportion_confint(x, n, alpha=1 - level, method="wilson")
    most = intervals.z_of(level) ** 2  # more events than that are not few
    for mine, other, count in zip(ours, theirs, (x, n - x), strict=True):
        many = (count == 0) | (count > most)
        np.testing.assert_allclose(mine[many], other[many], atol=1e-12)
    assert (ours[0] <= theirs[0] + 1e-12).all()
    assert (ours[1] >= theirs[1] - 1e-12).all()


@pytest.mark.parametrize(
    ("x", "n", "low"),
    [
        (1, 30, -np.log(0.95) / 30),  # a Poisson variable of this mean is 0 with probability .95
        (2, 30, 0.3553615 / 30),
        (3, 30, 0.0345999),  # of up to 50 trials three are not few: Wilson's
        (3, 60, 0.8176914 / 60),
        (4, 60, 0.0262287),
        (1, 1, 0.0512933),
    ],
)
def test_few_events_have_the_poisson_limit_of_brown_cai_and_dasgupta(x, n, low):
    assert float(intervals.wilson(x, n, intervals.z_of(0.95))[0]) == pytest.approx(low, rel=1e-5)
    assert float(intervals.wilson(n - x, n, intervals.z_of(0.95))[1]) == pytest.approx(
        1 - low, rel=1e-5
    )
    reference = stats.chi2.ppf(0.05, 2 * x) / (2 * n)
    wilson = proportion_confint(x, n, method="wilson")[0]
    assert low == pytest.approx(reference if x < 3 or (x == 3 and n > 50) else wilson, rel=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_limits_rise_with_the_events_and_hold_the_rate_that_was_seen(level):
    for n in (1, 2, 10, 50, 51, 300):
        x = np.arange(n + 1)
        for each_end in (False, True):
            low, high = intervals.wilson(x, n, intervals.z_of(level), each_end=each_end)
            assert (np.diff(low) > 0).all()
            assert (np.diff(high) > 0).all()
            assert ((low <= x / n) & (x / n <= high)).all()


@pytest.mark.parametrize("level", LEVELS)
def test_clopper_pearson_is_that_of_statsmodels(level):
    for n in (1, 2, 7, 30, 1000):
        x = np.unique(np.round(n * np.array([0, 0.1, 0.5, 0.9, 1])))
        ours = intervals.clopper_pearson(x, np.full(len(x), n), level)
        theirs = proportion_confint(x, n, alpha=1 - level, method="beta")
        np.testing.assert_allclose(ours, np.nan_to_num(theirs), atol=1e-10)


def test_no_trials_have_no_interval():
    for low, high in (intervals.wilson(0, 0, 1.96), intervals.clopper_pearson(0, 0)):
        assert np.isnan(low)
        assert np.isnan(high)


def test_wilson_holds_the_rate_that_was_seen_at_both_ends():
    n = np.arange(1, 400)
    low, _ = intervals.wilson(np.zeros(len(n)), n, 1.96)
    _, high = intervals.wilson(n, n, 1.96)
    assert (low == 0).all()
    assert (high == 1).all()


def test_t_of_infinite_degrees_of_freedom_is_the_normal_quantile():
    ours = intervals.t_of(0.95, [1, 4.5, 30, np.inf])
    np.testing.assert_allclose(
        ours, [*stats.t.ppf(0.975, [1, 4.5, 30]), stats.norm.ppf(0.975)], rtol=1e-12
    )


# -- two proportions -------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_newcombe_is_that_of_statsmodels(level):
    rng = np.random.default_rng(1)
    for _ in range(40):
        n1, n2 = rng.integers(2, 200, 2)
        x1, x2 = rng.integers(0, n1 + 1), rng.integers(0, n2 + 1)
        ours = contrasts.newcombe(x1, n1, x2, n2, intervals.z_of(level))
        theirs = confint_proportions_2indep(x1, n1, x2, n2, method="newcomb", alpha=1 - level)
        few = [0 < count <= intervals.z_of(level) ** 2 for count in (x1, n1 - x1, x2, n2 - x2)]
        # Each limit rests on one limit of either side.
        for end, ends in ((0, (few[0], few[3])), (1, (few[1], few[2]))):
            if not any(ends):
                np.testing.assert_allclose(ours[end], theirs[end], atol=1e-9)
            else:
                assert (ours[end] < theirs[end]) if end == 0 else (ours[end] > theirs[end])


def test_newcombe_of_few_events_rests_on_clopper_and_pearson():
    low, high = contrasts.newcombe(1, 30, 100, 1000, intervals.z_of(0.95))
    one, many = (
        proportion_confint(1, 30, method="beta"),
        proportion_confint(100, 1000, method="wilson"),
    )
    upper = proportion_confint(1, 30, method="wilson")[1]
    difference = 1 / 30 - 0.1
    assert float(low) == pytest.approx(difference - np.hypot(1 / 30 - one[0], many[1] - 0.1))
    assert float(high) == pytest.approx(difference + np.hypot(upper - 1 / 30, 0.1 - many[0]))


@pytest.mark.parametrize("rates", [(0.3, 0.2), (0.03, 0.004), (0.97, 0.999)])
@pytest.mark.parametrize("exact", [False, True])
def test_newcombe_p_is_below_alpha_exactly_where_the_interval_leaves_zero(exact, rates):
    rng = np.random.default_rng(2)
    n1, n2 = rng.integers(5, 300, (2, 400))
    x1, x2 = rng.binomial(n1, rates[0]), rng.binomial(n2, rates[1])
    p = contrasts.p_of_z(contrasts.newcombe_z(x1, n1, x2, n2, exact=exact))
    for level in LEVELS:
        low, high = contrasts.newcombe(x1, n1, x2, n2, intervals.z_of(level), exact=exact)
        np.testing.assert_array_equal(p < 1 - level, (low > 0) | (high < 0))
    assert 0.02 < np.mean(p < 0.05) < 0.95


def test_t_p_is_below_alpha_exactly_where_the_interval_leaves_zero():
    rng = np.random.default_rng(3)
    difference, variance = rng.normal(0, 2, 300), rng.gamma(1, 1, 300)
    df = rng.uniform(1, 50, 300)
    p = contrasts.p_of_z(contrasts.t_test_z(difference, variance, df))
    np.testing.assert_allclose(
        p, 2 * stats.t.sf(np.abs(difference) / np.sqrt(variance), df), rtol=1e-9
    )
    for level in LEVELS:
        low, high = contrasts.t_interval(difference, variance, df, level)
        np.testing.assert_array_equal(p < 1 - level, (low > 0) | (high < 0))


def test_welch_degrees_of_freedom_are_those_of_scipy():
    rng = np.random.default_rng(4)
    for _ in range(20):
        a, b = rng.normal(0, 1, rng.integers(3, 30)), rng.normal(0.5, 3, rng.integers(3, 30))
        v1, v2 = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
        df = contrasts.satterthwaite((v1, v2), (len(a) - 1, len(b) - 1))
        theirs = stats.ttest_ind(a, b, equal_var=False)
        assert float(df) == pytest.approx(theirs.df, rel=1e-12)
        p = contrasts.p_of_z(
            contrasts.t_test_z(np.array([a.mean() - b.mean()]), np.array([v1 + v2]), df)
        )
        assert float(p[0]) == pytest.approx(theirs.pvalue, rel=1e-9)


# -- ratios ----------------------------------------------------------------------------------


def mover_by_inversion(first, second, side):
    """Ratio r at which the MOVER interval of a - r b touches 0, found by root finding."""
    (a, l1, u1), (b, l2, u2) = first, second

    def edge(r):
        if side == "low":
            return a - r * b - np.sqrt((a - l1) ** 2 + r**2 * (u2 - b) ** 2)
        return a - r * b + np.sqrt((u1 - a) ** 2 + r**2 * (b - l2) ** 2)

    top = 1.0
    while edge(top) > 0:
        top *= 2
    return optimize.brentq(edge, 0, top, xtol=1e-14)


def test_mover_ratio_is_the_inversion_of_the_difference():
    rng = np.random.default_rng(5)
    wide = 0
    for _ in range(200):
        n1, n2 = rng.integers(4, 200, 2)
        x1, x2 = rng.integers(1, n1 + 1), rng.integers(1, n2 + 1)
        (l1, u1), (l2, u2) = (
            tuple(map(float, intervals.wilson(x, n, 1.96))) for x, n in ((x1, n1), (x2, n2))
        )
        a, b = x1 / n1, x2 / n2
        low, high = contrasts.mover_ratio(*map(np.float64, (a, l1, u1, b, l2, u2)))
        assert float(low) == pytest.approx(
            mover_by_inversion((a, l1, u1), (b, l2, u2), "low"), rel=1e-8
        )
        assert float(high) == pytest.approx(
            mover_by_inversion((a, l1, u1), (b, l2, u2), "high"), rel=1e-8
        )
        wide += u2 > 2 * b
    assert wide > 5  # the branch in which the leading coefficient is negative


def test_mover_ratio_has_no_upper_end_where_the_second_rate_may_be_nothing():
    low, high = contrasts.mover_ratio(*map(np.float64, (0.2, 0.1, 0.3, 0.1, 0.0, 0.3)))
    assert 0 < low < 2 < high == np.inf


def test_mover_ratio_of_a_rate_of_nothing_starts_at_zero():
    low, high = contrasts.mover_ratio(*map(np.float64, (0.0, 0.0, 0.1, 0.2, 0.1, 0.3)))
    assert low == 0
    assert 0 < high < 1.1


# -- many comparisons ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "method"), [(simultaneous.holm, "holm"), (simultaneous.benjamini_hochberg, "fdr_bh")]
)
def test_adjustments_are_those_of_statsmodels_with_ties_too(ours, method):
    rng = np.random.default_rng(6)
    for size in (1, 2, 3, 10, 90):
        for _ in range(3):
            p = np.round(rng.beta(0.5, 2, size), rng.integers(1, 6))
            np.testing.assert_allclose(ours(p), multipletests(p, method=method)[1], atol=1e-12)


def test_benjamini_hochberg_does_not_depend_on_the_order():
    rng = np.random.default_rng(7)
    p = np.round(rng.beta(0.5, 2, 40), 2)
    order = rng.permutation(40)
    np.testing.assert_allclose(
        simultaneous.benjamini_hochberg(p)[order], simultaneous.benjamini_hochberg(p[order])
    )


def test_max_t_of_independent_contrasts_is_sidak():
    draws = simultaneous.draw_normal(
        np.diag([1.0, 4.0, 0.01, 9.0, 2.0]), 200_000, np.random.default_rng(8)
    )
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / 5)) / 2)
    assert simultaneous.max_t_quantile(draws, 0.95) == pytest.approx(sidak, abs=0.02)


def test_max_t_of_identical_contrasts_costs_nothing():
    draws = simultaneous.draw_normal(np.full((6, 6), 2.0), 200_000, np.random.default_rng(9))
    assert simultaneous.max_t_quantile(draws, 0.95) == pytest.approx(1.96, abs=0.02)


def test_draws_have_the_correlation_asked_for():
    root = np.random.default_rng(10).normal(size=(4, 4))
    covariance = root @ root.T
    draws = simultaneous.draw_normal(covariance, 200_000, np.random.default_rng(11))
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(np.cov(draws.T), covariance / np.outer(scale, scale), atol=0.02)


def test_step_down_is_the_algorithm_of_romano_and_wolf():
    """Written out: the j-th largest against the maximum over itself and all smaller ones."""
    rng = np.random.default_rng(12)
    root = rng.normal(size=(6, 3))
    draws = simultaneous.draw_normal(root @ root.T + np.eye(6), 4000, rng)
    z = np.array([0.3, 2.9, 2.1, 1.0, 2.5, 0.0])
    expected, worst = np.empty(6), 0.0
    order = np.argsort(-z)
    for place, index in enumerate(order):
        largest = np.abs(draws[:, order[place:]]).max(axis=1)
        worst = max(worst, (1 + np.sum(largest >= z[index])) / 4001)
        expected[index] = worst
    bonferroni = multipletests(2 * stats.norm.sf(z), method="holm")[1]
    np.testing.assert_allclose(
        simultaneous.step_down(z, draws), np.minimum(expected, bonferroni), rtol=1e-12
    )


def test_pairs_are_bounded_by_tukeys_studentised_range():
    """Equal variances, independent: one-sided over ordered pairs = range / sqrt(2)."""
    draws = simultaneous.draw_normal(np.eye(18), 40_000, np.random.default_rng(13))
    ours = spread.largest_pair_quantile(np.eye(18), draws, 0.95)
    assert ours == pytest.approx(
        stats.studentized_range.ppf(0.95, 18, np.inf) / np.sqrt(2), abs=0.03
    )


# -- groups as a whole -----------------------------------------------------------------------


def test_chi_square_is_that_of_scipy():
    rng = np.random.default_rng(14)
    for k in (2, 5, 18):
        n = rng.integers(100, 500, k)
        x = rng.binomial(n, 0.3)
        expected = stats.chi2_contingency(np.stack([x, n - x]), correction=False).pvalue
        assert spread.chi_square_p(x.astype(float), n.astype(float), rng) == pytest.approx(
            expected, rel=1e-9
        )


def test_small_groups_get_the_exact_distribution_given_the_margins():
    """2 x 2: enumerated over the hypergeometric distribution."""
    x, n = np.array([4.0, 1.0]), np.array([6.0, 9.0])
    share = x.sum() / n.sum()

    def statistic(first):
        counts = np.array([first, x.sum() - first])
        return ((counts - n * share) ** 2 / (n * share * (1 - share))).sum()

    table = stats.hypergeom(15, 5, 6)
    exact = sum(table.pmf(first) for first in range(6) if statistic(first) >= statistic(4) - 1e-9)
    ours = spread.chi_square_p(x, n, np.random.default_rng(15), draws=40_000)
    assert ours == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 40_000) + 1e-4)


def test_a_group_without_trials_is_no_evidence_of_difference():
    ours = spread.chi_square_p(
        np.array([3.0, 4.0, 0.0]), np.array([50.0, 60.0, 0.0]), np.random.default_rng(16)
    )
    assert ours > 0.5


def test_welchs_anova_is_that_of_statsmodels():
    rng = np.random.default_rng(17)
    for k in (2, 3, 18):
        groups = [rng.normal(0.2 * g, 1 + g % 3, rng.integers(5, 40)) for g in range(k)]
        ours = spread.welch_p(
            np.array([g.mean() for g in groups]),
            np.array([g.var(ddof=1) / len(g) for g in groups]),
            np.array([float(len(g) - 1) for g in groups]),
        )
        assert ours == pytest.approx(anova_oneway(groups, use_var="unequal").pvalue, rel=1e-9)


def test_wald_p_is_hotellings_test_of_the_differences():
    rng = np.random.default_rng(18)
    data = rng.normal(size=(25, 1)) + rng.normal(size=(25, 4)) + np.array([0, 0.2, 0.4, 0])
    contrast = np.array(
        [[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1]]
    )  # another basis, the same hypothesis
    moved = data @ contrast.T
    t2 = 25 * moved.mean(0) @ np.linalg.solve(np.cov(moved.T), moved.mean(0))
    expected = stats.f.sf(t2 * (25 - 3) / (24 * 3), 3, 22)
    assert spread.wald_p(data.mean(0), np.cov(data.T) / 25, 25) == pytest.approx(expected, rel=1e-9)


def test_wald_p_refuses_too_few_units_and_differences_without_variance():
    assert spread.wald_p(np.zeros(5), np.eye(5), 5) is None
    assert spread.wald_p(np.array([0.1, 0.2]), np.ones((2, 2)), 30) is None


def test_between_group_spread_has_sampling_noise_taken_off():
    rng = np.random.default_rng(19)
    truth = rng.normal(0, 0.05, (4000, 18))
    seen = truth + rng.normal(0, 0.04, truth.shape)
    found = np.array([spread.between_group_sd(row, np.full(18, 0.04**2)) ** 2 for row in seen])
    assert found.mean() == pytest.approx(0.05**2, rel=0.03)
    assert spread.between_group_sd(np.full(5, 0.1), np.full(5, 0.01)) == 0.0


def test_what_all_groups_share_is_no_noise_between_them():
    """Twenty speakers under six conditions: they move all conditions together."""
    rng = np.random.default_rng(20)
    squares = []
    for _ in range(400):
        truth = 0.02 * np.array([-1.2, -0.8, -0.2, 0.2, 0.8, 1.2])
        seen = truth + rng.normal(0, 0.1, (20, 1)) + rng.normal(0, 0.02, (20, 6))
        squares.append(spread.between_group_sd(seen.mean(0), np.cov(seen.T) / 20) ** 2)
    assert np.mean(squares) == pytest.approx(truth.var(ddof=1), rel=0.05)


# -- power -----------------------------------------------------------------------------------


def test_minimum_detectable_difference_is_detected_four_times_in_five():
    error, z = 0.03, 2.9
    difference = float(power.minimum_detectable_difference(error, z))
    assert special.ndtr(difference / error - z) == pytest.approx(0.8, abs=1e-9)


def test_minimum_detectable_difference_of_few_units_is_that_of_the_noncentral_t():
    error, z, df = 0.03, 2.9, 6.0
    difference = float(power.minimum_detectable_difference(error, z, df))
    needed = stats.t.isf(stats.norm.sf(z), df)
    assert stats.nct.sf(needed, df, difference / error) == pytest.approx(0.8, abs=1e-6)
    beyond = power.minimum_detectable_difference(error, z, df, tolerance=0.1)
    assert float(beyond) == pytest.approx(difference + 0.1, rel=1e-12)


@pytest.mark.parametrize(
    ("rate", "n1", "n2"), [(0.1, 100, 500), (0.005, 1000, 5000), (0.3, 60, 60)]
)
def test_detectable_proportions_are_detected_four_times_in_five(rate, n1, n2):
    z, rng = 2.6, np.random.default_rng(77)
    x2 = np.array([round(rate * n2)], float)
    found = power.detectable_proportion(
        (x2 * 0, np.array([float(n1)])), (x2, np.array([float(n2)])), z, exact=True
    )
    one, two = rng.binomial(n1, rate + found[0], 2000), rng.binomial(n2, rate, 2000)
    low, _ = contrasts.newcombe(one, n1, two, n2, z, exact=True)
    assert 0.75 < np.mean(low > 0) < 0.86


# -- shrinkage -------------------------------------------------------------------------------


def blup_by_brute_force(values, variances, incidences):
    """REML by general-purpose optimisation of the restricted likelihood, then BLUP."""
    ones = np.ones(len(values))

    def pieces(theta):
        covariance = np.diag(variances) + sum(t * z for t, z in zip(theta, incidences, strict=True))
        inverse = np.linalg.inv(covariance)
        mean = (ones @ inverse @ values) / (ones @ inverse @ ones)
        return covariance, inverse, mean

    def deviance(root):
        covariance, inverse, mean = pieces(root**2)
        residual = values - mean
        return (
            np.linalg.slogdet(covariance)[1]
            + np.log(ones @ inverse @ ones)
            + residual @ inverse @ residual
        )

    scale = values.std()
    starts = itertools.product([0.1 * scale, scale], repeat=len(incidences))
    tries = [
        optimize.minimize(
            deviance,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000},
        )
        for start in starts
    ]
    best = min(tries, key=lambda fit: fit.fun)
    _, inverse, mean = pieces(best.x**2)
    return values - variances * (inverse @ (values - mean))


@pytest.mark.parametrize("seed", range(6))
def test_shrinkage_is_the_blup_at_the_reml_optimum_of_one_component(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(4, 20))
    variances = rng.uniform(0.0002, 0.003, k)
    values = rng.normal(0.2, 0.04 * (seed % 3), k) + rng.normal(0, np.sqrt(variances))
    expected = blup_by_brute_force(values, variances, [np.eye(k)])
    np.testing.assert_allclose(shrinkage.shrink(values, variances), expected, atol=2e-5)


@pytest.mark.parametrize("seed", range(5))
def test_shrinkage_of_crossed_attributes_is_the_blup_at_the_reml_optimum(seed):
    rng = np.random.default_rng(100 + seed)
    one, two = (axis.ravel() for axis in np.meshgrid(np.arange(4), np.arange(5), indexing="ij"))
    variances = rng.uniform(0.0002, 0.002, 20)
    values = (
        0.2
        + rng.normal(0, 0.05, 4)[one]
        + rng.normal(0, 0.03 * (seed % 2), 5)[two]
        + rng.normal(0, 0.02, 20)
        + rng.normal(0, np.sqrt(variances))
    )
    incidences = [(code[:, None] == code).astype(float) for code in (one, two)] + [np.eye(20)]
    expected = blup_by_brute_force(values, variances, incidences)
    np.testing.assert_allclose(shrinkage.shrink(values, variances, [one, two]), expected, atol=1e-4)


def test_shrinkage_makes_the_squared_error_smaller():
    rng = np.random.default_rng(20)
    raw, shrunk = [], []
    for _ in range(100):
        truth = rng.normal(0.2, 0.02, 18)
        values = truth + rng.normal(0, 0.05, 18)
        raw.append(np.mean((values - truth) ** 2))
        shrunk.append(np.mean((shrinkage.shrink(values, np.full(18, 0.05**2)) - truth) ** 2))
    assert np.mean(shrunk) < np.mean(raw) / 3


def test_equal_values_shrink_to_themselves_and_two_groups_stay():
    np.testing.assert_allclose(shrinkage.shrink(np.full(6, 0.3), np.full(6, 0.01)), 0.3)
    two = np.array([0.1, 0.4])
    np.testing.assert_array_equal(shrinkage.shrink(two, np.full(2, 0.01)), two)


def test_shrinkage_does_not_depend_on_the_order_of_groups():
    rng = np.random.default_rng(21)
    values, variances = rng.normal(0.2, 0.1, 12), rng.uniform(0.001, 0.01, 12)
    order = rng.permutation(12)
    one, two = np.arange(12) % 3, np.arange(12) // 4
    np.testing.assert_allclose(
        shrinkage.shrink(values, variances, [one, two])[order],
        shrinkage.shrink(values[order], variances[order], [one[order], two[order]]),
        atol=1e-9,
    )
