"""Input that cannot be audited ends in a clear error or a refusal, never NaN, zero or a traceback."""

import datetime
import decimal
import inspect
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import evenhand
from evenhand import Audit
from evenhand.errors import EvenhandError, FaultsError, InputError
from evenhand.groups import parse_predicate

N = 200
RNG = np.random.default_rng(0)
BASE = {
    "g": RNG.choice(["a", "b", "c"], N).tolist(),
    "y": RNG.integers(0, 2, N).tolist(),
    "p": RNG.integers(0, 2, N).tolist(),
    "s": RNG.random(N).tolist(),
    "u": RNG.integers(0, 30, N).astype(str).tolist(),
    "t": RNG.choice(["a b", "b c d"], N).tolist(),
    "h": RNG.choice(["a b", "d"], N).tolist(),
}
METRICS = (
    "accuracy(y, p)",
    "selection_rate(p)",
    "true_positive_rate(y, p)",
    "f1(y, p)",
    "balanced_accuracy(y, p)",
    "mcc(y, p)",
    "brier(y, s)",
    "log_loss(y, s)",
    "auc(y, s)",
    "mae(y, s)",
    "rmse(y, s)",
    "mean(s)",
    "scoring_rate(s)",
    "ratio(y, p)",
    "f1(y, p, average='macro')",
    "precision(y, p, average='micro')",
    "wer(t, h)",
)


def rows(**changed):
    return pa.table({**BASE, **changed})


def ask(table, metric="accuracy(y, p)", by="g", **options):
    """Audit whose JSON is strict and comes back unchanged."""
    if str(metric).startswith("selection_rate"):
        options = {"worse": "lower", **options}
    audit = evenhand.audit(table, metric=metric, by=by, **options)
    data = json.loads(audit.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert Audit.from_dict(data) == audit
    for estimate in (audit.overall, *(group.estimate for group in audit.groups)):
        assert (estimate.value is None) <= (estimate.reason is not None)
        assert estimate.low is None or estimate.low <= estimate.value <= estimate.high
    for group in audit.groups:
        assert parse_predicate(group.predicate) is not None
    return audit


def labels(audit):
    return {group.label for group in audit.groups}


# -- few rows, few groups, few classes -----------------------------------------------------------

SHAPES = {
    "one row": rows().slice(0, 1),
    "two rows": rows().slice(0, 2),
    "one group": rows(g=["x"] * N),
    "all positive": rows(y=[1] * N, p=[1] * N),
    "all negative": rows(y=[0] * N, p=[0] * N),
    "never predicted": rows(p=[0] * N),
    "one score": rows(s=[0.5] * N),
    "scores of zero and one": rows(s=[float(v) for v in BASE["y"]]),
    "perfect": rows(p=BASE["y"]),
    "nothing said": rows(h=[""] * N),
    "no reference": rows(t=[""] * N),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", SHAPES)
def test_thin_data_is_judged_or_refused_but_never_nan(shape, metric):
    ask(
        SHAPES[shape],
        metric,
        unit="u" if len(metric) % 2 else None,
        versus="best" if "row" in shape else "rest",
    )


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_frame_is_an_error(metric):
    with pytest.raises(InputError, match="nothing to measure: Table has no rows"):
        ask(rows().slice(0, 0), metric)


@pytest.mark.parametrize("metric", METRICS)
def test_a_where_that_keeps_nothing_is_an_error(metric):
    with pytest.raises(InputError, match="no row of Table satisfies --where"):
        ask(rows(), metric, where="g = 'nobody'")


@pytest.mark.parametrize("metric", METRICS)
def test_columns_without_any_value_are_missing_not_zero(metric):
    table = pa.table({**BASE, **{name: pa.nulls(N, pa.array(BASE[name]).type) for name in "ypst"}})
    try:
        audit = ask(table, metric)
    except EvenhandError:
        return
    assert audit.overall.value is None
    assert N in [item.n_rows for item in audit.missing]


def test_a_single_row_is_refused_with_what_it_needs():
    audit = ask(rows().slice(0, 1))
    assert [item.reason for item in audit.refused] == ["too_few_units"]
    assert "needs at least 5" in audit.refused[0].message
    assert audit.overall.low is None


# -- numbers that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (1.7, "1.7"),
        (-0.1, "-0.1"),
    ],
)
def test_what_is_no_probability_is_a_fault_of_its_row(bad, message):
    for metric in ("brier(y, s)", "log_loss(y, s)", "calibration_gap(y, s)"):
        with pytest.raises(
            FaultsError, match=rf"`s` is {message}, but a probability lies in \[0, 1\] \(row 3\)"
        ):
            ask(rows(s=[0.5, 0.5, bad] + [0.5] * (N - 3)), metric)


