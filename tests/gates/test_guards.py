"""What few units, few values or a file changed by hand cannot prove, no gate says."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command

import evenhand
from evenhand.errors import InputError
from evenhand.gates.junit import render_junit
from evenhand.gates.markdown import render_comment
from evenhand.gates.result import Gate
from evenhand.gates.sarif import render_sarif
from evenhand.records.output import append_text

METRIC = "error_rate(y, p)"


def ask(table, metric=METRIC, **demands):
    return evenhand.check(
        {"rule": [{"name": "r", "table": table, "metric": metric, "by": "g", **demands}]}
    )


def speakers(*sides):
    """Rows of 100 words a speaker: group, first speaker, words wrong of each."""
    parts = [
        (g, start + i, int(j >= n))
        for g, start, ns in sides
        for i, n in enumerate(ns)
        for j in range(100)
    ]
    group, unit, right = map(list, zip(*parts, strict=True))
    return pa.table({"g": group, "u": unit, "y": [1] * len(right), "p": right})


# -- few units -------------------------------------------------------------------------------------


def test_few_alike_speakers_prove_no_gap_a_rare_one_could_close():
    found = ask(
        speakers(("a", 0, [9, 10, 11, 10] * 2), ("b", 50, [29, 30, 31, 30] * 2)),
        unit="u",
        maximum_difference=0.13,
    )
    assert found.answer == "insufficient evidence"
    assert found.rules[0].checks[0].low < 0.1


def test_many_alike_speakers_prove_the_gap():
    found = ask(
        speakers(("a", 0, [9, 10, 11, 10] * 25), ("b", 500, [49, 50, 51, 50] * 25)),
        unit="u",
        maximum_difference=0.13,
    )
    assert found.answer == "fail"


@pytest.mark.parametrize("demand", [{"minimum_ratio": 0.58}, {"maximum_ratio": 2.0}])
def test_few_speakers_of_both_groups_prove_no_ratio(demand):
    found = ask(
        speakers(("a", 0, [9, 10, 11, 10] * 2), ("b", 0, [29, 30, 31, 30] * 2)), unit="u", **demand
    )
    assert found.answer == "insufficient evidence"


def test_a_last_release_of_few_speakers_proves_no_release_worse(tmp_path):
    before = speakers(("a", 0, [9, 10, 11, 10] * 2), ("b", 50, [9, 10, 11, 10] * 2))
    last = tmp_path / "last.json"
    last.write_text(evenhand.audit(before, METRIC, "g", unit="u").to_json())
    now = speakers(("a", 0, [19, 20, 21, 20] * 50), ("b", 500, [9, 10, 11, 10] * 50))
    found = ask(now, unit="u", not_worse_than=str(last), tolerance=0.02)
    assert found.answer == "insufficient evidence"


def test_weighted_rows_pass_a_gap_that_is_too_wide_no_more_often_than_allowed():
    rng, wrongly = np.random.default_rng(5), 0
    for _ in range(60):
        wrong = rng.random(60) < np.repeat([0.02, 0.12], 30)
        table = pa.table(
            {
                "g": np.repeat(["a", "b"], 30),
                "y": np.ones(60, int),
                "p": 1 - wrong.astype(int),
                "w": np.exp(rng.normal(0, 1.3, 60)),
            }
        )
        wrongly += ask(table, weight="w", maximum_difference=0.09).answer == "pass"
    assert wrongly <= 3


# -- what is no share ------------------------------------------------------------------------------


def test_a_measured_number_that_was_always_0_is_no_share():
    table = pa.table({"g": ["a"] * 300 + ["b"] * 300, "x": [0.0] * 600})
    found = ask(table, "mean(x)", maximum=0.1)
    assert found.answer == "insufficient evidence"
    assert [note.code for note in found.rules[0].notes if "share" in note.code] == [
        "not_known_share"
    ]


def test_a_pass_that_stands_on_an_interval_alone_says_so_to_every_reader():
    table = pa.table({"g": ["a"] * 30 + ["b"] * 30, "minutes": [5.0, 6.0, 7.0] * 20})
    found = ask(table, "mean(minutes)", maximum=9)
    assert found.answer == "pass"
    for text in (render_junit(found), render_sarif(found), render_comment(found)):
        assert "rests on the interval alone" in text


def test_yes_and_no_are_a_share_though_all_are_no():
    table = pa.table({"g": ["a"] * 300 + ["b"] * 300, "x": [False] * 600})
    assert ask(table, "mean(x)", maximum=0.1).answer == "pass"


def test_what_is_taken_for_a_share_says_so():
    table = pa.table({"g": ["a"] * 300 + ["b"] * 300, "x": ([0] * 99 + [1]) * 6})
    found = ask(table, "mean(x)", maximum=0.1)
    assert found.answer == "pass"
    assert "taken_for_share" in [note.code for note in found.rules[0].notes]


# -- nothing left ----------------------------------------------------------------------------------


def test_where_every_group_is_excused_every_reader_has_an_error_with_the_reason():
    table = pa.table({"g": ["a"] * 3 + ["b"] * 3, "y": [1] * 6, "p": [1] * 6})
    demands = {"maximum": 0.2, "small_groups": "excused"}
    found = ask(table, **demands)
    assert ET.fromstring(render_junit(found)).get("errors") == "1"
    (result,) = json.loads(render_sarif(found))["runs"][0]["results"]
    assert result["kind"] == "open"
    told = "every group is excused"
    assert told in result["message"]["text"]
    assert told in render_comment(found)
    with pytest.raises(AssertionError, match=told):
        evenhand.assert_even(table, METRIC, "g", **demands)


def test_groups_of_two_attributes_that_are_called_alike_are_told_apart():
    table = pa.table(
        {
            "deaf": ["yes"] * 200 + ["no"] * 200,
            "blind": ["yes", "no"] * 200,
            "y": [1] * 400,
            "p": [0] * 200 + [1] * 200,
        }
    )
    rule = {"name": "r", "table": table, "metric": METRIC, "by": ["deaf", "blind"], "maximum": 0.8}
    found = evenhand.check({"rule": [rule]})
    assert "error_rate of deaf = 'yes' is 1 " in found.rules[0].sentence
    names = [case.get("name") for case in ET.fromstring(render_junit(found)).iter("testcase")]
    assert sorted(names) == [
        f"maximum: {a} = '{v}'" for a in ("blind", "deaf") for v in ("no", "yes")
    ]


def test_rows_in_no_group_are_told_to_every_reader():
    table = pa.table({"g": ["a"] * 400 + [None] * 7, "y": [1] * 407, "p": [1] * 407})
    found = ask(table, maximum=0.2)
    assert found.answer == "pass"
    for text in (render_junit(found), render_sarif(found), render_comment(found)):
        assert "7 rows" in text


# -- files changed by hand -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value": 0.9}, "40 over 400 is 0.1"),
        ({"value": 0.4, "numerator": 160}, "outside its interval"),
        ({"value": 1.5, "numerator": 600, "high": 2.0}, "which this metric never has"),
        ({"n_units": 500}, "500 units of 400 rows"),
    ],
)
def test_a_last_release_that_was_changed_by_hand_is_refused(tmp_path, change, told):
    table = pa.table({"g": ["a"] * 400 + ["b"] * 400, "y": [1] * 800, "p": ([0] + [1] * 9) * 80})
    plain = json.loads(evenhand.audit(table, METRIC, "g").to_json())
    plain["groups"][0]["estimate"] |= change
    last = tmp_path / "last.json"
    last.write_text(json.dumps(plain))
    with pytest.raises(InputError, match=told):
        ask(table, not_worse_than=str(last))


def watched(tmp_path, rows, **changes):
    table = pa.table(
        {"g": ["a", "b"] * rows, "y": [1] * (2 * rows), "p": ([1, 0] * rows)[: 2 * rows]}
    )
    plain = json.loads(evenhand.watch(table, METRIC, "g", threshold=0.5).to_json()) | changes
    path = tmp_path / "watch.json"
    path.write_text(json.dumps(plain))
    return evenhand.check({"rule": [{"name": "r", "results": str(path)}]})


def test_a_watch_that_knows_nothing_is_open(tmp_path):
    assert watched(tmp_path, 1).answer == "insufficient evidence"


def test_a_watch_whose_alarms_were_taken_out_is_refused(tmp_path):
    assert watched(tmp_path, 400).answer == "fail"
    with pytest.raises(InputError, match="changed by hand"):
        watched(tmp_path, 400, alarms=[])


def test_a_search_that_could_prove_nothing_is_open():
    table = pa.table({"g": ["a", "b"] * 3, "y": [1] * 6, "p": [0, 1] * 3})
    rule = {"name": "r", "table": table, "metric": METRIC, "slices": True, "features": ["g"]}
    found = evenhand.check({"rule": [rule]})
    assert found.answer == "insufficient evidence"
    assert "could prove nothing" in found.rules[0].sentence


# -- files that are written ------------------------------------------------------------------------


def test_another_kind_of_our_files_is_not_replaced_unasked(tmp_path):
    table = "g,y,p\n" + "a,1,1\n" * 100 + "b,1,1\n" * 100
    (tmp_path / "rows.csv").write_text(table)
    audit = evenhand.audit(tmp_path / "rows.csv", METRIC, "g").to_json()
    (tmp_path / "audit.json").write_text(audit)
    (tmp_path / "policy.toml").write_text(
        f'[[rule]]\nname = "r"\ntable = "rows.csv"\nmetric = "{METRIC}"\nby = "g"\nmaximum = 0.6\n'
    )
    ended = run_command("check", "policy.toml", "--junit", "audit.json", cwd=tmp_path)
    assert (ended.returncode, (tmp_path / "audit.json").read_text()) == (2, audit)
    assert "another kind of file" in ended.stderr
    ended = run_command("check", "policy.toml", "--summary", "s", "--comment", "s", cwd=tmp_path)
    assert ended.returncode == 2
    assert "both write s" in ended.stderr
    assert run_command("check", "policy.toml", "--junit", "j.xml", cwd=tmp_path).returncode == 0
    assert run_command("check", "policy.toml", "--junit", "j.xml", cwd=tmp_path).returncode == 0


def test_what_is_added_to_a_file_begins_a_line(tmp_path):
    (tmp_path / "s.md").write_text("before")
    append_text(tmp_path / "s.md", "## Heading\n")
    append_text(tmp_path / "s.md", "more\n")
    assert (tmp_path / "s.md").read_text() == "before\n## Heading\nmore\n"


# -- what is true and misleads ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "demands", "told"),
    [
        ("accuracy(y, p)", {"maximum": 0.9}, "better when higher, and maximum = 0.9 forbids that"),
        (METRIC, {"minimum": 0.01}, "better when lower, and minimum = 0.01 forbids that"),
        (METRIC, {"maximum": 0.9}, ""),
        (METRIC, {"minimum": 0.01, "maximum": 0.9}, ""),
        ("selection_rate(p)", {"maximum": 0.9}, ""),
        ("selection_rate(p)", {"maximum": 0.9, "worse": "lower"}, "maximum = 0.9 forbids that"),
    ],
)
def test_a_limit_that_forbids_to_be_good_is_told(metric, demands, told):
    table = pa.table({"g": ["a", "b"] * 200, "y": [1] * 400, "p": [0, 1, 1, 1] * 100})
    notes = [
        note.text
        for note in ask(table, metric=metric, **demands).rules[0].notes
        if note.code == "limit_against_harm"
    ]
    assert [told in note for note in notes] == [True] * bool(told)


def test_an_assertion_tells_cautions_too():
    table = pa.table({"g": ["a", "b"] * 200, "y": [1] * 400, "p": [0, 1, 1, 1] * 100})
    with pytest.raises(AssertionError, match="Was minimum meant"):
        evenhand.assert_even(table, "accuracy(y, p)", "g", maximum=0.1)


def test_groups_that_are_alike_are_two_groups():
    table = pa.table({"g": ["a", "b"] * 200, "y": [1] * 400, "p": [0, 0, 1, 1] * 100})
    found = ask(table, maximum_difference=0.5).rules[0]
    assert found.checks[0].others == ("a", "b")


def test_numbers_of_numpy_are_numbers():
    table = pa.table({"g": ["a", "b"] * 200, "y": [1] * 400, "p": [0, 1, 1, 1] * 100})
    found = evenhand.assert_even(
        table,
        METRIC,
        "g",
        maximum=np.float32(0.9),
        coverage=np.int64(5),
        min_units=np.int32(5),
        level=np.float64(0.9),
    )
    assert Gate.from_json(found.to_json()) == found


def test_whom_a_service_leaves_without_an_answer_is_told_by_group():
    """Half of one group has no answer: what is answered is even, and that is said beside the pass."""
    p = [None if i % 4 == 1 else int(i % 10 > 0) for i in range(800)]
    table = pa.table({"g": ["a", "b"] * 400, "y": [1] * 800, "p": p})
    notes = [note.text for note in ask(table, maximum=0.5).rules[0].notes]
    assert "Rows that lack p, by g: 50.0\xa0% of b, 0.0\xa0% of a." in notes
    hidden = ask(table, maximum=0.5, suppress_below=10).rules[0].notes
    assert not any(note.code == "lacking_by_group" for note in hidden)
    even = [None if i % 4 > 1 else 1 for i in range(800)]
    table = pa.table({"g": ["a", "b"] * 400, "y": [1] * 800, "p": even})
    notes = [note.code for note in ask(table, maximum=0.5).rules[0].notes]
    assert "lacking_by_group" not in notes


@pytest.mark.parametrize(("number", "answer"), [(400, "pass"), (4, "insufficient evidence")])
def test_a_service_without_an_error_passes_a_search_unless_rows_are_few(number, answer):
    table = pa.table({"g": ["a", "b"] * (number // 2), "y": [1] * number, "p": [1] * number})
    rule = {"name": "r", "table": table, "metric": METRIC, "slices": True, "features": ["g"]}
    assert evenhand.check({"rule": [rule]}).answer == answer


def test_a_slice_is_told_with_how_much_worse_it_is_and_a_search_with_what_it_left_out():
    p = [None if i % 100 == 99 else int(i % 2 > 0 or i % 3 > 1) for i in range(800)]
    table = pa.table({"g": ["a", "b"] * 400, "y": [1] * 800, "p": p})
    rule = {"name": "r", "table": table, "metric": METRIC, "slices": True, "features": ["g"]}
    found = evenhand.check({"rule": [rule]}).rules[0]
    assert "than elsewhere, by at least " in found.sentence
    assert "8 rows lack p and are not in the numbers." in [note.text for note in found.notes]


@pytest.mark.parametrize("demand", [{"maximum": 0.9}, {"maximum_difference": 0.9}])
def test_groups_that_a_rule_excuses_are_named_beside_its_pass(demand):
    g, p = ["a"] * 300 + ["b"] * 300 + ["tiny"] * 3, [0, 1] * 300 + [0] * 3
    table = pa.table({"g": g, "y": [1] * 603, "p": p})
    found = ask(table, small_groups="excused", **demand)
    assert found.answer == "pass"
    (note,) = (one for one in found.rules[0].notes if one.code == "excused_groups")
    assert note.text.endswith("nothing is said of them: tiny (3 rows).")
    assert "tiny (3 rows)" in render_junit(found)
    hidden = ask(table, small_groups="excused", suppress_below=5, **demand)
    assert "tiny" not in str([note.text for note in hidden.rules[0].notes])
