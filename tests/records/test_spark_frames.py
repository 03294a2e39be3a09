"""A data frame of a Spark session is a table, and the session is as it was afterwards."""

import pyarrow.parquet as pq
import pytest
from tests.records.questions import made_rows

import evenhand
from evenhand.errors import InputError
from evenhand.records import open_records


@pytest.fixture(scope="module")
def session(cluster_url):
    """A session with settings that are not ours."""
    from evenhand.records.engines.spark_client import importable

    with importable():
        from pyspark.sql.connect.session import SparkSession
    session = SparkSession.builder.remote(cluster_url).create()
    session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    session.conf.set("spark.sql.ansi.enabled", "false")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "rows.parquet"
    pq.write_table(made_rows(), path)
    return str(path)


def state(session):
    names = [
        "spark.sql.session.timeZone",
        "spark.sql.ansi.enabled",
        "spark.sql.variable.substitute",
    ]
    views = [table.name for table in session.catalog.listTables() if table.isTemporary]
    return [session.conf.get(name, None) for name in names], views


def test_a_frame_gives_the_audit_of_its_rows_and_its_session_stays_as_it_was(session, path):
    before = state(session)
    frame = session.read.parquet(path).where("age >= 30")
    found = evenhand.audit(frame, metric="wer(text, heard)", by="accent").to_dict()
    file = evenhand.audit(path, metric="wer(text, heard)", by="accent", where="age >= 30").to_dict()
    assert (found["groups"], found["gap"]) == (file["groups"], file["gap"])
    assert found["source"]["name"] == "DataFrame"
    assert state(session) == before
    assert frame.count() == found["source"]["rows"]


def test_a_frame_means_what_its_session_says_and_is_read_as_every_table(session):
    frame = session.sql(
        "SELECT 1 AS y, CAST('x' AS INT) AS n, CAST(TIMESTAMP '2026-01-01 08:00:00' AS STRING) AS wall,"
        " TIMESTAMP '2026-01-01 08:00:00' AS at FROM range(20)"
    )
    (group,) = evenhand.audit(frame, metric="mean(y)", by=["at"], worse="higher").groups
    # Eight in Tokyo is eleven at night in Greenwich.
    assert group.label == "2025-12-31T23:00:00"
    (group,) = evenhand.audit(frame, metric="mean(y)", by=["wall"], worse="higher").groups
    assert group.label == "2026-01-01 08:00:00"
    assert [(m.attribute, m.n_rows) for m in evenhand.audit(frame, metric="mean(y)", by=["n", "at"], worse="higher").missing] == [("n", 20)]  # fmt: skip


def test_a_session_is_as_it_was_after_an_error_too(session, path):
    before = state(session)
    with pytest.raises(InputError, match="Unknown column"):
        evenhand.audit(session.read.parquet(path), metric="wer(text, haerd)", by="accent")
    with pytest.raises(InputError, match="differ in case only"):
        open_records(session.sql("SELECT 1 AS a, 2 AS A"))
    with pytest.raises(InputError, match="nowhere"):
        open_records(session.table("nowhere"))
    assert state(session) == before


def test_columns_of_one_name_are_told(session):
    with pytest.raises(InputError, match=r"\['a'\] are there twice|duplicate qualified field name"):
        open_records(session.sql("SELECT 1 AS a, 2 AS a"))
