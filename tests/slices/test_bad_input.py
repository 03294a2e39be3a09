"""What cannot be searched ends in an error that says what to change, or in an answer.

Never in a traceback of another kind, never in NaN.
"""

import datetime
import decimal
import json
import math
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evenhand
from evenhand import Slices
from evenhand.cubes import build_cube
from evenhand.errors import FaultsError, InputError
from evenhand.groups import Attribute
from evenhand.metrics import parse_metric
from evenhand.records import open_records
from evenhand.slicing import slices_of_cube
from evenhand.slicing.confirm import METHODS

N = 300
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, N)
P = np.where(RNG.random(N) < 0.7, Y, 1 - Y)
BASE = {
    "site": RNG.choice(["north", "south", "east"], N).tolist(),
    "device": RNG.choice(["phone", "desk"], N).tolist(),
    "age": RNG.integers(18, 90, N).tolist(),
    "who": [f"u{i}" for i in RNG.integers(0, 40, N)],
    "loss": RNG.normal(0, 1, N).tolist(),
    "words": RNG.integers(1, 20, N).tolist(),
    "y": Y.tolist(),
    "p": P.tolist(),
}
ERRORS = "error_rate(y, p)"
FEATURES = ["site", "device"]


def rows(**changed: Any) -> pa.Table:
    """The table with some columns changed, added, or (`None`) left out."""
    return pa.table({name: v for name, v in {**BASE, **changed}.items() if v is not None})


def few(**changed: Any) -> pa.Table:
    """The table without columns that no test needs."""
    return rows(**{"loss": None, "words": None, "who": None, "age": None, **changed})


def ask(table: Any, metric: str = ERRORS, **options: Any) -> Slices:
    """Answer whose JSON is strict and comes back unchanged, and which can be shown."""
    return checked(evenhand.slices(table, metric, **options))