def test_faulty_rows_left_out_by_where_are_no_fault():
    table = rows(s=[9.0 if g == "a" else s for g, s in zip(BASE["g"], BASE["s"], strict=True)])
    assert labels(ask(table, "brier(y, s)", where="g != 'a'")) == {"b", "c"}


def test_negative_words_are_a_fault():
    with pytest.raises(FaultsError, match=r"`n` is -3, but a denominator counts something"):
        ask(rows(n=[-3] + [5] * (N - 1)), "ratio(y, n)")


def test_a_numerator_of_text_is_an_error():
    with pytest.raises(InputError, match="numerator must be a numeric column, but 't' holds text"):
        ask(rows(), "ratio(t, y)")


# -- units ---------------------------------------------------------------------------------------


def test_rows_without_a_unit_are_counted_and_left_out():
    audit = ask(rows(u=[None] * 20 + BASE["u"][20:]), unit="u")
    assert ("u", 20) in [(item.attribute, item.n_rows) for item in audit.missing]
    assert audit.overall.n_rows == N - 20


@pytest.mark.parametrize(
    "kind", ["dates", "booleans", "doubles", "bytes", "decimals", "lists", "structs"]
)
def test_a_unit_of_any_type_is_counted_or_refused(kind):
    make = {
        "dates": lambda i: datetime.date(2026, 1, 1 + i % 28),
        "booleans": lambda i: i % 2 == 0,
        "doubles": lambda i: i % 9 / 3,
        "bytes": lambda i: bytes([i % 9]),
        "decimals": lambda i: decimal.Decimal(i % 9),
        "lists": lambda i: [i % 9],
        "structs": lambda i: {"a": i % 9},
    }[kind]
    values = [make(i) for i in range(N)]
    try:
        audit = ask(rows(u=values), unit="u")
    except EvenhandError:
        return
    assert audit.overall.n_units == len({str(value) for value in values})


def test_a_group_of_one_unit_is_refused():
    audit = ask(
        rows(u=["solo" if g == "a" else u for g, u in zip(BASE["g"], BASE["u"], strict=True)]),
        unit="u",
    )
    assert [(item.predicate, item.n_units) for item in audit.refused] == [("g = 'a'", 1)]


def test_a_unit_that_spans_groups_is_one_unit_overall():
    audit = ask(rows(u=[str(i // 4) for i in range(N)]), unit="u")
    assert audit.overall.n_units == N // 4
    assert sum(group.estimate.n_units for group in audit.groups) > N // 4


def test_groups_that_are_the_units_are_all_refused():
    audit = ask(rows(), by="u", unit="u")
    assert len(audit.refused) == len(audit.groups) == 30


def test_one_column_as_label_and_prediction_agrees_with_itself():
    assert ask(rows(), "accuracy(y, y)").overall.value == 1.0
    assert ask(rows(), "auc(y, y)").overall.value == 1.0


# -- attributes ----------------------------------------------------------------------------------


def test_five_thousand_groups_are_judged():
    rng = np.random.default_rng(1)
    n = 30_000
    table = pa.table(
        {
            "g": (np.arange(n) % 5000).astype(str),
            "y": rng.integers(0, 2, n),
            "p": rng.integers(0, 2, n),
        }
    )
    audit = evenhand.audit(table, metric="accuracy(y, p)", by="g")
    assert len(audit.groups) == 5000


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)], {"2026-01-01", "2026-01-02"}),
        (
            [np.datetime64("2026-01-01T09:00:00"), np.datetime64("2026-01-02T00:00:00")],
            {"2026-01-01T09:00:00", "2026-01-02T00:00:00"},
        ),
        ([True, False], {"True", "False"}),
        ([0.5, 1.0], {"0.5", "1.0"}),
        ([decimal.Decimal("1.50"), decimal.Decimal("2.25")], {"1.5", "2.25"}),
        ([float("nan"), 1.0], {"1.0"}),
        ([float("inf"), 1.0], {"1.0"}),
        ([2**63 - 1, -(2**63)], {str(2**63 - 1), str(-(2**63))}),
        (["x" * 1000, "é" * 1000], {"x" * 1000, "é" * 1000}),
        (["it's", '"q"'], {"it's", '"q"'}),
        (["a\nb", "a\tb"], {"a\nb", "a\tb"}),
        (["<script>alert(1)</script>", "=1+1"], {"<script>alert(1)</script>", "=1+1"}),
        (["a\x00b", "🙂"], {"a\x00b", "🙂"}),
    ],
    # Sets have no order of their own.
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:30],
)
def test_attributes_of_any_value_are_groups_and_their_predicates_select_them(values, wanted):
    table = rows(g=pa.array((values * N)[:N]))
    audit = ask(table)
    assert labels(audit) == wanted
    for group in audit.groups:
        assert ask(table, where=group.predicate).overall.n_rows == group.estimate.n_rows


