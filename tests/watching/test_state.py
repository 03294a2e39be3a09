"""States of a watch: they survive, and rows that come late, again or corrected replay to the same answer."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pytest
from tests.watching.worlds import ASKED, METRIC, calls, files, same, told

import evenhand
from evenhand.errors import InputError


@pytest.mark.parametrize("journal", [False, True])
def test_a_state_goes_on_where_it_stopped(tmp_path, journal):
    table = calls()
    more = {"id": "call"} if journal else {}
    whole = evenhand.watch(table, METRIC, "accent,floor", time="day", groups=9, **more, **ASKED)
    for path in files(tmp_path, table):
        found = evenhand.watch(
            path,
            METRIC,
            "accent,floor",
            time="day",
            groups=9,
            state=tmp_path / "s",
            **more,
            **ASKED,
        )
    same(found, whole)
    again = evenhand.watch(
        path, METRIC, "accent,floor", time="day", groups=9, state=tmp_path / "s", **more, **ASKED
    )
    assert again.taken.repeated_files == 1
    assert not any(a.new for a in again.alarms)
    same(again, whole)


def test_late_corrected_and_repeated_rows_replay_to_the_same_answer(tmp_path):
    table = calls()
    parts = [table.slice(0, 1500), table.slice(2500), table.slice(1500, 1000)]
    wrong = pa.array((1 - table.slice(0, 300)["wrong"].to_numpy()).tolist())
    spoiled = table.slice(0, 300).set_column(4, "wrong", wrong)
    asked = {"id": "call", "time": "day", "groups": 9, **ASKED}
    whole = evenhand.watch(table, METRIC, "accent,floor", **asked)
    state = tmp_path / "watch.state"
    for part in [spoiled, *parts, table.slice(700, 50)]:
        found = evenhand.watch(part, METRIC, "accent,floor", state=state, **asked)
    same(found, whole)
    assert found.taken.corrected == 300
    assert found.taken.duplicates == 50
    assert found.taken.late >= 1000
    assert found.taken.rows == 4000
    assert {"late", "corrected", "duplicate"} <= {note.code for note in found.notes}


def test_an_alarm_that_corrections_take_back_is_said(tmp_path):
    rng = np.random.default_rng(5)
    bad = pa.table(
        {"id": range(400), "site": ["a"] * 400, "wrong": (rng.random(400) < 0.5).astype(int)}
    )
    good = bad.set_column(2, "wrong", pa.array([0] * 400))
    asked = {"id": "id", "state": tmp_path / "s", **ASKED}
    assert evenhand.watch(bad, METRIC, "site", **asked).exit_code == 1
    found = evenhand.watch(good, METRIC, "site", **asked)
    assert found.exit_code == 0
    assert found.taken.withdrawn == 2
    assert "withdrawn" in {note.code for note in found.notes}


def test_rows_that_go_back_in_time_without_names_are_counted_and_said(tmp_path):
    table, asked = calls(rows=600), {"time": "day", "state": tmp_path / "s", **ASKED}
    evenhand.watch(table.slice(300), METRIC, "accent", **asked)
    found = evenhand.watch(table.slice(0, 300), METRIC, "accent", **asked)
    assert found.taken.late >= 290
    assert found.taken.rows == 600
    assert "late" in {note.code for note in found.notes}


def test_a_group_that_appears_late_is_watched_and_said(tmp_path):
    table = calls(rows=2000)
    first = table.filter(pa.compute.equal(table["accent"], "us"))
    asked = {"state": tmp_path / "s", **ASKED}
    evenhand.watch(first, METRIC, "accent", **asked)
    rng = np.random.default_rng(4)
    new = pa.table({"accent": ["welsh"] * 200, "wrong": (rng.random(200) < 0.6).astype(int)})
    found = evenhand.watch(new, METRIC, "accent", **asked)
    assert ((("accent", "welsh"),), "above") in told(found)
    assert "late_groups" in {note.code for note in found.notes}
    assert found.settings.groups == 2


def test_a_state_of_another_question_is_refused_with_what_differs(tmp_path):
    table, state = calls(rows=300), tmp_path / "s"
    evenhand.watch(table, METRIC, "accent", state=state, **ASKED)
    with pytest.raises(InputError, match=r"watches another question: threshold is 0.3, there 0.2"):
        evenhand.watch(table, METRIC, "accent", state=state, worse="higher", threshold=0.3)
    (tmp_path / "other").write_text("patients\n1\n")
    with pytest.raises(InputError, match="is no state of evenhand watch"):
        evenhand.watch(table, METRIC, "accent", state=tmp_path / "other", **ASKED)
    assert (tmp_path / "other").read_text() == "patients\n1\n"
    with sqlite3.connect(tmp_path / "db") as other:
        other.execute("CREATE TABLE wards (name)")
    with pytest.raises(InputError, match="is no state of evenhand watch"):
        evenhand.watch(table, METRIC, "accent", state=tmp_path / "db", **ASKED)


def test_a_table_that_is_faulty_leaves_the_state_as_it_was(tmp_path):
    state, table = tmp_path / "s", calls(rows=300)
    before = evenhand.watch(table, METRIC, "accent", state=state, **ASKED)
    (tmp_path / "bad.csv").write_text("accent,wrong\nus,1\nus,zero\n")
    with pytest.raises(InputError):
        evenhand.watch(str(tmp_path / "bad.csv"), METRIC, "accent", state=state, **ASKED)
    after = evenhand.watch(table.slice(0, 0), METRIC, "accent", state=state, **ASKED)
    assert after.taken.rows == before.taken.rows


def test_two_processes_on_one_state_are_one_after_the_other(tmp_path):
    state, table = tmp_path / "s", calls(rows=3000)
    asked = {"state": state, "groups": 3, **ASKED}
    parts = [table.slice(i * 500, 500) for i in range(6)]
    threads = [
        threading.Thread(target=evenhand.watch, args=(part, METRIC, "accent"), kwargs=asked)
        for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = evenhand.watch(table.slice(0, 0), METRIC, "accent", **asked)
    assert found.taken.rows == 3000


def test_a_state_that_another_process_holds_is_said(tmp_path, monkeypatch):
    state, table = tmp_path / "s", calls(rows=300)
    evenhand.watch(table, METRIC, "accent", state=state, **ASKED)
    monkeypatch.setattr("evenhand.watching.state.PATIENCE", 0.1)
    holder = sqlite3.connect(state, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(InputError, match="in use by another evenhand watch"):
        evenhand.watch(table, METRIC, "accent", state=state, **ASKED)
    holder.execute("ROLLBACK")
    holder.close()


KILLED = """
import sys, evenhand
evenhand.watch(sys.argv[2:], "mean(wrong)", "accent,floor", state=sys.argv[1], time="day", groups=9, worse="higher", threshold=0.2)
"""


def test_killed_at_any_moment_it_goes_on_to_the_same_answer(tmp_path):
    table = calls(rows=6000)
    paths = files(tmp_path, table, 6)
    whole = evenhand.watch(table, METRIC, "accent,floor", time="day", groups=9, **ASKED)
    state = tmp_path / "s"
    for attempt in range(2):
        run = subprocess.Popen([sys.executable, "-c", KILLED, str(state), *paths])
        deadline = time.monotonic() + 20
        while (
            _kept(state) < 2 * (attempt + 1) and run.poll() is None and time.monotonic() < deadline
        ):
            time.sleep(0.002)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    found = evenhand.watch(
        paths, METRIC, "accent,floor", time="day", groups=9, state=state, **ASKED
    )
    same(found, whole)
    assert found.taken.repeated_files > 0


def _kept(state):
    try:
        with sqlite3.connect(state) as kept:
            return kept.execute("SELECT COUNT(*) FROM files").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_units_are_layers_and_survive_a_state(tmp_path):
    table = calls(rows=3000)
    whole = evenhand.watch(table, METRIC, "accent", unit="caller", groups=3, **ASKED)
    for path in files(tmp_path, table):
        found = evenhand.watch(
            path, METRIC, "accent", unit="caller", groups=3, state=tmp_path / "s", **ASKED
        )
    same(found, whole)
    assert "units_bet_once" in {note.code for note in found.notes}
    assert "rows_independent" in {
        note.code for note in evenhand.watch(table, METRIC, "accent", **ASKED).notes
    }


def test_values_are_one_group_whatever_type_a_file_gives_them(tmp_path):
    state = tmp_path / "s"
    asked = {"state": state, **ASKED}
    evenhand.watch(
        pa.table({"site": [1, 2] * 50, "wrong": [0, 1] * 50}), METRIC, "site", bins={}, **asked
    )
    found = evenhand.watch(
        pa.table({"site": ["1", "A"] * 50, "wrong": [0, 1] * 50}), METRIC, "site", **asked
    )
    assert {tuple(g.group.values()): g.n_rows for g in found.groups} == {
        (): 200,
        ("1",): 100,
        ("2",): 50,
        ("A",): 50,
    }


@pytest.mark.parametrize("journal", [False, True])
def test_states_of_shards_merge(tmp_path, journal):
    table = calls(rows=6000)
    more = {"id": "call"} if journal else {}
    asked = {"time": "day", "groups": 9, **more, **ASKED}
    whole = evenhand.watch(table, METRIC, "accent,floor", **asked)
    odd = np.arange(6000) % 2 == 1
    for name, part in (("a", odd), ("b", ~odd)):
        own = table.filter(pa.array(part))
        evenhand.watch(own, METRIC, "accent,floor", state=tmp_path / name, **asked)
    found = evenhand.merge_watches([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    values = {tuple(g.group.items()): (g.n_rows, g.value) for g in whole.groups}
    assert {tuple(g.group.items()): (g.n_rows, g.value) for g in found.groups} == values
    evidence = {tuple(g.group.items()): g.log10_evidence for g in whole.groups}
    for group in found.groups:
        assert group.log10_evidence == pytest.approx(evidence[tuple(group.group.items())])
    assert any(a.group == {"accent": "indian", "floor": "4"} for a in found.alarms)
    if journal:
        same(found, whole)
    # It goes on as any other.
    after = evenhand.watch(
        table.slice(0, 0), METRIC, "accent,floor", state=tmp_path / "all", **asked
    )
    assert after.taken.rows == 6000


def test_shards_that_cannot_be_merged_are_refused(tmp_path):
    rows = calls(rows=600)
    paths = files(tmp_path, rows)
    evenhand.watch(paths[:2], METRIC, "accent", state=tmp_path / "a", **ASKED)
    evenhand.watch(paths[1:], METRIC, "accent", state=tmp_path / "b", **ASKED)
    evenhand.watch(paths[2:], METRIC, "floor", state=tmp_path / "c", **ASKED)
    with pytest.raises(InputError, match="would count twice"):
        evenhand.merge_watches([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert not (tmp_path / "all").exists()
    with pytest.raises(InputError, match="watches another question"):
        evenhand.merge_watches([tmp_path / "a", tmp_path / "c"], tmp_path / "all")
    with pytest.raises(InputError, match="exists"):
        evenhand.merge_watches([tmp_path / "a", tmp_path / "c"], tmp_path / "b")
    with pytest.raises(InputError, match="does not exist"):
        evenhand.merge_watches([tmp_path / "a", tmp_path / "d"], tmp_path / "all")
