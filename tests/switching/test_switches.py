"""Two services on the same rows against other ways to the same numbers, at their edges, and as JSON."""

import json

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from scipy import stats

import evenhand
from evenhand.errors import InputError
from evenhand.switching import Switches, services


def of(found, label, service=None):
    name = service or found.services[1].name
    return next(g for g in found.groups if (g.label, g.service) == (label, name))


def clustered(seed=3, people=120, groups=4):
    """Errors and words of two services by speaker; group g0 loses and the others gain."""
    rng = np.random.default_rng(seed)
    speaker = np.repeat(np.arange(people), rng.integers(4, 14, people))
    group = speaker % groups
    words = rng.integers(3, 15, len(speaker))
    rate = rng.beta(2, 6, people)[speaker]
    moved = np.clip(rate + np.where(group == 0, 0.08, -0.05), 0, 1)
    return pa.table(
        {
            "group": [f"g{g}" for g in group],
            "speaker": [f"s{s}" for s in speaker],
            "old": rng.binomial(words, rate),
            "new": rng.binomial(words, moved),
            "words": words,
        }
    )


RATIOS = ["ratio(old, words)", "ratio(new, words)"]


@pytest.fixture(scope="module")
def found():
    return evenhand.compare(clustered(), RATIOS, "group", unit="speaker", worse="higher")


# -- oracles -------------------------------------------------------------------------------------


def test_rows_are_paired_as_in_the_paired_t_test():
    rng = np.random.default_rng(1)
    old = rng.gamma(2, 1, 90)
    new = old + rng.normal(0.2, 0.8, 90)
    table = pa.table({"all": ["x"] * 90, "old": old, "new": new})
    found = evenhand.compare(table, ["mean(old)", "mean(new)"], "all", level=0.9)
    test = stats.ttest_rel(new, old)
    change = of(found, "x").change
    assert change.value == pytest.approx((new - old).mean(), rel=1e-9)
    assert change.standard_error == pytest.approx(stats.sem(new - old), rel=1e-9)
    assert change.p_value == pytest.approx(test.pvalue, rel=1e-6)
    assert (change.low, change.high) == pytest.approx(test.confidence_interval(0.9), rel=1e-7)
    assert found.overall[1].change == change


@pytest.mark.parametrize(("up", "down"), [(5, 0), (6, 0), (14, 3), (3, 14), (40, 38), (1, 0)])
def test_rows_of_0_and_1_are_never_surer_than_mcnemar(up, down):
    old = np.r_[np.zeros(up), np.ones(down), np.tile([0, 1], 60)]
    new = np.r_[np.ones(up), np.zeros(down), np.tile([0, 1], 60)]
    table = pa.table({"all": ["x"] * len(old), "old": old, "new": new})
    change = of(evenhand.compare(table, ["mean(old)", "mean(new)"], "all"), "x").change
    exact = stats.binomtest(up, up + down).pvalue
    assert change.p_value >= exact * (1 - 1e-6)
    assert (change.low > 0 or change.high < 0) == (change.p_value < 0.05)
    assert np.sign(change.value) == np.sign(up - down)
    assert change.method == "mcnemar"


def test_speakers_agree_with_cluster_robust_regression_of_differences(found):
    """Both services have one denominator: the change of a ratio is a weighted mean of differences."""
    frame = clustered().to_pandas()
    own = frame[frame.group == "g0"]
    share = (own.new - own.old) / own.words
    fit = sm.WLS(share, np.ones(len(own)), weights=own.words).fit(
        cov_type="cluster", cov_kwds={"groups": own.speaker.factorize()[0]}
    )
    change = of(found, "g0").change
    assert change.value == pytest.approx(fit.params.iloc[0], rel=1e-9)
    assert change.standard_error == pytest.approx(fit.bse.iloc[0], rel=0.02)


def test_precision_of_two_services_agrees_with_leaving_out_one_unit_at_a_time():
    """Denominators differ: the jackknife of the difference, which assumes nothing of its form."""
    rng = np.random.default_rng(9)
    unit = np.repeat(np.arange(80), 6)
    label = (rng.random(480) < 0.4).astype(int)
    old, new = ((rng.random(480) < 0.2 + 0.5 * label).astype(int) for _ in range(2))
    table = pa.table({"all": ["x"] * 480, "u": unit, "y": label, "old": old, "new": new})
    metrics = ["precision(y, old)", "precision(y, new)"]
    change = of(evenhand.compare(table, metrics, "all", unit="u"), "x").change

    def apart(kept):
        return label[kept & (old == 1)].mean() - label[kept & (new == 1)].mean()

    left = np.array([apart(unit != u) for u in range(80)])
    jackknife = np.sqrt(79 / 80 * ((left - left.mean()) ** 2).sum())
    assert change.value == pytest.approx(apart(unit >= 0), rel=1e-9)
    assert change.standard_error == pytest.approx(jackknife, rel=0.03)


