"""The same rows behind Spark Connect and in Parquet give the same audit; asked of Sail, which needs no Java."""


import pyarrow.parquet as pq
import pytest
from tests.records.questions import CASES, close, made_rows

import evenhand

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


@pytest.mark.parametrize(("metric", "options"), CASES, ids=[metric for metric, _ in CASES])
def test_the_audit_over_spark_connect_is_the_audit_of_the_parquet_file(
    path, sail_url, metric, options
):
    file = told(path, metric, options)
    cluster = told(f"{sail_url}?parquet={path}", metric, options)
    close(file, cluster)
    if not metric.startswith(FRACTIONS):
        assert file == cluster
