"""The command beside a rule shows what the rule is about, and nothing is told twice."""

import json
import shlex

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from tests.commands import run_command

import evenhand
from evenhand.gates.words import headline

#: Rules that are broken, each with other keys.
RULES = {
    "limit": {"metric": "mean(wrong)", "by": "site", "maximum": 0.1, "worse": "higher"},
    "silent direction": {"metric": "mean(wrong)", "by": ["site", "age >= 40"], "maximum": 0.1},
    "units": {
        "metric": "error_rate(label, answer)",
        "by": [["site", "handset"]],
        "unit": "caller",
        "maximum": 0.1,
        "where": "age < 60",
    },
    "condition": {
        "metric": "error_rate(label, answer)",
        "by": "site",
        "condition": "noise",
        "maximum": 0.1,
    },
    "weights": {
        "metric": "error_rate(label, answer)",
        "by": "age",
        "bins": {"age": [40]},
        "weight": "stands_for",
        "maximum": 0.1,
    },
}


@pytest.fixture
def calls(tmp_path):
    rng = np.random.default_rng(5)
    caller = np.repeat(np.arange(200), 5)
    site = np.where(caller % 2, "north", "south")
    wrong = rng.random(1000) < np.where(site == "north", 0.4, 0.3)
    columns = {
        "caller": caller,
        "site": site,
        "handset": rng.choice(["old", "new"], 1000),
        "noise": rng.choice(["hum", "quiet"], 1000),
        "age": rng.integers(20, 80, 1000),
        "stands_for": rng.integers(1, 4, 1000),
        "wrong": wrong.astype(int),
        "label": np.ones(1000, int),
        "answer": 1 - wrong,
    }
    (tmp_path / "data").mkdir()
    pacsv.write_csv(pa.table(columns), tmp_path / "data" / "calls.csv")
    return tmp_path


@pytest.mark.parametrize("name", RULES)
def test_the_command_of_a_rule_gives_the_values_that_were_checked(calls, monkeypatch, name):
    monkeypatch.chdir(calls)
    rule = {"name": name, "table": "data/calls.csv"} | RULES[name]
    (found,) = evenhand.check({"rule": [rule]}).rules
    assert found.answer == "fail"
    asked = run_command(*shlex.split(found.command)[1:], "--json", cwd=calls)
    assert asked.returncode == 0, asked.stderr
    told = {
        one["predicate"]: one["estimate"]["value"] for one in json.loads(asked.stdout)["groups"]
    }
    assert {one.predicate: one.value for one in found.checks}.items() <= told.items()


def test_a_search_names_the_search_and_results_and_frames_nothing(calls, monkeypatch):
    monkeypatch.chdir(calls)
    search = {"name": "s", "table": "data/calls.csv", "metric": "error_rate(label, answer)"}
    search |= {"slices": True, "features": ["site", "handset"], "maximum_difference": 0.0}
    (found,) = evenhand.check({"rule": [search]}).rules
    asked = run_command(*shlex.split(found.command)[1:], "--json", cwd=calls)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["schema"].startswith("evenhand.slices")
    frame = pa.table({"site": ["a", "b"] * 50, "wrong": [0, 1] * 50})
    rule = {"name": "f", "table": frame, "metric": "mean(wrong)", "by": "site", "maximum": 0.1}
    assert evenhand.check({"rule": [rule]}).rules[0].command is None


def test_the_widest_pair_is_told_with_what_was_seen_of_both(calls, monkeypatch):
    monkeypatch.chdir(calls)
    rule = {"name": "g", "table": "data/calls.csv", "metric": "error_rate(label, answer)"}
    rule |= {"by": "site", "maximum_difference": 0.01}
    (check,) = evenhand.check({"rule": [rule]}).rules[0].checks
    values = {
        one.group["site"]: one.estimate.value
        for one in evenhand.audit("data/calls.csv", rule["metric"], by="site").groups
    }
    assert dict(zip(check.others, check.other_values, strict=True)) == pytest.approx(values)
    assert f"north {values['north']:.3f}".replace("0.", ".") in check.sentence


def test_a_sentence_that_the_table_has_is_not_told_again(calls):
    rule = '[[rule]]\nname = "g"\ntable = "data/calls.csv"\nmetric = "error_rate(label, answer)"\n'
    (calls / "policy.toml").write_text(f'{rule}by = "site"\nmaximum_difference = 0.01\n')
    told = run_command("check", "policy.toml", "--summary", "s.md", cwd=calls)
    assert told.stdout.count("differs by") == 1
    assert (calls / "s.md").read_text().count("differs by") == 1


def test_the_headline_says_whom_it_is_about_in_words_of_the_trade(calls, monkeypatch):
    monkeypatch.chdir(calls)
    rule = {"name": "g", "table": "data/calls.csv", "metric": "error_rate(label, answer)"}
    rule |= {"by": "site", "maximum_difference": 0.01}
    north, south = (
        round(one.estimate.value * 100)
        for one in evenhand.audit("data/calls.csv", rule["metric"], by="site").groups
    )
    told = headline(evenhand.check({"rule": [rule]}))
    said = f"{north} of 100 answers wrong for north, {south} for south."
    assert told == f"Fail: the rule is broken.  {said}"
    # A number that is no share has no words of a hundred, nor has a rule that is kept.
    other = rule | {"metric": "mean(age)", "maximum_difference": 0.001, "where": "age > 0"}
    assert "of 100" not in headline(evenhand.check({"rule": [other]}))
    kept = rule | {"maximum_difference": 0.9}
    assert headline(evenhand.check({"rule": [kept]})) == "Pass: the rule is kept."