def test_areas_under_two_curves_agree_with_delong():
    rng = np.random.default_rng(4)
    label = np.repeat([1, 0], [70, 110])
    signal = label + rng.normal(0, 1, 180)
    old, new = signal + rng.normal(0, 1, 180), signal + rng.normal(0, 0.6, 180)
    table = pa.table({"all": ["x"] * 180, "y": label, "old": old, "new": new})
    found = evenhand.compare(table, ["auc(y, old)", "auc(y, new)"], "all")

    def placements(score):
        above = (score[label == 1][:, None] > score[label == 0][None, :]).astype(float)
        return above.mean(), above.mean(axis=1), above.mean(axis=0)

    (a, p, n), (b, q, m) = placements(old), placements(new)
    variance = np.var(p - q, ddof=1) / 70 + np.var(n - m, ddof=1) / 110
    change = of(found, "x").change
    assert change.value == pytest.approx(a - b, rel=1e-9)  # a lower area is worse
    assert change.standard_error == pytest.approx(np.sqrt(variance), rel=0.02)


def test_values_are_those_of_the_audit(found):
    for place, metric in enumerate(RATIOS):
        audit = evenhand.audit(clustered(), metric, "group", unit="speaker", worse="higher")
        assert found.overall[place].estimate == audit.overall
        for group in audit.groups:
            assert of(found, group.label, found.services[place].name).estimate == group.estimate


def test_the_change_of_a_gap_is_the_gap_after_less_before(found):
    for label in ("g0", "g1", "g2", "g3"):
        before, after = of(found, label, "old"), of(found, label, "new")
        assert after.gap_change.value == pytest.approx(after.gap - before.gap, rel=1e-9)
    assert of(found, "g0").verdict == "loses"
    assert of(found, "g0").gap_verdict == "falls behind"
    assert "gains" in {of(found, g).verdict for g in ("g1", "g2", "g3")}


# -- laws ----------------------------------------------------------------------------------------


def test_the_other_order_turns_every_sign(found):
    turned = evenhand.compare(clustered(), RATIOS[::-1], "group", unit="speaker", worse="higher")
    opposite = {"gains": "loses", "loses": "gains", "falls behind": "catches up"}
    opposite |= {"catches up": "falls behind"}
    for label in ("g0", "g1", "g2", "g3"):
        one, other = of(found, label), of(turned, label)
        for mine, theirs in ((one.change, other.change), (one.gap_change, other.gap_change)):
            assert (theirs.value, theirs.low, theirs.high) == pytest.approx(
                (-mine.value, -mine.high, -mine.low), rel=1e-9
            )
        assert other.verdict == opposite.get(one.verdict, one.verdict)
        assert other.gap_verdict == opposite.get(one.gap_verdict, one.gap_verdict)


def test_a_metric_that_is_better_when_higher_is_turned_too():
    table = clustered()
    hits = [pa.compute.subtract(table["words"], table[name]) for name in ("old", "new")]
    table = table.append_column("old_right", hits[0]).append_column("new_right", hits[1])
    right = evenhand.compare(
        table,
        ["ratio(old_right, words)", "ratio(new_right, words)"],
        "group",
        unit="speaker",
        worse="lower",
    )
    wrong = evenhand.compare(table, RATIOS, "group", unit="speaker", worse="higher")
    for label in ("g0", "g2"):
        assert of(right, label).change.value == pytest.approx(of(wrong, label).change.value)
        assert of(right, label).verdict == of(wrong, label).verdict


@pytest.mark.parametrize("unit", [None, "speaker"])
def test_equal_answers_are_exactly_zero_and_no_verdict(unit):
    table = clustered().append_column("same", clustered()["old"])
    found = evenhand.compare(
        table, ["ratio(old, words)", "ratio(same, words)"], "group", unit=unit, worse="higher"
    )
    for one in found.switched("same", ("group",)):
        assert one.change.value == one.gap_change.value == 0.0
        assert one.verdict == one.gap_verdict == "insufficient evidence"
    assert "nothing changes" in str(found)


def test_three_services_are_judged_together_and_against_the_first():
    table = clustered()
    third = pa.array(np.minimum(table["old"].to_numpy() + 1, table["words"].to_numpy()))
    table = table.append_column("third", third)
    metrics = [*RATIOS, "ratio(third, words)"]
    three = evenhand.compare(table, metrics, "group", worse="higher")
    two = evenhand.compare(table, RATIOS, "group", worse="higher")
    assert [one.name for one in three.services] == ["old", "new", "third"]
    assert three.settings.comparisons == 8
    for label in ("g0", "g1"):
        narrow, wide = of(two, label, "new").change, of(three, label, "new").change
        assert wide.value == narrow.value
        assert wide.high - wide.low > narrow.high - narrow.low


