"""The same rows behind Spark Connect and in Parquet give the same audit; asked of Sail and of Spark."""

import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests import commands
from tests.records.questions import CASES, JUDGED, close, made_rows

import evenhand
from evenhand.errors import FaultsError, InputError
from evenhand.records import Kind, open_records, public_name

#: Metrics whose sums are of fractions: an engine adds them in an order of its own.
FRACTIONS = (
    "brier",
    "log_loss",
    "auc",
    "calibration",
    "rmse",
    "mean(score",
    "krippendorff",
    "average_p",
    "mape",
    "smape",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("spark") / "rows.parquet"
    pq.write_table(made_rows(), path)
    return str(path)


def told(table, metric, options) -> dict:
    audit = evenhand.audit(table, metric=metric, **options).to_dict()
    del audit["source"]["name"], audit["source"]["sha256"], audit["settings"]["command"]
    return audit


@pytest.mark.parametrize(
    ("metric", "options"), [*CASES, *JUDGED], ids=[metric for metric, _ in [*CASES, *JUDGED]]
)
def test_the_audit_over_spark_connect_is_the_audit_of_the_parquet_file(
    path, cluster_url, metric, options
):
    file = told(path, metric, options)
    cluster = told(f"{cluster_url}?parquet={path}", metric, options)
    close(file, cluster)
    # Weighted sums are of fractions, whatever is counted.
    if not metric.startswith(FRACTIONS) and not {"weight", "stratum"} & set(options):
        assert file == cluster


# -- types ------------------------------------------------------------------------------------------

NAIVE = [datetime.datetime(2026, 1, 1, 10), datetime.datetime(1960, 1, 1)]  # noqa: DTZ001
TYPED = {
    "unsigned 8": pa.array([1, 255], pa.uint8()),
    "unsigned 32": pa.array([1, 2**32 - 1], pa.uint32()),
    "unsigned 64": pa.array([1, 2**64 - 1], pa.uint64()),
    "integer 8": pa.array([1, -1, None], pa.int8()),
    "large": pa.array([9007199254740993, 9007199254740992]),
    "half": pa.array([0.5, 0.1], pa.float16()),
    "single": pa.array([0.7, 0.1, 1e-5, 1e20, float("nan"), None], pa.float32()),
    "double": pa.array([0.7, 0.30000000000000004, float("inf"), float("nan"), None]),
    "decimal": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.25")]),
    "text": pa.array(
        ["a", "B", "é", "it's", "a\\N", "\\N", "x\ny", 'q"q', "`", "", "NA", " a", "a "]
    ),
    "large text": pa.array(["a", "b", None], pa.large_string()),
    "category": pa.array(["a", "b", None]).dictionary_encode(),
    "small category": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), ["a", "b"]),
    "time": pa.array([datetime.time(9, 30), datetime.time(9, 30, 0, 5)], pa.time64("us")),
    "date": pa.array([datetime.date(2026, 1, 1), datetime.date(1, 1, 1)]),
    "date 64": pa.array([86_400_000], pa.date64()),
    "milliseconds": pa.array(NAIVE, pa.timestamp("ms")),
    "nanoseconds": pa.array(NAIVE, pa.timestamp("ns")),
    "zoned": pa.array(NAIVE, pa.timestamp("us", "Europe/Berlin")),
    "boolean": pa.array([True, False, None]),
    "null": pa.nulls(1),
    "list": pa.array([[1]]),
    "structure": pa.array([{"a": 1}]),
    "bytes": pa.array([b"x"]),
}
#: What Apache Spark itself does not read, or takes for something else.
REFUSED = {"unsigned 64", "half", "time", "nanoseconds"}


def answer(table, by, **options):
    """Groups, missing rows and the largest gap; or the refusal."""
    try:
        audit = evenhand.audit(table, metric="mean(y)", by=by, **options)
    except InputError as error:
        return str(error)
    gap = None if audit.gap is None else audit.gap.largest
    groups = sorted((str(group.label), group.estimate.n_rows) for group in audit.groups)
    return groups, [(item.attribute, item.n_rows) for item in audit.missing], gap


def written(folder, values, name="x", rows=60):
    places = pa.array([i % len(values) for i in range(rows)])
    table = pa.table({"y": [i % 2 for i in range(rows)], name: values.take(places)})
    pq.write_table(table, folder / "t.parquet")
    return str(folder / "t.parquet")


@pytest.mark.parametrize("type_", TYPED)
def test_a_type_of_parquet_is_read_as_duckdb_reads_it(type_, cluster_url, tmp_path, request):
    file = written(tmp_path, TYPED[type_])
    if type_ in REFUSED and "spark_url" in request.node.name:
        with pytest.raises(InputError, match=r"Spark cannot answer|holds decimals of more digits"):
            evenhand.audit(f"{cluster_url}?parquet={file}", metric="mean(y)", by="x")
        return
    assert answer(f"{cluster_url}?parquet={file}", "x") == answer(file, "x")


