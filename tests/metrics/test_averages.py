"""Averages over classes, sets of labels, and coefficients of several classes, against scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

import evenhand
from evenhand.cubes import build_cube
from evenhand.errors import InputError
from evenhand.metrics import parse_metric
from evenhand.records import open_records

FAST = {"by": "g", "adjust": "holm"}
CLASSES = ("cat", "dog", "owl")
SCORES = {
    "precision": sk.precision_score,
    "true_positive_rate": sk.recall_score,
    "f1": sk.f1_score,
    "jaccard": sk.jaccard_score,
    "f_beta": lambda y, p, **options: sk.fbeta_score(y, p, beta=2, **options),
}


@pytest.fixture(scope="module")
def data():
    """Labels of three classes; predictions that are sometimes no class at all."""
    rng = np.random.default_rng(3)
    n = 500
    y = rng.choice(CLASSES, n, p=[0.6, 0.3, 0.1])
    other = rng.choice([*CLASSES, "invalid"], n)
    return {
        "g": rng.choice(["a", "b"], n),
        "u": rng.integers(0, 60, n).astype(str),
        "y": y,
        "p": np.where(rng.random(n) < 0.5, y, other),
    }


def agree(data, metric, expected, **options):
    audit = evenhand.audit(pa.table(data), metric, **FAST, **options)
    assert audit.overall.value == pytest.approx(expected(data["y"], data["p"]), abs=1e-12)
    for group in audit.groups:
        here = data["g"] == group.label
        assert group.estimate.value == pytest.approx(
            expected(data["y"][here], data["p"][here]), abs=1e-12
        )
    return audit


@pytest.mark.parametrize("average", ["macro", "weighted", "micro"])
@pytest.mark.parametrize("name", SCORES)
def test_averages_of_named_classes(name, average, data):
    beta = ", beta=2" if name == "f_beta" else ""
    agree(
        data,
        f"{name}(y, p, average='{average}', labels=('cat', 'dog', 'owl'){beta})",
        lambda y, p: SCORES[name](y, p, labels=list(CLASSES), average=average, zero_division=0),
    )


@pytest.mark.parametrize("name", ["f1", "true_positive_rate"])
def test_a_weighted_average_gives_a_class_without_labels_no_weight(name, data):
    agree(
        data,
        f"{name}(y, p, average='weighted')",
        lambda y, p: SCORES[name](y, p, average="weighted", zero_division=0),
    )


def test_two_classes_may_be_asked_for_among_many(data):
    agree(
        data,
        "f1(y, p, average='micro', labels=('owl', 'dog'))",
        lambda y, p: sk.f1_score(y, p, labels=["owl", "dog"], average="micro"),
    )


@pytest.mark.parametrize("labels", ["", ", labels=('cat', 'dog', 'owl')"])
def test_balanced_accuracy_of_several_classes(labels, data):
    def expected(y, p):
        return sk.recall_score(y, p, labels=list(CLASSES), average="macro", zero_division=0)

    agree(data, f"balanced_accuracy(y, p{labels})", expected)


def test_matthews_coefficient_of_several_classes(data):
    audit = agree(data, "mcc(y, p)", sk.matthews_corrcoef)
    assert set(audit.overall.counts) >= {"rows", "agreed", "label:cat", "prediction:invalid"}


def test_matthews_coefficient_where_invalid_is_no_class(data):
    """The correlation of the two tables of indicators, by hand."""
    one_hot = [(data[side][:, None] == np.array(CLASSES)).astype(float) for side in "yp"]
    y, p = (side - side.mean(axis=0) for side in one_hot)
    expected = (y * p).sum() / np.sqrt((y * y).sum() * (p * p).sum())
    audit = evenhand.audit(pa.table(data), "mcc(y, p, labels=('cat', 'dog', 'owl'))", **FAST)
    assert audit.overall.value == pytest.approx(expected)


def test_numbers_are_classes_where_labels_says_so(data):
    codes = {name: i for i, name in enumerate([*CLASSES, "invalid"])}
    table = {
        **data,
        "y": np.vectorize(codes.get)(data["y"]),
        "p": np.vectorize(codes.get)(data["p"]),
    }
    agree(table, "mcc(y, p, labels=(0, 1, 2, 3))", sk.matthews_corrcoef)
    agree(
        table,
        "balanced_accuracy(y, p, labels=(0, 1, 2))",
        lambda y, p: sk.recall_score(y, p, labels=[0, 1, 2], average="macro"),
    )


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_weighted_kappa(weights):
    rng = np.random.default_rng(4)
    y = rng.integers(1, 6, 400)
    p = np.clip(y + rng.integers(-2, 3, 400), 1, 5)
    data = {"g": rng.choice(["a", "b"], 400), "y": y, "p": p}
    agree(
        data,
        f"cohen_kappa(y, p, weights='{weights}')",
        lambda a, b: sk.cohen_kappa_score(a, b, weights=weights),
    )
    names = np.array(["", "awful", "bad", "fair", "good", "fine"])
    texts = {**data, "y": names[y], "p": names[p]}
    order = "('awful', 'bad', 'fair', 'good', 'fine')"
    audit = evenhand.audit(
        pa.table(texts), f"cohen_kappa(y, p, weights='{weights}', labels={order})", **FAST
    )
    assert audit.overall.value == pytest.approx(sk.cohen_kappa_score(y, p, weights=weights))
    with pytest.raises(InputError, match="needs the order of the classes"):
        evenhand.audit(pa.table(texts), f"cohen_kappa(y, p, weights='{weights}')", **FAST)


def test_kappa_of_named_classes_counts_other_rows_as_missing(data):
    audit = evenhand.audit(
        pa.table(data), "cohen_kappa(y, p, labels=('cat', 'dog', 'owl'))", **FAST
    )
    valid = data["p"] != "invalid"
    assert audit.overall.n_rows == valid.sum()
    assert audit.overall.value == pytest.approx(
        sk.cohen_kappa_score(data["y"][valid], data["p"][valid])
    )
    assert [(one.attribute, one.n_rows) for one in audit.missing] == [("p", (~valid).sum())]


def test_a_label_that_never_occurs_is_told(data):
    audit = evenhand.audit(
        pa.table(data), "f1(y, p, average='weighted', labels=('cat', 'dgo'))", **FAST
    )
    (note,) = [note for note in audit.notes if note.code == "label_never_occurs"]
    assert "'dgo', which never occurs in 'y' or 'p'. Did you mean 'dog'?" in note.text


def test_a_class_that_only_predictions_have_is_told(data):
    audit = evenhand.audit(pa.table(data), "true_positive_rate(y, p, average='macro')", **FAST)
    assert (audit.overall.value, audit.overall.reason) == (None, "class_absent")
    (note,) = [note for note in audit.notes if note.code == "class_never_labelled"]
    assert "'invalid' occurs in 'p' but never in 'y'" in note.text
    assert "labels=('cat', 'dog', 'owl')" in note.text
    kept = "true_positive_rate(y, p, average='macro', labels=('cat', 'dog', 'owl'))"
    named = evenhand.audit(pa.table(data), kept, **FAST)
    assert named.overall.value is not None
    assert not [note for note in named.notes if note.code == "class_never_labelled"]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("f1(y, p, labels=('cat', 'dog'))", "add average='macro'"),
        ("f1(y, p, average='macro', labels=('cat', 'cat'))", "names 'cat' twice"),
        ("f1(y, p, average='macro', labels=())", "expected values for 'labels'"),
        ("f1(y, p, average='macro', labels=(dog = 'x'))", "expected a number or text in 'quotes'"),
        ("f1(y, p, average=('macro', 'micro'))", "expected a number or text"),
        ("f_beta(y, p, beta=0, positive='cat')", "beta is 0, but must be a number above 0"),
        ("f_beta(y, p)", "also needs beta"),
        (
            "mcc(y, p, positive='cat', labels=('cat', 'dog'))",
            "positive and labels exclude each other",
        ),
    ],
)
def test_what_cannot_be_is_said(metric, message, data):
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")):
        evenhand.audit(pa.table(data), metric, **FAST)


def test_labels_are_written_as_they_were_read(data):
    audit = evenhand.audit(
        pa.table(data), "f1(y, p, average='macro', labels=('cat', 'dog'))", **FAST
    )
    assert "labels=('cat', 'dog')" in audit.metric.expression
    again = evenhand.audit(pa.table(data), audit.metric.expression, **FAST)
    assert again.overall == audit.overall


@pytest.mark.parametrize("unit", ["row", "u"])
@pytest.mark.parametrize(
    "metric",
    [
        "f1(y, p, average='macro')",
        "f1(y, p, average='weighted', labels=('cat', 'dog', 'owl'))",
        "jaccard(y, p, average='micro', labels=('cat', 'dog', 'owl'))",
        "mcc(y, p)",
        "balanced_accuracy(y, p)",
        "cohen_kappa(y, p, weights='quadratic', labels=('cat', 'dog', 'owl', 'invalid'))",
    ],
)
def test_standard_errors_are_those_of_the_jackknife(metric, unit, data):
    """Leaving out one unit at a time, the values vary as the influences say."""
    table = pa.table({**data, "row": np.arange(len(data["y"])).astype(str)})
    records = open_records(table)
    plan = parse_metric(metric, records.columns).plan(records)
    cube = build_cube(records, plan.measure, (), unit=unit)
    sums = np.zeros((len(cube.units.names), len(cube.parts)))
    np.add.at(sums, cube.units.unit, cube.units.sums)
    left = plan.form.value((cube.sums.sum(axis=0) - sums)[:, None, :])
    jackknife = np.sqrt((len(left) - 1) * np.mean((left - left.mean()) ** 2))
    found = evenhand.audit(table, metric, unit=unit if unit == "u" else None, by="g").overall
    assert found.standard_error == pytest.approx(jackknife, rel=0.03)


# -- probabilities of several classes ------------------------------------------------------------


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(5)
    n = 300
    y = rng.integers(0, 3, n)
    p = rng.dirichlet([1, 1, 1], n)
    p[np.arange(n), y] += 0.5
    p = np.round(p / p.sum(axis=1, keepdims=True), 4)
    data = {"g": rng.choice(["a", "b"], n), "u": rng.integers(0, 40, n).astype(str)}
    data |= {"y": np.array(CLASSES)[y], **{f"p_{name}": p[:, i] for i, name in enumerate(CLASSES)}}
    return data, y, p


def brier(y, p):
    """Half of Brier's own score of several classes."""
    return float(((p - np.eye(3)[y]) ** 2).sum(axis=1).mean() / 2)


