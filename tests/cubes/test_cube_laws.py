"""Laws of cubes: merging, order, relabelling, splitting, files; and digits that stay."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evenhand
from evenhand.cubes import (
    CountedMetric,
    CountedRecords,
    CountedSource,
    Cube,
    build,
    build_cube,
    build_cubes,
    estimate,
    read_cube,
    write_cube,
)
from evenhand.errors import FaultsError, InputError
from evenhand.groups import Attribute
from evenhand.metrics import parse_metric
from evenhand.stats.forms import AreaUnderCurve, Ratio

BY = (Attribute(name="a"), Attribute(name="b"))
FEW = settings(max_examples=6, deadline=None, derandomize=True)

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["x", "y", "é'\"", None]),
        st.sampled_from([1, 2, None]),
        st.sampled_from([f"s{i}" for i in range(6)]),
        st.floats(-1e6, 1e6, allow_nan=False),
        st.integers(0, 50),
    ),
    min_size=2,
    max_size=30,
)


def table_of(rows) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    kinds = {
        "a": pa.string(),
        "b": pa.int64(),
        "unit": pa.string(),
        "value": pa.float64(),
        "words": pa.int64(),
    }
    return pa.table(
        {
            name: pa.array(column, kind)
            for (name, kind), column in zip(kinds.items(), columns, strict=True)
        }
    )


def cube_of(hold, table, metric="ratio(value, words)", unit=None, by=BY) -> Cube:
    records = hold(table)
    measure = parse_metric(metric, records.columns).plan(records).measure
    cube = build_cube(records, measure, by, unit=unit)
    records.close()
    return cube


def contents(cube: Cube) -> dict:
    """What a cube says, whatever the order of its cells and units."""
    out = {
        key: (int(cube.n_rows[i]), int(cube.n_defined[i]), cube.sums[i], cube.comoments[i])
        for i, key in enumerate(cube.keys)
    }
    assert len(out) == len(cube.keys), "a cell occurs twice"
    if cube.units is not None:
        units = cube.units
        pairs = {
            (cube.keys[cell], units.names[unit]): sums
            for cell, unit, sums in zip(units.cell, units.unit, units.sums, strict=True)
        }
        assert len(pairs) == len(units.cell), "a unit occurs twice in a cell"
        out["units"] = pairs
    return out


def assert_same(one: Cube, two: Cube) -> None:
    assert (one.attributes, one.parts, one.indicators, one.n_levels) == (
        two.attributes,
        two.parts,
        two.indicators,
        two.n_levels,
    )
    assert dict(one.missing) == dict(two.missing)
    first, second = contents(one), contents(two)
    assert first.keys() == second.keys()
    for key, value in first.items():
        if key == "units":
            assert value.keys() == second[key].keys()
            for pair, sums in value.items():
                np.testing.assert_allclose(sums, second[key][pair], rtol=1e-9, atol=1e-6)
            continue
        assert value[:2] == second[key][:2]
        np.testing.assert_allclose(value[2], second[key][2], rtol=1e-9, atol=1e-6)
        scale = np.abs(value[3]).max(initial=1.0)
        np.testing.assert_allclose(value[3], second[key][3], atol=1e-8 * scale)


@pytest.mark.parametrize("unit", [None, "unit"])
@FEW
@given(rows=ROWS, cut=st.integers(1, 29))
def test_cubes_of_parts_merge_to_the_cube_of_the_whole(hold, unit, rows, cut):
    """Also where a unit's rows lie in both parts."""
    cut = min(cut, len(rows) - 1)
    table = table_of(rows)
    merged = cube_of(hold, table[:cut], unit=unit).merge(cube_of(hold, table[cut:], unit=unit))
    assert_same(merged, cube_of(hold, table, unit=unit))


@pytest.mark.parametrize("unit", [None, "unit"])
@FEW
@given(rows=ROWS)
def test_merging_does_not_depend_on_which_cube_comes_first(hold, unit, rows):
    table = table_of(rows)
    parts = [cube_of(hold, table[i : i + 1], unit=unit) for i in range(min(3, len(rows)))]
    one, two = parts[0], parts[-1]
    assert_same(one.merge(two), two.merge(one))
    assert_same(
        parts[0].merge(parts[1]).merge(parts[-1]), parts[0].merge(parts[1].merge(parts[-1]))
    )


