"""Orders that an engine gives, kept by counts: of units, of what rows lack, and of what was asked for."""

import dataclasses
import json
import random

import numpy as np
import pyarrow as pa
import pytest
from tests.cubes.test_counted import told
from tests.records.questions import close

import evenhand

DRAWN = random.Random(3)
N = 400
ROWS = pa.table(
    {
        "group": DRAWN.choices(["x", "y", None], k=N),
        "other": DRAWN.choices([True, False, None], k=N),
        "a,b": DRAWN.choices(['q"r', "s"], k=N),
        "long": [2**53 + DRAWN.randrange(80) for _ in range(N)],
        "number": [DRAWN.randrange(-30, 30) / 2 for _ in range(N)],
        "person": [f"p{DRAWN.randrange(60)}" for _ in range(N)],
        "wrong": DRAWN.choices([0, 1, None], [5, 5, 1], k=N),
        "label": DRAWN.choices([0, 1, None], [9, 9, 1], k=N),
        "score": [None if i % 11 == 0 else DRAWN.randrange(99) / 99 for i in range(N)],
    }
)


@pytest.mark.parametrize("unit", ["long", "number", ["number", "person"], ["person", "long"]])
def test_units_stand_in_the_order_of_the_rows(unit):
    """Long numbers differ where their floats are equal; two columns are numbered one by one."""
    cube = evenhand.count_cube(ROWS, "mean(wrong)", "group,other", unit=unit, worse="higher")
    rows = evenhand.audit(ROWS, "mean(wrong)", "group", unit=unit, worse="higher")
    assert json.dumps(told(evenhand.audit(cube, by="group"))) == json.dumps(told(rows))


@pytest.mark.parametrize(
    "by", ['"a,b" = \'q"r\'', "other IS NULL", "group IN ('x', 'y')", "group = 'x,y' OR other"]
)
def test_a_predicate_that_was_counted_is_asked_for_as_it_stands(by, tmp_path):
    by = by.replace(" OR other", " OR other = TRUE")
    evenhand.write_cube(
        evenhand.count_cube(ROWS, "mean(wrong)", by, worse="higher"), tmp_path / "a.cube"
    )
    rows = evenhand.audit(ROWS, "mean(wrong)", by, worse="higher")
    assert json.dumps(told(evenhand.audit(tmp_path / "a.cube"))) == json.dumps(told(rows))


def test_what_rows_lack_is_told_in_the_order_of_the_metric_whatever_was_added_first():
    parts = [
        evenhand.count_cube(ROWS[i : i + 20], "auc(label, score)", "group") for i in range(0, N, 20)
    ]
    rows = evenhand.audit(ROWS, "auc(label, score)", "group")
    for order in (parts, parts[::-1], parts[7:] + parts[:7]):
        assert evenhand.audit(evenhand.merge_cubes(order)).missing == rows.missing


def test_a_cube_of_faulty_rows_alone_says_what_an_audit_of_them_says():
    lacking = pa.table({"group": ["x", "y"] * 9, "wrong": pa.array([None] * 18, pa.int64())})
    cube = evenhand.count_cube(lacking, "mean(wrong)", "group", worse="higher")
    rows = evenhand.audit(lacking, "mean(wrong)", "group", worse="higher")
    assert told(evenhand.audit(cube)) == told(rows)


@pytest.mark.parametrize(
    "asked", [{"by": "group = 'NA'"}, {"by": "group", "where": "group IN ('NA', 'x')"}]
)
def test_a_text_that_meant_missing_is_asked_of_counts_as_of_rows(asked):
    rows = pa.table({"group": ["x", "NA", "y", None] * 20, "wrong": [0, 1, 1, 0] * 20})
    cube = evenhand.count_cube(rows, "mean(wrong)", "group", worse="higher")
    of_rows = evenhand.audit(rows, "mean(wrong)", worse="higher", **asked)
    assert told(evenhand.audit(cube, **asked))["groups"] == told(of_rows)["groups"]
    told_apart = evenhand.count_cube(rows, "mean(wrong)", "group = 'NA'", worse="higher")
    assert evenhand.audit(told_apart, by="group = 'NA'").groups[0].estimate.n_rows == 20


def test_rounding_of_an_engine_changes_no_limit():
    """Second moments that differ in their last digits: one unit that says something stays one."""
    rng = np.random.default_rng(3)
    rows = pa.table(
        {
            "g": [f"g{i}" for i in range(40) for _ in range(3)],
            "k": rng.integers(0, 7, 120),
            # Of many groups only one row has a denominator.
            "n": np.where(np.arange(120) % 3 == 0, rng.integers(1, 7, 120), rng.random(120) < 0.3),
        }
    )
    counted = evenhand.count_cube(rows, "ratio(k, n)", "g", worse="higher")
    metric = counted.metrics[0]
    found = []
    for digit in (0.0, 4e-16, -4e-16):
        moments = metric.cube.comoments * (1 + digit) + digit
        cube = dataclasses.replace(metric.cube, comoments=moments)
        again = dataclasses.replace(counted, metrics=(dataclasses.replace(metric, cube=cube),))
        found.append(told(evenhand.audit(again, min_units=2)))
    close(found[1], found[0])
    close(found[2], found[0])
