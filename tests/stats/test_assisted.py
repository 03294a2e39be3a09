"""Few labels beside a judge's of all rows: intervals cover, and the forms are what they say."""

from functools import cache

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from evenhand.comparisons.comparison import compare
from evenhand.comparisons.rates import bounds_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Units, estimate
from evenhand.cubes.cube import cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.stats import intervals
from evenhand.stats.assisted import (
    COUNTS,
    AssistedRatio,
    AssistedShare,
    LabelledApart,
    labels_alone,
    pooled_weight,
)
from evenhand.stats.forms import Ratio

ALONE = Ratio(numerator=(1, *[0] * 7), denominator=(0, 1, *[0] * 6), needs=((7,),))
NO_PAIRS = np.zeros((0, 2), np.int64)
Z = intervals.z_of(0.95)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with threadpool_limits(1):
        yield


def least(level, worlds):
    return level - 3 * np.sqrt(level * (1 - level) / worlds)


# -- shares of rows that are their own units ------------------------------------------------------


def shares(rng, worlds, labels, rate, right, rows=2000):
    """Counts of worlds: labelled rows at random, a judge that is right so often."""
    wrong = rng.binomial(labels, rate, worlds)
    both = rng.binomial(wrong, right)
    found = both + rng.binomial(labels - wrong, 1 - right)
    others = rng.binomial(rows - labels, rate, worlds)
    said = rng.binomial(others, right) + rng.binomial(rows - labels - others, 1 - right)
    n, all_rows = np.full(worlds, labels), np.full(worlds, rows)
    columns = (wrong, n, found, n, found + said, all_rows, both, n)
    return np.stack(columns, axis=1).astype(float)[:, None, :]


@pytest.mark.parametrize("labels", [30, 50, 100, 200])
@pytest.mark.parametrize("rate", [0.05, 0.2])
@pytest.mark.parametrize("right", [0.98, 0.9, 0.8, 0.6])
def test_shares_are_covered(labels, rate, right):
    sums = shares(np.random.default_rng(1), 4000, labels, rate, right)
    low, high = AssistedShare().limits(sums, Z, exact=False)
    assert ((low <= rate) & (rate <= high)).mean() > least(0.95, 4000)
    wide = AssistedShare().limits(sums, Z, exact=True)
    assert ((wide[0] <= rate) & (rate <= wide[1])).mean() > least(0.95, 4000)


@pytest.mark.parametrize("rows", [60, 200])
def test_shares_are_covered_where_much_is_labelled(rows):
    sums = shares(np.random.default_rng(2), 4000, 50, 0.2, 0.9, rows=rows)
    low, high = AssistedShare().limits(sums, Z, exact=False)
    assert ((low <= 0.2) & (high >= 0.2)).mean() > least(0.95, 4000)


@pytest.mark.parametrize("rates", [(0.2, 0.2), (0.3, 0.1), (0.05, 0.05)])
@pytest.mark.parametrize("labels", [(30, 200), (60, 60)])
def test_differences_of_shares_are_covered(rates, labels):
    rng = np.random.default_rng(3)
    one, two = (shares(rng, 3000, n, p, 0.93) for n, p in zip(labels, rates, strict=True))
    low, high = AssistedShare().difference(one, two, Z, exact=False)
    apart = rates[0] - rates[1]
    assert ((low <= apart) & (apart <= high)).mean() > least(0.95, 3000)


def test_a_good_judge_is_worth_labels_and_a_bad_one_costs_few():
    def worth(right):
        sums = shares(np.random.default_rng(4), 2000, 200, 0.2, right)
        low, high = AssistedShare().limits(sums, Z, exact=False)
        alone = intervals.wilson(sums[:, 0, 0], sums[:, 0, 1], Z)
        return float(np.median(((alone[1] - alone[0]) / (high - low)) ** 2))

    assert worth(0.98) > 3
    assert worth(0.9) > 1.6
    assert worth(0.6) > 0.95


# -- ratios of sums over units --------------------------------------------------------------------


