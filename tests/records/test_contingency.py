"""Counts alone: a published table says what the rows behind it say, and what does not add up is told."""

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.commands import run_command

from evenhand import audit, open_records, slices, unfold_counts
from evenhand.errors import InputError

_PUBLISHED = """\
race,tp,fp,tn,fn
Black,1369,805,990,532
White,505,349,1139,461
"""


def _unfolded(columns, counts):
    return unfold_counts(open_records(pa.table(columns)), counts)


def _told(records):
    return {note.code: note.text for note in records.notes}


def _numbers(found):
    return [
        (g.label, g.verdict, g.estimate.value, g.estimate.low, g.estimate.high, g.estimate.n_rows,
         None if g.versus is None else (g.versus.difference, g.versus.low, g.versus.high))
        for g in found.groups
    ]  # fmt: skip


def test_a_published_table_gives_the_published_rates(tmp_path):
    """Angwin et al. 2016: false positive rates of 44.85 and 23.45 %, false negative rates of 27.99 and 47.72 %."""
    (tmp_path / "published.csv").write_text(_PUBLISHED)
    for rate, black, white in (("positive", 44.85, 23.45), ("negative", 27.99, 47.72)):
        done = run_command(
            "audit", "published.csv", "--counts", "tp,fp,tn,fn", "--by", "race", "--json",
            "--metric", f"false_{rate}_rate(label, prediction)", cwd=tmp_path,
        )  # fmt: skip
        found = json.loads(done.stdout)
        values = {g["group"]["race"]: g["estimate"]["value"] for g in found["groups"]}
        assert round(100 * values["Black"], 2) == black
        assert round(100 * values["White"], 2) == white
        assert found["source"]["rows"] == 6150
        assert len(found["source"]["sha256"]) == 64


@given(counts=st.lists(st.integers(0, 60), min_size=12, max_size=12), seed=st.integers(0, 9))
@settings(max_examples=6, deadline=None)
def test_counts_say_what_their_rows_say(counts, seed):
    """The oracle: the rows themselves, in any order."""
    groups, cells = ["a", "b", "c"], [("tp", 1, 1), ("fp", 0, 1), ("tn", 0, 0), ("fn", 1, 0)]
    table: dict = {"site": groups}
    rows = []
    for place, (name, label, prediction) in enumerate(cells):
        table[name] = counts[3 * place : 3 * place + 3]
        for group, n in zip(groups, table[name], strict=True):
            rows += [(group, label, prediction)] * n
    if not rows:
        return
    np.random.default_rng(seed).shuffle(rows)
    site, label, prediction = zip(*rows, strict=True)
    plain = pa.table(
        {"site": site, "label": [int(x) for x in label], "prediction": [int(x) for x in prediction]}
    )
    for metric in (
        "error_rate(label, prediction)",
        "precision(label, prediction)",
        "f1(label, prediction)",
    ):
        from_counts = audit(_unfolded(table, "tp,fp,tn,fn"), metric, "site")
        assert _numbers(from_counts) == _numbers(audit(plain, metric, "site"))


