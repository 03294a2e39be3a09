"""Services are compared where the rows lie, with the answer of the same rows in this process."""

import numpy as np
import pyarrow as pa
import pytest

import evenhand

N = 900


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(8)
    said = np.array(["turn the light on", "call my sister", "what is the time", "stop"], object)
    text = said[rng.integers(0, 4, N)]
    return pa.table(
        {
            "site": rng.choice(np.array(["a", "b", "c", None], object), N),
            "speaker": [f"s{i}" for i in rng.integers(0, 60, N)],
            "label": rng.integers(0, 2, N),
            "old": rng.integers(0, 2, N),
            "new": pa.array(rng.integers(0, 2, N), mask=rng.random(N) < 0.1),
            "score_old": rng.random(N).round(2),
            "score_new": rng.random(N).round(2),
            "said": text,
            "heard": [one if i % 3 else one + " now" for i, one in enumerate(text)],
            "noted": [one if i % 4 else "the " + one for i, one in enumerate(text)],
        }
    )


def told(found):
    """All but where the rows were, to the digits that sums of fractions keep."""

    def rounded(value):
        if isinstance(value, dict):
            return {name: rounded(item) for name, item in value.items()}
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return float(f"{value:.9g}") + 0.0 if isinstance(value, float) else value

    plain = found.to_dict()
    del plain["source"], plain["settings"]["command"]
    return rounded(plain)


@pytest.mark.parametrize("unit", [None, "speaker"])
@pytest.mark.parametrize(
    "metrics",
    [
        ["accuracy(label, old)", "accuracy(label, new)"],
        ["f1(label, old)", "f1(label, new)"],
        ["auc(label, score_old)", "auc(label, score_new)"],
        ["wer(said, heard)", "wer(said, noted)"],
    ],
)
def test_the_answer_is_that_of_the_rows_here(hold, rows, metrics, unit):
    records = hold(rows)
    here = evenhand.compare(rows, metrics, "site", unit=unit)
    try:
        there = evenhand.compare(records, metrics, "site", unit=unit)
    finally:
        records.close()
    assert told(there) == told(here)