def test_a_timedelta_is_read_in_words_or_refused():
    try:
        audit = ask(rows(g=pa.array([datetime.timedelta(days=i % 2) for i in range(N)])))
    except EvenhandError:
        return
    assert not any("MonthDayNano" in label for label in labels(audit))


# -- bins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [None, 1, 3])
def test_a_constant_column_is_one_group_with_a_name(wanted):
    audit = ask(rows(x=[1.0] * N), by="x", bins={"x": wanted} if wanted else None)
    assert len(audit.groups) == 1
    assert audit.groups[0].label.strip() == audit.groups[0].label


def test_ties_move_an_edge_to_the_next_distinct_value():
    """As `bin_attributes` promises: the tenth with another value is not swallowed."""
    audit = ask(rows(x=[1.0] * 180 + [2.0] * 20), by="x", bins={"x": 4})
    assert [group.estimate.n_rows for group in audit.groups if group.estimate.n_rows] in (
        [180, 20],
        [20, 180],
    )


def test_bins_cover_every_row_once():
    audit = ask(rows(), by="s", bins={"s": 7})
    assert sum(group.estimate.n_rows for group in audit.groups) == N
    assert len(audit.groups) == 7


@pytest.mark.parametrize("edges", [[50, 60], [-1.0], [0.5]], ids=str)
def test_edges_may_leave_bins_empty(edges):
    audit = ask(rows(), by="s", bins={"s": edges})
    assert sum(group.estimate.n_rows for group in audit.groups) == N


@pytest.mark.parametrize(
    "bins",
    [
        {"s": 2.5},
        {"s": "abc"},
        {"s": ["a"]},
        {"s": -2},
        {"s": [float("nan")]},
        {"s": [float("inf")]},
        {"g": 3},
        {"zz": 3},
    ],
    ids=str,
)
def test_bins_that_cannot_be_cut_are_an_error(bins):
    with pytest.raises(InputError, match=r"(?i)bins|edges"):
        ask(rows(), by=["s", "g"], bins=bins)


def test_the_number_of_bins_may_come_from_numpy():
    assert len(ask(rows(), by="s", bins={"s": np.int64(3)}).groups) == 3
    assert len(ask(rows(), by="s", bins={"s": np.array([0.2, 0.5])}).groups) == 3


@pytest.mark.parametrize("low", [0, 2**62], ids=["small", "large"])
def test_bins_of_integers_hold_about_equal_shares(low):
    audit = ask(rows(x=[low + i for i in range(N)]), by="x")
    assert [
        group.estimate.n_rows for group in audit.groups if 40 <= group.estimate.n_rows <= 60
    ].__len__() == 4


# -- frames --------------------------------------------------------------------------------------