def callers(rng, worlds, number, labelled, right, kind):
    """Sizes, errors and the judge's errors of callers, shape (worlds, callers); the first are labelled."""
    shape = (worlds, number)
    size = np.maximum(1, np.rint(rng.lognormal(np.log(15), 1.0, shape))).astype(int)
    if kind == "equal":
        size = np.full(shape, 20)
    large = np.log(size / 15)
    base = {"related": 0.15, "equal": 0.1, "heavy": 0.1}[kind]
    logit = np.log(base / (1 - base))
    if kind == "heavy":  # a tenth of the callers has nearly all errors
        rate = np.where(rng.random(shape) < 0.1, 0.8, 0.022)
    else:
        tilt = 0.8 * large if kind == "related" else 0.0
        rate = 1 / (1 + np.exp(-(logit + tilt + rng.normal(0, 0.5, shape))))
    wrong = rng.binomial(size, rate)
    judge = wrong - rng.binomial(wrong, 1 - right) + rng.binomial(size - wrong, 1 - right)
    return size, wrong, judge


@cache
def true_rate(kind):
    size, wrong, _ = callers(np.random.default_rng(9), 1, 400_000, 0, 0.9, kind)
    return wrong.sum() / size.sum()


def cube_of(size, wrong, judge, labelled) -> Cube:
    """One cell a world."""
    worlds, number = size.shape
    told = np.arange(number)[None, :] < np.broadcast_to(labelled, (worlds,))[:, None]
    nothing = np.zeros(size.shape)
    parts = (
        wrong * told,
        size * told,
        judge * told,
        size * told,
        judge,
        size,
        nothing,
        size * told,
    )
    sums = np.stack([np.asarray(p, float).ravel() for p in parts], axis=1)
    cell = np.repeat(np.arange(worlds), number)
    rows = size.sum(axis=1)
    return cube_of_units(
        keys=CellKeys.of([(f"k{i:05}",) for i in range(worlds)]),
        attributes=("k",),
        parts=COUNTS,
        n_rows=rows,
        n_defined=rows,
        units=Units(
            cell=cell,
            unit=np.arange(len(cell)),
            sums=sums,
            names=tuple(map(str, range(len(cell)))),
        ),
    )


@pytest.mark.parametrize(
    ("kind", "right"),
    [("related", 0.95), ("related", 0.8), ("equal", 0.9), ("equal", 0.6), ("heavy", 0.95)],
)
@pytest.mark.parametrize("labelled", [10, 20, 40])
def test_ratios_of_sums_over_units_are_covered(kind, right, labelled):
    rng, truth, form = np.random.default_rng(labelled), true_rate(kind), AssistedRatio(weight=1.0)
    covered = []
    for _ in range(25):
        made = callers(rng, 20, 100, labelled, right, kind)
        found = estimate(cube_of(*made, labelled), form, np.eye(20, dtype=bool), NO_PAIRS)
        low, high, _ = bounds_of(found, form, VerdictRules(low=0.0, high=1.0), binomial=False)
        covered += [*((low <= truth) & (truth <= high))]
    assert np.mean(covered) > least(0.95, len(covered))


@pytest.mark.parametrize("labelled", [(12, 12), (12, 40)])
def test_differences_of_ratios_are_covered(labelled):
    rng, form, covered = np.random.default_rng(7), AssistedRatio(weight=1.0), []
    first, second = np.arange(0, 20, 2), np.arange(1, 20, 2)
    pairs = np.stack([first, second], axis=1)
    for _ in range(40):
        made = callers(rng, 20, 100, 0, 0.95, "related")
        cube = cube_of(*made, np.tile(labelled, 10))
        found = estimate(cube, form, np.eye(20, dtype=bool), pairs)
        compared = compare(found, form, first, second, proportion=False, exact=False)
        low, high = compared.interval(float(Z))
        covered += [*((low <= 0) & (high >= 0))]
    assert np.mean(covered) > least(0.95, len(covered))


# -- laws ------------------------------------------------------------------------------------------


@pytest.fixture
def some():
    made = callers(np.random.default_rng(11), 4, 40, 15, 0.9, "related")
    return cube_of(*made, 15)