def test_rows_of_a_kind_are_of_any_classes_and_can_be_searched():
    rng = np.random.default_rng(3)
    lines = [
        (site, age, label, prediction, int(rng.integers(1, 40)))
        for site in "abc" for age in ("young", "old") for label in "xyz" for prediction in "xyz"
    ]  # fmt: skip
    site, age, label, prediction, n = zip(*lines, strict=True)
    counted = _unfolded(
        {"site": site, "age": age, "label": label, "prediction": prediction, "n": n}, "n"
    )
    each = [line[:4] for line in lines for _ in range(line[4])]
    columns = zip(*each, strict=True)
    rows = pa.table(dict(zip(("site", "age", "label", "prediction"), columns, strict=True)))
    assert audit(counted, "accuracy(label, prediction)", "site").overall == audit(
        rows, "accuracy(label, prediction)", "site"
    ).overall  # fmt: skip
    given = {
        "metric": "error_rate(label, prediction)",
        "features": ["site", "age"],
        "confirm": False,
    }
    again = _unfolded(
        {"site": site, "age": age, "label": label, "prediction": prediction, "n": n}, "n"
    )
    ours, theirs = slices(again, **given), slices(rows, **given)
    assert [(s.predicate, s.value) for s in ours.slices] == [
        (s.predicate, s.value) for s in theirs.slices
    ]


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        ("tp,fn,fp,tn", {}),
        ("tp,fp,positives,negatives", {}),
        ("tp,fp,positives,total", {}),
        ("true_positives=tp,selected,positives,total", {}),
        ("tp,selected,negatives,total", {}),
        ("tp,fp,tn,fn,positives,negatives,selected,rejected,total", {}),
        ("TP=tp,False Positives=fp,false-negatives=fn,total", {}),
    ],
)
def test_what_is_not_given_follows_from_totals(names, asked):
    table = {"site": ["a", "b"], "tp": [30, 12], "fp": [5, 7], "tn": [40, 2], "fn": [10, 28]}
    sums = {
        "positives": "tp fn",
        "negatives": "fp tn",
        "selected": "tp fp",
        "rejected": "tn fn",
        "total": "tp fp tn fn",
    }
    for total, parts in sums.items():
        table[total] = [sum(table[part][line] for part in parts.split()) for line in (0, 1)]
    rows = (
        _unfolded(table, names)
        .read_rows()
        .group_by(["site", "label", "prediction"])
        .aggregate([([], "count_all")])
    )
    found = {(r["site"], r["label"], r["prediction"]): r["count_all"] for r in rows.to_pylist()}
    cells = {"tp": (1, 1), "fp": (0, 1), "tn": (0, 0), "fn": (1, 0)}
    assert found == {
        (site, *cell): table[name][line]
        for line, site in enumerate("ab")
        for name, cell in cells.items()
    }


def test_selected_of_total_and_wrong_of_total():
    chosen = _unfolded(
        {"sex": ["F", "M"], "hired": [10, 40], "asked": [100, 100]},
        ["selected=hired", "total=asked"],
    )
    found = audit(chosen, "selection_rate(prediction)", "sex", worse="lower")
    assert {g.label: g.estimate.value for g in found.groups} == {"F": 0.1, "M": 0.4}
    wrong = _unfolded(
        {"skin": ["dark", "light"], "wrong": [30, 2], "n": [100, 200]}, "wrong,total=n"
    )
    found = audit(wrong, "mean(wrong)", "skin")
    assert {g.label: g.estimate.value for g in found.groups} == {"dark": 0.3, "light": 0.01}


def test_errors_among_words_have_a_value_and_no_interval_without_their_speakers():
    published = {"accent": ["us", "indian"], "errors": [200, 350], "words": [1000, 1000]}
    rows = _unfolded(published, "errors,words")
    assert "a group of one line has a value and no interval" in _told(rows)["counts_unfolded"]
    found = audit(rows, "ratio(errors, words)", "accent", worse="higher")
    assert {g.label: (g.estimate.value, g.estimate.low, g.verdict) for g in found.groups} == {
        "indian": (0.35, None, "insufficient evidence"), "us": (0.2, None, "insufficient evidence"),
    }  # fmt: skip
    speakers = {"accent": ["us", "in"] * 20, "errors": [10, 35] * 20, "words": list(range(80, 120))}
    found = audit(
        _unfolded(speakers, "errors,words"), "ratio(errors, words)", "accent", worse="higher"
    )
    assert {g.label: g.verdict for g in found.groups} == {"in": "worse", "us": "not worse"}


def test_totals_do_not_count_twice():
    table = {
        "race": ["a", "b", "All", "a", "b", "Total", "all", "a", "b"],
        "sex": ["F", "F", "F", "M", "M", "M", None, None, None],
        "n": [1, 2, 3, 4, 5, 9, 12, 5, 7],
        "share": [0.1, 0.2, 0.15, 0.4, 0.5, 0.45, 0.3, 0.2, 0.3],
    }
    rows = _unfolded(table, "n")
    assert rows.read_rows().num_rows == 12
    told = [note.text for note in rows.notes if note.code == "total_left_out"]
    assert told[0] == "Line 3 (race = 'All') is the total of other lines and is left out."
    assert told[2] == "Line 7 (race = 'all') is the total of other lines and is left out."
    assert told[3] == "2 more lines hold the total of others and are left out."


