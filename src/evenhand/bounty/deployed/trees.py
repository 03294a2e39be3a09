"""The tree of an accepted model as one array, and a row for each of its leaves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

#: What stands in a leaf in place of a feature.
LEAF = -1
#: A node a line: twice the feature that is asked, and 1 more where a missing number goes where "at most"
#: goes; the threshold, a float32; and the line where "at most" goes, the next one being for "more".
Tree = npt.NDArray[np.int32]
#: Modes of a node: whether they ask for less or for more, and whether they hold of equal numbers.
_MODES = {
    b"BRANCH_LEQ": (True, True),
    b"BRANCH_LT": (True, False),
    b"BRANCH_GTE": (False, True),
    b"BRANCH_GT": (False, False),
}
_LISTS = ("nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
_ENDLESS = np.float32(np.inf)


def plant(values: Mapping[str, Any], features: int) -> Tree | None:
    """The tree of a ``TreeEnsemble…`` by its attributes; none where there are several, or an odd one.

    A plain one compares with finite numbers (no sets, no equality) and reaches each node once.
    """
    if len(set(values.get("nodes_treeids", ()))) != 1:
        return None
    numbers, modes, asked, cuts, yes, no = (values.get(f"nodes_{name}") or () for name in _LISTS)
    count = len(numbers)
    tracks = values.get("nodes_missing_value_tracks_true") or (0,) * count
    places = {number: place for place, number in enumerate(numbers)}
    if any(len(part) != count for part in (modes, asked, cuts, yes, no, tracks, places)):
        return None
    tree = np.zeros((count, 3), np.int32)
    thresholds = tree.view(np.float32)[:, 1]
    # In breadth, so that both children of a node stand side by side.
    order = [0]
    for line, place in enumerate(order):
        if modes[place] == b"LEAF":
            tree[line] = LEAF, 0, 0
            continue
        ends = [places.get(part[place]) for part in (yes, no)]
        known = modes[place] in _MODES and 0 <= asked[place] < features
        if not known or None in ends or not np.isfinite(cuts[place]) or len(order) + 2 > count:
            return None
        less, equal = _MODES[modes[place]]
        cut = np.float32(cuts[place])
        thresholds[line] = cut if less == equal else np.nextafter(cut, -_ENDLESS)
        tree[line, 0] = 2 * asked[place] + ((tracks[place] == 1) == less)
        tree[line, 2] = len(order)
        order += ends if less else ends[::-1]  # type: ignore[arg-type]
    return tree[: len(order)] if len(set(order)) == len(order) else None


#: More than, at most, and whether a missing number may come so far.
_Bound = tuple[np.float32 | None, np.float32, bool]


def rows_of(tree: Tree, features: int) -> tuple[npt.NDArray[np.float32], list[int]]:
    """A row that ends in each leaf, and the leaves; none for leaves where no row can end."""
    thresholds = tree.view(np.float32)[:, 1]
    rows: list[npt.NDArray[np.float32]] = []
    leaves: list[int] = []
    waiting: list[tuple[int, dict[int, _Bound]]] = [(0, {})]
    while waiting:
        line, bounds = waiting.pop()
        asked, _, left = tree[line].tolist()
        if asked == LEAF:
            values = {feature: _between(*bound) for feature, bound in bounds.items()}
            if None not in values.values():
                row = np.zeros(features, np.float32)
                row[list(values)] = list(values.values())
                rows.append(row)
                leaves.append(line)
            continue
        feature, missing_less, cut = asked >> 1, bool(asked & 1), thresholds[line]
        low, high, missing = bounds.get(feature, (None, _ENDLESS, True))
        less = (low, min(high, cut), missing and missing_less)
        more = (cut if low is None else max(low, cut), high, missing and not missing_less)
        waiting += [(left + 1, bounds | {feature: more}), (left, bounds | {feature: less})]
    return np.array(rows, np.float32).reshape(-1, features), leaves


def _between(low: np.float32 | None, high: np.float32, missing: bool) -> np.float32 | None:
    """A number that is more than `low` and at most `high`, or a missing one; `None` where neither is."""
    if low is None or low < high:
        if high < _ENDLESS:
            return high
        return np.float32(0) if low is None else np.nextafter(low, _ENDLESS)
    return np.float32(np.nan) if missing else None
