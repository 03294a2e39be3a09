"""What a repair has never seen is refused where it is of another scale, and counted where it is not."""

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command
from tests.repairs.worlds import FALSE_ALARMS, clinic

from evenhand.errors import InputError
from evenhand.repairs import apply_repair, fix
from evenhand.repairs.seen import seen_numbers


def shares(number, seed):
    """The clinic, with scores from 0 to 1."""
    table = clinic(number, seed)
    return table.set_column(1, "score", pa.array(table["score"].to_numpy() / 1.3))


@pytest.fixture(scope="module")
def mended():
    return fix(shares(3000, 1), FALSE_ALARMS, "site", maximum_difference=0.1)


def times(table, factor):
    return table.set_column(1, "score", pa.array(table["score"].to_numpy() * factor))


@pytest.mark.parametrize("factor", [100, 0.01])
def test_scores_of_another_scale_are_refused(mended, factor):
    with pytest.raises(InputError, match=r"score is .* where the repair was learnt") as told:
        apply_repair(mended, times(shares(200, 2), factor))
    assert "no row was decided" in str(told.value)
    assert "--outside" in str(told.value)


def test_one_row_of_another_scale_is_refused_as_many_are(mended):
    row = times(shares(200, 2), 100).slice(3, 1)
    with pytest.raises(InputError, match=r"score is [\d.]+ in a row, but was from 0 to 1"):
        apply_repair(mended, row)


def test_rows_like_those_of_practice_are_never_refused(mended):
    for seed in range(20):
        assert apply_repair(mended, shares(40, seed)).table.num_rows == 40
    a = shares(3000, 3).to_pylist()
    for row in a[:20]:
        apply_repair(mended, pa.Table.from_pylist([row]))


def test_what_is_meant_so_is_decided_and_counted(mended):
    found = apply_repair(mended, times(shares(200, 2), 100), outside=True)
    assert found.table.num_rows == 200
    assert found.outside_in == ("score",)
    assert found.outside > 190


def test_what_was_seen_is_of_the_practice_rows_and_nobodys_own_number(mended):
    (seen,) = mended.repair.seen
    scores = shares(3000, 1)["score"].to_numpy()
    assert np.allclose((seen.first, seen.last), np.quantile(scores, (0.01, 0.99)), atol=0.02)
    told = mended.repair.seen[0]
    assert not {scores.min(), scores.max()} & {told.first, told.last}
    assert seen.share
    assert seen_numbers("x", np.full(3, np.nan), score=True) is None


def learnt():
    rng = np.random.default_rng(0)
    code = rng.choice(["01", "02", "X"], 3000)
    share = np.select([code == "01", code == "02"], [0.1, 0.9], 0.5)
    y = (rng.random(3000) < share).astype(int)
    age = rng.integers(18, 80, 3000)
    return pa.table({"site": rng.choice(["a", "b"], 3000), "code": code, "age": age, "y": y})


@pytest.fixture(scope="module")
def scored():
    metric = "error_rate(label=y, prediction=prediction)"
    return fix(learnt(), metric, "site", features=["code", "age"], maximum=0.5)


def test_categories_that_were_never_seen_are_counted_and_where_most_are_refused(scored):
    rows = learnt().slice(0, 40).drop_columns(["y"])
    one = rows.set_column(1, "code", pa.array(["Z", *rows["code"].to_pylist()[1:]]))
    found = apply_repair(scored, one)
    assert (found.outside, found.outside_in) == (1, ("code",))
    with pytest.raises(InputError, match="code holds categories in 40 of 40 rows"):
        apply_repair(scored, rows.set_column(1, "code", pa.array(["Z"] * 40)))


def test_features_of_another_scale_are_refused_where_most_rows_are_so(scored):
    rows = learnt().slice(0, 40).drop_columns(["y"])
    months = pa.array(rows["age"].to_numpy() * 12)
    with pytest.raises(
        InputError, match=r"age is \d+ in the middle of 40 rows, but was mostly from"
    ):
        apply_repair(scored, rows.set_column(2, "age", months))
    # A count may be far out: one such row is somebody's, and is decided.
    found = apply_repair(scored, rows.slice(0, 1).set_column(2, "age", pa.array([900])))
    assert (found.outside, found.outside_in) == (1, ("age",))


def test_scores_without_bounds_may_be_far_out():
    table = clinic(3000, 1)
    odds = table.set_column(1, "score", pa.array(table["score"].to_numpy() * 7 - 3))
    found = fix(odds, FALSE_ALARMS, "site", maximum_difference=0.3)
    row = pa.table({"site": ["a"], "score": [60.0]})
    assert apply_repair(found, row).outside == 1


def test_the_command_says_the_same(mended, tmp_path):
    (tmp_path / "repair.json").write_text(mended.to_json())
    pa.csv.write_csv(times(shares(50, 2), 100), tmp_path / "rows.csv")
    asked = ("fix", "apply", "repair.json", "rows.csv", "--out", "decided.csv")
    done = run_command(*asked, cwd=tmp_path)
    assert done.returncode == 2
    assert not (tmp_path / "decided.csv").exists()
    done = run_command(*asked, "--outside", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "unlike all that the repair has seen, in score: decided all the same." in done.stdout
