"""Alarms that somebody closed: nothing is forgotten, and evidence begins anew."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from tests.commands import run_command
from tests.watching.worlds import ASKED, METRIC, calls, same

import evenhand
from evenhand.errors import InputError

BY = "accent,floor"
#: Repaired from day 75 on: the rows of a world without harm.
REPAIRED = 75


def world(seed=1, rows=4000):
    """Harm from day 60 to day 75."""
    table, good = calls(seed=seed, rows=rows), calls(seed=seed, rows=rows, worse=0.1)
    days = np.array([(d - table["day"][0].as_py()).days for d in table["day"].to_pylist()])
    after = pa.array(days >= REPAIRED)
    return table.filter(pa.array(days < REPAIRED)), good.filter(after)


@pytest.mark.parametrize("journal", [False, True])
def test_a_repair_is_settled_and_the_watch_stays_quiet(tmp_path, journal):
    before, after = world()
    state = tmp_path / "s"
    asked = {"time": "day", "groups": 9, **({"id": "call"} if journal else {}), **ASKED}
    first = evenhand.watch(before, METRIC, BY, state=state, **asked)
    assert first.exit_code == 1
    settled = evenhand.settle_watch(state, "  filter   installed ")
    assert settled.alarms == ()
    assert settled.exit_code == 3  # no group has 50 rows since
    assert {(tuple(s.group.items()), s.kind) for s in settled.settled} == {
        (tuple(a.group.items()), a.kind) for a in first.alarms
    }
    assert {s.note for s in settled.settled} == {"filter installed"}
    found = evenhand.watch(after, METRIC, BY, state=state, **asked)
    assert found.exit_code == 0
    assert [s.group for s in found.settled] == [s.group for s in settled.settled]
    for one in found.settled:
        own = next(g for g in found.groups if g.group == one.group)
        earlier = next(g for g in first.groups if g.group == one.group)
        # Rows are counted by hand: those since the settlement, and what was wrong among them.
        assert one.rows_since == own.n_rows - earlier.n_rows
        wrong = own.value * own.n_rows - earlier.value * earlier.n_rows
        assert one.rate_since == pytest.approx(wrong / one.rows_since)
        # The table of the groups tells of the same rows, not of the harm that is over.
        assert (own.rows_since, own.value_since) == (one.rows_since, one.rate_since)
    assert all(g.rows_since == g.n_rows and g.value_since == g.value for g in first.groups)
    rates = [g.value_since for g in found.groups[1:]]
    assert rates == sorted(rates, reverse=True)
    text = " ".join(str(found).split())
    assert text.startswith("Quiet after ")
    assert ": filter installed. " in text
    assert "from one settlement to the next" in text
    assert "“since” is since the last settlement" in text
    assert found.to_html().count("filter installed") >= 1
    assert type(found).from_json(found.to_json()) == found


def test_a_repair_by_half_is_an_alarm_again(tmp_path):
    before, _ = world()
    state = tmp_path / "s"
    evenhand.watch(before, METRIC, BY, state=state, **ASKED)
    evenhand.settle_watch(state, "filter installed")
    half = calls(seed=4, rows=6000, change=0, worse=0.25)  # .10 before, .35 with the fault
    found = evenhand.watch(half, METRIC, BY, state=state, **ASKED)
    assert ({"accent": "indian", "floor": "4"}, "changed") in [
        (a.group, a.kind) for a in found.alarms
    ]


def test_harm_that_comes_back_is_a_new_alarm(tmp_path):
    before, after = world()
    state = tmp_path / "s"
    evenhand.watch(before, METRIC, BY, state=state, **ASKED)
    evenhand.settle_watch(state, "filter installed")
    evenhand.watch(after, METRIC, BY, state=state, **ASKED)
    again = calls(seed=9, rows=3000, change=0)
    found = evenhand.watch(again, METRIC, BY, state=state, **ASKED)
    assert {"accent": "indian", "floor": "4"} in [a.group for a in found.alarms]
    assert all(a.new for a in found.alarms)
    assert found.settled
    twice = evenhand.settle_watch(state, "filter cleaned")
    notes = [s.note for s in twice.settled]
    assert (notes[0], notes[-1]) == ("filter cleaned", "filter installed")


def test_false_alarms_stay_rare_from_one_settlement_to_the_next(tmp_path):
    rng = np.random.default_rng(4)
    wrong = []
    for number in range(40):
        state = tmp_path / f"s{number}"
        harm = pa.table({"site": ["a"] * 300, "wrong": (rng.random(300) < 0.5).astype(int)})
        evenhand.watch(harm, METRIC, "site", state=state, run_length=1e9, **ASKED)
        evenhand.settle_watch(state, "mended")
        tolerated = (rng.random(2000) < 0.2).astype(int)  # at the threshold
        found = evenhand.watch(
            pa.table({"site": ["a"] * 2000, "wrong": tolerated}),
            METRIC,
            "site",
            state=state,
            run_length=1e9,
            **ASKED,
        )
        wrong.append(bool(found.alarms))
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)


def test_rows_that_come_late_find_their_side_of_a_settlement(tmp_path):
    before, after = world()
    asked = {"time": "day", "id": "call", "groups": 9, **ASKED}
    early, late = before.slice(0, 2000), before.slice(2000, 200)
    rest = before.slice(2200)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    evenhand.watch(before, METRIC, BY, state=whole, **asked)
    evenhand.settle_watch(whole, "filter installed")
    expected = evenhand.watch(after, METRIC, BY, state=whole, **asked)
    for part in (early, rest):
        evenhand.watch(part, METRIC, BY, state=pieces, **asked)
    evenhand.settle_watch(pieces, "filter installed")
    for part in (after, late):
        found = evenhand.watch(part, METRIC, BY, state=pieces, **asked)
    same(found, expected)
    assert found.settled == expected.settled


def test_settled_shards_merge(tmp_path):
    before, after = world(rows=6000)
    asked = {"time": "day", "groups": 9, **ASKED}
    for name, odd in (("a", 0), ("b", 1)):
        for table, end in ((before, True), (after, False)):
            own = table.filter(pa.array(np.arange(len(table)) % 2 == odd))
            found = evenhand.watch(own, METRIC, BY, state=tmp_path / name, **asked)
            if end and found.alarms:
                evenhand.settle_watch(tmp_path / name, "filter installed")
    found = evenhand.merge_watches([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert found.alarms == ()
    assert {s.note for s in found.settled} == {"filter installed"}
    assert found.taken.rows == len(before) + len(after)


def test_what_cannot_be_settled_is_said(tmp_path):
    state = tmp_path / "s"
    with pytest.raises(InputError, match="does not exist"):
        evenhand.settle_watch(state, "mended")
    evenhand.watch(calls(rows=500, worse=0.1), METRIC, "accent", state=state, **ASKED)
    with pytest.raises(InputError, match="no alarm"):
        evenhand.settle_watch(state, "mended")
    for note in ("", "  ", None, "x" * 501):
        with pytest.raises(InputError, match=r"Say what was done|501 characters"):
            evenhand.settle_watch(state, note)


def test_a_state_that_was_begun_knows_what_is_watched(tmp_path):
    before, after = world()
    for name, table in (("before", before), ("after", after)):
        pyarrow.csv.write_csv(table, tmp_path / f"{name}.csv")
    words = (
        "--metric",
        METRIC,
        "--by",
        BY,
        "--time",
        "day",
        "--threshold",
        "0.2",
        "--worse",
        "higher",
    )
    first = run_command("watch", "before.csv", *words, "--state", "s", cwd=tmp_path)
    assert first.returncode == 1, first.stderr
    found = run_command(
        "watch", "after.csv", "--state", "s", "--settle", "filter installed", cwd=tmp_path
    )
    assert found.returncode == 0, found.stderr + found.stdout
    assert "filter installed" in found.stdout
    told = run_command("watch", "--state", "s", "--settle", "again", cwd=tmp_path)
    assert told.returncode == 2
    assert "no alarm" in told.stderr
    other = run_command("watch", "after.csv", "--state", "s", "--threshold", "0.3", cwd=tmp_path)
    assert other.returncode == 2
    assert "--threshold given without --metric" in " ".join(other.stderr.split())
    none = run_command("watch", "after.csv", cwd=tmp_path)
    assert none.returncode == 2
    assert "Say what is watched" in none.stderr
    lost = run_command("watch", "--settle", "mended", cwd=tmp_path)
    assert lost.returncode == 2
    assert "--state FILE" in lost.stderr