FRAMES = {
    "mixed types": lambda: pd.DataFrame({**BASE, "g": [1, "a"] * (N // 2)}),
    "mixed in the metric": lambda: pd.DataFrame({**BASE, "y": [1, "a"] * (N // 2)}),
    "complex numbers": lambda: pd.DataFrame({**BASE, "g": [1j] * N}),
    "lone surrogates": lambda: pd.DataFrame({**BASE, "g": pd.Series(["\ud800"] * N, dtype=object)}),
    "a column twice": lambda: pd.DataFrame(np.zeros((9, 2)), columns=["g", "g"]),
    "no columns": pd.DataFrame,
    "rows but no columns": lambda: pd.DataFrame(index=range(9)),
    "no columns in polars": pl.DataFrame,
    "a series": lambda: pd.Series([1, 2], name="g"),
    "a polars series": lambda: pl.Series("g", [1, 2]),
    "a lazy frame": lambda: pl.LazyFrame(BASE),
    "an array": lambda: np.zeros((3, 3)),
    "a dict": lambda: dict(BASE),
    "a list": lambda: [1, 2],
    "bytes": lambda: b"rows.csv",
    "nothing": lambda: None,
    "a number": lambda: 3,
}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_that_is_no_table_is_an_error(frame):
    with pytest.raises(InputError, match=r"\w"):
        ask(FRAMES[frame]())


def test_what_pandas_cut_makes_is_a_group_or_an_error_and_poisons_nothing():
    """In a process of its own: an internal error of the engine spoils every later connection."""
    program = """
import pandas as pd, evenhand
frame = pd.DataFrame({"s": range(90), "y": [0, 1, 1] * 30})
frame["g"] = pd.cut(frame["s"], 3)
for table in (frame, frame[["s", "y"]].assign(g="x")):
    try:
        print("groups", len(evenhand.audit(table, metric="mean(y)", by="g").groups))
    except evenhand.errors.EvenhandError as error:
        print("error", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    first, *rest = done.stdout.splitlines()
    assert first == "groups 3" or (first.startswith("error") and "INTERNAL" not in first)
    assert rest[-1] == "groups 1", done.stderr


# -- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"level": 1.0},
        {"level": 0.2},
        {"level": float("nan")},
        {"level": "x"},
        {"tolerance": -1},
        {"tolerance": float("nan")},
        {"tolerance": float("inf")},
        {"min_units": 1},
        {"min_units": float("nan")},
        {"min_units": 2.5},
        {"suppress_below": -5},
        {"seed": -1},
        {"seed": "x"},
        {"worse": "x"},
        {"adjust": "x"},
        {"interval": "x"},
        {"unit": "uu"},
        {"versus": "bset"},
        {"versus": ""},
        {"versus": 3},
        {"where": 3},
        {"where": "g ~ 'a'"},
        {"by": ""},
        {"by": []},
        {"by": None},
        {"by": 3},
        {"by": [3]},
        {"by": [[]]},
        {"by": "gg"},
        {"metric": ""},
        {"metric": None},
        {"metric": 3},
        {"metric": "wre(t, h)"},
        {"missing_values": [None]},
        {"cube": "/nonexistent/folder/cube.parquet"},
        {"cube": "/"},
    ],
    ids=str,
)
def test_an_option_that_means_nothing_is_an_error(options):
    with pytest.raises(InputError, match=r"\w"):
        ask(rows(), **options)


def test_no_metric_is_an_error():
    with pytest.raises(InputError, match="Say at least one metric"):
        evenhand.audit_metrics(rows(), [], "g")


def test_missing_values_that_are_numbers_do_not_break_text_columns():
    try:
        ask(rows(), missing_values=[3])
    except EvenhandError as error:
        assert "Conversion Error" not in str(error)  # noqa: PT017 - the engine's words are not ours


@pytest.mark.parametrize("where", ["d >= '2026-99-99'", "d = '2026-02-30'"])
def test_a_date_that_does_not_exist_gets_a_caret(where):
    table = rows(d=[datetime.date(2026, 1, 1 + i % 9) for i in range(N)])
    with pytest.raises(EvenhandError, match=r"\^"):
        ask(table, where=where)


def test_a_reference_that_keeps_nobody_says_so():
    with pytest.raises(InputError, match="No row satisfies g = 'nobody'"):
        ask(rows(), versus="g = 'nobody'")


def test_several_metrics_of_which_one_is_wrong_is_an_error():
    with pytest.raises(InputError, match="Did you mean 'accuracy'"):
        evenhand.audit_metrics(rows(), ["mean(s)", "acuracy(y, p)"], "g")


@pytest.mark.parametrize(
    ("ask", "option", "message"),
    [
        (
            lambda t, **o: evenhand.audit(t, "mean(y)", "g", **o),
            "units",
            r"Did you mean 'unit'\?  Options: .*unit",
        ),
        (
            lambda t, **o: evenhand.equalized_odds(t, "y", "y", "g", **o),
            "unknown",
            "Options: .*min_units",
        ),
        (
            lambda t, **o: evenhand.audit_metrics(t, ["mean(y)"], "g", **o),
            "levels",
            "'level'.*Options: ",
        ),
        (lambda t, **o: evenhand.slices(t, "mean(y)", **o), "feature", "'features'.*Options: "),
        (
            lambda t, **o: evenhand.effects(t, "mean(y)", "g", **o),
            "bin",
            "Did you mean 'bins'.*Options: ",
        ),
    ],
)
def test_an_option_that_does_not_exist_is_told_with_those_that_do(ask, option, message):
    with pytest.raises(InputError, match=f"Unknown option '{option}'.*{message}") as told:
        ask(pa.table({"g": ["a"], "y": [1]}), **{option: 1})
    assert isinstance(told.value, TypeError)


@pytest.mark.parametrize("name", ["audit", "audit_metrics", "effects", "slices", "equalized_odds"])
def test_functions_show_their_options_to_editors(name):
    parameters = inspect.signature(getattr(evenhand, name)).parameters.values()
    assert sum(one.kind is one.KEYWORD_ONLY for one in parameters) > 1 or name == "equalized_odds"
    assert all(one.annotation is not one.empty for one in parameters)


def test_rows_that_all_lack_their_unit_are_told_and_divide_nothing():
    table = pa.table(
        {
            "label": [0, 1, 1, 0],
            "guess": [1, 1, 0, 0],
            "site": ["a", "a", "b", "b"],
            "person": pa.array([None] * 4, pa.string()),
        }
    )
    found = evenhand.audit(table, "accuracy(label, guess)", "site", unit="person")
    assert found.overall.value is None
    assert [(one.attribute, one.n_rows) for one in found.missing] == [("person", 4)]
    assert found.groups == ()
