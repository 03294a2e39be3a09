"""Limits of shares that another answer told: exact ones, and only of counts that are what they say."""

import dataclasses

import pytest
from scipy import stats

from evenhand.comparisons.told_shares import is_counted, told_share_limits
from evenhand.results.estimate import Estimate

RATE = Estimate(
    value=0.1,
    low=0.07,
    high=0.14,
    standard_error=0.015,
    n_rows=400,
    n_units=400,
    numerator=40.0,
    denominator=400.0,
    counts=None,
    method="wilson",
    reason=None,
)


def test_limits_of_counts_are_those_of_the_beta_distribution():
    low, high = told_share_limits(RATE, 0.99)
    assert low == pytest.approx(stats.beta.ppf(0.005, 40, 361), rel=1e-9)
    assert high == pytest.approx(stats.beta.ppf(0.995, 41, 360), rel=1e-9)


@pytest.mark.parametrize(
    "change",
    [{"n_units": 40}, {"numerator": 40.5, "value": 40.5 / 400}, {"value": 0.2}, {"method": "t"}],
)
def test_what_is_no_count_of_independent_rows_has_no_exact_limits(change):
    other = dataclasses.replace(RATE, **change)
    assert not is_counted(other)
    assert told_share_limits(other, 0.95) is None


def test_weighted_shares_are_as_sure_as_their_effective_rows():
    variance = 0.1 * 0.9 / 100
    weighted = dataclasses.replace(
        RATE,
        method="korn-graubard",
        standard_error=variance**0.5,
        effective_sample_size=100.0,
    )
    low, high = told_share_limits(weighted, 0.95)
    exact = stats.beta.ppf(0.025, 10, 91), stats.beta.ppf(0.975, 11, 90)
    # Student's quantile of 99 degrees of freedom in place of the normal one: a little wider.
    assert exact[0] - 0.003 < low < exact[0]
    assert exact[1] < high < exact[1] + 0.003
