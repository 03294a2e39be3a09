"""Intervals on a value's own scale: what they are, and what they do at the ends."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from evenhand.stats.intervals import linearised, t_of
from evenhand.stats.scales import scale_of, scaled


def of(value, variance, n, scale):
    low, high = scaled(*(np.array([x], float) for x in (value, variance, n)), 0.95, scale)
    return float(low[0]), float(high[0])


def test_the_logit_interval_of_a_proportion_is_statsmodels():
    x, n = 40, 1_000_000
    p = x / n * 10_000  # 0.4
    ours = of(p, p * (1 - p) / n, n, "logit")
    theirs = proportion_confint(p * n, n, method="normal")
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_fishers_interval_of_a_correlation():
    """With the variance (1 - r²)² / (n - 3) it is tanh(atanh r ± t / √(n - 3))."""
    r, n = 0.7, 30
    half = t_of(0.95, n - 1) / np.sqrt(n - 3)
    ours = of(r, (1 - r**2) ** 2 / (n - 3), n, "fisher")
    assert ours == pytest.approx((np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)))


def test_the_log_interval_is_symmetric_in_ratios():
    low, high = of(3.0, 0.25, 40, "log")
    assert low * high == pytest.approx(9.0)
    assert low > 0


def test_without_a_scale_it_is_value_and_margin():
    arrays = np.array([0.3]), np.array([0.01]), np.array([20.0])
    np.testing.assert_allclose(scaled(*arrays, 0.95, "identity"), linearised(*arrays, 0.95))


@pytest.mark.parametrize(
    ("value", "scale"),
    [(0.0, "logit"), (1.0, "logit"), (1.0, "fisher"), (-1.0, "fisher"), (0.0, "log")],
)
def test_an_end_of_the_range_has_no_interval(value, scale):
    assert np.isnan(of(value, 0.01, 20, scale)).all()
    assert np.isnan(of(0.5, 0.0, 20, scale)).all()


@pytest.mark.parametrize("scale", ["logit", "fisher", "log"])
def test_intervals_stay_inside_what_is_possible(scale):
    rng = np.random.default_rng(0)
    value, variance = rng.uniform(0.01, 0.99, 200), rng.uniform(0, 5, 200)
    low, high = scaled(value, variance, np.full(200, 8.0), 0.99, scale)
    least = {"logit": 0.0, "fisher": -1.0, "log": 0.0}[scale]
    assert (low >= least).all()
    assert (low <= value).all()
    assert (value <= high).all()
    assert scale == "log" or (high <= 1).all()


def test_ranges_have_their_scales():
    assert scale_of(None, None) == "identity"
    assert scale_of(0, 1) == scale_of(0.0, 1.0) == "logit"
    assert scale_of(0.0, 2.0) == "identity"
