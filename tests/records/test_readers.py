"""What a second, hostile reading of the doors found: kinds of input, each with its right value."""

import datetime

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.commands import run_command

import evenhand
from evenhand.errors import FaultsError, InputError
from evenhand.records import open_records

N = 60


def rows(**columns):
    plain = {"y": [i % 2 for i in range(N)], "h": ["ab"[i // 2 % 2] for i in range(N)]}
    return plain | {name: (values * N)[:N] for name, values in columns.items()}


def sink(form, data, folder):
    table = pa.table(data)
    if form == "frame":
        return table
    if form == "parquet":
        pq.write_table(table, folder / "t.parquet")
        return str(folder / "t.parquet")
    if form == "duckdb":
        with duckdb.connect(str(folder / "t.duckdb")) as connection:
            connection.register("given", table)
            connection.execute("CREATE TABLE t AS FROM given")
        return f"duckdb:///{folder}/t.duckdb?table=t"
    lines = [",".join(map(str, row.values())) for row in table.to_pylist()]
    (folder / "t.csv").write_text("\n".join([",".join(table.column_names), *lines]) + "\n")
    return str(folder / "t.csv")


FORMS = ["csv", "frame", "parquet", "duckdb"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [-9, -9.0], ids=["whole", "float"])
@pytest.mark.parametrize("metric", ["mean(q)", "mae(y, q)", "accuracy(y, q)"])
def test_a_number_that_means_missing_is_missing_on_every_source(form, value, metric, tmp_path):
    table = sink(form, rows(q=[0, 1, value]), tmp_path)
    missing = ("-9", "-9.0")
    found = evenhand.audit(table, metric=metric, by="h", worse="higher", missing_values=missing)
    assert [(item.attribute, item.n_rows) for item in found.missing] == [("q", 20)]
    assert found.overall.n_rows == 40


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("use", ["by", "unit"])
def test_a_number_that_means_missing_is_no_group_and_no_unit(form, use, tmp_path):
    table = sink(form, rows(k=[1, 2, 999]), tmp_path)
    options = {"by": "k"} if use == "by" else {"by": "h", "unit": "k", "min_units": 2}
    found = evenhand.audit(
        table, metric="mean(y)", worse="higher", missing_values=("999",), **options
    )
    assert [(item.attribute, item.n_rows) for item in found.missing] == [("k", 20)]
    if use == "by":
        assert {str(group.label) for group in found.groups} == {"1", "2"}
    else:
        assert found.overall.n_units == 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("values", "kind"),
    [([1.7, 2.2], "integer"), (["yes", "f"], "boolean"), (["1_000", "2"], "number")],
)
def test_a_declared_type_that_does_not_fit_is_refused_on_every_source(form, values, kind, tmp_path):
    table = sink(form, rows(k=values), tmp_path)
    with pytest.raises(InputError, match="declare"):
        open_records(table, columns={"k": kind})


@pytest.mark.parametrize("form", FORMS)
def test_declared_types_read_text_alike_and_know_what_is_missing(form, tmp_path):
    table = sink(form, rows(s=["0.5", "NA", "007"], p=["12 %", "5 %", "x"]), tmp_path)
    opened = open_records(table, columns="s=number, p=percent", missing_values=("NA", "x"))
    found = opened.engine.query(f"SELECT s, p FROM {opened.source} LIMIT 3").to_pylist()
    assert [row["s"] for row in found] == [0.5, None, 7.0]
    assert [row["p"] for row in found] == [0.12, 0.05, None]


def test_texts_of_a_collation_of_their_own_are_told_apart(tmp_path):
    with duckdb.connect(str(tmp_path / "c.duckdb")) as connection:
        connection.execute("CREATE TABLE t (g VARCHAR COLLATE NOCASE, y INTEGER)")
        connection.execute(
            "INSERT INTO t SELECT ['A', 'a'][1 + i % 2], i % 3 % 2 FROM range(60) r(i)"
        )
    table = f"duckdb:///{tmp_path}/c.duckdb?table=t"
    found = evenhand.audit(table, metric="mean(y)", by="g", worse="higher")
    assert {group.label: group.estimate.n_rows for group in found.groups} == {"A": 30, "a": 30}
    kept = evenhand.audit(table, metric="mean(y)", by="y", where="g = 'a'", worse="higher")
    assert kept.overall.n_rows == 30


def test_durations_and_periods_of_pandas_are_no_numbers_in_parquet(tmp_path):
    frame = pd.DataFrame(rows())
    frame["d"] = pd.to_timedelta([1, 2] * 30, unit="D")
    frame["m"] = pd.period_range("2020-01", periods=2, freq="M").repeat(30)
    frame.to_parquet(tmp_path / "t.parquet")
    for column in ("d", "m"):
        with pytest.raises(InputError, match="cannot be grouped"):
            evenhand.audit(str(tmp_path / "t.parquet"), metric="mean(y)", by=column)


@pytest.mark.parametrize("text", ["0000-01-01", "0000-01-01 10:00"])
def test_a_year_that_no_calendar_has_is_text(text, tmp_path):
    path = sink("csv", rows(d=[text, "2020-01-01"]), tmp_path)
    found = evenhand.audit(path, metric="mean(y)", by="d", worse="higher")
    assert {group.label for group in found.groups} == {text, "2020-01-01"}


@pytest.mark.parametrize("value", ["infinity", "20000-01-01"])
def test_a_date_that_python_does_not_know_is_refused_in_words(value, tmp_path):
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        connection.execute(
            f"CREATE TABLE t AS SELECT i % 3 % 2 AS y, CASE WHEN i % 2 = 0 THEN '{value}'::DATE "
            "ELSE '2020-01-01'::DATE END AS d FROM range(60) r(i)"
        )
    table = f"duckdb:///{tmp_path}/d.duckdb?table=t"
    with pytest.raises(InputError, match=r"outside the years 1 to 9999.*--columns 'd=text'"):
        evenhand.audit(table, metric="mean(y)", by="d", worse="higher")
    assert evenhand.audit(table, metric="mean(y)", by="d", worse="higher", columns="d=text").groups


def test_nanoseconds_with_a_zone_are_utc():
    stamps = pa.array([0, 3_600_000_000_000] * 30, pa.timestamp("ns", "Europe/Berlin"))
    found = evenhand.audit(pa.table(rows() | {"t": stamps}), metric="mean(y)", by="t")
    assert {g.label for g in found.groups} == {"1970-01-01T00:00:00", "1970-01-01T01:00:00"}


@pytest.mark.parametrize("ask", ["audit", "effects"])
def test_lists_and_durations_are_refused_by_every_command(ask):
    lists = {
        "l": [[1]] * N,
        "d": [datetime.timedelta(days=1)] * N,
        "condition": ["clean", "x"] * 30,
    }
    for column in ("l", "d"):
        with pytest.raises(InputError, match="cannot be grouped"):
            getattr(evenhand, ask)(pa.table(rows() | lists), metric="mean(y)", by=column)
    with pytest.raises(InputError, match="cannot be grouped"):
        open_records(pa.table(rows() | lists), columns="l=text")
    assert evenhand.slices(pa.table(rows() | lists), metric="mean(y)", worse="higher") is not None


def test_lists_and_objects_among_texts_of_json_are_no_groups(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"g": [1], "y": 1}\n{"g": "a", "y": 0}\n{"g": {"a": 1}, "y": 1}\n' * 20)
    with pytest.raises(InputError, match="cannot be grouped"):
        evenhand.audit(str(path), metric="mean(y)", by="g")


@pytest.mark.parametrize(
    "text",
    ["My title;;\ng;s;y\na;1;0\n", "sep=;\ng;s;y\na;1;0\n", "# exported, by me\ng,s,y\na,1,0\n"],
)
def test_what_stands_above_a_header_is_told(text, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=r"line 1 is no header.*tail -n \+2"):
        open_records(str(tmp_path / "t.csv"))


def test_a_tsv_of_r_has_quotes_and_one_of_commas_is_told(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text('"g"\t"y"\n"a"\t1\n"b, c"\t0\n')
    table = open_records(str(path))
    assert table.read_rows().to_pylist() == [{"g": "a", "y": 1}, {"g": "b, c", "y": 0}]
    path.write_text("g,y\na,1\n")
    with pytest.raises(InputError, match=r"no tab.*call it t\.csv"):
        open_records(str(path))


def test_half_a_column_with_another_mark_is_told_with_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("h;s\n" + "a;0,5\nb;0.5\n" * 20)
    with pytest.raises(FaultsError, match=r"line 2: `s` is '0,5'.*") as caught:
        evenhand.audit(str(path), metric="mean(s)", by="h", worse="higher")
    assert "--missing TEXT" in str(caught.value)


def cli(*words):
    return run_command(*words)


def test_a_lone_mark_can_be_named_missing_and_errors_do_not_steer_the_terminal(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,h,\x1b[31mg\n" + "1,a,x\n0,b,x\n0,a,x\n1,b,x\n-,a,x\n" * 20)
    done = cli("audit", str(path), "--metric", "mean(y)", "--worse", "higher", "--by", "h",
               "--missing", "-")  # fmt: skip
    assert (done.returncode, "20 rows lack y" in done.stdout) == (0, True), done.stderr
    done = cli("audit", str(path), "--metric", "mean(y)", "--worse", "higher", "--by", "g",
               "--missing", "-")  # fmt: skip
    assert done.returncode == 2
    assert "\\x1b[31mg" in done.stderr
    assert "\x1b" not in done.stderr


def test_truths_agree_with_zero_and_one():
    table = pa.table(rows() | {"t": [i % 2 == 1 for i in range(N)]})
    found = evenhand.audit(table, metric="accuracy(y, t)", by="h")
    assert found.overall.value == 1.0
    with pytest.raises(InputError, match="can never agree"):
        evenhand.audit(table, metric="accuracy(h, t)", by="h")


def test_a_percentage_whose_comma_may_part_thousands_is_not_declared_away(tmp_path):
    path = sink("frame", rows(k=["1,234 %", "2.345 %"]), tmp_path)
    with pytest.raises(InputError, match="declares 'k' percent, but it holds '1,234 %'"):
        open_records(path, columns="k=percent")
    found = open_records(pa.table(rows(k=["1,5 %", "2.345 %"])), columns="k=percent")
    assert found.read_rows()["k"].to_pylist()[:2] == pytest.approx([0.015, 0.02345])


def test_a_positive_value_of_another_kind_names_its_column():
    table = pa.table(rows(q=[0, 1, -9]))
    opened = open_records(table, missing_values=("-9",))
    with pytest.raises(InputError, match="'q' holds integer, so positive must be a number"):
        evenhand.audit(opened, metric="true_positive_rate(q, y, positive='x')", by="h")
