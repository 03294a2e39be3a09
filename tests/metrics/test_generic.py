"""Ratio, mean and scoring rate: any two columns, and what they must not be."""

import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.stats.proportion import proportion_confint

import evenhand
from evenhand.errors import FaultsError, InputError

FAST = {"by": "g", "adjust": "holm"}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(6)
    n = 300
    return {
        "g": rng.choice(["a", "b", "c"], n),
        "above": rng.integers(-3, 9, n),
        "below": rng.integers(0, 20, n),
        "x": rng.normal(size=n),
        "u": rng.integers(0, 40, n).astype(str),
    }


@pytest.mark.parametrize("unit", [None, "u"])
def test_ratio_is_the_ratio_of_sums_not_the_mean_of_ratios(rows, unit):
    audit = evenhand.audit(pa.table(rows), metric="ratio(above, below)", unit=unit, **FAST)
    assert audit.overall.value == pytest.approx(rows["above"].sum() / rows["below"].sum())
    for group in audit.groups:
        here = rows["g"] == group.label
        assert group.estimate.value == pytest.approx(
            rows["above"][here].sum() / rows["below"][here].sum()
        )
        assert group.estimate.numerator == rows["above"][here].sum()
        assert group.estimate.denominator == rows["below"][here].sum()


def test_mean_and_its_standard_error_are_the_textbook_ones(rows):
    audit = evenhand.audit(pa.table(rows), metric="mean(x)", **FAST)
    for group in audit.groups:
        x = rows["x"][rows["g"] == group.label]
        assert group.estimate.value == pytest.approx(x.mean())
        assert group.estimate.standard_error == pytest.approx(x.std(ddof=1) / np.sqrt(len(x)))


def test_scoring_rate_counts_those_above_the_median_of_all(rows):
    audit = evenhand.audit(pa.table(rows), metric="scoring_rate(x)", **FAST)
    for group in audit.groups:
        x = rows["x"][rows["g"] == group.label]
        assert group.estimate.value == pytest.approx((x > np.median(rows["x"])).mean())


def test_the_median_of_scoring_rate_is_that_of_the_rows_kept(rows):
    audit = evenhand.audit(pa.table(rows), metric="scoring_rate(x)", where="g != 'a'", **FAST)
    kept = rows["x"][rows["g"] != "a"]
    assert audit.overall.value == pytest.approx((kept > np.median(kept)).mean())


@pytest.mark.parametrize("bad", [-1, float("inf")])
def test_a_denominator_counts_something(bad):
    table = pa.table({"g": ["a", "b"] * 20, "x": [1.0] * 40, "n": [2.0] * 39 + [bad]})
    with pytest.raises(FaultsError, match=r"`n` is .* a number of at least 0 \(row 40\)"):
        evenhand.audit(table, metric="ratio(x, n)", **FAST)


def test_a_group_with_denominator_zero_is_undefined_not_zero():
    table = pa.table({"g": ["a"] * 20 + ["b"] * 20, "x": [0] * 40, "n": [0] * 20 + [1] * 20})
    audit = evenhand.audit(table, metric="ratio(x, n)", **FAST)
    found = {group.label: (group.estimate.value, group.estimate.reason) for group in audit.groups}
    assert found["a"] == (None, "no_denominator")
    assert found["b"][0] == 0
    assert [item.reason for item in audit.refused] == ["no_denominator"]


@pytest.mark.parametrize("metric", ["ratio(t, x)", "ratio(x, t)", "mean(t)", "scoring_rate(t)"])
def test_text_is_no_number(metric):
    table = pa.table({"g": ["a", "b"] * 20, "x": [1, 2] * 20, "t": ["1", "2"] * 20})
    with pytest.raises(InputError, match="must be a numeric column, but 't' holds text"):
        evenhand.audit(table, metric=metric, **FAST)


@pytest.mark.parametrize("size", [1e-200, 1e160, 1.7e308])
@pytest.mark.parametrize("unit", [None, "u"])
def test_numbers_too_large_or_small_for_squares_do_not_become_nan(rows, size, unit):
    """An answer without NaN, or an error that says what to change."""
    table = pa.table({**rows, "x": np.abs(rows["x"]) / 10 * size})
    try:
        with np.errstate(all="ignore"):
            audit = evenhand.audit(table, metric="mean(x)", unit=unit, **FAST)
    except InputError as error:
        assert size > 1 and "Measure them in a larger unit" in str(error)  # noqa: PT017, PT018
        return
    json.loads(audit.to_json(), parse_constant=pytest.fail)