OF_PROBABILITIES = {
    "log_loss": lambda y, p: sk.log_loss(y, p / p.sum(axis=1, keepdims=True), labels=[0, 1, 2]),
    "brier": brier,
}


@pytest.mark.parametrize("unit", [None, "u"])
@pytest.mark.parametrize("name", OF_PROBABILITIES)
def test_losses_of_several_probabilities(name, unit, scored):
    data, y, p = scored
    metric = f"{name}(y, score=(p_cat, p_dog, p_owl), labels=('cat', 'dog', 'owl'))"
    audit = evenhand.audit(pa.table(data), metric, unit=unit, **FAST)
    assert audit.overall.value == pytest.approx(OF_PROBABILITIES[name](y, p), abs=2e-5)
    for group in audit.groups:
        here = data["g"] == group.label
        expected = OF_PROBABILITIES[name](y[here], p[here])
        assert group.estimate.value == pytest.approx(expected, abs=1e-4)


def test_columns_that_are_called_as_the_classes_need_no_labels(scored):
    data, y, p = scored
    named = {key.removeprefix("p_"): value for key, value in data.items()}
    audit = evenhand.audit(pa.table(named), "brier(y, score=(owl, cat, dog))", **FAST)
    assert audit.overall.value == pytest.approx(brier(y, p))


