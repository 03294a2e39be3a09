"""Rows to train on: what is said of learners whose worlds are known, and what is said when something is wrong."""

import csv
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow.csv import write_csv
from sklearn.tree import DecisionTreeClassifier
from tests.commands import run_command

import evenhand
from evenhand.errors import InputError, RefusedError
from evenhand.improving.assembly import whole_rows
from evenhand.improving.improving import _alike
from evenhand.improving.measured import noise_of_training

METRIC = "error_rate(label=y, prediction=prediction)"
FIT = """\
import csv, sys
rows, test, out = sys.argv[1:]
seen = {}
for row in csv.DictReader(open(rows)):
    seen.setdefault((row["site"], row["x"]), []).append(int(row["y"]))
asked = list(csv.DictReader(open(test)))
with open(out, "w") as file:
    print("prediction", file=file)
    for row in asked:
        own = seen.get((row["site"], row["x"]), [0])
        print(int(2 * sum(own) > len(own)), file=file)
"""


def rows(n, seed):
    """At site a the answer follows from x, at site b nothing does."""
    rng = np.random.default_rng(seed)
    site, x = rng.integers(0, 2, n), rng.integers(0, 40, n)
    y = np.where(site == 0, x % 2, rng.integers(0, 2, n))
    return pa.table(
        {
            "site": np.where(site == 0, "a", "b"),
            "x": x,
            "y": y,
            "who": [f"p{i // 2}" for i in range(n)],
        }
    )


def features(table):
    return np.column_stack([np.array(table["site"].to_pylist()) == "a", table["x"].to_numpy()])


def tree(given, test):
    return (
        DecisionTreeClassifier(random_state=0)
        .fit(features(given), given["y"].to_numpy())
        .predict(features(test))
    )


def ask(train=tree, n=200, tested=3000, **options):
    options = {"budget": 200, "test": rows(tested, 2)} | options
    return evenhand.improve(rows(n, 1), train, METRIC, "site", **options)


@pytest.fixture(scope="module")
def found():
    return ask()


def test_a_learner_of_scikit_learn_where_one_group_can_be_learnt(found):
    told = {one.group["site"]: one for one in found.groups}
    assert [one.group["site"] for one in found.groups] == ["b", "a"]  # the worst first
    assert told["a"].verdict == "helps"
    assert told["b"].verdict == "does not help"
    # Truth: nothing is to be learnt at b, and all at a.
    assert told["b"].floor.low <= 0.5 <= told["b"].floor.high
    assert told["a"].floor.low < 0.02
    assert told["a"].collect > told["b"].collect
    assert found.collect == found.cost == 50  # a quarter of the budget, whole rows
    assert len(found.runs) == 13
    assert found.runs[0].rows == tuple(told[name].training_rows for name in ("a", "b"))
    # Values are those of the metric: counted by hand.
    test = rows(3000, 2)
    wrong = np.asarray(tree(rows(200, 1), test)) != test["y"].to_numpy()
    for name in "ab":
        at = np.array(test["site"].to_pylist()) == name
        assert told[name].value == pytest.approx(wrong[at].mean())


def test_the_sentence_that_more_data_will_not_help(found):
    text = " ".join(str(found).split())
    assert text.startswith("Collect 50 rows for training in this round: ")
    assert "More data will not help b: 200 more rows of it would move its error_rate" in text
    assert "More data help a: 200 more rows of it" in text


def test_a_metric_of_which_more_is_better_says_the_same(found):
    other = evenhand.improve(
        rows(200, 1),
        tree,
        "accuracy(label=y, prediction=prediction)",
        "site",
        test=rows(3000, 2),
        budget=200,
    )
    for one, two in zip(found.groups, other.groups, strict=True):
        assert two.value == pytest.approx(1 - one.value)
        assert two.verdict == one.verdict
        assert two.gain.middle == pytest.approx(one.gain.middle)
        assert two.floor.middle == pytest.approx(1 - one.floor.middle)


