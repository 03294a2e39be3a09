"""Questions that every engine answers alike, and the rows they are asked of."""

import numpy as np
import pyarrow as pa
import pytest


def made_rows():
    """Rows of every kind that metrics read."""
    rng = np.random.default_rng(8)
    n = 600
    words = np.array(["a", "b", "c d", "it's", "é"])
    made = pa.table(
        {
            "accent": pa.array(
                [
                    None if x == "" else x
                    for x in rng.choice(["us", "in", "uk", ""], n, p=[0.4, 0.3, 0.2, 0.1])
                ]
            ),
            "age": pa.array(rng.integers(18, 90, n), pa.int32()),
            "member": pa.array(rng.random(n) < 0.5),
            "speaker": pa.array([f"s{i}" for i in rng.integers(0, 60, n)]),
            "label": pa.array(rng.integers(0, 2, n), pa.int16()),
            "prediction": pa.array(rng.integers(0, 2, n), pa.int64()),
            "yes": pa.array(rng.choice(["yes", "no"], n)),
            "score": pa.array(rng.random(n)),
            "text": pa.array([" ".join(rng.choice(words, 5)) for _ in range(n)]),
            "heard": pa.array(
                [None if rng.random() < 0.02 else " ".join(rng.choice(words, 5)) for _ in range(n)]
            ),
            "Mixed Case": pa.array(rng.choice(["x", "y"], n)),
        }
    )
    more = {
        "few": rng.choice(["a", "b", "c"], n),
        "guess": rng.choice(["a", "b", "c", None], n).tolist(),
        "third": rng.choice(["a", "b", "c", None], n).tolist(),
        "decade": rng.integers(0, 20, n),
        "rest": 1 - made["score"].to_numpy(),
        "sets": rng.choice(["a, b", "b", "c,a"], n),
        "guesses": rng.choice(["a", "b", "c", None], n).tolist(),
    }
    more["household"] = [f"{d}-{i % 9}" for i, d in enumerate(more["decade"].tolist())]
    for name, values in more.items():
        made = made.append_column(name, pa.array(values))
    return made


def close(a, b, place=""):
    """Same structure, numbers to rounding."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), place
        for key in a:
            close(a[key], b[key], f"{place}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), place
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            close(x, y, f"{place}[{i}]")
    elif isinstance(a, float) and isinstance(b, int | float):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12), place
    else:
        assert a == b, place


CASES = [
    ("accuracy(label, prediction)", {"by": "accent"}),
    ("accuracy(yes, yes)", {"by": "Mixed Case"}),
    ("true_positive_rate(label, prediction)", {"by": ["accent,member"], "unit": "speaker"}),
    ("f1(label, prediction)", {"by": "age", "unit": "speaker"}),
    ("f1(label, prediction, average='macro')", {"by": "accent"}),
    (
        "selection_rate(prediction=yes, positive='yes')",
        {"by": "age >= 65 OR accent = 'us'", "worse": "lower"},
    ),
    ("brier(label, score)", {"by": "member", "versus": "best"}),
    ("log_loss(label, score)", {"by": "accent", "where": "age < 60"}),
    ("auc(label, score)", {"by": "accent"}),
    ("calibration_gap(label, score)", {"by": "accent", "versus": "overall"}),
    ("mae(age, score)", {"by": "accent", "unit": "speaker"}),
    ("rmse(age, score)", {"by": "age", "bins": {"age": [30, 60]}}),
    ("scoring_rate(score)", {"by": "accent"}),
    ("mean(score)", {"by": "accent", "versus": "member = TRUE"}),
    ("ratio(label, age)", {"by": "accent"}),
    ("mean(label)", {"by": "accent"}),
    ("mean(member)", {"by": "accent"}),
    ("mae(label, prediction)", {"by": "accent"}),
    ("f1(few, guess, average='weighted')", {"by": "member"}),
    ("f1(few, guess, average='micro', labels=('a', 'b'))", {"by": "member"}),
    ("f_beta(label, prediction, beta=0.5)", {"by": "accent"}),
    ("jaccard(few, guess, average='macro')", {"by": "member", "unit": "speaker"}),
    ("f1(decade, decade, average='weighted')", {"by": "member"}),
    ("mcc(few, guess)", {"by": "member"}),
    ("balanced_accuracy(few, guess)", {"by": "member"}),
    ("cohen_kappa(few, guess, weights='linear', labels=('a', 'b', 'c'))", {"by": "member"}),
    ("fleiss_kappa(raters=(few, guess, third))", {"by": "member"}),
    ("krippendorff_alpha(raters=(few, guess, third))", {"by": "member"}),
    ("krippendorff_alpha(raters=(label, prediction), level='ordinal')", {"by": "member"}),
    ("krippendorff_alpha(raters=(age, prediction), level='interval')", {"by": "member"}),
    ("brier(yes, score=(score, rest), labels=('yes', 'no'))", {"by": "accent"}),
    ("log_loss(yes, score=(score, rest), labels=('yes', 'no'))", {"by": "accent"}),
    ("average_precision(label, score)", {"by": "accent"}),
    ("generalized_entropy(label, prediction, alpha=0.5)", {"by": "accent"}),
    ("theil(label, prediction)", {"by": "accent", "unit": "speaker"}),
    ("mape(age, score)", {"by": "accent"}),
    ("smape(age, label)", {"by": "accent"}),
    ("r_squared(age, score)", {"by": "accent", "where": "age < 60"}),
    ("pinball_loss(age, score, quantile=0.9)", {"by": "accent"}),
    ("median_absolute_error(age, label)", {"by": "accent"}),
    ("ndcg(label, score, text, k=3)", {"by": "member", "where": "member = TRUE"}),
    ("set_f1(sets, guesses, average='macro')", {"by": "accent"}),
    ("hamming_loss(sets, guesses)", {"by": "accent"}),
    ("wil(text, heard)", {"by": "accent"}),
    ("sentence_error_rate(text, heard)", {"by": "accent"}),
    ("wer(reference=text, hypothesis=heard)", {"by": "accent", "unit": "speaker"}),
    ("cer(reference=text, hypothesis=heard)", {"by": ["accent", "age"], "where": "member = TRUE"}),
    ("true_positive_rate(label, prediction)", {"by": "accent", "weight": "score"}),
    ("mae(age, score)", {"by": "accent", "weight": "decade", "stratum": "few"}),
    ("wer(reference=text, hypothesis=heard)", {"by": "member", "unit": "speaker", "weight": "age"}),
    ("f1(label, prediction)", {"by": "accent", "unit": "household", "stratum": "decade"}),
]

#: Few labels beside a judge's of all rows, which no cube counts.
JUDGED = [
    ("error_rate(guess, few)", {"by": "accent", "judge": "error_rate(third, few)"}),
    (
        "true_positive_rate(guess = 'a', few = 'a')",
        {"by": "member", "unit": "speaker", "judge": "true_positive_rate(third = 'a', few = 'a')"},
    ),
    (
        "f1(guess = 'a', few = 'a')",
        {"by": "accent", "judge": "f1(third = 'a', few = 'a')", "versus": "best"},
    ),
    (
        "wer(reference=heard, hypothesis=yes)",
        {"by": "member", "judge": "wer(reference=text, hypothesis=yes)"},
    ),
]
