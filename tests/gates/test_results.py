"""Files that were judged before: whether they are of the rows of today, how old they are, and what they leave out."""

import datetime
import json
import os

import pyarrow as pa
import pytest

import evenhand
from evenhand.errors import InputError

METRIC = "error_rate(label=y, prediction=p)"


def written(folder, *, wrong=20, days=False, name="rows.csv"):
    lines = [
        f"{'ab'[i % 2]},1,{(right := int(i * 37 % 400 >= wrong))},{right}"
        + (f",2026-03-{1 + i % 20:02}" if days else "")
        for i in range(800)
    ]
    (folder / name).write_text("\n".join(["g,y,p,q" + (",day" if days else ""), *lines]) + "\n")
    return folder / name


def results_of(kind, table):
    if kind == "slices":
        return evenhand.slices(table, METRIC, features="g").to_json()
    if kind == "switches":
        other = "error_rate(label=y, prediction=q)"
        return evenhand.compare(table, [METRIC, other], "g", tolerance=0.05).to_json()
    if kind == "watch":
        return evenhand.watch(table, METRIC, "g", threshold=0.5).to_json()
    return evenhand.audit(table, METRIC, "g", tolerance=0.1).to_json()


def ask(folder, now=None, **demands):
    lines = [f"{key} = {json.dumps(value)}" for key, value in demands.items()]
    (folder / "policy.toml").write_text("\n".join(["[[rule]]", 'name = "r"', *lines]) + "\n")
    return evenhand.check(folder / "policy.toml", now=now)


def told(found):
    return [note.text for note in found.rules[0].notes if note.code == "age_of_results"]


@pytest.mark.parametrize("kind", ["audit", "slices", "switches", "watch"])
def test_results_of_a_table_that_has_changed_are_open(tmp_path, kind):
    (tmp_path / "r.json").write_text(results_of(kind, written(tmp_path)))
    found = ask(tmp_path, results="r.json")
    assert (found.answer, told(found)) == ("pass", [])
    written(tmp_path, wrong=200)
    found = ask(tmp_path, results="r.json")
    assert found.answer == "insufficient evidence"
    assert "is not of" in found.rules[0].sentence
    assert "Make it anew: evenhand" in found.rules[0].sentence


def test_a_table_that_a_rule_names_is_the_one_that_counts(tmp_path):
    (tmp_path / "r.json").write_text(results_of("audit", written(tmp_path)))
    written(tmp_path, wrong=100, name="other.csv")
    assert ask(tmp_path, results="r.json", table="rows.csv").answer == "pass"
    found = ask(tmp_path, results="r.json", table="other.csv")
    assert found.rules[0].sentence.startswith("r.json is not of other.csv as it is now")
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        ask(tmp_path, results="r.json", table="nowhere.csv")


def test_results_of_another_table_than_the_policy_has_are_told(tmp_path):
    (tmp_path / "r.json").write_text(results_of("audit", written(tmp_path)))
    written(tmp_path, name="new.csv")
    rule = '[[rule]]\nname = "r"\nresults = "r.json"\n'
    for table, told in (("new.csv", 1), ("./rows.csv", 0)):
        (tmp_path / "policy.toml").write_text(f'table = "{table}"\n{rule}')
        notes = evenhand.check(tmp_path / "policy.toml").rules[0].notes
        codes = [note.code for note in notes]
        assert codes.count("other_table") == told


def test_files_that_were_joined_belong_to_the_table(tmp_path):
    table = written(tmp_path)
    (tmp_path / "more.csv").write_text("g,h\na,1\nb,2\n")
    audit = json.loads(results_of("audit", table))
    command = audit["settings"]["command"] + f" --with {tmp_path / 'more.csv'} --on g"
    audit["settings"]["command"] = command
    (tmp_path / "r.json").write_text(json.dumps(audit))
    assert ask(tmp_path, results="r.json").answer == "insufficient evidence"
    (tmp_path / "more.csv").unlink()
    found = ask(tmp_path, results="r.json", table="rows.csv")
    assert "Nothing ties r.json to rows.csv" in found.rules[0].sentence


def test_old_results_that_nothing_can_be_held_against_are_never_silently_green(tmp_path):
    frame = pa.table({"g": ["a", "b"] * 400, "y": [1] * 800, "p": [1] * 760 + [0] * 40})
    (tmp_path / "r.json").write_text(results_of("audit", frame))
    then = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    os.utime(tmp_path / "r.json", (then.timestamp(), then.timestamp()))
    found = ask(tmp_path, now=then + datetime.timedelta(days=400), results="r.json")
    assert found.answer == "pass"
    (note,) = told(found)
    assert "does not say when it was made (at least 400 days ago)" in note
    assert "not_older_than = …" in note
    assert "at least 400 days ago" in str(found)
    young = ask(tmp_path, now=then, results="r.json")
    assert "ago" not in told(young)[0]
    found = ask(tmp_path, results="r.json", table=str(written(tmp_path)))
    assert "Nothing ties r.json to" in found.rules[0].sentence


