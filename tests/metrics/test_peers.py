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


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(2)
    query = np.repeat(np.arange(60), rng.integers(2, 12, 60))
    n = len(query)
    order = rng.permutation(n)
    accent = rng.choice(["a", "b"], 60)
    relevance = rng.integers(0, 4, n) * (rng.random(n) < 0.5)
    relevance[query == 7] = 0
    score = np.round(relevance + rng.normal(size=n) * 2, 0)
    data = {
        "g": accent[query],
        "q": query.astype(str),
        "person": (query // 3).astype(str),
        "rel": relevance,
        "s": score,
    }
    return {name: values[order] for name, values in data.items()}


def ndcg(data, k=None, exponential=False):
    """Mean over queries of scikit-learn's, which takes one query at a time."""
    found = []
    for name in np.unique(data["q"]):
        here = data["q"] == name
        gain = (2.0 ** data["rel"][here] - 1) if exponential else data["rel"][here]
        if gain.any():
            found.append(sk.ndcg_score([gain], [data["s"][here]], k=k))
    return np.mean(found), len(found)


@pytest.mark.parametrize("k", [None, 1, 3, 100])
@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_ndcg_as_scikit_learn_has_it(k, gain, answers):
    rest = f", k={k}" * (k is not None) + f", gain='{gain}'"
    audit = evenhand.audit(pa.table(answers), f"ndcg(rel, s, q{rest})", **FAST)
    expected, queries = ndcg(answers, k, gain == "exponential")
    assert audit.overall.value == pytest.approx(expected)
    assert (audit.overall.n_rows, audit.missing[0].n_rows) == (queries, 60 - queries)
    for group in audit.groups:
        here = {name: values[answers["g"] == group.label] for name, values in answers.items()}
        expected, queries = ndcg(here, k, gain == "exponential")
        assert group.estimate.value == pytest.approx(expected)
        assert group.estimate.n_rows == queries


def test_ndcg_by_person_and_of_some_queries(answers):
    audit = evenhand.audit(
        pa.table(answers), "ndcg(rel, s, q)", unit="person", where="q < '30'", **FAST
    )
    here = {name: values[answers["q"] < "30"] for name, values in answers.items()}
    assert audit.overall.value == pytest.approx(ndcg(here)[0])
    assert audit.overall.n_units <= len(np.unique(here["person"]))


def test_a_query_with_an_answer_that_is_not_known_is_missing(answers):
    score = [None if i == 0 else v for i, v in enumerate(answers["s"].tolist())]
    audit = evenhand.audit(pa.table({**answers, "s": score}), "ndcg(rel, s, q)", **FAST)
    whole = evenhand.audit(pa.table(answers), "ndcg(rel, s, q)", **FAST)
    assert audit.missing[0].n_rows == whole.missing[0].n_rows + 1


@pytest.mark.parametrize(
    ("metric", "by", "message"),
    [
        ("ndcg(rel, s, q)", "s", "is one number a query, but query .* has several values of 's'"),
        ("ndcg(rel, s, q, k=0)", "g", "k is 0, but must be a whole number of at least 1"),
        ("ndcg(rel, s, q, k='ten')", "g", "k is 'ten', but must be a whole number"),
        ("ndcg(s, rel, q)", "g", "`s` is -[0-9]+, but a relevance is a number of at least 0"),
        ("ndcg(g, s, q)", "g", "relevance must be a numeric column"),
    ],
)
def test_rankings_that_cannot_be_are_told(metric, by, message, answers):
    with pytest.raises(InputError, match=message):
        evenhand.audit(pa.table(answers), metric, by=by)


# -- the median ----------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [None, "u"])
@pytest.mark.parametrize("digits", [0, 2])
def test_median_absolute_error_as_scikit_learn_has_it(unit, digits, data):
    rounded = {**data, "x": np.round(data["x"], digits), "t": np.round(data["t"], digits)}
    agree(rounded, "median_absolute_error(t, x)", sk.median_absolute_error, ("t", "x"), unit=unit)


def test_the_standard_error_of_a_median_is_how_much_medians_vary():
    """Simulated: lognormal errors, whose median has the standard error 1 / (2 f √n)."""
    rng = np.random.default_rng(3)
    n, worlds = 101, 400
    x = rng.lognormal(size=(worlds, n))
    tables = [open_records(pa.table({"x": row, "t": np.zeros(n)})) for row in x[:40]]
    plan = parse_metric("median_absolute_error(t, x)", tables[0].columns).plan(tables[0])
    errors = [np.sqrt(_estimate(plan, table).variances[0]) for table in tables]
    expected = np.sqrt(np.pi / 2) / np.sqrt(n)  # f(1) of a standard lognormal is 1/√(2π)
    assert np.median(x, axis=1).std() == pytest.approx(expected, rel=0.12)
    assert np.mean(errors) == pytest.approx(expected, rel=0.15)


def _estimate(plan, records):
    cube = build_cube(records, plan.measure, ())
    return estimate(cube, plan.form, np.ones((1, len(cube.keys)), bool))


def test_errors_that_are_all_alike_have_no_interval():
    table = pa.table({"g": ["a", "b"] * 20, "t": [1.0] * 40, "x": [3.0] * 40})
    audit = evenhand.audit(table, "median_absolute_error(t, x)", **FAST)
    assert (audit.overall.value, audit.overall.reason) == (2.0, "no_variation")


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
