"""Cubes of shards add to the cube of the whole, wherever each was counted, and none is added twice."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.cubes import merge_shards, read_shard
from evenhand.errors import InputError

RNG = np.random.default_rng(6)
N = 900
ROWS = pa.table(
    {
        "accent": RNG.choice(["us", "in", "it's", "NA"], N),
        "speaker": RNG.choice([f"s{i}" for i in range(80)], N),
        "label": RNG.integers(0, 2, N),
        "prediction": RNG.integers(0, 2, N),
        "score": RNG.random(N),
    }
)
QUESTIONS = [
    {"metric": "f1(label, prediction)"},
    {"metric": "accuracy(label, prediction)", "unit": "speaker"},
    {"metric": "mean(score)", "worse": "higher"},
]


@pytest.fixture
def days(tmp_path):
    """Files of nine days."""
    paths = []
    for day in range(9):
        paths.append(tmp_path / f"{day}.parquet")
        pq.write_table(ROWS[day * 100 : (day + 1) * 100], paths[-1])
    return paths


def counted(table, path, **question):
    evenhand.audit(table, by="accent", cube=str(path), **question)
    return path


@pytest.mark.parametrize("question", QUESTIONS, ids=[q["metric"] for q in QUESTIONS])
def test_the_cubes_of_days_add_to_the_cube_of_all(question, days, tmp_path, sail_url):
    """Some days are counted by a cluster, some here."""
    cubes = [
        counted(
            f"{sail_url}?parquet={day}" if i % 2 else str(day), tmp_path / f"{i}.cube", **question
        )
        for i, day in enumerate(days)
    ]
    total = merge_shards(cubes)
    whole = read_shard(counted(ROWS, tmp_path / "all.cube", **question)).cube
    order = [total.cube.keys.index(key) for key in whole.keys]
    assert len(order) == len(total.cube.keys)
    for name in ("n_rows", "n_defined"):
        np.testing.assert_array_equal(getattr(total.cube, name)[order], getattr(whole, name))
    np.testing.assert_allclose(total.cube.sums[order], whole.sums, rtol=1e-12)
    np.testing.assert_allclose(total.cube.comoments[order], whole.comoments, atol=1e-9)
    assert sum(source.rows for source in total.sources) == whole.n_rows.sum()
    if whole.units is not None:
        assert set(total.cube.units.names) == set(whole.units.names)


def test_a_day_is_not_added_twice(days, tmp_path):
    metric = QUESTIONS[0]["metric"]
    first = counted(str(days[0]), tmp_path / "a.cube", metric=metric)
    again = counted(str(days[0]), tmp_path / "b.cube", metric=metric)
    second = counted(str(days[1]), tmp_path / "c.cube", metric=metric)
    merge_shards([first, second]).write(tmp_path / "sum.cube")
    for twice in ([first, again], [tmp_path / "sum.cube", again]):
        with pytest.raises(InputError, match=r"both count .*0\.parquet.*twice: leave one"):
            merge_shards(twice)


def test_what_is_not_counted_yet_is_known_by_its_bytes(days, tmp_path):
    metric = QUESTIONS[0]["metric"]
    cubes = [counted(str(d), tmp_path / f"{i}.cube", metric=metric) for i, d in enumerate(days[:2])]
    merge_shards(cubes).write(tmp_path / "sum.cube")
    assert read_shard(tmp_path / "sum.cube").unseen(days) == days[2:]


def test_cubes_of_two_meanings_and_what_is_no_cube_are_told_with_their_file(days, tmp_path):
    one = counted(str(days[0]), tmp_path / "one.cube", metric="f1(label, prediction)")
    other = counted(str(days[1]), tmp_path / "other.cube", metric="f1(prediction, label)")
    (tmp_path / "no.cube").write_text("no")
    with pytest.raises(InputError, match=r"other\.cube cannot be added.*count different things"):
        merge_shards([one, other])
    with pytest.raises(InputError, match=r"0\.parquet is no cube"):
        merge_shards([one, days[0]])
    with pytest.raises(InputError, match=r"no\.cube is not a whole Parquet file"):
        merge_shards([tmp_path / "no.cube"])
    with pytest.raises(InputError, match="no cube to add"):
        merge_shards([])
