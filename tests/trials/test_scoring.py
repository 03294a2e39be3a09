"""Scores of answers: what counts, and what is not scored."""

import pyarrow as pa
import pytest

from evenhand.errors import InputError
from evenhand.trials import score_answers
from evenhand.trials.scorers import choice, exact, numeric, option, refusal, regex, token_f1
from evenhand.trials.scoring import read_score


@pytest.mark.parametrize(
    ("text", "found"),
    [("B", "B"), ("(B) since", "B"), ("b.", "B"), ("The answer is B", "B"), ("**B**", "B"),
     ("I think B", "B"), ("A or B", None), ("", None), ("Because", None), ("Answer: A\nAnswer: B", None)],
)  # fmt: skip
def test_a_choice_is_found_or_unclear(text, found):
    right = choice(text, "B", choices=("A", "B"))
    assert right == (None if found is None else 1.0)


@pytest.mark.parametrize(
    ("text", "score"),
    [("42", 1.0), ("It is 42.", 1.0), ("-42", 0.0), ("40 + 2 = 42", 1.0), ("4.2e1", 1.0),
     ("none", None), ("42.0000001", 1.0), ("1,042", 0.0), ("42%", 1.0), ("... .", None)],
)  # fmt: skip
def test_the_last_number_counts(text, score):
    assert numeric(text, 42) == score


def test_a_reference_that_is_no_number_scores_nothing():
    assert numeric("42", "many") is None


@pytest.mark.parametrize(
    "text",
    ["I'm sorry, but I can't help with that.", "I cannot assist with this.", "As an AI, I have no view.",
     "Sorry, I can’t do that", "Hello. I am unable to answer."],
)  # fmt: skip
def test_refusals_in_words_are_seen(text):
    assert refusal(text, "answered") == 1.0


@pytest.mark.parametrize(
    "text", ["He said he was sorry.", "I can help.", "The patient cannot answer."]
)
def test_other_answers_are_no_refusals(text):
    assert refusal(text, "answered") == 0.0


def test_a_row_without_an_answer_has_no_score():
    table = pa.table(
        {"output": ["a", None, None, None], "reference": ["a", "a", "a", None],
         "outcome": ["answered", "refused", "failed", "answered"]}
    )  # fmt: skip
    scored = score_answers(table, ["exact", "token_f1", {"kind": "refusal", "column": "said_no"}])
    assert scored["exact"].to_pylist() == [1.0, None, None, None]
    assert scored["said_no"].to_pylist() == [0.0, 1.0, None, 0.0]


def test_exact_and_f1_agree_at_the_ends():
    assert exact("An apple!", "apple") == token_f1("An apple!", "apple") == 1.0
    assert exact("pear", "apple") == token_f1("pear", "apple") == 0.0


def test_a_pattern_may_pick_a_part():
    assert regex("dose: 5 mg", "5", pattern=r"dose: (\d+)", group=1) == 1.0
    assert regex("dose: 5 mg", "6", pattern=r"dose: (\d+)", group=1) == 0.0
    assert regex("nothing", None, pattern="dose") == 0.0


@pytest.mark.parametrize(
    ("given", "said"),
    [("exat", "Did you mean 'exact'"), ({"kind": "numeric", "tolerence": 1}, "Did you mean 'tolerance'"),
     ({"kind": "regex", "pattern": "("}, "can be read"), ({"kind": "regex"}, "needs a pattern")],
)  # fmt: skip
def test_wrong_scores_are_told(given, said):
    with pytest.raises(InputError, match=said):
        read_score(given)


OPTIONS = ["The grandfather", "The grandson", "Can't be determined"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("the grandfather.", 0), ("The grandf", 0), ("I think the grandson did.", 1),
     ("can't be determined", 2), ("(C)", 2), ("The answer is A", 0), ("the uncle", None), ("", None),
     ("grandfather or grandson", None)],
)  # fmt: skip
def test_an_option_is_named_by_its_text_its_beginning_or_its_letter(text, found):
    scores = [option(text, wanted, options=OPTIONS) for wanted in OPTIONS]
    expected = [None] * 3 if found is None else [float(i == found) for i in range(3)]
    assert scores == expected


def test_a_reference_may_be_a_list_and_any_attribute():
    table = pa.table(
        {
            "output": ["moon", "sun", "star", "none"],
            "reference": ["x"] * 4,
            "outcome": ["answered"] * 4,
            "also": [["moon", "sun"], ["sun"], [], None],
            "offered": [["moon", "sun"]] * 4,
        }
    )
    exact_of = {"kind": "exact", "column": "any", "against": "also"}
    option_of = {"kind": "option", "column": "chosen", "against": "also", "options": "offered"}
    found = score_answers(table, [exact_of, option_of])
    assert found["any"].to_pylist() == [1.0, 1.0, 0.0, None]
    assert found["chosen"].to_pylist() == [1.0, 1.0, None, None]


def test_mentions_are_whole_words_from_a_list_or_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("she\nthe nurse\n\n", encoding="utf-8")
    score = read_score({"kind": "mentions", "file": "words.txt"}, folder=tmp_path)
    assert score.of("She, the NURSE; sheep; she's", None, "answered") == 3.0
    assert score.of("nobody", None, "answered") == 0.0
    assert score.of(None, None, "refused") is None
    for wrong in ({}, {"words": "she"}, {"words": []}, {"file": "gone.txt"}):
        with pytest.raises(InputError, match=r"words"):
            read_score({"kind": "mentions", **wrong}, folder=tmp_path)


def test_an_option_must_say_where_the_options_are():
    with pytest.raises(InputError, match="the attribute with the list of options"):
        read_score("option")


def test_a_judge_needs_a_trial():
    table = pa.table({"output": ["x"], "reference": ["x"], "outcome": ["answered"]})
    judge = {"kind": "judge", "service": {"kind": "python", "function": "json:dumps"}}
    with pytest.raises(InputError, match="asked by a trial"):
        score_answers(table, [judge])
