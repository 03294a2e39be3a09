"""A repair is found on practice rows, proven on others, and told with everyone who pays."""

import importlib
import json
import math
import sys

import numpy as np
import pyarrow as pa
import pytest
from tests.repairs.worlds import FALSE_ALARMS, clinic, false_alarms, nobody

from evenhand.errors import InputError
from evenhand.repairs import RepairTrial, apply_repair, fix
from evenhand.repairs.words import tried_name

IN_WORDS = "false_positive_rate(label=word, prediction=score >= 0.5, positive='yes')"
ERRORS = "error_rate(label=y, prediction=prediction)"


@pytest.fixture(scope="module")
def mended():
    return fix(clinic(6000, 1), FALSE_ALARMS, "site", maximum_difference=0.08)


def test_a_difference_that_thresholds_take_away_is_reached(mended):
    assert mended.rule.answer == "reached"
    assert mended.rule.before > 0.12
    assert mended.rule.high <= 0.08
    assert mended.repair.kind == "thresholds by group"
    assert mended.repair.uses_group


def test_nobody_is_in_both_parts(mended):
    assert mended.practice_rows + mended.held_out_rows == 6000
    table = clinic(2000, 2).append_column("doctor", pa.array(np.arange(2000) // 10))
    found = fix(table, FALSE_ALARMS, "site", maximum_difference=0.1, unit="doctor")
    assert found.practice_units + found.held_out_units == 200
    assert found.unit == "doctor"


def test_the_answer_comes_back_from_its_json(mended):
    assert RepairTrial.from_json(mended.to_json()) == mended


def test_changes_are_of_the_same_rows_before_and_after(mended):
    rows = {one.estimate.n_rows for one in mended.change.overall}
    assert len(rows) == 1
    both = {one.service for one in mended.change.groups}
    assert len(both) == 2


def test_rules_that_are_not_kept_are_seldom_said_to_be_reached():
    # However many repairs are tried, one is tested: twelve candidates cost nothing.
    false, reached, worlds = 0, 0, 8
    for seed in range(worlds):
        found = fix(clinic(1500, seed), FALSE_ALARMS, "site", maximum_difference=0.09, seed=seed)
        at = {one.group["site"]: one.threshold for one in found.repair.groups}
        at = {site: 0.5 if one is None else one for site, one in at.items()}
        apart = abs(false_alarms(at["a"], "a") - false_alarms(at["b"], "b"))
        said = found.rule.answer == "reached"
        reached += said
        false += said and apart > 0.09
    assert reached
    assert false <= 0.05 * worlds + 3 * math.sqrt(0.05 * 0.95 * worlds)


def test_levelling_down_is_called_so():
    # Nothing is to be known of site b: only being worse at a makes the two alike.
    rng = np.random.default_rng(0)
    site = np.repeat(["a", "b"], 3000)
    score = rng.random(6000)
    y = np.where(site == "a", score + 0.15 * rng.normal(size=6000) > 0.5, rng.random(6000) > 0.5)
    table = pa.table({"site": site, "score": score, "y": y.astype(int)})
    metric = "error_rate(label=y, prediction=p)"
    table = table.append_column("p", pa.array((score >= 0.5).astype(int)))
    found = fix(table, metric, "site", score="score", maximum_difference=0.1, allowance=0.5)
    assert found.levelling_down
    assert "levelling down" in str(found)
    assert "Who pays: a (" in str(found)
    assert all(one.change.low > 0 for one in found.payers)
    assert "a" in {one.group["site"] for one in found.payers}
    kept = fix(table, metric, "site", score="score", maximum_difference=0.1)
    assert not kept.levelling_down


def test_a_gain_that_is_not_proven_is_levelling_down_all_the_same():
    rng = np.random.default_rng(0)
    site = np.repeat(["a", "b"], [4000, 200])
    y = (rng.random(4200) < 0.5).astype(int)
    p = np.where(rng.random(4200) < np.where(site == "a", 0.1, 0.5), 1 - y, y)
    # The other answer is worse at a; at b it is right twice where the first was wrong.
    q = np.where((site == "a") & (rng.random(4200) < 0.2), 1 - y, p)
    at_b = np.flatnonzero((site == "b") & (p != y))[::20]
    q[at_b] = y[at_b]
    table = pa.table({"site": site, "y": y, "p": p, "q": q})
    metric = "error_rate(label=y, prediction=p)"
    found = fix(table, metric, "site", other="q", maximum_difference=0.28, allowance=0.5)
    assert found.repair.kind != "as it stands"
    assert {one.group["site"]: one.verdict for one in found.change.groups if one.change} == {
        "a": "loses",
        "b": "insufficient evidence",
    }
    assert found.levelling_down


def test_a_rule_that_is_kept_by_deciding_nobody_is_told_first():
    asked = (nobody(1000), "false_positive_rate(label=y, prediction=p)", "site")
    found = fix(*asked, other="never", maximum=0.1, allowance=0.9)
    assert found.rule.answer == "reached"
    (note,) = [one for one in found.notes if one.code == "hardly_anyone"]
    assert note.text.startswith("Hardly anyone is decided 1 any more: a ")
    assert str(found).startswith("Hardly anyone")
    assert found.to_html().count("Hardly anyone") == 1
    found = fix(*asked, other="never", maximum=0.9, allowance=0.9)
    assert "hardly_anyone" not in {one.code for one in found.notes}


def test_what_does_better_at_too_high_a_price_is_named_with_the_allowance_it_needs():
    table = nobody(1000)
    y = table["y"].to_numpy()
    table = table.set_column(2, "p", pa.array(np.where(np.arange(1000) % 10, y, 1 - y)))
    asked = (table, "false_positive_rate(label=y, prediction=p)", "site")
    found = fix(*asked, other="never", maximum=0.05)
    assert found.repair.kind == "as it stands"
    told = " ".join(str(found).split())
    assert "at the price that is allowed" in told
    needed = float(told.partition("--allowance ")[2].partition(" ")[0])
    dearer = fix(*asked, other="never", maximum=0.05, allowance=needed)
    assert dearer.repair.kind == "one answer"
    # (An answer that is always the same as the decision does no better.)
    same = (table.append_column("q", table["p"]), *asked[1:])
    told = " ".join(str(fix(*same, other="q", maximum=0.05)).split())
    assert "No repair that was tried is clearly better: decisions stay" in told


def test_where_nothing_could_decide_otherwise_no_change_is_shown_and_what_to_name_is_told():
    found = fix(nobody(1000), "false_positive_rate(label=y, prediction=p)", "site", maximum=0.01)
    assert found.as_it_stands
    told, page = " ".join(str(found).split()), found.to_html()
    assert "Nothing was tried, for nothing is named that could decide otherwise" in told
    for option in ("--score", "--features", "--other", "--train"):
        assert option in told
    for text in (told, page):
        assert "unchanged" not in text.partition("What was tried")[0]
        assert "went from" not in text


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (FALSE_ALARMS, "perfect where nobody is decided positive"),
        ("true_positive_rate(label=y, prediction=score >= 0.5)", "perfect where everybody"),
        ("precision(label=y, prediction=score >= 0.5)", "undefined where nobody"),
    ],
)
def test_an_error_of_one_side_needs_a_limit(metric, told):
    with pytest.raises(InputError, match=f"{told}.*Name a limit"):
        fix(clinic(200, 1), metric, "site")


