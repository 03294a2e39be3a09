"""An audit of people's few labels with a judge's of all rows: what it says, of whom, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from tests.commands import run_command

import evenhand
from evenhand.audits import Audit
from evenhand.audits.judge import judge as judge_cube
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Units
from evenhand.cubes.cube import cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.errors import FaultsError, InputError, RefusedError
from evenhand.groups import Attribute, Partition
from evenhand.stats.assisted import COUNTS, AssistedRatio, AssistedShare

PEOPLE, JUDGE = (
    "error_rate(label=human, prediction=said)",
    "error_rate(label=judge, prediction=said)",
)
RATES = {"us": 0.05, "uk": 0.08, "india": 0.25}


def made(n=3000, seed=3, labelled=0.15, right=0.93, rates=RATES):
    """Rows with a judge's label, and people's on some."""
    rng = np.random.default_rng(seed)
    accent = rng.choice(list(rates), n, p=[0.5, 0.3, 0.2])
    said = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.array([rates[a] for a in accent])
    truth = np.where(wrong, 1 - said, said)
    judge = np.where(rng.random(n) < right, truth, 1 - truth)
    human = pd.array(truth, "Int64")
    human[rng.random(n) >= labelled] = pd.NA
    caller = [f"c{i}" for i in rng.integers(0, 250, n)]
    columns = {"caller": caller, "accent": accent, "said": said, "human": human, "judge": judge}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def rows():
    return made()


@pytest.fixture(scope="module")
def found(rows):
    return evenhand.audit(rows, PEOPLE, "accent", judge=JUDGE)


def codes(audit):
    return {note.code for note in audit.notes}


# -- values ----------------------------------------------------------------------------------------


def test_values_are_those_of_post_stratification(rows, found):
    for group in found.groups:
        some = rows[rows.accent == group.label]
        told = some[some.human.notna()]
        value = 0.0
        for yes in (True, False):
            share = ((some.judge != some.said) == yes).mean()
            those = told[(told.judge != told.said) == yes]
            value += share * (those.human != those.said).mean()
        assert group.estimate.value == pytest.approx(float(value))
        helped = found.judge.of(group)
        assert helped.labels == len(told)
        assert helped.alone == pytest.approx(float((told.human != told.said).mean()))
        assert helped.judge_alone == pytest.approx(float((some.judge != some.said).mean()))
        assert group.estimate.n_rows == len(some)
        assert group.estimate.n_units == len(told)


def test_values_of_units_are_those_of_prediction_powered_inference(rows):
    found = evenhand.audit(rows, PEOPLE, "accent", judge=JUDGE, unit="caller")
    weight = found.judge.weight
    for group in found.groups:
        some = rows[rows.accent == group.label]
        told = some[some.human.notna()]
        people = (told.human != told.said).mean()
        moved = (told.judge != told.said).mean() - (some.judge != some.said).mean()
        assert group.estimate.value == pytest.approx(float(people - weight * moved))
        assert group.estimate.method == "assisted-t"


def test_the_labels_know_more_with_the_judge(rows, found):
    alone = evenhand.audit(rows, PEOPLE, "accent")
    assert found.judge.overall.effective_labels > 1.5 * found.judge.overall.labels
    before = {group.label: group.estimate for group in alone.groups}
    for group in found.groups:
        helped, was = found.judge.of(group), before[group.label]
        assert (helped.alone, helped.alone_low, helped.alone_high) == (was.value, was.low, was.high)
        here = group.estimate.high - group.estimate.low
        worth = helped.labels * ((was.high - was.low) / here) ** 2
        assert helped.effective_labels == pytest.approx(worth)


@pytest.mark.parametrize("unit", [None, "caller"])
def test_of_all_rows_labelled_it_is_the_plain_audit(rows, unit):
    whole = rows.assign(human=rows.judge, judge=1 - rows.judge)
    plain = evenhand.audit(whole, PEOPLE, "accent", unit=unit)
    helped = evenhand.audit(whole, PEOPLE, "accent", unit=unit, judge=JUDGE)
    for one, two in zip(plain.groups, helped.groups, strict=True):
        assert one.estimate.value == pytest.approx(two.estimate.value)
        assert one.estimate.low == pytest.approx(two.estimate.low)
        assert one.estimate.high == pytest.approx(two.estimate.high)
        assert one.verdict == two.verdict
    assert "labels_at_random" not in codes(helped)


@pytest.mark.parametrize("name", ["f1", "precision", "f_beta", "brier", "jaccard"])
def test_rows_that_are_named_as_units_are_rows(rows, name):
    table = rows.assign(row=range(len(rows)), said=rows.said if name[0] != "b" else 0.3)
    beta = ", beta=2" * (name == "f_beta")
    metric, judge = (f"{name}({column}, said{beta})" for column in ("human", "judge"))
    one = evenhand.audit(table, metric, "accent", judge=judge)
    two = evenhand.audit(table, metric, "accent", judge=judge, unit="row")
    for first, second in zip(one.groups, two.groups, strict=True):
        assert first.estimate.value == pytest.approx(second.estimate.value, rel=0.03)
        assert first.estimate.standard_error == pytest.approx(
            second.estimate.standard_error, rel=0.1
        )
        assert first.estimate.n_units == second.estimate.n_units


def test_the_order_of_rows_does_not_matter(rows, found):
    mixed = evenhand.audit(rows.sample(frac=1, random_state=1), PEOPLE, "accent", judge=JUDGE)
    assert [g.estimate for g in mixed.groups] == [g.estimate for g in found.groups]


def test_ratios_of_sums_take_a_judge():
    rng = np.random.default_rng(2)
    n = 600
    words = rng.integers(1, 30, n)
    errors = rng.binomial(words, 0.1)
    judge = np.maximum(errors + rng.integers(-1, 2, n), 0)
    known = rng.random(n) < 0.3
    table = pd.DataFrame(
        {
            "words": words,
            "errors": pd.Series(errors).where(known),
            "guessed": judge,
            "caller": rng.integers(0, 90, n),
            "site": rng.choice(["a", "b"], n),
        }
    )
    asked = {"judge": "ratio(guessed, words)", "worse": "higher", "unit": "caller"}
    found = evenhand.audit(table, "ratio(errors, words)", "site", **asked)
    people = errors[known].sum() / words[known].sum()
    moved = judge[known].sum() / words[known].sum() - judge.sum() / words.sum()
    assert found.overall.value == pytest.approx(people - found.judge.weight * moved)


def test_transcripts_take_a_judge():
    rng = np.random.default_rng(5)
    spoken = [" ".join(rng.choice(["a", "b", "c", "d"], 8)) for _ in range(300)]
    heard = [text.replace("a", "x", 1) for text in spoken]
    table = pd.DataFrame(
        {"text": spoken, "other": spoken, "heard": heard, "site": ["a", "b"] * 150}
    )
    table.loc[table.index % 3 > 0, "text"] = None
    asked = {"judge": "wer(reference=other, hypothesis=heard)"}
    found = evenhand.audit(table, "wer(reference=text, hypothesis=heard)", "site", **asked)
    every = evenhand.audit(table, "wer(reference=other, hypothesis=heard)", "site")
    # The judge is always right here, so its own rate is the truth.
    assert found.overall.value == pytest.approx(every.overall.value)
    assert found.overall.standard_error > every.overall.standard_error
    assert found.judge.overall.labels == 100


# -- verdicts --------------------------------------------------------------------------------------


def cube_of(counts, cell, unit):
    """Cube of rows' counts in three cells; callers are units where they are named."""
    rows = np.bincount(cell, minlength=3)
    shared = {
        "keys": CellKeys.of([("a",), ("b",), ("c",)]),
        "attributes": ("k",),
        "parts": COUNTS,
        "n_rows": rows,
        "n_defined": rows,
    }
    if unit is not None:
        number = np.unique(unit * 3 + cell, return_inverse=True)[1]
        first = np.unique(number, return_index=True)[1]
        sums = np.array([np.bincount(number, column) for column in counts.T]).T
        names = tuple(map(str, range(unit.max() + 1)))
        units = Units(cell=cell[first], unit=unit[first], sums=sums, names=names)
        return cube_of_units(units=units, **shared)
    sums = np.array([counts[cell == k].sum(axis=0) for k in range(3)])
    comoments = [np.cov(counts[cell == k].T, bias=True) * rows[k] for k in range(3)]
    level = np.zeros(3, np.int64)
    return Cube(sums=sums, comoments=np.array(comoments), level=level, **shared)


