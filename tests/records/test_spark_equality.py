"""The same Parquet, opened by DuckDB and behind Spark Connect, gives the same whole audit, however it was written."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.records.questions import close

import evenhand
from evenhand.errors import InputError

N = 480
RNG = np.random.default_rng(17)


def some(values):
    """Values of rows, drawn."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return array.take(pa.array(RNG.integers(0, len(array), N)))


#: Kinds of columns that a question may group, filter or measure by.
KINDS = {
    "decimal": some(pa.array([decimal.Decimal(v) for v in ("1.50", "-2.25", "0.00", "33.10")], pa.decimal128(9, 2))),
    "boolean": some([True, False, None]),
    "day": some(pa.array([datetime.date(2026, 2, d) for d in (1, 2, 3)] + [None])),
    "moment": some(pa.array([datetime.datetime(2026, 1, 1, h) for h in (0, 9, 23)], pa.timestamp("ms"))),  # noqa: DTZ001
    "zoned": some(pa.array([datetime.datetime(2026, 1, 1, h) for h in (0, 9, 23)], pa.timestamp("us", "Asia/Tokyo"))),  # noqa: DTZ001
    "category": some(["a", "B", "é", None]).dictionary_encode(),
    "single": some(pa.array([0.7, 0.1, 1e-5, 0.0, float("nan"), float("inf"), None], pa.float32())),
    "zero": some(pa.array([-0.0, 0.0, 1.0, 2.0, float("nan"), None])),
    "small": some(pa.array([1, -1, 127], pa.int8())),
    "unsigned": some(pa.array([1, 255], pa.uint8())),
    "text": some(["a", "B", "", "NA", "a b", "NULL"]),
}  # fmt: skip
TABLE = pa.table(
    KINDS
    | {
        "y": some([0, 1]),
        "guess": some([0, 1, None]),
        "unit": some([f"u{i}" for i in range(40)]),
        "said": some(["a b c", "it's me", "é"]),
        "heard": some(["a c", "its me", "", None]),
    }
)


def audits(table, **options):
    """Whole answers, without what names the source."""
    found = [evenhand.audit(table, **options).to_dict()]
    for one in found:
        del one["source"]["name"], one["source"]["sha256"], one["settings"]["command"]
    return found


def check(file, cluster, **options):
    assert audits(cluster, **options) == audits(file, **options)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("equal") / "t.parquet"
    pq.write_table(TABLE, path, row_group_size=100)
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_any_kind_groups_filters_and_crosses_alike(kind, path, cluster_url):
    cluster = f"{cluster_url}?parquet={path}"
    check(path, cluster, metric="accuracy(y, guess)", by=[kind, f"{kind},y"], unit="unit")
    label = evenhand.audit(path, metric="mean(y)", by=kind).groups[0].predicate
    check(path, cluster, metric="wer(said, heard)", by="y", where=label)


@pytest.mark.parametrize("kind", ["decimal", "single", "small", "unsigned"])
def test_a_number_of_any_kind_is_cut_into_bins_alike(kind, path, cluster_url):
    cluster = f"{cluster_url}?parquet={path}"
    for bins in (3, [0, 1.5]):
        check(path, cluster, metric="mean(y)", by=kind, bins={kind: bins})


@pytest.mark.parametrize(
    "metric", ["mean(decimal)", "mean(boolean)", "mae(small, unsigned)", "selection_rate(boolean)"]
)
def test_a_measured_column_of_any_kind_is_measured_alike(metric, path, cluster_url):
    options = {"metric": metric, "by": "category", "worse": "higher"}
    (file,), (cluster,) = (
        audits(path, **options),
        audits(f"{cluster_url}?parquet={path}", **options),
    )
    # An engine adds fractions, and centred squares, in an order of its own.
    close(file, cluster)


def test_folders_of_two_levels_with_odd_values_are_read_alike(cluster_url, tmp_path):
    for place, (day, kind) in enumerate(
        [("2026-01-01", "a%2Fb"), ("2026-01-02", "c d"), ("2026-01-02", "__HIVE_DEFAULT_PARTITION__")]
    ):  # fmt: skip
        folder = tmp_path / f"day={day}" / f"kind={kind}"
        folder.mkdir(parents=True)
        pq.write_table(TABLE.slice(place * 160, 160).drop(["day"]), folder / "1.parquet")
    file, cluster = f"{tmp_path}/*/*/*.parquet", f"{cluster_url}?parquet={tmp_path}"
    check(file, cluster, metric="accuracy(y, guess)", by=["kind,day", "text"], unit="unit")
    check(file, cluster, metric="mean(y)", by="kind", where="day >= '2026-01-02'")


def test_a_column_that_came_later_and_columns_in_another_order_are_read_alike(
    cluster_url, tmp_path
):
    pq.write_table(TABLE.slice(0, 200).drop(["category", "single"]), tmp_path / "1.parquet")
    later = TABLE.slice(200)
    pq.write_table(later.select(later.column_names[::-1]), tmp_path / "2.parquet")
    file, cluster = f"{tmp_path}/*.parquet", f"{cluster_url}?parquet={tmp_path}"
    check(file, cluster, metric="accuracy(y, guess)", by=["category", "single,text"])
    check(file, cluster, metric="cer(said, heard)", by="category", unit="unit")


def test_integers_of_two_widths_are_one_column_or_told(cluster_url, tmp_path):
    for name, type_ in (("1", pa.int32()), ("2", pa.int64())):
        part = TABLE.select(["y", "text"]).set_column(0, "y", TABLE["y"].cast(type_))
        pq.write_table(part, tmp_path / f"{name}.parquet")
    try:
        found = audits(f"{cluster_url}?parquet={tmp_path}", metric="mean(y)", by="text")
    except InputError as error:
        assert "Write the file again, with the types of the others" in str(error)  # noqa: PT017
    else:
        assert found == audits(f"{tmp_path}/*.parquet", metric="mean(y)", by="text")


def test_minus_zero_is_found_in_a_long_list(path, cluster_url):
    check(
        path,
        f"{cluster_url}?parquet={path}",
        metric="error_rate(y, guess)",
        by="text",
        where="zero IN (0.0, 1.5, 2.5, 3.5, 4.5, 5.5)",
    )
