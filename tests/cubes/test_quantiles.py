"""Quantiles by counting are those of sorting, whatever a column holds, on every engine."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from evenhand.cubes import quantiles
from evenhand.cubes.quantiles import at_ranks, least_and_quantiles, median
from evenhand.records import open_records

RNG = np.random.default_rng(4)
COLUMNS = {
    "uniform": RNG.random(3000),
    "wide": np.exp(RNG.normal(size=3000) * 50),
    "few values": RNG.integers(0, 20, 3000),
    "beyond 53 bits": RNG.integers(-(2**61), 2**61, 3000) * 2 + 1,
    "constant": np.ones(10),
    "one row": np.array([3.5]),
    "outliers": np.r_[RNG.random(2000), 1e300, -1e300],
    "subnormal": RNG.random(2000) * 1e-310,
    "with missing": pa.array([None, 1.0, 2.0, None, 5.0]),
}


def sorted_values(column):
    return sorted(value for value in pa.array(column).to_pylist() if value is not None)


@pytest.mark.parametrize("few", [100_000, 50], ids=["looked into once", "looked into until single"])
@pytest.mark.parametrize("name", COLUMNS)
def test_values_at_ranks_are_those_of_sorting(name, few, hold, monkeypatch):
    monkeypatch.setattr(quantiles, "_FEW_ROWS", few)
    column, records = sorted_values(COLUMNS[name]), hold(pa.table({"x": COLUMNS[name]}))
    ranks = sorted({0, len(column) // 3, len(column) // 2, len(column) - 1})
    x = "`x`" if records.engine.dialect.endswith("spark") else '"x"'
    assert at_ranks(records, x, "TRUE", lambda _: ranks) == [column[rank] for rank in ranks]
    records.close()


def test_no_row_has_no_quantile(hold):
    records = hold(pa.table({"x": pa.array([None, None], pa.float64())}))
    assert least_and_quantiles(records, "x", "TRUE", [0.5]) == [None, None]
    assert median(records, "x", "TRUE") is None
    records.close()


class Counting:
    """DuckDB as if it had no exact quantiles of its own."""

    dialect = "evenhand_spark"

    def __init__(self, engine):
        self.engine = engine

    def query(self, sql):
        return self.engine.query(sql)


@pytest.mark.parametrize("n", [1, 2, 7, 10, 49, 100, 770])
def test_quantiles_by_counting_are_the_engines_own(n):
    records = open_records(pa.table({"x": RNG.permutation(n) * 0.1}))
    counted = replace(records, engine=Counting(records.engine))
    for count in range(2, 30):
        fractions = [step / count for step in range(1, count)]
        assert least_and_quantiles(counted, "x", "TRUE", fractions) == least_and_quantiles(
            records, "x", "TRUE", fractions
        )
    assert median(counted, "x", "TRUE") == median(records, "x", "TRUE")
