"""Classification metrics against scikit-learn and fairlearn, overall and per group."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

import evenhand
from evenhand.errors import EvenhandError, FaultsError, InputError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fairlearn.metrics import (
        MetricFrame,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )

N = 600
GROUPS = ("a", "b", "c")
FAST = {"adjust": "holm", "by": "g"}


def negative(score):
    """The same score with the classes exchanged."""
    return lambda y, p: score(1 - y, 1 - p)


BINARY = {
    "accuracy": sk.accuracy_score,
    "error_rate": sk.zero_one_loss,
    "true_positive_rate": sk.recall_score,
    "false_negative_rate": lambda y, p: 1 - sk.recall_score(y, p),
    "true_negative_rate": negative(sk.recall_score),
    "false_positive_rate": lambda y, p: 1 - sk.recall_score(1 - y, 1 - p),
    "precision": sk.precision_score,
    "false_discovery_rate": lambda y, p: 1 - sk.precision_score(y, p),
    "false_omission_rate": lambda y, p: 1 - sk.precision_score(1 - y, 1 - p),
    "f1": sk.f1_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
}
SCORES = {
    "brier": sk.brier_score_loss,
    "log_loss": sk.log_loss,
    "auc": sk.roc_auc_score,
    "calibration_gap": lambda y, s: s.mean() - y.mean(),
}
AVERAGED = {
    "true_positive_rate": sk.recall_score,
    "precision": sk.precision_score,
    "f1": sk.f1_score,
    "false_negative_rate": None,
    "false_discovery_rate": None,
    "true_negative_rate": None,
    "false_positive_rate": None,
    "false_omission_rate": None,
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, N)
    score = np.round(np.clip(rng.beta(2, 2, N) * 0.7 + 0.25 * y, 0.001, 0.999), 3)
    return {
        "g": rng.choice(GROUPS, N, p=[0.5, 0.3, 0.2]),
        "u": rng.integers(0, 90, N).astype(str),
        "y": y,
        "p": np.where(rng.random(N) < 0.25, 1 - y, y),
        "s": score,
        "k": rng.choice(["cat", "dog", "it's", 'o"wl'], N),
        "m": rng.choice(["cat", "dog", "it's", 'o"wl'], N),
    }


def agree(audit, expected, data, *columns, tolerance=1e-9):
    """The audit's value is `expected`'s, overall and in each group."""
    first, second = (data[name] for name in columns)
    assert audit.overall.value == pytest.approx(expected(first, second), abs=tolerance)
    assert audit.overall.n_rows == len(first)
    assert {group.label for group in audit.groups} == set(GROUPS)
    for group in audit.groups:
        here = data["g"] == group.label
        assert group.estimate.value == pytest.approx(
            expected(first[here], second[here]), abs=tolerance
        )
        assert group.estimate.n_rows == here.sum()


CODES = {
    "zero and one": ("{y}", lambda v: v),
    "booleans": ("{y}", lambda v: v.astype(bool)),
    "small integers": ("{y}", lambda v: v.astype(np.uint8)),
    "doubles": ("{y}", lambda v: v.astype(float)),
    "texts": ("positive", lambda v: np.where(v == 1, "it's", "no")),
    "predicates": ("predicate", lambda v: np.where(v == 1, 7.5, -3.0)),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", BINARY)
def test_two_classes_as_scikit_learn_counts_them(name, code, data):
    how, encode = CODES[code]
    table = pa.table({"g": data["g"], "y": encode(data["y"]), "p": encode(data["p"])})
    if name in ("accuracy", "error_rate"):
        text = f"{name}(y, p)"
    else:
        text = {
            "positive": f"{name}(y, p, positive='it''s')",
            "predicate": f"{name}(label=y >= 0, prediction=p > 1 AND NOT p = 8)",
        }.get(how, f"{name}(label=y, prediction=p)")
    agree(evenhand.audit(table, metric=text, **FAST), BINARY[name], data, "y", "p")


@pytest.mark.parametrize("name", BINARY)
def test_naming_the_unit_does_not_move_the_rate(name, data):
    table = pa.table({key: data[key] for key in "guyp"})
    agree(
        evenhand.audit(table, metric=f"{name}(y, p)", unit="u", **FAST),
        BINARY[name],
        data,
        "y",
        "p",
    )


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("unit", [None, "u"])
def test_scores_as_scikit_learn_computes_them(name, unit, data):
    table = pa.table({key: data[key] for key in "guys"})
    agree(
        evenhand.audit(table, metric=f"{name}(y, s)", unit=unit, **FAST),
        SCORES[name],
        data,
        "y",
        "s",
    )


def one_against_rest(name, average):
    """Ratios of each class against the rest, averaged by hand from scikit-learn's confusion matrices."""
    weights = {
        "true_positive_rate": ("tp", ("tp", "fn")),
        "precision": ("tp", ("tp", "fp")),
        "false_negative_rate": ("fn", ("tp", "fn")),
        "false_discovery_rate": ("fp", ("tp", "fp")),
        "true_negative_rate": ("tn", ("tn", "fp")),
        "false_positive_rate": ("fp", ("tn", "fp")),
        "false_omission_rate": ("fn", ("fn", "tn")),
    }
    above, below = weights[name]

    def score(y, p):
        matrices = sk.multilabel_confusion_matrix(y, p)
        counts = [
            dict(zip(("tn", "fp", "fn", "tp"), matrix.ravel(), strict=True)) for matrix in matrices
        ]
        pairs = [(c[above], sum(c[part] for part in below)) for c in counts]
        if average == "micro":
            return sum(a for a, _ in pairs) / sum(b for _, b in pairs)
        return float(np.mean([a / b for a, b in pairs]))

    return score


