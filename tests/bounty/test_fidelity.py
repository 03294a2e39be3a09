"""What is packed does what the estimator does: probabilities, not labels only, in float32."""

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import DirectRunner, pack, read_submission, task_of
from evenhand.bounty.submission.predictions import HAIR, check_predictions, settle_predictions
from evenhand.bounty.task.losses import parse_loss
from evenhand.bounty.task.precision import ENOUGH, check_precision, lost_values
from evenhand.errors import InputError

for package in ("onnx", "onnxruntime", "skl2onnx", "onnxmltools", "lightgbm"):
    pytest.importorskip(package)

import lightgbm  # noqa: E402
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: E402
from sklearn.linear_model import LogisticRegression, SGDClassifier  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

from evenhand.bounty.hunting.pack import to_onnx  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def normal(loss="zero_one", rows=2_000):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    yes = rng.random(rows) < 1 / (1 + np.exp(-(2 * a + b - 0.3)))
    table = pa.table({"a": a, "b": b, "y": np.where(yes, "yes", "no")})
    task = task_of(table, label="y", loss=loss)
    return task, task.encode(table), task.encode_labels(table)


def forest(task, matrix, labels):
    return lightgbm.LGBMClassifier(
        n_estimators=40, boosting_type="rf", bagging_freq=1, bagging_fraction=0.6, verbose=-1
    ).fit(matrix, labels)


@pytest.mark.parametrize("loss", ["zero_one", "brier"])
def test_a_forest_whose_labels_flip_on_conversion_is_not_packed(loss):
    task, matrix, labels = normal(loss)
    with pytest.raises(
        InputError, match=r"on 2,000 of 2,000 rows \(another class on \d{3}.*'gbdt'"
    ):
        to_onnx(forest(task, matrix, labels), task, matrix)
    _, told = to_onnx(forest(task, matrix, labels), task, matrix, allowed=1.0)
    assert told.flipped > 200
    assert told.largest > 0.5


def test_probabilities_are_compared_where_labels_agree():
    """Two classes of a linear discriminant: its labels agree, its probabilities do not."""
    task, matrix, labels = normal()
    fitted = LinearDiscriminantAnalysis().fit(matrix, labels)
    with pytest.raises(
        InputError, match=r"another class on 0; probabilities or numbers off by up to 0\.1"
    ):
        to_onnx(fitted, task, matrix)


def test_what_agrees_agrees_to_a_hair():
    task, matrix, labels = normal()
    for fitted in (LogisticRegression(), lightgbm.LGBMClassifier(n_estimators=20, verbose=-1)):
        _, told = to_onnx(fitted.fit(matrix, labels), task, matrix)
        assert (told.rows, told.different, told.flipped) == (2_000, 0, 0)
        assert told.largest < 1e-5


def test_an_estimator_without_probabilities_is_packed_by_its_classes():
    task, matrix, labels = normal()
    for fitted in (SGDClassifier(random_state=0), LinearSVC()):
        assert to_onnx(fitted.fit(matrix, labels), task, matrix)[1].flipped == 0
    task, matrix, labels = normal("brier")
    with pytest.raises(InputError, match=r"gives no probabilities.*CalibratedClassifierCV"):
        to_onnx(SGDClassifier().fit(matrix, labels), task, matrix)