@pytest.mark.parametrize("units", [False, True])
def test_equal_groups_are_seldom_told_apart(units):
    rng, worlds, alarms, chosen = np.random.default_rng(8), 120, 0, 0
    rules = VerdictRules(low=0.0, high=1.0, draws=500)
    for _ in range(worlds):
        n = 900
        cell, unit = rng.choice(3, n, p=[0.5, 0.3, 0.2]), rng.integers(0, 150, n)
        rate = np.clip(rng.beta(2, 10, 150), 0, 1)[unit] if units else 0.15
        wrong = rng.random(n) < rate
        judge = np.where(rng.random(n) < 0.92, wrong, ~wrong)
        told = unit < 60 if units else rng.random(n) < 0.3
        one = np.ones(n)
        columns = (wrong * told, told, judge * told, told, judge, one, wrong * judge * told, told)
        cube = cube_of(np.array(columns, float).T, cell, unit if units else None)
        form = AssistedRatio(weight=1.0) if units else AssistedShare()
        found = judge_cube(cube, form, [Attribute(name="k")], [Partition(names=("k",))], rules)
        alarms += any(group.verdict == "worse" for group in found.groups)
        chosen += any(note.code == "labels_chosen" for note in found.notes)
    assert alarms <= 0.05 * worlds + 3 * np.sqrt(0.05 * 0.95 * worlds)
    assert chosen <= 0.01 * worlds + 3 * np.sqrt(0.01 * 0.99 * worlds)


