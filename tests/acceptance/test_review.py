"""Defects that a hostile review found, each as a claim that holds now."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import evenhand
from evenhand.cubes import build_cube
from evenhand.errors import InputError
from evenhand.metrics import parse_metric
from evenhand.pages.numbers import share
from evenhand.records import open_records, public_name


def alarms(worlds, make, **options):
    """Share of null worlds in which some group is called worse, and in which a gap is claimed."""
    worse, gaps = [], []
    for seed in range(worlds):
        result = evenhand.audit(make(np.random.default_rng(seed)), seed=seed, **options)
        worse.append(bool(result.worse))
        gaps.append(bool(result.gap and result.gap.lower_bound))
    return np.mean(worse), np.mean(gaps)


def limit(worlds):
    return 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


@pytest.mark.parametrize("shared", [0, 1, 4])
def test_sharing_a_unit_does_not_make_a_small_group_certain(shared):
    def world(rng):
        unit = np.concatenate([np.arange(8), np.arange(8 - shared, 1008 - shared)])
        group = np.repeat(["small", "large"], [8, 1000])
        return pa.table({"g": group, "u": unit.astype(str), "x": (rng.random(1008) < 0.05) * 1})

    worse, gaps = alarms(60, world, metric="selection_rate(x)", by="g", unit="u", worse="lower")
    assert max(worse, gaps) <= limit(60)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_units_spread_over_many_small_groups_raise_no_false_alarm(rate):
    def world(rng):
        x = (rng.random(360) < rate) * 1
        return pa.table(
            {
                "g": np.repeat(np.arange(18), 20).astype(str),
                "u": rng.integers(0, 150, 360).astype(str),
                "x": x,
            }
        )

    worse, gaps = alarms(60, world, metric="selection_rate(x)", by="g", unit="u", worse="lower")
    assert max(worse, gaps) <= limit(60)


def test_a_family_of_metrics_raises_no_false_alarm_with_two_small_groups():
    alarmed = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        columns = {f"x{i}": (rng.random(2006) < 0.01) * 1 for i in range(12)}
        table = pa.table({"g": np.repeat(["a", "b"], [6, 2000]), **columns})
        audits = evenhand.audit_metrics(
            table, [f"selection_rate({name})" for name in columns], "g", worse="higher"
        )
        alarmed.append(any(audit.worse for audit in audits))
    assert np.mean(alarmed) <= limit(40)


def test_not_a_number_is_in_no_group_and_selected_by_no_threshold(tmp_path):
    rng = np.random.default_rng(0)
    age = np.where(rng.random(400) < 0.2, np.nan, rng.integers(20, 80, 400))
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"age": age, "x": rng.integers(0, 2, 400)}), path)
    (group,) = evenhand.audit(path, "mean(x)", by="age >= 50").groups
    assert group.estimate.n_rows == (age >= 50).sum()
    overall = evenhand.audit(
        path, "selection_rate(prediction=age >= 50)", by="x", worse="lower"
    ).overall
    assert (overall.numerator, overall.denominator) == ((age >= 50).sum(), (~np.isnan(age)).sum())


def test_not_a_number_in_a_parquet_score_is_missing_and_counted(tmp_path):
    """The file's statistics know nothing of NaN, and the engine believes them."""
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"g": ["a", "b"] * 50, "l": [0, 1] * 50, "s": [0.5] * 99 + [np.nan]}), path
    )
    audit = evenhand.audit(path, "brier(l, s)", by="g")
    assert (audit.overall.value, audit.overall.n_rows) == (0.25, 99)
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("s", 1)]


