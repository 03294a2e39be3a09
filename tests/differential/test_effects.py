"""Differential effects against other ways to the same numbers, at their edges, and as JSON."""

import csv
import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
import statsmodels.api as sm
from scipy import stats

import evenhand
from evenhand.demos import ward_commands
from evenhand.differential import Effects
from evenhand.errors import InputError


def table_of(**columns):
    return pa.table(columns)


def balanced(rng, groups=4, conditions=3, units=30):
    """Every group under every condition, each unit once."""
    group, condition, unit = (
        a.ravel() for a in np.meshgrid(*map(np.arange, (groups, conditions, units)), indexing="ij")
    )
    value = rng.gamma(2.0, 1.0, units)[unit] + rng.normal(0, 1, len(unit)) + group * condition
    names = ["clean", *(f"tone{c}" for c in range(1, conditions))]
    return table_of(
        voice=[f"v{g}" for g in group],
        condition=[names[c] for c in condition],
        sentence=[f"s{u}" for u in unit],
        loss=value,
    )


def find(found, voice, condition):
    return next(g for g in found.groups if g.label == voice and g.condition == condition)


@pytest.fixture(scope="module")
def design():
    table = balanced(np.random.default_rng(5))
    return table, evenhand.effects(table, "mean(loss)", "voice", unit="sentence")


# -- oracles -------------------------------------------------------------------------------------


def test_balanced_design_is_the_paired_t_test(design):
    """Difference in differences of each unit, against scipy's one-sample t."""
    table, found = design
    frame = table.to_pandas()
    for voice in ("v0", "v3"):
        mine, others = frame[frame.voice == voice], frame[frame.voice != voice]
        costs = [
            part[part.condition == "tone2"].groupby("sentence").loss.mean()
            - part[part.condition == "clean"].groupby("sentence").loss.mean()
            for part in (mine, others)
        ]
        for effect, sample in (
            (find(found, voice, "tone2").differential, costs[0] - costs[1]),
            (find(found, voice, "tone2").cost, costs[0]),
        ):
            test = stats.ttest_1samp(sample, 0.0)
            assert effect.value == pytest.approx(sample.mean(), rel=1e-9)
            assert effect.standard_error == pytest.approx(stats.sem(sample), rel=1e-9)
            assert effect.p_value == pytest.approx(test.pvalue, rel=1e-6)


def test_one_comparison_has_the_interval_of_students_t(design):
    table, _ = design
    found = evenhand.effects(
        table, "mean(loss)", "voice = 'v1'", unit="sentence", only="tone1", level=0.9
    )
    frame = table.to_pandas()
    cost = frame.pivot_table(
        index="sentence", columns=[frame.voice == "v1", "condition"], values="loss"
    )
    sample = (cost[True]["tone1"] - cost[True]["clean"]) - (
        cost[False]["tone1"] - cost[False]["clean"]
    )
    (one,) = (g for g in found.groups if g.differential)
    wanted = stats.ttest_1samp(sample, 0.0).confidence_interval(0.9)
    assert (one.differential.low, one.differential.high) == pytest.approx(wanted, rel=1e-7)


def test_pairs_are_paired_t_tests_too(design):
    table, found = design
    frame = table.to_pandas()
    assert {pair.condition for pair in found.pairs} == {"tone2"}
    assert len(found.pairs) == 6
    wide = frame.pivot_table(index="sentence", columns=["voice", "condition"], values="loss")
    for pair in found.pairs:
        first, second = (text.split("'")[1] for text in (pair.first, pair.second))
        sample = (wide[first]["tone2"] - wide[first]["clean"]) - (
            wide[second]["tone2"] - wide[second]["clean"]
        )
        assert pair.differential.value == pytest.approx(sample.mean(), rel=1e-9)
        assert pair.differential.standard_error == pytest.approx(stats.sem(sample), rel=1e-9)
        assert pair.differential.value >= 0