def test_two_columns_of_probabilities_are_as_one(scored):
    data, *_ = scored
    yes = data["p_cat"]
    table = pa.table(
        {**data, "y": np.where(data["y"] == "cat", "yes", "no"), "no": 1 - yes, "yes": yes}
    )
    for name in OF_PROBABILITIES:
        two = evenhand.audit(table, f"{name}(y, score=(yes, no))", **FAST)
        one = evenhand.audit(table, f"{name}(y, yes, positive='yes')", **FAST)
        assert two.overall.value == pytest.approx(one.overall.value)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            "brier(y, score=(p_cat, p_dog, p_owl))",
            "which class does each of 'p_cat', 'p_dog', 'p_owl'",
        ),
        (
            "brier(y, score=(p_cat, p_dog), labels=('cat', 'dog', 'owl'))",
            "2 columns and labels 3 classes",
        ),
        ("brier(y, score=(p_cat, p_dog), positive='cat')", "of several columns say labels"),
        ("brier(y, score=p_cat, labels=('cat', 'dog'))", "positive='that class'"),
        (
            "brier(y, score=(p_cat), labels=('cat', 'dog'))",
            "score names 1 column and labels 2 classes",
        ),
        ("brier(y, score=(p_cat, p_dog), labels=('cat', 'dog'))", "`p_cat`, `p_dog` add to "),
        ("brier(y, score=(p_cat, u), labels=('cat', 'dog'))", "must be a numeric column, but 'u'"),
    ],
)
def test_probabilities_that_cannot_be_are_told(metric, message, scored):
    with pytest.raises(InputError) as raised:
        evenhand.audit(pa.table(scored[0]), metric, **FAST)
    assert message in str(raised.value)
