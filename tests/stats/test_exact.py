"""Exact tests of two proportions: against scipy, against counting, and as e-values."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import fisher_exact, hypergeom

from evenhand.stats.exact import calibrated_e_value, hypergeometric_tail

CALM = {"deadline": None, "derandomize": True}


@st.composite
def tables(draw, most=60):
    """Successes and trials of a group, and of all."""
    all_trials = draw(st.integers(1, most))
    all_successes = draw(st.integers(0, all_trials))
    trials = draw(st.integers(0, all_trials))
    least, largest = max(0, trials + all_successes - all_trials), min(trials, all_successes)
    return draw(st.integers(least, largest)), trials, all_successes, all_trials


@settings(max_examples=150, **CALM)
@given(table=tables())
def test_the_tail_is_that_of_scipy(table):
    successes, trials, all_successes, all_trials = table
    expected = hypergeom.sf(successes - 1, all_trials, all_successes, trials)
    assert hypergeometric_tail(*table) == pytest.approx(min(expected, 1.0), rel=1e-9, abs=1e-300)


@settings(max_examples=100, **CALM)
@given(table=tables(most=25))
def test_the_tail_is_a_share_of_all_ways_to_pick_the_trials(table):
    """Counted in whole numbers."""
    successes, trials, all_successes, all_trials = table
    ways = sum(
        math.comb(all_successes, x) * math.comb(all_trials - all_successes, trials - x)
        for x in range(successes, min(trials, all_successes) + 1)
    )
    expected = Fraction(ways, math.comb(all_trials, trials))
    assert hypergeometric_tail(*table) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize(
    "table", [(3, 4, 4, 8), (30, 100, 150, 1000), (5, 5, 5, 10), (0, 7, 3, 20), (200, 1000, 1500, 9000)]
)
def test_the_tail_is_the_one_sided_test_of_fisher(table):
    successes, trials, all_successes, all_trials = table
    crossed = [
        [successes, trials - successes],
        [all_successes - successes, all_trials - trials - all_successes + successes],
    ]
    expected = fisher_exact(crossed, alternative="greater").pvalue
    assert hypergeometric_tail(*table) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [10**4, 10**6, 10**8])
@pytest.mark.parametrize("standard_errors", [0.5, 2, 5, 10])
def test_the_tail_keeps_its_digits_for_large_tables(size, standard_errors):
    """Six digits are enough to multiply by millions of slices."""
    trials, all_successes = size // 50, size // 10
    mean = trials / 10
    successes = int(mean + standard_errors * math.sqrt(mean * 0.9))
    expected = hypergeom.logsf(successes - 1, size, all_successes, trials)
    found = math.log(hypergeometric_tail(successes, trials, all_successes, size))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)


@settings(max_examples=100, **CALM)
@given(table=tables())
def test_more_successes_are_never_less_certain(table):
    successes, trials, all_successes, all_trials = table
    if successes < min(trials, all_successes):
        more = hypergeometric_tail(successes + 1, trials, all_successes, all_trials)
        assert more <= hypergeometric_tail(*table)


@settings(max_examples=100, **CALM)
@given(table=tables())
def test_a_p_value_lies_above_0_and_up_to_1(table):
    assert 0 < hypergeometric_tail(*table) <= 1


@settings(max_examples=25, **CALM)
@given(table=tables(most=30), level=st.sampled_from([0.01, 0.05, 0.2]))
def test_a_p_value_is_small_as_rarely_as_it_says(table, level):
    """Over all ways to pick the trials, counted exactly."""
    _, trials, all_successes, all_trials = table
    least, most = max(0, trials + all_successes - all_trials), min(trials, all_successes)
    chance = sum(
        hypergeom.pmf(x, all_trials, all_successes, trials)
        for x in range(least, most + 1)
        if hypergeometric_tail(x, trials, all_successes, all_trials) <= level
    )
    assert chance <= level + 1e-12


def test_the_mean_of_an_e_value_of_a_fair_p_value_is_1():
    mean, _ = integrate.quad(calibrated_e_value, 0, 1)
    assert mean == pytest.approx(1.0, abs=1e-6)


def test_a_smaller_p_value_gives_a_larger_e_value_and_never_infinity():
    values = [calibrated_e_value(p) for p in (0.0, 1e-320, 1e-300, 1e-9, 0.05, 0.25, 1.0)]
    assert values == sorted(values, reverse=True)
    assert np.isfinite(values).all()
