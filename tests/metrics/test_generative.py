"""Bias of answers and agreement of raters, against the papers' formulas and scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import cohen_kappa_score

import evenhand

FAST = {"by": "g", "adjust": "holm"}


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(4)
    n = 400
    unknown = rng.random(n) < 0.4
    return {
        "g": rng.choice(["a", "b"], n).tolist(),
        "target": np.where(unknown, False, rng.random(n) < 0.6),
        "unknown": unknown,
        "polarity": rng.choice(["neg", "nonneg"], n).tolist(),
        "template": rng.integers(0, 20, n).astype(str).tolist(),
    }


def paper(answers, chosen):
    """Bias scores as section 4 of the paper writes them; in ambiguous contexts unknown is right."""
    negative = np.asarray(answers["polarity"]) == "neg"
    named = ~answers["unknown"] & chosen
    biased = (answers["target"] == negative) & named
    disambiguated = 2 * biased.sum() / named.sum() - 1
    accuracy = (answers["unknown"] & chosen).sum() / chosen.sum()
    return (1 - accuracy) * disambiguated, disambiguated


@pytest.mark.parametrize("place", [0, 1])
def test_bias_scores_are_the_papers(answers, place):
    name = ["bbq_ambiguous_bias", "bbq_disambiguated_bias"][place]
    metric = f"{name}(target, unknown, negative=polarity = 'neg')"
    audit = evenhand.audit(pa.table(answers), metric=metric, unit="template", **FAST)
    everything = np.ones(len(answers["g"]), bool)
    assert audit.overall.value == pytest.approx(paper(answers, everything)[place])
    for group in audit.groups:
        chosen = np.asarray(answers["g"]) == group.label
        assert group.estimate.value == pytest.approx(paper(answers, chosen)[place])
        assert group.estimate.low < group.estimate.value < group.estimate.high


def test_only_unknown_answers_have_no_disambiguated_bias():
    table = pa.table(
        {"g": ["a", "b"] * 20, "t": [0] * 40, "u": [1] * 40, "n": [0, 1] * 20},
    )
    audit = evenhand.audit(table, metric="bbq_disambiguated_bias(t, u, n)", **FAST)
    assert (audit.overall.value, audit.overall.reason) == (None, "no_denominator")
    assert evenhand.audit(table, metric="bbq_ambiguous_bias(t, u, n)", **FAST).overall.value == 0


def test_representation_is_twice_helms_distance_with_its_sign():
    rng = np.random.default_rng(1)
    she, he = rng.poisson(2, 200), rng.poisson(1, 200)
    table = pa.table({"g": rng.choice(["nurse", "clerk"], 200), "she": she, "he": he})
    audit = evenhand.audit(table, metric="representation_gap(she, he)", **FAST)
    shares = np.array([she.sum(), he.sum()]) / (she.sum() + he.sum())
    helm = np.abs(shares - 0.5).sum() / 2
    assert abs(audit.overall.value) / 2 == pytest.approx(helm)
    assert audit.overall.value > 0


@pytest.mark.parametrize("classes", [["yes", "no"], ["a", "b", "c", "d"], [0, 1, 2]])
def test_kappa_is_that_of_scikit_learn(classes):
    rng = np.random.default_rng(len(classes))
    label = rng.choice(classes, 300)
    guess = np.where(rng.random(300) < 0.6, label, rng.choice(classes, 300))
    table = pa.table({"g": rng.choice(["a", "b"], 300), "l": label, "p": guess})
    audit = evenhand.audit(table, metric="cohen_kappa(l, p)", **FAST)
    assert audit.overall.value == pytest.approx(cohen_kappa_score(label, guess))
    for group in audit.groups:
        here = np.asarray(table["g"]) == group.label
        assert group.estimate.value == pytest.approx(cohen_kappa_score(label[here], guess[here]))


def test_the_interval_of_kappa_covers():
    """Fleiss, Cohen & Everitt (1969): the large-sample variance is that of the linearisation."""
    rng = np.random.default_rng(7)
    runs = 200  # each a group of 200 rows, so that one audit is enough
    label = rng.random(200 * runs) < 0.4
    guess = np.where(rng.random(200 * runs) < 0.7, label, rng.random(200 * runs) < 0.4)
    table = pa.table({"g": np.repeat(np.arange(runs), 200).astype(str), "l": label, "p": guess})
    found = [one.estimate for one in evenhand.audit(table, "cohen_kappa(l, p)", **FAST).groups]
    hits = sum(one.low <= 0.7 <= one.high for one in found)
    assert len(found) == runs
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs) <= hits / runs < 1


def test_raters_who_always_say_the_same_have_no_kappa():
    table = pa.table({"g": ["a", "b"] * 20, "l": ["yes"] * 40, "p": ["yes"] * 40})
    audit = evenhand.audit(table, metric="cohen_kappa(l, p)", **FAST)
    assert audit.overall.value is None
