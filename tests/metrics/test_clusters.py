"""Transcripts scored by the workers of a cluster give the counts that are made here."""

import pyarrow.parquet as pq
import pytest
from tests.records.questions import CASES, made_rows

import evenhand
from evenhand.metrics.speech import scoring

OF_TEXT = [case for case in CASES if case[0].startswith(("wer", "cer", "wil", "sentence"))]
OF_TEXT += [
    ("mer(text, heard, tokenizer='character')", {"by": "accent", "unit": "speaker"}),
    ("wip(text, heard, normalizer='english', markup='sclite')", {"by": "member"}),
    ("wer(text, heard, also='few')", {"by": "accent", "where": "age > 30"}),
    ("wer(text, decade)", {"by": "Mixed Case"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "rows.parquet"
    pq.write_table(made_rows(), path)
    return str(path)


def told(table, metric, options) -> dict:
    audit = evenhand.audit(table, metric=metric, **options).to_dict()
    del audit["source"]["name"], audit["source"]["sha256"], audit["settings"]["command"]
    return audit


@pytest.mark.parametrize(("metric", "options"), OF_TEXT, ids=[metric for metric, _ in OF_TEXT])
def test_the_audit_is_that_of_the_file(path, cluster_url, metric, options, monkeypatch):
    file = told(path, metric, options)
    monkeypatch.setattr(scoring, "WHOLE_ROWS", 0)
    monkeypatch.setattr(scoring, "score_here", None)
    assert told(f"{cluster_url}?parquet={path}", metric, options) == file


def without_us(_scoring, _wanted, _batches):
    raise ModuleNotFoundError("No module named 'evenhand'")
    yield


def test_workers_that_cannot_score_are_told_and_the_rows_scored_here(
    path, cluster_url, monkeypatch
):
    metric, options = OF_TEXT[0]
    file = told(path, metric, options)
    monkeypatch.setattr(scoring, "WHOLE_ROWS", 0)
    monkeypatch.setattr(scoring, "try_batches", without_us)
    monkeypatch.setattr(scoring, "score_there", None)
    found = told(f"{cluster_url}?parquet={path}", metric, options)
    (note,) = [note for note in found["notes"] if note["code"] == "transcripts_fetched"]
    assert "600 rows were fetched and scored here" in note["text"]
    assert "ModuleNotFoundError: No module named 'evenhand')" in note["text"]
    assert "pip install 'evenhand==" in note["text"]
    found["notes"].remove(note)
    assert found == file


def test_few_rows_are_scored_here_without_a_word(path, cluster_url, monkeypatch):
    metric, options = OF_TEXT[0]
    monkeypatch.setattr(scoring, "score_there", None)
    assert told(f"{cluster_url}?parquet={path}", metric, options) == told(path, metric, options)