@pytest.mark.parametrize(
    ("values", "where", "rows"),
    [
        (pa.array(["it's", "a\\b", "c"]), r"x = 'it''s' OR x = 'a\b'", 40),
        (pa.array(["${env:HOME}", "b"]), "x = '${env:HOME}'", 30),
        (pa.array([0.1, 0.30000000000000004, 0.5]), "x >= 0.30000000000000004", 40),
        (pa.array([0.7, 0.1], pa.float32()), "x IN (0.7, 0.5)", 30),
        (TYPED["large"], "x = 9007199254740993", 30),
        (TYPED["zoned"], "x >= '2026-01-01T10:00:00'", 30),
        (TYPED["date"], "x < '2026-01-01'", 30),
        (TYPED["boolean"], "x = TRUE", 20),
    ],
)
def test_a_literal_selects_the_same_rows_as_in_a_file(values, where, rows, cluster_url, tmp_path):
    file = written(tmp_path, values)
    for table in (file, f"{cluster_url}?parquet={file}"):
        audit = evenhand.audit(table, metric="mean(y)", by="y", where=where)
        assert audit.overall.n_rows == rows


@pytest.mark.parametrize(
    "name", ["a.b", "c`d", 'e"f', "g h", "é", "select", "a\\b", "x\ny", "A'B", "x;DROP TABLE y", "${x}", "{0}", "*", "1"]
)  # fmt: skip
def test_a_column_may_have_any_name(name, cluster_url, tmp_path):
    file = written(tmp_path, pa.array(["u", "v"]), name)
    assert answer(f"{cluster_url}?parquet={file}", name) == answer(file, name)


def test_folders_that_say_the_values_are_text_and_may_say_none(cluster_url, tmp_path):
    for value in ("01234", "1e3", "1E3", "1D", "__HIVE_DEFAULT_PARTITION__"):
        folder = tmp_path / f"zip={value}"
        folder.mkdir()
        pq.write_table(pa.table({"y": [0, 1] * 10}), folder / "1.parquet")
    found = answer(f"{cluster_url}?parquet={tmp_path}", "zip")
    assert found == answer(f"{tmp_path}/*/*.parquet", "zip")
    assert found[1] == [("zip", 20)]


def test_a_column_that_some_files_lack_is_missing_there(cluster_url, tmp_path):
    pq.write_table(pa.table({"y": [0, 1] * 10}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"y": [0, 1] * 10, "x": ["a", "b"] * 10}), tmp_path / "2.parquet")
    found = answer(f"{cluster_url}?parquet={tmp_path}", "x")
    assert found == answer(f"{tmp_path}/*.parquet", "x")
    assert found[1] == [("x", 20)]


def test_types_that_differ_between_files_are_told(cluster_url, tmp_path):
    pq.write_table(pa.table({"y": pa.array([0, 1], pa.int32())}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"y": pa.array([0, 1], pa.int64())}), tmp_path / "2.parquet")
    with pytest.raises(InputError, match="Spark cannot answer"):
        open_records(f"{cluster_url}?parquet={tmp_path}").read_rows()


# -- tables and sessions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Say which table"),
        ("?table=", "Say which table"),
        ("?table=a&table=b", "Say which table"),
        ("?path=a", "Say which table"),
        ("?table=nowhere", "Unknown table 'nowhere'"),
        ("?parquet=/nowhere/at/all", "/nowhere/at/all"),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(query, message, cluster_url):
    with pytest.raises(InputError, match=message):
        open_records(cluster_url + query)


@pytest.mark.parametrize("place", ["sc://", "sc://a:b", "sc://127.0.0.1:1;token=s3kret"])
def test_what_is_no_address_is_told_without_its_token(place):
    with pytest.raises(InputError, match=r"no address of Spark Connect") as caught:
        open_records(f"{place}?table=t")
    assert "s3kret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_server_that_is_not_there_is_told_soon_and_without_its_token():
    with pytest.raises(InputError, match=r"Spark cannot answer: failed to connect") as caught:
        open_records("sc://127.0.0.1:1/;user_id=s3kret?table=t")
    assert "s3kret" not in str(caught.value)


def test_the_name_of_a_source_holds_no_token():
    assert (
        public_name("sc://host:1/;use_ssl=true;token=s3kret?parquet=/a/b")
        == "sc://host:1?parquet=/a/b"
    )


def test_a_server_that_goes_away_is_an_error_not_a_crash(path):
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    host, port = server.listening_address
    records = open_records(f"sc://{host}:{port}?parquet={path}")
    server.stop()
    with pytest.raises(InputError, match="Spark cannot answer"):
        evenhand.audit(records, metric="mean(label)", by="accent")


def test_faults_of_rows_behind_spark_connect_are_told(path, cluster_url):
    with pytest.raises(FaultsError, match=r"`age` is \d+, but a probability lies in \[0, 1\]"):
        evenhand.audit(f"{cluster_url}?parquet={path}", metric="brier(label, age)", by="accent")


def test_a_declared_type_is_read_by_the_cluster(cluster_url, tmp_path):
    file = written(tmp_path, pa.array(["1.0", "2.0"]))
    records = open_records(f"{cluster_url}?parquet={file}", columns="x=number")
    assert {column.name: column.kind for column in records.columns}["x"] is Kind.NUMBER
    with pytest.raises(InputError, match="which servers do not read"):
        open_records(f"{cluster_url}?parquet={file}", columns="x=percent")


def test_the_command_line_reads_it_as_the_package_does(path, cluster_url):
    metric, options = "true_positive_rate(label, prediction)", {"by": ["accent"], "unit": "speaker"}
    url = f"{cluster_url}?parquet={path}"
    done = commands.run_command(
        "audit", url, "--metric", metric, "--by", "accent", "--unit", "speaker", "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["groups"] == told(url, metric, options)["groups"]
