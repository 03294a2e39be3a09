"""The same rows in PostgreSQL and in Parquet give the same audit."""

import re
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from tests.records.questions import CASES, JUDGED, close, made_rows

import evenhand
from evenhand.errors import EvenhandError, FaultsError, InputError

TABLE = 'calls"; drop'
PASSWORD = "s3kret-Pa55word"


@pytest.fixture(scope="module")
def rows():
    return made_rows()


@pytest.fixture(scope="module")
def both(rows, postgres_url, tmp_path_factory):
    from adbc_driver_postgresql import dbapi

    path = tmp_path_factory.mktemp("postgres") / "rows.parquet"
    pq.write_table(rows, path)
    with dbapi.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(TABLE, rows, mode="create")
        cursor.adbc_ingest("few", rows.slice(0, 0), mode="create")
        cursor.execute("CREATE SCHEMA away")
        cursor.execute("CREATE TABLE away.far AS SELECT * FROM few")
        connection.commit()
    return str(path), f"{postgres_url}?table={quote(TABLE)}"


@pytest.mark.parametrize(
    ("metric", "options"), [*CASES, *JUDGED], ids=[metric for metric, _ in [*CASES, *JUDGED]]
)
def test_the_audit_over_postgresql_is_the_audit_of_the_parquet_file(both, metric, options):
    file, server = (evenhand.audit(table, metric=metric, **options).to_dict() for table in both)
    for audit in (file, server):
        del audit["source"]["name"], audit["source"]["sha256"], audit["settings"]["command"]
    close(file, server)


def test_the_password_is_in_no_output(both):
    audit = evenhand.audit(both[1], metric="accuracy(label, prediction)", by="accent")
    for text in (audit.to_json(), repr(audit)):
        assert PASSWORD not in text
        assert "tester:" not in text
    assert "127.0.0.1" in audit.source.name


def test_the_cube_file_does_not_hold_the_password(both, tmp_path):
    evenhand.audit(both[1], metric="mean(score)", by="accent", cube=str(tmp_path / "c.parquet"))
    assert PASSWORD.encode() not in (tmp_path / "c.parquet").read_bytes()


def wrong_urls(url):
    yield url, "Say which table"
    yield f"{url}?table=cals", "Unknown table 'cals'"
    yield f"{url.replace(PASSWORD, PASSWORD + 'x')}?table=few", "does not answer"
    yield f"{url.replace('/postgres', '/nowhere')}?table=few", "does not answer"
    yield f"{url.replace('127.0.0.1', '[bad')}?table=few", ""
    yield f"{url}?table=few&table=few", "Say which table"


def test_no_error_tells_the_password(postgres_url, both):
    for url, message in wrong_urls(postgres_url):
        with pytest.raises(EvenhandError, match=message or r"\w") as caught:
            evenhand.audit(url, metric="mean(score)", by="accent")
        # The chain is what a traceback shows.
        error = caught.value
        while error is not None:
            assert PASSWORD not in str(error)
            error = error.__cause__ or error.__context__


def test_faults_of_rows_in_a_server_are_told_without_the_password(both):
    with pytest.raises(
        FaultsError, match=r"`age` is \d+, but a probability lies in \[0, 1\]"
    ) as caught:
        evenhand.audit(both[1], metric="brier(label, age)", by="accent")
    assert PASSWORD not in str(caught.value)


def test_an_empty_table_is_an_error(postgres_url, both):
    with pytest.raises(InputError, match="nothing to measure"):
        evenhand.audit(f"{postgres_url}?table=few", metric="mean(score)", by="accent")


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        ("accuracy(label, yes)", {"by": "accent"}),
        ("mean(score)", {"by": "born", "where": "accent = 'us'"}),
        ("mean(text)", {"by": "accent"}),
        ("f1(label, yes, average='macro')", {"by": "accent"}),
    ],
)
def test_what_a_server_refuses_is_an_error_without_a_traceback(both, metric, options):
    with pytest.raises(EvenhandError, match=r"\w"):
        evenhand.audit(both[1], metric=metric, **options)


def test_a_table_outside_the_search_path_is_an_error_not_a_crash(postgres_url, both):
    with pytest.raises(EvenhandError, match=r"far|nothing to measure"):
        evenhand.audit(f"{postgres_url}?table=far", metric="mean(score)", by="accent")


def test_hostile_group_text_does_not_reach_the_server(both, postgres_url):
    with pytest.raises(
        EvenhandError, match=re.escape("functions are not part of the group language")
    ):
        evenhand.audit(both[1], metric="mean(score)", by="accent", where="pg_sleep(100) = 1")