@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("name", AVERAGED)
def test_averages_over_classes(name, average, data):
    table = pa.table({key: data[key] for key in "gkm"})
    audit = evenhand.audit(table, metric=f"{name}(k, m, average='{average}')", **FAST)
    known = AVERAGED[name]
    expected = (
        (lambda y, p: known(y, p, average=average)) if known else one_against_rest(name, average)
    )
    agree(audit, expected, data, "k", "m")


@pytest.mark.parametrize("name", ["accuracy", "error_rate"])
def test_accuracy_of_many_classes(name, data):
    table = pa.table({key: data[key] for key in "gkm"})
    agree(evenhand.audit(table, metric=f"{name}(k, m)", **FAST), BINARY[name], data, "k", "m")


@pytest.mark.parametrize("classes", ["booleans", "dates", "doubles", "decimals"])
def test_averages_over_classes_of_any_type(classes, data):
    encode = {
        "booleans": lambda v: pa.array(v.astype(bool)),
        "dates": lambda v: pa.array(v * 100, pa.int32()).cast(pa.date32()),
        "doubles": lambda v: pa.array(v * 1.5 - 0.25),
        "decimals": lambda v: pa.array(v).cast(pa.decimal128(20, 1)),
    }[classes]
    table = pa.table({"g": data["g"], "y": encode(data["y"]), "p": encode(data["p"])})
    audit = evenhand.audit(table, metric="f1(y, p, average='macro')", **FAST)
    agree(audit, lambda y, p: sk.f1_score(y, p, average="macro"), data, "y", "p")


def test_a_class_that_a_group_lacks_leaves_its_macro_average_undefined():
    table = pa.table(
        {"g": ["a"] * 20 + ["b"] * 20, "y": ["x", "y"] * 10 + ["x"] * 20, "p": ["x"] * 40}
    )
    audit = evenhand.audit(table, metric="true_positive_rate(y, p, average='macro')", **FAST)
    values = {group.label: group.estimate.value for group in audit.groups}
    assert values == {"a": 0.5, "b": None}
    assert audit.refused[0].predicate == "g = 'b'"
    assert audit.refused[0].reason == "class_absent"


FAIRLEARN = {
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "accuracy": sk.accuracy_score,
}


@pytest.mark.parametrize("name", FAIRLEARN)
def test_groups_and_their_largest_difference_as_fairlearn_gives_them(name, data):
    frame = MetricFrame(
        metrics=FAIRLEARN[name], y_true=data["y"], y_pred=data["p"], sensitive_features=data["g"]
    )
    audit = evenhand.audit(
        pa.table({key: data[key] for key in "gyp"}), metric=f"{name}(y, p)", **FAST
    )
    found = {group.label: group.estimate.value for group in audit.groups}
    assert found == pytest.approx(frame.by_group.to_dict())
    assert audit.gaps[0].largest == pytest.approx(frame.difference())
    assert audit.gaps[0].smallest_ratio == pytest.approx(frame.ratio())


def test_selection_rate_as_fairlearn_gives_it(data):
    frame = MetricFrame(
        metrics=selection_rate, y_true=data["y"], y_pred=data["p"], sensitive_features=data["g"]
    )
    audit = evenhand.audit(
        pa.table({key: data[key] for key in "gp"}),
        metric="selection_rate(p)",
        worse="lower",
        **FAST,
    )
    assert {group.label: group.estimate.value for group in audit.groups} == pytest.approx(
        frame.by_group.to_dict()
    )