def checked(found: Slices) -> Slices:
    data = json.loads(found.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert Slices.from_dict(data).to_dict() == data
    assert str(found)
    for one in found.slices:
        assert 0 < one.support < 1
        assert math.isfinite(one.score)
        assert (one.difference is None) == (one.reason is not None)
        assert one.p_adjusted is None or 0 <= one.p_adjusted <= 1
        assert not one.confirmed or one.p_adjusted is not None
    return found


def told(found: Slices) -> set[str]:
    """Columns that the slices are made of."""
    return {
        name for one in found.slices for name in found.searched.features if name in one.predicate
    }


# -- nothing to find -----------------------------------------------------------------------------


def test_features_that_do_not_vary_are_an_error_that_says_so():
    table = few(site=["north"] * N, device=["phone"] * N)
    with pytest.raises(InputError, match=r"No attribute has a value .* others lack"):
        ask(table)


@pytest.mark.parametrize(
    ("metric", "changed"),
    [
        (ERRORS, {"p": Y.tolist()}),
        (ERRORS, {"p": (1 - Y).tolist()}),
        ("accuracy(y, p)", {"p": Y.tolist()}),
        ("mean(loss)", {"loss": [0.1] * N}),
        ("mean(loss)", {"loss": [0.0] * N}),
        ("mean(loss)", {"loss": [-3.7] * N}),
        ("ratio(loss, words)", {"loss": [3.0 * w for w in BASE["words"]]}),
        ("mae(y, p)", {"p": Y.tolist()}),
    ],
)
def test_a_loss_that_is_the_same_in_every_row_is_an_error(metric, changed):
    with pytest.raises(InputError, match="Every row has the same loss"):
        ask(rows(**changed), metric, features=FEATURES)


def test_a_difference_that_is_nowhere_is_an_error():
    with pytest.raises(InputError, match="Every row has the same loss"):
        ask(rows(), baseline=ERRORS, features=FEATURES)


def test_columns_that_are_unique_in_each_row_are_left_aside():
    table = few(name=[f"row {i}" for i in range(N)], other=[f"r{i}" for i in range(N)])
    found = ask(table)
    assert found.slices
    assert told(found) <= set(FEATURES)


def test_nothing_but_unique_columns_is_an_error_that_says_what_to_do():
    table = few(name=[f"row {i}" for i in range(N)], site=None, device=None)
    with pytest.raises(InputError, match="Name those that you want with --features"):
        ask(table)


def test_unique_columns_with_a_support_of_one_row_are_an_answer():
    table = few(name=[f"row {i}" for i in range(N)])
    found = ask(table, features=["name", "site"], min_support=1, depth=2)
    assert found.slices
    assert not found.confirmed


def test_no_column_but_those_of_the_metric_is_an_error():
    with pytest.raises(InputError, match="nothing to search"):
        ask(few(site=None, device=None))


# -- a column that is the loss -------------------------------------------------------------------

WRONG = (Y != P).astype(int)


@pytest.mark.parametrize(
    "copy",
    [
        WRONG.tolist(),
        (1 - WRONG).tolist(),
        WRONG.astype(bool).tolist(),
        WRONG.astype(float).tolist(),
        np.where(WRONG == 1, "failed", "passed").tolist(),
    ],
)
def test_a_column_that_tells_the_loss_is_left_out_with_a_note(copy):
    found = ask(few(outcome=copy))
    assert "outcome" in found.left_out
    assert "outcome" not in told(found)
    assert "outcome (it tells the loss" in str(found)


@pytest.mark.parametrize("unit", [None, "who"])
def test_a_column_that_is_the_mean_s_own_is_left_out_with_a_note(unit):
    table = rows(wrong=WRONG.tolist(), outcome=WRONG.tolist(), loss=None, y=None, p=None)
    found = ask(table, "mean(wrong)", unit=unit)
    assert "outcome" in found.left_out


def test_a_copy_of_a_real_loss_is_an_answer():
    """Its intervals are the losses' own order, which a person sees at once."""
    table = rows(outcome=BASE["loss"], y=None, p=None)
    names = [name for name in table.column_names if name != "loss"]
    found = ask(table, "mean(loss)", features=names)
    assert found.slices[0].predicate.startswith("outcome")


def test_a_column_that_tells_the_loss_is_searched_where_it_is_asked_for():
    found = ask(few(outcome=WRONG.tolist()), features="outcome,site")
    assert found.slices[0].predicate == "outcome = 1"
    assert found.slices[0].value == 1.0
    assert found.slices[0].confirmed


def test_where_all_columns_tell_the_loss_the_error_names_them():
    with pytest.raises(InputError, match="outcome"):
        ask(few(outcome=WRONG.tolist(), site=None, device=None))


# -- units ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("confirm", [True, False, *METHODS[2:]])
def test_one_unit_is_an_answer_without_slices(confirm):
    try:
        found = ask(rows(who=["u1"] * N), features=FEATURES, unit="who", confirm=confirm)
    except InputError as error:
        assert "unit" in str(error)  # noqa: PT017 - an error is as good as an answer
        return
    assert found.slices == ()


def test_an_answer_without_slices_says_that_units_are_too_few():
    found = ask(rows(who=["u1"] * N), features=FEATURES, unit="who")
    assert any("unit" in note.text for note in found.notes)


@pytest.mark.parametrize("confirm", METHODS[3:])
@pytest.mark.parametrize("units", [1, 2, 3])
def test_few_units_confirm_nothing(units, confirm):
    table = rows(who=[f"u{i % units}" for i in range(N)])
    try:
        found = ask(table, features=FEATURES, unit="who", min_units=1, confirm=confirm)
    except InputError as error:
        assert "units" in str(error)  # noqa: PT017 - an error is as good as an answer
        return
    assert not found.confirmed


@pytest.mark.parametrize(
    "absent", [None, "?", "", "NA", math.nan], ids=["NULL", "?", "empty", "NA", "NaN"]
)
def test_rows_without_a_unit_are_not_read(absent):
    """As in an audit: the unit column knows texts that mean missing."""
    numbers = isinstance(absent, float)
    names = [float(i % 30) if numbers else f"u{i % 30}" for i in range(N)]
    lacking = [absent if i % 7 == 0 else name for i, name in enumerate(names)]
    found = ask(rows(who=lacking), features=FEATURES, unit="who")
    kept = [i for i in range(N) if i % 7]
    expected = ask(
        rows().take(kept).set_column(3, "who", [[names[i] for i in kept]]),
        features=FEATURES,
        unit="who",
    )
    assert found.overall == expected.overall
    assert [s.predicate for s in found.slices] == [s.predicate for s in expected.slices]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("confirm", METHODS[4:])
def test_a_half_without_any_denominator_is_an_error_or_an_answer(confirm, seed):
    """Two rows of forty count: both may be in one half."""
    table = pa.table(
        {
            "site": ["north", "south"] * 20,
            "device": ["phone"] * 10 + ["desk"] * 30,
            "y": [1, 1] + [0] * 38,
            "p": [0, 1] + [0] * 38,
        }
    )
    try:
        found = ask(table, "false_negative_rate(y, p)", min_support=2, confirm=confirm, seed=seed)
    except InputError as error:
        assert "half" in str(error) or "--confirm" in str(error)  # noqa: PT017 - either is fine
        return
    assert not found.confirmed


def test_a_unit_in_each_row_is_an_answer():
    found = ask(rows(who=[f"u{i}" for i in range(N)]), features=FEATURES, unit="who")
    assert found.overall.n_units == N


# -- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("support", [N, N + 1, 10**9])
def test_a_support_larger_than_the_table_is_an_error_with_both_numbers(support):
    with pytest.raises(InputError, match=f"{support:,} rows, but only {N} rows"):
        ask(few(), min_support=support)


def test_a_support_that_only_unusable_rows_fill_is_an_error():
    table = few(y=[None] * (N - 10) + Y[-10:].tolist())
    with pytest.raises(InputError, match="only 10 rows can be scored"):
        ask(table, min_support=20)


def test_a_denominator_that_no_slice_has_is_an_error_that_says_denominator():
    with pytest.raises(InputError, match="denominator"):
        ask(few(), min_denominator=10 * N)


def test_a_hundred_thousand_distinct_values_are_an_answer():
    rng = np.random.default_rng(1)
    count = 100_000
    table = pa.table(
        {
            "id": [f"id {i}" for i in range(count)],
            "site": rng.integers(0, 3, count),
            "wrong": rng.integers(0, 2, count),
        }
    )
    found = ask(table, "mean(wrong)", confirm=False)
    assert told(found) <= {"site"}
    with pytest.raises(InputError, match=r"id has 100,000 values .* Raise the minimum support"):
        ask(table, "mean(wrong)", min_support=1, features="id,site")


def test_more_frequent_values_than_pairs_fit_are_an_answer():
    rng = np.random.default_rng(1)
    count = 12_000
    table = pa.table(
        {
            "id": [f"id {i // 6}" for i in range(count)],
            "site": rng.integers(0, 3, count),
            "wrong": rng.integers(0, 2, count),
        }
    )
    found = ask(table, "mean(wrong)", min_support=5, depth=2, confirm=False)
    assert found.searched.literals == 2003


@pytest.mark.parametrize("limit", [0, 1e-9])
def test_too_little_memory_is_an_error_that_says_what_to_change(limit):
    with pytest.raises(InputError, match=r"Raise --memory-limit"):
        ask(few(), memory_limit=limit)


def test_the_memory_that_is_needed_is_told_in_numbers_other_than_zero():
    with pytest.raises(InputError, match=r"needs about 0\.0*[1-9]|needs about [1-9]"):
        ask(few(), memory_limit=1e-9)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("confirm", [False, *METHODS])
def test_tables_of_few_rows_are_an_error_or_an_answer(count, confirm):
    table = pa.table({"g": ["a", "b", "a"], "w": [1, 0, 0]}).slice(0, count)
    try:
        found = ask(table, "mean(w)", confirm=confirm, features="g")
    except InputError as error:
        assert len(str(error)) > 20  # noqa: PT017 - either is fine
        return
    assert not found.confirmed


def test_an_empty_table_is_an_error():
    with pytest.raises(InputError, match="has no rows"):
        ask(few().slice(0, 0))


def test_no_row_that_satisfies_where_is_an_error():
    with pytest.raises(InputError, match="no row of Table satisfies --where"):
        ask(few(), where="site = 'west'")


def test_no_row_with_a_label_is_an_error():
    table = few(y=pa.nulls(N, pa.int64()))
    with pytest.raises(InputError, match=r"rows can be scored|nothing to"):
        ask(table)


def test_no_denominator_in_any_row_is_an_error():
    table = few(y=[0] * N)
    with pytest.raises(InputError, match="nothing to divide by"):
        ask(table, "false_negative_rate(y, p)")


# -- metrics -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metric",
    [
        "auc(y, score)",
        "f1(y, p, average='macro')",
        "rmse(y, loss)",
        "mcc(y, p)",
        "balanced_accuracy(y, p)",
    ],
)
def test_a_metric_that_is_no_ratio_of_sums_is_an_error_that_names_others(metric):
    table = rows(score=RNG.random(N).tolist())
    with pytest.raises(InputError, match=r"ratio of sums.*error_rate"):
        ask(table, metric, features=FEATURES)