@pytest.mark.parametrize("of", [pa.int8(), pa.int64()], ids=str)
def test_the_least_integer_can_be_averaged(of):
    least = -(2 ** (of.bit_width - 1))
    table = pa.table({"g": ["a", "b"] * 20, "x": pa.array([least, 1] * 20, of)})
    audit = evenhand.audit(table, metric="mean(x)", **FAST)
    assert audit.overall.value == pytest.approx((least + 1) / 2)


# -- means that are proportions ------------------------------------------------------------------


def wilson(x, n):
    return proportion_confint(x, n, method="wilson")


COLUMNS = {
    "integers": pa.array,
    "booleans": lambda v: pa.array([bool(x) for x in v]),
    "doubles": lambda v: pa.array([float(x) for x in v]),
    "decimals": lambda v: pa.array([Decimal(x) for x in v], pa.decimal128(5, 2)),
}


@pytest.mark.parametrize("how", COLUMNS)
def test_a_mean_of_zeros_and_ones_is_a_proportion(how):
    value = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0] + [1] * 6
    table = pa.table({"g": ["a"] * 10 + ["b"] * 6, "x": COLUMNS[how](value)})
    audit = evenhand.audit(table, metric="mean(x)", **FAST)
    for group, (x, n) in zip(audit.groups, ((6, 6), (3, 10)), strict=True):
        assert group.estimate.method == "wilson"
        assert (group.estimate.low, group.estimate.high) == pytest.approx(wilson(x, n), abs=1e-3)
        assert group.estimate.counts == {"value": x, "rows": n}
    assert round(audit.groups[1].estimate.low, 3) == 0.108
    assert round(audit.groups[1].estimate.high, 3) == 0.603


@pytest.mark.parametrize(
    ("metric", "columns"),
    [
        ("ratio(x, n)", {"x": [1, 0, 1, 0, 0], "n": [1, 1, 1, 1, 0]}),
        ("mae(x, n)", {"x": [1, 0, 1, 0, 1], "n": [0, 1, 1, 0, 1]}),
        ("mse(x, n)", {"x": [True, False, True, False, True], "n": [0, 1, 1, 0, 1]}),
    ],
)
def test_others_of_rows_that_count_zero_or_one_are_too(metric, columns):
    table = pa.table({"g": ["a", "b"] * 20, **{k: v * 8 for k, v in columns.items()}})
    audit = evenhand.audit(table, metric=metric, **FAST)
    assert audit.overall.method == "wilson"
    low, high = wilson(audit.overall.numerator, audit.overall.denominator)
    assert (audit.overall.low, audit.overall.high) == pytest.approx((low, high))


@pytest.mark.parametrize("odd", [2, -1, 0.5])
@pytest.mark.parametrize("place", [0, 25_000])
def test_one_other_value_makes_a_mean_of_numbers(odd, place):
    value = np.tile([0.0, 1.0], 15_000)
    value[place] = odd
    table = pa.table({"g": ["a", "b"] * 15_000, "x": value})
    audit = evenhand.audit(table, metric="mean(x)", **FAST)
    assert audit.overall.method == "cluster-t-skew"
    kept = "x = 0 OR x = 1"
    assert evenhand.audit(table, metric="mean(x)", where=kept, **FAST).overall.method == "wilson"


def test_units_and_missing_values_keep_their_meaning():
    value = [1, 0, None, 1, float("nan"), 0] * 10
    table = pa.table(
        {"g": ["a", "b"] * 30, "u": list(range(20)) * 3, "x": pa.array(value, pa.float64())}
    )
    audit = evenhand.audit(table, metric="mean(x)", **FAST)
    assert audit.overall.method == "wilson"
    assert (audit.overall.n_rows, audit.missing[0].n_rows) == (40, 20)
    by_unit = evenhand.audit(table, metric="mean(x)", unit="u", **FAST)
    assert by_unit.overall.method == "cluster-t-skew"
    assert 0 <= by_unit.overall.low < by_unit.overall.high <= 1
