"""Scores of answers: what counts, and what is not scored."""

import pyarrow as pa
import pytest

from evenhand.errors import InputError
from evenhand.trials import score_answers
from evenhand.trials.scoring import choice, exact, numeric, read_score, refusal, regex, token_f1


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
