"""Rows that are in no group, and groups of a few rows: decided as all rows together, and named where they pay."""

import numpy as np
import pyarrow as pa
import pytest
from tests.repairs.worlds import FALSE_ALARMS, clinic

from evenhand.repairs import fix
from evenhand.repairs.parting import held_out


def with_lost(number, seed, share=0.15):
    """The clinic, where the site of some rows is not known."""
    table = clinic(number, seed)
    lost = np.random.default_rng(seed).random(number) < share
    sites = [
        None if gone else one for gone, one in zip(lost, table["site"].to_pylist(), strict=True)
    ]
    return table.set_column(0, "site", pa.array(sites, pa.string()))


@pytest.fixture(scope="module")
def lost():
    return fix(with_lost(6000, 1), FALSE_ALARMS, "site", maximum=0.2)


def test_rows_in_no_group_are_named_among_those_who_pay(lost):
    (line,) = [
        one for one in lost.sides[0].groups if one.predicate == "site IS NULL" and one.change
    ]
    assert line.verdict == "loses"
    (paying,) = [text for text in str(lost).replace("\n", " ").split(".  ") if "Who pays" in text]
    assert "site missing (" in paying
    assert line in lost.payers


def test_the_line_of_rows_in_no_group_is_what_their_decisions_say(lost):
    table = with_lost(6000, 1)
    site = np.array(table["site"].to_pylist(), object)
    group = np.array([{None: -1, "a": 0, "b": 1}[one] for one in site])
    sealed = held_out(np.arange(6000), group, 0.4, np.random.default_rng(0))
    own = sealed & (group < 0)
    y, score = (table[name].to_numpy()[own] for name in ("y", "score"))
    (line,) = [one for one in lost.errors.groups if one.predicate == "site IS NULL" and one.change]
    before, after = ((score >= at) != y for at in (0.5, lost.repair.otherwise.threshold))
    assert line.estimate.n_rows == own.sum()
    assert line.estimate.value == pytest.approx(after.mean())
    assert line.change.value == pytest.approx(after.mean() - before.mean())
    assert "site missing" in lost.to_html()
    assert {one.predicate for one in lost.groups} == {"site = 'a'", "site = 'b'"}


def test_a_table_without_such_rows_has_no_such_line():
    found = fix(clinic(2000, 1), FALSE_ALARMS, "site", maximum=0.3)
    assert "site missing" not in str(found)
    assert {one.by for one in found.change.groups} == {("site",)}


def test_rows_in_no_group_of_a_crossing_are_one_line():
    table = with_lost(3000, 2).append_column(
        "sex", pa.array(np.random.default_rng(3).choice(["f", "m"], 3000))
    )
    found = fix(table, FALSE_ALARMS, "site,sex", maximum=0.3)
    assert "site or sex missing" in str(found)


def test_what_holds_for_everybody_fits_the_groups(lost):
    # The threshold of all rows together lies between those of groups that have the same aim.
    at = [one.threshold for one in lost.repair.groups]
    assert lost.repair.kind == "thresholds by group"
    assert min(at) < lost.repair.otherwise.threshold < max(at)


def test_a_small_group_is_no_reason_to_decide_everybody_otherwise():
    # Ten rows of c, by chance never flagged: alone they would set what is tried for all.
    few = pa.table({"site": ["c"] * 12, "score": [0.1] * 12, "y": [0, 1] * 6})
    found = fix(
        pa.concat_tables([clinic(6000, 1), few]), FALSE_ALARMS, "site", maximum_difference=0.1
    )
    at = {one.group["site"]: one.threshold for one in found.repair.groups}
    alone = fix(clinic(6000, 1), FALSE_ALARMS, "site", maximum_difference=0.1)
    wanted = {one.group["site"]: one.threshold for one in alone.repair.groups}
    assert found.repair.kind == alone.repair.kind == "thresholds by group"
    assert abs(at["a"] - wanted["a"]) < 0.1
    assert min(at["a"], at["b"]) <= at["c"] <= max(at["a"], at["b"])
    assert found.rule.answer == "insufficient evidence"
    assert found.rule.high is None
    assert str(found).startswith("Not proven for c (4 held-out rows counted in")


def test_a_group_without_a_case_among_the_held_out_rows_proves_nothing():
    table = clinic(4000, 1)
    positives = pa.table({"site": ["c"] * 60, "score": [0.9] * 60, "y": [1] * 60})
    asked = {"maximum": 0.6}
    assert fix(table, FALSE_ALARMS, "site", **asked).rule.answer == "reached"
    found = fix(pa.concat_tables([table, positives]), FALSE_ALARMS, "site", **asked)
    assert found.rule.answer == "insufficient evidence"
    assert "c (no held-out row counts in false_positive_rate)" in str(found).replace("\n", " ")


def test_hardly_anyone_is_said_of_rows_in_no_group_too():
    rng = np.random.default_rng(0)
    site = pa.array([None if gone else "a" for gone in rng.random(2000) < 0.3])
    y, p = rng.integers(0, 2, (2, 2000))
    table = pa.table({"site": site, "y": y, "p": p, "never": np.zeros(2000, int)})
    metric = "false_positive_rate(label=y, prediction=p)"
    found = fix(table, metric, "site", other="never", maximum=0.1, allowance=0.9)
    # One answer for everybody: it decides rows in no group as well.
    assert "rows in no group 0 of " in str(found).replace("\n", " ")


def test_more_groups_than_trainings_could_bear_are_mended():
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "site": [f"s{n}" for n in rng.integers(0, 40, 4000)],
            "y": rng.integers(0, 2, 4000),
            "score": rng.random(4000),
        }
    )
    found = fix(table, FALSE_ALARMS, "site", maximum=0.95)
    assert len(found.groups) == 40


def test_units_that_are_missing_are_counted_as_none():
    unit = pa.array([None if n % 4 == 0 else n // 10 for n in range(2000)])
    found = fix(
        clinic(2000, 1).append_column("doctor", unit),
        FALSE_ALARMS,
        "site",
        maximum=0.5,
        unit="doctor",
    )
    assert found.practice_units + found.held_out_units == 200