@pytest.mark.parametrize(
    "more",
    [
        {"code": ["B", "W", "T"]},
        {"year": [2020, 2020, None]},
        {"rate": [0.1, 0.2, 0.15]},
        {"rate": [0.1, 0.2, 0.2]},
        {"final": [True, True, False]},
        {"day": [dt.date(2020, 1, 1), dt.date(2020, 1, 1), dt.date(2020, 1, 2)]},
        {"range": ["x", "x", "x"], "one": [1, 1, 1], "line": ["y", "y", "y"], "n": [1, 1, 2]},
    ],
)
@pytest.mark.parametrize(
    "name",
    ["All", "All persons", "Both sexes", "TOTAL:", "Total*", "Total1", "Всего", "全体", None],
)
def test_a_total_is_known_whatever_else_its_line_says(more, name):
    table = {"race": ["B", "W", name], "wrong": [10, 20, 30], "asked": [100, 200, 300], **more}
    rows = _unfolded(table, ["wrong", "total=asked"])
    assert rows.read_rows().num_rows == 300
    assert "total_left_out" in _told(rows)


def test_a_total_of_each_file_and_one_of_hidden_groups():
    table = {"race": ["B", "W", "All", "B", "W", "All"], "n": [1, 2, 3, 10, 20, 30]}
    rows = _unfolded(table, "n")
    assert rows.read_rows().num_rows == 33
    assert len([note for note in rows.notes if note.code == "total_left_out"]) == 2
    # Of one group and the total what is left is of nobody in particular.
    table = {"race": ["B", "Total"], "wrong": [1, 4], "total": [10, 30]}
    assert _unfolded(table, "wrong,total").read_rows().num_rows == 10


def test_groups_that_are_no_totals_stay():
    others = {"race": ["B", "W", "All others"], "n": [10, 20, 31]}
    assert _unfolded(others, "n").read_rows().num_rows == 61
    assert _unfolded({"race": [None, "B", "W"], "n": [31, 20, 10]}, "n").read_rows().num_rows == 61
    rows = _unfolded({"race": ["B", "W", "Latino"], "n": [10, 20, 30]}, "n")
    assert rows.read_rows().num_rows == 60
    assert _told(rows)["perhaps_a_total"].startswith(
        "Line 3 (race = 'Latino') holds just what all others add up to."
    )
    with pytest.raises(
        InputError, match="is called a total and holds less than the lines of its groups add up to"
    ):
        _unfolded({"race": ["B", "W", "Total"], "n": [200, 200, 300]}, "n")


def test_the_same_rows_told_by_each_attribute_are_not_added():
    stacked = {
        "attribute": ["sex", "sex", "race", "race"],
        "group": ["F", "M", "B", "W"],
        "n": [120, 80, 50, 150],
    }
    rows = _unfolded({**stacked, "selected": [60, 40, 20, 80]}, ["selected", "total=n"])
    with pytest.raises(InputError, match="choose one"):
        audit(rows, "selection_rate(prediction)", "group", worse="lower")
    rows = _unfolded({**stacked, "selected": [60, 40, 20, 80]}, ["selected", "total=n"])
    found = audit(
        rows, "selection_rate(prediction)", "group", where="attribute = 'sex'", worse="lower"
    )
    assert found.overall.n_rows == 200
    margins = {
        "sex": ["F", "M", None, None],
        "race": [None, None, "B", "W"],
        "n": [120, 80, 50, 150],
    }
    assert _told(_unfolded(margins, "n"))["told_twice"].endswith(
        "Keep those of one: --where 'sex IS NOT NULL'"
    )
    # A crossing of two attributes of equal sums is none.
    crossed = {"sex": ["F", "F", "M", "M"], "race": ["B", "W", "B", "W"], "n": [10, 30, 20, 20]}
    assert (
        audit(
            _unfolded(crossed, "n"), "selection_rate(sex = 'F')", "race", worse="lower"
        ).overall.n_rows
        == 80
    )


def test_a_group_of_nothing_is_told():
    rows = _unfolded({"race": ["A", "B"], "wrong": [3, 0], "total": [10, 0]}, "wrong,total")
    assert _told(rows)["line_of_nothing"] == "Of line 2 (B), nothing is counted."


