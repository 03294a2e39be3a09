"""Copies that are not whole, units that are not called so, and what else `init` must not pass over."""

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import write_submission
from evenhand.bounty.task.belonging import find_belonging
from evenhand.bounty.task.twins import find_twins
from evenhand.cli.app import app
from evenhand.errors import InputError

from .conftest import good, people
from .test_freshness import begin, patients, three

SIZES = {"train": 500, "practice": 800, "sealed": 3_000}


def measured(rows, rng):
    return pa.table(
        {name: rng.normal(size=rows) for name in "abc"} | {"y": rng.choice(["a", "b"], rows)}
    )


def mended(table, how, rng):
    """Copies of rows, each a little other."""
    columns = {name: np.asarray(table[name]) for name in table.column_names}
    if how == "label mended":
        columns["y"] = np.where(columns["y"] == "a", "b", "a")
    elif how == "one number rounded":
        columns["a"] = columns["a"].round(3)
    elif how == "noise on one":
        columns["b"] = columns["b"] + rng.normal(0, 0.5, table.num_rows)
    elif how == "a little noise on all":
        columns |= {name: columns[name] + rng.normal(0, 1e-3, table.num_rows) for name in "abc"}
    return pa.table(columns)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("label mended", "in all but the label"),
        ("one number rounded", "in all but 'a'"),
        ("noise on one", "in all but 'b'"),
        ("a little noise on all", "small differences of numbers"),
    ],
)
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_near_copies_of_practice_rows_are_refused_and_named(tmp_path, how, told, share):
    rng = np.random.default_rng(1)
    practice, sealed = measured(500, rng), measured(3_000, rng)
    copies = mended(practice.slice(0, int(500 * share)), how, rng)
    sealed = pa.concat_tables([copies, sealed])
    with pytest.raises(InputError, match=rf"{told}.*practice row \d+ is sealed row") as refused:
        begin(tmp_path / "b", train=measured(500, rng), practice=practice, sealed=sealed)
    row, copy = str(refused.value).split("practice row ")[1].split(";")[0].split(" is sealed row ")
    assert row == copy


def test_a_patient_sealed_again_under_another_number_is_seen(tmp_path):
    tables = three(np.random.default_rng(1))
    again = tables["practice"].set_column(0, "patient_id", [np.repeat(np.arange(9_000, 9_100), 5)])
    again = again.set_column(3, "y", [np.where(np.asarray(again["y"]) == "a", "b", "a")])
    tables["sealed"] = pa.concat_tables([tables["sealed"], again])
    with pytest.raises(InputError, match="practice row 1 is sealed row 2001"):
        begin(tmp_path / "b", unit="patient_id", **tables)


def test_practice_rows_that_were_trained_on_are_refused(tmp_path):
    rng = np.random.default_rng(1)
    train, sealed = measured(400, rng), measured(900, rng)
    with pytest.raises(InputError, match="400 practice rows stand in the train table too"):
        begin(tmp_path / "b", train=train, practice=train, sealed=sealed)


def drawn(kind, rng, rows):
    """Independent rows as people have them: numbers, counts, few answers, and several of these that go together."""
    age = rng.integers(18, 80, rows)
    columns = {
        "counts": [age, rng.poisson(1.5, rows), rng.poisson(0.1, rows), age // 10],
        "numbers": [rng.normal(size=rows), rng.lognormal(size=rows).round(1), age],
        "answers": [rng.integers(0, 4, rows), rng.integers(0, 3, rows), rng.zipf(1.5, rows) % 9],
    }[kind]
    return np.column_stack(columns).astype(np.float32), (rng.random(rows) < 0.3).astype(int)


@pytest.mark.parametrize("kind", ["counts", "numbers", "answers"])
def test_no_reading_calls_independent_draws_copied_more_often_than_one_in_a_hundred(kind):
    runs, called = 300, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        public, practice, sealed = (drawn(kind, rng, rows) for rows in (300, 200, 500))
        names = ["one", "two", "three", "four"][: sealed[0].shape[1]]
        found = find_twins([("train", *public), ("practice", *practice)], sealed, names)
        called += found.excess
    assert called / runs <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / runs)


@pytest.mark.parametrize("column", ["mrn", "pid", "x7"])
@pytest.mark.parametrize("features", [None, ["age", "x"]])
def test_patients_called_by_another_name_must_be_decided_about(tmp_path, column, features):
    tables = three(np.random.default_rng(1), column=column)
    with pytest.raises(InputError, match=f"'{column}' has 600 values.*'age' never differs.*'none'"):
        begin(tmp_path / "b", features=features, **tables)
    with begin(tmp_path / "c", unit=column, features=features, **tables) as bounty:
        assert bounty.task.unit == column