@pytest.mark.parametrize("unit", [None, "unit"])
@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_order_of_rows_does_not_matter(hold, unit, rows, seed):
    order = np.random.default_rng(seed).permutation(len(rows))
    table = table_of(rows)
    assert_same(cube_of(hold, table, unit=unit), cube_of(hold, table.take(order), unit=unit))


def kept(cube, folder):
    """The cube as its file gives it back."""
    metric = CountedMetric(text="mean(x)", higher_is_worse=True, form={}, cube=cube)
    counted = CountedRecords(
        attributes=tuple(Attribute(name=name) for name in cube.attributes),
        by=cube.attributes,
        units=("unit",) * (cube.units is not None),
        columns=(),
        metrics=(metric,),
        sources=(CountedSource(name="rows", sha256=None),),
    )
    write_cube(counted, folder / "a.cube")
    return read_cube(folder / "a.cube").metrics[0].cube


@pytest.mark.parametrize("unit", [None, "unit"])
@FEW
@given(rows=ROWS)
def test_a_cube_comes_back_from_its_file_unchanged(hold, unit, rows):
    cube = cube_of(hold, table_of(rows), unit=unit)
    with tempfile.TemporaryDirectory() as folder:
        assert_same(cube, kept(cube, Path(folder)))


@pytest.mark.parametrize("unit", [None, "unit"])
def test_a_cube_of_scores_comes_back_from_its_file_unchanged(hold, unit, tmp_path):
    rng = np.random.default_rng(1)
    positive = rng.random(200) < 0.5
    table = pa.table(
        {
            "a": rng.choice(["x", "y"], 200),
            "unit": [f"u{i}" for i in rng.integers(0, 30, 200)],
            "label": positive.astype(int),
            "score": np.round(rng.normal(positive, 1), 1),
        }
    )
    cube = cube_of(hold, table, "auc(label, score)", unit, by=BY[:1])
    again = kept(cube, tmp_path)
    form = AreaUnderCurve()
    before, after = (
        estimate(c, form, np.array([[key == (name,) for key in c.keys] for name in "xy"]))
        for c in (cube, again)
    )
    np.testing.assert_array_equal(before.values, after.values)
    np.testing.assert_allclose(before.variances, after.variances, rtol=1e-9)
    np.testing.assert_array_equal(before.n_units, after.n_units)


def test_a_cube_without_attributes_comes_back_from_its_file(hold, tmp_path):
    table = table_of([("x", 1, "s", 1.5, 3), ("y", 2, "t", 2.5, 4)])
    for unit in (None, "unit"):
        cube = cube_of(hold, table, unit=unit, by=())
        assert_same(cube, kept(cube, tmp_path))


def test_unlike_cubes_do_not_add(hold):
    table = table_of([("x", 1, "s", 1.5, 3), ("y", 2, "t", 2.5, 4)])
    cube = cube_of(hold, table)
    with pytest.raises(InputError, match="differ"):
        cube.merge(cube_of(hold, table, by=BY[:1]))
    with pytest.raises(InputError, match="names its units"):
        cube.merge(cube_of(hold, table, unit="unit"))


# -- audits ----------------------------------------------------------------------------------


def people(rows: int = 400) -> dict:
    rng = np.random.default_rng(2)
    return {
        "site": rng.choice(["a", "b", "c"], rows),
        "person": [f"p{i}" for i in rng.integers(0, 60, rows)],
        "wrong": rng.integers(0, 3, rows),
        "words": rng.integers(3, 9, rows),
    }


def audited(data: dict, **options):
    return evenhand.audit(pa.table(data), "ratio(wrong, words)", "site", **options)


