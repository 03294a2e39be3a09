"""Verification metrics: the false match and non-match rates are rates of other names."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import confusion_matrix

import evenhand
from evenhand.errors import InputError

FAST = {"by": "g", "adjust": "holm"}


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(12)
    n = 500
    mated = rng.integers(0, 2, n)
    similarity = rng.normal(size=n) + 1.5 * mated
    return {
        "g": rng.choice(["a", "b"], n),
        "mated": mated,
        "similarity": similarity,
        "person": rng.integers(0, 70, n).astype(str),
    }


def rates(mated, match):
    (tn, fp), (fn, tp) = confusion_matrix(mated, match)
    return {"false_match_rate": fp / (fp + tn), "false_non_match_rate": fn / (fn + tp)}


@pytest.mark.parametrize("name", ["false_match_rate", "false_non_match_rate"])
@pytest.mark.parametrize("unit", [None, "person"])
def test_match_rates_as_the_confusion_matrix_gives_them(name, unit, pairs):
    match = (pairs["similarity"] >= 0.8).astype(int)
    audit = evenhand.audit(
        pa.table(pairs), metric=f"{name}(mated, match=similarity >= 0.8)", unit=unit, **FAST
    )
    assert audit.overall.value == pytest.approx(rates(pairs["mated"], match)[name])
    for group in audit.groups:
        here = pairs["g"] == group.label
        assert group.estimate.value == pytest.approx(rates(pairs["mated"][here], match[here])[name])


def test_a_group_without_non_mated_pairs_has_no_false_match_rate():
    table = pa.table({"g": ["a", "b"] * 30, "mated": [1, 0] * 30, "match": [1, 0] * 30})
    audit = evenhand.audit(table, metric="false_match_rate(mated, match)", **FAST)
    assert {g.label: g.estimate.value for g in audit.groups} == {"a": None, "b": 0.0}


def test_a_similarity_is_no_match():
    table = pa.table({"g": ["a", "b"] * 30, "mated": [1, 0] * 30, "match": [0.7, 0.2] * 30})
    with pytest.raises(InputError, match=r"'match' holds 0.2 and 0.7, .*: match=match >= 0.45"):
        evenhand.audit(table, metric="false_match_rate(mated, match)", **FAST)


def test_text_needs_a_predicate():
    table = pa.table({"g": ["a", "b"] * 30, "mated": ["yes", "no"] * 30, "match": [1, 0] * 30})
    with pytest.raises(InputError, match="for example mated=mated = 'yes'"):
        evenhand.audit(table, metric="false_match_rate(mated, match)", **FAST)
    audit = evenhand.audit(
        table, metric="false_match_rate(mated=mated = 'yes', match=match)", **FAST
    )
    assert audit.overall.value == 0.0
