"""Fitted trees of scikit-learn as groups."""

import itertools
from typing import Any

import numpy as np

from evenhand.bounty.task.task import Task


def tree_json(fitted: Any, task: Task) -> Any:
    """A fitted scikit-learn tree whose leaves say true or false, as a submission holds groups."""
    tree = fitted.tree_
    missing = getattr(tree, "missing_go_to_left", None)

    def node(number: int) -> Any:
        if tree.children_left[number] < 0:
            return bool(fitted.classes_[int(tree.value[number][0].argmax())])
        yes, no = node(int(tree.children_left[number])), node(int(tree.children_right[number]))
        if yes is no and isinstance(yes, bool):
            return yes
        feature = task.features[int(tree.feature[number])]
        left = missing is not None and bool(missing[number])
        asked = _asked(feature, float(tree.threshold[number]))
        return {"feature": feature.name, **asked, "yes": yes, "no": no, "missing": _word(left)}

    return node(0)


def _word(left: bool) -> str:
    return "yes" if left else "no"


def _asked(feature: Any, threshold: float) -> dict[str, Any]:
    if feature.kind == "text":
        codes = itertools.takewhile(
            lambda pair: pair[0] <= threshold, enumerate(feature.categories)
        )
        return {"among": [text for _, text in codes]}
    bound = np.float32(threshold)
    # scikit-learn compares with the float64 threshold; the next float32 below cuts alike.
    below = np.nextafter(bound, np.float32(-np.inf)) if float(bound) > threshold else bound
    # An infinite threshold parts the missing values from all others.
    return {"at_most": float(np.clip(below, -3e38, 3e38))}