def test_order_of_rows_does_not_matter(found):
    table = clustered()
    shuffled = table.take(np.random.default_rng(2).permutation(table.num_rows))
    again = evenhand.compare(shuffled, RATIOS, "group", unit="speaker", worse="higher")
    for one, other in zip(found.groups, again.groups, strict=True):
        assert other.estimate.value == one.estimate.value
        if one.change:
            assert other.change.low == pytest.approx(one.change.low, rel=1e-9)


def test_transcripts_are_scored_once_each_on_the_same_rows():
    said = ["turn the light on", "call my sister", "what is the time", "stop", "play it again"] * 8
    one = [text if i % 3 else text.replace("the", "a") for i, text in enumerate(said)]
    two = [text if i % 2 else text + " now" for i, text in enumerate(said)]
    table = pa.table({"g": ["a", "b"] * 20, "said": said, "one": one, "two": two})
    found = evenhand.compare(table, ["wer(said, one)", "wer(said, two)"], "g")
    for place, name in enumerate(("one", "two")):
        audit = evenhand.audit(table, f"wer(said, {name})", "g")
        assert found.overall[place].estimate == audit.overall
    assert found.source.rows == 40


def test_a_share_and_a_mean_are_compared_as_means():
    rng = np.random.default_rng(3)
    old, new = rng.integers(0, 2, 80), rng.random(80)
    table = pa.table({"all": ["x"] * 80, "old": old, "new": new})
    change = of(evenhand.compare(table, ["mean(old)", "mean(new)"], "all"), "x").change
    assert change.method == "influence-t"
    assert change.p_value == pytest.approx(stats.ttest_rel(new, old).pvalue, rel=1e-6)


def test_averages_over_classes_need_the_same_classes():
    rng = np.random.default_rng(3)
    label, old, new = (rng.choice(list(kinds), 200) for kinds in ("abc", "abc", "abd"))
    table = pa.table({"all": ["x"] * 200, "y": label, "old": old, "new": new})
    metrics = ["f1(y, old, average='macro')", "f1(y, new, average='macro')"]
    with pytest.raises(InputError, match="Name the classes"):
        evenhand.compare(table, metrics, "all")
    named = [text.replace("')", "', labels=('a', 'b', 'c'))") for text in metrics]
    found = evenhand.compare(table, named, "all")
    for place, metric in enumerate(named):
        assert found.overall[place].estimate == evenhand.audit(table, metric, "all").overall


def test_units_may_be_named_by_two_columns():
    table = clustered().append_column("item", pa.array(np.arange(clustered().num_rows) % 37))
    found = evenhand.compare(table, RATIOS, "group", unit=["speaker", "item"], worse="higher")
    one = evenhand.compare(table, RATIOS, "group", unit="speaker", worse="higher")
    wide, narrow = of(found, "g0").change, of(one, "g0").change
    assert wide.value == narrow.value
    assert wide.standard_error >= narrow.standard_error * (1 - 1e-9)


# -- rows that cannot be paired ------------------------------------------------------------------


@pytest.fixture(scope="module")
def silent():
    """The new service answers only what is easy, and least often for g0."""
    rng = np.random.default_rng(6)
    group = np.repeat(["g0", "g1"], 300)
    hard = rng.random(600) < np.where(group == "g0", 0.5, 0.2)
    old = rng.random(600) < np.where(hard, 0.6, 0.1)
    new = pa.array((rng.random(600) < 0.1).astype(float), mask=hard & (rng.random(600) < 0.9))
    table = pa.table({"g": group, "old": old.astype(float), "new": new})
    return table, evenhand.compare(table, ["mean(old)", "mean(new)"], "g")


def test_rows_of_one_service_only_are_counted_and_left_out(silent):
    table, found = silent
    absent = table["new"].null_count
    old, new = found.services
    assert (old.n_scored, old.n_unpaired) == (600, absent)
    assert (new.n_scored, new.n_unpaired) == (600 - absent, 0)
    assert found.source.rows == 600 - absent
    own = {one.predicate: one.n_rows for one in found.unpaired}
    assert sum(own.values()) == absent
    assert {one.service for one in found.unpaired} == {"new"}
    assert [(m.attribute, m.n_rows) for m in found.missing] == [("new", absent)]


