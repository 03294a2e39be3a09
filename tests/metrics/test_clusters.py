"""Transcripts scored by the workers of a cluster give the counts that are made here."""

import re

import pyarrow as pa
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


@pytest.mark.parametrize("name", ["a.b", "c`d", 'e"f', "g h", "é", "x;DROP TABLE y", "${x}", "{0}", "*", "evenhand:hits"])  # fmt: skip
def test_columns_of_any_name_are_kept_beside_the_counts(name, cluster_url, monkeypatch, tmp_path):
    rows = made_rows().rename_columns(
        {"accent": name, "text": f"{name} said", "speaker": f"{name}?"}
    )
    pq.write_table(rows, tmp_path / "t.parquet")
    quoted = '"{}"'.format(name.replace('"', '""'))
    metric = f'wer({quoted[:-1]} said", heard)'
    options = {"by": quoted, "unit": f"{name}?"}
    file = told(str(tmp_path / "t.parquet"), metric, options)
    monkeypatch.setattr(scoring, "WHOLE_ROWS", 0)
    monkeypatch.setattr(scoring, "_fetched", None)
    assert told(f"{cluster_url}?parquet={tmp_path}/t.parquet", metric, options) == file


def test_a_sample_of_many_rows_is_looked_at(cluster_url, monkeypatch, tmp_path):
    rows = pa.concat_tables([made_rows()] * 4)
    rows = rows.set_column(rows.column_names.index("text"), "text", pa.array(["你好 吗"] * 2400))
    pq.write_table(rows, tmp_path / "t.parquet")
    monkeypatch.setattr(scoring, "WHOLE_ROWS", 100)
    monkeypatch.setattr(scoring, "MOST_ROWS", 700)
    audit = evenhand.audit(
        f"{cluster_url}?parquet={tmp_path}/t.parquet", metric="wer(text, heard)", by="accent"
    )
    (note,) = [note for note in audit.notes if note.code == "no_spaces_between_words"]
    of, looked = map(int, re.findall(r"but (\d+) of the (\d+) references", note.text)[0])
    assert of == looked
    assert 400 < looked < 800
    assert sum(group.estimate.n_rows for group in audit.groups) + audit.missing[0].n_rows == 2400
