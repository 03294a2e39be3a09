#!/bin/sh
# onnxmltools 1.16.0 writes a LightGBM random forest (boosting_type "rf") as the sum of its trees, not their mean.
#
# Expected: the probabilities of the fitted classifier, which averages its trees; as for boosting_type "gbdt", which sums.
# Seen: margins are as many times too large as there are trees, so probabilities pile up at 0 and 1 and classes flip.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    onnxmltools==1.16.0 lightgbm==4.7.0 scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import lightgbm
import numpy as np
import onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
rows = rng.normal(size=(2_000, 4)).astype(np.float32)
labels = (rows[:, 0] + rng.normal(size=2_000) > 0.8).astype(int)


def apart(kind):
    """Largest difference of a probability, and how many classes differ."""
    more = {"bagging_freq": 1, "bagging_fraction": 0.6} if kind == "rf" else {}
    fitted = lightgbm.LGBMClassifier(boosting_type=kind, n_estimators=20, random_state=0, verbose=-1, **more)
    fitted.fit(rows, labels)
    graph = convert_lightgbm(fitted, initial_types=[("rows", FloatTensorType([None, 4]))], zipmap=False)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found, shares = session.run(None, {"rows": rows})
    return float(np.abs(shares - fitted.predict_proba(rows)).max()), int((found != fitted.predict(rows)).sum())


print("onnxmltools", version("onnxmltools"), "lightgbm", version("lightgbm"))
forest, boosted = apart("rf"), apart("gbdt")
print(f"rf: probabilities up to {forest[0]:.2f} apart, {forest[1]} of 2000 classes differ")
print(f"gbdt: up to {boosted[0]:.0e} apart, {boosted[1]} of 2000 classes differ")
same = forest[0] > 0.2 and boosted[0] < 1e-3
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py"
