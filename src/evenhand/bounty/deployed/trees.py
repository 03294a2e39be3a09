"""Trees of an accepted model as plain arrays, and a row for each leaf."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
#: Modes of a node: whether it asks for less, and whether equal numbers are on the side of "less".
_MODES = {
    b"BRANCH_LEQ": (True, True),
    b"BRANCH_LT": (True, False),
    b"BRANCH_GT": (False, True),
    b"BRANCH_GTE": (False, False),
}
_INFINITY = np.float32(np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Binary trees, node by node; each node asks whether its feature is at most its threshold.

    Attributes
    ----------
    feature, left, missing : integer arrays of shape (nodes,)
        What is asked (-1 in a leaf); the node where the answer is yes, the next one being for no;
        and whether a missing number goes where yes goes.
    threshold : array of shape (nodes,)
    roots : tuple of int
        First node of each tree.
    names : sequence of (int, int)
        Tree and number of each node in the file.
    """

    feature: Integers
    threshold: Floats
    left: Integers
    missing: Integers
    roots: tuple[int, ...]
    names: tuple[tuple[int, int], ...]

    def rows(self, features: int, most: int) -> tuple[Floats, Integers]:
        """A row that ends in each leaf, and the leaves; at most so many, and none for leaves without rows."""
        found: list[dict[int, np.float32]] = []
        leaves: list[int] = []
        for root in self.roots:
            for leaf, bounds in self._paths(root):
                values = {name: _between(*bound) for name, bound in bounds.items()}
                if len(found) < most and None not in values.values():
                    found.append(values)  # type: ignore[arg-type]
                    leaves.append(leaf)
        matrix = np.zeros((len(found), features), np.float32)
        for row, values in zip(matrix, found, strict=True):
            row[list(values)] = list(values.values())
        return matrix, np.array(leaves, np.int64)

    def _paths(self, root: int) -> Iterator[tuple[int, dict[int, "_Bound"]]]:
        """Leaves below a node, with what the way there asks of each feature."""
        waiting: list[tuple[int, dict[int, _Bound]]] = [(root, {})]
        while waiting:
            node, bounds = waiting.pop()
            name = int(self.feature[node])
            if name < 0:
                yield node, bounds
                continue
            low, high, missing = bounds.get(name, (None, _INFINITY, True))
            cut, tracked = np.float32(self.threshold[node]), bool(self.missing[node])
            left = int(self.left[node])
            less = (low, min(high, cut), missing and tracked)
            more = (cut if low is None else max(low, cut), high, missing and not tracked)
            waiting += [(left + 1, bounds | {name: more}), (left, bounds | {name: less})]


#: More than, at most, and whether a missing number may come so far.
_Bound = tuple[np.float32 | None, np.float32, bool]


def _between(low: np.float32 | None, high: np.float32, missing: bool) -> np.float32 | None:
    """A number that is more than `low` and at most `high`, or a missing one; `None` where neither is."""
    if low is None or low < high:
        if high < _INFINITY:
            return high
        return np.float32(0) if low is None else np.nextafter(low, _INFINITY)
    return np.float32(np.nan) if missing else None


def plant(values: Mapping[str, Any], features: int) -> Trees | None:
    """Trees of a ``TreeEnsemble…`` by its attributes; none where these are not of the plain kind.

    Plain are trees whose nodes compare with numbers (no sets, no equality), reached once each.
    """
    listed = [
        values.get(f"nodes_{name}", ())
        for name in ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
    ]  # fmt: skip
    count = len(listed[0])
    tracks = values.get("nodes_missing_value_tracks_true") or (0,) * count
    if not count or any(len(part) != count for part in (*listed, tracks)):
        return None
    trees, numbers, modes, asked, cuts, yes, no = listed
    places = {name: place for place, name in enumerate(zip(trees, numbers, strict=True))}
    roots = [place for place in range(count) if not place or trees[place] != trees[place - 1]]
    if len(places) != count or len({trees[root] for root in roots}) != len(roots):
        return None
    order, left = list(roots), list[int]()
    feature, threshold, missing = list[int](), list[float](), list[int]()
    # In breadth, so that both children of a node stand side by side.
    for place in order:
        mode = modes[place]
        if mode == b"LEAF":
            feature.append(-1)
            threshold.append(np.inf)
            left.append(len(left))
            missing.append(1)
            continue
        children = [places.get((trees[place], part[place])) for part in (yes, no)]
        known = mode in _MODES and 0 <= asked[place] < features and np.isfinite(cuts[place])
        if not known or None in children or len(order) + 2 > count:
            return None
        less, equal = _MODES[mode]
        tracked = tracks[place] == 1
        cut = np.float32(cuts[place])
        feature.append(asked[place])
        threshold.append(float(cut if equal else np.nextafter(cut, -_INFINITY)))
        missing.append(int(tracked == less))
        left.append(len(order))
        order += children if less else children[::-1]  # type: ignore[arg-type]
    if len(set(order)) != len(order):
        return None
    return Trees(
        feature=np.array(feature, np.int64),
        threshold=np.array(threshold, np.float32),
        left=np.array(left, np.int64),
        missing=np.array(missing, np.int64),
        roots=tuple(range(len(roots))),
        names=tuple((trees[place], numbers[place]) for place in order),
    )
