"""Exact paired tests and bounds of bounded means: agreement with references, and coverage."""

import numpy as np
import pytest
from scipy import stats

from evenhand.stats.bounded_means import betting_lower, betting_p, empirical_bernstein_lower
from evenhand.stats.paired import detectable_gain, mcnemar_p, paired_gain_lower


def slack(alpha, runs):
    """Three binomial standard errors."""
    return alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)


def test_mcnemar_is_the_sign_test():
    for wins, losses in [(5, 0), (3, 9), (60, 41), (0, 4), (1, 0), (700, 620)]:
        wanted = stats.binomtest(wins, wins + losses, alternative="greater").pvalue
        assert float(mcnemar_p(wins, losses)) == pytest.approx(wanted, rel=1e-9)


def test_no_disagreement_proves_nothing():
    assert float(mcnemar_p(0, 0)) == 1.0
    assert float(paired_gain_lower(0, 0, 100, 0.05)) == 0.0


@pytest.mark.parametrize(("win", "lose"), [(0.02, 0.02), (0.03, 0.01), (0.3, 0.1), (0.001, 0.0)])
def test_the_bound_of_a_paired_gain_misses_no_more_than_it_says(win, lose):
    rng = np.random.default_rng(7)
    runs = 4_000
    drawn = rng.multinomial(500, [win, lose, 1 - win - lose], runs)
    lower = paired_gain_lower(drawn[:, 0], drawn[:, 1], 500, 0.05)
    # A gain of 0 or less is never claimed, so only positive bounds can miss.
    missed = (lower > win - lose) & (lower > 0)
    assert missed.mean() <= slack(0.05, runs)


SAMPLES = {
    "skewed": lambda rng, n: rng.beta(0.2, 2.0, n),
    "rare": lambda rng, n: (rng.random(n) < 0.02).astype(float),
    "sparse gains": lambda rng, n: 0.5 + 0.5 * rng.choice([-1, 0, 1], n, p=[0.02, 0.96, 0.02]),
    "uniform": lambda rng, n: rng.random(n),
}
MEANS = {"skewed": 0.2 / 2.2, "rare": 0.02, "sparse gains": 0.5, "uniform": 0.5}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("bound", [betting_lower, empirical_bernstein_lower])
def test_lower_bounds_of_a_bounded_mean_miss_no_more_than_they_say(name, bound):
    rng = np.random.default_rng(11)
    runs = 400
    lower = np.array([bound(SAMPLES[name](rng, 300), 0.1) for _ in range(runs)])
    assert (lower > MEANS[name]).mean() <= slack(0.1, runs)


def test_betting_is_tighter_than_bernstein():
    rng = np.random.default_rng(3)
    values = rng.beta(2, 8, 500)
    assert betting_lower(values, 0.05) > empirical_bernstein_lower(values, 0.05)
    assert 0.17 < betting_lower(values, 0.05) < 0.2


def test_the_betting_bound_is_where_its_test_stops_rejecting():
    values = np.random.default_rng(5).beta(4, 6, 400)
    lower = betting_lower(values, 0.01)
    assert betting_p(values, lower - 1e-4, 0.01) <= 0.01 < betting_p(values, lower + 1e-4, 0.01)


def test_bounds_follow_the_range():
    values = np.random.default_rng(5).random(200)
    assert betting_lower(100 * values - 50, 0.05, -50, 50) == pytest.approx(
        100 * betting_lower(values, 0.05) - 50
    )
    assert empirical_bernstein_lower([], 0.05) == 0.0
    assert betting_lower([], 0.05) == 0.0


def test_a_detectable_gain_is_detected_four_times_out_of_five():
    rng = np.random.default_rng(9)
    n, alpha, disagreement = 20_000, 1e-4, 0.02
    gain = detectable_gain(n, alpha, disagreement)
    wins, losses = (disagreement + gain) / 2, (disagreement - gain) / 2
    drawn = rng.multinomial(n, [wins, losses, 1 - disagreement], 2_000)
    assert (mcnemar_p(drawn[:, 0], drawn[:, 1]) <= alpha).mean() == pytest.approx(0.8, abs=0.06)
