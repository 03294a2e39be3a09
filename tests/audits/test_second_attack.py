"""What a second hostile reader broke in the mended claims; figures in docstrings are what was measured then."""

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits

import evenhand


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with threadpool_limits(1):
        yield


def table_of(**columns):
    return pa.table({name: np.asarray(values) for name, values in columns.items()})


def codes(result):
    return [note.code for note in result.notes]


def told(result, code):
    return next(note.text for note in result.notes if note.code == code)


def test_crossing_with_an_attribute_of_one_value_is_no_crash():
    """42 of 150 such tables ended in a traceback: a constant has no spread to estimate."""
    for world in range(20):
        rng = np.random.default_rng([5, world])
        site = rng.integers(0, rng.integers(3, 6), 150).astype(str)
        wrong = (rng.random(150) < 0.05).astype(int)
        table = table_of(site=site, sex=np.repeat("f", 150), wrong=wrong)
        audit = evenhand.audit(table, "mean(wrong)", "site,sex")
        crossed = {g.group["site"]: g for g in audit.groups if len(g.by) == 2}
        alone = {g.group["site"]: g for g in audit.groups if g.by == ("site",)}
        for name, group in crossed.items():
            assert group.shrunk == pytest.approx(alone[name].shrunk, abs=1e-3)


def test_no_ratio_is_surer_than_its_difference():
    """Any ratio's interval excluded 1 in .231 of these worlds: its variances were not moderated."""
    wrong, worlds = 0, 60
    for world in range(worlds):
        rng = np.random.default_rng([6, world])
        users = np.repeat(np.arange(3), [7, 60, 60])
        rate = np.where(rng.random(127) < 0.15, 0.8, 0.02)
        unit = np.repeat(np.arange(127), 12)
        table = table_of(
            g=users[unit].astype(str),
            u=unit.astype(str),
            y=(rng.random(len(unit)) < rate[unit]).astype(int),
        )
        audit = evenhand.audit(table, "mean(y)", "g", unit="u", worse="higher")
        for versus in (group.versus for group in audit.groups):
            if versus.ratio_low is not None and versus.low <= 0 <= versus.high:
                assert versus.ratio_low <= 1 <= (versus.ratio_high or np.inf)
            wrong += (versus.ratio_high or 9) < 1 or (versus.ratio_low or 0) > 1
    assert wrong <= 8


def speakers_of(sizes, failing):
    """Speakers of these numbers of rows, of whom some fail in all."""
    unit = np.repeat(np.arange(len(sizes)), sizes)
    return unit, np.isin(unit, failing).astype(int)


def test_units_of_very_unequal_size_are_told_of():
    """Where large units fail more, no interval holds: .87 and less were covered, without a word."""
    sizes = [300, 150, *[5] * 18]
    unit, wrong = speakers_of(sizes, [0, 7])
    table = table_of(g=np.where(unit % 2, "a", "b"), speaker=unit.astype(str), wrong=wrong)
    audit = evenhand.audit(table, "mean(wrong)", "g", unit="speaker")
    text = told(audit, "unequal_units")
    assert "The 20 speakers differ so much in size that they count as about 3 alike" in text
    assert "Counting each once it is 0.1, not 0.565" in text
    hidden = evenhand.audit(table, "mean(wrong)", "g", unit="speaker", suppress_below=5)
    assert "Some speakers give so much more" in told(hidden, "unequal_units")
    unit, wrong = speakers_of([30, 20, 25, 35] * 5, [0, 7])
    table = table_of(g=np.where(unit % 2, "a", "b"), speaker=unit.astype(str), wrong=wrong)
    assert "unequal_units" not in codes(evenhand.audit(table, "mean(wrong)", "g", unit="speaker"))


