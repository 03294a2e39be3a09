"""Watches as people ask for them: for whom, since when, why; and what became of each row."""

import json

import numpy as np
import pyarrow as pa
import pytest
from tests.watching.worlds import ASKED, METRIC, calls

import evenhand
from evenhand.errors import InputError, RefusedError
from evenhand.groups import Partition
from evenhand.watching.book import AlarmRules, Book
from evenhand.watching.reading import ScoredRows
from evenhand.watching.result import Watch


def test_it_says_for_whom_since_when_and_what_before():
    found = evenhand.watch(calls(), METRIC, "accent,floor", time="day", **ASKED)
    alarm = next(
        a
        for a in found.alarms
        if a.group == {"accent": "indian", "floor": "4"} and a.kind == "changed"
    )
    assert "2026-02-25" < alarm.since.time < "2026-03-08"
    assert alarm.before == pytest.approx(0.1, abs=0.03)
    assert alarm.rate == pytest.approx(0.35, abs=0.06)
    assert found.exit_code == 1
    assert not any(a.group == {"accent": "us"} for a in found.alarms)
    assert Watch.from_json(found.to_json()) == found


def test_worse_answers_are_told_from_other_cases():
    table = calls(rows=8000)
    found = evenhand.watch(table, METRIC, "accent", explain="floor", time="day", **ASKED)
    told_of = next(a for a in found.alarms if a.group == {"accent": "indian"}).diagnosis
    assert told_of.by == "floor"
    assert told_of.parts[0].group == {"floor": "4"}
    assert abs(told_of.case_mix) < 0.15 * told_of.change
    assert told_of.change == pytest.approx(told_of.answers + told_of.case_mix)
    assert sum(p.effect for p in told_of.parts) == pytest.approx(told_of.change)
    # The same answers, but since the change mostly difficult cases are asked for.
    rng = np.random.default_rng(3)
    hard = np.concatenate([rng.random(3000) < 0.1, rng.random(1500) < 0.9])
    mixed = pa.table(
        {
            "site": ["a"] * 4500,
            "case": np.where(hard, "hard", "easy"),
            "wrong": (rng.random(4500) < np.where(hard, 0.4, 0.05)).astype(int),
        }
    )
    other = evenhand.watch(mixed, METRIC, "site", explain=["case"], **ASKED)
    mix = next(a for a in other.alarms if a.kind == "changed").diagnosis
    assert abs(mix.answers) < 0.15 * mix.change
    assert mix.parts[0].group == {"case": "hard"}


def test_values_outside_the_bounds_are_counted_and_said():
    values = [0.1] * 100 + [-3.0, 9.0]
    table = pa.table({"site": ["a"] * 102, "cost": values})
    found = evenhand.watch(
        table, "mean(cost)", "site", bounds=(0, 1), threshold=0.5, worse="higher"
    )
    assert (found.taken.out_of_bounds, found.taken.beyond_bound) == (1, 1)
    assert {"out_of_bounds", "beyond_bound"} <= {note.code for note in found.notes}
    with pytest.raises(InputError, match="nobody knows how high"):
        evenhand.watch(table, "mean(cost)", "site", threshold=0.5, worse="lower")
    with pytest.raises(InputError, match="else there is nothing that could be exceeded"):
        evenhand.watch(table, "mean(cost)", "site", bounds=(0, 1), threshold=1.5, worse="higher")
    with pytest.raises(InputError, match="1 row with a value below 0: nobody knows how low"):
        evenhand.watch(table, "mean(cost)", "site", threshold=0.5, worse="higher")
    table = table.slice(0, 100)
    with pytest.raises(InputError, match=r"Of mean\(value=cost\) nothing is watched"):
        evenhand.watch(table, "mean(cost)", "site", worse="higher")
    without = evenhand.watch(table, "mean(cost)", "site", threshold=0.5, worse="higher")
    assert "no_bounds" in {note.code for note in without.notes}


def test_where_lower_is_worse_it_watches_the_other_side():
    rng = np.random.default_rng(6)
    right = (rng.random(3000) < np.where(np.arange(3000) < 2000, 0.95, 0.7)).astype(int)
    table = pa.table({"y": [1] * 3000, "p": right, "site": ["a"] * 3000})
    found = evenhand.watch(table, "accuracy(label=y, prediction=p)", "site", threshold=0.8)
    alarm = next(a for a in found.alarms if a.kind == "changed" and a.group)
    assert alarm.before == pytest.approx(0.95, abs=0.01)
    assert alarm.rate == pytest.approx(0.7, abs=0.05)
    assert 1900 < alarm.since.n < 2100
    quiet = evenhand.watch(
        table.slice(0, 2000), "accuracy(label=y, prediction=p)", "site", threshold=0.8
    )
    assert quiet.exit_code == 0