def seconds(rows=3_000, span=7_200):
    """A shift of 4 minutes: two good, two bad; and the time in seconds since 1970."""
    rng = np.random.default_rng(1)
    when = 1_700_000_000 + rng.integers(0, span, rows)
    label = np.where(when // 60 % 4 < 2, "yes", "no")
    return pa.table({"when": when, "b": rng.normal(size=rows), "y": label})


def test_seconds_since_1970_are_named_where_float32_makes_them_one():
    table = seconds()
    task = task_of(table, label="y")
    raw = np.column_stack([table["when"], table["b"]]).astype(float)
    labels = task.encode_labels(table)
    fitted = lightgbm.LGBMClassifier(n_estimators=50, verbose=-1).fit(raw, labels)
    with pytest.raises(
        InputError,
        match=r"cannot hold the column 'when': of 2,\d{3} different .*Subtract its minimum",
    ):
        pack(fitted, "b > 0", task=task, matrix=raw, team="ada")


def test_the_same_seconds_from_their_minimum_on_are_packed():
    table = seconds()
    table = table.set_column(0, "when", pa.array(table["when"].to_numpy() - 1_700_000_000))
    task = task_of(table, label="y")
    raw = np.column_stack([table["when"], table["b"]]).astype(float)
    fitted = lightgbm.LGBMClassifier(n_estimators=50, verbose=-1).fit(
        raw, task.encode_labels(table)
    )
    data = pack(fitted, "b > 0", task=task, matrix=raw, team="ada")
    found = read_submission(data, task).model.predict(task.encode(table), task, DirectRunner())
    assert (found == fitted.predict(raw)).mean() > 0.99


def test_a_column_that_loses_most_values_is_refused_and_one_that_loses_some_is_told():
    table = seconds()
    task = task_of(table, label="y")
    with pytest.raises(InputError, match=r"'when'.*give days instead of seconds"):
        check_precision(table, task)
    (told,) = check_precision(seconds(span=720_000), task)
    assert told.column == "when"
    assert 0.5 * told.different < told.kept < 0.99 * told.different


def test_float32_is_enough_for_what_it_holds():
    rng = np.random.default_rng(2)
    assert lost_values("whole", np.arange(2.0**24 - 5_000, 2.0**24)) is None
    assert lost_values("continuous", rng.normal(size=20_000)) is None
    assert lost_values("missing", np.array([np.nan, 1.0, np.inf])) is None
    # Many rows of fine digits fall together by chance; what is left is finer than any model cuts.
    assert lost_values("fine", rng.random(500_000) + 64) is None
    assert len(np.unique((rng.random(500_000) + 64).astype(np.float32))) > ENOUGH
    assert (
        check_precision(
            pa.table({"a": [1.5, None], "y": ["p", "q"]}),
            task_of(pa.table({"a": [1.5, None], "y": ["p", "q"]}), label="y"),
        )
        == ()
    )


def brier():
    return task_of(pa.table({"a": [1, 2, 3], "y": ["p", "q", "r"]}), label="y", loss="brier")


@pytest.mark.parametrize(
    "odd",
    [
        [1 + 1e-6, -1e-6, 0],
        [1 + HAIR / 2, -HAIR / 2, 0],
        [0.5, 0.5 + HAIR / 2, 0],
        [1, -1e-7, 1e-7],
    ],
)
def test_probabilities_a_hair_off_are_settled(odd):
    given = np.array([odd, [0.2, 0.3, 0.5]], np.float32)
    for settle in (check_predictions, settle_predictions):
        found = settle(given, brier(), 2)
        assert ((found >= 0) & (found <= 1)).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-15)
        np.testing.assert_allclose(found, np.clip(given, 0, 1), atol=HAIR)


@pytest.mark.parametrize(
    "odd", [[1 + 2 * HAIR, -2 * HAIR, 0], [0.5, 0.5, 2 * HAIR], [np.nan, 1, 0], [2, -1, 0]]
)
def test_probabilities_further_off_are_refused_or_equal_shares(odd):
    given = np.array([[0.2, 0.3, 0.5], odd])
    with pytest.raises(InputError, match=r"those of 1 rows do not|NaN"):
        check_predictions(given, brier(), 2)
    assert settle_predictions(given, brier(), 2)[1].tolist() == [1 / 3] * 3


def test_no_probabilities_gain_by_leaving_their_range():
    """Settled, a hair above 1 for the truth is worth no more than 1."""
    task, loss = brier(), parse_loss("brier")
    given = np.array([[1 + HAIR, -HAIR, 0], [1, 0, 0]])
    truth = np.zeros(2, np.int64)
    one, other = loss.of_rows(settle_predictions(given, task, 2), truth)
    assert one == other == 0
