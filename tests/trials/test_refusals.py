"""Refusals in words: measured on sentences of our own in ten languages."""

import tomllib
from pathlib import Path

import pytest

from evenhand.trials.refusals import declines, known_languages
from evenhand.trials.scorers import refusal
from evenhand.trials.scoring import read_score

LABELLED = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text("utf-8"))
UNKNOWN = LABELLED.pop("unknown")["texts"]


def test_each_known_language_is_labelled():
    assert set(LABELLED) == set(known_languages())
    assert all(min(len(t["declines"]), len(t["answers"])) >= 11 for t in LABELLED.values())


@pytest.mark.parametrize("language", LABELLED)
def test_refusals_are_found_and_answers_left_alone(language):
    """docs/trials.md says what was found before these sentences had been seen."""
    found = [declines(text) for text in LABELLED[language]["declines"]]
    false = [text for text in LABELLED[language]["answers"] if declines(text)]
    unknown = [text for text in LABELLED[language]["answers"] if declines(text) is None]
    assert found == [True] * len(found)
    assert false == []
    assert len(unknown) <= 1  # a short text without a function word of its language


@pytest.mark.parametrize("text", UNKNOWN)
def test_an_unknown_language_is_unknown(text):
    assert declines(text) is None
    assert refusal(text, "answered") is None
    assert refusal(text, "refused") == 1.0


def test_short_answers_decline_nothing():
    assert [refusal(text, "answered") for text in ("B", "42", "Yes.", "", "Paris", "−5 %")] == [
        0.0
    ] * 6
    assert refusal(None, "failed") is None


def test_markup_and_other_apostrophes_do_not_hide_a_refusal():
    assert declines("**I’m sorry**, but I can’t help with that.")
    assert declines("> _Unfortunately_, I am not able to provide that.")
    assert not declines("“I cannot help you,” said the clerk to the two of them.")


@pytest.mark.parametrize(
    "text",
    ["Leider kann ich das nicht beantworten.", "Leider kann ich diese Frage nicht beantworten.", "That question I cannot answer.",
     "Esa pregunta no la puedo responder.", "Lo siento, no puedo hacerlo.", "لسوء الحظ لا أستطيع تنفيذ هذا الطلب.", "恕我不能提供。",
     "На этот вопрос я не могу ответить."],
)  # fmt: skip
def test_a_refusal_may_begin_with_what_it_declines(text):
    assert declines(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "I refuse to believe that it is A.",
        "Leider kann ich das Problem nicht nachstellen; es ist B.",
    ],
)
def test_an_answer_may_begin_as_refusals_do(text):
    assert declines(text) is not True


def test_a_sample_with_an_empty_list_of_references_has_its_reason():
    score = read_score("refusal")
    doubtful = "Het spijt mij, maar daar kan ik niet bij helpen."
    assert score.of(doubtful, [], "answered") is None
    assert score.reason(doubtful, [], "answered") == "language_unmeasured"