@pytest.mark.parametrize("metric", ["error_rate", "balanced_accuracy", "f1", "cohen_kappa"])
def test_errors_of_both_sides_need_none(metric):
    table = clinic(200, 1)
    decided = pa.array((table["score"].to_numpy() >= 0.5).astype(int))
    assert fix(table.append_column("p", decided), f"{metric}(label=y, prediction=p)", "site").rule


def test_groups_that_the_test_never_saw_are_named_and_nothing_is_proven_for_them():
    table = clinic(3000, 1)
    c = pa.table({"site": ["c"] * 40, "score": [0.4] * 40, "y": pa.nulls(40, pa.int64())})
    asked = ("site",), {"maximum": 0.6}
    assert fix(table, FALSE_ALARMS, *asked[0], **asked[1]).rule.answer == "reached"
    found = fix(pa.concat_tables([table, c]), FALSE_ALARMS, *asked[0], **asked[1])
    assert found.rule.answer == "insufficient evidence"
    assert str(found).startswith("Not proven for c (no held-out row has a label)")


def test_a_group_that_one_answer_fails_gets_the_other():
    rng = np.random.default_rng(0)
    site = rng.choice(["a", "b"], 4000)
    y = rng.integers(0, 2, 4000)
    flip = rng.random(4000)
    one = np.where(flip < np.where(site == "a", 0.1, 0.4), 1 - y, y)
    two = np.where(flip[::-1] < np.where(site == "b", 0.1, 0.4), 1 - y, y)
    table = pa.table({"site": site, "y": y, "one": one, "two": two})
    found = fix(table, "error_rate(label=y, prediction=one)", "site", other="two")
    assert {g.group["site"]: g.answer for g in found.repair.groups} == {"a": "one", "b": "two"}
    assert found.rule.answer == "reached"


