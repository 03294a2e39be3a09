"""Watches of several shards made one: nothing is closed or lost that one watch would not have closed or lost."""

import itertools
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.commands import run_command
from tests.watching.test_delivery import ASKED, RATE, WORDS, both, rows

import evenhand
from evenhand.errors import InputError


def shards(tmp_path, tables, **asked):
    """A state of each."""
    out = []
    for name, table in tables.items():
        out.append(tmp_path / f"{name}.watch")
        evenhand.watch(table, *RATE, state=out[-1], **{**ASKED, **asked})
    return out


@pytest.mark.parametrize("names", [{}, {"id": "id", "time": "day"}])
def test_an_alarm_that_is_open_in_one_shard_is_not_closed_by_the_repair_of_another(tmp_path, names):
    north = rows(200, 0.7, 1, "n", day=list(range(200)))
    south = rows(200, 0.7, 2, "s", day=list(range(300, 500)))
    states = shards(tmp_path, {"north": north, "south": south}, **names)
    evenhand.settle_watch(states[1], "south filter")
    for number, order in enumerate(itertools.permutations(states)):
        found = evenhand.merge_watches(order, tmp_path / f"all-{number}")
        assert {"site": "n"} in [alarm.group for alarm in found.alarms]
        closed = {one.group.get("site"): one.note for one in found.settled}
        assert closed.get("s") == "south filter"
        assert "n" not in closed


def test_rows_of_two_shards_that_are_called_alike_are_refused(tmp_path):
    north, south = rows(300, 0.1, 1), rows(300, 0.1, 2)
    states = shards(tmp_path, {"north": north, "south": south}, id="id")
    with pytest.raises(InputError, match="Let --id name rows apart by their site"):
        evenhand.merge_watches(states, tmp_path / "all")
    assert not (tmp_path / "all").exists()
    same = shards(
        tmp_path, {"a": north, "b": both(north.slice(0, 50), rows(50, 0.1, 3, "z"))}, id="id"
    )
    assert evenhand.merge_watches(same, tmp_path / "both").taken.rows == 350


def test_shards_of_different_groups_share_the_level_in_whichever_order_they_come(tmp_path):
    tables = {
        "one": both(*(rows(200, 0.1, i, s) for i, s in enumerate("abc"))),
        "two": both(*(rows(200, 0.15, i, s) for i, s in enumerate("cdefghi"))),
        "three": rows(400, 0.1, 9, "a"),
    }
    states = shards(tmp_path, tables)
    answers = [
        evenhand.merge_watches(order, tmp_path / f"all-{i}")
        for i, order in enumerate(itertools.permutations(states))
    ]
    whole = evenhand.watch(both(*tables.values()), *RATE, **ASKED)
    for found in answers:
        assert found.settings.groups == whole.settings.groups == 10
        assert found.log10_somewhere == pytest.approx(whole.log10_somewhere, abs=1e-9)
        assert found.settings.merged == 3
        assert "in each of the 3 watches that were merged" in " ".join(str(found).split())
        first = {tuple(g.group.items()): g.past_limit for g in answers[0].groups}
        limits = {tuple(g.group.items()): g.past_limit for g in found.groups}
        for name, limit in limits.items():
            assert (limit is None) == (first[name] is None)
            assert limit is None or limit == pytest.approx(first[name], rel=0.02)


def test_settlements_keep_their_notes_and_places_without_times(tmp_path):
    north, south = rows(300, 0.7, 1, "n"), rows(200, 0.7, 2, "s")
    states = shards(tmp_path, {"north": north, "south": south}, id="id")
    for state, note in zip(states, ("fixed n", "fixed s"), strict=True):
        evenhand.settle_watch(state, note)
    for number, order in enumerate(itertools.permutations(states)):
        found = evenhand.merge_watches(order, tmp_path / f"all-{number}")
        notes = {one.group["site"]: one.note for one in found.settled if one.group}
        assert notes == {"n": "fixed n", "s": "fixed s"}
        assert found.alarms == ()


def test_a_shard_that_was_settled_leaves_the_others_as_evidence(tmp_path):
    small, large = rows(100, 0.8, 1), rows(5000, 0.05, 2)
    states = shards(tmp_path, {"small": small, "large": large})
    evenhand.settle_watch(states[0], "mended")
    found = evenhand.merge_watches(states, tmp_path / "all")
    assert found.exit_code == 0
    assert {group.state for group in found.groups} == {"quiet"}


def test_the_past_stays_after_a_merge(tmp_path):
    tables = {name: rows(1500, 0.1, i, day=list(range(1500))) for i, name in enumerate("ab")}
    states = shards(tmp_path, tables, time="day")
    merged = evenhand.merge_watches(states, tmp_path / "all")
    before = len(merged.groups[0].history)
    more = rows(100, 0.1, 7, day=list(range(1500, 1600)))
    found = evenhand.watch(more, *RATE, state=tmp_path / "all", time="day", **ASKED)
    after = found.groups[0].history
    assert len(after) > before / 3
    assert sum(point.rows for point in after) == 3100


def test_what_an_alarm_of_a_shard_says_is_of_its_own_rows(tmp_path):
    states = shards(tmp_path, {"bad": rows(100, 0.9, 1), "good": rows(3000, 0.02, 2)})
    found = evenhand.merge_watches(states, tmp_path / "all")
    for alarm in found.alarms:
        if alarm.kind == "above":
            assert alarm.rate_then > 0.2


def test_a_merge_that_is_killed_leaves_no_state(tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        csv.write_csv(rows(300, 0.1, seed), tmp_path / f"{name}.csv")
        run_command("watch", f"{name}.csv", *WORDS, "--state", name, cwd=tmp_path)
    code = (
        "import os, evenhand.watching.merging as m\n"
        "m.answer_of_state = lambda *a, **k: os._exit(9)\n"
        "m.merge_watches(['a', 'b'], 'all')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert ended.returncode == 9
    assert not (tmp_path / "all").exists()
    words = ("watch", "--merge", "a", "--merge", "b", "--state", "all")
    assert run_command(*words, cwd=tmp_path).returncode == 0
    twice = run_command("watch", "--merge", "a", "--merge", "a", "--state", "more", cwd=tmp_path)
    assert twice.returncode == 2
    assert "a is named twice" in twice.stderr


def test_alarms_of_shards_are_lines_of_json(tmp_path):
    for name, rate in (("a", 0.9), ("b", 0.1)):
        csv.write_csv(rows(300, rate), tmp_path / f"{name}.csv")
        run_command("watch", f"{name}.csv", *WORDS, "--state", name, cwd=tmp_path)
    ended = run_command(
        "watch", "--merge", "a", "--merge", "b", "--state", "all", "--jsonl", cwd=tmp_path
    )
    assert ended.returncode == 1
    assert all(line.startswith("{") for line in ended.stdout.splitlines())
    assert '"kind": "above"' in ended.stdout


def test_null_shards_keep_the_promise_that_is_told(tmp_path):
    """At a rate as tolerated a shard has a false alarm in at most 5 % of worlds, and so merged in each of them."""
    rng = np.random.default_rng(11)
    false = 0
    for world in range(40):
        place = tmp_path / str(world)
        place.mkdir()
        tables = {
            str(i): pa.table({"wrong": (rng.random(400) < 0.2).astype(int), "site": ["a"] * 400})
            for i in range(3)
        }
        states = shards(place, tables)
        found = evenhand.merge_watches(states, place / "all")
        false += any(alarm.kind == "above" for alarm in found.alarms)
    assert false <= 40 * 3 * 0.05 + 3 * np.sqrt(40 * 0.15 * 0.85)
