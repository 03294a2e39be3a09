#!/bin/sh
# skl2onnx 1.20.0 converts scikit-learn's LinearDiscriminantAnalysis of two classes into a graph that answers with other
# probabilities; the classes are the same.
#
# Expected: the probabilities of predict_proba, give or take rounding, as for three classes of the same estimator.
# Seen: up to .15 apart: the graph takes the logistic function of twice the decision function.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 onnxruntime==1.32.0 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

rng = np.random.default_rng(0)
rows = rng.normal(size=(400, 3)).astype(np.float32)


def apart(classes):
    """Largest difference of a probability, and how many classes differ."""
    score = rows[:, 0] + rng.normal(size=400)
    labels = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    fitted = LinearDiscriminantAnalysis().fit(rows, labels)
    options = {id(fitted): {"zipmap": False}}
    session = onnxruntime.InferenceSession(
        to_onnx(fitted, rows[:1], options=options).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found, shares = session.run(None, {session.get_inputs()[0].name: rows})
    return float(np.abs(shares - fitted.predict_proba(rows)).max()), int((found != fitted.predict(rows)).sum())


print("skl2onnx", version("skl2onnx"), "scikit-learn", version("scikit-learn"))
two, three = apart(2), apart(3)
print(f"two classes: probabilities up to {two[0]:.2f} apart, {two[1]} of 400 classes differ")
print(f"three classes: up to {three[0]:.0e} apart, {three[1]} of 400 classes differ")
same = two[0] > 0.05 and two[1] == 0 and three[0] < 1e-4
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py"