def test_units_of_very_unequal_size_are_told_of_under_conditions_too():
    sizes = [300, 150, *[5] * 18]
    unit, wrong = speakers_of([n for n in sizes for _ in range(2)], [1])
    table = table_of(
        g=np.where(unit // 2 % 2, "a", "b"),
        speaker=(unit // 2).astype(str),
        noise=np.where(unit % 2, "hum", "clean"),
        wrong=wrong,
    )
    found = evenhand.effects(
        table, "mean(wrong)", "g", condition="noise", reference="clean", unit="speaker"
    )
    assert "under clean differ so much in size" in told(found, "unequal_units")


def test_a_denial_that_rests_on_the_interval_alone_says_so():
    """Without bounds *not worse* was wrong in .32 to .46 of worlds with one bad speaker in ten or twenty."""
    rng = np.random.default_rng(7)
    errors = np.r_[rng.integers(4, 7, 8), rng.integers(15, 30, 40)]
    table = table_of(
        g=np.repeat(["a", "b"], [8, 40]),
        speaker=np.arange(48).astype(str),
        errors=errors,
        words=np.full(48, 100),
    )
    audit = evenhand.audit(table, "ratio(errors, words)", "g", unit="speaker", worse="higher")
    assert [group.verdict for group in audit.groups] == ["worse", "not worse"]
    assert "Of as few as 8 speakers, not worse rests on the interval alone" in told(
        audit, "interval_alone"
    )
    hidden = evenhand.audit(
        table, "ratio(errors, words)", "g", unit="speaker", worse="higher", suppress_below=5
    )
    assert "Of few speakers, not worse rests" in told(hidden, "interval_alone")
    many = {
        name: pa.chunked_array([table[name].combine_chunks()] * 60) for name in ("errors", "words")
    }
    large = pa.table(many | {"g": pa.array(np.tile(np.repeat(["a", "b"], [8, 40]), 60))})
    audit = evenhand.audit(large, "ratio(errors, words)", "g", worse="higher")
    assert "not worse" in [group.verdict for group in audit.groups]
    assert "interval_alone" not in codes(audit)


def test_rows_without_units_deny_no_cost_that_was_not_met():
    """*Not more* was said in .108 of these worlds at the tolerance, and .025 was promised."""
    wrong, worlds = 0, 40
    for world in range(worlds):
        rng = np.random.default_rng([8, world])
        sizes, rates = [600, 600, 25, 25], [0.002, 0.002, 0.002, 0.075]
        table = table_of(
            g=np.repeat(["others", "others", "few", "few"], sizes),
            noise=np.repeat(["clean", "hum", "clean", "hum"], sizes),
            wrong=np.concatenate(
                [rng.random(n) < p for n, p in zip(sizes, rates, strict=True)]
            ).astype(int),
        )
        found = evenhand.effects(
            table, "mean(wrong)", "g", condition="noise", reference="clean", tolerance=0.0728
        )
        wrong += any(g.verdict == "not more" for g in found.groups if g.label == "few")
    assert wrong <= 4


def test_detectable_differences_know_that_rates_vary_more_where_they_are_higher():
    """Of units the printed difference was found in .54 of worlds, and .80 was promised."""

    def group(rng, more):
        own = rng.beta(1, 9, 72)
        own[:12] = np.minimum(own[:12] + more, 1)
        unit = np.repeat(np.arange(72), 8)
        table = table_of(
            g=(unit // 12).astype(str),
            u=unit.astype(str),
            y=(rng.random(len(unit)) < own[unit]).astype(int),
        )
        audit = evenhand.audit(table, "mean(y)", "g", unit="u", worse="higher")
        return next(g for g in audit.groups if g.label == "0")

    printed = [
        group(np.random.default_rng([9, i]), 0.0).minimum_detectable_difference for i in range(15)
    ]
    difference = float(np.median(printed))
    found = [
        group(np.random.default_rng([10, i]), difference).verdict == "worse" for i in range(50)
    ]
    assert np.mean(found) >= 0.8 - 3 * np.sqrt(0.16 / 50)


def test_one_row_says_nothing_of_chance_and_ends_in_no_nan():
    """A group of one row made every shrunk value NaN, and JSON a traceback."""
    rng = np.random.default_rng(13)
    table = table_of(
        g=np.repeat(["a", "b", "c", "d"], [1, 40, 40, 40]), y=np.zeros(121), p=rng.normal(size=121)
    )
    audit = evenhand.audit(table, "mae(target=y, prediction=p)", "g")
    assert '": NaN' not in audit.to_json()
    assert {group.label: group.shrunk is None for group in audit.groups} == {
        "a": True,
        "b": False,
        "c": False,
        "d": False,
    }


@pytest.mark.parametrize("size", [1e-11, 1e-8, 5e23])
def test_pages_draw_values_of_any_size(size):
    rng = np.random.default_rng(14)
    pages = []
    for errors in (rng.random(60) * size, np.full(60, size)):
        table = table_of(g=np.repeat(["a", "b"], 30), y=np.zeros(60), p=errors)
        pages.append(evenhand.audit(table, "mae(target=y, prediction=p)", "g").to_html())
    # Where all values are alike there is no difference to draw, and both groups are said not to be judged.
    assert pages[0].count('class="mark unsure"') == 2
    assert pages[1].count(">– every unit gives the same value") == 2


def test_units_of_one_group_that_agree_are_no_certainty():
    """Units fail wholly or never; any interval excluded 0 in .26 of worlds: six that agree had no variance."""
    wrong, excluded, worlds = 0, 0, 60
    for world in range(worlds):
        rng = np.random.default_rng([15, world])
        unit = np.repeat(np.arange(60), 3)
        failed = (rng.random(60) < 0.5)[unit].astype(int)
        table = table_of(g=(unit // 6).astype(str), u=unit.astype(str), y=failed)
        audit = evenhand.audit(table, "mean(y)", "g", unit="u", worse="higher")
        compared = [group.versus for group in audit.groups if group.versus.low is not None]
        excluded += any(one.low > 0 or one.high < 0 for one in compared)
        wrong += any(group.verdict == "worse" for group in audit.groups)
    assert max(wrong, excluded) <= worlds * (0.05 + 3 * np.sqrt(0.0475 / worlds))


def test_no_detectable_difference_is_beyond_what_is_possible():
    rng = np.random.default_rng(16)
    unit = np.repeat(np.arange(24), 4)
    table = table_of(
        g=(unit // 6).astype(str),
        u=unit.astype(str),
        y=(rng.random(96) < rng.beta(1, 1, 24)[unit]).astype(int),
    )
    for tolerance in (0.0, 0.4):
        audit = evenhand.audit(table, "mean(y)", "g", unit="u", worse="higher", tolerance=tolerance)
        for group in audit.groups:
            most = 1 - (group.estimate.value - group.versus.difference)
            assert (group.minimum_detectable_difference or 0) <= most


def test_the_first_sentence_tells_few_units_from_units_that_agree():
    rng = np.random.default_rng(17)
    few = table_of(
        g=np.repeat(["a", "b"], 5), voice=np.arange(10).astype(str), wrong=rng.random(10) < 0.5
    )
    text = str(evenhand.audit(few, "mean(wrong)", "g", unit="voice", worse="higher"))
    assert "With so few voices not even the worst that is possible would have been found" in text
    fine = table_of(
        g=np.repeat(["a", "b"], 300), voice=np.arange(600).astype(str), wrong=np.zeros(600, int)
    )
    text = str(evenhand.audit(fine, "mean(wrong)", "g", unit="voice", worse="higher"))
    assert "No group is shown to be worse." in text
    assert "With so few" not in text


def test_rows_of_a_scarcer_class_are_called_so_and_not_told_where_people_are_hidden():
    rng = np.random.default_rng(12)
    label = (rng.random(300) < 0.05).astype(int)
    label[260:] = 0
    label[260] = 1
    prediction = np.where(rng.random(300) < 0.9, label, 1 - label)
    table = table_of(
        g=np.repeat(["a", "b", "c", "d"], [100, 100, 60, 40]), label=label, prediction=prediction
    )
    told = [
        refused.message
        for refused in evenhand.audit(table, "cohen_kappa(label, prediction)", "g").refused
    ]
    assert told[-1] == (
        "Refused [too_few_units]: group g = 'd' has 1 row of its scarcer class; this interval needs at least 5."
    )
    hidden = evenhand.audit(table, "cohen_kappa(label, prediction)", "g", suppress_below=10)
    assert {group.label: group.estimate.n_units for group in hidden.groups} == {
        "a": 100,
        "b": 100,
        "c": 60,
        "d": 40,
    }
    assert all("has few rows of its scarcer class" in refused.message for refused in hidden.refused)
    assert {refused.n_units for refused in hidden.refused} == {None}


def test_two_kinds_of_spread_are_not_one_wide_one():
    """Twelve groups, every second with ten times the spread: any interval excluded 0 in .098."""
    wrong, worlds = 0, 80
    for world in range(worlds):
        rng = np.random.default_rng([11, world])
        group = np.repeat(np.arange(12), 6)
        y = rng.normal(size=72) * np.where(group % 2, 1.0, 0.1)
        audit = evenhand.audit(table_of(g=group.astype(str), y=y), "mean(y)", "g", worse="higher")
        wrong += any(g.versus.low > 0 or g.versus.high < 0 for g in audit.groups if g.versus)
    assert wrong <= 80 * (0.05 + 3 * np.sqrt(0.0475 / 80))
