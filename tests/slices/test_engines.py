"""Slices of rows that lie on a server are those of the same rows in a file."""

import contextlib
from copy import deepcopy
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.records.questions import close

import evenhand
from evenhand.errors import InputError
from evenhand.records import open_records
from evenhand.slicing import leaks

N = 3000
ERRORS = "error_rate(label=y, prediction=p)"
FEATURES = "site,age,device,warm,name,number,day"


def made_rows() -> pa.Table:
    rng = np.random.default_rng(5)
    site = rng.choice(["a", "b", "c", "it's", "é"], N)
    age = rng.integers(18, 90, N)
    label = rng.integers(0, 2, N)
    wrong = rng.random(N) < np.where((site == "c") & (age > 60), 0.5, 0.15)
    return pa.table(
        {
            "site": site,
            "age": age,
            "device": rng.choice(np.array(["x", "y", "NA", None, "z"], object), N),
            "warm": rng.random(N) < 0.2,
            "name": [f"n{number}" for number in (3 * rng.pareto(1, N)).astype(int)],
            "number": rng.choice([0.1, 0.25, -0.0, 0.0, np.nan, np.inf], N),
            "day": pa.array(rng.choice([19_000, 19_001, 19_007], N), pa.int32()).cast(pa.date32()),
            "y": label,
            "p": np.where(wrong, 1 - label, label),
            "loss": rng.random(N),
            "speaker": [f"s{number}" for number in rng.integers(0, 150, N)],
        }
    )


@pytest.fixture(scope="module", params=["postgres", "sail"])
def pair(request, tmp_path_factory):
    """The same rows in a file and on a server."""
    path = tmp_path_factory.mktemp("slices") / "rows.parquet"
    pq.write_table(made_rows(), path)
    if request.param == "sail":
        return str(path), f"{request.getfixturevalue('sail_url')}?parquet={path}"
    url = request.getfixturevalue("postgres_url")
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("sliced", made_rows(), mode="replace")
        connection.commit()
    return str(path), f"{url}?table=sliced"


@cache
def _of_file(path, place):
    """The answer of the file: one for all tests of the same question."""
    return told(path, *STAYING[place])


def of_file(path, metric, options):
    return deepcopy(_of_file(path, STAYING.index((metric, options))))


def told(table, metric, options) -> tuple[dict, list[str]]:
    found = evenhand.slices(table, metric, **{"features": FEATURES, **options}).to_dict()
    del found["searched"]["seconds"]
    for name in ("source", "sha256", "command"):
        found.pop(name, None)
    codes = [note["code"] for note in found["notes"]]
    found["notes"] = [note for note in found["notes"] if note["code"] != "rows_fetched"]
    return found, codes


STAYING = [
    (ERRORS, {}),
    (ERRORS, {"score": "z"}),
    (ERRORS, {"score": "sliceline", "confirm": "exact", "depth": 2}),
    (ERRORS, {"score": "difference", "confirm": False, "merge": 2}),
    (ERRORS, {"min_support": 5, "depth": 2, "fold": False}),
    (ERRORS, {"where": "age > 30", "bins": {"age": [40, 65]}}),
    ("false_negative_rate(label=y, prediction=p)", {}),
    ("accuracy(label=y, prediction=p)", {"depth": 2}),
    ("mean(warm)", {"features": "site,age,name"}),
]
FETCHED = [
    ("mean(loss)", {"depth": 1, "features": "site,age"}),
    (ERRORS, {"unit": "speaker", "depth": 1, "features": "site,age"}),
    (ERRORS, {"confirm": "split", "depth": 2}),
    (ERRORS, {"confirm": "bootstrap", "depth": 1, "features": "site,age"}),
]


@pytest.mark.parametrize(("metric", "options"), STAYING)
def test_rows_stay_on_the_server_and_the_answer_is_that_of_the_file(
    pair, monkeypatch, metric, options
):
    def no_rows(*_, **__):
        pytest.fail("rows were fetched")

    file, _ = of_file(pair[0], metric, options)
    monkeypatch.setattr("evenhand.slicing.evidence.read_cells", no_rows)
    server, notes = told(pair[1], metric, options)
    # The variance that z compares with is a sum of fractions, added in another order.
    close(file, server)
    if options.get("score") != "z":
        assert server == file
    assert "rows_fetched" not in notes


@pytest.mark.parametrize(("metric", "options"), STAYING)
def test_combinations_that_are_too_many_are_counted_level_by_level(
    pair, monkeypatch, metric, options
):
    file, _ = of_file(pair[0], metric, options)
    monkeypatch.setattr("evenhand.slicing.evidence.MOST_CELLS", 20)
    monkeypatch.setattr("evenhand.slicing.far.BLOCK", 700)
    monkeypatch.setattr("evenhand.slicing.evidence.read_cells", None)
    server, _ = told(pair[1], metric, options)
    close(file, server)
    if options.get("score") != "z":
        assert server == file


@pytest.mark.parametrize(("metric", "options"), FETCHED)
def test_where_rows_are_needed_they_come_and_that_is_told_before(pair, metric, options):
    seen = []
    file, without = told(pair[0], metric, options)
    server, notes = told(pair[1], metric, {**options, "progress": seen.append})
    assert server == file
    assert "rows_fetched" in notes
    assert "rows_fetched" not in without
    assert (seen[0].level, seen[0].total) == (0, N)


def test_rows_that_do_not_fit_are_refused_before_they_come(pair, monkeypatch):
    monkeypatch.setattr("evenhand.slicing.evidence.read_cells", None)
    for table in pair:
        with pytest.raises(InputError, match=r"all 3,000 rows must be in .* nothing was fetched"):
            told(table, "mean(loss)", {"memory_limit": 1e-4})


def test_features_that_repeat_the_label_are_left_out_on_every_server(pair, monkeypatch):
    # More rows than are looked at, so that some are chosen.
    monkeypatch.setattr("evenhand.slicing.leaks.ROWS", 1000)
    options = {"features": None, "depth": 1, "confirm": False}
    (file, _), (server, _) = (told(table, "error_rate(y, warm)", options) for table in pair)
    assert set(file["left_out"]) == set(server["left_out"])


def test_about_as_many_rows_are_looked_at_for_leaks_where_none_has_a_number(pair, monkeypatch):
    monkeypatch.setattr("evenhand.slicing.leaks.ROWS", 1000)
    with contextlib.closing(open_records(pair[1])) as records:
        table, _ = leaks._rows(records, ["site", "age"], None)
    assert 800 < table.num_rows < 1200
