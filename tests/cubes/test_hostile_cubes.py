"""Files of counts that were cut, edited or damaged are refused with a reason, wherever they are read."""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.errors import InputError

ROWS = pa.table(
    {
        "group": ["x", "y", None, "y"] * 20,
        "person": [f"p{i % 16}" for i in range(80)],
        "wrong": [0, 1, 1, 0] * 20,
        "score": [i / 80 for i in range(80)],
    }
)


def write(path, *, metric="mean(wrong)", unit=None, told=None, column=None, values=None, **drawn):
    """A cube, then changed as somebody might."""
    evenhand.write_cube(evenhand.count_cube(ROWS, metric, "group", unit=unit, **drawn), path)
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[b"evenhand"])
    if told:
        told(metadata)
    if column:
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array(values(table[column].to_pylist())))
    pq.write_table(table.replace_schema_metadata({"evenhand": json.dumps(metadata)}), path)
    return path


METADATA = {
    "metric": lambda m: m["metrics"][0].update(metric=5),
    "no metric": lambda m: m.update(metrics=[]),
    "parts": lambda m: m["metrics"][0].update(parts=[1, 2]),
    "bounds": lambda m: m["metrics"][0].update(bounds=[math.nan, 1]),
    "missing": lambda m: m["metrics"][0].update(missing=[["wrong", math.inf]]),
    "predicate": lambda m: m["attributes"][0].update(predicate=True, name="x ==="),
    "edges": lambda m: m["attributes"][0].update(edges=[5, 1]),
    "infinite edge": lambda m: m["attributes"][0].update(edges=[math.inf]),
    "name": lambda m: m["attributes"][0].update(name=5),
    "by": lambda m: m.update(by="group"),
    "units": lambda m: m.update(units=[5]),
    "source": lambda m: m.update(sources=[{"name": 5, "sha256": None}]),
}


@pytest.mark.parametrize("told", METADATA.values(), ids=METADATA)
def test_metadata_that_says_nothing_is_refused(told, tmp_path):
    with pytest.raises(InputError, match=r"is a damaged cube .*Count the records again"):
        evenhand.audit(write(tmp_path / "a.cube", told=told), worse="higher")


COLUMNS = [
    ("sum:0", lambda v: [-1.0, *v[1:]]),
    ("sum:0", lambda v: [1e6, *v[1:]]),
    ("sum:0", lambda v: [math.nan, *v[1:]]),
    ("n_rows", lambda v: [2**62] * len(v)),
    ("n_rows", lambda v: [1.5] * len(v)),
    ("n_defined", lambda v: [10**6, *v[1:]]),
    ("metric", lambda v: [1, *v[1:]]),
    ("attribute:0", lambda v: ["NaN", *v[1:]]),
    ("attribute:0", lambda v: ["[" * 100_000, *v[1:]]),
    ("attribute:0", lambda v: ["9" * 5000, *v[1:]]),
]


@pytest.mark.parametrize(("column", "values"), COLUMNS)
def test_counts_that_no_rows_have_are_refused(column, values, tmp_path):
    with pytest.raises(InputError, match="is a damaged cube"):
        evenhand.read_cube(write(tmp_path / "a.cube", column=column, values=values))


WEIGHTED = {
    "weight": lambda m: m.update(weight=5),
    "no weight": lambda m: m.update(weight=None),
    "stratum": lambda m: m.update(stratum="elsewhere"),
    "sides": lambda m: m["metrics"][0].update(weighted=10**9),
    "no sides": lambda m: m["metrics"][0].update(weighted=None),
    "fraction of a side": lambda m: m["metrics"][0].update(weighted=1.5),
}


@pytest.mark.parametrize("told", WEIGHTED.values(), ids=WEIGHTED)
def test_metadata_of_weights_that_says_nothing_is_refused(told, tmp_path):
    with pytest.raises(InputError, match=r"is a damaged cube .*Count the records again"):
        evenhand.audit(write(tmp_path / "a.cube", told=told, weight="score"), worse="higher")


@pytest.mark.parametrize("unit", [None, "person"])
@pytest.mark.parametrize(
    ("column", "value"),
    [("weight:0:0", 1e6), ("weight:0:1", -1.0), ("weight:0:1", 1e6), ("weight:0:2", 1e300)],
)
def test_weights_that_no_rows_have_are_refused(column, value, unit, tmp_path):
    path = write(
        tmp_path / "a.cube",
        column=column,
        values=lambda v: [value, *v[1:]],
        weight="score",
        unit=unit,
    )
    with pytest.raises(InputError, match=r"is a damaged cube .*weights?"):
        evenhand.audit(path, worse="higher")


def test_sums_beyond_squares_are_refused(tmp_path):
    path = tmp_path / "a.cube"
    write(path, metric="mean(score)", column="sum:0", values=lambda v: [1e300, *v[1:]])
    with pytest.raises(InputError, match="too large"):
        evenhand.read_cube(path)


@pytest.mark.parametrize(
    "values", [lambda v: [None, *v[1:]], lambda v: [5] * len(v), lambda v: v[:1] * len(v)]
)
def test_units_without_a_name_or_twice_in_a_cell_are_refused(values, tmp_path):
    with pytest.raises(InputError, match="is a damaged cube"):
        evenhand.read_cube(write(tmp_path / "a.cube", unit="person", column="unit", values=values))


@pytest.mark.parametrize("held", ["[" * 200_000, '{"schema":' * 50_000, "[1]", '{"schema": 5}'])
def test_metadata_that_is_no_record_is_refused(held, tmp_path):
    path = write(tmp_path / "a.cube")
    pq.write_table(pq.read_table(path).replace_schema_metadata({"evenhand": held}), path)
    with pytest.raises(InputError, match="is no cube"):
        evenhand.read_cube(path)


def test_a_changed_byte_is_found_or_changes_nothing(tmp_path):
    """Pages carry check sums, so that a flipped byte never becomes another number."""
    path = tmp_path / "a.cube"
    evenhand.write_cube(evenhand.count_cube(ROWS, "mean(wrong)", "group"), path)
    whole, said = path.read_bytes(), evenhand.audit(path, worse="higher").overall
    drawn = np.random.default_rng(1)
    length = int.from_bytes(whole[-8:-4], "little")
    for place in drawn.integers(4, len(whole) - 8 - length, 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(drawn.integers(8))
        path.write_bytes(bytes(damaged))
        try:
            assert evenhand.audit(path, worse="higher").overall == said
        except InputError:
            continue


def test_a_unit_of_minus_zero_is_that_of_zero():
    zeros = pa.table(
        {
            "group": ["x", "y"] * 30,
            "unit": [0.0, -0.0, 1.0, 2.0, 3.0, 4.0] * 10,
            "wrong": [0, 1, 1] * 20,
        }
    )
    rows = evenhand.audit(zeros, "mean(wrong)", "group", unit="unit", worse="higher")
    assert rows.overall.n_units == 5


@pytest.mark.parametrize("size", [0, 2000])
@pytest.mark.parametrize("asked", [evenhand.audit, evenhand.slices])
def test_a_cube_that_is_cut_off_is_told_wherever_it_is_read(asked, size, tmp_path):
    path = tmp_path / "cut.cube"
    whole = write(tmp_path / "whole.cube").read_bytes()
    path.write_bytes(whole[:size])
    with pytest.raises(
        InputError, match=r"cut\.cube is not a whole Parquet file.*count the records again"
    ):
        asked(path)