def test_the_answer_is_the_same_again_and_through_json(found):
    again = ask()
    assert again.to_json() == found.to_json()
    assert type(found).from_json(found.to_json()) == found


def test_whole_units_are_left_out_together():
    seen = []

    def train(given, test):
        seen.append(given["who"].to_pylist())
        return [0] * test.num_rows

    table = pa.table(
        {
            "site": ["a", "a", "b", "b"] * 50,
            "y": [0, 1] * 100,
            "who": [f"p{i // 2}" for i in range(200)],
        }
    )
    evenhand.improve(table, train, METRIC, "site", test=table, budget=40, unit="who")
    for who in seen:
        # Both rows of a person, or none.
        assert all(who.count(one) == 2 for one in who)
    assert min(map(len, seen)) == 52  # a quarter of each, rounded up to whole persons


def test_rows_that_lack_their_group_are_counted_and_train_nothing():
    table = rows(200, 1)
    site = [None if i % 10 == 0 else one for i, one in enumerate(table["site"].to_pylist())]
    table = table.set_column(0, "site", pa.array(site))
    sizes = []

    def train(given, test):
        sizes.append(given.num_rows)
        return [0] * test.num_rows

    found = evenhand.improve(table, train, METRIC, "site", test=rows(300, 2), budget=100)
    assert [(one.attribute, one.n_rows, one.reason) for one in found.missing] == [
        ("site", 20, "missing_attribute")
    ]
    assert sizes[0] == 180


def test_a_group_with_few_rows_has_a_reason_and_its_part(found):
    table = pa.concat_tables(
        [rows(200, 1), rows(60, 3).set_column(0, "site", pa.array(["few"] * 60)).slice(0, 20)]
    )
    test = pa.concat_tables(
        [rows(600, 2), rows(80, 4).set_column(0, "site", pa.array(["few"] * 80))]
    )
    got = evenhand.improve(table, tree, METRIC, "site", test=test, budget=300)
    few = next(one for one in got.groups if one.group["site"] == "few")
    assert few.reason == "too_few_training_rows"
    assert few.gain is None
    assert few.verdict == "insufficient evidence"
    assert few.collect >= 12  # half of 75, alike on three
    assert "few: too few rows for training" in " ".join(str(got).split())
    assert got.to_html()


def test_a_group_that_is_tested_and_never_trained_is_told():
    test = pa.concat_tables(
        [rows(600, 2), rows(80, 4).set_column(0, "site", pa.array(["other"] * 80))]
    )
    got = evenhand.improve(rows(200, 1), tree, METRIC, "site", test=test, budget=300)
    assert "Tested and without a row for training, so not planned: other." in str(got)


def test_costs_are_kept_within_the_round(tmp_path):
    (tmp_path / "cost.csv").write_text("site,cost\na,3\nb,1\n")
    got = ask(cost=tmp_path / "cost.csv", n=200, tested=600)
    told = {one.group["site"]: one for one in got.groups}
    assert got.cost == told["a"].collect * 3 + told["b"].collect <= 50
    assert got.cost > 47


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"budget": -1}, "budget"),
        ({"budget": float("nan")}, "budget"),
        ({"budget": 3}, "less than one row costs"),
        ({"worth": 2}, "worth"),
        ({"repeats": 1}, "repeats"),
        ({"cost": -1.0}, "cost"),
        ({"train": "no_such_module:fit"}, "no_such_module"),
        ({"train": "python3 fit.py {train} {out}"}, "{test}"),
        ({"train": "no-such-program {train} {test} {out}"}, "no-such-program"),
        ({"train": 3}, "train is 3"),
        ({"train": lambda given, test: [0]}, "gave 1 answers"),
        ({"train": lambda given, test: 1 / 0}, "ZeroDivisionError"),
        ({"train": lambda given, test: 7}, "int"),
        ({"train": lambda given, test: {"y": [0] * test.num_rows}}, "no column of its own"),
        ({"keep": "kept"}, "keep is 'kept'"),
        ({"budget": 1e300}, "more than 1,000,000,000,000 rows"),
        ({"train": lambda given, test: sys.exit(3)}, "SystemExit: 3"),
        ({"train": lambda given, test: "a" * test.num_rows}, "one text"),
        ({"train": lambda given, test: np.zeros((test.num_rows, 2))}, "several values for a row"),
        ({"train": lambda given, test: {"evenhand:run": [0] * test.num_rows}}, "kept for"),
        (
            {"train": lambda given, test: {"y": [7] * test.num_rows, "z": [0] * test.num_rows}},
            "answered with y, which the rows for testing have already, with other values",
        ),
        (
            {"train": lambda given, test: pa.table([test["x"], test["x"]], names=["a", "a"])},
            "two columns called 'a'",
        ),
    ],
)
def test_what_is_wrong_is_said(change, says):
    with pytest.raises(InputError, match=says.replace("{", r"\{")):
        ask(n=100, tested=200, **change)


