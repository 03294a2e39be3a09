"""One rule for each type, on every engine: the same rows, groups, units and predicates everywhere."""

import datetime
import decimal
import uuid

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import evenhand
from evenhand.errors import EvenhandError, InputError
from evenhand.records import Kind, open_records

N = 60
#: Column, its SQL type (DuckDB, PostgreSQL), and the values of rows, in SQL and as groups are called.
COLUMNS = {
    "identity": ("UUID", "uuid", ["'00000000-0000-0000-0000-00000000000%d'"]),
    "mood": ("ENUM('sad', 'ok')", "mood", ["'sad'", "'ok'"]),
    "small": ("REAL", "real", ["0.7", "0.0001", "0.00001"]),
    "price": ("DECIMAL(10, 2)", "numeric(10, 2)", ["1.50", "2.25"]),
    "code": ("VARCHAR", "char(3)", ["'a'", "'B'"]),
    "moment": (
        "TIMESTAMPTZ",
        "timestamptz",
        ["'2026-01-01 10:00:00+02'", "'2026-01-02 00:00:00+00'"],
    ),
    "hour": ("TIME", "time", ["'09:30:00'", "'21:00:00'"]),
    "day": ("DATE", "date", ["'2026-01-01'", "'2026-01-02'"]),
    "yes": ("BOOLEAN", "boolean", ["TRUE", "FALSE"]),
    "large": ("BIGINT", "bigint", ["9007199254740993", "9007199254740992"]),
}


def rows_sql():
    rows = []
    for i in range(N):
        cells = []
        for _, _, values in COLUMNS.values():
            value = values[i % len(values)]
            cells.append(value % (i % 3) if "%d" in value else value)
        rows.append(f"({i % 2}, {i % 3}, {', '.join(cells)})")
    return ", ".join(rows)


def create(side):
    types = ", ".join(f"{name} {types[side]}" for name, types in COLUMNS.items())
    return (
        f"CREATE TABLE typed (y INTEGER, s INTEGER, {types}); INSERT INTO typed VALUES {rows_sql()}"
    )


def in_duckdb(folder, _):
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.execute(create(0))
    return f"duckdb:///{folder}/t.duckdb?table=typed"


def in_schema(folder, _):
    with duckdb.connect(str(folder / "s.duckdb")) as connection:
        connection.execute("CREATE SCHEMA s1; SET schema = 's1';" + create(0))
    return f"duckdb:///{folder}/s.duckdb?table=s1.typed"


def in_parquet(folder, _):
    with duckdb.connect() as connection:
        connection.execute(create(0))
        connection.execute(f"COPY typed TO '{folder}/t.parquet'")
    return str(folder / "t.parquet")


def arrow_table():
    with duckdb.connect() as connection:
        connection.execute(create(0))
        return connection.sql("FROM typed").to_arrow_table()


def in_postgres(_, url):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        for statement in (
            "DROP TABLE IF EXISTS typed",
            "DROP TYPE IF EXISTS mood",
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            *create(1).split("; "),
        ):
            cursor.execute(statement)
        connection.commit()
    return f"{url}?table=typed"


CONSTRUCTORS = {
    "duckdb": in_duckdb,
    "duckdb schema": in_schema,
    "parquet": in_parquet,
    "arrow": lambda *_: arrow_table(),
    "polars": lambda *_: pl.from_arrow(arrow_table()),
    "pandas": lambda *_: arrow_table().to_pandas(types_mapper=pd.ArrowDtype),
    "postgres": in_postgres,
}


@pytest.fixture(scope="module", params=CONSTRUCTORS)
def table(request, tmp_path_factory):
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return CONSTRUCTORS[request.param](tmp_path_factory.mktemp("typed"), url)


GROUPS = {
    "identity": {f"00000000-0000-0000-0000-00000000000{i}" for i in range(3)},
    "mood": {"sad", "ok"},
    "small": {"0.7", "0.0001", "1e-05"},
    "price": {"1.5", "2.25"},
    "code": {"a", "B"},
    "moment": {"2026-01-01T08:00:00", "2026-01-02T00:00:00"},
    "hour": {"09:30:00", "21:00:00"},
    "day": {"2026-01-01", "2026-01-02"},
    "yes": {"True", "False"},
    "large": {"9007199254740993", "9007199254740992"},
}