def test_other_answers_may_be_predicates():
    table = clinic(1500, 1)
    found = fix(table, FALSE_ALARMS, "site", other="score >= 0.7", maximum=0.2)
    assert "score >= 0.7" in {one.name for one in found.tried}
    assert apply_repair(found, table).undecided == 0


def test_a_score_that_runs_the_other_way_is_told_of():
    table = clinic(600, 1)
    turned = table.append_column("risk", pa.array(-table["score"].to_numpy()))
    found = fix(turned, FALSE_ALARMS, "site", score="risk", maximum=0.5)
    assert "score_turned" in {one.code for one in found.notes}
    assert "score_turned" not in {
        one.code for one in fix(table, FALSE_ALARMS, "site", maximum=0.5).notes
    }


def test_what_is_learnt_here_helps_a_group_that_is_otherwise():
    rng = np.random.default_rng(0)
    site = rng.choice(["a", "b"], 4000, p=[0.85, 0.15])
    x = rng.normal(size=4000)
    y = (np.where(site == "a", x, -x) + 0.5 * rng.normal(size=4000) > 0).astype(int)
    table = pa.table({"site": site, "x": x, "y": y, "colour": rng.choice(["red", "blue"], 4000)})
    found = fix(table, ERRORS, "site", features=["x", "colour"])
    assert found.rule.answer == "reached"
    assert found.rule.before > 0.5 > found.rule.after
    decided = apply_repair(found, table.drop_columns(["y"]))
    wrong = decided.table[decided.column].to_numpy() != y
    assert abs(wrong.mean() - found.change.overall[1].estimate.value) < 0.05
    # A row by itself is decided as among others.
    alone = apply_repair(found, table.slice(7, 1).drop_columns(["y"]))
    assert alone.table[alone.column][0] == decided.table[decided.column][7]


def test_a_learner_is_trained_anew_with_the_worst_group_weighed():
    rng = np.random.default_rng(0)
    site = rng.choice(["a", "b"], 3000, p=[0.8, 0.2])
    x = rng.integers(0, 2, 3000)
    y = np.where(rng.random(3000) < 0.1, 1 - x, x)
    y = np.where(site == "b", 1 - y, y)
    table = pa.table({"site": site, "x": x, "y": y})

    def train(rows, test):
        # One answer for each x, whichever is commoner: site b is outvoted until it counts more.
        assert "prediction" not in rows.column_names
        assert test["y"].null_count == len(test)
        common = [np.mean(rows["y"].to_numpy()[rows["x"].to_numpy() == one]) for one in (0, 1)]
        risk = np.array([common[one] for one in test["x"].to_pylist()])
        return {"prediction": (risk >= 0.5).astype(int), "risk": risk}

    found = fix(table, ERRORS, "site", train=train, score="risk", allowance=0.5)
    names = {one.name for one in found.tried}
    assert {"as it stands", "trained reweighed", "trained worst group 4 times"} <= names
    assert found.rule.after < found.rule.before
    assert found.repair.trainings
    assert found.repair.trainings[0].called in str(found)
    with pytest.raises(InputError, match=r"which is what .*train answers"):
        apply_repair(found, table)


def test_rows_under_a_condition_are_trained_with_as_well():
    table = clinic(900, 3)
    seen = []

    def train(rows, test):
        seen.append((len(rows), rows["score"].null_count, rows["y"].null_count))
        return [1 if one is not None and one >= 0.5 else 0 for one in test["score"].to_pylist()]

    condition = "missing_fields(share=1, columns=[score])"
    found = fix(table, ERRORS, "site", train=train, condition=condition)
    doubled = [one for one in seen if one[1]]
    assert len(doubled) == 4
    assert all(rows == 2 * absent and not labels for rows, absent, labels in doubled)
    assert any("missing_fields" in one.name for one in found.tried)