@pytest.mark.parametrize(("day", "answer"), [(25, "pass"), (31, "fail")])
def test_dates_of_the_table_say_how_old_results_are(tmp_path, day, answer):
    (tmp_path / "r.json").write_text(results_of("audit", written(tmp_path, days=True)))
    now = datetime.datetime(2026, 3, day, tzinfo=datetime.UTC)
    demands = {"table": "rows.csv", "time": "day", "not_older_than": "10 days"}
    assert ask(tmp_path, now=now, results="r.json", **demands).answer == answer


def test_a_watch_says_its_newest_row_where_no_age_is_demanded(tmp_path):
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=i // 40) for i in range(800)]
    columns = {"g": ["a", "b"] * 400, "y": [1] * 800, "p": [1] * 800, "day": days}
    watch = evenhand.watch(pa.table(columns), METRIC, "g", threshold=0.5, time="day")
    (tmp_path / "r.json").write_text(watch.to_json())
    (note,) = told(ask(tmp_path, results="r.json"))
    assert "newest row of r.json is of 2026-01-20" in note


def test_a_tolerance_and_rows_left_out_are_told_beside_a_pass(tmp_path):
    table = written(tmp_path)
    audit = evenhand.audit(table, METRIC, "g", tolerance=0.9, where="y = 1").to_json()
    (tmp_path / "r.json").write_text(audit)
    found = ask(tmp_path, results="r.json")
    assert found.answer == "pass"
    assert "! r: r.json was asked with a tolerance of 0.9, of rows where y = 1:" in str(found)


def test_rows_that_one_service_did_not_answer_are_told_beside_a_pass(tmp_path):
    columns = {"g": ["a", "b"] * 400, "y": [1] * 800, "p": [1] * 800}
    columns["q"] = [None if i % 2 and i < 200 else 1 for i in range(800)]
    metrics = [METRIC, "error_rate(label=y, prediction=q)"]
    switches = evenhand.compare(pa.table(columns), metrics, "g", tolerance=0.05)
    (tmp_path / "r.json").write_text(switches.to_json())
    (note,) = (n for n in ask(tmp_path, results="r.json").rules[0].notes if n.code == "unpaired")
    assert note.text.startswith("r.json: 100 rows of g = 'b' (25 %, more or less than of other")


def test_the_group_that_others_are_compared_with_is_no_check(tmp_path):
    audit = evenhand.audit(written(tmp_path), METRIC, "g", tolerance=0.1, versus="g = 'a'")
    (tmp_path / "r.json").write_text(audit.to_json())
    found = ask(tmp_path, results="r.json").rules[0]
    assert [check.label for check in found.checks] == ["b"]
    assert found.sentence == "error_rate of b is not worse than g = 'a'."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda groups: groups[0].update(verdict="not worse"), "which its interval denies"),
        (lambda groups: swapped(groups, "predicate"), "is called that of g = "),
        (lambda groups: groups[0]["estimate"].update(value=0.9), "so it was changed by hand"),
    ],
)
def test_an_audit_that_contradicts_itself_is_refused(tmp_path, change, says):
    frame = pa.table({"g": ["a", "b"] * 400, "y": [1] * 800, "p": [0, 1] * 400})
    plain = json.loads(evenhand.audit(frame, METRIC, "g").to_json())
    assert plain["groups"][0]["verdict"] == "worse"
    change(plain["groups"])
    (tmp_path / "r.json").write_text(json.dumps(plain))
    with pytest.raises(InputError, match=says):
        ask(tmp_path, results="r.json")


def swapped(groups, key):
    groups[0][key], groups[1][key] = groups[1][key], groups[0][key]


def test_a_last_release_whose_groups_changed_names_is_refused(tmp_path):
    table = written(tmp_path)
    frame = pa.table({"g": ["a", "b"] * 400, "y": [1] * 800, "p": [0, 1] * 400})
    plain = json.loads(evenhand.audit(frame, METRIC, "g").to_json())
    swapped(plain["groups"], "predicate")
    (tmp_path / "last.json").write_text(json.dumps(plain))
    rule = {"table": str(table), "metric": METRIC, "by": "g", "not_worse_than": "last.json"}
    with pytest.raises(InputError, match="is called that of g = "):
        ask(tmp_path, **rule)
