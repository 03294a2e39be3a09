"""Weighted rows: values and errors against scikit-learn, R's survey and samplics, laws, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from scipy import stats
from sklearn import metrics as peers

import evenhand
from evenhand.errors import FaultsError, InputError


def made(n=300, seed=3, sigma=0.8):
    """Rows with labels, predictions, numbers, units, and weights on which the rates depend."""
    rng = np.random.default_rng(seed)
    weight = np.exp(sigma * rng.normal(size=n))
    label = (rng.random(n) < np.clip(0.3 * weight**0.5, 0, 1)).astype(int)
    prediction = np.where(rng.random(n) < 0.7, label, 1 - label)
    return {
        "site": rng.choice(["east", "west", "north"], n),
        "label": label,
        "prediction": prediction,
        "target": rng.normal(10, 3, n),
        "guess": rng.normal(10, 3, n),
        "score": rng.random(n),
        "speaker": rng.integers(0, 40, n),
        "weight": weight,
    }


def audited(rows, metric, *, by="site", weight="weight", **options):
    options.setdefault("worse", "higher" if metric.startswith(("mean", "ratio")) else None)
    return evenhand.audit(pa.table(rows), metric, by, weight=weight, **options)


PEERS = {
    "accuracy(label, prediction)": lambda r, w: peers.accuracy_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "error_rate(label, prediction)": lambda r, w: (
        1 - peers.accuracy_score(r["label"], r["prediction"], sample_weight=w)
    ),
    "true_positive_rate(label, prediction)": lambda r, w: peers.recall_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "false_positive_rate(label, prediction)": lambda r, w: (
        1 - peers.recall_score(r["label"], r["prediction"], sample_weight=w, pos_label=0)
    ),
    "precision(label, prediction)": lambda r, w: peers.precision_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "f1(label, prediction)": lambda r, w: peers.f1_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "f_beta(label, prediction, beta=0.5)": lambda r, w: peers.fbeta_score(
        r["label"], r["prediction"], beta=0.5, sample_weight=w
    ),
    "jaccard(label, prediction)": lambda r, w: peers.jaccard_score(
        r["label"], r["prediction"], sample_weight=w
    ),
    "brier(label, score)": lambda r, w: peers.brier_score_loss(
        r["label"], r["score"], sample_weight=w
    ),
    "log_loss(label, score)": lambda r, w: peers.log_loss(r["label"], r["score"], sample_weight=w),
    "mae(target, guess)": lambda r, w: peers.mean_absolute_error(
        r["target"], r["guess"], sample_weight=w
    ),
    "mse(target, guess)": lambda r, w: peers.mean_squared_error(
        r["target"], r["guess"], sample_weight=w
    ),
    "mape(target, guess)": lambda r, w: peers.mean_absolute_percentage_error(
        r["target"], r["guess"], sample_weight=w
    ),
    "pinball_loss(target, guess, quantile=0.9)": lambda r, w: peers.mean_pinball_loss(
        r["target"], r["guess"], alpha=0.9, sample_weight=w
    ),
    "mean(score)": lambda r, w: np.average(r["score"], weights=w),
}


@pytest.mark.parametrize("metric", PEERS)
@pytest.mark.parametrize("unit", [None, "speaker"])
def test_values_are_those_of_sample_weight(metric, unit):
    rows = made()
    found = audited(rows, metric, unit=unit)
    assert found.overall.value == pytest.approx(PEERS[metric](rows, rows["weight"]), rel=1e-12)
    for group in found.groups:
        own = rows["site"] == group.group["site"]
        some = {name: values[own] for name, values in rows.items()}
        assert group.estimate.value == pytest.approx(PEERS[metric](some, some["weight"]), rel=1e-12)


def test_word_errors_are_weighted_by_hand():
    rows = {
        "text": ["a b c d", "e f", "g"],
        "heard": ["a x c d", "e f f", "g"],
        "site": ["x", "x", "y"],
        "weight": [2.0, 0.5, 1.0],
    }
    found = audited(rows, "wer(text, heard)")
    # Errors 1, 1 and 0 of 4, 2 and 1 words.
    assert found.overall.value == pytest.approx((2 * 1 + 0.5 * 1) / (2 * 4 + 0.5 * 2 + 1 * 1))


def test_the_effective_sample_size_is_kish():
    rows = made()
    found = audited(rows, "accuracy(label, prediction)")
    weight = rows["weight"]
    assert found.overall.effective_sample_size == pytest.approx(
        weight.sum() ** 2 / (weight**2).sum()
    )
    assert found.overall.n_rows == len(weight)
    recalled = audited(rows, "true_positive_rate(label, prediction)").overall
    own = weight[rows["label"] == 1]
    assert recalled.effective_sample_size == pytest.approx(own.sum() ** 2 / (own**2).sum())
    assert recalled.n_units == len(own)


@pytest.mark.parametrize("bad", [-1.0, np.inf, -np.inf, 1e200, 1e-200])
def test_a_weight_below_0_or_infinite_is_refused_by_its_row(bad):
    rows = made()
    rows["weight"][[4, 17]] = bad
    with pytest.raises(
        FaultsError, match=r"`weight` is \S+, but a weight is 0, or a number from 1e-30.*\(row 5\)"
    ):
        audited(rows, "accuracy(label, prediction)")


@pytest.mark.parametrize("unit", [None, "speaker"])
def test_rows_without_a_weight_and_of_weight_0_are_left_out_and_counted(unit):
    rows = made()
    rows["weight"][[1, 2, 3]] = 0.0
    rows["weight"][[5, 8]] = np.nan
    found = audited(rows, "accuracy(label, prediction)", unit=unit)
    told = {(one.attribute, one.reason): one.n_rows for one in found.missing}
    assert told == {("weight = 0", "zero_weight"): 3, ("weight", "missing_weight"): 2}
    kept = rows["weight"] > 0
    again = audited(
        {name: values[kept] for name, values in rows.items()},
        "accuracy(label, prediction)",
        unit=unit,
    )
    assert found.overall == again.overall
    assert found.groups == again.groups


@pytest.mark.parametrize(
    "metric",
    [
        "auc(label, score)",
        "balanced_accuracy(label, prediction)",
        "median_absolute_error(target, guess)",
        "scoring_rate(score)",
        "rmse(target, guess)",
    ],
)
def test_what_is_no_ratio_of_sums_takes_no_weight(metric):
    name = metric.partition("(")[0]
    with pytest.raises(InputError, match=rf"{name}\(.* takes no weight: .*Allowed: .*leave the"):
        audited(made(), metric)


def test_a_weight_that_is_no_column_of_numbers_is_refused():
    with pytest.raises(InputError, match=r"Unknown column 'wieght'\. Did you mean 'weight'"):
        audited(made(), "accuracy(label, prediction)", weight="wieght")
    with pytest.raises(InputError, match="weight is 'site', which holds text values, but must be"):
        audited(made(), "accuracy(label, prediction)", weight="site")
    with pytest.raises(InputError, match="weight is 3, but must be text"):
        audited(made(), "accuracy(label, prediction)", weight=3)


# -- laws ---------------------------------------------------------------------------------------

RATES = ["accuracy(label, prediction)", "mae(target, guess)", "ratio(label, score)", "mean(score)"]


def numbers_of(found):
    """Values, ends and errors of everybody and of each group."""
    estimates = [found.overall, *(group.estimate for group in found.groups)]
    told = [(e.value, e.low, e.high, e.standard_error) for e in estimates]
    told += [
        (g.versus.difference, g.versus.low, g.versus.high, g.versus.p_value) for g in found.groups
    ]
    return np.array(told, float)


@pytest.mark.parametrize("metric", RATES)
@pytest.mark.parametrize("design", [{}, {"unit": "speaker"}, {"stratum": "region"}])
def test_scaling_weights_changes_nothing(metric, design):
    rows = made()
    rows["region"] = rows["speaker"] % 4
    once = audited(rows, metric, **design)
    rows["weight"] = rows["weight"] * 1000
    again = audited(rows, metric, **design)
    np.testing.assert_allclose(numbers_of(again), numbers_of(once), rtol=1e-8)
    assert again.overall.effective_sample_size == pytest.approx(once.overall.effective_sample_size)


@pytest.mark.parametrize("metric", ["mae(target, guess)", "ratio(label, score)", "mean(score)"])
@pytest.mark.parametrize("unit", [None, "speaker"])
def test_one_weight_for_all_is_none(metric, unit):
    """Values and intervals are those of the linearised interval without weights; of units the error is the design's."""
    rows = made()
    rows["weight"] = np.full(len(rows["weight"]), 2.5)
    weighted, plain = (
        audited(rows, metric, unit=unit),
        audited(rows, metric, unit=unit, weight=None),
    )
    own, its = numbers_of(weighted), numbers_of(plain)
    ends = [0, 1, 2]
    np.testing.assert_allclose(own[:, ends], its[:, ends], rtol=1e-8, atol=1e-12)
    assert weighted.overall.standard_error == pytest.approx(plain.overall.standard_error, rel=0.05)
    assert weighted.overall.effective_sample_size == pytest.approx(len(rows["weight"]))


