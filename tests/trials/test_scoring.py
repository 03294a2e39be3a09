"""Scores of answers: what counts, and what is not scored."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.errors import InputError
from evenhand.services import MemoryService
from evenhand.trials import make_plan, run_trial, score_answers
from evenhand.trials.choices import find_choice
from evenhand.trials.ratings import read_rating
from evenhand.trials.scorers import choice, exact, numeric, option, refusal, regex, token_f1
from evenhand.trials.scoring import read_score
from evenhand.trials.words import summary_lines


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


# Text, reference, score.
NUMBERS = [
    ("1.234,56",1234.56,1),("1,234.56",1234.56,1),("1 200",1200,1),("1\u202f200,5",1200.5,1),("−5",-5,1),("–5 °C",-5,1),("42 (see page 7)",42,1),("42 [1]",42,1),
    ("٤٢",42,1),("४२",42,1),("٣٫٥",3.5,1),("١٬٢٣٤",1234,1),("3/4",.75,1),("½",.5,1),("1½",1.5,1),("1 1/2 cups",1.5,1),("50%",.5,1),("50%",50,1),("0.5","50%",1),("1,234",1234,1),("1,234",1.234,None),("1.234",1234,None),("3,5",3.5,1),("1'200",1200,1),("1,00,000",100000,1),("1.234.567",1234567,1),
    ("The answer is 42, as step 3 shows.",42,1),("The answer is 40 + 2 = 42.",42,1),("\\boxed{42}",42,1),("so 12 and 13\n#### 25",25,1),("**42** is more than 7",42,1),("1.5e3",1500,1),("1.5 × 10^3",1500,1),("3 million",3e6,1),("$1,200",1200,1),("€ 1.200,50",1200.5,1),("It is 42. See page 7.",42,1),("vitamin B12: 5 mg",5,1),("10-5",5,1),("-42",42,0),("40 + 2 = 42",42,1),("4.2e1",42,1),("none",42,None),("42.0000001",42,1),("1,042",42,0),("... .",42,None),("5 of the 12",12,1),("1 200 ml",1200,1),("total: 3.5 mg (range 3-4)",3.5,1),("０．５",.5,1),("12 000 000",12000000,1),("Die Antwort ist 3,75.",3.75,1),("x = -3",-3,1),("$\\frac{3}{4}$",.75,1),("4/0",4,None),("1e999",5,0),("9"*5000,5,0),("100 200",100200,1),("Between 3 and 5, so 4",4,1),("The result: 1.234,56 euros",1234.56,1),("about 1,5 to 2,5: 2,125",2.125,1),("The total is $12.",12,1),("The score is 4/5",.8,1)

]  # fmt: skip


@pytest.mark.parametrize(("text", "reference", "score"), NUMBERS, ids=lambda x: str(x)[:30])
def test_a_number_is_read_as_it_is_written(text, reference, score):
    assert numeric(text, reference) == score


def test_a_decimal_mark_may_be_said():
    assert numeric("1.200", 1200, decimal=",") == 1.0
    assert numeric("1,234", 1.234, decimal=",") == 1.0
    assert numeric("1,234", 1234, decimal=",") == 0.0
    score = read_score({"kind": "numeric", "decimal": ","})
    assert score.of("1.200", 1200, "answered") == 1.0
    with pytest.raises(InputError, match="decimal is ';'"):
        read_score({"kind": "numeric", "decimal": ";"})


CHOICES = [
    ("The answer is a matter of B","B"),("(B)","B"),("B.","B"),("**B**","B"),("Option B","B"),("b.","B"),("B","B"),("(B) since","B"),("The answer is B","B"),("I think B","B"),("A or B",None),("",None),("Because",None),("Answer: A\nAnswer: B",None),("A patient may choose B.","B"),("The correct answer is: **(C)** Paris","C"),("Final answer: C. Not A","C"),("Answer: A ... Final answer: D","D"),("It's not A, it's B.","B"),("B, not A","B"),("A, B and C are wrong, so D",None),("\\boxed{B}","B"),("$\\boxed{\\text{B}}$","B"),("La respuesta es B","B"),("Die Antwort ist B.","B"),("La réponse est B","B"),("答案是B","B"),("答えはBです","B"),("Ｂ","B"),("（Ｂ）","B"),("B) Paris","B"),("B: Paris","B"),("B - Paris","B"),("The answer is A because it is big","A"),("The answer is a.","A"),("the answer is a good one",None),("I would go with option (c)","C"),("I choose D","D"),("A is correct","A"),("I'm sure it's C","C"),("The answer is B or C",None),("उत्तर B है","B"),("Ответ: B","B"),("`B`","B"),("A.","A"),("a","A"),("Answer B","B"),("The answer: B","B"),("My choice would be B","B"),("Choice (B) fits","B"),("A good doctor would wait",None),('"B"',"B"),("B\n\nExplanation: A is wrong","B"),("The answer isn't A but B","B"),("Vitamin A helps; the answer is C","C"),("None of A, B, C",None)

]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), CHOICES)
def test_a_choice_is_read_as_it_is_written(text, found):
    assert find_choice(text, "ABCD") == found


def test_choices_may_be_words():
    assert find_choice("The answer is yes.", ["yes", "no"]) == "yes"
    assert find_choice("No, never.", ["yes", "no"]) == "no"
    assert find_choice("I would say Rome, not Paris", ["Paris", "Rome"]) == "Rome"


@given(st.text("0123456789.,'/ -–½%eE^x*×()[]{}\\#=:answer is ٣५AB\n", max_size=25))
def test_no_answer_breaks_a_scorer(text):
    assert numeric(text, 5) in (None, 0.0, 1.0)
    assert find_choice(text, "ABCD") in (None, "A", "B", "C", "D")
    assert refusal(text, "answered") in (None, 0.0, 1.0)
    assert read_rating(text) is None or abs(read_rating(text)) < float("inf")


UNREAD = [
    ("choice", "Kies uit A en B, maar het antwoord is niet A.", "B", "language_unmeasured"),
    ("choice", "A or B", "B", "no_choice"),
    ("numeric", "Het kost 8,1 miljoen en niet 7 in het hele land.", 8100000, "language_unmeasured"),
    ("numeric", "Between 3 and 5.", 4, "no_number"),
    ("numeric", "1.200", 1200, "two_readings"),
    ("numeric", "12", "many", "reference_unread"),
    ("refusal", "Het spijt mij, maar daar kan ik niet bij helpen.", None, "language_unmeasured"),
    ("numeric", "12", None, "no_reference"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "reference", "reason"), UNREAD)
def test_a_score_that_is_missing_says_why(kind, text, reference, reason):
    score = read_score(kind)
    assert score.of(text, reference, "answered") is None
    assert score.reason(text, reference, "answered") == reason
    assert score.reason(None, reference, "refused") is None


def test_missing_scores_are_counted_by_reason(tmp_path):
    said = ["42", "Het kost 8,1 miljoen en niet 7 in het hele land.", "many", "3 to 5"]
    plan = {
        "trial": {"measure": False},
        "samples": [{"id": str(i), "text": t, "reference": 42} for i, t in enumerate(said)],
        "services": [MemoryService(function=lambda request: request.media)],
        "scores": ["numeric", "exact"],
    }
    trial = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert [row["numeric"] for row in rows] == [1.0, None, None, None]
    expected = [None, "language_unmeasured", "no_number", "no_number"]
    assert [row["numeric_reason"] for row in rows] == expected
    assert "exact_reason" not in rows[0]
    assert [(each.reason, each.rows, each.of) for each in trial.unscored] == [
        ("no_number", 2, 4),
        ("language_unmeasured", 1, 4),
    ]
    told = "\n".join(summary_lines(trial))
    assert "3 of 4 answers have no score 'numeric', and are in no rate of it:" in told
    assert "1 language_unmeasured: in a language in which this scorer was not measured" in told


@pytest.mark.parametrize(
    "text",
    ["Het antwoord is niet A, maar wel iets met B in de tekst.", "Svaret är inte A utan nog B, som det står i texten.",
     "答えはAではありません",
     "Cevap A değil.", "Odpowiedź to nie A.", "Odpověď není A.", "Jawabannya bukan A.", "پاسخ A نیست.", "Jibu si A.",
     "Ang sagot ay hindi A.", "Відповідь не A.", "답은 A가 아닙니다.", "Η απάντηση δεν είναι A."],
)  # fmt: skip
def test_a_language_that_was_not_measured_gives_no_choice(text):
    assert find_choice(text, "ABCD") is None


def test_what_needs_no_words_counts_in_any_language():
    assert find_choice("B) want dat staat zo in de tekst van de vraag", "ABCD") == "B"
    assert numeric("**42** want dat staat zo in de tekst van de vraag", 42) == 1.0
    assert numeric("Dat is \\boxed{42} en niet 7, want het staat in de tekst", 42) == 1.0
