"""Features that say again what the metric reads are left out and named; a person can insist."""

import numpy as np
import pyarrow as pa
import pytest

import evenhand
from evenhand.errors import InputError

N = 4000


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, N)
    score = np.clip(0.5 * label + 0.6 * rng.random(N), 0, 1).round(4)
    group = rng.choice(["a", "b", "c"], N)
    wrong = rng.random(N) < np.where(group == "c", 0.4, 0.15)
    prediction = np.where(wrong, 1 - label, label)
    flipped = np.where(rng.random(N) < 0.03, 1 - label, label)
    return pa.table(
        {
            "label": label,
            "prediction": prediction,
            "score": score,
            "group": group,
            "age": rng.integers(18, 90, N),
            "income": rng.normal(3e4, 9e3, N),
            "outcome_2": flipped,
            "verdict": np.where(prediction == 1, "yes", "no"),
            "score_band": np.where(score > 0.66, "high", np.where(score > 0.33, "mid", "low")),
            "other_score": (score + rng.normal(0, 0.15, N)).round(1),
            "sample_weight": rng.random(N),
            "row_number": np.arange(N) + 7,
            "call_id": [f"c{i:05}" for i in rng.permutation(N)],
            "weight_kg": rng.normal(75, 12, N),
            "model": np.where(rng.random(N) < 0.5, "m1", "m2"),
        }
    )


def search(table, metric="error_rate(label, prediction)", **options):
    return evenhand.slices(table, metric, depth=1, confirm=False, **options)


def test_near_functions_ids_and_weights_are_left_out_and_named(table):
    found = search(table)
    assert set(found.left_out) == {"outcome_2", "verdict", "sample_weight", "row_number", "call_id"}
    assert "tells label, which the metric reads, in 97." in found.left_out["outcome_2"]
    assert "group" in found.slices[0].predicate
    for text in (str(found), found.to_html(), found.to_json()):
        assert "outcome_2" in text
        assert "which the metric reads" in text


def test_what_is_made_of_a_score_goes_with_it(table):
    found = search(table, "brier(label, score)")
    assert {"score_band", "other_score", "outcome_2"} <= set(found.left_out)
    assert "shares a word with score" in found.left_out["other_score"]
    kept = {"group", "age", "income", "weight_kg", "model"}
    assert kept <= set(found.searched.features)


def test_a_column_of_a_predicate_counts_as_read(table):
    found = search(table, "false_positive_rate(label, prediction=score >= 0.5)")
    assert {"score_band", "other_score"} <= set(found.left_out)


def test_what_is_named_is_searched(table):
    found = search(table, features="outcome_2,group,row_number")
    assert found.searched.features == ("outcome_2", "group", "row_number")
    assert found.left_out == {}
    binned = search(table, bins={"row_number": [2000]})
    assert "row_number" in binned.searched.features


def test_a_group_that_a_service_serves_badly_is_no_leak():
    """However large the harm: only what tells the label or the prediction of nearly all rows is left out."""
    rng = np.random.default_rng(5)
    group, label = rng.choice(["a", "b"], N), rng.integers(0, 2, N)
    prediction = np.where(group == "b", 0, label)
    table = pa.table({"dialect": group, "label": label, "prediction": prediction})
    found = search(table)
    assert found.slices[0].predicate == "dialect = 'b'"


def test_the_length_and_the_name_of_a_sentence_are_worth_a_slice():
    rng = np.random.default_rng(6)
    sentences = [" ".join(["word"] * k) for k in range(2, 12)]
    pick = rng.integers(0, 10, N)
    said = [
        s if rng.random() < 0.7 + 0.02 * k else "" for s, k in ((sentences[k], k) for k in pick)
    ]
    table = pa.table(
        {"text": [sentences[k] for k in pick], "said": said, "words": pick + 2, "sentence": pick}
    )
    found = search(table, "wer(text, said)")
    assert set(found.searched.features) == {"words", "sentence"}


def test_nothing_left_says_what_to_do(table):
    with pytest.raises(InputError, match="Name those that you want with --features"):
        search(table.select(["label", "prediction", "verdict"]))