def test_a_training_that_fails_is_told_and_the_others_go_on():
    def train(rows, test):
        if rows["score"].null_count:
            raise ValueError("no rows with holes, please")
        return [1 if one >= 0.5 else 0 for one in test["score"].to_pylist()]

    condition = "missing_fields(share=1, columns=[score])"
    found = fix(clinic(600, 3), ERRORS, "site", train=train, condition=condition)
    (failed,) = [one for one in found.tried if one.reason]
    assert "no rows with holes" in failed.reason
    assert len(found.tried) > 3
    with pytest.raises(InputError, match="out of order"):
        fix(clinic(600, 3), ERRORS, "site", train=_broken)


def _broken(rows, test):
    raise ValueError("out of order")


def test_fairlearn_is_tried_beside_our_own_and_chance_is_never_chosen():
    rng = np.random.default_rng(0)
    table = clinic(800, 1).append_column("x", pa.array(rng.normal(size=800)))
    metric = "false_positive_rate(label=y, prediction=prediction)"
    found = fix(
        table, metric, "site", features=["score", "x"], maximum_difference=0.2, fairlearn=True
    )
    chance = [one for one in found.tried if one.by_chance]
    assert len(chance) == 1
    assert not chance[0].chosen
    assert "by chance" in tried_name(chance[0])
    votes = [one for one in found.tried if "fairlearn's reduction" in one.name]
    assert votes
    assert all(one.errors < 0.5 for one in votes)


def test_without_fairlearn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn.reductions", None)
    with pytest.raises(InputError, match=r"pip install 'evenhand\[fix\]'"):
        fix(clinic(100, 1), ERRORS, "site", features="score", fairlearn=True)


@pytest.mark.parametrize("level", [0.01, 0.3, 0.95, 0.999999999])
def test_any_level_between_0_and_1_is_taken(level):
    found = fix(clinic(600, 1), FALSE_ALARMS, "site", maximum_difference=0.3, level=level)
    assert found.level == level


def test_one_group_and_groups_of_one_label_are_told_of():
    table = clinic(600, 1)
    found = fix(
        table.filter(pa.compute.equal(table["site"], "a")), FALSE_ALARMS, "site", maximum=0.5
    )
    assert len(found.groups) == 1
    ill = pa.table({"site": ["c"] * 50, "score": [0.7] * 50, "y": [1] * 50})
    found = fix(pa.concat_tables([table, ill]), FALSE_ALARMS, "site", maximum_difference=0.5)
    told = {one.group["site"]: one for one in found.groups}
    assert told["c"].estimate.value is None
    assert told["c"].estimate.reason == "no_denominator"
    (third,) = [one for one in found.repair.groups if one.group["site"] == "c"]
    assert third.fallback or found.repair.kind != "thresholds by group"