def numbers(result, names=None) -> dict:
    return {
        (names or {}).get(g.label, g.label): (
            g.estimate.value,
            g.estimate.low,
            g.estimate.high,
            g.estimate.n_rows,
            g.estimate.n_units,
            g.shrunk,
            g.versus.difference,
            g.versus.p_value,
        )
        for g in result.groups
    }


@pytest.mark.parametrize("unit", [None, "person"])
def test_relabelling_groups_does_not_matter(unit):
    data = people()
    names = {"a": "zulu", "b": "and", "c": 'it\'s "x"'}
    renamed = data | {"site": [names[s] for s in data["site"]]}
    one, two = numbers(audited(data, unit=unit), names), numbers(audited(renamed, unit=unit))
    assert one.keys() == two.keys()
    for name in one:
        assert one[name] == pytest.approx(two[name], rel=1e-9)


@pytest.mark.parametrize("unit", [None, "person"])
def test_splitting_a_group_changes_no_other_groups_estimate(unit):
    data = people()
    split = data | {"site": [f"c{i % 2}" if s == "c" else s for i, s in enumerate(data["site"])]}
    one, two = numbers(audited(data, unit=unit)), numbers(audited(split, unit=unit))
    assert two.keys() == {"a", "b", "c0", "c1"}
    for name in "ab":
        assert one[name][:5] == pytest.approx(two[name][:5], rel=1e-9)
        assert one[name][6] == pytest.approx(two[name][6], rel=1e-9)  # the rest is the same rows
        # How sure to be is told by all groups: two halves tell nearly what the whole did.
        assert one[name][7] == pytest.approx(two[name][7], rel=0.05)
    assert one["c"][3] == two["c0"][3] + two["c1"][3]


@pytest.mark.parametrize("unit", [None, "person"])
def test_crossing_another_attribute_changes_no_margin(unit):
    data = people() | {"age": np.arange(400) % 3}
    table = pa.table(data)
    alone = evenhand.audit(table, "ratio(wrong, words)", "site", unit=unit)
    crossed = evenhand.audit(table, "ratio(wrong, words)", "site,age", unit=unit)
    margin = {g.label: g.estimate for g in crossed.groups if g.by == ("site",)}
    assert len(margin) == 3
    for group in alone.groups:
        assert margin[group.label].n_units == group.estimate.n_units
        assert margin[group.label].low == pytest.approx(group.estimate.low, rel=1e-9)


def test_a_unit_per_row_is_the_same_as_rows_as_units():
    """But for the residuals of rows of unequal size, whose own part is known of named units only."""
    data = people()
    named = data | {"person": [f"p{i}" for i in range(400)]}
    one, two = numbers(audited(data)), numbers(audited(named, unit="person"))
    for name in one:
        assert one[name] == pytest.approx(two[name], rel=2e-3)
    equal = data | {"words": np.full(400, 5)}
    one = numbers(audited(equal))
    two = numbers(audited(equal | {"person": named["person"]}, unit="person"))
    for name in one:
        assert one[name] == pytest.approx(two[name], rel=1e-9)


# -- digits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [None, "row"])
def test_large_values_keep_their_standard_deviation(unit):
    """1.7e9 + 0.01 i: raw sums of squares give 0.0 [m]; the truth is 2.887."""
    values = 1.7e9 + 0.01 * np.arange(1000)
    table = pa.table(
        {"site": ["a", "b"] * 500, "value": values, "row": [f"r{i}" for i in range(1000)]}
    )
    result = evenhand.audit(table, "mean(value)", "site", unit=unit)
    deviation = result.overall.standard_error * np.sqrt(1000)
    assert deviation == pytest.approx(values.std(ddof=1), rel=1e-3)
    assert round(deviation, 2) == 2.89


def test_large_values_keep_their_standard_deviation_through_merging(hold):
    values = 1.7e9 + 0.01 * np.arange(1000)
    table = pa.table({"a": ["x"] * 1000, "value": values})
    by = BY[:1]
    merged = cube_of(hold, table[:1], "mean(value)", by=by)
    for start, stop in ((1, 300), (300, 301), (301, 1000)):
        merged = merged.merge(cube_of(hold, table[start:stop], "mean(value)", by=by))
    assert np.sqrt(merged.comoments[0, 0, 0] / 1000) == pytest.approx(values.std(), rel=1e-6)