def test_one_weight_for_all_leaves_a_proportion_about_as_sure():
    """An interval of proportions is Wilson's in both; where the variance is estimated it is a bit wider."""
    rows = made(n=900)
    rows["weight"] = np.ones(900)
    weighted = audited(rows, "accuracy(label, prediction)")
    plain = audited(rows, "accuracy(label, prediction)", weight=None)
    assert weighted.groups
    for own, its in zip(weighted.groups, plain.groups, strict=True):
        width = its.estimate.high - its.estimate.low
        assert own.estimate.value == pytest.approx(its.estimate.value)
        assert 1 <= (own.estimate.high - own.estimate.low) / width < 1.02
        assert own.estimate.method == "wilson-effective"


@pytest.mark.parametrize("metric", RATES)
def test_whole_weights_are_repeated_rows(metric):
    rows = made()
    times = np.random.default_rng(1).integers(1, 5, len(rows["weight"]))
    rows["weight"] = times
    weighted = audited(rows, metric, unit="speaker")
    repeated = {name: np.repeat(values, times) for name, values in rows.items()}
    again = audited(repeated, metric, unit="speaker", weight=None)
    # Of units it does not matter whether a row counts three times or stands there three times.
    np.testing.assert_allclose(
        numbers_of(weighted)[:, :3], numbers_of(again)[:, :3], rtol=1e-8, atol=1e-12
    )