def test_a_worse_group_is_found(found):
    assert [group.label for group in found.worse] == ["india"]
    assert found.gap.lower_bound > 0


@pytest.mark.parametrize(
    "asked",
    [
        {"versus": "best"},
        {"versus": "overall"},
        {"adjust": "holm"},
        {"interval": "clopper-pearson"},
        {"versus": "accent = 'us'"},
        {"unit": ["caller", "said"]},
        {"tolerance": 0.02},
    ],
)
def test_rules_of_audits_hold_with_a_judge(rows, asked):
    found = evenhand.audit(rows, PEOPLE, ["accent", "said"], judge=JUDGE, **asked)
    assert Audit.from_dict(found.to_dict()) == found
    assert str(found)
    assert found.to_html()
    assert found.to_csv()


# -- what is told ----------------------------------------------------------------------------------


def test_it_says_whose_labels_it_rests_on(found):
    text = str(found)
    assert f"Measured from {found.judge.overall.labels:,} labels of people" in text
    assert "with the help of a judge" in " ".join(text.split())
    page = found.to_html()
    assert "with the help of a judge" in page
    assert "What the labels say alone" in page
    assert "of 100 answers wrong" in page
    assert "labels_at_random" in codes(found)
    assert found.settings.command.count("--judge") == 1


def test_rows_that_were_chosen_to_be_labelled_are_told(rows):
    human = rows.human.where((rows.judge != rows.said) | (rows.index % 4 == 0))
    found = evenhand.audit(rows.assign(human=human), PEOPLE, "accent", judge=JUDGE)
    assert "labels_chosen" in codes(found)


def test_groups_that_are_labelled_more_than_others_are_told(rows):
    human = rows.human.where((rows.accent == "india") | (rows.index % 3 == 0))
    found = evenhand.audit(rows.assign(human=human), PEOPLE, "accent", judge=JUDGE)
    assert "labels_uneven" in codes(found)