def test_groups_that_overlap_or_have_too_little_are_refused():
    with pytest.raises(InputError, match="overlap"):
        evenhand.improve(rows(100, 1), tree, METRIC, ["site", "who"], test=rows(100, 2), budget=50)
    with pytest.raises(RefusedError, match="No group has what a curve needs"):
        evenhand.improve(rows(30, 1), tree, METRIC, "site", test=rows(100, 2), budget=50)
    with pytest.raises(InputError, match="no best value"):
        evenhand.improve(
            rows(100, 1),
            tree,
            "mean(prediction)",
            "site",
            test=rows(100, 2),
            budget=50,
            worse="higher",
        )


def test_a_program_trains_and_an_interrupted_plan_goes_on(tmp_path):
    (tmp_path / "fit.py").write_text(FIT)
    for name, table in {"rows": rows(200, 1), "test": rows(1000, 2)}.items():
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, table.column_names)
            writer.writeheader()
            writer.writerows(table.to_pylist())
    words = (
        *("improve", "rows.csv", "--test", "test.csv", "--metric", METRIC, "--by", "site"),
        *("--budget", "200", "--keep", "kept", "--repeats", "2"),
        *("--train", f"{sys.executable} fit.py {{train}} {{test}} {{out}}"),
    )
    first = run_command(*words, "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) == 9
    before = [one.stat().st_mtime_ns for one in kept]
    kept[0].unlink()  # as if it had been interrupted before
    second = run_command(*words, "--json", cwd=tmp_path)
    assert second.stdout == first.stdout
    after = [one.stat().st_mtime_ns for one in sorted((tmp_path / "kept").iterdir())]
    assert after[1:] == before[1:]
    table = run_command(*words, "--csv", cwd=tmp_path).stdout.splitlines()
    assert table[0] == "site,collect,cost,more_data"
    assert len(table) == 3
    # Another learner has answers of its own.
    (tmp_path / "fit.py").write_text(FIT + "\n# changed\n")
    run_command(*words, cwd=tmp_path)
    assert len(list((tmp_path / "kept").iterdir())) == 18
    before = (tmp_path / "test.csv").read_bytes()
    refused = run_command(*words, "--html", "test.csv", "--force", cwd=tmp_path)
    assert refused.returncode == 2
    assert (tmp_path / "test.csv").read_bytes() == before
    (tmp_path / "fit.py").write_text("import sys; sys.exit('no model today')")
    failed = run_command(*words, cwd=tmp_path)
    assert failed.returncode == 2
    assert "no model today" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_module_in_the_current_folder_is_found(tmp_path):
    for name, seed in (("train", 1), ("test", 2)):
        write_csv(rows(200, seed), tmp_path / f"{name}.csv")
    (tmp_path / "learner.py").write_text(
        "import beside\n\ndef train(rows, test):\n    return [beside.ANSWER] * test.num_rows\n"
    )
    (tmp_path / "beside.py").write_text("ANSWER = 0\n")
    asked = ("improve", "train.csv", "--test", "test.csv", "--by", "site", "--budget", "20")
    asked += ("--metric", "error_rate(label=y, prediction=prediction)", "--repeats", "2")
    # As the installed command starts: the current folder is not searched by itself.
    command = (sys.executable, "-P", "-c", "from evenhand.cli.app import main; main()", *asked)
    ended, lacking = (
        subprocess.run(
            [*command, "--train", name], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        for name in ("learner:train", "elsewhere:train")
    )
    assert ended.returncode == 0, ended.stderr
    shown = " ".join(ended.stdout.split())
    assert "takes away at least 10 % of its errors (of how far its error_rate is" in shown
    assert lacking.returncode == 2
    assert "No module named 'elsewhere'" in lacking.stderr


def test_the_page_says_the_same_and_escapes(found, tmp_path):
    page = found.to_html()
    assert "More data will not help b" in page
    assert page.count("<svg") >= 2
    evil = "<script>alert(1)</script>"
    table = rows(200, 1)
    site = pa.array([evil if one == "a" else one for one in table["site"].to_pylist()])
    hostile = table.set_column(0, "site", site)
    got = evenhand.improve(
        hostile, lambda given, test: [0] * test.num_rows, METRIC, "site", test=hostile, budget=40
    )
    assert evil not in got.to_html()
    assert got.to_figure().startswith("<svg")


def test_variance_of_trainings_beyond_that_of_the_rows_tested():
    rng = np.random.default_rng(1)
    runs, tested, own = 40, 500, 0.05
    estimates = []
    for _ in range(60):
        rates = 0.3 + rng.normal(0, own, runs)
        wrong = rng.random((runs, tested)) < rates[:, None]
        covariance = np.cov(wrong.astype(float)) / tested
        estimates.append(noise_of_training(wrong.mean(axis=1), covariance, [list(range(runs))]))
    assert np.mean(estimates) == pytest.approx(own**2, rel=0.1)
    assert noise_of_training(np.array([0.3, 0.3]), np.eye(2), [[0, 1]]) == 0.0


def test_whole_rows_stay_within_the_amount():
    got = whole_rows(np.array([10.6, 3.7, 0.2]), np.array([1.0, 2.0, 5.0]), 19.0)
    assert got.tolist() == [11, 4, 0]


def test_bins_are_those_of_the_rows_for_training():
    rng = np.random.default_rng(0)
    given = rows(200, 1).append_column("age", pa.array(rng.random(200) * 50))
    test = rows(600, 2).append_column("age", pa.array(rng.random(600) * 90))
    found = evenhand.improve(given, tree, METRIC, "age", test=test, budget=200)
    ages = test["age"].to_numpy()
    for one in found.groups:
        ends = [float(word) for word in one.predicate.split() if word.replace(".", "").isdigit()]
        # Edges are told with three digits.
        own = [
            ages >= end if sign == ">=" else ages < end
            for end, sign in zip(
                ends, [w for w in one.predicate.split() if w in (">=", "<")], strict=True
            )
        ]
        assert one.test_rows == pytest.approx(np.logical_and.reduce(own).sum(), abs=3)


@pytest.mark.parametrize("names", ["columns", "one column", "kinds"])
def test_answers_in_other_forms_are_the_same_answers(found, names):
    calls = []

    def answer(given, test):
        calls.append(given.num_rows)
        told = tree(given, test)
        if names == "columns":
            return {"prediction": told}
        if names == "one column":
            return np.asarray(told)[:, None]
        return told if len(calls) % 2 else told.astype(float)

    assert [one.value for one in ask(answer).groups] == [one.value for one in found.groups]


def test_texts_that_look_like_numbers_after_some_trainings_stay_texts():
    given, test = rows(200, 1), rows(600, 2)
    texts = [table.set_column(2, "y", table["y"].cast(pa.string())) for table in (given, test)]

    def answer(own, asked):
        told = tree(own, asked)
        return told.astype(int) if own.num_rows < 200 else [str(int(one)) for one in told]

    found = evenhand.improve(texts[0], answer, METRIC, "site", test=texts[1], budget=200)
    plain = evenhand.improve(given, tree, METRIC, "site", test=test, budget=200)
    assert [one.value for one in found.groups] == [one.value for one in plain.groups]
    assert [run.values for run in found.runs] == [run.values for run in plain.runs]


def test_a_learner_that_gets_worse_with_more_rows_is_no_fault():
    def answer(given, test):
        wrong = np.arange(test.num_rows) % 100 < given.num_rows / 2.1
        truth = test["y"].to_numpy()
        return np.where(wrong, 1 - truth, truth)

    found = ask(answer, tested=6000)
    assert not any(one.verdict == "helps" for one in found.groups)


def test_a_metric_that_is_none_is_said_after_the_first_training():
    calls = []

    def answer(given, test):
        calls.append(1)
        return tree(given, test)

    wrong = "error_rate(label=y, prediction=predicted)"
    with pytest.raises(InputError, match="predicted"):
        evenhand.improve(rows(100, 1), answer, wrong, "site", test=rows(100, 2), budget=50)
    assert len(calls) == 1
    with pytest.raises(InputError, match="less than one row"):
        ask(answer, budget=3)
    assert len(calls) == 1


def test_units_that_are_trained_with_and_tested_are_told():
    (note,) = [one for one in ask(unit="who").notes if one.code == "units_in_both"]
    assert "Of 1,500 units tested (who) 100 are trained with" in note.text
    (note,) = ask(test=rows(200, 1)).notes
    assert note.code == "rows_in_both"


def coded(rng, n, wide):
    """Rows of few values, which look alike by chance, or of so many that none does."""
    x = rng.normal(size=n) if wide else rng.integers(0, 4, n)
    return pa.table({"site": rng.choice(["a", "b"], n), "x": x, "y": rng.integers(0, 2, n)})


@pytest.mark.parametrize("wide", [True, False])
def test_rows_that_training_sees_are_told_and_rows_that_only_look_alike_are_not(wide):
    rng = np.random.default_rng(6)
    told = [list(_alike(coded(rng, 300, wide), coded(rng, 200, wide))) for _ in range(100)]
    assert sum(map(len, told)) <= 1
    given, tested = coded(rng, 300, True), coded(rng, 200, True)
    (note,) = _alike(given, pa.concat_tables([tested, given.slice(0, 40)]))
    assert note.code == "rows_in_both"
    assert note.text.startswith("40 of 240 rows for testing are among those for training")
    assert list(_alike(given, tested.drop_columns(["site", "x", "y"]))) == []


def test_what_is_kept_is_no_answer_or_no_folder(tmp_path):
    (tmp_path / "fit.py").write_text(FIT)
    train = f"{sys.executable} {tmp_path / 'fit.py'} {{train}} {{test}} {{out}}"
    keep = tmp_path / "kept"
    keep.write_text("no folder")
    with pytest.raises(InputError, match="cannot be a folder"):
        ask(train, tested=200, keep=keep)
    keep.unlink()
    ask(train, tested=200, keep=keep)
    next(keep.glob("*.parquet")).write_bytes(b"half")
    with pytest.raises(InputError, match="no answer that was kept"):
        ask(train, tested=200, keep=keep)


def test_a_program_may_say_what_is_no_text(tmp_path):
    fit = tmp_path / "fit.py"
    fit.write_text("import sys\nsys.stderr.buffer.write(b'\\xff bad')\nsys.exit(3)\n")
    with pytest.raises(InputError, match=r"exit code 3\): . bad"):
        ask(f"{sys.executable} {fit} {{train}} {{test}} {{out}}", tested=200)
