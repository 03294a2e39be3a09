"""Rates that another audit told, taken to a confidence of one's own."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import evenhand
from evenhand.comparisons.told import ToldRate, is_binomial
from evenhand.results.estimate import Estimate
from evenhand.stats.intervals import skewed

ESTIMATE = Estimate(
    value=0.4,
    low=None,
    high=None,
    standard_error=0.02,
    n_rows=100,
    n_units=40,
    numerator=40,
    denominator=100,
    counts=None,
    method="cluster-t-skew",
    reason=None,
)


def told(**changes):
    return Estimate(**{name: getattr(ESTIMATE, name) for name in ESTIMATE.__slots__} | changes)


def rows(rng):
    """Forty callers of ten calls, some of whom are understood worse; each call stands for several."""
    callers = np.repeat(np.arange(40), 10)
    wrong = rng.random(400) < np.repeat(rng.beta(1, 4, 40), 10)
    return pa.table(
        {
            "caller": callers,
            "site": np.where(callers % 2, "a", "b"),
            "wrong": wrong.astype(int),
            "stands_for": rng.integers(1, 5, 400),
        }
    )


@pytest.mark.parametrize(
    ("options", "exact"),
    [({}, 1e-9), ({"weight": "stands_for"}, 5e-4), ({"unit": "caller"}, 2e-3)],
    ids=["rows", "weighted rows", "units"],
)
def test_limits_are_those_that_its_audit_would_give_at_that_confidence(options, exact):
    table = rows(np.random.default_rng(3))
    first, sure = (
        evenhand.audit(
            table,
            "mean(wrong)",
            by="site",
            worse="higher",
            interval="clopper-pearson",
            level=level,
            **options,
        )
        for level in (0.95, 0.999)
    )
    for one, expected in zip(first.groups, sure.groups, strict=True):
        low, high = ToldRate.of(one.estimate, first.level).limits(0.999)
        assert (float(low), float(high)) == pytest.approx(
            (expected.estimate.low, expected.estimate.high), abs=exact
        )


@pytest.mark.parametrize("skewness", [-0.2, 0.0, 0.15])
@pytest.mark.parametrize("units", [3, 12, 40])
def test_an_interval_is_taken_to_another_confidence_as_it_was_made(skewness, units):
    value, variance, n = np.array(0.4), np.array(0.02**2), np.array(float(units))
    low, high = skewed(value, variance, np.array(skewness), n, 0.95)
    side = ToldRate.of(told(low=float(low), high=float(high)), 0.95)
    expected = skewed(value, variance, np.array(side.skewness), n, 0.995)
    assert side.freedom == pytest.approx(units - 1)
    assert side.limits(0.995) == pytest.approx(expected)


def test_units_within_bounds_widen_it_by_a_kind_that_none_of_them_was():
    side = ToldRate.of(told(low=0.36, high=0.44), 0.95)
    half, wide = side.limits(0.975), side.limits(0.95, (0.0, 1.0))
    unseen = 1 - 0.0125 ** (1 / 40)
    assert float(half[0] - wide[0]) == pytest.approx(unseen * 0.4)
    assert float(wide[1] - half[1]) == pytest.approx(unseen * 0.6)


def test_units_that_are_all_alike_tell_of_no_limits():
    assert np.isnan(ToldRate.of(told(standard_error=None), 0.95).limits(0.9)).all()


def test_counts_that_are_not_of_rows_are_no_proportion_of_rows():
    assert is_binomial(told(method="wilson", n_units=100))
    for other in ({"n_units": 40}, {"numerator": 40.5}, {"value": 0.5}, {"method": "cluster-t"}):
        assert not is_binomial(told(**{"method": "wilson", "n_units": 100} | other))


def test_limits_of_counts_are_those_of_the_beta_distribution():
    low, high = ToldRate.of(told(method="wilson", n_units=100), 0.95).limits(0.99)
    assert float(low) == pytest.approx(stats.beta.ppf(0.005, 40, 61), rel=1e-9)
    assert float(high) == pytest.approx(stats.beta.ppf(0.995, 41, 60), rel=1e-9)


def test_weighted_shares_are_as_sure_as_their_effective_rows():
    weighted = told(
        method="korn-graubard",
        value=0.1,
        standard_error=(0.1 * 0.9 / 100) ** 0.5,
        effective_sample_size=100.0,
    )
    low, high = ToldRate.of(weighted, 0.95).limits(0.95)
    exact = stats.beta.ppf(0.025, 10, 91), stats.beta.ppf(0.975, 11, 90)
    # Student's quantile of 99 degrees of freedom in place of the normal one: a little wider.
    assert exact[0] - 0.003 < low < exact[0]
    assert exact[1] < high < exact[1] + 0.003


def test_a_refusal_counts_what_the_table_beside_it_counts():
    """Of a group's 40 rows two are positives: of these a false negative rate is made, and these are told."""
    label = np.array([1, 0] * 60 + [1, 1] + [0] * 38)
    group = np.repeat(["a", "b", "few"], [60, 60, 40])
    table = pa.table({"g": group, "label": label, "prediction": 1 - label})
    found = evenhand.audit(table, "false_negative_rate(label, prediction)", "g")
    told = found.refused[0]
    assert "group g = 'few' has 2 rows that count" in told.message
    lines = str(found).splitlines()
    at = next(n for n, line in enumerate(lines) if "counted" in line)
    assert next(line for line in lines[at:] if line.startswith("few")).split()[1:3] == ["40", "2"]
    assert ">counted<" in found.to_html()
    whole = evenhand.audit(table, "error_rate(label, prediction)", "g")
    assert "counted" not in str(whole)