def test_the_order_of_rows_does_not_matter():
    rows = made()
    once = audited(rows, "accuracy(label, prediction)")
    order = np.random.default_rng(2).permutation(len(rows["weight"]))
    again = audited({n: v[order] for n, v in rows.items()}, "accuracy(label, prediction)")
    np.testing.assert_allclose(numbers_of(again), numbers_of(once), rtol=1e-9)


def test_exact_intervals_take_fewer_trials():
    rows = made()
    found = audited(rows, "accuracy(label, prediction)", interval="clopper-pearson").overall
    wilson = audited(rows, "accuracy(label, prediction)").overall
    assert found.method == "korn-graubard"
    assert found.low < wilson.low < wilson.high < found.high
    # Korn & Graubard (1998) by their own formula, with the effective size where it is smaller.
    t, z = stats.t.ppf(0.975, found.effective_sample_size - 1), stats.norm.ppf(0.975)
    p = found.value
    trials = min(p * (1 - p) / found.standard_error**2, found.effective_sample_size) * (z / t) ** 2
    low = stats.beta.ppf(0.025, p * trials, trials - p * trials + 1)
    high = stats.beta.ppf(0.975, p * trials + 1, trials - p * trials)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


def test_groups_where_all_agree_are_not_certain():
    rows = made()
    rows["prediction"] = rows["label"]
    for group in audited(rows, "accuracy(label, prediction)").groups:
        assert (group.estimate.value, group.estimate.high) == (1.0, 1.0)
        assert 0.9 < group.estimate.low < 0.98


