"""Scorers of texts: what an answer names, whatever its script, and what nobody can score."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenhand.errors import FaultsError, InputError
from evenhand.services import MemoryService
from evenhand.trials import make_plan, run_trial, score_answers
from evenhand.trials.scorers import choice, exact, mentions, numeric, option, token_f1
from evenhand.trials.scoring import read_score
from evenhand.trials.words import next_steps, summary_lines

ALIKE = [
    ("巴黎。", "巴黎"), ("पेरिस।", "पेरिस"), ("القاهرة؟", "القاهرة"), ("¿París?", "París"), ("«Paris»", "Paris"), ("“Paris”", "Paris"),
    ("don’t", "don't"), ("STRASSE", "straße"), ("ＡＢＣ", "ABC"), ("cafe\u0301", "café"), ("The Moon.", "moon"), ("1,234", "1234"), ("−5", "-5"),
    ("It's A-", "its A-"), ("well-known", "wellknown"), ("5", 5.0), ("C++.", "c++"),
]  # fmt: skip
OTHERS = [
    ("1.5", "15"), ("0.5", "5"), ("1,5", "15"), ("-5", "5"), ("3/4", "34"), ("10:30", "1030"), ("C++", "C"), ("C#", "C"), ("A+", "A-"), ("AB-", "AB"),
    ("<", ">"), ("!!!", "???"), ("...", ""), ("a", "the"), ("10²", "102"), ("x+1", "x-1"), ("0.125", "0125"), (".5", "5"), ("10-5", "105"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "reference"), ALIKE)
def test_punctuation_of_no_script_makes_an_answer_wrong(said, reference):
    assert exact(said, reference) == token_f1(said, reference) == 1.0


@pytest.mark.parametrize(("said", "reference"), OTHERS)
def test_signs_and_marks_of_numbers_and_names_are_no_punctuation(said, reference):
    assert exact(said, reference) == 0.0


def test_words_that_no_space_parts_are_shared_by_their_characters():
    assert token_f1("法国的首都是巴黎。", "巴黎是法国的首都") == 1.0
    assert token_f1("巴黎", "法国的首都是巴黎") == pytest.approx(2 * 2 / (2 + 8))
    assert token_f1("柏林", "巴黎") == 0.0


@pytest.mark.parametrize(
    ("text", "words", "count"),
    [("她是护士，她很好", ["她"], 2), ("वह नर्स है। वहाँ, वही", ["वह"], 1), ("cafe\u0301 café", ["café"], 2), ("彼女は看護師です", ["彼女"], 1),
     ("Ich. nicht", ["ich"], 1), ("هي ممرضة وهي", ["هي"], 1)],
)  # fmt: skip
def test_mentions_are_counted_in_every_script(text, words, count):
    assert mentions(text, words=words) == count


CITIES = ["Paris", "Paris, Texas", "Rome", "None of the above"]
NAMED = [
    ("It is Paris, Texas.", CITIES, "Paris, Texas"), ("Not Rome, but Paris", CITIES, "Paris"), ("It is not Rome.", CITIES, None),
    ("The answer isn't Paris.", CITIES, None), ("C) Paris", CITIES, None), ("A: Rome", CITIES, None), ("Answer: B, Rome", CITIES, None),
    ("(C) Rome", CITIES, "Rome"), ("R", CITIES, None), ("C) Rome, since A) Paris is in France", CITIES, "Rome"),
    ("1", ["5", "15", "25"], None), ("5", ["5", "-5"], "5"), ("-5", ["5", "-5"], "-5"), ("0.5", ["0.5", "05", "5"], "0.5"), ("15", ["1.5", "15"], "15"),
    ("It is 1.5 m", ["1.5", "5", "15"], "1.5"), ("x-1", ["x+1", "x-1"], "x-1"), ("<", ["<", ">"], "<"), ("50%", ["50%", "50"], "50%"),
    ("C", ["C", "C++"], "C"), ("I'd use C++.", ["C", "C++"], "C++"), ("A cat", ["a cat", "the cat"], "a cat"),
    ("I have no idea", ["Yes", "No"], None), ("No idea", ["Yes", "No"], None), ("I'd say no, never", ["Yes", "No"], "No"),
    ("It does not increase", ["increase", "decrease"], None), ("He is not guilty.", ["guilty", "not guilty"], "not guilty"), ("cats", ["cat", "dog"], None),
    ("答案是北京。", ["北京", "上海"], "北京"), ("不是北京，是上海", ["北京", "上海"], "上海"), ("उत्तर दिल्ली है", ["दिल्ली", "मुंबई"], "दिल्ली"),
    ("दिल्ली नहीं", ["दिल्ली", "मुंबई"], None), ("ليست القاهرة بل الرياض", ["القاهرة", "الرياض"], "الرياض"), ("Es ist nicht der Hund, sondern die Katze", ["der Hund", "die Katze"], "die Katze"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "named"), NAMED)
def test_an_option_that_is_denied_or_contradicted_is_not_named(text, options, named):
    scores = {each: option(text, each, options=options) for each in options}
    assert scores == {each: None if named is None else float(each == named) for each in options}


@pytest.mark.parametrize("reference", ["Paris", "E", "", 1, True, float("nan"), "B, C"])
def test_a_reference_that_is_no_choice_makes_no_answer_wrong(reference):
    score = read_score("choice")
    assert score.of("B", reference, "answered") is None
    assert score.reason("B", reference, "answered") == "reference_no_choice"


@pytest.mark.parametrize("reference", ["B)", "(B)", "b.", "Ｂ", " B "])
def test_a_reference_may_be_written_as_an_answer_is(reference):
    assert (choice("B", reference), choice("A", reference)) == (1.0, 0.0)


@pytest.mark.parametrize("reference", [float("nan"), float("inf"), True, "nan"])
def test_a_reference_that_is_no_finite_number_scores_nothing(reference):
    score = read_score("numeric")
    assert score.of("5", reference, "answered") is None
    assert score.reason("5", reference, "answered") == "reference_unread"


def test_a_reference_that_can_be_read_in_two_ways_makes_no_answer_wrong():
    assert numeric("1500", "1.500") is None
    assert (numeric("1500", "1.500", decimal=","), numeric("7", "1.500")) == (1.0, 0.0)


def test_a_list_of_references_tells_what_is_wrong_with_the_answer_first():
    score = read_score("numeric")
    assert score.of("1.200", ["many", 1200], "answered") is None
    assert score.reason("1.200", ["many", 1200], "answered") == "two_readings"


def test_a_pattern_that_is_held_against_nothing_scores_nothing():
    score = read_score({"kind": "regex", "pattern": "(x)", "group": 1})
    assert score.of("x", None, "answered") is None
    assert score.reason("x", None, "answered") == "no_reference"


@pytest.mark.parametrize(
    ("given", "message"),
    [({"kind": "choice", "choices": "yes no"}, "choices is 'yes no'; allowed: a list"), ({"kind": "choice", "choices": []}, "a list of different texts"),
     ({"kind": "choice", "choices": ["a", "A"]}, "a list of different texts"), ({"kind": "choice", "choices": ["yes", ""]}, "a list of different texts"),
     ({"kind": "numeric", "tolerance": "x"}, "tolerance is 'x'"), ({"kind": "numeric", "tolerance": -1}, "tolerance is -1"),
     ({"kind": "exact", "normalize": "no"}, "normalize is 'no'; allowed: true or false"), ({"kind": "exact", "against": ["a"]}, r"against is \['a'\]"),
     ({"kind": "exact", "column": 5}, "column is 5"), ({"kind": "regex", "pattern": "(x)", "group": 2}, "has the groups 0, 1"),
     ({"kind": "regex", "pattern": "(?P<dose>x)", "group": "dos"}, "has the groups 0, 1, 'dose'"), (5, "5 is no score")],
)  # fmt: skip
def test_an_option_that_would_fail_after_the_calls_is_told_before(given, message):
    with pytest.raises(InputError, match=message):
        read_score(given)


def test_choices_may_be_numbers():
    score = read_score({"kind": "choice", "choices": [1, 2]})
    assert score.of("The answer is 2", 2, "answered") == 1.0


def plan_of(scores, attributes, said="Rome"):
    return {
        "trial": {"measure": False},
        "samples": [
            {"id": str(i), "text": "?", "reference": "Rome", "attributes": each}
            for i, each in enumerate(attributes)
        ],
        "services": [MemoryService(function=lambda request: said)],
        "scores": scores,
    }


def test_options_that_are_no_list_are_counted_as_unread(tmp_path):
    given = [["Rome", "Paris"], '["Rome", "Paris"]', "Rome; Paris", 5, None, []]
    plan = plan_of(
        [{"kind": "option", "options": "offered"}], [{"offered": each} for each in given]
    )
    trial = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert [row["option"] for row in rows] == [1.0, 1.0, None, None, None, None]
    assert [row["option_reason"] for row in rows] == [None, None, *["options_unread"] * 4]
    assert "4 options_unread: the sample's options are no list" in "\n".join(summary_lines(trial))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (
            ["exact", {"kind": "exact", "against": "dialect"}],
            "the column 'exact' is that of number 1",
        ),
        ([{"kind": "exact", "column": "outcome"}], "the column 'outcome' stands in all records"),
        ([{"kind": "exact", "column": "dialect"}], "the column 'dialect' is an attribute"),
        (
            [
                {
                    "kind": "judge",
                    "column": "rude",
                    "human": "rude_people",
                    "service": MemoryService(function=len),
                }
            ],
            "the column 'rude_people' is an attribute",
        ),
    ],
)
def test_a_score_has_a_column_of_its_own(scores, message):
    """A renamed column would leave its name to another, which the next command would audit."""
    with pytest.raises(FaultsError) as caught:
        make_plan(plan_of(scores, [{"dialect": "north", "rude_people": 1}]))
    assert message in str(caught.value)
    assert 'column = "' in str(caught.value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("scores", 5),
        ("scores", {"kind": "exact"}),
        ("services", "bot"),
        ("conditions", 5),
        ("trial", 5),
    ],
)
def test_a_section_that_is_no_table_is_told(name, given):
    plan = {**plan_of(["exact"], [{}]), name: given}
    with pytest.raises(FaultsError, match=r"is no (list|table); write \[+" + name):
        make_plan(plan)


@pytest.mark.parametrize("name", ["metrics", "balance", "cache", "name"])
def test_a_field_that_is_no_name_is_told(name):
    with pytest.raises(FaultsError, match=f"{name} is 5"):
        make_plan({**plan_of(["exact"], [{}]), "trial": {name: 5}})


def test_the_next_command_audits_the_score(tmp_path):
    plan = make_plan(plan_of(["exact"], [{"dialect": each} for each in ["north", "south"] * 4]))
    (step,) = next_steps(plan, tmp_path / "r.parquet")
    assert "'mean(exact)'" in step


@pytest.mark.parametrize(
    ("given", "message"),
    [({"reference": "refrence"}, "Unknown column 'refrence'. Did you mean 'reference'"), ({"text": "txt"}, "Unknown column 'txt'. Did you mean 'text'"),
     ({"kind": "txt"}, "Unknown kind of sample 'txt'. Did you mean 'text'"), ({"attributes": "dialect"}, "attributes is 'dialect'; allowed: a list of names"),
     ({"unit": 5}, "unit is 5"), ({"manifest": 5}, "manifest is 5")],
)  # fmt: skip
def test_a_column_that_the_plan_names_and_the_manifest_lacks_is_told(tmp_path, given, message):
    """A reference that is not found would leave every answer without a score, after it was paid."""
    path = tmp_path / "m.csv"
    path.write_text("id,text,reference,dialect\na,?,Rome,north\n", "utf-8")
    plan = plan_of(["exact"], [])
    with pytest.raises(FaultsError) as caught:
        make_plan({**plan, "samples": {"manifest": str(path), **given}})
    assert message in str(caught.value)


@pytest.mark.parametrize("sample", [5, "a", None])
def test_what_is_no_sample_is_told(sample):
    with pytest.raises(FaultsError, match="is no sample"):
        make_plan({**plan_of(["exact"], []), "samples": [sample]})


@pytest.mark.parametrize(
    ("scores", "message"),
    [([{"kind": "exact", "against": "refrence"}], "Unknown column 'refrence'"), ([{"kind": "option", "options": "offred"}], "Unknown column 'offred'"),
     (["exact", "exact"], "There is a column 'exact' already"), ([{"kind": "exact", "column": "offered"}], "There is a column 'offered' already")],
)  # fmt: skip
def test_scores_of_records_name_their_columns(scores, message):
    table = pa.table(
        {"output": ["B"], "reference": ["B"], "outcome": ["answered"], "offered": [["A", "B"]]}
    )
    with pytest.raises(InputError, match=message):
        score_answers(table, scores)
