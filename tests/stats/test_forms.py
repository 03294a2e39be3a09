"""Gradients, influences and linearised variances against independent references."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import roc_auc_score

from evenhand.audits.judge import judge
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Units, estimate
from evenhand.cubes.cube import cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.groups import Attribute, Partition
from evenhand.metrics.classification.mcc import _value as mcc
from evenhand.stats.forms import AreaUnderCurve, Ratio, Smooth
from evenhand.stats.intervals import linearised


def differences(form, sums):
    """Central finite differences of the value by each sum."""
    out = np.zeros_like(sums)
    for place in np.ndindex(sums.shape[1:]):
        step = 1e-5 * max(abs(sums[(0, *place)]), 1.0)
        up, down = sums.copy(), sums.copy()
        up[(0, *place)] += step
        down[(0, *place)] -= step
        out[(0, *place)] = (form.value(up) - form.value(down))[0] / (2 * step)
    return out


def f1(sums):
    return 2 * sums[..., 0] / (2 * sums[..., 0] + sums[..., 1] + sums[..., 2])


@pytest.mark.parametrize(
    "form",
    [
        Ratio(numerator=(1, 0, 0, 0), denominator=(1, 0, 1, 0)),
        Ratio(numerator=(0, 1, 2, 0), denominator=(1, 1, 0, 3)),
        Smooth(function=f1, sides=((0, 1, 2),)),
        Smooth(function=mcc, sides=((0, 2), (1, 3))),
    ],
    ids=["ratio", "weighted ratio", "f1", "mcc"],
)
def test_gradients_are_those_of_finite_differences(form):
    rng = np.random.default_rng(1)
    for _ in range(10):
        sums = rng.uniform(5, 200, (1, 1, 4))
        np.testing.assert_allclose(
            form.gradient(sums), differences(form, sums), rtol=1e-5, atol=1e-9
        )


def test_gradient_of_the_area_under_the_curve_is_that_of_finite_differences():
    rng = np.random.default_rng(2)
    sums = rng.integers(1, 9, (1, 7, 2)).astype(float)
    form = AreaUnderCurve()
    np.testing.assert_allclose(form.gradient(sums), differences(form, sums), rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("form", [Ratio(numerator=(1, 0), denominator=(1, 1)), AreaUnderCurve()])
def test_influences_add_up_to_nothing(form):
    rng = np.random.default_rng(3)
    sums = rng.integers(1, 9, (5, 1 if isinstance(form, Ratio) else 6, 2)).astype(float)
    np.testing.assert_allclose((form.gradient(sums) * sums).sum(axis=(1, 2)), 0, atol=1e-12)


@pytest.mark.parametrize(
    "form",
    [
        Ratio(numerator=(1, 0), denominator=(1, 1)),
        Smooth(function=mcc, sides=((0, 2), (1, 3))),
        AreaUnderCurve(),
    ],
)
def test_nothing_to_divide_by_is_undefined_and_never_zero(form):
    sums = np.zeros((1, 1, 4 if isinstance(form, Smooth) else 2))
    assert np.isnan(form.value(sums)).all()
    assert (form.gradient(sums) == 0).all()


def test_area_under_the_curve_of_one_class_is_undefined():
    assert np.isnan(AreaUnderCurve().value(np.array([[[3.0, 0.0], [4.0, 0.0]]]))).all()


# -- named units -----------------------------------------------------------------------------


def cube_of(above, below, unit, cell=None) -> Cube:
    """One row per (unit, cell): the rows are added up here, by hand."""
    cell = np.zeros(len(unit), np.int64) if cell is None else cell
    pairs, where = np.unique(np.stack([cell, unit]), axis=1, return_inverse=True)
    sums = np.zeros((pairs.shape[1], 2))
    np.add.at(sums, where, np.stack([above, below], axis=1))
    rows = np.bincount(cell)
    return cube_of_units(
        keys=CellKeys.of([(f"k{i}",) for i in range(len(rows))]),
        attributes=("k",),
        parts=("above", "below"),
        n_rows=rows,
        n_defined=rows,
        units=Units(
            cell=pairs[0], unit=pairs[1], sums=sums, names=tuple(map(str, range(unit.max() + 1)))
        ),
    )


RATE = Ratio(numerator=(1, 0), denominator=(0, 1))


def test_clustered_variance_of_a_mean_is_statsmodels_cluster_robust_variance():
    """OLS on a constant with units of one size: statsmodels multiplies by G/(G-1) · (N-1)/(N-1) = ours."""
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(30), 11)
    y = rng.normal(0, 1, 30)[unit] + rng.normal(0, 2, len(unit))
    cube = cube_of(y, np.ones(len(y)), unit)
    found = estimate(cube, RATE, np.array([[True]]))
    fit = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": unit})
    assert found.values[0] == pytest.approx(fit.params[0], rel=1e-12)
    assert np.sqrt(found.variances[0]) == pytest.approx(fit.bse[0], rel=1e-9)
    assert found.n_units[0] == 30


def test_clustered_variance_of_a_ratio_is_weighted_least_squares_with_clusters():
    rng = np.random.default_rng(5)
    unit = np.repeat(np.arange(25), 8)
    words = np.tile(rng.integers(1, 30, 8), 25).astype(float)
    errors = rng.poisson(words * rng.gamma(2, 0.1, 25)[unit]).astype(float)
    found = estimate(cube_of(errors, words, unit), RATE, np.array([[True]]))
    fit = sm.WLS(errors / words, np.ones(len(unit)), weights=words).fit(
        cov_type="cluster", cov_kwds={"groups": unit}
    )
    assert found.values[0] == pytest.approx(fit.params[0], rel=1e-12)
    assert np.sqrt(found.variances[0]) == pytest.approx(fit.bse[0], rel=1e-9)


def test_variance_of_units_of_any_sizes_is_unbiased_where_units_have_rates_of_their_own():
    """A quadratic form in independent effects of units: its mean is the sum over single effects."""
    rng = np.random.default_rng(41)
    sizes = np.ceil(rng.lognormal(3, 1.2, 12))
    share = sizes / sizes.sum()
    unit, everything = np.arange(12), np.array([[True]])
    found = [
        estimate(cube_of(sizes * (unit == one), sizes, unit), RATE, everything).variances[0]
        for one in unit
    ]
    assert sum(found) == pytest.approx((share**2).sum(), rel=1e-9)
    one = estimate(cube_of(sizes, sizes, unit), RATE, everything)
    assert one.n_effective[0] == pytest.approx(1 / (share**2).sum(), rel=1e-12)
    assert one.n_whole[0] == pytest.approx(1 / share.max(), rel=1e-12)


def test_a_caller_with_forty_percent_of_the_words_is_one_caller():
    """12 callers: n/(n-1) and 11 degrees of freedom cover 87 %."""
    worlds, rng = 600, np.random.default_rng(42)
    words = np.r_[366, np.full(11, 50)]
    errors = rng.binomial(words, rng.beta(2, 8, (worlds, 12)))
    cell = np.repeat(np.arange(worlds), 12)
    cube = cube_of(errors.ravel(), np.tile(words, worlds), np.arange(len(cell)), cell)
    found = estimate(cube, RATE, np.eye(worlds, dtype=bool), np.zeros((0, 2), np.int64))
    low, high = linearised(found.values, found.variances, found.n_effective, 0.95)
    slack = 3 * np.sqrt(0.05 * 0.95 / worlds)
    assert 0.95 - slack <= np.mean((low <= 0.2) & (high >= 0.2)) <= 0.95 + slack


def test_difference_of_groups_that_share_units_is_the_clustered_regression_coefficient():
    """Some speakers under both conditions, some under one: a dummy regression with clusters."""
    rng = np.random.default_rng(6)
    unit = np.concatenate([np.repeat(np.arange(0, 200), 5), np.repeat(np.arange(100, 300), 5)])
    cell = np.repeat([0, 1], 1000)
    y = rng.normal(0, 1, 300)[unit] + rng.normal(0, 1, 2000) + 0.2 * cell
    found = estimate(cube_of(y, np.ones(2000), unit, cell), RATE, np.eye(2, dtype=bool))
    ours = np.sqrt(found.variances.sum() - 2 * found.covariance[0, 1])
    design = sm.add_constant(cell.astype(float))
    fit = sm.OLS(y, design).fit(
        cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False}
    )
    assert found.values[1] - found.values[0] == pytest.approx(fit.params[1], rel=1e-9)
    # Ours multiplies by n/(n-1) of each group's own 200 units.
    assert ours == pytest.approx(fit.bse[1] * np.sqrt(200 / 199), rel=1e-9)
    assert found.shared[0, 1] == 100
    np.testing.assert_array_equal(found.n_units, [200, 200])


def test_variance_of_a_smooth_metric_is_near_the_jackknife():
    rng = np.random.default_rng(7)
    unit = np.arange(400)
    sums = rng.multinomial(6, [0.3, 0.2, 0.1, 0.4], 400).astype(float)
    form = Smooth(function=f1, sides=((0, 1, 2),))
    cube = cube_of_units(
        keys=CellKeys.of((("k",),)),
        attributes=("k",),
        parts=("tp", "fp", "fn", "tn"),
        n_rows=np.array([2400]),
        n_defined=np.array([2400]),
        units=Units(
            cell=np.zeros(400, np.int64), unit=unit, sums=sums, names=tuple(map(str, unit))
        ),
    )
    found = estimate(cube, form, np.array([[True]]))
    total = sums.sum(0)
    without = form.value((total - sums)[:, None, :])
    jackknife = 399 / 400 * ((without - without.mean()) ** 2).sum()
    assert found.variances[0] == pytest.approx(jackknife, rel=0.02)


def test_units_that_say_nothing_about_the_metric_are_not_counted():
    cube = cube_of(np.array([1.0, 0, 0, 2]), np.array([2.0, 0, 5, 4]), np.arange(4))
    assert estimate(cube, RATE, np.array([[True]])).n_units[0] == 3


def test_one_unit_has_no_variance_and_units_all_equal_have_none_either():
    one = estimate(
        cube_of(np.array([1.0]), np.array([3.0]), np.array([0])), RATE, np.array([[True]])
    )
    assert np.isnan(one.variances[0])
    equal = estimate(
        cube_of(np.full(9, 0.1), np.full(9, 0.3), np.arange(9)), RATE, np.array([[True]])
    )
    assert equal.variances[0] == 0


def test_asking_for_pairs_gives_the_numbers_of_the_whole_matrix():
    rng = np.random.default_rng(8)
    unit, cell = rng.integers(0, 40, 500), rng.integers(0, 5, 500)
    cube = cube_of(
        rng.poisson(2, 500).astype(float), rng.integers(1, 9, 500).astype(float), unit, cell
    )
    sets = np.vstack([np.eye(5, dtype=bool), ~np.eye(5, dtype=bool)])
    pairs = np.array([[i, i + 5] for i in range(5)])
    whole, some = estimate(cube, RATE, sets), estimate(cube, RATE, sets, pairs)
    np.testing.assert_allclose(
        some.covariance, whole.covariance[pairs[:, 0], pairs[:, 1]], rtol=1e-12
    )
    np.testing.assert_array_equal(some.shared, whole.shared[pairs[:, 0], pairs[:, 1]])
    np.testing.assert_allclose(np.diag(whole.covariance), whole.variances, rtol=1e-9)


# -- area under the curve ----------------------------------------------------------------------


def auc_cube(score, positive) -> Cube:
    """Rows counted by hand at each score."""
    levels, code = np.unique(score, return_inverse=True)
    sums = np.zeros((len(levels), 2))
    np.add.at(sums, (code, np.where(positive, 0, 1)), 1)
    rows = sums.sum(1).astype(np.int64)
    comoments = (
        np.einsum("cp,pq->cpq", sums, np.eye(2))
        - sums[:, :, None] * sums[:, None, :] / rows[:, None, None]
    )
    return Cube(
        attributes=("k",),
        parts=("positives", "negatives"),
        keys=CellKeys.of((("k",),) * len(levels)),
        n_rows=rows,
        n_defined=rows,
        sums=sums,
        comoments=comoments,
        level=np.arange(len(levels)),
        levels=np.arange(len(levels), dtype=float),
        indicators=True,
    )


def delong(score, positive):
    """Components of DeLong's variance by the definition: all pairs."""
    x, y = score[positive], score[~positive]
    wins = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return wins.mean(), wins.mean(1), wins.mean(0)