def test_a_judge_that_does_not_help_is_told():
    found = evenhand.audit(made(right=0.55), PEOPLE, "accent", judge=JUDGE)
    assert "judge_no_help" in codes(found)


def test_a_weak_judge_of_few_units_is_told():
    rows = made(400, right=0.6)
    rows["human"] = rows.judge.astype("Int64").mask(rows.caller.str[1:].astype(int) > 25)
    rows["judge"] = np.random.default_rng(1).integers(0, 2, len(rows))
    found = evenhand.audit(rows, PEOPLE, "accent", judge=JUDGE, unit="caller")
    assert "judge_weak" in codes(found)


def test_rows_without_the_judge_are_counted(rows):
    judge = rows.judge.astype("Int64").mask(rows.index % 7 == 0)
    found = evenhand.audit(rows.assign(judge=judge), PEOPLE, "accent", judge=JUDGE)
    (lost,) = found.missing
    assert (lost.attribute, lost.reason) == ("judge", "missing_input")
    assert lost.n_rows == (rows.index % 7 == 0).sum()


# -- what is refused -------------------------------------------------------------------------------


def test_a_group_without_labels_has_no_estimate(rows):
    human = rows.human.mask(rows.accent == "uk")
    found = evenhand.audit(rows.assign(human=human), PEOPLE, "accent", judge=JUDGE)
    (uk,) = [group for group in found.groups if group.label == "uk"]
    assert uk.estimate.value is None
    assert uk.estimate.reason == "no_label"
    assert uk.versus.reason == "no_label"
    assert "a judge alone measures nothing" in found.refused[0].message


def test_few_labels_are_refused(rows):
    found = evenhand.audit(rows[:250], PEOPLE, "accent", judge=JUDGE)
    assert {group.estimate.reason for group in found.groups} == {"too_few_units"}
    assert found.refused[0].needed == 30
    found = evenhand.audit(rows[:60], PEOPLE, "accent", judge=JUDGE, unit="caller")
    assert found.refused[0].needed == 10


@pytest.mark.parametrize("change", [{"human": pd.NA}, {}])
def test_a_judge_alone_measures_nothing(rows, change):
    table = (
        rows.assign(**change)
        if change
        else rows.assign(judge=rows.judge.astype("Int64").mask(rows.human.notna()))
    )
    said = "a judge alone measures nothing" if change else "nothing tells what the judge gets wrong"
    with pytest.raises(RefusedError, match=said):
        evenhand.audit(table, PEOPLE, "accent", judge=JUDGE)


@pytest.mark.parametrize(
    ("metric", "asked", "said"),
    [
        (PEOPLE, {"judge": PEOPLE}, "judge and metric are both of human, said"),
        (PEOPLE, {"judge": "mean(judge)"}, "must be error_rate like the metric"),
        ("auc(human, said)", {"judge": "auc(judge, said)"}, "takes no judge"),
        (PEOPLE, {"judge": "error_rate(nobody, said)"}, "Unknown column 'nobody'"),
        (PEOPLE, {"weight": "said"}, "judge and weight are both given"),
        (PEOPLE, {"stratum": "accent"}, "judge and stratum are both given"),
        (PEOPLE, {"suppress_below": 10}, "judge and suppress_below are both given"),
        (PEOPLE, {"cube": "x.cube"}, "judge and cube are both given"),
    ],
)
def test_what_has_no_meaning_beside_a_judge_is_refused(rows, metric, asked, said):
    with pytest.raises(InputError, match=said):
        evenhand.audit(rows, metric, "accent", **{"judge": JUDGE, **asked})


def test_a_judge_is_for_one_metric(rows):
    with pytest.raises(InputError, match="beside 2 metrics"):
        evenhand.audit_metrics(rows, [PEOPLE, "mean(said)"], "accent", judge=JUDGE)


