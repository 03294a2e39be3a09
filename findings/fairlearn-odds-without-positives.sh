#!/bin/sh
# fairlearn 0.15.0: a group that has no positive label at all is given the true positive rate 0, in silence,
# and makes equalized_odds_difference 1.0, the widest gap there is, and equalized_odds_ratio 0.0.
#
# Expected: NaN, an error or a warning, as the rate is 0 / 0 and nothing is known of it.
# Seen: group a is perfect (true positive rate 1, false positive rate 0); group b has four negatives and no
# positive.  Its rate is told as 0.0, no warning is raised, and the difference of 1.0 says that b is failed
# wholly.  Whoever audits small groups finds the
# smallest one the most harmed.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    fairlearn==0.15.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import warnings
from importlib.metadata import version

from fairlearn.metrics import MetricFrame, equalized_odds_difference, equalized_odds_ratio, true_positive_rate

label = [1, 0, 1, 0, 0, 0, 0, 0]
prediction = [1, 0, 1, 0, 1, 0, 0, 0]
group = list("aaaabbbb")
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    difference = equalized_odds_difference(label, prediction, sensitive_features=group)
    ratio = equalized_odds_ratio(label, prediction, sensitive_features=group)
    rates = MetricFrame(
        metrics=true_positive_rate, y_true=label, y_pred=prediction, sensitive_features=group
    ).by_group
about = [str(one.message) for one in told if "deprecat" not in str(one.message).lower()]
print("fairlearn", version("fairlearn"))
print("true positive rate of the group without positives:", rates["b"])
print("equalized_odds_difference:", difference, " equalized_odds_ratio:", ratio)
print("warnings:", about or "none")
same = rates["b"] == 0 and difference == 1 and ratio == 0 and not about
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py"