def test_f1_of_one_class_is_a_ratio_of_counts_and_searched():
    found = ask(few(), "f1(y, p)")
    assert not found.metric.higher_is_worse
    assert found.slices


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("eror_rate(y, p)", "error_rate"),
        ("error_rate(y)", "prediction"),
        ("error_rate(y, q)", "q"),
        ("mean(site)", "numeric"),
        ("", "metric"),
    ],
)
def test_a_metric_that_cannot_be_understood_is_an_error(metric, message):
    with pytest.raises(InputError, match=message):
        ask(few(), metric)


def test_sliceline_s_score_of_differences_is_an_error_that_names_others():
    with pytest.raises(InputError, match="--score evidence, difference, z or harm"):
        ask(rows(), "mean(loss)", features=FEATURES, score="sliceline")


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_a_fault_of_its_row(value):
    loss = [value, *BASE["loss"][1:]]
    with pytest.raises(FaultsError, match="finite number"):
        ask(rows(loss=loss), "mean(loss)", features=FEATURES)


def test_a_negative_denominator_is_a_fault_of_its_row():
    with pytest.raises(FaultsError, match="at least 0"):
        ask(rows(words=[-1, *BASE["words"][1:]]), "ratio(loss, words)", features=FEATURES)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e150, 1.7e308])
