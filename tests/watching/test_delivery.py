"""What is delivered late, again, broken or in two processes: it counts once, and nothing that was told is lost."""

import datetime
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.commands import run_command
from tests.watching.worlds import told

import evenhand
from evenhand.errors import InputError
from evenhand.watching import StreamPart
from evenhand.watching.state import WatchState

RATE = ("mean(wrong)", "site")
ASKED = {"threshold": 0.2, "worse": "higher"}
WORDS = ("--metric", "mean(wrong)", "--by", "site", "--threshold", "0.2", "--worse", "higher")


def rows(n, rate, seed=0, site="a", start=0, **more):
    rng = np.random.default_rng(seed)
    columns = {"wrong": (rng.random(n) < rate).astype(int), "site": [site] * n}
    columns["id"] = [f"{site}{i}" for i in range(start, start + n)]
    return pa.table({**columns, **more})


def both(*tables):
    return pa.concat_tables(tables)


def test_lines_of_a_stream_count_however_often_such_came():
    line = pa.table({"wrong": [1], "site": ["a"]})
    found = evenhand.watch([StreamPart(line) for _ in range(60)], *RATE, **ASKED)
    assert (found.taken.rows, found.taken.repeated_files) == (60, 0)
    assert "stream" in {note.code for note in found.notes}


def test_a_stream_of_the_same_lines_from_the_command_line():
    code = "from evenhand.cli.app import main; main()"
    words = [sys.executable, "-c", code, "watch", "-", *WORDS, "--json"]
    text = (
        '{"wrong": 1, "site": "a"}\n' * 60 + "no JSON\n[1]\n" + '{"wrong": 0, "site": "a"}\n' * 40
    )
    ended = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["taken"]["rows"]) == (1, 100)
    assert "2 lines of the stream were no JSON objects" in json.dumps(found["notes"])


def test_a_settlement_closes_what_stood_then_and_nothing_that_comes_later(tmp_path):
    state, asked = tmp_path / "s", {"time": "day", "id": "id", **ASKED}
    one = both(
        rows(200, 0.6, day=["2026-03-01"] * 200), rows(200, 0.05, 1, "b", day=["2026-03-01"] * 200)
    )
    first = evenhand.watch(one, *RATE, state=state, columns={"day": "date"}, **asked)
    assert {alarm.group["site"] for alarm in first.alarms if alarm.group} == {"a"}
    evenhand.settle_watch(state, "filter on a")
    late = rows(200, 0.9, 2, "b", 200, day=["2026-03-01"] * 200)
    found = evenhand.watch(late, *RATE, state=state, columns={"day": "date"}, **asked)
    open_ = [alarm for alarm in found.alarms if alarm.group == {"site": "b"}]
    assert open_
    assert all(alarm.new for alarm in open_)
    assert {"site": "b"} not in [one.group for one in found.settled]


def test_a_settlement_whose_alarm_corrections_take_away_is_still_told(tmp_path):
    state, asked = tmp_path / "s", {"id": "id", **ASKED}
    evenhand.watch(rows(300, 0.6), *RATE, state=state, **asked)
    evenhand.settle_watch(state, "filter on a")
    found = evenhand.watch(rows(300, 0.05), *RATE, state=state, **asked)
    assert found.settled == ()
    assert found.taken.withdrawn > 0
    assert "Settled: filter on a." in " ".join(note.text for note in found.notes)


@pytest.mark.parametrize("how", ["flag", "empty", "filter"])
def test_corrections_that_take_rows_out_of_the_metric_count(tmp_path, how):
    rng = np.random.default_rng(4)
    table = pa.table(
        {
            "y": [0] * 400,
            "p": (rng.random(400) < 0.5).astype(int),
            "site": ["a"] * 400,
            "kind": ["real"] * 400,
            "id": [f"r{i}" for i in range(400)],
        }
    )
    metric = "false_positive_rate(label=y, prediction=p)"
    asked = {"threshold": 0.2, "id": "id", "where": "kind = 'real'"}
    flagged = table["p"].to_numpy() == 1
    y = np.where(flagged, 1, 0).tolist()
    mended = table
    if how == "filter":
        kind = ["test" if one else "real" for one in flagged]
        mended = table.set_column(3, "kind", pa.array(kind))
    else:
        values = [None if one and how == "empty" else int(one) for one in y]
        mended = table.set_column(0, "y", pa.array(values))
    state = tmp_path / "s"
    assert evenhand.watch(table, metric, "site", state=state, **asked).exit_code == 1
    found = evenhand.watch(mended, metric, "site", state=state, **asked)
    at_once = evenhand.watch(mended, metric, "site", **asked)
    assert (found.groups[0].value, found.exit_code) == (0.0, at_once.exit_code)
    assert found.taken.corrected == int(flagged.sum())
    assert found.taken.rows == at_once.taken.rows


