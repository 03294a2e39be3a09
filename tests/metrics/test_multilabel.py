"""Rows with any number of labels, against scikit-learn."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sk
from sklearn.preprocessing import MultiLabelBinarizer

import evenhand
from evenhand.cubes import build_cube, estimate
from evenhand.errors import InputError
from evenhand.metrics import parse_metric
from evenhand.records import open_records

FAST = {"by": "g", "adjust": "holm"}
NAMES = ("cat", "dog", "owl", "it's")
AVERAGED = {
    "set_precision": sk.precision_score,
    "set_recall": sk.recall_score,
    "set_f1": sk.f1_score,
    "set_jaccard": sk.jaccard_score,
}
BINARIZER = MultiLabelBinarizer(classes=NAMES).fit([NAMES])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    n = 300
    right = [list(rng.choice(NAMES, rng.integers(1, 4), replace=False)) for _ in range(n)]
    said = [
        [x for x in labels if rng.random() < 0.7] + ["owl"] * int(rng.random() < 0.3)
        for labels in right
    ]
    return {
        "g": rng.choice(["a", "b"], n),
        "u": rng.integers(0, 40, n).astype(str),
        "y": [list(map(str, x)) for x in right],
        "p": [sorted({str(x) for x in labels}) for labels in said],
    }


def agree(data, table, metric, score, **options):
    audit = evenhand.audit(table, metric, **FAST, **options)
    y, p = (BINARIZER.transform(data[name]) for name in "yp")
    assert audit.overall.value == pytest.approx(score(y, p))
    for group in audit.groups:
        here = data["g"] == group.label
        assert group.estimate.value == pytest.approx(score(y[here], p[here]))
    return audit


def as_text(data, separator=","):
    """The same as texts; no label at all is a separator alone, as an empty text is missing."""
    joined = {k: [f" {separator}".join(x) or separator for x in data[k]] for k in "yp"}
    return pa.table({**data, **joined})


@pytest.mark.parametrize("unit", [None, "u"])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("name", AVERAGED)
def test_averages_as_scikit_learn_has_them(name, average, unit, data):
    metric = f"{name}(y, p, average='{average}')"
    agree(
        data,
        pa.table(data),
        metric,
        lambda y, p: AVERAGED[name](y, p, average=average, zero_division=0),
        unit=unit,
    )


@pytest.mark.parametrize("name", AVERAGED)
def test_the_mean_of_rows_leaves_out_those_with_nothing_to_divide_by(name, data):
    y, p = (BINARIZER.transform(data[k]) for k in "yp")
    below = {"set_precision": p, "set_recall": y}.get(name, y + p).sum(axis=1) > 0
    audit = evenhand.audit(pa.table(data), f"{name}(y, p, average='samples')", **FAST)
    assert audit.overall.n_rows == below.sum()
    assert audit.overall.value == pytest.approx(
        AVERAGED[name](y[below], p[below], average="samples")
    )


def test_subset_accuracy_is_a_proportion(data):
    audit = agree(data, pa.table(data), "subset_accuracy(y, p)", sk.accuracy_score)
    assert audit.overall.method == "wilson"


def test_hamming_loss(data):
    agree(data, pa.table(data), "hamming_loss(y, p)", sk.hamming_loss)


@pytest.mark.parametrize("separator", [",", ";", " | "])
def test_sets_may_be_texts(separator, data):
    table = as_text(data, separator.strip())
    option = f", separator='{separator.strip()}'" if separator != "," else ""
    agree(data, table, f"hamming_loss(y, p{option})", sk.hamming_loss)
    agree(data, table, f"set_f1(y, p{option})", lambda y, p: sk.f1_score(y, p, average="micro"))


def test_sets_are_read_from_files(tmp_path, data):
    pq.write_table(pa.table(data), tmp_path / "t.parquet")
    agree(data, tmp_path / "t.parquet", "hamming_loss(y, p)", sk.hamming_loss)
    lines = [
        "g,y,p",
        *(
            f'{g},"{",".join(y)}","{",".join(p) or ","}"'
            for g, y, p in zip(data["g"], data["y"], data["p"], strict=True)
        ),
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    agree(data, tmp_path / "t.csv", "hamming_loss(y, p)", sk.hamming_loss)


def test_labels_that_are_not_named_are_no_labels(data):
    audit = evenhand.audit(
        pa.table(data), "set_f1(y, p, average='macro', labels=('cat', 'dog'))", **FAST
    )
    y, p = (BINARIZER.transform(data[k])[:, :2] for k in "yp")
    assert audit.overall.value == pytest.approx(sk.f1_score(y, p, average="macro"))


def test_a_missing_label_is_missing_and_a_missing_prediction_says_nothing():
    table = pa.table(
        {"g": ["a", "b"] * 4, "y": ["cat", "cat,dog", None, "NA"] * 2, "p": ["cat", None] * 4}
    )
    audit = evenhand.audit(table, "set_recall(y, p)", by="g", min_units=2)
    assert audit.overall.n_rows == 4
    assert audit.overall.counts == {"hits": 2, "missed": 4, "added": 0}
    assert [(one.attribute, one.n_rows) for one in audit.missing] == [("y", 4)]


def test_a_filter_is_applied_once(data):
    audit = evenhand.audit(pa.table(data), "hamming_loss(y, p)", where="u < '3'", **FAST)
    here = data["u"] < "3"
    y, p = (BINARIZER.transform(data[k])[here] for k in "yp")
    assert audit.overall.value == pytest.approx(sk.hamming_loss(y, p))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("set_f1(y, n)", "must hold sets of labels, as lists or as texts, but 'n' holds integer"),
        ("set_f1(y, nested)", "A set is a list of texts"),
        ("set_f1(none, none)", "no row has a label"),
        ("set_f1(many, many, average='macro')", "100 labels are too many"),
        ("set_f1(y, p, separator='')", "separator is empty"),
    ],
)
def test_what_cannot_be_is_said(metric, message, data):
    rows = len(data["y"])
    table = as_text(data)
    extra = {
        "n": pa.array([1] * rows),
        "nested": pa.array([{"a": 1}] * rows),
        "none": pa.array([","] * rows),
        "many": pa.array([str(i % 100) for i in range(rows)]),
    }
    for name, column in extra.items():
        table = table.append_column(name, column)
    with pytest.raises(InputError) as raised:
        evenhand.audit(table, metric, **FAST)
    assert message in str(raised.value)


def test_the_search_for_slices_reads_sets_too(data):
    found = evenhand.slices(
        pa.table(data), metric="hamming_loss(y, p)", features="g", min_support=10, confirm="none"
    )
    assert found.overall.value == pytest.approx(
        sk.hamming_loss(*(BINARIZER.transform(data[k]) for k in "yp"))
    )


@pytest.mark.parametrize("unit", ["row", "u"])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted", "samples"])
def test_standard_errors_are_those_of_the_jackknife(average, unit, data):
    records = open_records(pa.table({**data, "row": [str(i) for i in range(300)]}))
    metric = parse_metric(f"set_f1(y, p, average='{average}')", records.columns)
    plan = metric.plan(records, ["row", "u"])
    cube = build_cube(plan.records, plan.measure, (), unit=unit)
    left = plan.form.value((cube.sums.sum(axis=0) - cube.units.sums)[:, None, :])
    expected = np.sqrt((len(left) - 1) * np.mean((left - left.mean()) ** 2))
    found = estimate(cube, plan.form, np.ones((1, len(cube.keys)), bool))
    assert np.sqrt(found.variances[0]) == pytest.approx(expected, rel=0.03)
