"""Tables behind a connection of somebody's driver are audited like the rows; Arrow or not."""

import json
import sqlite3

import duckdb
import pytest
from tests.records.questions import CASES, close, made_rows

import evenhand
from evenhand.errors import InputError
from evenhand.records.engines.connection import ConnectionEngine

ROWS = made_rows()
FEW = CASES[:14]


class Plain:
    """A driver that knows PEP 249 and nothing else, and gives names in capitals where they were not quoted."""

    def __init__(self, connection):
        self.inner = connection
        self.rolled_back = 0

    def cursor(self):
        return PlainCursor(self.inner.cursor())

    def rollback(self):
        self.rolled_back += 1


class PlainCursor:
    def __init__(self, inner):
        self.inner, self.sql = inner, ""

    def execute(self, sql):
        self.sql = sql
        self.inner.execute(sql)

    @property
    def description(self):
        return [
            (one[0] if f'"{one[0]}"' in self.sql else one[0].upper(), *one[1:])
            for one in self.inner.description
        ]

    def fetchall(self):
        return self.inner.fetchall()

    def fetchmany(self, size):
        return self.inner.fetchmany(size)

    def close(self):
        self.inner.close()


@pytest.fixture(params=["arrow", "plain"])
def connection(request):
    made = duckdb.connect()
    rows = ROWS
    made.register("rows", rows)
    made.execute('CREATE SCHEMA "the calls"')
    made.execute('CREATE TABLE "the calls"."May" AS FROM rows')
    yield made if request.param == "arrow" else Plain(made)
    made.close()


@pytest.mark.parametrize(("metric", "asked"), FEW, ids=[f"{m} {q}" for m, q in FEW])
def test_an_audit_through_a_connection_is_the_audit_of_the_rows(connection, metric, asked):
    records = evenhand.open_connection(connection, ["the calls", "May"], dialect="duckdb")
    there, here = (evenhand.audit(table, metric, **asked).to_dict() for table in (records, ROWS))
    assert there["source"] == {
        "name": "duckdb:the calls.May",
        "rows": here["source"]["rows"],
        "sha256": None,
    }
    for answer in (there, here):
        del answer["source"], answer["settings"]["command"]
    close(there, here)


def test_transcripts_are_fetched_in_batches(connection):
    records = evenhand.open_connection(connection, ["the calls", "May"], dialect="duckdb")
    there, here = (
        evenhand.audit(t, "wer(text, heard)", "accent", unit="speaker") for t in (records, ROWS)
    )
    assert json.dumps(there.to_dict()["groups"]) == json.dumps(here.to_dict()["groups"])


def test_postgres_through_its_own_driver(postgres_url):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(postgres_url) as connection:
        with connection.cursor() as cursor:
            cursor.adbc_ingest(
                "May calls", ROWS.select(["accent", "member", "label", "prediction"])
            )
        connection.commit()
        records = evenhand.open_connection(connection, "May calls", dialect="postgres")
        there = evenhand.audit(records, "f1(label, prediction)", ["accent,member"])
        here = evenhand.audit(ROWS, "f1(label, prediction)", ["accent,member"])
        assert there.to_dict()["groups"] == here.to_dict()["groups"]
        with connection.cursor() as cursor:
            cursor.execute('DROP TABLE "May calls"')
        connection.commit()


def test_what_is_not_there_is_told(connection):
    for table, dialect, match in [
        ("May", "duckdb", r"no table May in duckdb, or none that this login may read.*schema\.table"),
        ("", "duckdb", "must be a name such as"),
        ("a..b", "duckdb", "must be a name such as"),
        ("May", "sqlite", "Unknown dialect 'sqlite'.*Dialects: bigquery, databricks"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=match):
            evenhand.open_connection(connection, table, dialect=dialect)


def test_an_error_of_the_driver_is_told_without_its_address():
    class Refusing:
        rolled_back = 0

        def cursor(self):
            return self

        def execute(self, sql):
            raise RuntimeError(
                "permission denied for calls at https://me:secret@db.example.org/x\nmore"
            )

        def close(self):
            raise ValueError

        def rollback(self):
            self.rolled_back += 1

    connection = Refusing()
    with pytest.raises(InputError) as told:
        ConnectionEngine(connection, "trino").query("SELECT 1")
    assert str(told.value) == "trino cannot answer: permission denied for calls at the URL"
    assert told.value.__context__ is None
    assert connection.rolled_back == 1


def test_a_driver_that_gives_nothing_for_no_rows_gives_an_empty_table():
    class Nothing:
        description = (("N", None), ("kept", None))

        def cursor(self):
            return self

        def execute(self, sql):
            pass

        def close(self):
            pass

        def fetch_arrow_all(self):
            return None

    found = ConnectionEngine(Nothing(), "snowflake").query('SELECT 1 AS n, 2 AS "kept"')
    assert (found.num_rows, found.column_names) == (0, ["n", "kept"])


def test_what_is_no_connection_or_no_name_is_told():
    connection = duckdb.connect()
    for given, table, match in [
        ("hello", "d", "connection is a str"),
        (None, "d", "connection is a NoneType"),
        (connection, 5, "table is 5"),
        (connection, ["d", 5], "table is .*must be a name"),
    ]:
        with pytest.raises(InputError, match=match):
            evenhand.open_connection(given, table, dialect="duckdb")
    connection.close()
    with pytest.raises(InputError, match="duckdb cannot answer"):
        evenhand.open_connection(connection, "d", dialect="duckdb")


def test_counts_of_one_table_that_are_added_are_told():
    """The rows behind a connection have no hash: nobody knows whether they were counted before."""
    made = duckdb.connect()
    made.execute("CREATE TABLE t AS SELECT i % 2 AS g, i % 3 AS x FROM range(90) r(i)")
    rows = evenhand.open_connection(made, "t", dialect="duckdb")
    one, two = (evenhand.count_cube(rows, "mean(x)", by="g", worse="higher") for _ in range(2))
    (note,) = evenhand.merge_cubes([one, two]).notes
    assert note.code == "counted_perhaps_twice"
    assert "no hash tells them apart" in note.text


def test_a_connection_of_sqlite_is_told_what_to_do():
    with pytest.raises(InputError, match=r"SQLite.*Read the table into a frame"):
        evenhand.open_connection(sqlite3.connect(":memory:"), "t", dialect="duckdb")