def test_a_late_row_takes_no_alarm_back_where_groups_appeared_late(tmp_path):
    state, asked = tmp_path / "s", {"time": "day", "id": "id", **ASKED}
    rng = np.random.default_rng(5)

    def day(first, n):
        return pa.array(np.sort(rng.integers(first, first + 10, n)))

    def many(sites, n, rate, first, start):
        return both(*(rows(n, rate, hash(s) % 97, s, start, day=day(first, n)) for s in sites))

    evenhand.watch(many("ab", 300, 0.1, 0, 0), *RATE, state=state, **asked)
    evenhand.watch(many("cdefg", 300, 0.1, 20, 0), *RATE, state=state, **asked)
    before = evenhand.watch(
        rows(120, 0.45, 3, "g", 900, day=day(40, 120)), *RATE, state=state, **asked
    )
    assert before.alarms
    one = rows(1, 0.0, 1, "a", 5000, day=pa.array([3]))
    found = evenhand.watch(one, *RATE, state=state, **asked)
    assert found.taken.withdrawn == 0
    assert {name for name, _ in told(found).items()} == {name for name, _ in told(before).items()}


def test_duplicates_are_not_late_and_the_last_delivery_holds(tmp_path):
    asked = {"time": "day", "id": "id", **ASKED}
    first = rows(300, 0.1, day=list(range(300)))
    state = tmp_path / "s"
    evenhand.watch(first, *RATE, state=state, **asked)
    again = both(first, rows(10, 0.1, 3, "a", 300, day=list(range(300, 310))))
    found = evenhand.watch(again, *RATE, state=state, **asked)
    assert (found.taken.duplicates, found.taken.late, found.taken.rows) == (300, 0, 310)
    # A name twice in one file, the second with an earlier time: as in two files, the second holds.
    one = pa.table({"wrong": [0, 1], "site": ["a"] * 2, "id": ["x", "x"], "day": [9, 3]})
    at_once = evenhand.watch(both(first.select(one.column_names), one), *RATE, **asked)
    apart = evenhand.watch([first, one.slice(0, 1), one.slice(1)], *RATE, **asked)
    assert at_once.groups[0].value == apart.groups[0].value


def test_a_process_answers_with_what_another_took_in(tmp_path):
    quiet, bad = tmp_path / "1.csv", tmp_path / "2.csv"
    csv.write_csv(rows(300, 0.05), quiet)
    csv.write_csv(rows(300, 0.9, 1), bad)
    state = tmp_path / "s"

    def arriving():
        yield str(quiet)
        evenhand.watch(str(bad), *RATE, state=state, **ASKED)
        yield str(bad)

    found = evenhand.watch(arriving(), *RATE, state=state, **ASKED)
    assert (found.taken.rows, found.exit_code) == (600, 1)


def test_an_alarm_that_was_kept_and_not_told_is_told_by_the_next_run(tmp_path):
    csv.write_csv(rows(300, 0.9), tmp_path / "1.csv")
    state = tmp_path / "s"

    class Killed(BaseException):
        pass

    def killed(found):
        raise Killed

    with pytest.raises(Killed):
        evenhand.watch(str(tmp_path / "1.csv"), *RATE, state=state, on_alarm=killed, **ASKED)
    heard = []
    evenhand.watch(str(tmp_path / "1.csv"), *RATE, state=state, on_alarm=heard.append, **ASKED)
    assert [alarm.new for alarm in heard[0].alarms] == [True] * len(heard[0].alarms)
    assert heard[0].alarms
    more = []
    evenhand.watch(str(tmp_path / "1.csv"), *RATE, state=state, on_alarm=more.append, **ASKED)
    assert more == []


def test_a_first_run_that_fails_leaves_nothing_behind(tmp_path):
    csv.write_csv(rows(300, 0.1), tmp_path / "1.csv")
    state = tmp_path / "s"
    for wrong in ({"threshold": 5}, {"time": "site"}):
        with pytest.raises(InputError):
            evenhand.watch(
                str(tmp_path / "1.csv"), *RATE, state=state, **{**ASKED, **wrong, "bounds": (0, 1)}
            )
    found = evenhand.watch(str(tmp_path / "1.csv"), *RATE, state=state, **ASKED)
    assert found.taken.rows == 300


def test_settling_waits_for_the_first_table_and_may_be_said_again(tmp_path):
    csv.write_csv(rows(300, 0.9), tmp_path / "1.csv")
    csv.write_csv(rows(300, 0.05, 1), tmp_path / "2.csv")
    state = tmp_path / "s"
    evenhand.watch(str(tmp_path / "1.csv"), *RATE, state=state, **ASKED)
    for wrong in ({"where": "nothing = 1"}, {"threshold": 0.4}):
        with pytest.raises(InputError):
            evenhand.watch(
                str(tmp_path / "2.csv"), *RATE, state=state, settle="filter", **{**ASKED, **wrong}
            )
    with pytest.raises(InputError):
        evenhand.watch(str(tmp_path / "none.csv"), *RATE, state=state, settle="filter", **ASKED)
    words = ("watch", "2.csv", "--state", "s", "--settle", "filter", "--json")
    for _ in range(2):
        ended = run_command(*words, cwd=tmp_path)
        found = json.loads(ended.stdout)
        assert (ended.returncode, found["taken"]["rows"]) == (0, 600), ended.stderr
        assert {one["note"] for one in found["settled"]} == {"filter"}
    with pytest.raises(InputError, match="nothing to settle"):
        evenhand.settle_watch(state, "another filter")
    assert evenhand.settle_watch(state, "filter").settled