@pytest.mark.parametrize("column", GROUPS)
def test_the_groups_of_a_column_have_the_same_names_everywhere(table, column):
    audit = evenhand.audit(table, metric="mean(y)", by=column)
    assert {str(group.label) for group in audit.groups} == GROUPS[column]
    assert sum(group.estimate.n_rows for group in audit.groups) == N


@pytest.mark.parametrize("column", GROUPS)
def test_the_predicate_of_a_group_selects_it_everywhere(table, column):
    audit = evenhand.audit(table, metric="mean(y)", by=column)
    for group in audit.groups:
        kept = evenhand.audit(table, metric="mean(y)", by="s", where=group.predicate)
        assert kept.overall.n_rows == group.estimate.n_rows


@pytest.mark.parametrize("unit", ["identity", "mood", "code", "hour"])
def test_units_of_any_text_work_everywhere(table, unit):
    found = evenhand.audit(table, metric="mean(y)", by="s", unit=unit, min_units=2)
    assert found.overall.n_units == len(GROUPS[unit])


@pytest.mark.parametrize(
    ("predicate", "rows"),
    [
        ("small >= 0.7", 20),
        ("small = 0.7", 20),
        ("small IN (0.7, 0.5)", 20),
        ("small = 0.0001", 20),
        ("small = 0.00001", 20),
        ("small BETWEEN 0.00001 AND 0.0001", 40),
        ("price = 1.5", 30),
        ("price > 1.50", 30),
        ("code < 'a'", 30),
        ("code = 'a'", 30),
        ("code = 'A'", None),
        ("mood = 'sad'", 30),
        ("hour >= '21:00:00'", 30),
        ("day >= '2026-01-02'", 30),
        ("moment >= '2026-01-02'", 30),
        ("large = 9007199254740993", 30),
        ("identity = '00000000-0000-0000-0000-000000000001'", 20),
    ],
)
def test_a_literal_selects_the_same_rows_everywhere(table, predicate, rows):
    if rows is None:
        with pytest.raises(EvenhandError):
            evenhand.audit(table, metric="mean(y)", by="s", where=predicate)
        return
    found = evenhand.audit(table, metric="mean(y)", by="s", where=predicate)
    assert found.overall.n_rows == rows


def test_numeric_is_a_number_of_a_metric_everywhere(table):
    found = evenhand.audit(table, metric="mean(price)", by="s", worse="higher")
    assert found.overall.value == pytest.approx(1.875)


# -- what cannot be a group, everywhere in the same words -------------------------------------------


def odd_duckdb(folder, _):
    with duckdb.connect(str(folder / "o.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE odd AS SELECT range % 2 AS y, [1] AS l, {'a': 1} AS st, 'x'::BLOB AS b,"
            " INTERVAL 1 DAY AS iv FROM range(40)"
        )
    return f"duckdb:///{folder}/o.duckdb?table=odd"


def odd_parquet(folder, _):
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT range % 2 AS y, [1] AS l, {{'a': 1}} AS st, 'x'::BLOB AS b,"
            f" INTERVAL 1 DAY AS iv FROM range(40)) TO '{folder}/o.parquet'"
        )
    return str(folder / "o.parquet")


def odd_arrow(*_):
    return pa.table(
        {
            "y": [0, 1] * 20,
            "l": [[1]] * 40,
            "st": [{"a": 1}] * 40,
            "b": [b"x"] * 40,
            "iv": [datetime.timedelta(days=1)] * 40,
        }
    )


def odd_postgres(_, url):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS odd")
        cursor.execute(
            "CREATE TABLE odd AS SELECT n % 2 AS y, ARRAY[1] AS l, '{}'::jsonb AS st, 'x'::bytea AS b,"
            " INTERVAL '1 day' AS iv FROM generate_series(1, 40) AS n"
        )
        connection.commit()
    return f"{url}?table=odd"


ODD = {
    "duckdb": odd_duckdb,
    "parquet": odd_parquet,
    "arrow": odd_arrow,
    "polars": lambda *_: pl.from_arrow(odd_arrow()),
    "postgres": odd_postgres,
}


