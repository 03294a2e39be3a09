"""Rows that people should label next: drawn as said, and the weighted rate is that of all rows."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from tests.commands import run_command

import evenhand
from evenhand.errors import InputError
from evenhand.lastmile.next_labels import LabelDraw, inclusion_chances, systematic


def made(rng, n=2000, honest=True):
    """Probabilities that rows are wrong, and which are; dishonest ones say nothing."""
    chance = rng.beta(0.3, 2, n)
    wrong = (rng.random(n) < (chance if honest else 0.13)).astype(float)
    return chance, wrong


def test_chances_add_up_and_are_kept():
    rng = np.random.default_rng(1)
    score, _ = made(rng)
    chances = inclusion_chances(score, 300, 0.2)
    assert chances.sum() == pytest.approx(300)
    assert chances.max() <= 1
    assert chances.min() >= 0.2 * 300 / len(score) * 0.999
    drawn = np.zeros(len(score))
    for _ in range(800):
        chosen = systematic(chances, rng)
        assert len(set(chosen)) == 300
        drawn[chosen] += 1
    apart = (drawn / 800 - chances) / np.sqrt(np.maximum(chances * (1 - chances), 1e-9) / 800)
    assert np.abs(apart).max() < 5


@pytest.mark.parametrize("number", [1, 7, 1999, 2000])
def test_as_many_are_drawn_as_asked(number):
    score, _ = made(np.random.default_rng(2))
    chances = inclusion_chances(score, number, 0.2)
    assert len(systematic(chances, np.random.default_rng(3))) == number
    sure = inclusion_chances(np.r_[np.ones(5), np.zeros(1995)], min(number, 1990), 0.01)
    assert sure.sum() == pytest.approx(min(number, 1990))


@pytest.mark.parametrize("honest", [True, False])
def test_weighted_rates_are_unbiased_and_covered(honest):
    rng, covered, errors, at_random = np.random.default_rng(4), [], [], []
    for seed in range(60):
        score, wrong = made(rng, honest=honest)
        truth = 0.3 / 2.3 if honest else 0.13
        rows = pa.table({"g": ["all"] * len(score), "p": score, "y": wrong})
        drawn = evenhand.next_labels(rows, "p", 200, seed=seed)
        found = evenhand.audit(drawn, "mean(y)", "g", weight="weight", worse="higher").overall
        covered.append(found.low <= truth <= found.high)
        errors.append(found.value - wrong.mean())
        at_random.append(rng.choice(wrong, 200).mean() - wrong.mean())
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(60)
    assert np.mean(covered) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60)
    if honest:
        assert np.std(errors) < 0.9 * np.std(at_random)


def test_the_same_seed_draws_the_same_rows():
    score, _ = made(np.random.default_rng(5))
    rows = pa.table({"p": score, "id": np.arange(len(score))})
    one, two, other = (evenhand.next_labels(rows, "p", 50, seed=s) for s in (1, 1, 2))
    assert one.equals(two)
    assert one["id"].to_pylist() != other["id"].to_pylist()
    assert one["id"].to_pylist() == sorted(one["id"].to_pylist())


def test_rows_are_drawn_from_those_of_where():
    rows = pa.table({"p": [0.1, 0.2, 0.9, 0.4], "site": ["a", "a", "b", "b"]})
    drawn = evenhand.next_labels(rows, "p", 2, where="site = 'b'")
    assert drawn["site"].to_pylist() == ["b", "b"]
    assert drawn["weight"].to_pylist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("columns", "asked", "said"),
    [
        ({"p": [0.5]}, {"number": 2}, r"number is 2, but .* has 1 row to draw"),
        ({"p": [0.5, 1.5]}, {}, r"1 of 2 values of 'p' are missing or outside \[0, 1\]"),
        ({"p": [0.5, None]}, {}, r"the first is missing \(row 2\)"),
        ({"p": ["a", "b"]}, {}, "must be a column of probabilities"),
        ({"q": [0.5]}, {}, "Unknown column 'p'"),
        ({"p": [0.5], "weight": [1]}, {}, "has already"),
        ({"p": [0.5]}, {"uniform": 0}, "must be above it"),
        ({"p": [0.5]}, {"uniform": 1.0}, r"uniform is 1.0, but must be a number in \[0, 1\)"),
        ({"p": [0.5]}, {"number": 0}, "number is 0"),
        ({"p": [0.5]}, {"where": "p > 1"}, "nothing to draw"),
    ],
)
def test_what_cannot_be_drawn_is_refused(columns, asked, said):
    with pytest.raises(InputError, match=said):
        evenhand.next_labels(pa.table(columns), "p", **{"number": 1, **asked})


def test_a_table_with_a_header_alone_has_no_rows(tmp_path):
    (tmp_path / "none.csv").write_text("p,site\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"none\.csv has no rows, only a header"):
        evenhand.next_labels(str(tmp_path / "none.csv"), "p", 1)


def test_columns_are_read_as_is_said():
    rows = pa.table({"p": ["0.5", "0.25"]})
    with pytest.raises(InputError, match="--columns 'p=number'"):
        evenhand.next_labels(rows, "p", 1)
    assert len(evenhand.next_labels(rows, "p", 2, columns={"p": "number"})) == 2


def test_the_command_reads_rows_as_its_neighbours_do(tmp_path):
    (tmp_path / "calls.csv").write_text("id,p\n1,0.5\n2,0.5\n3,unsure\n", encoding="utf-8")
    (tmp_path / "doubts.csv").write_text("call,doubt\n1,0.5\n2,0.25\n3,0.5\n", encoding="utf-8")
    asked = ("next-labels", "calls.csv", "--number", "2", "--out", "draw.csv", "--score")
    ended = run_command(*asked, "p", cwd=tmp_path)
    assert ended.returncode == 2
    assert "--columns 'p=number'" in ended.stderr
    where = ("--columns", "p=number", "--missing", "unsure", "--where", "p IS NOT NULL")
    ended = run_command(*asked, "p", *where, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert csv.read_csv(tmp_path / "draw.csv")["p"].to_pylist() == [0.5, 0.5]
    joined = ("--with", "doubts.csv", "--on", "id=call")
    own = (*joined, "--where", "id < 3", "--force")
    ended = run_command(*asked, "doubt", *own, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert csv.read_csv(tmp_path / "draw.csv")["doubt"].to_pylist() == [0.5, 0.25]
    over = run_command(*asked, "doubt", *joined, "--out", "doubts.csv", "--force", cwd=tmp_path)
    assert over.returncode == 2


def test_the_command_writes_rows_with_weights_and_says_how_they_were_drawn(tmp_path):
    rng = np.random.default_rng(8)
    score, wrong = made(rng, n=3000)
    rows = pa.table({"p": score, "y": wrong, "site": rng.choice(["a", "b"], 3000)})
    csv.write_csv(rows, tmp_path / "calls.csv")
    asked = ("next-labels", "calls.csv", "--score", "p", "--number", "200", "--where", "site = 'a'")
    ended = run_command(*asked, "--out", "draw.parquet", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = LabelDraw.from_json(ended.stdout)
    drawn = parquet.read_table(tmp_path / "draw.parquet")
    same = evenhand.next_labels(str(tmp_path / "calls.csv"), "p", 200, where="site = 'a'")
    assert drawn.equals(same)
    weights = np.array(drawn["weight"])
    assert (told.number, told.rows) == (200, rows["site"].to_pylist().count("a"))
    assert (told.least, told.greatest) == (weights.min(), weights.max())
    assert weights.sum() == pytest.approx(told.rows, rel=0.2)
    assert told.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    said = run_command(*asked, "--out", "draw.csv", cwd=tmp_path).stdout
    assert f"200 of {told.rows:,} rows that satisfy site = 'a' of calls.csv" in " ".join(
        said.split()
    )
    assert "with --weight weight" in " ".join(said.split())
    refused = run_command(*asked, "--out", "draw.txt", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--out is draw.txt, but must end in .csv or .parquet" in refused.stderr
    own = run_command(*asked, "--out", "calls.csv", "--force", cwd=tmp_path)
    assert own.returncode == 2