@pytest.mark.parametrize("unit", [None, "unit"])
def test_integers_stay_exact(hold, unit):
    rng = np.random.default_rng(3)
    values = rng.integers(10**11, 10**12, 2000)
    words = rng.integers(1, 10**9, 2000)
    table = pa.table(
        {
            "a": ["x"] * 2000,
            "unit": [f"u{i % 7}" for i in range(2000)],
            "value": values,
            "words": words,
        }
    )
    cube = cube_of(hold, table, unit=unit, by=BY[:1])
    assert [int(total) for total in cube.sums[0]] == [int(values.sum()), int(words.sum())]


def test_integers_stay_whole_in_the_result():
    overall = audited(people()).overall
    assert isinstance(overall.numerator, int)
    assert isinstance(overall.counts["numerator"], int)


# -- the undefined -------------------------------------------------------------------------------


def test_no_denominator_is_not_zero():
    table = pa.table(
        {
            "site": ["a"] * 20 + ["b"] * 20,
            "wrong": [0] * 20 + [1] * 20,
            "words": [0] * 20 + [4] * 20,
        }
    )
    result = evenhand.audit(table, "ratio(wrong, words)", "site")
    group = next(g for g in result.groups if g.label == "a")
    assert (group.estimate.value, group.estimate.low, group.estimate.reason) == (
        None,
        None,
        "no_denominator",
    )
    assert group.versus.reason == "no_denominator"
    assert group.versus.difference is None
    assert group.verdict == "insufficient evidence"
    assert [refused.reason for refused in result.refused] == ["no_denominator"]


def test_one_unit_has_a_value_but_no_interval():
    table = pa.table(
        {
            "site": ["a"] * 30 + ["b"] * 30,
            "who": ["solo"] * 30 + [f"p{i}" for i in range(30)],
            "wrong": [1, 0] * 30,
            "words": [4] * 60,
        }
    )
    result = evenhand.audit(table, "ratio(wrong, words)", "site", unit="who")
    group = next(g for g in result.groups if g.label == "a")
    assert group.estimate.value == 0.125
    assert (group.estimate.low, group.estimate.standard_error, group.estimate.reason) == (
        None,
        None,
        "too_few_units",
    )
    assert group.verdict == "insufficient evidence"


def test_values_all_equal_give_no_interval_of_width_nothing():
    table = pa.table({"site": ["a", "b"] * 30, "value": [0.3] * 60})
    result = evenhand.audit(table, "mean(value)", "site")
    for group in result.groups:
        assert group.estimate.value == pytest.approx(0.3)
        assert (group.estimate.low, group.estimate.high, group.estimate.reason) == (
            None,
            None,
            "no_variation",
        )
        assert group.verdict == "insufficient evidence"


def test_a_group_without_variance_is_not_certain_about_its_difference():
    """Six people without an event in a world where one in fifty has one are no finding."""
    rng = np.random.default_rng(4)
    wrong = np.concatenate([np.zeros(6, int), (rng.random(3000) < 0.02).astype(int)])
    table = pa.table(
        {
            "site": ["small"] * 6 + ["big"] * 3000,
            "who": [f"p{i}" for i in range(3006)],
            "hired": wrong,
            "one": [1] * 3006,
        }
    )
    result = evenhand.audit(table, "ratio(hired, one)", "site", unit="who", worse="lower")
    assert next(g.verdict for g in result.groups if g.label == "small") != "worse"


def test_difference_to_overall_is_the_difference_that_is_printed_beside_it():
    """A metric that is no ratio of sums too."""
    rng = np.random.default_rng(5)
    positive = rng.random(600) < 0.5
    table = pa.table(
        {
            "site": np.where(np.arange(600) < 200, "a", "b"),
            "label": positive.astype(int),
            "predicted": (
                positive ^ (rng.random(600) < np.where(np.arange(600) < 200, 0.4, 0.1))
            ).astype(int),
        }
    )
    for metric in (
        "accuracy(label, predicted)",
        "mcc(label, predicted)",
        "balanced_accuracy(label, predicted)",
    ):
        result = evenhand.audit(table, metric, "site", versus="overall")
        for group in result.groups:
            expected = group.estimate.value - result.overall.value
            assert group.versus.difference == pytest.approx(expected, abs=1e-9)
            assert group.versus.low <= expected <= group.versus.high