def test_min_units_looks_at_units_not_at_weights():
    rows = made()
    rows["site"][:4] = "tiny"
    rows["site"][4:] = np.where(rows["site"][4:] == "tiny", "east", rows["site"][4:])
    rows["weight"][:4] = 1e6
    (refused,) = audited(rows, "accuracy(label, prediction)").refused
    assert (refused.reason, refused.n_units) == ("too_few_units", 4)


# -- cubes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "design", [{}, {"unit": "speaker"}, {"unit": "speaker", "stratum": "region"}]
)
def test_a_cube_keeps_its_weights(tmp_path, design):
    rows = made()
    rows["region"] = rows["speaker"] % 4
    table = pa.table(rows)
    options = {"weight": "weight", **design}
    counted = evenhand.count_cube(table, "accuracy(label, prediction)", "site", **options)
    evenhand.write_cube(counted, tmp_path / "all.cube")
    found = evenhand.audit(tmp_path / "all.cube")
    asked = evenhand.audit(table, "accuracy(label, prediction)", "site", **options)
    assert (found.overall, found.groups, found.missing) == (
        asked.overall,
        asked.groups,
        asked.missing,
    )
    assert (found.weight, found.stratum) == ("weight", design.get("stratum"))
    halves = [table.slice(0, 140), table.slice(140)]
    added = evenhand.merge_cubes(
        [evenhand.count_cube(h, "accuracy(label, prediction)", "site", **options) for h in halves]
    )
    np.testing.assert_allclose(
        numbers_of(evenhand.audit(added)), numbers_of(asked), rtol=1e-9, atol=1e-12
    )


def test_only_cubes_of_one_weight_add():
    rows = made()
    rows["other"] = rows["weight"] + 1
    table = pa.table(rows)
    one, other, none = (
        evenhand.count_cube(table, "accuracy(label, prediction)", "site", weight=weight)
        for weight in ("weight", "other", None)
    )
    with pytest.raises(InputError, match=r"Weights of Table: weight; of Table: other\.  Only like"):
        evenhand.merge_cubes([one, other])
    with pytest.raises(InputError, match=r"Weights of Table: weight; of Table: none"):
        evenhand.merge_cubes([one, none])


def test_a_cube_is_not_asked_for_another_weight():
    counted = evenhand.count_cube(
        pa.table(made()), "accuracy(label, prediction)", "site", weight="weight"
    )
    assert evenhand.audit(counted, weight="weight").weight == "weight"
    with pytest.raises(InputError, match=r"weight is score, but Table was counted with weight"):
        evenhand.audit(counted, weight="score")
    with pytest.raises(InputError, match=r"stratum is site, but Table was counted with no stratum"):
        evenhand.audit(counted, stratum="site")
    with pytest.raises(InputError, match=r"weight is score, but Table was counted with weight"):
        evenhand.slices(counted, weight="score")


# -- slices and effects -------------------------------------------------------------------------


