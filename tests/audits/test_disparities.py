"""Equalised odds and conditional demographic disparity: by the definitions, and as often as they say."""

import warnings

import numpy as np
import pyarrow as pa
import pytest

import evenhand
from evenhand.errors import InputError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fairlearn.metrics import equalized_odds_difference


def table(seed, n=400, harm=0.0):
    rng = np.random.default_rng(seed)
    g = rng.choice(["a", "b", "c"], n)
    y = rng.integers(0, 2, n)
    right = rng.random(n) < np.where(g == "c", 0.8 - harm, 0.8)
    return {"g": g, "y": y, "p": np.where(right, y, 1 - y), "u": rng.integers(0, 80, n).astype(str)}


# -- equalised odds ------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [None, "u"])
def test_equalized_odds_as_fairlearn_has_it(unit):
    data = table(1)
    (odds,) = evenhand.equalized_odds(pa.table(data), "y", "p", by="g", unit=unit)
    expected = equalized_odds_difference(data["y"], data["p"], sensitive_features=data["g"])
    assert odds.largest == pytest.approx(expected)
    assert 0 <= odds.lower_bound < odds.largest
    assert odds.by == ("g",)


def test_the_bound_seldom_passes_the_truth():
    """Nobody is harmed: a bound above 0 is an error, of at most 5 % of the tables."""
    wrong = [
        evenhand.equalized_odds(pa.table(table(seed, 200)), "y", "p", by="g", seed=seed)[
            0
        ].lower_bound
        > 0
        for seed in range(60)
    ]
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_a_harm_is_proven():
    (odds,) = evenhand.equalized_odds(pa.table(table(2, 1200, harm=0.4)), "y", "p", by="g")
    assert 0.15 < odds.lower_bound < 0.4 < odds.largest + 0.1


def test_predicates_and_positive_values_as_in_the_rates():
    data = table(3)
    named = {
        **data,
        "y": np.where(data["y"] == 1, "yes", "no"),
        "p": np.where(data["p"] == 1, "yes", "no"),
    }
    (plain,) = evenhand.equalized_odds(pa.table(data), "y", "p", by="g")
    (texts,) = evenhand.equalized_odds(pa.table(named), "y", "p", by="g", positive="yes")
    assert texts == plain


def test_groups_without_negatives_leave_the_number_undefined():
    data = table(4)
    data["y"] = np.where(data["g"] == "a", data["y"], 1)
    (odds,) = evenhand.equalized_odds(pa.table(data), "y", "p", by="g")
    assert (odds.largest, odds.rate, odds.reason) == (None, None, "too_few_units")


# -- conditional demographic disparity -----------------------------------------------------------


def disparity(data, name):
    """The definition, stratum by stratum."""
    total, rows = 0.0, 0
    for layer in np.unique(data["s"]):
        here = data["s"] == layer
        own, yes = data["g"][here] == name, data["p"][here] == 1
        if yes.all() or not yes.any():
            continue
        total += here.sum() * (own[~yes].mean() - own[yes].mean())
        rows += here.sum()
    return total / rows


def admissions(seed, n=600, harm=0.0, units=None):
    """Departments of unlike rates and unlike groups: no disparity within any without `harm`."""
    rng = np.random.default_rng(seed)
    s = rng.integers(0, 4, n)
    g = np.where(rng.random(n) < np.array([0.2, 0.4, 0.6, 0.8])[s], "b", "a")
    rate = np.array([0.7, 0.6, 0.35, 0.2])[s] - harm * (g == "b")
    p = (rng.random(n) < rate).astype(int)
    return {"s": s.astype(str), "g": g, "p": p, "u": np.arange(n).astype(str)}


def cdd(data, **options):
    return {
        one.group: one
        for one in evenhand.conditional_demographic_disparity(
            pa.table(data), "p", "g", "s", **options
        )
    }


def test_conditional_disparity_is_that_of_its_definition():
    data = admissions(1)
    found = cdd(data)
    for name in "ab":
        assert found[name].value == pytest.approx(disparity(data, name))
    assert found["a"].value == pytest.approx(-found["b"].value)
    assert (found["a"].n_rows, found["a"].strata, found["a"].strata_left_out) == (600, 4, 0)


def test_naming_rows_as_units_changes_nothing():
    data = admissions(2)
    plain, by_row = cdd(data), cdd(data, unit="u")
    for name in "ab":
        assert by_row[name].standard_error == pytest.approx(plain[name].standard_error)
        assert by_row[name].low == pytest.approx(plain[name].low)


def test_its_standard_error_is_that_of_the_jackknife():
    data, n = admissions(3, 1000), 1000
    left = np.array(
        [disparity({k: np.delete(v, i) for k, v in data.items()}, "b") for i in range(n)]
    )
    jackknife = np.sqrt((n - 1) * np.mean((left - left.mean()) ** 2))
    assert cdd(data)["b"].standard_error == pytest.approx(jackknife, rel=0.02)


@pytest.mark.parametrize("n", [20, 60, 200])
def test_its_interval_covers_as_often_as_it_says(n):
    """No disparity within strata, though groups apply to unlike strata."""
    worlds = 100
    inside = []
    for seed in range(worlds):
        one = cdd(admissions(seed, n)).get("b")
        if one is not None and one.low is not None:  # few rows may leave no stratum that can tell
            inside.append(one.low <= 0 <= one.high)
    assert len(inside) > 0.95 * worlds
    assert np.mean(inside) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)


def test_strata_that_cannot_tell_are_counted():
    data = admissions(4)
    data["p"] = np.where(data["s"] == "3", 0, data["p"])
    found = cdd(data)["b"]
    assert found.value == pytest.approx(disparity(data, "b"))
    assert (found.strata, found.strata_left_out) == (3, 1)
    assert found.n_rows == (data["s"] != "3").sum()


def test_nobody_accepted_has_no_disparity():
    data = admissions(5)
    data["p"][:] = 0
    found = cdd(data)["b"]
    assert (found.value, found.low, found.reason) == (None, None, "no_denominator")


def test_rows_without_group_or_stratum_are_no_part_of_it():
    data = admissions(6)
    data["g"] = np.where(np.arange(600) < 50, "NA", data["g"])
    some = {k: v[50:] for k, v in data.items()}
    assert cdd(data) == cdd(some)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 95}, "level is 95"),
        ({"unit": "v"}, "Unknown column 'v'"),
        ({"where": "x > 1"}, "unknown column 'x'"),
    ],
)
def test_what_cannot_be_is_said(options, message):
    with pytest.raises(InputError, match=message):
        cdd(admissions(7), **options)
