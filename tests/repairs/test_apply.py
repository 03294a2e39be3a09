"""A repair decides other rows as it decided those of its proof, and refuses groups that it never saw."""

import json
import sys

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command
from tests.repairs.worlds import FALSE_ALARMS, clinic, nobody

from evenhand.errors import InputError
from evenhand.repairs import apply_repair, fix, practice


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
    assert "The test of this repair: Reached: no two groups differ by more than" in done.stdout


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


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"unit": "unit", "seed": 3},
        {"where": "score < 0.9", "held_out": 0.3},
        {"columns": "unit=text", "unit": "unit"},
        {"by": [["unit_class", "site"]]},
    ],
)
def test_rows_that_a_repair_was_learnt_from_are_marked_in_its_file(tmp_path, asked, monkeypatch):
    learnt, own = [], practice.held_out

    def seen(*given):
        learnt.append(own(*given))
        return learnt[-1]

    monkeypatch.setattr(sys.modules["evenhand.repairs.fix"], "part", seen)
    path = tmp_path / "rows.csv"
    rows = 3000
    table = clinic(rows, 1)
    table = table.append_column("unit", pa.array([f"{one % 700:03}" for one in range(rows)]))
    table = table.append_column("unit_class", pa.array([one % 2 for one in range(rows)]))
    pa.csv.write_csv(table, path)
    by = asked.pop("by", "site")
    found = fix(path, FALSE_ALARMS, by, maximum_difference=0.2, **asked)
    where = asked.get("where")
    applied = apply_repair(found, path, where=where)
    assert applied.practice == found.practice_rows
    assert applied.table[applied.practice_column].to_pylist() == [not one for one in learnt[0]]
    whole = apply_repair(found, path, outside=True)
    assert whole.practice == found.practice_rows
    assert whole.table.num_rows == rows
    assert whole.answer == found.rule.answer


def test_rows_of_another_file_or_another_parting_are_not_said_to_be_held_out(place, tmp_path):
    rows = (place / "clinic.csv").read_text()
    other = tmp_path / "other.csv"
    other.write_text(rows + "\n")
    written = json.loads((place / "repair.json").read_text())
    assert apply_repair(written, place / "clinic.csv").practice > 0
    assert apply_repair(written, other).practice is None
    assert apply_repair(written, clinic(20, 1)).practice is None
    written["settings"]["seed"] += 1
    applied = apply_repair(written, place / "clinic.csv")
    assert (applied.practice, applied.practice_column) == (None, None)
    assert "practice" not in applied.table.column_names


def test_the_command_says_of_which_rows_numbers_are_too_good(place, tmp_path):
    out = tmp_path / "decided.csv"
    asked = ("fix", "apply", "repair.json")
    done = run_command(*asked, "clinic.csv", "--out", str(out), cwd=place)
    learnt = json.loads((place / "repair.json").read_text())["practice_rows"]
    told = " ".join(done.stdout.split())
    assert f"learnt from {learnt:,} of the 4,000 rows, and numbers of them are too good" in told
    metric = "false_positive_rate(label=y, prediction=repaired)"
    option = ("--where", told.rpartition("--where ")[2].strip("'"))
    audited = run_command(
        "audit", str(out), "--metric", metric, "--by", "site", *option, "--json", cwd=place
    )
    assert json.loads(audited.stdout)["source"]["rows"] == 4000 - learnt, audited.stderr
    other = tmp_path / "other.csv"
    pa.csv.write_csv(clinic(30, 2), other)
    done = run_command(*asked, str(other), "--out", str(tmp_path / "o.csv"), cwd=place)
    told = (
        "rows of clinic.csv that the repair was learnt from are too good: if some are among these"
    )
    assert told in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", ["decided.csv", "decided.parquet"])
def test_a_repair_is_applied_again_to_the_same_file(place, tmp_path, name):
    out = tmp_path / name
    asked = ("fix", "apply", "repair.json", "clinic.csv", "--out", str(out))
    first = run_command(*asked, cwd=place)
    again = run_command(*asked, cwd=place)
    assert (first.returncode, again.returncode) == (0, 0), again.stderr


def test_a_file_with_something_else_in_it_is_not_replaced(place, tmp_path):
    out = tmp_path / "decided.csv"
    out.write_text("mine\n1\n")
    asked = ("fix", "apply", "repair.json", "clinic.csv", "--out", str(out))
    done = run_command(*asked, cwd=place)
    assert done.returncode == 2
    assert "holds something else" in done.stderr
    assert out.read_text() == "mine\n1\n"
    assert run_command(*asked, "--force", cwd=place).returncode == 0


def test_groups_that_were_left_out_when_it_was_learnt_can_be_left_out_again(tmp_path):
    path = tmp_path / "rows.csv"
    table = clinic(3000, 1)
    sites = ["c" if place % 10 == 0 else one for place, one in enumerate(table["site"].to_pylist())]
    pa.csv.write_csv(table.set_column(0, "site", pa.array(sites)), path)
    kept = "site in ('a', 'b')"
    found = fix(path, FALSE_ALARMS, "site", maximum_difference=0.1, where=kept)
    with pytest.raises(InputError) as error:
        apply_repair(found, path)
    assert f'leave these rows out, as the repair was learnt (--where "{kept}")' in str(error.value)
    applied = apply_repair(found, path, where=kept)
    assert applied.table.num_rows == 2700
    plain = fix(clinic(3000, 1), FALSE_ALARMS, "site", maximum_difference=0.1)
    with pytest.raises(InputError) as error:
        apply_repair(plain, path)
    rest = str(error.value).split('--where "')[1].split('"')[0]
    assert apply_repair(plain, path, where=rest).table.num_rows == 2700
