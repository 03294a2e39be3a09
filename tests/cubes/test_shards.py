"""Shards that differ as files of days and sites do: the sum is what was asked, or it is said why not."""

import datetime
import shlex

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.errors import InputError


def counted(path, by, metric="mean(y)", **asked):
    return evenhand.count_cube(path, metric, by=by, worse="higher", **asked)


def groups(table):
    return {g.label: g.estimate.n_rows for g in evenhand.audit(table, worse="higher").groups}


def text(path, head, *rows):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_a_number_of_quantiles_is_refused_of_counts(tmp_path):
    path = text(tmp_path / "a.csv", "age,y", *(f"{20 + i % 6},{i % 2}" for i in range(60)))
    cube = counted(path, "age")
    for asked in (evenhand.audit, evenhand.slices):
        with pytest.raises(InputError, match="do not tell where quantiles of age lie"):
            asked(cube, bins={"age": 2})


def test_two_tables_of_one_database_add_and_one_table_does_not(tmp_path):
    with duckdb.connect(tmp_path / "f.db") as made:
        for name in ("k1", "k2"):
            made.execute(f"CREATE TABLE {name} AS SELECT '{name}' g, i % 2 y FROM range(60) t(i)")
    one, two = (counted(f"duckdb:///{tmp_path}/f.db?table={name}", "g") for name in ("k1", "k2"))
    assert groups(evenhand.merge_cubes([one, two])) == {"k1": 60, "k2": 60}
    with pytest.raises(InputError, match=r"Both count duckdb.*table=k1"):
        evenhand.merge_cubes([one, counted(f"duckdb:///{tmp_path}/f.db?table=k1", "g")])


def test_whole_numbers_are_read_as_numbers_where_numbers_were_counted(tmp_path):
    whole = text(tmp_path / "whole.csv", "g,y", *["a,2", "b,3"] * 20)
    broken = text(tmp_path / "broken.csv", "g,y", *["a,2.5", "b,3"] * 20)
    evenhand.write_cube(counted(broken, "g"), tmp_path / "a.cube")
    assert groups(evenhand.update_cube(tmp_path / "a.cube", whole)) == {"a": 40, "b": 40}
    with pytest.raises(InputError, match=r"integer values in one and number values.*'y=number'"):
        evenhand.merge_cubes([counted(whole, "g"), counted(broken, "g")])
    both = [counted(path, "g", columns="y=number") for path in (whole, broken)]
    assert groups(evenhand.merge_cubes(both)) == {"a": 40, "b": 40}


@pytest.mark.parametrize(
    ("by", "bins"), [("age", {"age": [23]}), ("age", {}), ("day", {}), ("member", {})]
)
def test_a_column_without_a_value_is_of_any_kind(by, bins, tmp_path):
    rows = [f"2{i},2024-01-0{i},{'true' if i % 2 else 'false'},1" for i in range(1, 7)]
    full = text(tmp_path / "full.csv", "age,day,member,y", *rows)
    empty = text(tmp_path / "empty.csv", "age,day,member,y", *[",,,1"] * 6)
    evenhand.write_cube(counted(full, by, bins=bins), tmp_path / "a.cube")
    updated = evenhand.update_cube(tmp_path / "a.cube", empty)
    found = [updated]
    if bins:
        with pytest.raises(InputError, match="or it has none: --columns 'age=number'"):
            counted(empty, by, bins=bins)
    else:
        one, two = counted(full, by), counted(empty, by)
        found += [evenhand.merge_cubes([one, two]), evenhand.merge_cubes([two, one])]
    for total in found:
        assert [column.kind for column in total.columns] == [c.kind for c in found[0].columns]
        (missing,) = evenhand.audit(total, worse="higher").missing
        assert (missing.attribute, missing.n_rows) == (by, 6)
    with pytest.raises(InputError, match=r"no row of .*empty.csv has a value in 'age'"):
        counted(empty, by, "mean(age)")


def test_a_file_without_a_row_to_count_is_known_and_stops_nothing(tmp_path):
    for name in "abc":
        site = "b" if name == "b" else "a"
        text(
            tmp_path / f"{name}.csv",
            "site,y",
            *(f"{site},{(i + ord(name)) % 3 % 2}" for i in range(12)),
        )
    text(tmp_path / "h.csv", "site,y")
    cube = tmp_path / "x.cube"
    evenhand.write_cube(counted(tmp_path / "a.csv", "site", where="site = 'a'"), cube)
    total = evenhand.update_cube(cube, tmp_path / "*.csv", keep=cube)
    assert groups(total) == {"a": 24}
    assert len(total.sources) == 4
    assert not evenhand.read_cube(cube).unseen(sorted(tmp_path.glob("*.csv")))


def test_dates_and_moments_are_one_group_as_in_the_rows(tmp_path):
    first = [datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)] * 20
    later = ["2024-01-01 00:00:00", "2024-02-01 12:00:00"] * 20
    pq.write_table(pa.table({"g": pa.array(first), "y": [0, 1] * 20}), tmp_path / "d1.parquet")
    times = pa.array(later).cast(pa.timestamp("us"))
    pq.write_table(pa.table({"g": times, "y": [0, 1] * 20}), tmp_path / "d2.parquet")
    cubes = [counted(tmp_path / f"d{i}.parquet", "g") for i in (1, 2)]
    rows = evenhand.audit(tmp_path / "d*.parquet", "mean(y)", by="g", worse="higher")
    expected = {group.label: group.estimate.n_rows for group in rows.groups}
    assert groups(evenhand.merge_cubes(cubes)) == expected
    assert groups(evenhand.merge_cubes(cubes[::-1])) == expected


def test_names_in_advice_can_be_copied_into_a_shell(tmp_path):
    one = text(tmp_path / "1.csv", '"it\'s, x",y', *["1,1", "2,0"] * 9)
    two = text(tmp_path / "2.csv", '"it\'s, x",y', *["a,1", "b,0"] * 9)
    with pytest.raises(InputError) as told:
        evenhand.merge_cubes([counted(path, '"it\'s, x"') for path in (one, two)])
    words = shlex.split(str(told.value).rpartition("you count: ")[2])
    assert words[0] == "--columns"
    both = [counted(path, '"it\'s, x"', columns=words[1]) for path in (one, two)]
    assert groups(evenhand.merge_cubes(both)) == {"1": 9, "2": 9, "a": 9, "b": 9}


def test_units_in_another_order_are_the_same(tmp_path):
    rows = (f"{i % 2},{i % 7},{i % 11},{i % 3 % 2}" for i in range(90))
    cube = counted(text(tmp_path / "a.csv", "g,u,v,y", *rows), "g", unit=["u", "v"])
    assert evenhand.audit(cube, unit=["v", "u"]).groups
    with pytest.raises(InputError, match="was counted with u, v"):
        evenhand.audit(cube, unit="u")


def test_what_a_cube_has_is_told(tmp_path):
    cube = counted(text(tmp_path / "a.csv", "g,y", *["a,1", "b,0"] * 9), "g")
    with pytest.raises(InputError, match=r"Unknown column 'q'.*counts: mean\(value=y\)"):
        evenhand.audit(cube, "mean(q)")
    with pytest.raises(InputError, match=r"Groups: g\.  .*a.csv was counted by these"):
        evenhand.audit(cube, by="y")
    with pytest.raises(InputError, match="cubes is 3, but must be"):
        evenhand.merge_cubes(3)
