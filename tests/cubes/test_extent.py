"""Questions that make more cells or units than memory is for are refused before they are asked."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenhand.cubes import build_cube, build_cubes, extent
from evenhand.errors import InputError
from evenhand.groups import Attribute, parse_predicate
from evenhand.metrics import parse_metric
from evenhand.records import open_records

MOST = 60
BY = [Attribute(name="site"), Attribute(name="device")]


@pytest.fixture(autouse=True)
def low_limits(monkeypatch):
    """Limits that small tables reach."""
    monkeypatch.setattr(extent, "MOST_CELLS", MOST)
    monkeypatch.setattr(extent, "MOST_PAIRS", 10 * MOST)
    monkeypatch.setattr(extent, "FIRST_ROWS", 100)
    monkeypatch.setattr(extent, "SMALL_BYTES", 0)


def world(cells, units=1, rows=2400):
    """Rows of so many combinations of sites and devices, each with all units, in no order."""
    rng = np.random.default_rng(1)
    cell, unit = np.arange(rows) % cells, np.arange(rows) // cells % units
    made = pa.table(
        {
            "site": [f"s{i % 10}" for i in cell],
            "device": [f"d{i // 10}" for i in cell],
            "who": pa.array(unit),
            "even": pa.array(cell % 2 == 0),
            "label": rng.integers(0, 2, rows),
            "prediction": rng.integers(0, 2, rows),
        }
    )
    return made.take(pa.array(rng.permutation(rows)))


def cube_of(records, by=BY, **options):
    plan = parse_metric("accuracy(label, prediction)", records.columns).plan(records)
    return build_cube(records, plan.measure, by, **options)


class Asked:
    """Queries that an engine was asked."""

    def __init__(self, records, monkeypatch):
        self.queries, query = [], records.engine.query
        monkeypatch.setattr(
            records.engine, "query", lambda sql: self.queries.append(sql) or query(sql)
        )

    def __str__(self):
        return "\n".join(self.queries)


def test_as_many_cells_as_are_allowed_are_counted(hold):
    records = hold(world(MOST))
    assert len(cube_of(records).keys) == MOST
    records.close()


def test_one_more_cell_is_refused_before_any_is_counted(hold, monkeypatch):
    records = hold(world(MOST + 1))
    asked = Asked(records, monkeypatch)
    with pytest.raises(
        InputError,
        match=r"site × device makes more than 60 cells, perhaps 70, of 2,400 rows; at most 60 are counted\.  "
        r"Different values: site 10, device 7\.  Leave site out, .*--bins.*--where",
    ):
        cube_of(records)
    assert "fault0" not in str(asked)
    records.close()


def test_a_column_that_names_each_row_is_told_by_name():
    table = world(MOST).append_column("id", pa.array(np.arange(2400)))
    with pytest.raises(InputError, match=r"id more than 60, site 10\.  Leave id out"):
        cube_of(open_records(table), [Attribute(name="id"), BY[0]])


def test_of_rows_that_are_kept_only_their_cells_count(hold):
    records = hold(world(200))
    where = parse_predicate("device = 'd3'", records.columns)
    assert len(cube_of(records, where=where).keys) == 10
    records.close()


def test_few_cells_are_told_by_one_look_at_the_first_rows(monkeypatch):
    records = open_records(world(10))
    monkeypatch.setattr(extent, "MOST_CELLS", 10**10)
    asked = Asked(records, monkeypatch)
    cube_of(records)
    assert len(asked.queries) == 2
    assert "LIMIT 100" in asked.queries[0]


def test_small_files_are_not_looked_at(tmp_path, monkeypatch):
    pq.write_table(world(10), tmp_path / "calls.parquet")
    monkeypatch.setattr(extent, "SMALL_BYTES", 1 << 20)
    records = open_records(tmp_path / "calls.parquet")
    asked = Asked(records, monkeypatch)
    cube_of(records)
    assert len(asked.queries) == 1
    records.close()


def test_what_has_few_values_by_its_nature_is_not_looked_at(monkeypatch):
    records = open_records(world(20))
    asked = Asked(records, monkeypatch)
    cube_of(records, [Attribute(name="even"), Attribute(name="who", edges=(1.0, 2.0))])
    assert len(asked.queries) == 1


def test_as_many_units_as_are_allowed_are_counted(hold):
    records = hold(world(10, units=60))
    assert len(cube_of(records, unit="who").units.cell) == 10 * MOST
    records.close()


def test_one_more_unit_is_refused_before_any_is_counted(hold):
    records = hold(world(10, units=61))
    with pytest.raises(
        InputError, match=r"10 cells with units by who make more than 600 counts.*coarser unit"
    ):
        cube_of(records, unit="who")
    records.close()


METRICS = [
    "accuracy(label, prediction)",
    "selection_rate(prediction)",
    "true_positive_rate(label, prediction)",
]


@pytest.mark.parametrize("gap", ["", "label", "who", "site"], ids=lambda name: name or "nothing")
def test_units_are_the_same_however_they_are_counted(gap, hold, monkeypatch):
    table = world(20, units=7)
    if gap:
        place = table.column_names.index(gap)
        gone = pa.array(np.random.default_rng(2).random(table.num_rows) < 0.3)
        column = table[gap].cast(pa.string()) if gap == "site" else table[gap]
        null = pa.scalar("n/a" if gap == "site" else None, column.type)
        table = table.set_column(place, gap, pa.compute.if_else(gone, null, column))
    records = hold(table)
    plans = [parse_metric(metric, records.columns).plan(records) for metric in METRICS]
    cubes = []
    for least in (0, 10**9):
        monkeypatch.setattr(extent, "_FEW_ROWS_EACH", max(least, 1e-9))
        asked = [(plan.measure, plan.form) for plan in plans]
        cubes.append(build_cubes(records, asked, BY, unit="who", missing_values=("n/a",)))
    alone = [
        build_cube(records, plan.measure, BY, unit="who", missing_values=("n/a",)) for plan in plans
    ]
    for grouped, plain, single in zip(*cubes, alone, strict=True):
        for one, other in ((grouped, plain), (grouped, single)):
            assert (one.keys, one.missing, one.units.names) == (
                other.keys,
                other.missing,
                other.units.names,
            )
            for name in ("cell", "unit", "sums"):
                np.testing.assert_array_equal(getattr(one.units, name), getattr(other.units, name))
            np.testing.assert_array_equal(one.n_rows, other.n_rows)
    records.close()


def test_a_table_that_changes_while_it_is_counted_is_told(hold, monkeypatch):
    records = hold(world(20, units=7))
    query = records.engine.query

    def answer(sql):
        table = query(sql)
        if "n_rows" not in sql and "a0" in table.column_names:
            changed = pa.array(["new" for _ in range(table.num_rows)])
            table = table.set_column(table.column_names.index("a0"), "a0", changed)
        return table

    monkeypatch.setattr(records.engine, "query", answer)
    with pytest.raises(InputError, match="changed while it was counted"):
        cube_of(records, unit="who")
    records.close()
