"""Confusion pairs: the words behind the counts of `wer`."""

import numpy as np
import pyarrow as pa
import pytest

import evenhand
from evenhand.errors import InputError

EVERY = 10_000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    words = np.array(["The", "a", "cat", "dog", "sat", "ran", "on", "in", "mat", "hat"])
    said = [" ".join(rng.choice(words, rng.integers(1, 9))) for _ in range(300)]
    heard = [
        " ".join(
            w if rng.random() > 0.2 else rng.choice(words) for w in t.split() if rng.random() > 0.1
        )
        for t in said
    ]
    return {"g": rng.choice(["a", "b"], 300), "said": said, "heard": heard}


def test_pairs_add_up_to_the_counts_of_the_error_rate(data):
    pairs = evenhand.confusion_pairs(pa.table(data), "said", "heard", by="g", top=EVERY)
    audit = evenhand.audit(pa.table(data), "wer(said, heard)", by="g")
    for group in audit.groups:
        own = [pair for pair in pairs if pair.group == (group.label,)]
        counts = {
            "substitutions": sum(p.count for p in own if p.said and p.heard),
            "deletions": sum(p.count for p in own if p.heard is None),
            "insertions": sum(p.count for p in own if p.said is None),
        }
        assert {**counts, "hits": group.estimate.counts["hits"]} == group.estimate.counts


def test_the_most_frequent_come_first_with_how_often_the_word_was_said():
    table = pa.table(
        {
            "said": ["Call me!", "call us", "call me", "me"],
            "heard": ["tall me", "tall us", "call me", "me oh"],
        }
    )
    first, second = evenhand.confusion_pairs(table, "said", "heard")
    assert (first.said, first.heard, first.count, first.occurrences) == ("call", "tall", 2, 3)
    assert first.share == pytest.approx(2 / 3)
    assert (second.said, second.heard, second.share) == (None, "oh", None)
    assert evenhand.confusion_pairs(table, "said", "heard", top=1) == (first,)


def test_options_are_those_of_the_error_rate(data):
    table = pa.table({"said": ["The cat", None, "x"], "heard": ["the cat", "cat", None]})
    assert [(p.said, p.heard) for p in evenhand.confusion_pairs(table, "said", "heard")] == [
        ("x", None)
    ]
    kept = evenhand.confusion_pairs(table, "said", "heard", normalizer="none")
    assert ("The", "the") in [(p.said, p.heard) for p in kept]
    some = evenhand.confusion_pairs(pa.table(data), "said", "heard", by=["g"], where="g = 'a'")
    assert {pair.group for pair in some} == {("a",)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "h"}, "Unknown column 'h'"),
        ({"top": 0}, "top is 0"),
        ({"normaliser": "none"}, "normaliser is no option here"),
        ({"normalizer": "latin"}, "normalizer is 'latin'"),
        ({"where": "g ="}, "where: g ="),
    ],
)
def test_what_cannot_be_is_said(options, message, data):
    with pytest.raises(InputError, match=message):
        evenhand.confusion_pairs(pa.table(data), "said", "heard", **options)
