"""Metrics that other packages have, against them: errors of numbers, rankings, inequality, words."""

import jiwer
import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

import evenhand
from evenhand.cubes import build_cube, estimate
from evenhand.errors import FaultsError, InputError
from evenhand.metrics import parse_metric
from evenhand.records import open_records

FAST = {"by": "g", "adjust": "holm"}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    n = 400
    t = np.round(rng.lognormal(1, 0.6, n), 2) + 0.5
    y = rng.integers(0, 2, n)
    words = np.array(["the", "a", "cat", "dog", "sat", "ran", "on", "in", "mat", "hat"])
    said = [" ".join(rng.choice(words, rng.integers(1, 8))) for _ in range(n)]
    return {
        "g": rng.choice(["a", "b"], n),
        "u": rng.integers(0, 50, n).astype(str),
        "t": t,
        "x": np.round(t + rng.normal(size=n), 2),
        "y": y,
        "p": np.where(rng.random(n) < 0.3, 1 - y, y),
        "s": np.round(rng.normal(size=n) + y, 2),
        "said": said,
        "heard": [
            " ".join(w for w in text.split() if rng.random() > 0.1)
            + (" hat" * int(rng.random() < 0.2))
            for text in said
        ],
    }


def agree(data, metric, expected, columns, **options):
    audit = evenhand.audit(pa.table(data), metric, **FAST, **options)
    arrays = [np.asarray(data[name]) for name in columns]
    assert audit.overall.value == pytest.approx(expected(*arrays), abs=1e-9)
    for group in audit.groups:
        here = data["g"] == group.label
        value = expected(*(values[here] for values in arrays))
        assert group.estimate.value == pytest.approx(value, abs=1e-9)
    return audit


def jackknife(data, metric, unit):
    """Standard error from leaving out one unit at a time, on the sums of the units."""
    table = pa.table({**data, "row": np.arange(len(data["g"])).astype(str)})
    records = open_records(table)
    plan = parse_metric(metric, records.columns).plan(records, ["row", "u"])
    cube = build_cube(plan.records, plan.measure, (), unit=unit)
    whole = np.zeros((cube.n_levels, len(cube.parts)))
    np.add.at(whole, cube.level, cube.sums)
    left = []
    for one in range(len(cube.units.names)):
        rest = whole.copy()
        here = cube.units.unit == one
        np.subtract.at(rest, cube.level[cube.units.cell[here]], cube.units.sums[here])
        left.append(plan.form.value(rest[None])[0])
    found = estimate(cube, plan.form, np.ones((1, len(cube.keys)), bool))
    return np.sqrt(found.variances[0]), np.sqrt(
        (len(left) - 1) * np.mean((np.array(left) - np.mean(left)) ** 2)
    )


# -- numbers -------------------------------------------------------------------------------------

REGRESSION = {
    "mape(t, x)": sk.mean_absolute_percentage_error,
    "smape(t, x)": lambda t, x: np.mean(2 * np.abs(t - x) / (np.abs(t) + np.abs(x))),
    "r_squared(t, x)": sk.r2_score,
    "pinball_loss(t, x, quantile=0.9)": lambda t, x: sk.mean_pinball_loss(t, x, alpha=0.9),
    "pinball_loss(t, x, quantile=0.25)": lambda t, x: sk.mean_pinball_loss(t, x, alpha=0.25),
}


@pytest.mark.parametrize("metric", REGRESSION)
@pytest.mark.parametrize("unit", [None, "u"])
def test_errors_of_numbers_as_scikit_learn_has_them(metric, unit, data):
    agree(data, metric, REGRESSION[metric], ("t", "x"), unit=unit)


def test_r_squared_keeps_the_digits_of_targets_far_from_zero(data):
    far = {**data, "t": data["t"] + 1e8, "x": data["x"] + 1e8}
    agree(far, "r_squared(t, x)", sk.r2_score, ("t", "x"))


def test_targets_that_are_all_alike_have_no_r_squared(data):
    flat = {**data, "t": np.where(data["g"] == "a", 3.3, data["t"])}
    audit = evenhand.audit(pa.table(flat), "r_squared(t, x)", **FAST)
    found = {group.label: group.estimate for group in audit.groups}
    assert (found["a"].value, found["a"].reason) == (None, "class_absent")
    assert found["b"].value is not None