@pytest.mark.parametrize("score", ["z", "harm"])
def test_very_small_and_large_losses_are_an_error_or_the_same_slices(scale, score):
    """What unit a loss is measured in does not matter."""
    loss = [abs(value) + 0.1 for value in BASE["loss"]]
    options = {"features": FEATURES, "score": score, "fold": False, "confirm": False, "top": 4}
    expected = ask(rows(loss=loss), "mean(loss)", **options)
    largest = max(loss)
    try:
        found = ask(rows(loss=[value / largest * scale for value in loss]), "mean(loss)", **options)
    except InputError as error:
        assert "er unit" in str(error)  # noqa: PT017 - either is fine
        return
    assert [s.predicate for s in found.slices] == [s.predicate for s in expected.slices]


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
def test_the_unit_of_a_denominator_does_not_matter(scale):
    options = {"features": FEATURES, "score": "z", "fold": False, "confirm": False}
    expected = ask(rows(), "ratio(loss, words)", **options)
    found = ask(rows(words=[w * scale for w in BASE["words"]]), "ratio(loss, words)", **options)
    assert [s.predicate for s in found.slices] == [s.predicate for s in expected.slices]
    assert [s.score for s in found.slices] == pytest.approx(
        [s.score for s in expected.slices], rel=1e-5
    )


# -- features ------------------------------------------------------------------------------------


@pytest.mark.parametrize("features", ["sit", "site,sit", ["site", "sit"], ("sit",)])
def test_an_unknown_feature_offers_a_near_one(features):
    with pytest.raises(InputError, match=r"'sit'\. Did you mean 'site'\?"):
        ask(few(), features=features)


@pytest.mark.parametrize("features", ["y", "site,p", ["y"]])
def test_a_feature_that_the_metric_reads_is_an_error(features):
    with pytest.raises(InputError, match="is read by the metric"):
        ask(few(), features=features)


def test_a_feature_that_is_the_unit_is_an_error():
    with pytest.raises(InputError, match=r"who is read by .* the unit"):
        ask(rows(), features="who,site", unit="who")


@pytest.mark.parametrize("features", [[], (), "", " , "])
def test_no_feature_at_all_is_an_error_about_features(features):
    with pytest.raises(InputError, match=r"(?i)feature"):
        ask(few(), features=features)


@pytest.mark.parametrize("features", [5, [1], [None]])
def test_features_that_are_no_names_are_an_error(features):
    with pytest.raises(InputError, match=r"(?i)feature|column"):
        ask(few(), features=features)


def test_a_feature_named_twice_counts_once():
    found = ask(few(), features="site,site,device")
    assert found.searched.features == ("site", "device")


def test_a_column_of_lists_is_left_out_with_a_note():
    found = ask(few(list=[[1, 2]] * N))
    assert "list" in found.left_out


