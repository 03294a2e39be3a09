"""Weighted rows: values and errors against scikit-learn, R's survey and samplics, laws, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as peers

import evenhand
from evenhand.errors import FaultsError, InputError


def made(n=300, seed=3, sigma=0.8):
    """Rows with labels, predictions, numbers, units, and weights on which the rates depend."""
    rng = np.random.default_rng(seed)
    weight = np.exp(sigma * rng.normal(size=n))
    label = (rng.random(n) < np.clip(0.3 * weight**0.5, 0, 1)).astype(int)
    prediction = np.where(rng.random(n) < 0.7, label, 1 - label)
    return {
        "site": rng.choice(["east", "west", "north"], n),
        "label": label,
        "prediction": prediction,
        "target": rng.normal(10, 3, n),
        "guess": rng.normal(10, 3, n),
        "score": rng.random(n),
        "speaker": rng.integers(0, 40, n),
        "weight": weight,
    }


def audited(rows, metric, *, by="site", weight="weight", **options):
    options.setdefault("worse", "higher" if metric.startswith(("mean", "ratio")) else None)
    return evenhand.audit(pa.table(rows), metric, by, weight=weight, **options)


PEERS = {
    "accuracy(label, prediction)": lambda r, w: peers.accuracy_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "error_rate(label, prediction)": lambda r, w: (
        1 - peers.accuracy_score(r["label"], r["prediction"], sample_weight=w)
    ),
    "true_positive_rate(label, prediction)": lambda r, w: peers.recall_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "false_positive_rate(label, prediction)": lambda r, w: (
        1 - peers.recall_score(r["label"], r["prediction"], sample_weight=w, pos_label=0)
    ),
    "precision(label, prediction)": lambda r, w: peers.precision_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "f1(label, prediction)": lambda r, w: peers.f1_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "f_beta(label, prediction, beta=0.5)": lambda r, w: peers.fbeta_score(
        r["label"], r["prediction"], beta=0.5, sample_weight=w
    ),
    "jaccard(label, prediction)": lambda r, w: peers.jaccard_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "brier(label, score)": lambda r, w: peers.brier_score_loss(
        r["label"], r["score"], sample_weight=w
    ),
    "log_loss(label, score)": lambda r, w: peers.log_loss(r["label"], r["score"], sample_weight=w),
    "mae(target, guess)": lambda r, w: peers.mean_absolute_error(
        r["target"], r["guess"], sample_weight=w
    ),
    "mse(target, guess)": lambda r, w: peers.mean_squared_error(
        r["target"], r["guess"], sample_weight=w
    ),
    "mape(target, guess)": lambda r, w: peers.mean_absolute_percentage_error(
        r["target"], r["guess"], sample_weight=w
    ),
    "pinball_loss(target, guess, quantile=0.9)": lambda r, w: peers.mean_pinball_loss(
        r["target"], r["guess"], alpha=0.9, sample_weight=w
    ),
    "mean(score)": lambda r, w: np.average(r["score"], weights=w),
}


@pytest.mark.parametrize("metric", PEERS)
@pytest.mark.parametrize("unit", [None, "speaker"])
def test_values_are_those_of_sample_weight(metric, unit):
    rows = made()
    found = audited(rows, metric, unit=unit)
    assert found.overall.value == pytest.approx(PEERS[metric](rows, rows["weight"]), rel=1e-12)
    for group in found.groups:
        own = rows["site"] == group.group["site"]
        some = {name: values[own] for name, values in rows.items()}
        assert group.estimate.value == pytest.approx(PEERS[metric](some, some["weight"]), rel=1e-12)


def test_word_errors_are_weighted_by_hand():
    rows = {
        "text": ["a b c d", "e f", "g"],
        "heard": ["a x c d", "e f f", "g"],
        "site": ["x", "x", "y"],
        "weight": [2.0, 0.5, 1.0],
    }
    found = audited(rows, "wer(text, heard)")
    # Errors 1, 1 and 0 of 4, 2 and 1 words.
    assert found.overall.value == pytest.approx((2 * 1 + 0.5 * 1) / (2 * 4 + 0.5 * 2 + 1 * 1))


def test_the_effective_sample_size_is_kish():
    rows = made()
    found = audited(rows, "accuracy(label, prediction)")
    weight = rows["weight"]
    assert found.overall.effective_sample_size == pytest.approx(
        weight.sum() ** 2 / (weight**2).sum()
    )
    assert found.overall.n_rows == len(weight)
    recalled = audited(rows, "true_positive_rate(label, prediction)").overall
    own = weight[rows["label"] == 1]
    assert recalled.effective_sample_size == pytest.approx(own.sum() ** 2 / (own**2).sum())
    assert recalled.n_units == len(own)


@pytest.mark.parametrize("bad", [-1.0, np.inf, -np.inf])
def test_a_weight_below_0_or_infinite_is_refused_by_its_row(bad):
    rows = made()
    rows["weight"][[4, 17]] = bad
    with pytest.raises(FaultsError, match=r"`weight` is -?(1|inf), but a weight is.*\(row 5\)"):
        audited(rows, "accuracy(label, prediction)")


@pytest.mark.parametrize("unit", [None, "speaker"])
def test_rows_without_a_weight_and_of_weight_0_are_left_out_and_counted(unit):
    rows = made()
    rows["weight"][[1, 2, 3]] = 0.0
    rows["weight"][[5, 8]] = np.nan
    found = audited(rows, "accuracy(label, prediction)", unit=unit)
    told = {(one.attribute, one.reason): one.n_rows for one in found.missing}
    assert told == {("weight = 0", "zero_weight"): 3, ("weight", "missing_weight"): 2}
    kept = rows["weight"] > 0
    again = audited(
        {name: values[kept] for name, values in rows.items()},
        "accuracy(label, prediction)",
        unit=unit,
    )
    assert found.overall == again.overall
    assert found.groups == again.groups


@pytest.mark.parametrize(
    "metric",
    [
        "auc(label, score)",
        "balanced_accuracy(label, prediction)",
        "median_absolute_error(target, guess)",
        "scoring_rate(score)",
        "rmse(target, guess)",
    ],
)
def test_what_is_no_ratio_of_sums_takes_no_weight(metric):
    name = metric.partition("(")[0]
    with pytest.raises(InputError, match=rf"{name}\(.* takes no weight: .*Allowed: .*leave the"):
        audited(made(), metric)


def test_a_weight_that_is_no_column_of_numbers_is_refused():
    with pytest.raises(InputError, match="Unknown column 'wieght'. Did you mean 'weight'"):
        audited(made(), "accuracy(label, prediction)", weight="wieght")
    with pytest.raises(InputError, match="weight is 'site', which holds text values, but must be"):
        audited(made(), "accuracy(label, prediction)", weight="site")
    with pytest.raises(InputError, match="weight is 3, but must be text"):
        audited(made(), "accuracy(label, prediction)", weight=3)