def test_a_target_of_zero_has_no_percentage(data):
    zero = {**data, "t": np.where(np.arange(len(data["t"])) == 3, 0.0, data["t"])}
    with pytest.raises(FaultsError, match=r"`t` is 0, but mape divides by it.*\(row 4\)"):
        evenhand.audit(pa.table(zero), "mape(t, x)", **FAST)
    kept = evenhand.audit(pa.table(zero), "mape(t, x)", where="t != 0", **FAST)
    assert kept.overall.n_rows == len(data["t"]) - 1


@pytest.mark.parametrize("quantile", ["0", "1", "2", "'half'", "-0.5"])
def test_a_quantile_lies_between_zero_and_one(quantile, data):
    with pytest.raises(
        InputError, match=r"quantile is .*, but must be a number above 0 and below 1"
    ):
        evenhand.audit(pa.table(data), f"pinball_loss(t, x, quantile={quantile})", **FAST)


# -- rankings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [None, "u"])
def test_average_precision_as_scikit_learn_has_it(unit, data):
    agree(data, "average_precision(y, s)", sk.average_precision_score, ("y", "s"), unit=unit)


def test_average_precision_needs_positives(data):
    none = {**data, "y": np.where(data["g"] == "a", 0, data["y"])}
    audit = evenhand.audit(pa.table(none), "average_precision(y, s)", **FAST)
    found = {group.label: group.estimate for group in audit.groups}
    assert (found["a"].value, found["a"].reason) == (None, "class_absent")


# -- inequality ----------------------------------------------------------------------------------


def entropy(alpha):
    """The formulas of Speicher et al. (2018), from the benefits of all rows."""

    def index(y, p):
        benefit = (p - y + 1).astype(float)
        share = benefit / benefit.mean()
        if alpha == 1:
            logs = np.log(np.where(share > 0, share, 1))
            return float(np.mean(share * logs))
        return float(np.mean(share**alpha - 1) / (alpha * (alpha - 1)))

    return index


@pytest.mark.parametrize("unit", [None, "u"])
@pytest.mark.parametrize(
    ("metric", "alpha"),
    [
        ("generalized_entropy(y, p)", 2),
        ("generalized_entropy(y, p, alpha=2)", 2),
        ("generalized_entropy(y, p, alpha=0.5)", 0.5),
        ("generalized_entropy(y, p, alpha=3)", 3),
        ("theil(y, p)", 1),
    ],
)
def test_inequality_of_benefits(metric, alpha, unit, data):
    agree(data, metric, entropy(alpha), ("y", "p"), unit=unit)


@pytest.mark.parametrize("alpha", ["0", "1", "-1", "11", "'two'"])
def test_an_alpha_without_meaning_is_refused(alpha, data):
    with pytest.raises(InputError, match=r"alpha is .*, but must be a number above 0"):
        evenhand.audit(pa.table(data), f"generalized_entropy(y, p, alpha={alpha})", **FAST)


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wil", "wip"])
def test_word_information_as_jiwer_has_it(name, data):
    score = getattr(jiwer, name)
    agree(data, f"{name}(said, heard)", lambda a, b: score(list(a), list(b)), ("said", "heard"))


def test_a_service_that_says_nothing_preserves_nothing():
    table = pa.table({"g": ["a", "b"] * 10, "said": ["a b"] * 20, "heard": ["a b", ""] * 10})
    for name, expected in (("wip", 0.0), ("wil", 1.0)):
        audit = evenhand.audit(table, f"{name}(said, heard)", **FAST)
        assert {group.label: group.estimate.value for group in audit.groups}["b"] == expected


def test_sentence_error_rate_is_a_proportion_of_transcripts(data):
    audit = agree(
        data,
        "sentence_error_rate(said, heard)",
        lambda a, b: np.mean([jiwer.wer(x, y) > 0 for x, y in zip(a, b, strict=True)]),
        ("said", "heard"),
    )
    assert audit.overall.method == "wilson"
    assert set(audit.overall.counts) == {"wrong", "right"}


# -- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["row", "u"])
@pytest.mark.parametrize(
    "metric",
    [
        "smape(t, x)",
        "r_squared(t, x)",
        "average_precision(y, s)",
        "generalized_entropy(y, p)",
        "theil(y, p)",
        "wil(said, heard)",
    ],
)
def test_standard_errors_are_those_of_the_jackknife(metric, unit, data):
    found, expected = jackknife(data, metric, unit)
    assert found == pytest.approx(expected, rel=0.1)