def test_few_rows_say_nothing_either_way(tmp_path):
    table = calls(rows=40)
    found = evenhand.watch(table, METRIC, "accent", **ASKED)
    assert found.exit_code == 3
    assert {group.state for group in found.groups} == {"too_few"}
    assert "Too little to say" in str(found)
    with pytest.raises(RefusedError, match="nothing to watch"):
        evenhand.watch(table.slice(0, 0), METRIC, "accent", **ASKED)
    with pytest.raises(RefusedError, match="nothing to watch"):
        evenhand.watch(str(tmp_path), METRIC, "accent", **ASKED)


def test_rows_that_lack_something_are_counted_by_what():
    table = pa.table(
        {
            "site": ["a", None, "b", "a"] * 50,
            "wrong": [0, 1, None, 0] * 50,
            "day": [1.0, 2.0, 3.0, None] * 50,
        }
    )
    found = evenhand.watch(table, METRIC, "site", time="day", **ASKED)
    assert {(m.attribute, m.reason): m.n_rows for m in found.missing} == {
        ("wrong", "missing_input"): 50,
        ("day", "missing_input"): 50,
        ("site", "missing_attribute"): 50,
    }
    assert found.taken.rows == 100


def test_word_error_rates_are_watched_from_texts():
    rng = np.random.default_rng(7)
    words = ["the", "patient", "has", "pain", "in", "the", "left", "knee", "since", "two", "days"]
    said = [
        [word if rng.random() > (0.3 if i >= 600 else 0.08) else "uh" for word in words]
        for i in range(900)
    ]
    table = pa.table(
        {"text": [" ".join(words)] * 900, "heard": [" ".join(s) for s in said], "site": ["a"] * 900}
    )
    found = evenhand.watch(table, "wer(reference=text, hypothesis=heard)", "site", threshold=0.2)
    alarm = next(a for a in found.alarms if a.kind == "changed")
    assert 560 < alarm.since.n < 640
    assert "of 100 words wrong for" in str(found)


def test_metrics_that_are_no_ratio_of_sums_are_refused():
    table = pa.table({"y": [0, 1] * 50, "s": np.linspace(0, 1, 100), "site": ["a"] * 100})
    with pytest.raises(InputError, match="no ratio of sums over rows"):
        evenhand.watch(table, "auc(label=y, score=s)", "site")


def test_no_false_alarm_in_fifty_overlapping_groups():
    rng, worlds, false, rows = np.random.default_rng(8), 25, 0, 4_000
    names, values = tuple("abcde"), tuple(tuple(map(str, range(10))) for _ in range(5))
    rules = AlarmRules(
        threshold=0.1, level=0.95, run_length=1e5, low=0.0, high=1.0, higher_is_worse=True
    )
    everywhere = 0
    for _ in range(worlds):
        book = Book(
            rules=rules,
            partitions=(Partition(names=()), *(Partition(names=(name,)) for name in names)),
            names=names,
        )
        codes = tuple(rng.integers(0, 10, rows) for _ in names)
        a = (rng.random(rows) < 0.1).astype(float)
        book.take(ScoredRows(a=a, b=np.ones(rows), values=values, codes=codes))
        false += bool(book.alarms())
        everywhere += book.everywhere(units=False) >= np.log(20)
    slack = 3 * np.sqrt(0.05 * 0.95 / worlds)
    assert false / worlds <= 0.05 + slack
    assert everywhere / worlds <= 0.05 + slack


def test_e_bh_names_the_groups_that_are_above_and_few_others():
    rng, hits, named, wrong = np.random.default_rng(9), 0, 0, 0
    for _ in range(6):
        site = rng.integers(0, 50, 50 * 400)
        rate = np.where(site < 5, 0.25, 0.1)
        table = pa.table(
            {
                "site": [f"s{i:02}" for i in site],
                "wrong": (rng.random(len(site)) < rate).astype(int),
            }
        )
        found = evenhand.watch(table, METRIC, "site", worse="higher", threshold=0.12)
        names = {g.group["site"] for g in found.groups if g.found and g.group}
        bad = {f"s{i:02}" for i in range(5)}
        hits += len(names & bad)
        named += len(names)
        wrong += len(names - bad)
    assert hits >= 24
    assert wrong <= 0.05 * named + 3


def test_a_json_line_says_what_the_contract_says():
    data = json.loads(
        evenhand.watch(calls(), METRIC, "accent,floor", time="day", **ASKED).to_json()
    )
    alarm = data["alarms"][0]
    assert set(alarm) >= {"group", "kind", "at"}
    assert alarm["kind"] in ("above", "changed")
    assert data["groups"][0]["group"] == {}