def test_speakers_of_their_own_agree_with_cluster_robust_regression():
    """Units in one group each: the interaction of a regression with errors clustered by speaker."""
    rng = np.random.default_rng(8)
    speaker = np.repeat(np.arange(400), 8)
    group, tone = speaker % 2, np.tile([0, 1], 1600)
    loss = rng.normal(0, 1, 400)[speaker] * (1 + tone) + 0.5 * group * tone + rng.normal(0, 1, 3200)
    table = table_of(
        group=np.where(group, "a", "b"),
        condition=np.where(tone, "tone", "clean"),
        speaker=[f"s{u}" for u in speaker],
        loss=loss,
    )
    found = evenhand.effects(table, "mean(loss)", "group", unit="speaker")
    design = sm.add_constant(np.stack([group, tone, group * tone], axis=1).astype(float))
    fit = sm.OLS(loss, design).fit(cov_type="cluster", cov_kwds={"groups": speaker})
    one = find(found, "a", "tone").differential
    assert one.value == pytest.approx(fit.params[3], rel=1e-9)
    assert one.standard_error == pytest.approx(fit.bse[3], rel=0.03)
    other = find(found, "b", "tone").differential
    assert (other.value, other.low) == pytest.approx((-one.value, -one.high), rel=1e-9)


def test_ward_commands_by_hand():
    """The records of the demo: values, and standard errors by leaving out one sentence at a time."""
    path = str(ward_commands())
    found = evenhand.effects(
        path,
        "wer(reference=reference, hypothesis=hypothesis)",
        "voice",
        reference="quiet",
        unit="sentence",
        where="engine = 'flite'",
    )
    errors, voices = ward_errors(path)
    words = errors["words"]
    every = np.ones(len(words), bool)

    def cost(inside, condition, kept):
        rows = errors[condition][inside][:, kept]
        plain = errors["quiet"][inside][:, kept]
        return (rows.sum() - plain.sum()) / (words[kept].sum() * inside.sum())

    for voice in ("slt", "kal16"):
        inside = np.array([name == voice for name in voices])
        for condition in ("tone_12hz", "tone_16hz"):

            def beyond(kept, inside=inside, condition=condition):
                return cost(inside, condition, kept) - cost(~inside, condition, kept)

            left_out = [beyond(every & (np.arange(len(words)) != u)) for u in range(len(words))]
            n = len(words)
            jackknife = np.sqrt((n - 1) / n * np.sum((left_out - np.mean(left_out)) ** 2))
            one = find(found, voice, condition)
            assert one.cost.value == pytest.approx(cost(inside, condition, every), rel=1e-12)
            assert one.differential.value == pytest.approx(beyond(every), rel=1e-12)
            assert one.differential.standard_error == pytest.approx(jackknife, rel=0.05)
    proven = {(g.label, g.condition) for g in found.costs_more}
    assert {("slt", "tone_12hz"), ("slt", "tone_16hz"), ("rms", "tone_16hz")} <= proven
    assert not {voice for voice, _ in proven} & {"kal16", "awb"}


def ward_errors(path):
    """Word errors of each voice (rows) and sentence under each condition, by plain dynamic programming."""
    with Path(path).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["engine"] == "flite"]
    voices = sorted({row["voice"] for row in rows})
    sentences = sorted({row["sentence"] for row in rows})
    out = {c: np.zeros((len(voices), len(sentences))) for c in {r["condition"] for r in rows}}
    out["words"] = np.zeros(len(sentences))
    for row in rows:
        place = sentences.index(row["sentence"])
        out[row["condition"]][voices.index(row["voice"]), place] = edits(
            row["reference"].split(), row["hypothesis"].split()
        )
        out["words"][place] = len(row["reference"].split())
    return out, voices


def edits(reference, hypothesis):
    line = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        before, line[0] = line[0], i
        for j, said in enumerate(hypothesis, 1):
            before, line[j] = line[j], min(line[j] + 1, line[j - 1] + 1, before + (word != said))
    return line[-1]


# -- repair, direction, laws ---------------------------------------------------------------------


def test_a_repair_is_the_same_question_with_another_reference():
    found = evenhand.effects(
        str(ward_commands()),
        "wer(reference=reference, hypothesis=hypothesis)",
        "voice",
        reference="tone_12hz",
        only="tone_12hz_notch",
        unit="sentence",
    )
    assert found.conditions == ("tone_12hz_notch",)
    everybody = found.overall[1]
    assert everybody.verdict == "better"
    assert everybody.cost.high < 0
    # kal16 hardly suffered from the tone, so it gains less than the others, and loses nothing.
    kal = find(found, "kal16", "tone_12hz_notch")
    assert kal.verdict == "costs more"
    assert kal.cost.value < 0
    assert "saves voice = 'kal16' 44.8 points less than the others" in " ".join(str(found).split())
    assert "By tone_12hz_notch no group is worse off." in str(found)