def test_columns_that_measure_or_group_are_not_taken_for_people():
    """Ages and their groups, an amount and its bracket, prices rounded, and one number a row."""
    called = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        age, money = rng.integers(18, 90, 900), rng.lognormal(8, 1, 900).round(-1)
        columns = [
            ("age", age),
            ("age_group", age // 20),
            ("money", money),
            ("bracket", np.digitize(money, [1_000, 5_000, 20_000])),
            ("sex", rng.choice(["F", "M"], 900)),
            ("rare", (rng.random(900) < 0.02).astype(int)),
            ("row", np.arange(900)),
        ]
        called += bool(list(find_belonging(columns)))
    assert called == 0


@pytest.fixture
def files(tmp_path, monkeypatch):
    import pyarrow.csv

    rng = np.random.default_rng(5)
    for name, rows in (("train", 200), ("practice", 200), ("sealed", 600)):
        table = patients(np.arange(rows) + 1_000 * len(name), 1, rng).drop_columns(["patient_id"])
        seconds = (1 << 24) - 200 + rng.integers(0, 300, rows)
        table = table.append_column("z", [rng.normal(50, 20, rows)]).append_column("at", [seconds])
        pyarrow.csv.write_csv(table, tmp_path / f"{name}.csv")
    monkeypatch.chdir(tmp_path)
    return ["--train", "train.csv", "--practice", "practice.csv", "--sealed", "sealed.csv"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--severity", "age > 200=2"], "weighs nobody"),
        (["--severity", "age >= 60"], 'write a predicate, =, and a weight: "age >= 65=2"'),
        (["--times", "3"], "times is 3, but no column is named"),
        (["--media", "audio"], "media is audio and"),
        (["--features", "age,age"], "'age' is named twice"),
        (["--features", "age,y"], "'y' is the label"),
        (["--seed", "-1"], "seed is -1.  Allowed: 0 or more"),
        (["--loss", "missed(bb)"], "Did you mean 'b'?  Classes: a, b"),
    ],
)
def test_what_init_would_drop_or_stumble_over_is_refused_in_words(files, options, told):
    features = [] if "--features" in options else ["--features", "age,x"]
    begun = ["bounty", "init", "b", *files, "--label", "y", "--constant", "a", *features, *options]
    with pytest.raises(InputError) as refused:
        app(begun)
    assert told in str(refused.value)


def test_labels_beyond_the_bounds_of_the_loss_are_counted_and_told(files, capsys):
    options = ["--label", "z", "--constant", "50", "--loss", "squared(0, 60)", "--features", "age"]
    with pytest.raises(SystemExit):
        app(["bounty", "init", "b", *files, *options])
    told = " ".join(capsys.readouterr().out.split())
    assert "labels lie outside 0 to 60" in told


def test_what_float32_blurs_is_told_when_a_bounty_begins(files, capsys):
    with pytest.raises(SystemExit):
        app(["bounty", "init", "b", *files, "--label", "y", "--constant", "a"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "! float32 cannot hold the column 'at'" in shown


@pytest.mark.parametrize("which", ["train", "practice", "sealed"])
def test_rows_that_were_known_or_are_still_sealed_confirm_nothing(tmp_path, which):
    tables = {name: people(rows, seed) for seed, (name, rows) in enumerate(SIZES.items())}
    with begin(tmp_path / "b", label="label", base="no", **tables) as bounty:
        bounty.submit(good())
        assert [verdict.accepted for verdict in bounty.close_epoch()] == [True]
        with pytest.raises(InputError, match=r"fresh rows stand in the bounty's own tables"):
            bounty.confirm(tables[which])
        assert not [
            path for path in (tmp_path / "b" / "public").iterdir() if "confirm" in path.name
        ]
        assert bounty.confirm(people(800, 9))


def test_what_was_not_tested_for_want_of_a_word_is_told_at_closing(tmp_path, capsys):
    tables = {name: people(rows, seed) for seed, (name, rows) in enumerate(SIZES.items())}
    with begin(tmp_path / "b", label="label", base="no", **tables) as bounty:
        bounty.submit(good())
        bounty.submit(write_submission(team="x", group="age < 50", model={"constant": "yes"}))
    with pytest.raises(SystemExit):
        app(["bounty", "close", str(tmp_path / "b")])
    told = " ".join(capsys.readouterr().out.split())
    assert "Not tested: 1 submission that practice rows speak strongly against" in told


def test_a_finding_that_claims_no_number_is_refused_in_words(tmp_path):
    tables = {name: people(rows, seed) for seed, (name, rows) in enumerate(SIZES.items())}
    begin(tmp_path / "b", label="label", base="no", **tables).close()
    sent = ["bounty", "submit", str(tmp_path / "b"), "--team", "z", "--group", "age > 40"]
    with pytest.raises(InputError, match=r"--finding is nan\.  Allowed"):
        app([*sent, "--finding", "nan"])
