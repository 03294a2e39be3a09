"""A repair decides other rows as it decided those of its proof, and refuses groups that it never saw."""

import json

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command
from tests.repairs.worlds import FALSE_ALARMS, clinic, nobody

from evenhand.errors import InputError
from evenhand.repairs import apply_repair, fix


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repairs")
    pa.csv.write_csv(clinic(4000, 1), folder / "clinic.csv")
    asked = ("fix", "clinic.csv", "--metric", FALSE_ALARMS, "--by", "site", "--keep", "repair.json")
    done = run_command(*asked, "--maximum-difference", "0.1", "--html", "fix.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_decisions_are_thresholds_by_group(place):
    done = run_command(
        "fix", "apply", "repair.json", "clinic.csv", "--out", "decided.csv", cwd=place
    )
    assert done.returncode == 0, done.stderr
    repair = json.loads((place / "repair.json").read_text())["repair"]
    at = {one["group"]["site"]: one["threshold"] for one in repair["groups"]}
    rows = pa.csv.read_csv(place / "decided.csv").to_pylist()
    assert all(one["repaired"] == (one["score"] >= at[one["site"]]) for one in rows)
    assert "4,000 rows decided" in done.stdout


def test_strange_groups_are_refused_before_any_row_is_decided(place):
    table = clinic(20, 1).to_pylist()
    table[3]["site"] = "A"
    with pytest.raises(InputError, match=r"Unknown group 'A'\. Did you mean 'a'\?") as told:
        apply_repair(place / "repair.json", pa.Table.from_pylist(table))
    assert "no row was decided" in str(told.value)


def test_rows_without_a_group_or_a_score_are_counted(place):
    table = clinic(20, 1).to_pylist()
    table[3]["site"] = None
    table[4]["score"] = None
    found = apply_repair(place / "repair.json", pa.Table.from_pylist(table))
    assert (found.lacking, found.undecided) == (1, 1)
    assert found.table[found.column][4].as_py() is None
    assert found.table[found.column][3].as_py() in (0, 1)


def test_rows_without_a_score_are_decided_as_they_stand_as_in_the_proof():
    rng = np.random.default_rng(0)
    table = clinic(2000, 1)
    decided = pa.array((table["score"].to_numpy() >= 0.5).astype(int))
    holes = pa.array(np.where(rng.random(2000) < 0.1, np.nan, table["score"].to_numpy()))
    table = table.append_column("p", decided).set_column(1, "score", holes)
    metric = "false_positive_rate(label=y, prediction=p)"
    found = fix(table, metric, "site", score="score", maximum_difference=0.15)
    assert found.repair.kind != "as it stands"
    lacks = np.isnan(holes.to_numpy())
    applied = apply_repair(found, table)
    assert (applied.standing, applied.undecided) == (lacks.sum(), 0)
    told = applied.table[applied.column].to_numpy()
    assert (told[lacks] == decided.to_numpy()[lacks]).all()
    without = apply_repair(found, table.drop_columns(["p"]))
    assert (without.standing, without.undecided) == (0, lacks.sum())


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda r: r["groups"][1].update(threshold=None), r"groups\[1\] has neither a threshold"),
        (lambda r: r["groups"][1].update(answer="p"), r"groups\[1\] has a threshold and an answer"),
        (lambda r: r["otherwise"].update(threshold=None, answer="pp"), "Unknown answer 'pp'"),
        (lambda r: r.update(score=None), "repair.score is null"),
        (lambda r: r.update(by=["sex"]), r"told apart by site, but repair.by names sex"),
        (lambda r: r["groups"][0].update(group={"sex": "a"}), r"groups\[0\].group .* by sex"),
        (lambda r: r.update(negative="no"), "must be of one kind"),
        (lambda r: r.update(negative=r["positive"]), "are both 1"),
        (lambda r: r["seen"][0].update(column="x"), r"seen\[0\].column: Unknown number 'x'"),
        (lambda r: r["seen"][0].update(first=5), r"seen\[0\] has first 5 above last"),
    ],
)
def test_what_contradicts_itself_in_a_repair_is_refused_at_its_place(place, tmp_path, edit, told):
    written = json.loads((place / "repair.json").read_text())
    edit(written["repair"])
    path = tmp_path / "repair.json"
    path.write_text(json.dumps(written))
    with pytest.raises(InputError, match=told) as error:
        apply_repair(path, clinic(20, 1))
    assert str(path) in str(error.value)


def test_labels_are_not_needed(place):
    table = clinic(20, 1).drop_columns(["y"])
    assert apply_repair(place / "repair.json", table).undecided == 0


def test_a_column_of_the_same_name_stays(place):
    table = clinic(20, 1).append_column("repaired", pa.array(["mine"] * 20))
    found = apply_repair(place / "repair.json", table)
    assert found.column == "repaired_2"
    assert found.table["repaired"].to_pylist() == ["mine"] * 20


@pytest.mark.parametrize(
    ("text", "told"), [("{}", "schema is None"), ("nonsense", "no JSON"), (None, "No such file")]
)
def test_what_is_no_repair_is_refused(text, told, tmp_path):
    path = tmp_path / "repair.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=told):
        apply_repair(path, clinic(20, 1))