def test_who_loses_by_a_repair_is_named():
    rows = [
        (v, c, s, 1.0 * ((c == "notch") == (v == "a") and s % 3 > 0))
        for v in "abcd"
        for c in ("tone", "notch")
        for s in range(60)
    ]
    voice, condition, sentence, wrong = zip(*rows, strict=True)
    found = evenhand.effects(
        table_of(voice=voice, condition=condition, sentence=sentence, wrong=wrong),
        "mean(wrong)",
        "voice",
        reference="tone",
        unit="sentence",
    )
    assert find(found, "a", "notch").paid == "worse"
    assert "By notch these are proven to lose: voice = 'a'." in str(found)


def test_where_lower_is_worse_a_cost_is_what_is_lost():
    rng = np.random.default_rng(3)
    table = balanced(rng)
    gain = table.append_column("gain", pa.array(-np.asarray(table["loss"])))
    one = evenhand.effects(table, "mean(loss)", "voice", unit="sentence", worse="higher")
    two = evenhand.effects(gain, "mean(gain)", "voice", unit="sentence", worse="lower")
    for a, b in zip(one.groups, two.groups, strict=True):
        assert (a.verdict, a.paid) == (b.verdict, b.paid)
        if a.cost is not None:
            values = [(e.value, e.low, e.high, e.p_adjusted) for e in (a.cost, a.differential)]
            turned = [(e.value, e.low, e.high, e.p_adjusted) for e in (b.cost, b.differential)]
            assert np.allclose(values, turned)


def test_order_of_rows_does_not_matter(design):
    table, found = design
    mixed = table.take(np.random.default_rng(0).permutation(table.num_rows))
    other = evenhand.effects(mixed, "mean(loss)", "voice", unit="sentence")
    key = lambda g: (g.label, g.condition)  # noqa: E731
    for a, b in zip(sorted(found.groups, key=key), sorted(other.groups, key=key), strict=True):
        assert key(a) == key(b)
        if a.differential:
            assert a.differential.value == pytest.approx(b.differential.value)
            assert a.differential.standard_error == pytest.approx(b.differential.standard_error)


def test_many_conditions_in_blocks_give_the_same_values(design, monkeypatch):
    """Too many sets for one covariance matrix: Bonferroni and Holm, the same estimates."""
    table, found = design
    monkeypatch.setattr("evenhand.differential.evidence.MAX_T_SETS", 20)
    blocks = evenhand.effects(table, "mean(loss)", "voice", unit="sentence")
    assert (found.settings.adjust, blocks.settings.adjust) == ("max-t", "holm")
    for a, b in zip(found.groups, blocks.groups, strict=True):
        assert (a.label, a.condition, a.estimate) == (b.label, b.condition, b.estimate)
        if a.differential:
            assert a.differential.value == pytest.approx(b.differential.value, rel=1e-9)
            assert b.differential.low <= a.differential.low + 1e-9
    assert [(p.first, p.second) for p in found.pairs] == [(p.first, p.second) for p in blocks.pairs]


def test_a_tolerance_is_no_harm(design):
    table, _ = design
    options = {"unit": "sentence", "only": "tone1"}
    strict = evenhand.effects(table, "mean(loss)", "voice", **options)
    assert find(strict, "v3", "tone1").verdict == "costs more"
    mild = evenhand.effects(table, "mean(loss)", "voice", tolerance=9.0, **options)
    assert {g.verdict for g in mild.groups if g.verdict} == {"not more"}
    assert {g.paid for g in mild.groups if g.paid} == {"not worse"}


# -- edges ---------------------------------------------------------------------------------------


def test_a_group_without_a_condition_is_refused(design):
    table, whole = design
    frame = table.to_pandas()
    frame = frame[~((frame.voice == "v2") & (frame.condition == "tone1"))]
    found = evenhand.effects(frame, "mean(loss)", "voice", unit="sentence")
    one = find(found, "v2", "tone1")
    assert one.differential.value is None
    assert one.differential.reason == "no_denominator"
    assert one.verdict == "insufficient evidence"
    (refused,) = found.refused
    assert refused.message.startswith(
        "Refused [no_denominator]: group voice = 'v2' has 0 sentences under tone1"
    )
    # What does not need that cell stays as it was.
    assert find(found, "v2", "tone2").differential.value == pytest.approx(
        find(whole, "v2", "tone2").differential.value
    )