# -- auc -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distinct", "tolerance"), [(3, 1e-12), (4000, 1e-12), (32_768, 1e-12), (None, 1e-5)]
)
def test_auc_is_exact_up_to_32768_scores_and_near_above(distinct, tolerance):
    rng = np.random.default_rng(4)
    n = 60_000
    y = rng.integers(0, 2, n)
    raw = rng.normal(size=n) + 0.8 * y
    scores = (
        raw if distinct is None else np.resize(np.sort(rng.choice(raw, distinct, replace=False)), n)
    )
    g = rng.choice(GROUPS, n)
    audit = evenhand.audit(pa.table({"g": g, "y": y, "s": scores}), metric="auc(y, s)", **FAST)
    agree(audit, sk.roc_auc_score, {"g": g, "y": y, "s": scores}, "y", "s", tolerance=tolerance)


def test_auc_depends_on_the_order_of_scores_only():
    rng = np.random.default_rng(2)
    y, s, g = rng.integers(0, 2, 300), rng.normal(size=300), rng.choice(GROUPS, 300)
    values = {
        evenhand.audit(
            pa.table({"g": g, "y": y, "s": scores}), metric="auc(y, s)", **FAST
        ).overall.value
        for scores in (s, np.exp(s), 1e6 * s - 3)
    }
    assert len(values) == 1


def test_auc_of_heavily_tied_scores_among_many_is_near():
    rng = np.random.default_rng(9)
    n = 20_000
    y = rng.integers(0, 2, n)
    s = np.where(rng.random(n) < 0.7, 0.0, rng.normal(size=n) + y)
    g = rng.choice(GROUPS, n)
    audit = evenhand.audit(pa.table({"g": g, "y": y, "s": s}), metric="auc(y, s)", **FAST)
    agree(audit, sk.roc_auc_score, {"g": g, "y": y, "s": s}, "y", "s", tolerance=1e-4)


# -- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in BINARY if n not in ("accuracy", "error_rate")])
def test_a_third_value_is_a_fault_not_a_negative(name):
    table = pa.table({"g": ["a", "b"] * 20, "y": [0, 1, 2, 1] * 10, "p": [0, 1] * 20})
    with pytest.raises(FaultsError, match=r"`y` is 2, but must be 0 or 1"):
        evenhand.audit(table, metric=f"{name}(y, p)", **FAST)


@pytest.mark.parametrize("name", BINARY)
def test_values_stay_within_their_range(name):
    table = pa.table({"g": ["a", "b", "b"] * 20, "y": [0, 1, 1] * 20, "p": [0, 1, 1] * 20})
    audit = evenhand.audit(table, metric=f"{name}(y, p)", **FAST)
    for estimate in (audit.overall, *(group.estimate for group in audit.groups)):
        assert estimate.value is None or -1 <= estimate.value <= 1


def test_texts_need_to_be_told_which_counts():
    table = pa.table({"g": ["a", "b"] * 20, "y": ["yes", "no"] * 20})
    with pytest.raises(InputError, match="say which value counts"):
        evenhand.audit(table, metric="selection_rate(y)", worse="lower", **FAST)


@pytest.mark.parametrize("option", ["positive='True'", "positive=true", "positive=1"])
def test_a_positive_value_of_another_type_is_refused_or_understood(option):
    table = pa.table({"g": ["a", "b"] * 20, "y": [True, False] * 20})
    try:
        audit = evenhand.audit(table, metric=f"selection_rate(y, {option})", worse="lower", **FAST)
    except InputError as error:
        assert "must be a number" not in str(error)  # noqa: PT017 - booleans are no numbers
        return
    assert audit.overall.value == 0.5


def test_nobody_selected_is_zero_and_a_slip_of_the_pen_is_told():
    """A positive value that no prediction has is a rate of 0; a note offers what was perhaps meant."""
    table = pa.table({"g": ["a", "b"] * 20, "y": ["yes", "no"] * 20, "p": ["yes", "no"] * 20})
    metric = "selection_rate(p, positive='Yes')"
    audit = evenhand.audit(table, metric=metric, worse="lower", **FAST)
    assert (audit.overall.value, audit.overall.method) == (0.0, "wilson")
    (note,) = [note for note in audit.notes if note.code == "positive_never_occurs"]
    assert "'Yes' never occurs in 'p'. Did you mean 'yes'?" in note.text
    fine = evenhand.audit(table, metric="selection_rate(p, positive='yes')", worse="lower", **FAST)
    assert not [note for note in fine.notes if note.code == "positive_never_occurs"]