def test_a_point_between_thousands_is_not_taken_for_a_decimal_one(tmp_path):
    (tmp_path / "published.csv").write_text("race;wrong;total\nB;1.000;3.000\nW;2.000;9.000\n")
    with pytest.raises(
        InputError, match=r"wrong is written 1\.000 in line 1: 1, or a thousand times that"
    ):
        unfold_counts(open_records(tmp_path / "published.csv"), "wrong,total")
    declared = open_records(
        tmp_path / "published.csv", columns="wrong=decimal-comma, total=decimal-comma"
    )
    assert unfold_counts(declared, "wrong,total").read_rows().num_rows == 12_000


def test_counts_that_are_hidden_leave_their_line_out_and_are_told():
    table = {
        "site": ["a", "b", "c", "All"],
        "tp": ["1,200", "<5", "12", "1,216"],
        "fn": ["10", "28", "*", "60"],
    }
    rows = _unfolded(table, "tp,fn")
    assert rows.read_rows().num_rows == 1210
    told = _told(rows)
    assert told["line_without_count"] == (
        "Left out for want of a count: 2 of 4 lines (line 2 (b): tp is <5; line 3 (c): fn is *).  What is said of all "
        "together misses them."
    )
    # The difference would tell what was hidden.
    assert told["total_left_out"] == (
        "Line 4 (site = 'All') is the total of other lines and is left out; it holds more than they add up to."
    )