def test_a_group_without_the_reference_is_refused(design):
    frame = design[0].to_pandas()
    frame = frame[~((frame.voice == "v2") & (frame.condition == "clean"))]
    found = evenhand.effects(frame, "mean(loss)", "voice", unit="sentence")
    reasons = {r.reason for r in found.refused if r.predicate == "voice = 'v2'"}
    assert reasons == {"no_reference"}
    assert find(found, "v1", "tone1").differential.reason is None


def test_one_unit_says_nothing():
    table = balanced(np.random.default_rng(1), units=1)
    found = evenhand.effects(table, "mean(loss)", "voice", unit="sentence")
    assert {g.differential.reason for g in found.groups if g.differential} == {"too_few_units"}
    assert {g.verdict for g in found.groups if g.verdict} == {"insufficient evidence"}
    assert "no group has enough evidence" in str(found)


def test_no_variation_is_not_certainty():
    """All units pay exactly the same: a variance of 0 is no proof, but nine of nine are something."""
    rows = [
        (v, c, s, float(c == "tone")) for v in "ab" for c in ("clean", "tone") for s in range(9)
    ]
    voice, condition, sentence, wrong = zip(*rows, strict=True)
    table = table_of(voice=voice, condition=condition, sentence=sentence, wrong=wrong)
    found = evenhand.effects(table, "mean(wrong)", "voice", unit="sentence")
    one = find(found, "a", "tone")
    assert one.cost.value == 1.0
    assert (one.cost.high, one.cost.method) == (1.0, "bounded-units")
    # Two groups: each limit leaves out at most an 80th.
    assert one.cost.low == pytest.approx(1 - 2 * (1 - 0.0125 ** (1 / 9)), abs=0.02)
    assert one.differential.value == 0.0
    assert one.verdict == "insufficient evidence"


def test_one_group_has_no_others(design):
    frame = design[0].to_pandas()
    found = evenhand.effects(frame[frame.voice == "v0"], "mean(loss)", "voice", unit="sentence")
    assert {g.differential.reason for g in found.groups if g.differential} == {"no_reference"}
    assert find(found, "v0", "tone1").cost.low is not None
    assert found.pairs == ()


def test_missing_conditions_and_groups_are_counted_not_judged(design):
    frame = design[0].to_pandas()
    frame.loc[:4, "voice"] = None
    frame.loc[215:217, "loss"] = np.nan
    frame.loc[100:101, "condition"] = None
    found = evenhand.effects(frame, "mean(loss)", "voice", unit="sentence")
    assert {m.attribute: m.n_rows for m in found.missing} == {"voice": 5, "condition": 2, "loss": 3}
    assert found.conditions == ("tone1", "tone2")
    assert any("rows that are lost" in note.text for note in found.notes)


def test_rows_without_a_unit_are_told_to_be_unpaired(design):
    found = evenhand.effects(design[0], "mean(loss)", "voice")
    assert any("conditions are not paired" in note.text for note in found.notes)
    paired = find(design[1], "v3", "tone1").differential.standard_error
    assert find(found, "v3", "tone1").differential.standard_error > paired


def test_conditions_keep_the_order_of_the_records_and_may_be_numbers():
    table = balanced(np.random.default_rng(2)).to_pandas()
    table["condition"] = table.condition.map({"clean": 0, "tone1": 20, "tone2": 5})
    found = evenhand.effects(table, "mean(loss)", "voice", reference="0", unit="sentence")
    assert found.conditions == ("20", "5")
    chosen = evenhand.effects(
        table, "mean(loss)", "voice", reference="20", only=["5", "0"], unit="sentence"
    )
    assert chosen.conditions == ("5", "0")


def test_auc_has_differential_effects_too():
    rng = np.random.default_rng(4)
    n = 1600
    label, tone, voice = rng.integers(0, 2, n), rng.integers(0, 2, n), rng.integers(0, 2, n)
    score = np.round(label * (1.5 - 1.2 * tone * voice) + rng.normal(0, 1, n), 1)
    table = table_of(
        label=label,
        score=score,
        voice=np.where(voice, "a", "b"),
        condition=np.where(tone, "tone", "clean"),
        unit=[f"u{i}" for i in rng.integers(0, 200, n)],
    )
    found = evenhand.effects(table, "auc(label=label, score=score)", "voice", unit="unit")
    assert [g.label for g in found.costs_more] == ["a"]
    assert find(found, "a", "tone").cost.value > 0.1