def test_texts_that_mean_missing_are_in_no_rest():
    table = pa.table({"accent": ["us", "uk", "NA"] * 40, "x": [0, 0, 1] * 40})
    (chosen,) = evenhand.audit(table, "mean(x)", by="accent = 'us'", min_units=2).groups
    both = evenhand.audit(table, "mean(x)", by="accent", min_units=2)
    assert chosen.estimate.value == next(g for g in both.groups if g.label == "us").estimate.value
    assert chosen.versus.difference == 0  # rest and group are 0; the NA rows are 1


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("postgresql://me:s3cret@host/db?table=t", "postgresql://host/db?table=t"),
        ("postgresql://host/db?password=s3cret&table=t", "postgresql://host/db?table=t"),
        ("data.csv", "data.csv"),
        ("wer(reference=a, hypothesis=b)", "wer(reference=a, hypothesis=b)"),
    ],
)
def test_no_report_tells_a_password(told, kept):
    assert public_name(told) == kept


def suppressed(table, by, **options):
    result = evenhand.audit(table, "true_positive_rate(l, p)", by=by, suppress_below=10, **options)
    return {group.label: group for group in result.groups}, result


def people(**counts):
    group = np.repeat(list(counts), list(counts.values()))
    rng = np.random.default_rng(1)
    return pa.table(
        {"g": group, "l": rng.integers(0, 2, len(group)), "p": rng.integers(0, 2, len(group))}
    )


def test_a_small_reference_shows_no_difference():
    groups, _ = suppressed(people(us=200, uk=150, wales=4), "g", versus="g = 'wales'")
    assert groups["wales"].suppressed
    assert groups["us"].versus is None


def test_people_count_for_hiding_not_what_the_metric_counts():
    table = people(us=200, uk=150)
    table = pa.concat_tables(
        [table, pa.table({"g": ["wales"] * 3, "l": [0, 0, 0], "p": [1, 0, 0]})]
    )
    groups, _ = suppressed(table, "g")
    assert groups["wales"].suppressed
    assert groups["wales"].estimate.counts is None


def test_nested_groups_do_not_give_the_few_between_them_away():
    rng = np.random.default_rng(2)
    age = np.concatenate([np.full(3, 50), rng.integers(51, 80, 100), rng.integers(20, 50, 100)])
    table = pa.table({"age": age, "l": rng.integers(0, 2, 203), "p": rng.integers(0, 2, 203)})
    groups, _ = suppressed(table, ["age >= 50", "age >= 51"])
    assert sum(group.suppressed for group in groups.values()) == 1


def test_one_small_predicate_group_does_not_hide_the_others():
    rng = np.random.default_rng(3)
    age = np.concatenate([np.full(4, 85), rng.integers(20, 80, 200)])
    table = pa.table({"age": age, "l": rng.integers(0, 2, 204), "p": rng.integers(0, 2, 204)})
    groups, _ = suppressed(table, ["age >= 80", "age < 40"])
    assert groups["age >= 80"].suppressed
    assert not groups["age < 40"].suppressed


def test_a_small_group_among_many_scores_keeps_its_area_under_the_curve():
    rng = np.random.default_rng(4)
    score = np.concatenate([rng.random(60_000), 0.5 + np.arange(60) / 60_000])
    label = np.concatenate([rng.integers(0, 2, 60_000), (np.arange(60) >= 30) * 1])
    table = pa.table({"g": np.repeat(["many", "few"], [60_000, 60]), "s": score, "l": label})
    few = next(g for g in evenhand.audit(table, "auc(l, s)", by="g").groups if g.label == "few")
    assert few.estimate.value == pytest.approx(
        roc_auc_score(label[60_000:], score[60_000:]), abs=0.01
    )


def test_missing_scores_are_counted_when_scores_are_rounded_too():
    score = pa.array([None if i % 100 == 0 else i / 50_000 for i in range(50_000)])
    table = pa.table({"g": ["a", "b"] * 25_000, "s": score, "l": [0, 0, 1, 1] * 12_500})
    result = evenhand.audit(table, "auc(l, s)", by="g")
    assert [(m.attribute, m.n_rows) for m in result.missing] == [("s", 500)]