@pytest.mark.parametrize(
    ("columns", "counts", "message"),
    [
        ({"tp": [1.5, 2.0], "fn": [3, 4]}, "tp,fn", "tp is 1.5 in line 1, but must be a whole number of at least 0"),
        ({"tp": [-1, 2], "fn": [3, 4]}, "tp,fn", "tp is -1 in line 1, but must be a whole number of at least 0"),
        ({"tp": ["12 %", "2"], "fn": [3, 4]}, "tp,fn", "tp is 12 % in line 1, but must be a whole number"),
        ({"tp": ["1.234", "2"], "fn": [3, 4]}, "tp,fn", "tp is 1.234 in line 1"),
        ({"tp": [10**12, 2], "fn": [3, 4]}, "tp,fn", "whole number of at most 1,000,000,000"),
        ({"tp": [float("inf"), 2.0], "fn": [3, 4]}, "tp,fn", "tp is inf in line 1, but must be a whole number"),
        ({"tp": [True, False], "fn": [3, 4]}, "tp,fn", "tp is True in line 1"),
        ({"tp": [10**9, 10**9], "fn": [3, 4]}, "tp,fn", "The counts stand for 2,000,000,007 rows; at most"),
        ({"tp": [0, 0], "fn": [0, 0]}, "tp,fn", "every count is 0"),
        ({"tp": [5, 2], "positives": [4, 4]}, "tp,positives", "line 1: positives is 4, but true_positives (5) is more"),
        ({"tp": [1, 2], "fn": [2, 2], "p": [4, 4]}, "tp,fn,positives=p",
         "line 1: positives is 4, but true_positives (1) + false_negatives (2) is not that"),
        ({"errors": [1, 2], "words": [0, 9]}, "errors,words", "line 1: words is 0 and errors is 1"),
        ({"tp": [1], "errors": [1]}, "tp,errors", "which do not belong together"),
        ({"tp": [1]}, "tp", "names true_positives alone, of which no rate can be made"),
        ({"errors": [1]}, "errors", "needs both errors=COLUMN and words=COLUMN"),
        ({"total": [9], "tp": [1]}, "total,tp", "from total nothing follows without"),
        ({"hits": [1], "fn": [3]}, "hits,fn", "'hits' is no count that I know"),
        ({"tp": [1], "fn": [3], "x": [2]}, "tp,fn,true_positives=x", "names true_positives twice: tp and x"),
        ({"wrong": [1], "x": [3]}, "wrong=wrong,total=wrong", "names the column wrong twice"),
        ({"tp": [1], "fn": [3]}, "tp,fm", "Unknown column 'fm'"),
        ({"tp": [1], "fn": [3]}, "", "Say which columns"),
        ({"tp": [1], "fn": [3], "Label": ["x"]}, "tp,fn", "has a column 'label', which the counts would make"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_told_by_line_and_column(columns, counts, message):
    with pytest.raises(InputError) as error:
        _unfolded(columns, counts)
    assert message in str(error.value)


def test_a_command_written_in_python_reads_the_counts_again(tmp_path):
    (tmp_path / "published.csv").write_text(_PUBLISHED)
    rows = unfold_counts(open_records(tmp_path / "published.csv"), "tp,fp,tn,fn")
    found = audit(rows, "error_rate(label, prediction)", "race")
    assert "--counts true_positives=tp --counts false_positives=fp" in found.settings.command
    assert found.source.name.endswith("published.csv")


def test_groups_and_people_are_joined_before_they_are_laid_out(tmp_path):
    (tmp_path / "published.csv").write_text(
        "clinic,tp,fn\nx,30,10\ny,12,28\nz,12,20\nw,9,1\nv,3,3\nu,8,8\n"
    )
    (tmp_path / "clinics.csv").write_text(
        "clinic,region\nx,north\ny,south\nz,south\nw,north\nv,north\nu,south\n"
    )
    done = run_command(
        "audit", "published.csv", "--with", "clinics.csv", "--on", "clinic", "--counts", "tp,fn",
        "--by", "region", "--unit", "clinic", "--min-units", "3",
        "--metric", "true_positive_rate(label, prediction)", "--json", cwd=tmp_path,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert {g["group"]["region"]: (g["estimate"]["n_units"], g["estimate"]["n_rows"]) for g in found["groups"]} == {
        "north": (3, 56), "south": (3, 88),
    }  # fmt: skip


def test_look_knows_a_table_of_counts(tmp_path):
    (tmp_path / "published.csv").write_text(_PUBLISHED)
    done = run_command("look", "published.csv", "--json", cwd=tmp_path)
    (command,) = json.loads(done.stdout)["next"]
    assert command == (
        "evenhand audit published.csv --counts tp,fp,tn,fn --metric 'error_rate(label, prediction)' --by race"
    )


def test_an_update_does_not_guess_what_was_asked(tmp_path):
    (tmp_path / "published.csv").write_text(_PUBLISHED)
    counted = [
        "cube",
        "count",
        "published.csv",
        "--counts",
        "tp,fp,tn,fn",
        "--by",
        "race",
        "--out",
        "p.cube",
    ]
    done = run_command(*counted, "--metric", "error_rate(label, prediction)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "more.csv").write_text(_PUBLISHED.replace("532", "533"))
    done = run_command("cube", "update", "p.cube", "more.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "was counted with --counts, of which an update knows nothing" in done.stderr


def test_a_class_that_is_called_all_is_a_class():
    """How much of a bill is paid: all, some or none; the right lines hold more than the wrong ones."""
    lines = [
        ("all", "all", 90),
        ("all", "some", 5),
        ("all", "none", 2),
        ("some", "some", 40),
        ("some", "all", 3),
    ]
    label, prediction, n = zip(*lines, strict=True)
    rows = _unfolded({"label": label, "prediction": prediction, "n": n}, "n")
    assert rows.read_rows().num_rows == 140
    assert _told(rows)["perhaps_a_total"].endswith("If it holds others, leave it out with --where.")
    # Where a count is hidden a total may hold more.
    hidden = _unfolded({"race": ["B", "W", "Total"], "n": ["10", "<5", "13"]}, "n")
    assert hidden.read_rows().num_rows == 10


def test_a_long_table_is_looked_at_once():
    """Lines that name no group are looked for among 40,000 by their values, not each beside each."""
    rng = np.random.default_rng(0)
    n = 40_000
    site = np.where(rng.random(n) < 0.1, None, rng.choice([f"s{i}" for i in range(300)], n))
    table = {
        "site": pa.array(site),
        "age": rng.integers(18, 90, n),
        "kind": rng.choice(list("xyz"), n),
    }
    rows = _unfolded({**table, "label": rng.choice(list("ab"), n), "n": rng.integers(1, 4, n)}, "n")
    assert rows.read_rows().num_rows > n