@pytest.mark.parametrize("apart", [True, False])
def test_harm_that_comes_at_once_after_a_settlement_is_new(tmp_path, apart):
    csv.write_csv(rows(300, 0.9), tmp_path / "1.csv")
    csv.write_csv(rows(300, 0.8, 1), tmp_path / "2.csv")
    run_command("watch", "1.csv", *WORDS, "--state", "s", cwd=tmp_path)
    settle = ("--settle", "filter")
    if apart:
        assert run_command("watch", "--state", "s", *settle, cwd=tmp_path).returncode == 3
    words = ("watch", "2.csv", "--state", "s", "--jsonl", *(() if apart else settle))
    ended = run_command(*words, cwd=tmp_path)
    told_ = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {(one["kind"], one["new"]) for one in told_} >= {("above", True)}


def test_a_state_alone_says_how_it_stands(tmp_path):
    csv.write_csv(rows(300, 0.9), tmp_path / "1.csv")
    assert run_command("watch", "1.csv", *WORDS, "--state", "s", cwd=tmp_path).returncode == 1
    ended = run_command("watch", "--state", "s", "--json", cwd=tmp_path)
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["taken"]["rows"]) == (1, 300)
    assert not any(alarm["new"] for alarm in found["alarms"])
    for words, said in (
        (("--state", "s", "--level", "0.999"), "--level given without --metric"),
        (("--state", "s", "--threshold", "0.3"), "There is no table to watch"),
    ):
        refused = run_command("watch", *words, cwd=tmp_path)
        assert refused.returncode == 2
        assert said in " ".join(refused.stderr.split())


def test_a_state_is_never_replaced_by_a_page(tmp_path):
    csv.write_csv(rows(300, 0.1), tmp_path / "1.csv")
    assert run_command("watch", "1.csv", *WORDS, "--state", "s", cwd=tmp_path).returncode == 0
    kept = (tmp_path / "s").read_bytes()
    words = ("watch", "1.csv", *WORDS, "--state", "s", "--html", "s", "--force")
    assert run_command(*words, cwd=tmp_path).returncode == 2
    assert (tmp_path / "s").read_bytes() == kept


def test_an_attribute_that_a_later_table_alone_would_cut_is_refused_with_what_to_do(tmp_path):
    def aged(low, high, n=400):
        age = np.random.default_rng(1).integers(low, high, n)
        return pa.table({"wrong": [0, 1] * (n // 2), "age": age})

    state, asked = tmp_path / "s", {**ASKED, "threshold": 0.6}
    evenhand.watch(aged(20, 26), "mean(wrong)", "age", state=state, **asked)
    with pytest.raises(InputError, match=r"Begin a new --state with --bins age=\d+"):
        evenhand.watch(aged(18, 89), "mean(wrong)", "age", state=state, **asked)


def test_times_of_another_kind_are_refused(tmp_path):
    dates = [datetime.datetime(2026, 3, 1, 22, 30)] * 300  # noqa: DTZ001 - as files have them
    kinds = {"date": dates, "number": list(range(300))}
    for first, other in (("date", "number"), ("number", "date")):
        state = tmp_path / first
        evenhand.watch(rows(300, 0.9, when=kinds[first]), *RATE, time="when", state=state, **ASKED)
        with pytest.raises(InputError, match=f"holds {other}s in .*, and held {first}s before"):
            evenhand.watch(
                rows(9, 0.9, 1, when=kinds[other][:9]), *RATE, time="when", state=state, **ASKED
            )


@pytest.mark.parametrize("keep", [0.5, 0.97])
def test_a_damaged_state_is_said(tmp_path, keep):
    state = tmp_path / "s"
    evenhand.watch(rows(300, 0.1), *RATE, state=state, **ASKED)
    kept = WatchState(state)
    with kept.intake():
        data = kept.kept("book")
        kept._put("book", data[: int(len(data) * keep)])
    kept.close()
    with pytest.raises(InputError, match="is damaged"):
        evenhand.watch(rows(10, 0.1, 1), *RATE, state=state, **ASKED)


def test_a_file_that_grew_and_a_folder_of_nothing_are_said(tmp_path):
    place = tmp_path / "calls.csv"
    state = tmp_path / "s"
    for n in (200, 300):
        csv.write_csv(rows(n, 0.1), place)
        found = evenhand.watch(str(place), *RATE, state=state, **ASKED)
    assert "file_again" in {note.code for note in found.notes}
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "calls.xlsx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds nothing that is read: calls\.xlsx"):
        evenhand.watch(str(folder), *RATE, **ASKED)