def test_estimates_of_ratio_cubes_are_those_of_numpy(hold):
    data = people()
    cube = cube_of(
        hold,
        pa.table({"a": data["site"], "value": data["wrong"], "words": data["words"]}),
        by=BY[:1],
    )
    found = estimate(
        cube, Ratio(numerator=(1, 0), denominator=(0, 1)), np.ones((1, len(cube.keys)), bool)
    )
    wrong, words = data["wrong"], data["words"]
    residual = wrong - wrong.sum() / words.sum() * words
    assert found.values[0] == pytest.approx(wrong.sum() / words.sum(), rel=1e-12)
    assert found.variances[0] == pytest.approx(
        400 / 399 * (residual**2).sum() / words.sum() ** 2, rel=1e-9
    )


@pytest.mark.parametrize(("unit", "columns_at_once"), [(None, 800), ("unit", 800), (None, 40)])
def test_cubes_counted_together_are_those_counted_alone(hold, monkeypatch, unit, columns_at_once):
    """Several models read one label; a number, which has many values, has a scan of its own."""
    monkeypatch.setattr(build, "_MOST_COLUMNS", columns_at_once)
    rng = np.random.default_rng(3)
    n = 400
    columns = {name: rng.integers(0, 2, n) for name in ("label", "one", "two", "three:3")}
    table = pa.table(
        {
            "a": rng.choice(["x", "y", "NA"], n),
            "b": pa.array(rng.integers(0, 3, n), mask=rng.random(n) < 0.1),
            "unit": rng.choice(["s0", "s1", "s2", "n/a"], n),
            "value": rng.normal(size=n),
            **{
                name: pa.array(values, mask=rng.random(n) < 0.1) for name, values in columns.items()
            },
        }
    )
    records = hold(table)
    asked = [
        "accuracy(label, one)",
        "accuracy(label, two)",
        "mae(value, one)",
        'true_positive_rate(two, "three:3")',
        "true_positive_rate(one, label)",
        "precision(a = 'x', one = 1)",
        "selection_rate(one)",
        'false_positive_rate(label, "three:3")',
    ]
    plans = [parse_metric(text, records.columns).plan(records) for text in asked]
    given_ = [(plan.measure, plan.form) for plan in plans]
    missing = ("NA", "n/a")
    together = build_cubes(records, given_, BY, unit=unit, missing_values=missing)
    for (measure, form), cube in zip(given_, together, strict=True):
        alone = build_cube(records, measure, BY, unit=unit, missing_values=missing, form=form)
        assert cube.keys == alone.keys
        assert cube.missing == alone.missing
        assert cube.meaning == alone.meaning
        for name in ("n_rows", "n_defined", "sums", "comoments", "powers"):
            np.testing.assert_array_equal(getattr(cube, name), getattr(alone, name))
        assert (cube.units is None) == (unit is None)
        if unit:
            assert cube.units.names == alone.units.names
            for name in ("cell", "unit", "sums"):
                np.testing.assert_array_equal(getattr(cube.units, name), getattr(alone.units, name))
    records.close()


def test_faults_of_measures_counted_together_are_told_of_the_first_with_any(hold):
    table = pa.table(
        {"g": ["x", "y"] * 5, "label": [0, 1] * 5, "good": [1, 0] * 5, "bad": [0, 2] * 5}
    )
    records = hold(table)
    plans = [
        parse_metric(f"true_positive_rate(label, {name})", records.columns).plan(records)
        for name in ("good", "bad")
    ]
    with pytest.raises(FaultsError, match="bad") as caught:
        build_cubes(records, [(p.measure, p.form) for p in plans], [Attribute(name="g")])
    assert caught.value.total == 5
    records.close()
