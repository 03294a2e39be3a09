"""What is said of a repair: who pays and who may, in words that a reader knows, and messages that lead on."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command
from tests.repairs.worlds import FALSE_ALARMS, clinic

from evenhand.errors import InputError
from evenhand.repairs import fix
from evenhand.repairs.amounts import before_of
from evenhand.repairs.tables import groups_table, price_table, tried_table
from evenhand.repairs.words import changed, headline


def one_line(found):
    return str(found).replace("\n", " ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("told")
    table = clinic(2000, 1)
    pa.csv.write_csv(table, place / "clinic.csv")
    words = pa.array(np.where(table["y"].to_numpy() == 1, "yes", "no"))
    pa.csv.write_csv(table.set_column(2, "y", words), place / "words.csv")
    numbers = pa.array(table["y"].to_numpy() + 1)
    pa.csv.write_csv(table.set_column(2, "y", numbers), place / "numbers.csv")
    return place


def levelled():
    """Nothing is to be known of site b: only being worse at a makes the two alike."""
    rng = np.random.default_rng(0)
    site = np.repeat(["a", "b"], 3000)
    score = rng.random(6000)
    y = np.where(site == "a", score + 0.15 * rng.normal(size=6000) > 0.5, rng.random(6000) > 0.5)
    p = (score >= 0.5).astype(int)
    return pa.table({"site": site, "score": score, "y": y.astype(int), "p": p})


def test_a_rule_that_is_reached_by_levelling_down_ends_with_3(tmp_path):
    pa.csv.write_csv(levelled(), tmp_path / "levelled.csv")
    metric = "error_rate(label=y, prediction=p)"
    asked = ("fix", "levelled.csv", "--by", "site", "--metric", metric, "--score", "score")
    done = run_command(*asked, "--maximum-difference", "0.25", "--allowance", "0.5", cwd=tmp_path)
    assert done.stdout.startswith("Reached: ")
    assert "levelling down" in done.stdout
    assert done.returncode == 3


def test_a_group_that_pays_twice_is_named_once_with_both_prices():
    found = fix(
        levelled(),
        "error_rate(label=y, prediction=p)",
        "site",
        score="score",
        maximum_difference=0.2,
        allowance=0.5,
    )
    told = one_line(found)
    paying = told[told.index("Who pays: ") : told.index("Wrong decisions in all")]
    assert paying.count("a (") == 1
    assert re.search(
        r"a \([^)]* more wrong decisions, and [^)]* more (of its cases +missed|false +alarms)\)",
        paying,
    )


def test_who_may_pay_is_named_beside_who_does():
    few = pa.table({"site": ["c"] * 24, "score": [0.45, 0.55] * 12, "y": [0, 1] * 12})
    table = pa.concat_tables([clinic(4000, 1), few])
    told = one_line(fix(table, FALSE_ALARMS, "site", maximum=0.1, allowance=0.5))
    paying = told[told.index("Who pays: ") : told.index("Wrong decisions in all")]
    assert "c (" not in paying
    assert "c may pay as well: the tables below say in what." in paying


@pytest.mark.parametrize(("name", "positive"), [("words", "yes"), ("numbers", "2")])
def test_the_positive_value_is_named_once_for_the_label_and_the_metric(folder, name, positive):
    limit = {"maximum": 0.45}
    found = fix(folder / f"{name}.csv", FALSE_ALARMS, "site", positive=positive, **limit)
    plain = fix(folder / "clinic.csv", FALSE_ALARMS, "site", **limit)
    assert found.rule.before == plain.rule.before
    assert [one.threshold for one in found.repair.groups] == [
        one.threshold for one in plain.repair.groups
    ]


@pytest.mark.parametrize(
    ("name", "positive", "other"),
    [("words", "no", "n"), ("numbers", "1", "1"), ("clinic", "0", "0")],
)
def test_the_other_value_may_be_positive(folder, name, positive, other):
    found = fix(folder / f"{name}.csv", FALSE_ALARMS, "site", positive=positive, maximum=0.999)
    assert str(found.repair.positive) == positive
    # As the label is turned: of those who are ill, who is flagged.
    rows = clinic(2000, 1)
    score, y = (rows[one].to_numpy() for one in ("score", "y"))
    assert found.rule.before == pytest.approx(
        max(
            (score[(y == 1) & own] >= 0.5).mean()
            for own in (rows["site"].to_numpy(zero_copy_only=False) == s for s in "ab")
        ),
        abs=0.06,
    )


def test_a_predicate_where_a_column_belongs_is_called_one(folder):
    metric = "error_rate(label=y, prediction=score >= 0.5)"
    with pytest.raises(InputError, match="is a predicate") as told:
        fix(folder / "clinic.csv", metric, "site")
    assert "balanced_accuracy" in str(told.value)
    assert fix(folder / "clinic.csv", metric.replace("error_rate", "balanced_accuracy"), "site")
    with pytest.raises(InputError, match=r"such as balanced_accuracy\.") as told:
        fix(folder / "clinic.csv", FALSE_ALARMS, "site")
    assert "error_rate" not in str(told.value)


def test_no_name_of_ours_is_told(folder):
    with pytest.raises(InputError, match="Unknown column 'scor'") as told:
        fix(folder / "clinic.csv", "error_rate(label=y, prediction=scor)", "site")
    assert "evenhand:" not in str(told.value)
    table = clinic(2000, 1)
    rng = np.random.default_rng(0)
    holes = rng.random((2, 2000)) < 0.1
    p = [
        None if hole else int(one >= 0.5)
        for hole, one in zip(holes[0], table["score"].to_pylist(), strict=True)
    ]
    score = [
        None if hole else one
        for hole, one in zip(holes[1], table["score"].to_pylist(), strict=True)
    ]
    table = table.append_column("p", pa.array(p)).set_column(1, "score", pa.array(score))
    metric = "false_positive_rate(label=y, prediction=p)"
    found = fix(table, metric, "site", score="score", maximum=0.3)
    assert found.repair.kind != "as it stands"
    for told in (str(found), found.to_html()):
        assert "as_it_stands" not in told
        assert "service" not in told
    assert "held-out rows had no decision before, and the repair decides them" in one_line(found)
    assert "rows lack a decision as it stands and are not in the numbers." in one_line(found)


def test_the_page_has_a_head_for_each_kind_of_error_and_an_axis_in_points():
    page = fix(
        levelled(), "error_rate(label=y, prediction=p)", "site", score="score", maximum=0.4
    ).to_html()
    for head in ("Cases missed on held-out rows", "False alarms on held-out rows"):
        assert f"<h3>{head}</h3>" in page
    assert "points" in page
    assert not re.findall(r"<text[^>]*>[−+]?\.\d", page)
    assert re.findall(r"<text[^>]*>[−+]\d+\.0<", page)


@pytest.fixture(scope="module")
def tens():
    """Scores from 1 to 10 that are right from 6 up at a and from 9 up at b; and a few rows of c."""
    rng = np.random.default_rng(0)
    site = np.repeat(["a", "b", "c"], [3000, 3000, 14])
    score = rng.integers(1, 11, len(site))
    right = np.where(site == "b", 9, 6)
    y = np.where(score >= right, rng.random(len(site)) < 0.9, rng.random(len(site)) < 0.1)
    y[-14:] = np.tile([0, 1], 7)
    table = pa.table({"site": site, "score": score, "y": y.astype(int)})
    metric = "false_positive_rate(label=y, prediction=score >= 6)"
    return fix(table, metric, "site", score="score", maximum=0.3, allowance=0.1)


@pytest.mark.parametrize("kind", ["maximum", "minimum", "maximum difference", "worst group"])
@pytest.mark.parametrize(
    ("answer", "head"),
    [
        ("reached", "Reached: "),
        ("not reached", "Not reached: "),
        ("insufficient evidence", "Not proven that "),
    ],
)
def test_the_first_sentence_is_true_where_it_is_read_alone(tens, kind, answer, head):
    told = headline(replace(tens, rule=replace(tens.rule, kind=kind, answer=answer)))
    assert told.startswith(head)
    kept = ("every group has", "no two groups differ", "is better off")
    broken = ("some group has", "some groups differ", "is no better off")
    assert any(one in told for one in (broken if answer == "not reached" else kept))
    assert not any(one in told for one in (kept if answer == "not reached" else broken))


def test_thresholds_of_whole_scores_are_told_whole(tens):
    assert tens.repair.kind == "thresholds by group"
    assert all(one.threshold == int(one.threshold) for one in tens.repair.groups)


def test_where_no_decision_changed_that_is_said_and_no_interval(tens):
    at = {one.group["site"]: one.threshold for one in tens.repair.groups}
    assert at["a"] == 6 < at["b"]
    assert tens.changed_rows["site = 'a'"] == 0 < tens.changed_rows["site = 'b'"]
    for table in (groups_table(tens), price_table(tens.errors, untouched=tens.untouched)):
        rows = {row[0].text: " ".join(cell.text for cell in row) for row in table.rows}
        assert "0.0 – no decision changed" in rows["a"]
        assert "no decision changed" not in rows["b"]
    assert "no decision changed" in tens.to_html()


def test_cases_that_the_metric_counts_stand_beside_all_rows(tens):
    table = groups_table(tens)
    heads = [one.head for one in table.columns]
    c = next(row for row in table.rows if row[0].text == "c")
    rows, counted = (int(c[heads.index(head)].text) for head in ("rows", "counted"))
    assert 0 < counted < rows
    assert f"{counted} held-out rows counted in false_positive_rate, 5 are needed" in one_line(tens)


def test_all_repairs_but_the_chosen_one_are_passed_over_for_a_reason(tens):
    first, *others = tens.tried
    assert first.chosen
    assert first.passed_over is None
    assert all(one.passed_over for one in others)
    now = next(one for one in tens.tried if one.name == "as it stands")
    dear = [one for one in tens.tried if one.errors > now.errors + 0.1]
    assert all("too many errors" in one.passed_over for one in dear)
    assert "practice rows" in tried_table(tens).columns[2].head


def test_what_is_shown_adds_up(tens):
    for each in tens.prices:
        for one in each.groups:
            if one.change is None or one.change.value is None:
                continue
            first, last = (
                round(value, 3) for value in (before_of(each, one.predicate), one.estimate.value)
            )
            told = changed(one, one.estimate.value, each).split(" ")[0].replace("−", "-")
            assert abs(float(told)) == pytest.approx(abs(100 * (last - first)))
            assert not told.startswith("-") or last <= first


def test_whom_a_missed_case_harms_is_not_said(tens):
    assert any(one.verdict == "loses" for each in tens.sides for one in each.groups)
    assert one_line(tens).count("harms a person or spares them depends on what is") == 1
    alike = replace(tens, sides=())
    assert "spares them" not in one_line(alike)
