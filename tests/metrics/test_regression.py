"""Regression metrics against scikit-learn, overall and per group, and at the edges of number types."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

import evenhand
from evenhand.errors import FaultsError, InputError

METRICS = {
    "mae": sk.mean_absolute_error,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "bias": lambda y, p: float(np.mean(p.astype(float) - y.astype(float))),
}
FAST = {"by": "g", "adjust": "holm"}


@pytest.mark.parametrize("unit", [None, "u"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("name", METRICS)
def test_as_scikit_learn_computes_them(name, scale, unit):
    rng = np.random.default_rng(3)
    n = 400
    g, u = rng.choice(["a", "b", "c"], n), rng.integers(0, 60, n).astype(str)
    y = rng.normal(size=n) * scale
    p = y + rng.normal(0.3, 1, n) * scale
    audit = evenhand.audit(
        pa.table({"g": g, "u": u, "y": y, "p": p}), metric=f"{name}(y, p)", unit=unit, **FAST
    )
    assert audit.overall.value == pytest.approx(METRICS[name](y, p), rel=1e-9)
    for group in audit.groups:
        here = g == group.label
        assert group.estimate.value == pytest.approx(METRICS[name](y[here], p[here]), rel=1e-9)


TYPES = {
    "uint8": (pa.uint8(), [10, 200]),
    "int8": (pa.int8(), [-128, 127]),
    "int16": (pa.int16(), [-30_000, 30_000]),
    "int32": (pa.int32(), [-2_000_000_000, 2_000_000_000]),
    "int64": (pa.int64(), [0, 2**40]),
    "the least int64": (pa.int64(), [-(2**63), 2**62]),
    "uint64": (pa.uint64(), [10, 2**63]),
    "float32": (pa.float32(), [0.5, 2.25]),
    "decimal": (pa.decimal128(38, 2), [1, 3]),
    "booleans": (pa.bool_(), [True, False]),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", METRICS)
def test_no_number_type_overflows(name, kind):
    of, (low, high) = TYPES[kind]
    y, p = [low, high, low] * 20, [high, low, low] * 20
    table = pa.table({"g": ["a", "b"] * 30, "y": pa.array(y, of), "p": pa.array(p, of)})
    expected = METRICS[name](np.array(y, float), np.array(p, float))
    audit = evenhand.audit(table, metric=f"{name}(y, p)", **FAST)
    assert audit.overall.value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_prediction_has_error_zero_and_no_false_certainty(name):
    table = pa.table({"g": ["a", "b"] * 30, "y": [1.5, 2.5] * 30})
    audit = evenhand.audit(table, metric=f"{name}(y, y)", **FAST)
    assert audit.overall.value == 0
    assert all(group.verdict != "worse" for group in audit.groups)


def test_a_large_offset_does_not_eat_the_spread():
    rng = np.random.default_rng(0)
    small = rng.normal(size=400)
    g = rng.choice(["a", "b"], 400)

    def error(offset):
        rows = pa.table({"g": g, "y": np.zeros(400), "p": small + offset})
        return evenhand.audit(rows, metric="bias(y, p)", **FAST).overall.standard_error

    assert error(1e9) == pytest.approx(error(0.0), rel=1e-5)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("bad", [float("inf"), float("-inf")])
def test_what_is_infinite_is_a_fault(name, bad):
    values = pa.array([1.0, 2.0] * 20 + [bad])
    table = pa.table({"g": ["a"] * 41, "y": values, "p": [1.0] * 41})
    with pytest.raises(FaultsError, match=r"must be a finite number \(row 41\)"):
        evenhand.audit(table, metric=f"{name}(y, p)", **FAST)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_not_a_number_is_missing_and_counted(name):
    values = pa.array([1.0, 2.0] * 20 + [float("nan")])
    table = pa.table({"g": ["a"] * 41, "y": values, "p": [1.0] * 41})
    audit = evenhand.audit(table, metric=f"{name}(y, p)", **FAST)
    assert audit.overall.n_rows == 40
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("y", 1)]


@pytest.mark.parametrize("name", METRICS)
def test_text_is_no_number(name):
    table = pa.table({"g": ["a", "b"] * 20, "y": ["1", "2"] * 20, "p": [1, 2] * 20})
    with pytest.raises(InputError, match="target must be a numeric column, but 'y' holds text"):
        evenhand.audit(table, metric=f"{name}(y, p)", **FAST)