def test_numbers_are_cut_into_groups_and_stay_cut_where_it_is_applied():
    rng = np.random.default_rng(0)
    table = clinic(2000, 1).append_column("age", pa.array(rng.integers(20, 80, 2000)))
    found = fix(table, FALSE_ALARMS, "age", maximum_difference=0.2, bins={"age": [40, 60]})
    assert next(one.predicate for one in found.repair.groups) == "age < 40"
    decided = apply_repair(json.loads(found.to_json()), table.slice(0, 5))
    assert decided.table.num_rows == 5


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"metric": "selection_rate(score >= 0.5)"}, "names no label"),
        ({"metric": "brier(label=y, score=score)"}, "no prediction"),
        ({"metric": "false_positive_rate(label=y, prediction=nothing)"}, "nothing"),
        ({"label": "three"}, "three has 3 values"),
        ({"label": "same"}, "same has 1 value "),
        ({"label": "word"}, "which of them a high score stands for"),
        ({"label": "word", "positive": "yess"}, "Did you mean 'yes'"),
        ({"by": "score >= 0.5"}, "is a predicate"),
        ({"maximum": 0.1}, "two rules"),
        ({"maximum_difference": -1}, "maximum_difference is -1"),
        ({"maximum_difference": float("nan")}, "finite"),
        ({"level": 1.0}, "level is 1.0"),
        ({"held_out": 0.99}, "held_out"),
        ({"score": "scor"}, "Did you mean 'score'"),
        ({"score": "far"}, "infinite"),
        ({"score": "word"}, "numeric"),
        ({"features": "y"}, "is the label"),
        ({"score": "y"}, "score names y, which is the label"),
        ({"other": "y >= 1"}, "other names y, which is the label"),
        ({"other": "three"}, "three holds '2' in 20 rows.*y: 1, 0"),
        ({"metric": "error_rate(label=y, prediction=three)"}, "three holds '2' in 20 rows"),
        ({"maximum_difference": None, "maximum": 20}, "Did you mean 0.2"),
        ({"maximum_difference": 30}, "maximum_difference is 30.*Did you mean 0.3"),
        ({"metric": IN_WORDS, "positive": "no"}, "positive is 'no', but .* says 'yes'"),
        ({"features": "same"}, "varies"),
        ({"train": "nothing:here", "metric": ERRORS}, "nothing"),
        ({"train": print}, "prediction"),
        ({"condition": "missing_fields(share=0.5)"}, "--train"),
        ({"where": "score > 5"}, "keeps no row"),
        ({"unit": ["site", "y"]}, "parted by one unit"),
    ],
)
def test_what_cannot_be_used_is_said_at_once(asked, told):
    table = clinic(60, 1)
    n = table.num_rows
    table = table.append_column("three", pa.array([0, 1, 2] * (n // 3)))
    table = table.append_column("same", pa.array([1] * n))
    table = table.append_column("word", pa.array(["yes", "no"] * (n // 2)))
    table = table.append_column("far", pa.array([math.inf] * n))
    given = {"metric": FALSE_ALARMS, "by": "site", "maximum_difference": 0.1} | asked
    with pytest.raises(InputError, match=told):
        fix(table, **given)


def test_labels_in_words_give_decisions_in_words():
    table = clinic(1500, 1)
    word = pa.array(["ill" if one else "well" for one in table["y"].to_pylist()])
    table = table.set_column(2, "y", word)
    metric = "false_positive_rate(label=y, prediction=score >= 0.5, positive='ill')"
    found = fix(table, metric, "site", maximum_difference=0.2)
    assert found.errors is not None
    decided = apply_repair(found, table)
    assert set(decided.table[decided.column].to_pylist()) == {"ill", "well"}


def test_the_page_escapes_what_the_data_say_and_names_the_law():
    table = clinic(1500, 1)
    odd = pa.array([f"<b>{one}</b>" for one in table["site"].to_pylist()])
    found = fix(table.set_column(0, "site", odd), FALSE_ALARMS, "site", maximum_difference=0.2)
    page = found.to_html()
    assert "<b>a</b>" not in page
    if found.repair.uses_group:
        assert "disparate treatment" in page
    assert found.to_figure().startswith("<svg")


def test_the_room_loads_no_heavy_library():
    assert "sklearn" not in vars(importlib.import_module("evenhand.repairs.reductions"))


def test_a_limit_that_binds_is_aimed_at_from_inside_so_that_it_can_be_proven():
    # What just keeps the limit on rows that it was learnt from is proven on no others.
    limit, reached = 0.1, 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        site, y = rng.choice(["a", "b"], 6000), rng.integers(0, 2, 6000)
        middle = np.where(site == "a", 0.0, 0.3)
        table = pa.table(
            {"site": site, "y": y, "score": np.where(y, 1.5, middle) + rng.normal(size=6000)}
        )
        found = fix(table, FALSE_ALARMS, "site", maximum=limit, allowance=0.1)
        at = {one.group["site"]: one.threshold for one in found.repair.groups}
        true = [
            math.erfc((at[one] - zero) / math.sqrt(2)) / 2 for one, zero in (("a", 0), ("b", 0.3))
        ]
        assert found.rule.answer != "reached" or max(true) <= limit
        reached += found.rule.answer == "reached"
        assert "aiming at" in found.repair.name
    # (Without such aims none.)
    assert reached >= 3


def test_what_may_keep_a_rule_is_taken_before_what_surely_breaks_it_within_the_allowance():
    metric = "true_positive_rate(label=y, prediction=score >= 0.8)"
    found = fix(clinic(3000, 1), metric, "site", minimum=0.9, allowance=0.4)
    assert found.repair.kind != "as it stands"
    assert found.rule.after > 0.87


def test_what_comes_nearer_at_too_high_a_price_is_named_with_its_allowance():
    metric = "true_positive_rate(label=y, prediction=score >= 0.8)"
    found = fix(clinic(3000, 1), metric, "site", minimum=0.9, allowance=0.0)
    told = " ".join(str(found).split())
    assert found.repair.kind == "as it stands"
    assert "does better at the price that is allowed" in told
    needed = float(told.split("--allowance ")[1].split()[0])
    again = fix(clinic(3000, 1), metric, "site", minimum=0.9, allowance=needed)
    assert again.repair.kind != "as it stands"
