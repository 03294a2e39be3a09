"""Scores by group: what they promise beside what came of it, and thresholds, as scikit-learn counts them."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

import evenhand

RNG = np.random.default_rng(5)
N = 3000
SITE = RNG.choice(["a", "b"], N)
SCORE = (
    RNG.beta(1.5, 2, N).round(4) + 5e-5
)  # on no edge: scikit-learn counts those to the bin below
LABEL = (RNG.random(N) < SCORE * np.where(SITE == "a", 1.0, 0.6)).astype(int)
TABLE = pa.table({"site": SITE, "score": SCORE, "ill": LABEL, "clinic": RNG.integers(0, 200, N)})
METRICS = ["auc", "average_precision", "brier", "log_loss", "calibration_gap"]


def rows_of(curve):
    return np.ones(N, bool) if curve.predicate is None else curve.label == SITE


@pytest.mark.parametrize("metric", METRICS)
def test_what_came_of_scores_is_what_scikit_learn_counts(metric):
    audit = evenhand.audit(TABLE, f"{metric}(label=ill, score=score)", by="site")
    assert [curve.label for curve in audit.scores] == ["all", "a", "b"]
    for curve in audit.scores:
        inside = rows_of(curve)
        rate, mean = calibration_curve(LABEL[inside], SCORE[inside], n_bins=10)
        told = [one for one in curve.bins if one.rate.n_rows]
        np.testing.assert_allclose([one.rate.value for one in told], rate)
        np.testing.assert_allclose([one.mean_score for one in told], mean)


def test_thresholds_are_what_scikit_learn_counts():
    audit = evenhand.audit(TABLE, "auc(label=ill, score=score)", by="site")
    for curve in audit.scores:
        inside = rows_of(curve)
        for one in curve.thresholds:
            wanted = confusion_matrix(LABEL[inside], SCORE[inside] >= one.least, labels=[0, 1])
            found = [
                [one.true_negatives, one.false_positives],
                [one.false_negatives, one.true_positives],
            ]
            assert found == wanted.tolist()


def test_units_widen_the_interval_of_a_bin():
    twice = pa.concat_tables([TABLE] * 4)
    metric = "brier(label=ill, score=score)"
    alone = evenhand.audit(twice, metric, by="site").scores[0].bins[5].rate
    units = evenhand.audit(twice, metric, by="site", unit="clinic").scores[0].bins[5].rate
    assert units.value == alone.value
    assert units.high - units.low > 1.5 * (alone.high - alone.low)
    assert units.method.startswith("cluster-t")


def test_a_bin_without_rows_has_no_rate_and_says_why():
    table = pa.table({"g": ["a", "b"] * 60, "y": [1, 0, 0, 1] * 30, "s": [0.15, 0.85] * 60})
    bins = evenhand.audit(table, "brier(y, s)", by="g").scores[0].bins
    assert [one.rate.n_rows for one in bins] == [0, 60, 0, 0, 0, 0, 0, 0, 60, 0]
    assert (bins[0].mean_score, bins[0].rate.value, bins[0].rate.reason) == (
        None,
        None,
        "no_denominator",
    )


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        ("auc(label=ill, score=minutes)", {}),  # no probabilities
        ("error_rate(label=ill, prediction=ill)", {}),  # no score
        (
            "brier(label=ill, score=score)",
            {"suppress_below": 10},
        ),  # small bins would tell small groups
    ],
)
def test_there_are_none_where_they_would_mean_nothing_or_tell_too_much(metric, options):
    table = TABLE.append_column("minutes", pa.array(SCORE * 60))
    assert evenhand.audit(table, metric, by="site", **options).scores == ()


def test_a_score_may_make_groups_too():
    audit = evenhand.audit(
        TABLE, "brier(label=ill, score=score)", by="score", bins={"score": [0.5]}
    )
    assert audit.scores == ()
    by_predicate = evenhand.audit(TABLE, "brier(label=ill, score=score)", by="score >= 0.5")
    assert sum(one.rate.n_rows for one in by_predicate.scores[1].bins[:5]) == 0
