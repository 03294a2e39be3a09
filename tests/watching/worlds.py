"""Calls of a ward, and how answers about them are compared."""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

METRIC = "mean(wrong)"
ASKED = {"worse": "higher", "threshold": 0.2}


def calls(seed=1, rows=4000, change=60, worse=0.35):
    """Callers of two accents on two floors; from day 60 on one accent fares worse on floor 4."""
    rng = np.random.default_rng(seed)
    day = np.sort(rng.integers(0, 90, rows))
    accent, floor = rng.choice(["indian", "us"], rows), rng.choice(["3", "4"], rows)
    bad = (accent == "indian") & (floor == "4") & (day >= change)
    first = datetime.date(2026, 1, 1)
    return pa.table(
        {
            "call": [f"c{i:05}" for i in range(rows)],
            "day": [first + datetime.timedelta(days=int(d)) for d in day],
            "accent": accent,
            "floor": floor,
            "wrong": (rng.random(rows) < np.where(bad, worse, 0.1)).astype(int),
            "caller": [f"p{i}" for i in rng.integers(0, 400, rows)],
        }
    )


def files(folder, table, pieces=3):
    paths = []
    for i, start in enumerate(range(0, len(table), len(table) // pieces + 1)):
        path = folder / f"calls-{i}.parquet"
        pyarrow.parquet.write_table(table.slice(start, len(table) // pieces + 1), path)
        paths.append(str(path))
    return paths


def told(found):
    return {(tuple(a.group.items()), a.kind): (a.at.row, a.since.row) for a in found.alarms}


def same(one, two):
    assert told(one) == told(two)
    assert [(g.group, g.n_rows, g.value) for g in one.groups] == [
        (g.group, g.n_rows, g.value) for g in two.groups
    ]
    for first, second in zip(one.groups, two.groups, strict=True):
        assert first.log10_evidence == pytest.approx(second.log10_evidence, rel=1e-7, abs=1e-7)
        assert first.log10_change == pytest.approx(second.log10_change, rel=1e-7, abs=1e-7)