def test_area_is_that_of_scikit_learn_and_its_variance_delongs():
    rng = np.random.default_rng(9)
    positive = rng.random(600) < 0.3
    score = np.round(rng.normal(positive * 0.8, 1), 1)  # with ties
    found = estimate(
        auc_cube(score, positive), AreaUnderCurve(), np.ones((1, len(np.unique(score))), bool)
    )
    area, v10, v01 = delong(score, positive)
    assert found.values[0] == pytest.approx(roc_auc_score(positive, score), rel=1e-12)
    assert found.values[0] == pytest.approx(area, rel=1e-12)
    m, n = len(v10), len(v01)
    assert found.variances[0] == pytest.approx(v10.var(ddof=1) / m + v01.var(ddof=1) / n, rel=1 / m)
    linearised = (v10.var() / m + v01.var() / n) * min(m, n) / (min(m, n) - 1)
    assert found.variances[0] == pytest.approx(linearised, rel=1e-9)


def test_interval_of_an_area_with_few_positives_covers():
    """A thousand negatives do not make five positives many: the rarer class decides."""
    rng = np.random.default_rng(10)
    positive = np.arange(206) < 6
    truth = stats.norm.cdf(1.5 / np.sqrt(2))
    covered = []
    for seed in range(150):
        score = np.round(rng.normal(positive * 1.5, 1), 1)
        rules = VerdictRules(seed=seed, draws=50, low=0.0, high=1.0, higher_is_worse=False)
        cube = auc_cube(score, positive)
        found = judge(
            cube, AreaUnderCurve(), [Attribute(name="k")], [Partition(names=("k",))], rules
        ).overall
        covered.append(found.low is None or found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(covered))


def test_an_area_from_one_positive_is_refused():
    rng = np.random.default_rng(11)
    score, positive = np.round(rng.normal(0, 1, 300), 1), np.arange(300) == 0
    rules = VerdictRules(draws=50, low=0.0, high=1.0)
    found = judge(
        auc_cube(score, positive),
        AreaUnderCurve(),
        [Attribute(name="k")],
        [Partition(names=("k",))],
        rules,
    )
    assert found.overall.low is None
    assert found.overall.reason == "too_few_units"