def test_labels_that_are_written_otherwise_are_refused(rows):
    texts = rows.assign(
        human=rows.human.map({0: "no", 1: "yes"}),
        judge=rows.judge.map({0: "Bad", 1: "Good"}),
        said=rows.said.map({0: "no", 1: "yes"}),
    )
    with pytest.raises(InputError, match="they share no value"):
        evenhand.audit(texts, PEOPLE, "accent", judge=JUDGE)


def test_faults_of_peoples_labels_are_found(rows):
    human = rows.human.copy()
    human[5] = 3
    metric, judge = (f"true_positive_rate(label={c}, prediction=said)" for c in ("human", "judge"))
    with pytest.raises(FaultsError, match="`human` is 3, but must be 0 or 1"):
        evenhand.audit(rows.assign(human=human), metric, "accent", judge=judge)


def test_labels_of_people_without_the_judges_are_counted_and_said(rows):
    some = rows.copy()
    some["judge"] = pd.array(some.judge, "Int64")
    some.loc[some.index % 3 == 0, "judge"] = pd.NA
    lost = int((some.human.notna() & some.judge.isna()).sum())
    audit = evenhand.audit(some, PEOPLE, "accent", judge=JUDGE)
    (text,) = (note.text for note in audit.notes if note.code == "labels_unjudged")
    assert text.startswith(f"{lost:,} labels of people are not used")
    kept = some[some.judge.notna()]
    again = evenhand.audit(kept, PEOPLE, "accent", judge=JUDGE)
    assert again.groups == audit.groups
    assert "labels_unjudged" not in codes(again)
    asked = evenhand.audit(some, PEOPLE, "accent", judge=JUDGE, where="accent = 'us'")
    us = int((some.human.notna() & some.judge.isna() & (some.accent == "us")).sum())
    (text,) = (note.text for note in asked.notes if note.code == "labels_unjudged")
    assert text.startswith(f"{us:,} labels")


def test_a_word_for_no_label_is_said_to_be_one(rows, tmp_path):
    file = tmp_path / "rows.csv"
    rows.to_csv(file, index=False, na_rep="nobody")
    with pytest.raises(InputError, match="If 'nobody' means missing: --missing 'nobody'"):
        evenhand.audit(file, PEOPLE, "accent", judge=JUDGE)
    found = evenhand.audit(file, PEOPLE, "accent", judge=JUDGE, missing_values=["nobody"])
    assert found.groups == evenhand.audit(rows, PEOPLE, "accent", judge=JUDGE).groups


def test_share_beside_a_judge_is_refused_by_its_own_name(rows, tmp_path):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    asked = ("audit", "rows.csv", "--metric", PEOPLE, "--judge", JUDGE, "--by", "accent", "--share")
    ended = run_command(*asked, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--share hides groups below 10 units, and beside --judge" in ended.stderr


@pytest.mark.parametrize("power", [1.0, 2.5])
def test_confidence_is_a_judge_and_may_be_far_off(power):
    # The service's own probability of being wrong, right or far too low: the interval holds, and a right one helps.
    rng, n, covered, worth = np.random.default_rng(3), 1500, [], []
    for _ in range(6):
        doubt = 1 / (1 + np.exp(-rng.normal(-1.8, 1.5, (20, n))))
        labelled = rng.permuted(np.tile(np.arange(n) < 100, (20, 1)), axis=1)
        wrong = pd.array((rng.random((20, n)) < doubt).ravel(), "Int64")
        wrong[~labelled.ravel()] = pd.NA
        columns = {"wrong": wrong, "doubt": doubt.ravel() ** power, "site": np.repeat(range(20), n)}
        frame = pd.DataFrame(columns).astype({"site": str})
        found = evenhand.audit(frame, "mean(wrong)", "site", judge="mean(doubt)", worse="higher")
        covered += [one.estimate.low <= 0.2143 <= one.estimate.high for one in found.groups]
        worth += [one.effective_labels for one in found.judge.helped[1:]]
    assert np.mean(covered) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(covered))
    assert np.mean(worth) > 105