def test_groups_that_lose_more_rows_are_said_first(silent):
    _, found = silent
    assert all(one.uneven for one in found.unpaired)
    assert found.notes[0].code == "rows_unpaired"
    assert "groups differ by more than chance" in found.notes[0].text
    assert str(found).index("cannot be paired") < str(found).index("All together")


def test_a_label_that_is_missing_makes_no_row_unpaired():
    table = pa.table(
        {
            "g": ["a", "b"] * 20,
            "y": pa.array([1, 0, 1, None] * 10),
            "p": [1, 0, 0, 1] * 10,
            "q": [1, 1, 0, 1] * 10,
        }
    )
    found = evenhand.compare(table, ["accuracy(y, p)", "accuracy(y, q)"], "g")
    assert found.unpaired == ()
    assert [one.n_unpaired for one in found.services] == [0, 0]
    assert found.source.rows == 30


def test_a_missing_transcript_is_an_empty_one_and_said():
    """As in every audit: a service that says nothing has every word wrong, and does not win by it."""
    table = pa.table(
        {
            "g": ["a", "b"] * 10,
            "said": ["one two three"] * 20,
            "old": ["one two four"] * 20,
            "new": [None, "one two three"] * 10,
        }
    )
    found = evenhand.compare(table, ["wer(said, old)", "wer(said, new)"], "g")
    assert found.overall[1].estimate.value == 0.5
    assert found.unpaired == ()
    (note,) = (note for note in found.notes if note.code == "transcripts_empty")
    assert "(new: 10 rows)" in note.text
    assert "--where 'new IS NOT NULL'" in note.text


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["wer(said, one)", "cer(said, two)"], "are two metrics"),
        (["wer(said, one)", "wer(two, one)"], "differ in reference"),
        (["wer(said, one)", "wer(said, two, normalizer='none')"], "differ in normalizer"),
        (["wer(said, one)", "wer(said, one)"], "is named twice"),
        (["wer(said, one)"], "say the metric of each"),
        ([], "say the metric of each"),
        (["wer(said, one)", "wer(said, tow)"], "Did you mean 'two'"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(metrics, message):
    table = pa.table({"g": ["a"] * 9, "said": ["x y"] * 9, "one": ["x"] * 9, "two": ["y"] * 9})
    with pytest.raises(InputError, match=message):
        evenhand.compare(table, metrics, "g")


def test_one_number_of_several_rows_has_no_row_to_pair():
    table = pa.table({"g": ["a"] * 4, "q": [1, 1, 2, 2], "r": [1, 0, 1, 0], "s": [0.1, 0.2] * 2})
    table = table.append_column("t", table["s"])
    with pytest.raises(InputError, match="makes one row of several"):
        evenhand.compare(table, ["ndcg(r, s, q)", "ndcg(r, t, q)"], "g")


def test_too_many_services_are_refused():
    names = [f"s{i}" for i in range(services.MOST_SERVICES + 1)]
    table = pa.table({"g": ["a"] * 9} | {name: [0.0] * 9 for name in names})
    with pytest.raises(InputError, match="At most 12 services"):
        evenhand.compare(table, [f"mean({name})" for name in names], "g")


def test_small_groups_are_refused_with_what_they_need():
    table = pa.table({"g": ["a"] * 50 + ["b"] * 3, "p": [0, 1] * 26 + [0], "q": [1, 0] * 26 + [0]})
    found = evenhand.compare(table, ["mean(p)", "mean(q)"], "g")
    (refused,) = found.refused
    assert (refused.reason, refused.predicate) == ("too_few_units", "g = 'b'")
    assert "3 rows that p and q were both scored on" in refused.message
    assert of(found, "b").change.value is None


def test_rows_beyond_what_is_kept_are_refused(monkeypatch):
    monkeypatch.setattr("evenhand.switching.pairing.MOST_ROWS", 100)
    table = clustered()
    with pytest.raises(InputError, match="Name with --unit what is independent"):
        evenhand.compare(table, RATIOS, "group", worse="higher")
    evenhand.compare(table, RATIOS, "group", unit="speaker", worse="higher")


# -- as JSON and CSV -----------------------------------------------------------------------------


def test_json_comes_back_unchanged(found, silent):
    for one in (found, silent[1]):
        assert Switches.from_json(one.to_json()) == one
    assert json.loads(found.to_json())["schema"] == "evenhand.switches/1"


def test_csv_has_a_row_a_group_and_service(found):
    head, *rows = found.to_csv().splitlines()
    assert len(rows) == len(found.groups)
    assert head.startswith("by,group,predicate,service,value,low,high")
    assert all(row.count(",") == head.count(",") for row in rows)


def test_the_command_finds_the_same_again(found):
    assert "--compare 'ratio(numerator=old, denominator=words)'" in found.settings.command
    assert "--unit speaker" in found.settings.command