def test_cubes_of_different_positive_values_or_units_do_not_add():
    table = pa.table(
        {"l": ["yes", "no"] * 9, "p": ["yes", "no"] * 9, "u": list("abc") * 6, "v": list("ab") * 9}
    )
    records = open_records(table)
    plans = [
        parse_metric(f"true_positive_rate(l, p, positive='{value}')", records.columns).plan(records)
        for value in ("yes", "no")
    ]
    cubes = [build_cube(records, plan.measure, ()) for plan in plans]
    with pytest.raises(InputError, match="count different things"):
        cubes[0].merge(cubes[1])
    by_unit = [build_cube(records, plans[0].measure, (), unit=unit) for unit in ("u", "v")]
    with pytest.raises(InputError, match="count different things"):
        by_unit[0].merge(by_unit[1])


def test_markup_in_names_is_text():
    table = pa.table({"[b]": ["[/b]", "[noise]"] * 20, "x": [0, 1, 1, 1] * 10})
    shown = str(evenhand.audit(table, "mean(x)", by="[b]"))
    assert "[/b]" in shown
    assert "[noise]" in shown


def test_a_file_name_with_brackets_is_that_file(tmp_path):
    for name, value in (("data[1].csv", 1), ("data1.csv", 0)):
        (tmp_path / name).write_text("g,x\n" + f"a,{value}\nb,{value}\n" * 9)
    assert evenhand.audit(tmp_path / "data[1].csv", "mean(x)", by="g").overall.value == 1


def test_faults_have_the_same_rows_with_one_metric_as_with_two(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("g,l,p\n" + "a,0,1\nb,1,0\n" * 50 + "a,7,1\n" + "b,1,1\n" * 5)
    for metrics in (["precision(l, p)"], ["precision(l, p)", "true_positive_rate(l, p)"]):
        with pytest.raises(InputError, match="line 102: `l` is 7"):
            evenhand.audit_metrics(path, metrics, "g")


def test_filters_may_hold_any_text():
    table = pa.table(
        {"note": ["records_source", "x"] * 20, "l": [0, 1] * 20, "p": [0, 1, 1, 1] * 10}
    )
    for metrics in (["precision(l, p)"], ["precision(l, p)", "f1(l, p)"]):
        result = evenhand.audit_metrics(table, metrics, "note", where="note = 'records_source'")[0]
        assert [group.label for group in result.groups] == ["records_source"]


def test_far_tails_do_not_saturate():
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.random(4000) < rate for rate in (0.1, 0.3, 0.9)]) * 1
    table = pa.table({"g": np.repeat(["a", "b", "c"], 4000), "x": x})
    p = [
        group.versus.p_value
        for group in evenhand.audit(table, "selection_rate(x)", by="g", worse="lower").groups
    ]
    assert len(set(p)) > 1
    assert 0 < min(p) < 1e-100


def test_the_command_in_a_report_makes_the_same_audit_again(tmp_path):
    import shlex

    from evenhand.cli.app import app

    rng = np.random.default_rng(6)
    path = tmp_path / "t.csv"
    rows = [
        f"{age},{x},{u}"
        for age, x, u in zip(
            rng.integers(20, 80, 300),
            rng.integers(0, 2, 300),
            rng.integers(0, 60, 300),
            strict=True,
        )
    ]
    path.write_text("age,x,u\n" + "\n".join(rows))
    options = {
        "worse": "lower",
        "adjust": "holm",
        "interval": "clopper-pearson",
        "min_units": 3,
        "seed": 7,
        "bins": {"age": [40, 65]},
    }
    first = evenhand.audit(path, "selection_rate(x)", by="age", where="u > 2", **options)
    words = shlex.split(first.settings.command)[1:]
    out = tmp_path / "again.html"
    app([*words, "--html", str(out)], result_action="return_value")
    told = share(first.groups[0].estimate.value)
    assert f'<td data-h="selection_rate">{told}</td>' in out.read_text(encoding="utf-8")
    assert {"--worse", "--adjust", "--interval", "--bins", "--seed", "--where"} <= set(words)


def test_everything_here_is_strict_json():
    result = evenhand.audit(people(us=50, uk=40), "mcc(l, p)", by="g")
    json.loads(result.to_json(), parse_constant=pytest.fail)
