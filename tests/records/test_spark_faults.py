"""What goes wrong behind Spark Connect is a sentence with what to do next: no traceback, no token, no half answer."""

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.errors import InputError
from evenhand.records import open_records
from evenhand.records.engines.spark_client import importable
from evenhand.records.engines.spark_faults import fault_of

ROWS = pa.table({"y": [0, 1] * 30, "x": ["a", "b", "c"] * 20})


def rows_of(table, by="x"):
    audit = evenhand.audit(table, metric="mean(y)", by=by, worse="higher")
    return {str(group.label): group.estimate.n_rows for group in audit.groups}


# -- the server -------------------------------------------------------------------------------------

#: The command line, whose server stops after so many queries.
STOPPED = """
import sys
from pysail.spark import SparkConnectServer
from evenhand.cli import main
from evenhand.records.engines.spark import SparkEngine

server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
host, port = server.listening_address
path, most = sys.argv[1], int(sys.argv[2])
answered, query = [], SparkEngine.query

def stopping(self, sql):
    if len(answered) == most:
        server.stop()
    answered.append(sql)
    return query(self, sql)

SparkEngine.query = stopping
url = f"sc://{host}:{port}/;user_id=s3kret?parquet={path}"
sys.argv[1:] = ["audit", url, "--metric", "mean(y)", "--worse", "higher", "--by", "x", "--json"]
sys.exit(main())
"""


def test_a_server_that_stops_between_two_queries_is_one_sentence_and_exit_code_2(tmp_path):
    pytest.importorskip("pysail", reason="pysail is not installed")
    pq.write_table(ROWS, tmp_path / "t.parquet")
    (tmp_path / "stopped.py").write_text(STOPPED)
    done = subprocess.run(
        [sys.executable, tmp_path / "stopped.py", tmp_path / "t.parquet", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "RUST_LOG": "off"},
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Spark cannot answer" in done.stderr
    assert "Check that the server runs" in done.stderr
    for word in ("Traceback", "s3kret", "{", "WARN", "RETRIES"):
        assert word not in done.stderr


@pytest.mark.parametrize(("server", "told"), [("4.0.1", False), ("3.5.1", True)])
def test_versions_far_apart_are_told_where_something_fails(server, told, cluster_url, monkeypatch):
    with importable():
        from pyspark.sql.connect.session import SparkSession
    monkeypatch.setattr(SparkSession, "version", server)
    with pytest.raises(InputError, match="Spark cannot answer") as caught:
        open_records(f"{cluster_url}?table=`")
    assert ("(The server is Spark 3.5.1, the client here 4." in str(caught.value)) is told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[PARQUET_TYPE_ILLEGAL] Illegal Parquet type: INT64 (NANOS). SQLSTATE: 42846\n\nJVM stacktrace:\nx",
         "[PARQUET_TYPE_ILLEGAL] Illegal Parquet type: INT64 (NANOS).  A column of this type"),
        ("java.nio.file.AccessDeniedException: /data/t", "Ask whoever runs the cluster"),
        ("[INSUFFICIENT_PERMISSIONS] Insufficient privileges: SELECT on t", "Ask whoever runs the cluster"),
        ("Permission denied (os error 13)", "Ask whoever runs the cluster"),
        ('details = "failed to connect to all addresses"', "failed to connect to all addresses.  Check that"),
        ("lost sc://me:s3kret@host:1/;token=s3kret again", "lost the URL again"),
        ("Python worker\nTraceback (most recent call last):\n  File x\nValueError: no\n SQLSTATE: 1", "ValueError: no"),
        ("", "ValueError"),
    ],
)  # fmt: skip
def test_what_a_server_says_is_one_sentence_and_what_to_do(said, told):
    found = fault_of(ValueError(said)).told
    assert told in found
    assert "\n" not in found
    assert "s3kret" not in found


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is denied to root")
def test_a_file_that_must_not_be_read_is_told(cluster_url, tmp_path):
    pq.write_table(ROWS, tmp_path / "t.parquet")
    (tmp_path / "t.parquet").chmod(0)
    with pytest.raises(InputError, match="Ask whoever runs the cluster"):
        rows_of(f"{cluster_url}?parquet={tmp_path}/t.parquet")


def test_what_is_no_parquet_is_told(cluster_url, tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no parquet PAR1")
    with pytest.raises(InputError, match="Spark cannot answer"):
        rows_of(f"{cluster_url}?parquet={tmp_path}/t.parquet")


# -- files that come and go -------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["", "/*.parquet", "/a*"])
def test_a_file_that_is_added_after_the_opening_is_not_counted(place, cluster_url, tmp_path):
    for name in ("a 1.parquet", "a%20é+#.parquet"):
        pq.write_table(ROWS, tmp_path / name)
    records = open_records(f"{cluster_url}?parquet={tmp_path}{place}")
    before = rows_of(records)
    assert before == {"a": 40, "b": 40, "c": 40}
    pq.write_table(ROWS, tmp_path / "a3.parquet")
    assert rows_of(records) == before
    assert rows_of(f"{cluster_url}?parquet={tmp_path}{place}") == {"a": 60, "b": 60, "c": 60}


def test_a_file_that_is_added_to_folders_of_values_is_not_counted_or_told(cluster_url, tmp_path):
    for value in ("a b", "c%2Fd"):
        (tmp_path / f"x={value}").mkdir()
        pq.write_table(ROWS.select(["y"]), tmp_path / f"x={value}" / "1.parquet")
    records = open_records(f"{cluster_url}?parquet={tmp_path}")
    before = rows_of(records)
    assert before == {"a b": 60, "c/d": 60}
    pq.write_table(ROWS.select(["y"]), tmp_path / "x=a b" / "2.parquet")
    try:
        assert rows_of(records) == before
    except InputError as error:
        # Sail reads such files by their folder only.
        assert "changed while they were counted: 1 new (2.parquet)" in str(error)  # noqa: PT017


def test_a_file_that_goes_is_told(cluster_url, tmp_path):
    for name in "ab":
        pq.write_table(ROWS, tmp_path / f"{name}.parquet")
    records = open_records(f"{cluster_url}?parquet={tmp_path}")
    (tmp_path / "b.parquet").unlink()
    with pytest.raises(InputError, match=r"1 gone \(b\.parquet\)|Spark cannot answer"):
        rows_of(records)
