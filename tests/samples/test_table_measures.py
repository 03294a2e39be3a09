"""A row's missing fields, and Gower's distance to training data by hand and by another way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.errors import InputError
from evenhand.samples.table import MEASURES, TableProfile

TRAIN = [
    {"age": 20, "ward": "A", "weight": 60.0},
    {"age": 40, "ward": "B", "weight": None},
    {"age": 60, "ward": "A", "weight": 100.0},
]


def test_distance_is_gowers_to_the_nearest_row():
    found = TableProfile.fit(TRAIN).measure({"age": 30, "ward": "A", "weight": 80})
    # Rows: (10/40 + 0 + 20/40)/3, (10/40 + 1)/2, (30/40 + 0 + 20/40)/3
    assert found["distance"] == pytest.approx(0.25)
    assert (found["missing_share"], found["outside"], found["unknown"]) == (0, 0, 0)


def test_a_training_row_is_at_no_distance():
    profile = TableProfile.fit(TRAIN)
    assert all(profile.measure(row)["distance"] == 0 for row in TRAIN)
    assert all(profile.measure(row)["distance_rank"] == 0 for row in TRAIN)


@pytest.mark.parametrize("blank", [None, "", "  ", math.nan, np.float64("nan")])
def test_what_says_nothing_is_missing(blank):
    found = TableProfile.fit(TRAIN).measure({"age": blank, "ward": "A"})
    assert found["missing_share"] == pytest.approx(2 / 3)
    assert found["distance"] == 0


def test_an_empty_row_has_no_distance():
    found = TableProfile.fit(TRAIN).measure({})
    assert found == {
        "missing_share": 1,
        "outside": 0,
        "unknown": 0,
        "distance": None,
        "distance_rank": None,
    }


def test_what_training_never_showed_is_outside():
    found = TableProfile.fit(TRAIN).measure({"age": 400, "ward": "Z", "weight": "heavy", "new": 1})
    assert (found["outside"], found["unknown"], found["distance"], found["distance_rank"]) == (
        3,
        1,
        1,
        1,
    )


@pytest.mark.parametrize("value", [10**400, -(10**400), math.inf, True, "40", object(), [1]])
def test_no_value_breaks_it(value):
    profile = TableProfile.fit(TRAIN)
    assert 0 <= profile.measure({"age": value})["distance"] <= 1


def test_a_constant_column_tells_same_from_different():
    profile = TableProfile.fit([{"a": 5}, {"a": 5}])
    assert profile.measure({"a": 5})["distance"] == 0
    assert profile.measure({"a": 6})["distance"] == 1


def test_the_rank_orders_rows_against_training():
    rng = np.random.default_rng(0)
    rows = [{"x": x, "y": y} for x, y in rng.normal(size=(3_000, 2)).tolist()]
    profile = TableProfile.fit(rows)
    assert len(profile.nearest) == 1_000
    fresh = [
        profile.measure({"x": x, "y": y})["distance_rank"]
        for x, y in rng.normal(size=(400, 2)).tolist()
    ]
    assert np.mean(fresh) == pytest.approx(0.5, abs=0.06)  # drawn as training was
    assert profile.measure({"x": 6.0, "y": 6.0})["distance_rank"] > 0.99


def test_too_little_to_learn_from_is_refused():
    with pytest.raises(InputError, match="at least 2 training rows, not 1"):
        TableProfile.fit(TRAIN[:1])
    with pytest.raises(InputError, match="No column"):
        TableProfile.fit([{"a": None}, {"a": ""}])


VALUES = (
    st.none()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", " ", "a", "b", "é"])
    | st.booleans()
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=2, max_size=6)


@given(ROWS, st.dictionaries(st.sampled_from("abcd"), VALUES))
def test_any_row_is_measured(rows, row):
    try:
        profile = TableProfile.fit(rows)
    except InputError:
        return
    found = profile.measure(row)
    assert list(found) == [measure.name for measure in MEASURES]
    assert found["distance"] is None or 0 <= found["distance"] <= 1
    assert all(value is None or math.isfinite(value) for value in found.values())