def test_files_that_are_read_are_never_replaced(place):
    for out, told in (("clinic.csv", "which this run reads"), ("decided.txt", ".csv or .parquet")):
        done = run_command(
            "fix", "apply", "repair.json", "clinic.csv", "--out", out, "--force", cwd=place
        )
        assert done.returncode == 2
        assert told in done.stderr


def test_a_rule_that_cannot_be_kept_ends_with_1_and_one_that_is_not_known_with_3(place):
    asked = ("fix", "clinic.csv", "--metric", "error_rate(label=y, prediction=y)", "--by", "site")
    flipped = "false_positive_rate(label=y, prediction=score >= 0)"
    never = ("--metric", flipped, "--maximum", "0.0001", "--allowance", "0", "--json")
    done = run_command("fix", "clinic.csv", "--by", "site", *never, cwd=place)
    assert done.returncode in (1, 3)
    assert json.loads(done.stdout)["rule"]["answer"] != "reached"
    done = run_command(*asked, "--maximum-difference", "0.001", cwd=place)
    assert done.returncode == 3, done.stdout + done.stderr


def test_a_rule_that_is_kept_by_deciding_hardly_anyone_ends_with_3(tmp_path):
    pa.csv.write_csv(nobody(1000), tmp_path / "nobody.csv")
    metric = "false_positive_rate(label=y, prediction=p)"
    asked = ("fix", "nobody.csv", "--metric", metric, "--by", "site", "--allowance", "0.9")
    done = run_command(*asked, "--other", "never", "--maximum", "0.1", cwd=tmp_path)
    assert done.stdout.startswith("Hardly anyone is decided 1 any more: a 0 of ")
    assert "Reached: " in done.stdout
    assert done.returncode == 3
    done = run_command(*asked, "--other", "never", "--maximum", "0.9", cwd=tmp_path)
    assert "Hardly anyone" not in done.stdout
    assert done.returncode == 0


def as_csv(folder, rows):
    path = folder / "rows.csv"
    pa.csv.write_csv(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("names", [("true", "unknown"), ("01", "A1"), ("1", "x"), (1, 2)])
def test_a_row_alone_is_decided_as_beside_others(names, tmp_path):
    # Alone a row's site may look like a number, or true and false.
    table = clinic(3000, 1)
    sites = [names[one == "b"] for one in table["site"].to_pylist()]
    table = table.set_column(0, "site", pa.array(sites))
    found = fix(table, FALSE_ALARMS, "site", maximum_difference=0.1)
    rows = [*table.slice(0, 3).to_pylist(), {"site": None, "score": 0.55, "y": 0}]
    together = apply_repair(found, as_csv(tmp_path, rows))
    told = together.table[together.column].to_pylist()
    for row, decided in zip(rows, told, strict=True):
        alone = apply_repair(found, as_csv(tmp_path, [row]))
        assert alone.table[alone.column].to_pylist() == [decided]
    assert together.lacking == 1


def test_whole_numbers_are_the_same_group_with_and_without_a_point():
    table = clinic(3000, 1)
    sites = pa.array([1 + (one == "b") for one in table["site"].to_pylist()])
    found = fix(table.set_column(0, "site", sites), FALSE_ALARMS, "site", maximum_difference=0.1)
    other = table.set_column(0, "site", sites.cast(pa.float64()))
    assert (
        apply_repair(found, other).table["repaired"]
        == apply_repair(found, table.set_column(0, "site", sites)).table["repaired"]
    )


def test_a_group_of_a_learnt_score_has_its_part_however_its_value_is_written():
    # Text '1' and the number 1 are one group: what was learnt for it is added in both.
    rng = np.random.default_rng(0)
    site, x = rng.integers(0, 2, 4000), rng.normal(size=4000)
    y = (x * np.where(site == 1, 1, -1) + 0.3 * rng.normal(size=4000) > 0).astype(int)
    table = pa.table({"site": site, "x": x, "y": y})
    metric = "error_rate(label=y, prediction=prediction)"
    found = fix(table, metric, "site", features="x")
    assert "by group" in found.repair.score
    as_text = table.set_column(0, "site", pa.array([str(one) for one in site]))
    one, two = (apply_repair(found, given).table["repaired"] for given in (table, as_text))
    assert (one.to_numpy() == y).mean() > 0.85
    assert one == two


def test_columns_are_read_as_they_were_declared(tmp_path):
    table = clinic(3000, 1)
    shares = [f"{100 * one:.2f} %" for one in table["score"].to_pylist()]
    path = tmp_path / "clinic.csv"
    pa.csv.write_csv(table.set_column(1, "score", pa.array(shares)), path)
    found = fix(path, FALSE_ALARMS, "site", maximum_difference=0.1, columns="score=percent")
    assert found.repair.columns["score"] == "percent"
    applied = apply_repair(found, path)
    at = {one.group["site"]: one.threshold for one in found.repair.groups}
    wanted = [
        int(round(score, 4) >= at[site])
        for site, score in zip(table["site"].to_pylist(), table["score"].to_pylist(), strict=True)
    ]
    assert applied.table["repaired"].to_pylist() == wanted


def test_a_repair_of_before_is_applied(place, tmp_path):
    written = json.loads((place / "repair.json").read_text())
    for name in ("columns", "seen"):
        del written["repair"][name]
    path = tmp_path / "repair.json"
    path.write_text(json.dumps(written))
    assert apply_repair(path, clinic(20, 1)).table.num_rows == 20