def test_a_weight_of_0_is_the_labels_alone(some):
    sets = np.eye(4, dtype=bool)
    one, two = (estimate(some, form, sets) for form in (AssistedRatio(weight=0.0), ALONE))
    for name in ("values", "variances", "n_units", "n_effective", "third", "covariance"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-12)


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_of_all_rows_labelled_nothing_is_left_to_the_judge(weight):
    made = callers(np.random.default_rng(12), 3, 30, 30, 0.7, "related")
    cube, sets = cube_of(*made, 30), np.eye(3, dtype=bool)
    one, two = (estimate(cube, form, sets) for form in (AssistedRatio(weight=weight), ALONE))
    for name in ("values", "variances", "n_units", "covariance"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-12)
    sums = shares(np.random.default_rng(1), 5, 40, 0.2, 0.9, rows=40)
    np.testing.assert_allclose(AssistedShare().value(sums), labels_alone(sums))
    low, high = AssistedShare().limits(sums, Z, exact=False)
    np.testing.assert_allclose((low, high), intervals.wilson(sums[:, 0, 0], sums[:, 0, 1], Z))


@pytest.mark.parametrize("form", [AssistedRatio(weight=0.7), AssistedShare(), LabelledApart()])
def test_gradients_are_derivatives(form):
    sums = shares(np.random.default_rng(5), 6, 80, 0.3, 0.85, rows=300)
    gradient = form.gradient(sums)
    for part in range(len(COUNTS)):
        step = np.zeros(len(COUNTS))
        step[part] = 1e-4
        slope = (form.value(sums + step) - form.value(sums - step)) / 2e-4
        np.testing.assert_allclose(slope, gradient[:, 0, part], atol=1e-6)


@pytest.mark.parametrize("form", [AssistedRatio(weight=0.7), AssistedShare()])
def test_doubling_every_row_changes_no_value(form):
    sums = shares(np.random.default_rng(5), 6, 80, 0.3, 0.85, rows=300)
    np.testing.assert_allclose(form.value(2 * sums), form.value(sums))
    np.testing.assert_allclose((form.gradient(sums) * sums).sum(axis=(1, 2)), 0, atol=1e-12)


def test_a_mean_is_that_of_prediction_powered_inference():
    # ppi_py 0.2.3: ppi_mean_pointestimate(Y, Yhat, Yhat_unlabeled, lam=0.8) of these rows.
    rng = np.random.default_rng(0)
    people, judge = rng.random(12).round(2), rng.random(12).round(2)
    others = rng.random(40).round(2)
    lam = 0.8
    by_hand = people.mean() + lam * (others.mean() - judge.mean())
    counts = (people.sum(), 12, judge.sum(), 12, judge.sum() + others.sum(), 52, 0, 12)
    form = AssistedRatio(weight=lam * 52 / 40)
    assert form.value(np.array(counts, float)[None, None, :])[0] == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.5659667, abs=1e-6)


def test_without_labels_there_is_no_value():
    sums = shares(np.random.default_rng(5), 2, 40, 0.3, 0.85)
    sums[:, 0, [0, 1, 2, 3, 6, 7]] = 0
    for form in (AssistedRatio(weight=1.0), AssistedShare()):
        assert np.isnan(form.value(sums)).all()
        assert (form.gradient(sums) == 0).all()


def test_a_judge_that_was_never_wrong_is_not_taken_to_be_right():
    sums = shares(np.random.default_rng(5), 1, 40, 0.3, 1.0, rows=4000)
    low, high = AssistedShare().limits(sums, Z, exact=False)
    assert high[0] - low[0] > 0.1
    made = callers(np.random.default_rng(11), 1, 200, 15, 1.0, "related")
    sets, form = np.eye(1, dtype=bool), AssistedRatio(weight=1.0)
    found = estimate(cube_of(*made, 15), form, sets)
    alone = estimate(cube_of(*made, 15), AssistedRatio(weight=0.0), sets)
    assert found.variances[0] > 0.25 * alone.variances[0]


def test_few_labels_do_not_choose_how_much_the_judge_is_worth():
    useless = (np.array([1.0]), np.array([1.25]), np.array([2.0]))
    assert pooled_weight(useless, np.array([20.0])) == 1
    assert pooled_weight(useless, np.array([200.0])) < 0.6
    perfect = (np.array([1.0]), np.array([0.3]), np.array([0.1]))
    assert pooled_weight(perfect, np.array([200.0])) == 1


def test_labels_at_random_are_seldom_told_to_be_chosen():
    sums = shares(np.random.default_rng(6), 2000, 100, 0.2, 0.9)
    assert abs(LabelledApart().value(sums).mean()) < 0.003
