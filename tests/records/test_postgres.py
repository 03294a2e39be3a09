"""The same rows in PostgreSQL and in Parquet give the same audit."""

import re
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.errors import EvenhandError, FaultsError, InputError

TABLE = 'calls"; drop'
PASSWORD = "s3kret-Pa55word"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(8)
    n = 600
    words = np.array(["a", "b", "c d", "it's", "é"])
    made = pa.table(
        {
            "accent": pa.array(
                [
                    None if x == "" else x
                    for x in rng.choice(["us", "in", "uk", ""], n, p=[0.4, 0.3, 0.2, 0.1])
                ]
            ),
            "age": pa.array(rng.integers(18, 90, n), pa.int32()),
            "member": pa.array(rng.random(n) < 0.5),
            "speaker": pa.array([f"s{i}" for i in rng.integers(0, 60, n)]),
            "label": pa.array(rng.integers(0, 2, n), pa.int16()),
            "prediction": pa.array(rng.integers(0, 2, n), pa.int64()),
            "yes": pa.array(rng.choice(["yes", "no"], n)),
            "score": pa.array(rng.random(n)),
            "text": pa.array([" ".join(rng.choice(words, 5)) for _ in range(n)]),
            "heard": pa.array(
                [None if rng.random() < 0.02 else " ".join(rng.choice(words, 5)) for _ in range(n)]
            ),
            "Mixed Case": pa.array(rng.choice(["x", "y"], n)),
        }
    )
    more = {
        "few": rng.choice(["a", "b", "c"], n),
        "guess": rng.choice(["a", "b", "c", None], n).tolist(),
        "third": rng.choice(["a", "b", "c", None], n).tolist(),
        "decade": rng.integers(0, 20, n),
        "rest": 1 - made["score"].to_numpy(),
        "sets": rng.choice(["a, b", "b", "c,a"], n),
        "guesses": rng.choice(["a", "b", "c", None], n).tolist(),
    }
    for name, values in more.items():
        made = made.append_column(name, pa.array(values))
    return made


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


def close(a, b, place=""):
    """Same structure, numbers to rounding."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), place
        for key in a:
            close(a[key], b[key], f"{place}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), place
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            close(x, y, f"{place}[{i}]")
    elif isinstance(a, float) and isinstance(b, int | float):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12), place
    else:
        assert a == b, place


CASES = [
    ("accuracy(label, prediction)", {"by": "accent"}),
    ("accuracy(yes, yes)", {"by": "Mixed Case"}),
    ("true_positive_rate(label, prediction)", {"by": ["accent,member"], "unit": "speaker"}),
    ("f1(label, prediction)", {"by": "age", "unit": "speaker"}),
    ("f1(label, prediction, average='macro')", {"by": "accent"}),
    (
        "selection_rate(prediction=yes, positive='yes')",
        {"by": "age >= 65 OR accent = 'us'", "worse": "lower"},
    ),
    ("brier(label, score)", {"by": "member", "versus": "best"}),
    ("log_loss(label, score)", {"by": "accent", "where": "age < 60"}),
    ("auc(label, score)", {"by": "accent"}),
    ("calibration_gap(label, score)", {"by": "accent", "versus": "overall"}),
    ("mae(age, score)", {"by": "accent", "unit": "speaker"}),
    ("rmse(age, score)", {"by": "age", "bins": {"age": [30, 60]}}),
    ("scoring_rate(score)", {"by": "accent"}),
    ("mean(score)", {"by": "accent", "versus": "member = TRUE"}),
    ("ratio(label, age)", {"by": "accent"}),
    ("mean(label)", {"by": "accent"}),
    ("mean(member)", {"by": "accent"}),
    ("mae(label, prediction)", {"by": "accent"}),
    ("f1(few, guess, average='weighted')", {"by": "member"}),
    ("f1(few, guess, average='micro', labels=('a', 'b'))", {"by": "member"}),
    ("f_beta(label, prediction, beta=0.5)", {"by": "accent"}),
    ("jaccard(few, guess, average='macro')", {"by": "member", "unit": "speaker"}),
    ("f1(decade, decade, average='weighted')", {"by": "member"}),
    ("mcc(few, guess)", {"by": "member"}),
    ("balanced_accuracy(few, guess)", {"by": "member"}),
    ("cohen_kappa(few, guess, weights='linear', labels=('a', 'b', 'c'))", {"by": "member"}),
    ("fleiss_kappa(raters=(few, guess, third))", {"by": "member"}),
    ("krippendorff_alpha(raters=(few, guess, third))", {"by": "member"}),
    ("krippendorff_alpha(raters=(label, prediction), level='ordinal')", {"by": "member"}),
    ("krippendorff_alpha(raters=(age, prediction), level='interval')", {"by": "member"}),
    ("brier(yes, score=(score, rest), labels=('yes', 'no'))", {"by": "accent"}),
    ("log_loss(yes, score=(score, rest), labels=('yes', 'no'))", {"by": "accent"}),
    ("average_precision(label, score)", {"by": "accent"}),
    ("generalized_entropy(label, prediction, alpha=0.5)", {"by": "accent"}),
    ("theil(label, prediction)", {"by": "accent", "unit": "speaker"}),
    ("mape(age, score)", {"by": "accent"}),
    ("smape(age, label)", {"by": "accent"}),
    ("r_squared(age, score)", {"by": "accent", "where": "age < 60"}),
    ("pinball_loss(age, score, quantile=0.9)", {"by": "accent"}),
    ("median_absolute_error(age, label)", {"by": "accent"}),
    ("ndcg(label, score, text, k=3)", {"by": "member", "where": "member = TRUE"}),
    ("set_f1(sets, guesses, average='macro')", {"by": "accent"}),
    ("hamming_loss(sets, guesses)", {"by": "accent"}),
    ("wil(text, heard)", {"by": "accent"}),
    ("sentence_error_rate(text, heard)", {"by": "accent"}),
    ("wer(reference=text, hypothesis=heard)", {"by": "accent", "unit": "speaker"}),
    ("cer(reference=text, hypothesis=heard)", {"by": ["accent", "age"], "where": "member = TRUE"}),
]


@pytest.mark.parametrize(("metric", "options"), CASES, ids=[metric for metric, _ in CASES])
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
    with pytest.raises(InputError, match="nothing to audit"):
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
    with pytest.raises(EvenhandError, match=r"far|nothing to audit"):
        evenhand.audit(f"{postgres_url}?table=far", metric="mean(score)", by="accent")


def test_hostile_group_text_does_not_reach_the_server(both, postgres_url):
    with pytest.raises(
        EvenhandError, match=re.escape("functions are not part of the group language")
    ):
        evenhand.audit(both[1], metric="mean(score)", by="accent", where="pg_sleep(100) = 1")
