"""Units that return for months: they are evidence as long as they come, and no more than they are worth."""

import numpy as np
import pyarrow as pa

import evenhand
from evenhand.watching.state import open_state

ASKED = {"threshold": 0.3, "unit": "who", "worse": "higher"}


def months(rng, units=200, days=60, change=25, good=0.1, bad=0.6):
    """A row a day of each unit; from a day on most are wrong."""
    day = np.repeat(np.arange(days), units)
    wrong = (rng.random(days * units) < np.where(day >= change, bad, good)).astype(int)
    who = np.tile([f"u{i}" for i in range(units)], days)
    return pa.table({"wrong": wrong, "site": ["a"] * len(day), "who": who})


def test_a_change_after_many_visits_is_found():
    found = evenhand.watch(months(np.random.default_rng(1)), "mean(wrong)", "site", **ASKED)
    kinds = {alarm.kind: alarm for alarm in found.alarms if not alarm.group}
    assert set(kinds) == {"above", "changed"}
    assert 25 * 200 < kinds["changed"].at.n < 27 * 200
    assert abs(kinds["changed"].since.n - 25 * 200) < 200


def test_settled_without_a_repair_it_is_an_alarm_again(tmp_path):
    rows = months(np.random.default_rng(2), days=40, change=10)
    state = tmp_path / "s"
    evenhand.watch(rows.slice(0, 20 * 200), "mean(wrong)", "site", state=state, **ASKED)
    evenhand.settle_watch(state, "said to be mended")
    found = evenhand.watch(rows.slice(20 * 200), "mean(wrong)", "site", state=state, **ASKED)
    assert {alarm.kind for alarm in found.alarms} == {"above", "changed"}
    one = next(alarm for alarm in found.alarms if alarm.kind == "changed")
    # It was so ever since, and the rows before are good and bad ones: they are no "before".
    assert (one.settled, one.before) == (True, None)
    text = " ".join(str(found).split())
    assert (
        ", when alarms were closed, 60 of 100" in text.replace("mean ", "")
        or "alarms were closed" in text
    )
    assert "its past is known not to be above" in text


def test_units_that_all_differ_and_return_bring_no_false_alarm():
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rate = rng.beta(2, 8, 60)  # .2 on average; each unit has a rate of its own
        who = np.tile(np.arange(60), 40)
        rows = pa.table(
            {
                "wrong": (rng.random(len(who)) < rate[who]).astype(int),
                "site": ["a"] * len(who),
                "who": [f"u{i}" for i in who],
            }
        )
        asked = {**ASKED, "threshold": 0.25}
        alarms += bool(evenhand.watch(rows, "mean(wrong)", "site", **asked).alarms)
    assert alarms <= 3


def test_a_group_whose_rows_are_no_evidence_any_more_is_not_called_quiet(monkeypatch):
    monkeypatch.setattr("evenhand.watching.monitor.MOST_LAYERS", 4)
    rows = months(np.random.default_rng(3), units=60, days=8, change=6, bad=0.9)
    found = evenhand.watch(rows, "mean(wrong)", "site", **ASKED)
    assert {group.state for group in found.groups} == {"too_few"}
    assert found.exit_code == 3
    assert "units_too_often" in {note.code for note in found.notes}


def known_since(path):
    state = open_state(path)
    try:
        with state.intake():
            return [monitor.known_since for monitor in state.book().monitors]
    finally:
        state.close()


def test_units_are_counted_once_from_one_settlement_to_the_next(tmp_path):
    rng, state = np.random.default_rng(5), tmp_path / "s"
    first = months(rng, units=80, days=10, change=2)
    evenhand.watch(first, "mean(wrong)", "site", state=state, **ASKED)
    assert known_since(state) == [80, 80]
    evenhand.settle_watch(state, "mended")
    assert known_since(state) == [0, 0]
    one = months(rng, units=1, days=60, change=60)
    evenhand.watch(one, "mean(wrong)", "site", state=state, **ASKED)
    assert known_since(state) == [1, 1]
    other = tmp_path / "other"
    evenhand.watch(first, "mean(wrong)", "site", state=other, **ASKED)
    evenhand.merge_watches([state, other], tmp_path / "all")
    assert known_since(tmp_path / "all") == [81, 81]
