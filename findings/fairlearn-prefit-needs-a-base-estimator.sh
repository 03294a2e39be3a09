#!/bin/sh
# fairlearn 0.15.0 with scikit-learn 1.9.1: ThresholdOptimizer(prefit=True) does not take a model that is already fitted
# and only predicts, although it never fits or copies one that is prefit.
#
# Expected: an object with fit and predict is enough, as for a service behind a web address whose answers are to be
# post-processed.
# Seen: fit raises AttributeError about __sklearn_tags__, whose advice is to inherit from BaseEstimator; the same class
# with BaseEstimator as its only further parent is taken and gives answers.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    fairlearn==0.15.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import warnings

warnings.simplefilter("ignore")
from importlib.metadata import version

import numpy as np
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator


class Service:
    def fit(self, rows, labels):
        raise AssertionError("it is prefit")

    def predict(self, rows):
        return rows[:, 0]


class Estimator(Service, BaseEstimator):
    pass


random = np.random.default_rng(0)
rows = random.random((400, 1))
labels = (rows[:, 0] + 0.3 * random.normal(size=400) > 0.5).astype(int)
groups = random.choice(["a", "b"], 400)


def tried(model):
    found = ThresholdOptimizer(
        estimator=model, constraints="true_positive_rate_parity", prefit=True, predict_method="predict"
    )
    try:
        found.fit(rows, labels, sensitive_features=groups)
        return len(found.predict(rows, sensitive_features=groups, random_state=0))
    except AttributeError as error:
        return f"AttributeError: {str(error)[:90]}"


print("fairlearn", version("fairlearn"), " scikit-learn", version("scikit-learn"))
plain, based = tried(Service()), tried(Estimator())
print("has fit and predict:", plain)
print("and is a BaseEstimator:", based)
same = "__sklearn_tags__" in str(plain) and based == 400
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py"
