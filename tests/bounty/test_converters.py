"""What converters write of common estimators is read, proven and answered as the estimators do."""

import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import DirectRunner, SubmissionError, task_of
from evenhand.bounty.strangers import operators
from evenhand.bounty.submission.model import Model
from evenhand.errors import InputError

for package in ("onnx", "onnxruntime", "skl2onnx", "onnxmltools", "lightgbm", "xgboost"):
    pytest.importorskip(package)

import lightgbm  # noqa: E402
import xgboost  # noqa: E402
from sklearn import (  # noqa: E402
    calibration,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    impute,
    linear_model,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.base import clone  # noqa: E402

from evenhand.bounty.hunting import pack  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

Logistic, Tree = linear_model.LogisticRegression, tree.DecisionTreeClassifier
STEPS = {
    "standard": preprocessing.StandardScaler(),
    "minmax": preprocessing.MinMaxScaler(),
    "maxabs": preprocessing.MaxAbsScaler(),
    "robust": preprocessing.RobustScaler(),
    "normalizer": preprocessing.Normalizer(),
    "binarizer": preprocessing.Binarizer(threshold=0.3),
    "polynomial": preprocessing.PolynomialFeatures(2),
    "power": preprocessing.PowerTransformer(),
    "bins": preprocessing.KBinsDiscretizer(
        4, encode="ordinal", quantile_method="averaged_inverted_cdf"
    ),
    "one hot": compose.ColumnTransformer(
        [("code", preprocessing.OneHotEncoder(handle_unknown="ignore"), [1])],
        remainder="passthrough",
    ),
    "ordinal": compose.ColumnTransformer(
        [("code", preprocessing.OrdinalEncoder(), [1])], remainder="passthrough"
    ),
    "components": decomposition.PCA(2),
    "singular values": decomposition.TruncatedSVD(2),
    "kernel components": decomposition.KernelPCA(2),
    "best columns": feature_selection.SelectKBest(k=2),
    "columns that vary": feature_selection.VarianceThreshold(),
    "filled in": impute.SimpleImputer(),
    "side by side": pipeline.make_union(preprocessing.StandardScaler(), decomposition.PCA(2)),
}
CLASSIFIERS = {
    **{name: pipeline.make_pipeline(step, Logistic()) for name, step in STEPS.items()},
    "logistic": Logistic(),
    "logistic, chosen": linear_model.LogisticRegressionCV(cv=2),
    "gradient descent": linear_model.SGDClassifier(loss="log_loss", random_state=0),
    "kernel": svm.SVC(),
    "margins": svm.LinearSVC(),
    "perceptron": linear_model.Perceptron(),
    "ridge": linear_model.RidgeClassifier(),
    "normal": naive_bayes.GaussianNB(),
    "two-valued": naive_bayes.BernoulliNB(),
    "counts": naive_bayes.MultinomialNB(),
    "counts of the others": naive_bayes.ComplementNB(),
    "network": neural_network.MLPClassifier((8,), max_iter=20),
    "network, tanh": neural_network.MLPClassifier((8,), activation="tanh", max_iter=20),
    "calibrated": calibration.CalibratedClassifierCV(Logistic()),
    "isotonic": calibration.CalibratedClassifierCV(Tree(max_depth=3), method="isotonic"),
    "one against the rest": multiclass.OneVsRestClassifier(Logistic()),
    "tree": Tree(max_depth=4),
    "odd tree": tree.ExtraTreeClassifier(max_depth=4),
    "forest": ensemble.RandomForestClassifier(10),
    "odd forest": ensemble.ExtraTreesClassifier(10),
    "boosting": ensemble.GradientBoostingClassifier(n_estimators=10),
    "histogram boosting": ensemble.HistGradientBoostingClassifier(max_iter=10),
    "ada": ensemble.AdaBoostClassifier(n_estimators=5),
    "bagged trees": ensemble.BaggingClassifier(n_estimators=5),
    "bagged lines": ensemble.BaggingClassifier(Logistic(), n_estimators=5),
    "vote": ensemble.VotingClassifier(
        [("a", Logistic()), ("b", Tree(max_depth=3))], voting="soft", flatten_transform=False
    ),
    "stack": ensemble.StackingClassifier([("a", Logistic()), ("b", Tree(max_depth=3))], cv=2),
    "lightgbm": lightgbm.LGBMClassifier(n_estimators=5, verbose=-1),
    "lightgbm, dart": lightgbm.LGBMClassifier(n_estimators=5, boosting_type="dart", verbose=-1),
    "xgboost": xgboost.XGBClassifier(n_estimators=5),
}
REGRESSORS = {
    "least squares": linear_model.LinearRegression(),
    "lasso": linear_model.Lasso(alpha=0.01),
    "least angles": linear_model.Lars(),
    "pursuit": linear_model.OrthogonalMatchingPursuit(),
    "bayes": linear_model.BayesianRidge(),
    "huber": linear_model.HuberRegressor(),
    "median slopes": linear_model.TheilSenRegressor(max_subpopulation=100),
    "consensus": linear_model.RANSACRegressor(random_state=0),
    "counts": linear_model.PoissonRegressor(),
    "gamma": linear_model.GammaRegressor(),
    "tweedie": linear_model.TweedieRegressor(),
    "kernel": svm.SVR(),
    "margins": svm.LinearSVR(),
    "network": neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=20),
    "least partial squares": cross_decomposition.PLSRegression(1),
    "tree": tree.DecisionTreeRegressor(max_depth=4),
    "forest": ensemble.RandomForestRegressor(10),
    "boosting": ensemble.GradientBoostingRegressor(n_estimators=10),
    "histogram boosting": ensemble.HistGradientBoostingRegressor(max_iter=10),
    "bagged": ensemble.BaggingRegressor(n_estimators=5),
    "vote": ensemble.VotingRegressor(
        [("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))]
    ),
    "stack": ensemble.StackingRegressor(
        [("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))], cv=2
    ),
    "lightgbm": lightgbm.LGBMRegressor(n_estimators=5, verbose=-1),
    "lightgbm, counts": lightgbm.LGBMRegressor(n_estimators=5, objective="poisson", verbose=-1),
    "xgboost": xgboost.XGBRegressor(n_estimators=5),
    "xgboost, counts": xgboost.XGBRegressor(n_estimators=5, objective="count:poisson"),
}
#: What converts the estimators of a package.
CONVERTERS = {"sklearn": "skl2onnx", "lightgbm": "onnxmltools", "xgboost": "onnxmltools"}
#: Estimators whose files are refused, and why.
REFUSED = {
    "neighbours": (neighbors.KNeighborsClassifier(), "subgraph_not_allowed"),
    "quadratic": (
        discriminant_analysis.QuadraticDiscriminantAnalysis(),
        "rows that are joined with rows",
    ),
    "each pair": (multiclass.OneVsOneClassifier(Logistic()), "how many rows there are"),
    "codes as places": (naive_bayes.CategoricalNB(), "places that could be below 0"),
}


def rows(classes=2):
    rng = np.random.default_rng(classes)
    a, b, c = rng.random(300), rng.integers(0, 4, 300), rng.random(300)
    score = a + b / 4 + rng.normal(0, 0.3, 300)
    label = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    return pa.table(
        {"a": a, "b": b, "c": c, "label": label.astype(str), "value": score - score.min() + 0.1}
    )


def fitted(estimator, loss, classes=2):
    """An estimator of its own, fitted; the rows and the task."""
    table = rows(classes)
    wanted = "value" if "squared" in loss else "label"
    task = task_of(table, label=wanted, loss=loss, features=["a", "b", "c"])
    matrix = task.encode(table)
    return clone(estimator).fit(matrix, task.encode_labels(table)), matrix, task


def check_alone(data, matrix, task):
    """One row alone is answered as it is among the others."""
    whole = Model(onnx=data).predict(matrix, task, DirectRunner(), strict=True)
    for row in (0, 7, 299):
        alone = Model(onnx=data).predict(matrix[row : row + 1], task, DirectRunner(), strict=True)
        np.testing.assert_allclose(alone[0], whole[row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_are_read_and_answer_alike(name, classes):
    estimator = CLASSIFIERS[name]
    fits = hasattr(estimator, "predict_proba") or name == "calibrated"
    loss = "brier" if fits else "zero_one"
    estimator, matrix, task = fitted(estimator, loss, classes)
    data, agreement = pack.to_onnx(estimator, task, matrix)
    # Steps of an isotonic curve lie at scores, which float32 moves over them.
    assert agreement.different <= (3 if name == "isotonic" else 0)
    check_alone(data, matrix, task)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_are_read_and_answer_alike(name):
    estimator, matrix, task = fitted(REGRESSORS[name], "squared(0, 5)")
    data, agreement = pack.to_onnx(estimator, task, matrix)
    assert agreement.different == 0
    check_alone(data, matrix, task)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name):
    estimator, why = REFUSED[name]
    estimator, matrix, task = fitted(estimator, "zero_one")
    with pytest.raises(SubmissionError, match=why):
        pack.to_onnx(estimator, task, matrix)


def test_what_a_converter_gets_wrong_is_not_packed():
    estimator, matrix, task = fitted(xgboost.XGBRFClassifier(n_estimators=5), "zero_one", 3)
    with pytest.raises(InputError, match=r"differently on 300 of 300 rows \(another class on \d+"):
        pack.to_onnx(estimator, task, matrix)


def listed():
    text = Path(operators.__file__).with_name("operators.toml").read_text()
    tables = tomllib.loads(text)
    del tables["newest"]
    return {
        ("" if domain == "ai.onnx" else domain, name): given
        for domain, table in tables.items()
        for name, given in table.items()
    }


def test_a_converter_is_named_only_where_it_was_seen():
    """Each claim of the list is borne out by an estimator above, and each operator seen is listed."""
    seen = {key: set() for key in listed()}
    given = [(each, "zero_one", classes) for each in CLASSIFIERS.values() for classes in (2, 3)]
    given += [(each, "squared(0, 5)", 2) for each in REGRESSORS.values()]
    for each, loss, classes in given:
        estimator, _, task = fitted(each, loss, classes)
        family = type(estimator).__module__.split(".")[0]
        for node in pack._convert(estimator, task, 3).graph.node:
            seen[node.domain, node.op_type].add(CONVERTERS[family])
    claimed = {key: set(given.get("from", ())) for key, given in listed().items()}
    assert {key: names - seen[key] for key, names in claimed.items() if names - seen[key]} == {}


def test_each_operator_is_listed_as_onnx_defines_it():
    import onnx

    history = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        history.setdefault((schema.domain, schema.name), []).append(schema.since_version)
    for key, given in listed().items():
        first = min(history[key])
        # Before set 7 sums were not broadcast as they are now, and onnxruntime runs none of it.
        assert given["since"] >= (first if key[0] else max(first, 7)), key
        assert given["since"] in history[key] or given["since"] == 7, key