def test_a_column_of_lists_that_is_asked_for_is_an_error():
    with pytest.raises(InputError, match="lists"):
        ask(few(list=[[1, 2]] * N), features="list")


STRANGE = {
    "all NULL": pa.nulls(N),
    "all NaN": pa.array([math.nan] * N),
    "all infinite": pa.array([math.inf, -math.inf] * (N // 2)),
    "dictionary": pa.array(["a", "b", None] * (N // 3)).dictionary_encode(),
    "chunks of dictionaries": pa.chunked_array(
        [
            pa.array(["a", "b"] * 75).dictionary_encode(),
            pa.array(["c", "a"] * 75).dictionary_encode(),
        ]
    ),
    "large text": pa.array(["a", "b", None] * (N // 3), pa.large_string()),
    "text view": pa.array(["a", "b", None] * (N // 3), pa.string_view()),
    "decimal": pa.array([decimal.Decimal("1.10"), decimal.Decimal("2.25"), None] * (N // 3)),
    "date": pa.array([datetime.date(2026, 1, 1), datetime.date(1, 1, 1), None] * (N // 3)),
    "time": pa.array([datetime.time(1, 2, 3), datetime.time(4, 5), None] * (N // 3)),
    "moment": pa.array([1, None, None] * (N // 3), pa.timestamp("us")),
    "nanosecond": pa.array([1, 2, None] * (N // 3), pa.timestamp("ns")),
    "zoned": pa.array([1, 2, None] * (N // 3), pa.timestamp("us", tz="Europe/London")),
    "unsigned": pa.array([0, 2**64 - 1, 7] * (N // 3), pa.uint64()),
    "large integers": pa.array([2**62, 2**62 + 1, -(2**63)] * (N // 3)),
    "many large integers": pa.array([2**62 + i for i in range(N)]),
    "half": pa.array(np.arange(N, dtype=np.float16)),
    "single": pa.array(np.arange(N, dtype=np.float32) / 3),
    "truth": pa.array([True, False, None] * (N // 3)),
    "empty text": pa.array(["", " ", "\n"] * (N // 3)),
    "odd text": pa.array(["'", '"', "\u202e;--"] * (N // 3)),
    "NUL": pa.array(["a\x00b", "a", "b"] * (N // 3)),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_feature_of_any_kind_is_an_error_or_an_answer(name):
    table = few().append_column("strange", STRANGE[name])
    try:
        found = ask(table, features="strange,site", fold=False, top=50)
    except InputError as error:
        assert len(str(error)) > 20  # noqa: PT017 - either is fine
        return
    assert found.slices


@pytest.mark.parametrize(
    "name", ["a0", "s0", "w", "unit", "key", "n", "value", "counted", "label", "n_rows", "rows"]
)
def test_a_feature_may_have_any_name(name):
    """Also one that queries use inside."""
    plain = ask(few(), features=FEATURES, where="site != 'east'", confirm=False)
    renamed = few(site=None, **{name: BASE["site"]})
    found = ask(renamed, features=[name, "device"], where=f"\"{name}\" != 'east'", confirm=False)
    assert [(s.n_rows, s.value) for s in found.slices] == [
        (s.n_rows, s.value) for s in plain.slices
    ]


# -- between and baseline ------------------------------------------------------------------------


def test_between_and_baseline_exclude_each_other():
    with pytest.raises(InputError, match="exclude each other"):
        ask(few(), baseline=ERRORS, between="device=phone,desk")


@pytest.mark.parametrize(
    "between", ["device", "device=", "device=phone", "device=phone,desk,pad", "=a,b", "device=,"]
)
def test_between_that_is_no_pair_is_an_error_that_shows_one(between):
    with pytest.raises(InputError, match=r"column=before,now|Unknown column"):
        ask(few(), between=between)


def test_between_of_an_unknown_column_offers_a_near_one():
    with pytest.raises(InputError, match="Did you mean 'device'"):
        ask(few(), between="devic=phone,desk")


def test_between_of_a_value_that_never_occurs_is_an_error_that_names_it():
    with pytest.raises(InputError, match="pad"):
        ask(rows(), between="device=phone,pad", unit="who", features="site")


def test_between_without_a_unit_is_an_error_that_asks_for_one():
    with pytest.raises(InputError, match="--unit"):
        ask(few(), between="device=phone,desk")


def test_between_of_units_that_differ_in_rows_is_an_error():
    with pytest.raises(InputError, match="divide by different counts"):
        ask(rows(), between="device=phone,desk", unit="who", features="site")


@pytest.mark.parametrize("between", ["words=one,two", "words=nan,1", "words=1,inf"])
def test_between_of_values_that_a_column_of_numbers_cannot_hold_is_an_error(between):
    with pytest.raises(InputError, match=r"words|holds numbers") as raised:
        ask(rows(), between=between, unit="who", features="site")
    assert "Binder" not in str(raised.value)


def test_between_as_a_feature_is_an_error():
    with pytest.raises(InputError, match=r"device is read by .*--between"):
        ask(rows(), between="device=phone,desk", unit="who", features="device,site")


def test_a_baseline_with_another_denominator_is_an_error():
    with pytest.raises(InputError, match="divide by different counts"):
        ask(few(), "false_negative_rate(y, p)", baseline=ERRORS)


@pytest.mark.parametrize("baseline", ["rmse(y, p)", "auc(y, score)"])
def test_a_baseline_that_is_no_ratio_of_sums_is_an_error(baseline):
    table = few(score=RNG.random(N).tolist())
    with pytest.raises(InputError, match=r"ratios? of sums"):
        ask(table, baseline=baseline, features=FEATURES)


def test_a_baseline_of_an_unknown_column_is_an_error():
    with pytest.raises(InputError, match="q"):
        ask(few(), baseline="error_rate(y, q)")


# -- options -------------------------------------------------------------------------------------

OPTIONS = [
    ("depth", [0, 5, -1, 1.5, "2", None, True, math.nan]),
    ("top", [0, 1001, "3", None, 2.0]),
    ("min_support", [0, -1, 1.5, math.nan, math.inf, "1", None, True]),
    ("min_units", [0, -3, 1.5, None]),
    ("min_denominator", [-1, math.nan, None, "3"]),
    ("merge", [0, 9, 1.5, None]),
    ("alpha", [0, -0.1, 1.1, math.nan, "x", None]),
    ("overlap", [-0.1, 1, 1.5, math.nan, None]),
    ("level", [0.4, 1, 1.5, math.nan, "95%", None]),
    ("seed", [-1, 1.5, None]),
    ("memory_limit", [-1, math.nan, None, "8GB"]),
    ("score", ["slice", 5, "Z"]),
    ("kernel", ["gpu", 5, None]),
    ("confirm", ["exakt", 5, None, "True"]),
    ("worse", ["up", 5]),
    ("where", ["sit = 'north'", "site =", 5]),
    ("unit", ["wh", 5]),
    (
        "bins",
        [
            5,
            {"site": 3},
            {"age": 0},
            {"age": [3, 2]},
            {"age": "x"},
            {"nothing": 3},
            {"age": [math.nan]},
        ],
    ),
]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param(name, value, id=f"{name}={value!r}")
        for name, values in OPTIONS
        for value in values
    ],
)
def test_an_option_without_meaning_is_an_error_that_names_it(option, value):
    name = {"where": "where|expected|column", "unit": "column", "bins": "[Bb]ins|edges"}
    with pytest.raises(InputError, match=name.get(option, option)):
        ask(rows(loss=None), features=["site", "device", "age"], **{option: value})


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert ask(few(), depth=np.int64(2), top=np.int32(3)).searched.depth == 2


#: The highest level that so many draws can reach; of the others the highest that there is.
HIGHEST = {"permutation": 0.999, "bootstrap": 0.999}


@pytest.mark.parametrize("lowest", [True, False])
@pytest.mark.parametrize("confirm", METHODS)
def test_the_edges_of_the_level_are_an_answer(lowest, confirm):
    level = 0.5 if lowest else HIGHEST.get(confirm, 0.999999)
    checked(ask(few(), level=level, confirm=confirm))


@pytest.mark.parametrize("level", [math.nextafter(0.999999, 1), math.nextafter(1, 0)])
def test_no_level_is_nearer_to_1_than_what_holds(level):
    with pytest.raises(InputError, match=r"must be a confidence from 0\.5 to 0\.999999"):
        ask(few(), level=level)


def test_unknown_options_of_a_cube_are_an_error():
    """It has the options of rows, but not one more."""
    records = open_records(few())
    plan = parse_metric(ERRORS, records.columns).plan(records)
    cube = build_cube(records, plan.measure, [Attribute(name="site")])
    with pytest.raises((InputError, TypeError), match="dept"):
        slices_of_cube(cube, plan, dept=2)


@pytest.mark.parametrize("confirm", ["split", "cross-screening", "e-values", "permutation"])
def test_a_cube_of_rows_cannot_be_halved(confirm):
    records = open_records(few())
    plan = parse_metric(ERRORS, records.columns).plan(records)
    cube = build_cube(records, plan.measure, [Attribute(name="site"), Attribute(name="device")])
    with pytest.raises(InputError, match="Choose --confirm"):
        slices_of_cube(cube, plan, confirm=confirm)


def test_a_cube_of_score_levels_is_an_error():
    records = open_records(few(score=RNG.random(N).tolist()))
    plan = parse_metric("auc(y, score)", records.columns).plan(records)
    cube = build_cube(records, plan.measure, [Attribute(name="site")])
    with pytest.raises(InputError, match="told from the order of scores"):
        slices_of_cube(cube, plan)


@pytest.mark.parametrize(
    ("confirm", "metric", "unit"),
    [
        ("exact", "mean(loss)", None),
        ("exact", ERRORS, "who"),
        ("permutation", ERRORS, "who"),
    ],
)
def test_a_confirmation_that_does_not_fit_the_data_is_an_error_that_names_others(
    confirm, metric, unit
):
    with pytest.raises(InputError, match="Choose --confirm"):
        ask(rows(), metric, unit=unit, features=FEATURES, confirm=confirm)


# -- anything ------------------------------------------------------------------------------------


@settings(max_examples=45, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_any_small_table_under_any_options_is_an_error_or_an_answer(seed):
    rng = random.Random(seed)
    count = rng.choice([2, 3, 5, 9, 20, 40])
    table = pa.table(
        {
            "g": pa.array([rng.choice(["a", "b", "?", None]) for _ in range(count)], pa.string()),
            "x": pa.array(
                [rng.choice([0.0, 1.5, math.nan, None, -3.0]) for _ in range(count)], pa.float64()
            ),
            "t": pa.array([rng.choice([True, False, None]) for _ in range(count)], pa.bool_()),
            "u": pa.array(
                [rng.choice(["s1", "s2", "s3", "s4", None]) for _ in range(count)], pa.string()
            ),
            "a": [float(rng.randint(-2, 4)) for _ in range(count)],
            "b": [float(rng.choice([0, 1, 3])) for _ in range(count)],
            "y": [rng.choice([0, 1]) for _ in range(count)],
            "p": [rng.choice([0, 1]) for _ in range(count)],
        }
    )
    metric = rng.choice(
        [ERRORS, "false_negative_rate(y, p)", "ratio(a, b)", "mean(a)", "accuracy(y, p)"]
    )
    options: dict[str, Any] = {
        "confirm": rng.choice([True, False, *METHODS]),
        "unit": rng.choice([None, "u"]),
        "min_units": rng.choice([1, 2, 5]),
        "min_support": rng.choice([0.01, 0.2, 1, 3]),
        "depth": rng.choice([1, 2, 4]),
        "top": rng.choice([1, 5, 50]),
        "score": rng.choice([None, "sliceline", "difference", "z", "harm"]),
        "fold": rng.choice([True, False]),
        "merge": rng.choice([1, 2]),
        "worse": rng.choice([None, "higher", "lower"]),
        "bins": rng.choice([None, {"x": [0.5]}, {"x": 2}]),
        "features": rng.choice([["g", "x", "t"], ["x"], ["g", "t"]]),
        "missing_values": (),
    }
    if options["bins"] and "x" not in options["features"]:
        options["bins"] = None
    try:
        ask(table, metric, **options)
    except InputError as error:
        assert len(str(error)) > 20  # noqa: PT017 - either is fine


def test_a_table_of_which_no_row_can_be_scored_says_why():
    table = pa.table(
        {
            "label": [0, 1] * 20,
            "guess": [0, 0, 0, 1, 1] * 8,
            "site": ["a", "a", "b", "b"] * 10,
            "person": pa.array([None] * 40, pa.string()),
        }
    )
    metric, match = "accuracy(label, guess)", r"no row can be scored \(40 rows without person\)"
    with pytest.raises(InputError, match=match):
        evenhand.slices(table, metric, unit="person")
    with pytest.raises(InputError, match=match):
        evenhand.slices(evenhand.count_cube(table, metric, by="site", unit="person"))