@pytest.fixture(scope="module", params=ODD)
def odd(request, tmp_path_factory):
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return ODD[request.param](tmp_path_factory.mktemp("odd"), url)


@pytest.mark.parametrize("column", ["l", "st", "b", "iv"])
@pytest.mark.parametrize("use", ["by", "unit"])
def test_what_is_no_group_is_refused_in_words_everywhere(odd, column, use):
    options = {"by": column} if use == "by" else {"by": "y", "unit": column}
    with pytest.raises(InputError, match=r"cannot be grouped"):
        evenhand.audit(odd, metric="mean(y)", **options)


# -- frames -----------------------------------------------------------------------------------------


def test_cut_intervals_and_periods_are_groups():
    frame = pd.DataFrame({"y": [0, 1] * 30, "age": range(60)})
    frame["band"] = pd.cut(frame["age"], [0, 20, 40, 60])
    frame["month"] = pd.period_range("2026-01", periods=2, freq="M").repeat(30)
    audit = evenhand.audit(frame, metric="mean(y)", by=["band", "month"])
    bands = {group.label for group in audit.groups if group.by == ("band",)}
    assert bands == {"(0, 20]", "(20, 40]", "(40, 60]"}
    months = {group.label for group in audit.groups if group.by == ("month",)}
    assert months == {"2026-01", "2026-02"}
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("band", 1)]


def test_decimals_that_a_double_would_mix_are_refused_as_groups_and_kept_as_text():
    first, second = (
        decimal.Decimal("1.00000000000000000001"),
        decimal.Decimal("1.00000000000000000002"),
    )
    table = pa.table({"y": [0, 1] * 20, "d": pa.array([first, second] * 20, pa.decimal128(38, 20))})
    for options in ({"by": "d"}, {"by": "y", "unit": "d"}):
        with pytest.raises(InputError, match=r"--columns 'd=text'"):
            evenhand.audit(table, metric="mean(y)", **options)
    with pytest.raises(InputError, match=r"--columns 'd=text'"):
        evenhand.slices(table, metric="mean(y)", features="d")
    opened = open_records(table, columns="d=text")
    audit = evenhand.audit(opened, metric="mean(y)", by="d")
    assert {group.label for group in audit.groups} == {str(first), str(second)}


def test_decimals_of_many_digits_that_fit_are_numbers():
    values = [decimal.Decimal("0.5"), decimal.Decimal("0.25")]
    table = pa.table({"y": [0, 1] * 20, "d": pa.array(values * 20, pa.decimal128(38, 20))})
    assert {g.label for g in evenhand.audit(table, metric="mean(y)", by="d").groups} == {
        "0.5",
        "0.25",
    }


def test_decimal256_is_read_or_refused_in_words():
    few = pa.array([decimal.Decimal(1), decimal.Decimal(2)] * 20, pa.decimal256(50, 2))
    found = evenhand.audit(pa.table({"y": [0, 1] * 20, "d": few}), metric="mean(y)", by="d")
    assert {group.label for group in found.groups} == {"1.0", "2.0"}
    many = pa.array([decimal.Decimal(10**45)] * 40, pa.decimal256(50, 2))
    with pytest.raises(InputError, match="more than engines read"):
        evenhand.audit(pa.table({"y": [0, 1] * 20, "d": many}), metric="mean(y)", by="d")


def test_float32_of_a_frame_is_its_shortest_decimal():
    table = pa.table({"y": [0, 1] * 20, "p": pa.array([0.1, 0.7] * 20, pa.float32())})
    audit = evenhand.audit(table, metric="mean(y)", by="p")
    assert {group.label for group in audit.groups} == {"0.1", "0.7"}


def test_uuids_of_python_are_their_text():
    ids = [uuid.UUID(int=i % 4) for i in range(40)]
    table = pa.table({"y": [0, 1] * 20, "u": pa.array([u.bytes for u in ids], pa.uuid())})
    assert open_records(table).columns[1].kind is Kind.TEXT
    audit = evenhand.audit(table, metric="mean(y)", by="u")
    assert {group.label for group in audit.groups} == {str(u) for u in ids}
