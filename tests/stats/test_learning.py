"""Learning curves: what is said of worlds whose curves are known."""

import numpy as np
import pytest

from evenhand.stats.learning import LearningCurves, fit_curves, next_round

NOW = np.array([800.0, 300.0, 150.0, 100.0])
PARTS, REPEATS, TESTED = (0.25, 0.5), 3, 400


def world(rng: np.random.Generator):
    """Curves, and what trainings of them measure on rows that they share."""
    exponent = rng.choice([0.25, 0.4, 0.6, 0.8], 4)
    transfer = rng.choice([0, 0.05, 0.3], 4)
    floor = rng.uniform(0, 0.25, 4)
    reducible = rng.choice([0, 0.02, 0.08, 0.15], 4)
    present = NOW + transfer * (NOW.sum() - NOW)

    def true(sizes: np.ndarray) -> np.ndarray:
        rows = sizes + transfer * (sizes.sum() - sizes)
        return floor + reducible * (rows / present) ** -exponent

    sizes = [NOW] + [NOW * part for part in PARTS for _ in range(REPEATS)]
    for group in range(4):
        cut = NOW.copy()
        cut[group] /= 4
        sizes += [cut] * REPEATS
    expected = np.clip([true(one) + rng.normal(0, 0.01, 4) for one in sizes], 0.001, 0.95)
    values, spread = np.zeros(expected.shape), []
    for group in range(4):
        # Rows are hard or easy for all trainings: seven of ten are answered alike.
        same, own = rng.random(TESTED), rng.random((len(sizes), TESTED))
        shared = rng.random((len(sizes), TESTED)) < 0.7
        wrong = np.where(shared, same, own) < expected[:, group, None]
        values[:, group] = wrong.mean(axis=1)
        spread.append(np.cov(wrong.astype(float)) / TESTED + np.eye(len(sizes)) * 1.1e-4)
    return true, np.array(sizes), values, np.array(spread)


def test_verdicts_on_more_data_are_wrong_no_more_often_than_is_said() -> None:
    rng = np.random.default_rng(5)
    helps, helps_not, covered = [], [], []
    for _ in range(100):
        true, sizes, values, spread = world(rng)
        curves = fit_curves(sizes, values, spread, NOW, rng, draws=1000)
        now = true(NOW)
        for group in range(4):
            more = np.zeros(4)
            more[group] = 3 * NOW[group]
            gain = now[group] - true(NOW + more)[group]
            low, high = np.quantile(curves.gains(more)[:, group], [0.025, 0.975])
            covered.append(low - 1e-9 <= gain <= high + 1e-9)
            worth = 0.1 * now[group]
            if low >= worth:
                helps.append(gain >= worth)
            elif high < worth:
                helps_not.append(gain < worth)
    slack = 3 * np.sqrt(0.05 * 0.95 / 400)
    assert (np.sum(~np.array(helps)) + np.sum(~np.array(helps_not))) / 400 <= 0.05 + slack
    # Measured: a fifth to a quarter of the groups is told something; any curve may be flat before it falls.
    assert len(helps) > 35
    assert len(helps_not) > 25
    assert np.mean(covered) >= 0.95 - slack


def test_a_group_at_its_floor_gains_nothing() -> None:
    rng = np.random.default_rng(2)
    sizes = np.array([[50.0, 50.0], [100.0, 100.0], [200.0, 200.0]] * 3)
    values = np.column_stack([0.4 * (sizes[:, 0] / 200) ** -0.5, np.full(len(sizes), 0.3)])
    values += rng.normal(0, 0.005, values.shape)
    spread = np.stack([np.eye(len(sizes)) * 0.005**2] * 2)
    curves = fit_curves(sizes, values, spread, sizes.max(axis=0), rng)
    first, second = curves.gains([400.0, 400.0]).T
    assert np.quantile(second, 0.975) < 0.01
    assert np.quantile(first, 0.025) > 0.08
    collect = next_round(curves, 100.0, np.ones(2), 0.0)
    assert collect[0] > 90
    assert collect.sum() == pytest.approx(100.0)


def test_rows_that_help_others_are_told_by_what_leaving_them_out_costs() -> None:
    rng = np.random.default_rng(3)
    now = np.array([1000.0, 100.0])
    sizes = np.array([now, now / 4, now / 2, now * [0.25, 1], now * [1, 0.25]] * 4)
    rows = sizes[:, 1] + sizes[:, 0]  # the others' rows are worth its own
    values = np.column_stack([np.full(len(sizes), 0.1), 0.05 + 0.3 * (rows / 1100) ** -0.7])
    values += rng.normal(0, 0.004, values.shape)
    spread = np.stack([np.eye(len(sizes)) * 0.004**2] * 2)
    curves = fit_curves(sizes, values, spread, now, rng)
    assert np.quantile(curves.transfer[:, 1], 0.025) == 1.0


def test_a_round_is_spent_whole_and_alike_where_it_is_asked() -> None:
    draws = np.full((10, 3), 0.1)
    curves = LearningCurves(
        floor=draws,
        reducible=draws,
        exponent=draws * 5,
        transfer=draws * 0,
        shift=draws * 0,
        now=np.array([100.0, 100.0, 400.0]),
        groups=np.arange(3),
    )
    cost = np.array([1.0, 2.0, 1.0])
    alike = next_round(curves, 300.0, cost, 1.0)
    np.testing.assert_allclose(alike, [100.0, 50.0, 100.0])
    chosen = next_round(curves, 300.0, cost, 0.0)
    assert chosen @ cost == pytest.approx(300.0)
    # What is cheap and scarce is worth most.
    assert chosen[0] > chosen[1] > chosen[2]


def test_one_measured_curve_among_groups_without() -> None:
    rng = np.random.default_rng(4)
    now = np.array([100.0, 50.0, 80.0])
    sizes = np.array([now, now / 2, now / 4] * 3)
    values = 0.1 + 0.2 * (sizes[:, [1]] / 50) ** -0.5 + rng.normal(0, 0.005, (9, 1))
    spread = np.eye(9)[None] * 0.005**2
    curves = fit_curves(sizes, values, spread, now, rng, groups=[1])
    assert curves.values(now).shape == (500, 1)
    assert curves.place(1) == 0
    assert curves.slopes(np.broadcast_to(now, (500, 3))).shape == (500, 3)