@pytest.mark.parametrize(
    "metric", ["precision(y, p, positive='Yes')", "brier(y, s, positive='Yes')"]
)
def test_a_positive_value_that_no_label_has_is_a_slip(metric):
    table = pa.table(
        {"g": ["a", "b"] * 20, "y": ["yes", "no"] * 20, "p": ["yes", "no"] * 20, "s": [0.5] * 40}
    )
    with pytest.raises(InputError, match=r"'Yes' never occurs in 'y'\. Did you mean 'yes'"):
        evenhand.audit(table, metric=metric, **FAST)


def test_more_classes_than_an_average_can_hold_are_refused():
    table = pa.table({"g": ["a", "b"] * 50, "y": list(range(25)) * 4})
    with pytest.raises(InputError, match="25 classes are too many"):
        evenhand.audit(table, metric="f1(y, y, average='macro')", **FAST)


@pytest.mark.parametrize("other", [["yes", "no"] * 20, [True, False] * 20, [0.5, 1.5] * 20])
@pytest.mark.parametrize("metric", ["accuracy(y, p)", "f1(y, p, average='macro')"])
def test_labels_and_predictions_of_different_types_are_refused(metric, other):
    table = pa.table({"g": ["a", "b"] * 20, "y": ["1", "x"] * 20, "p": other})
    try:
        audit = evenhand.audit(table, metric=metric, **FAST)
    except EvenhandError as error:
        assert "Conversion Error" not in str(error)  # noqa: PT017 - the engine's words are not ours
        return
    assert audit.overall.value is not None


def test_not_a_number_as_label_is_no_class():
    values = pa.array([1.0, 0.0] * 20 + [float("nan")] * 10)
    table = pa.table({"g": ["a", "b"] * 25, "y": values, "p": values})
    for metric in ("accuracy(y, p)", "f1(y, p, average='macro')"):
        other = pa.table({"g": ["a", "b"] * 25, "y": values, "p": [1.0, 0.0] * 25})
        for rows in (table, other):
            try:
                audit = evenhand.audit(rows, metric=metric, **FAST)
            except EvenhandError as error:
                assert "Binder Error" not in str(error)  # noqa: PT017 - the engine's words are not ours
                continue
            assert audit.overall.n_rows == 40
            assert audit.overall.value == 1.0


def advised(error):
    """The condition that an error names last, as an expression takes it."""
    text = str(error.value)
    return text[text.rindex("prediction=") :].split(";", maxsplit=1)[0]


SCORED = {
    "g": ["a", "b"] * 100,
    "y": [0, 1, 1, 0] * 50,
    "decile": [*range(1, 11)] * 20,
    "said": ["High", "Low", "Medium", "Low"] * 50,
    "code": [1, 2] * 100,
    "chance": [i / 200 for i in range(200)],
}


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("decile", "holds 10 values from 1 to 10, and not 0 and 1.  .*: prediction=decile >= 5"),
        ("code", "holds 1 and 2, but yes and no are 1 and 0; .*: prediction=code = 2"),
        ("chance", "holds 200 values from 0 to 0.995, .*: prediction=chance >= 0.49"),
        (
            "said",
            "holds text .'High', 'Low', 'Medium'.,.* prediction=said in \\('High', 'Medium'\\)",
        ),
    ],
)
def test_a_column_that_is_no_prediction_yet_gets_a_condition_that_can_be_obeyed(column, says):
    table = pa.table(SCORED)
    with pytest.raises(InputError, match=says) as error:
        evenhand.audit(table, metric=f"false_positive_rate(y, {column})", **FAST)
    obeyed = advised(error)
    assert evenhand.audit(table, metric=f"false_positive_rate(label=y, {obeyed})", **FAST).groups


def test_a_positive_value_that_one_column_cannot_hold_is_said_of_the_other_alone():
    table = pa.table(SCORED)
    with pytest.raises(
        InputError, match=r"positive must be a number, not 'High'.*of one alone"
    ) as error:
        evenhand.audit(table, metric="false_positive_rate(y, said, positive='High')", **FAST)
    obeyed = advised(error)
    assert evenhand.audit(table, metric=f"false_positive_rate(label=y, {obeyed})", **FAST).groups


def test_rows_that_where_leaves_out_make_no_column_a_score():
    table = pa.table({**SCORED, "p": [0, 1, 7, 8, 9] * 40})
    kept = evenhand.audit(table, metric="error_rate(y, p)", where="p in (0, 1)", **FAST)
    assert kept.groups
