"""Several workers count as one does: Sail's local cluster of four, and with `make spark` Spark's own of two."""

import pyarrow.parquet as pq
import pytest
from tests.records.questions import CASES, close, made_rows

import evenhand
from evenhand.metrics.speech import scoring
from evenhand.records import open_records

#: One question of each kind: rates, units, bins, quantiles, fractions, transcripts.
ASKED = [
    case
    for case in CASES
    if case[0].startswith(
        ("true_positive_rate", "f1(label", "log_loss(label", "auc", "rmse", "median", "wer", "set_f1")
    )
    and "weight" not in case[1]
    and "stratum" not in case[1]
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Rows in a dozen files, so that each worker reads some."""
    folder = tmp_path_factory.mktemp("parts")
    rows = made_rows()
    for start in range(0, rows.num_rows, 50):
        pq.write_table(rows.slice(start, 50), folder / f"{start:03}.parquet")
    return folder


@pytest.fixture(scope="module", params=["sail_cluster_url", "spark_cluster_url"])
def workers_url(request):
    return request.getfixturevalue(request.param)


def told(table, metric, options) -> dict:
    audit = evenhand.audit(table, metric=metric, **options).to_dict()
    del audit["source"]["name"], audit["source"]["sha256"], audit["settings"]["command"]
    return audit


def test_several_workers_give_the_audits_of_the_files(path, workers_url, monkeypatch):
    monkeypatch.setattr(scoring, "WHOLE_ROWS", 0)
    monkeypatch.setattr(scoring, "_fetched", None)
    assert len(ASKED) >= 8
    records = open_records(f"{workers_url}?parquet={path}")
    for metric, options in ASKED:
        close(told(f"{path}/*.parquet", metric, options), told(records, metric, options), metric)
    records.close()
