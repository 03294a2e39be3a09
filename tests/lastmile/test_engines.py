"""Coverage and plans where the rows lie: the answer of the same rows in this process."""

import numpy as np
import pyarrow as pa

import evenhand


def rows():
    rng = np.random.default_rng(8)
    n = 600
    return pa.table(
        {
            "site": rng.choice(np.array(["a", "b", "c", None], object), n),
            "noise": rng.integers(0, 60, n),
            "made": rng.integers(0, 2, n),
            "speaker": [f"s{i}" for i in rng.integers(0, 60, n)],
            "wrong": pa.array(rng.integers(0, 2, n), mask=rng.random(n) < 0.1),
        }
    )


def test_the_answer_is_that_of_the_rows_here(hold):
    table = rows()
    records = hold(table)
    asked = {"bins": {"noise": [20, 40]}, "metric": "mean(wrong)", "worse": "higher"}
    covered = asked | {"synthetic": "made", "detect": 0.2}
    try:
        for unit in (None, "speaker"):
            there = evenhand.coverage(
                records, "site,noise", population=records, unit=unit, **covered
            )
            here = evenhand.coverage(table, "site,noise", population=table, unit=unit, **covered)
            assert there.cells == here.cells
            assert there.missing == here.missing
            there = evenhand.plan(records, by="site,noise", budget=9000, unit=unit, **asked)
            here = evenhand.plan(table, by="site,noise", budget=9000, unit=unit, **asked)
            assert [(c.group, c.labels) for c in there.cells] == [
                (c.group, c.labels) for c in here.cells
            ]
    finally:
        records.close()