# -- dose ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def swept():
    rows = [
        (v, "clean" if dose is None else f"tone({dose})", s, dose, float((s * 7) % 20 < share))
        for v, slope in (("a", 2), ("b", 1))
        for dose, share in ((None, 0), (-10, slope), (0, 2 * slope), (10, 6 * slope))
        for s in range(40)
    ]
    voice, condition, sentence, dose, wrong = zip(*rows, strict=True)
    table = table_of(
        voice=voice,
        condition=condition,
        sentence=sentence,
        tone_level=pa.array(dose, pa.float64()),
        wrong=wrong,
    )
    return table, evenhand.effects(
        table, "mean(wrong)", "voice", unit="sentence", dose="tone_level"
    )


def test_dose_gives_each_groups_value_along_it(swept):
    _, found = swept
    curve = {d.dose: d.estimate for d in found.doses if d.label == "a"}
    assert list(curve) == [None, -10.0, 0.0, 10.0]
    assert [e.value for e in curve.values()] == [0.0, 0.1, 0.2, 0.6]
    assert curve[10.0].low < 0.6 < curve[10.0].high
    everybody = [d.estimate.value for d in found.doses if d.predicate is None]
    assert everybody == pytest.approx([0.0, 0.075, 0.15, 0.45])


def test_conditions_of_one_dose_are_told_to_be_taken_together(swept):
    frame = swept[0].to_pandas()
    twice = frame[frame.condition == "tone(0)"].assign(condition="tone(0)|notch", wrong=0.0)
    found = evenhand.effects(
        pd.concat([frame, twice]), "mean(wrong)", "voice", unit="sentence", dose="tone_level"
    )
    assert any("same tone_level" in note.text for note in found.notes)


# -- options and forms ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "claen"}, r"reference is 'claen'.*Did you mean 'clean'\?  Values: clean, tone1"),
        ({"only": "tone9"}, "only is 'tone9'"),
        ({"only": ["clean"]}, "no value besides the reference"),
        ({"condition": "conditions"}, "Unknown column 'conditions'"),
        ({"by": "condition"}, "condition is the condition, so it cannot make groups"),
        ({"by": "condition = 'tone1'"}, "cannot make groups"),
        ({"unit": "condition"}, "cannot be the condition and the unit"),
        ({"dose": "sentence"}, "dose is 'sentence', which holds no numbers"),
        ({"dose": "voice"}, "voice is the dose, so it cannot make groups"),
        ({"dose": "loss"}, "more than 40 different values"),
        ({"level": 95}, "level is 95.*Did you mean 0.95"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"min_units": 1}, "min_units is 1"),
        ({"worse": "bigger"}, "worse is 'bigger'"),
        ({"adjust": "none"}, "adjust is 'none'"),
        ({"reference": 3}, "reference is 3, but must be text"),
        ({"only": [3]}, "only is 3, but must be text"),
        ({"where": "condition = 'tone1'"}, "reference is 'clean', but condition has no such value"),
        ({"where": "voice = 'nobody'"}, "Values: none"),
    ],
)  # fmt: skip
def test_bad_options_say_what_to_change(design, options, message):
    asked = {"by": "voice", "unit": "sentence"} | options
    with pytest.raises(InputError, match=message):
        evenhand.effects(design[0], "mean(loss)", **asked)


def test_a_sweep_of_too_many_conditions_is_refused():
    table = table_of(condition=[f"c{i}" for i in range(600)], g=["a", "b"] * 300, x=[1.0] * 600)
    with pytest.raises(InputError, match="more than 500 values"):
        evenhand.effects(table, "mean(x)", "g", reference="c0")


def test_json_goes_back_unchanged(design, swept):
    for found in (design[1], swept[1]):
        again = Effects.from_dict(json.loads(found.to_json()))
        assert again == found
        assert json.loads(found.to_json())["schema"] == "evenhand.effects/1"
    with pytest.raises(InputError, match=r"schema is 'other'"):
        Effects.from_dict({"schema": "other"})


def test_the_command_asks_again(design, tmp_path):
    path = tmp_path / "records of today.csv"
    pyarrow.csv.write_csv(design[0], path)
    found = evenhand.effects(
        str(path), "mean(loss)", ["voice"], unit="sentence", only=["tone2"], tolerance=0.5, seed=3
    )
    words = shlex.split(found.settings.command)
    assert words[:3] == ["evenhand", "effects", str(path)]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given == {
        "--metric": "mean(value=loss)",
        "--by": "voice",
        "--only": "tone2",
        "--unit": "sentence",
        "--tolerance": "0.5",
        "--seed": "3",
    }
