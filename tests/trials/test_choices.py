"""Choices of answers: what an answer takes back, gives up or rules out is not the one that it names."""

import pytest

from evenhand.trials.choices import find_choice

NAMED = [
    # taken back
    ("The answer is A. Actually, no: it's B.", "B"), ("Answer: A. Wait, that is wrong. Answer: B", "B"), ("La respuesta es A. No, es B.", "B"),
    ("Die Antwort ist A. Moment, es ist B.", "B"), ("答案是A。不对，是B。", "B"), ("الإجابة A، بل C", "C"), ("A. No, wait: B.", "B"),
    ("\\boxed{A} is wrong, so \\boxed{B}", "B"),
    # not taken back
    ("The answer is B. Actually, A is wrong because it is small.", "B"), ("Answer: C. Wait times for A are long.", "C"),
    ("C. Actually B was my first guess, but it fails.", "C"), ("I actually think it's B.", "B"), ("Wait, what? The answer is B.", "B"),
    # given up
    ("I first thought B, but it is C.", "C"), ("At first I thought it was A, but actually it's D.", "D"), ("Some would say the answer is A, but I believe it's B.", "B"),
    ("Zuerst dachte ich an B, aber es ist C.", "C"), ("Primero pensé que era B, pero es C.", "C"), ("पहले मैंने B सोचा, लेकिन उत्तर C है।", "C"),
    ("ظننت أولاً أنها B، لكنها C.", "C"), ("我先以为是B，但其实是C。", "C"), ("The answer is C. At first I thought B.", "C"), ("I chose C; B is tempting", "C"),
    # ruled out
    ("It cannot be A.", None), ("It can't be A", None), ("Anything but C", None), ("The answer is anything but C", None), ("Everything except B", None),
    ("I'd rule out B.", None), ("Rule out A, rule out B, so C.", "C"), ("Alle außer B", None), ("Todas excepto B", None), ("No puede ser A.", None),
    ("排除A，选B", "B"), ("B是错的", None), ("除了B", None), ("ما عدا B", None), ("B is out.", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "named"), NAMED)
def test_the_choice_is_the_one_that_the_answer_ends_with(text, named):
    assert find_choice(text, "ABCD") == named


@pytest.mark.parametrize(
    ("text", "choices", "named"),
    [("I have no idea", ["yes", "no"], None), ("No idea.", ["yes", "no"], None), ("There is no evidence, so yes.", ["yes", "no"], "yes"), ("no lo sé", ["sí", "no"], None),
     ("لا أعرف", ["نعم", "لا"], None), ("لا", ["نعم", "لا"], "لا"), ("No, never.", ["yes", "no"], "no"), ("No because it is small", ["yes", "no"], "no"),
     ("The answer is no", ["yes", "no"], "no"), ("He is not guilty.", ["guilty", "not guilty"], "not guilty"), ("नहीं", ["हाँ", "नहीं"], "नहीं")],
)  # fmt: skip
def test_a_no_before_other_words_is_no_choice(text, choices, named):
    assert find_choice(text, choices) == named


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"reasoning": "Options A and C contradict the text.", "answer": "B"}', "B"),
        ('{"antwort": "C", "begruendung": "A und B nennen nur Symptome."}', "C"),
        ('```json\n{"答案": "C", "理由": "A与原文不符"}\n```', "C"),
        ('Here it is: {"choice": "(d)"}. B was close.', "D"),
        ('{"first": "A", "second": "B"}', None),
        ('{"answer": "none", "why": "B is wrong"}', None),
        ("{A, B} is the set; the answer is C.", "C"),
    ],
)
def test_the_value_of_a_json_object_is_the_choice_whatever_its_reasons_name(text, expected):
    assert find_choice(text, "ABCD") == expected