def test_slices_are_weighted():
    rows = made(n=800)
    rows["age"] = np.random.default_rng(5).choice(["old", "young"], 800)
    wrong = (rows["site"] == "east") & (rows["age"] == "old") & (rows["guess"] > 8)
    rows["prediction"] = np.where(wrong, 1 - rows["label"], rows["label"])
    table = pa.table(rows)
    found = evenhand.slices(
        table, "error_rate(label, prediction)", features="site,age", weight="weight"
    )
    best = found.slices[0]
    inside = (rows["site"] == "east") & (rows["age"] == "old")
    assert best.predicate == "site = 'east' AND age = 'old'"
    assert best.value == pytest.approx(np.average(wrong[inside], weights=rows["weight"][inside]))
    assert best.confirmed
    assert found.settings.weight == "weight"
    assert "--weight weight" in found.command
    counted = evenhand.count_cube(
        table, "error_rate(label, prediction)", "site,age", weight="weight"
    )
    again = evenhand.slices(counted).slices[0]
    assert (again.predicate, again.confirmed) == (best.predicate, True)
    assert again.value == pytest.approx(best.value)


def test_the_weight_is_no_feature_of_slices():
    found = evenhand.slices(pa.table(made()), "error_rate(label, prediction)", weight="weight")
    assert "weight" not in found.searched.features


def test_slices_of_a_difference_are_weighted():
    rows = made(n=600)
    rows["before"] = rows["label"]
    found = evenhand.slices(
        pa.table(rows),
        "error_rate(label, prediction)",
        baseline="error_rate(label, before)",
        features="site",
        weight="weight",
        confirm=False,
    )
    wrong = rows["label"] != rows["prediction"]
    assert found.overall.value == pytest.approx(np.average(wrong, weights=rows["weight"]))


def test_effects_are_weighted():
    rows = made(n=900)
    rows["condition"] = np.tile(["clean", "noisy"], 450)
    rows["region"] = rows["speaker"] % 4
    options = {"weight": "weight", "unit": "speaker", "stratum": "region"}
    found = evenhand.effects(pa.table(rows), "accuracy(label, prediction)", "site", **options)
    right = rows["label"] == rows["prediction"]
    values = [
        np.average(right[own], weights=rows["weight"][own])
        for own in (rows["condition"] == "clean", rows["condition"] == "noisy")
    ]
    assert [one.estimate.value for one in found.overall] == pytest.approx(values)
    assert found.overall[1].cost.value == pytest.approx(values[0] - values[1])
    assert (found.weight, found.stratum) == ("weight", "region")
    assert "--weight weight --stratum region" in found.settings.command
    assert found.groups[0].estimate.effective_sample_size > 0


def test_the_command_asks_again_with_the_weight():
    found = audited(made(), "accuracy(label, prediction)")
    assert "--weight weight" in found.settings.command


def test_what_rows_are_worth_is_hidden_with_small_groups():
    found = audited(made(), "accuracy(label, prediction)", suppress_below=10)
    assert found.overall.effective_sample_size is None
    assert all(group.estimate.effective_sample_size is None for group in found.groups)


def test_reports_say_what_rows_are_worth():
    found = audited(made(), "accuracy(label, prediction)")
    assert "weighted by weight (worth " in str(found)
    assert "effective" in str(found)
    assert "weighted by weight (worth " in found.to_html()
    assert "effective_sample_size" in found.to_csv().splitlines()[0].split(",")
    assert type(found).from_json(found.to_json()) == found


def test_a_weighted_cube_is_kept_up_to_date(tmp_path):
    rows = made()
    rows["region"] = rows["speaker"] % 4
    table = pa.table(rows)
    csv.write_csv(table.slice(0, 140), tmp_path / "1.csv")
    options = {"weight": "weight", "stratum": "region", "unit": "speaker"}
    counted = evenhand.count_cube(
        tmp_path / "1.csv", "accuracy(label, prediction)", "site", **options
    )
    csv.write_csv(table.slice(140), tmp_path / "2.csv")
    csv.write_csv(table.slice(0, 0), tmp_path / "3.csv")
    total = evenhand.update_cube(counted, tmp_path / "*.csv")
    whole = evenhand.audit(table, "accuracy(label, prediction)", "site", **options)
    np.testing.assert_allclose(
        numbers_of(evenhand.audit(total)), numbers_of(whole), rtol=1e-9, atol=1e-12
    )
