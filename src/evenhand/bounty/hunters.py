"""Automatic hunters: labelled baseline teams that seed a bounty and are measured against people.

Each hunter sees what any outsider sees, the training rows and the current model's answers, and
yields submissions.  They need scikit-learn (``evenhand[bounty-pack]``).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.losses import Floats
from evenhand.bounty.membership import Bitmaps, unpack
from evenhand.bounty.pack import to_onnx
from evenhand.bounty.submission import Predictions, read_group, write_submission
from evenhand.bounty.task import Labels, Matrix, Task
from evenhand.errors import InputError
from evenhand.groups import equals, to_text
from evenhand.slicing import slices as search_slices

MIN_ROWS = 50
#: Values of a feature that a hunter makes groups of.
MOST_VALUES = 50
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """What a hunter sees.

    Attributes
    ----------
    task : Task
    matrix, labels : arrays
        Training rows.
    predictions : array
        The current model's answers there.
    """

    task: Task
    matrix: Matrix
    labels: Labels
    predictions: Predictions

    @property
    def losses(self) -> Floats:
        """Losses of the current model."""
        return self.task.loss.of_rows(self.predictions, self.labels)

    def losses_of(self, estimator: Any, rows: Matrix, labels: Labels) -> Floats:
        """Losses of a fitted estimator on some rows."""
        wanted = self.task.loss.reads == "probabilities"
        found = estimator.predict_proba(rows) if wanted else estimator.predict(rows)
        return self.task.loss.of_rows(np.asarray(found), labels)


Hunter = Callable[[Hunt], Iterator[bytes]]


def train_patch(matrix: Matrix, labels: Labels, task: Task) -> bytes:
    """Gradient boosted trees for the rows of a group, as ONNX: what "group only" gets."""
    return to_onnx(_boosted(task).fit(matrix, labels), task, matrix)[0]


def _sklearn() -> Any:
    try:
        import sklearn.ensemble  # noqa: PLC0415 - heavy extra
        import sklearn.impute  # noqa: PLC0415
        import sklearn.pipeline  # noqa: PLC0415
        import sklearn.tree  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            "Hunters need more packages.  Run: pip install 'evenhand[bounty-pack]'"
        ) from error
    return sklearn


def _boosted(task: Task) -> Any:
    ensemble = _sklearn().ensemble
    given = {"max_iter": 60, "max_leaf_nodes": 15, "min_samples_leaf": 20, "random_state": 0}
    if task.classes:
        return ensemble.HistGradientBoostingClassifier(**given)
    return ensemble.HistGradientBoostingRegressor(**given)


def _tree(task: Task, depth: int) -> Any:
    """A tree whose ONNX file answers alike for missing values: they are filled in first."""
    sklearn = _sklearn()
    given = {"max_depth": depth, "min_samples_leaf": 20, "random_state": 0}
    kind = (
        sklearn.tree.DecisionTreeClassifier if task.classes else sklearn.tree.DecisionTreeRegressor
    )
    filled = sklearn.impute.SimpleImputer(
        strategy="constant", fill_value=-1e6, keep_empty_features=True
    )
    return sklearn.pipeline.make_pipeline(filled, kind(**given))


def prepend(
    groups: Sequence[str] | None = None,
    *,
    depth: int | None = 10,
    sort: bool = True,
    team: str = "prepend",
) -> Hunter:
    """A model for each given group, the largest gain on the training rows first.

    Tosh & Hsu (2022), arXiv 2112.12181, algorithm 1, with the bounty's own test in place of its
    stopping rule.

    Parameters
    ----------
    groups : sequence of str, optional
        Predicates; each value of each text and truth value where not given.
    depth : int or None
        Of each group's tree; `None` takes gradient boosting.
    sort : bool
        False keeps the given order.
    team : str
        Who is credited.
    """

    def hunt(seen: Hunt) -> Iterator[bytes]:
        gains = []
        bitmaps, before = Bitmaps(seen.matrix), seen.losses
        for text in groups if groups is not None else plain_groups(seen.task):
            group = read_group({"predicate": text}, seen.task)
            inside = unpack(bitmaps.of(group.formula), len(seen.matrix))  # type: ignore[arg-type]
            if np.count_nonzero(inside) < MIN_ROWS or not _varied(seen, inside):
                continue
            kind = _boosted(seen.task) if depth is None else _tree(seen.task, depth)
            fitted = kind.fit(seen.matrix[inside], seen.labels[inside])
            after = seen.losses_of(fitted, seen.matrix[inside], seen.labels[inside])
            gains.append((float((before[inside] - after).sum()), text, fitted))
        for _, text, fitted in sorted(gains, key=lambda found: -found[0]) if sort else gains:
            yield _packed(seen, team, text, fitted)

    return hunt


def plain_groups(task: Task) -> list[str]:
    """A group for each value of each text or truth value of the task."""
    out = []
    for feature in task.features:
        values: Sequence[str | bool] = feature.categories if feature.kind == "text" else ()
        values = (True, False) if feature.kind == "boolean" else values
        out += [to_text(equals(feature.name, value)) for value in values[:MOST_VALUES]]
    return out


def slices(
    *, depth: int = 2, top: int = 20, min_support: float = 0.01, team: str = "slice search"
) -> Hunter:
    """Where the current model loses most, by exact search, each slice with a gradient boosted patch.

    Parameters
    ----------
    depth : int
        Conditions of a slice.
    top : int
        Slices to try.
    min_support : float
        Smallest slice, as a share of the training rows.
    team : str
        Who is credited.

    Notes
    -----
    The search sees the training rows only and confirms nothing: proof is the bounty's.
    """

    def hunt(seen: Hunt) -> Iterator[bytes]:
        table = seen.task.decode(seen.matrix)
        name = "loss"
        while name in table.column_names:
            name += "_"
        found = search_slices(
            table.append_column(name, [seen.losses]),
            f"mean({name})",
            worse="higher",
            depth=depth,
            top=top,
            min_support=max(min_support, MIN_ROWS / len(table)),
            score="harm",
            confirm=False,
        )
        yield from prepend([one.predicate for one in found.slices], depth=None, team=team)(seen)

    return hunt


def alternating(
    rng: np.random.Generator, *, starts: int = 8, rounds: int = 4, team: str = "alternating"
) -> Hunter:
    """Alternating maximisation: a model for the group, then a group for the model, and again.

    Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, algorithm 6.  A local optimum may be
    worth nothing unless the start is, so several starts are tried: groups of the rows where the
    current model errs.
    """

    def hunt(seen: Hunt) -> Iterator[bytes]:
        before = seen.losses
        for _ in range(starts):
            inside = _start(seen, before, rng)
            best: tuple[float, Any, Any] = (0.0, None, None)
            for _ in range(rounds):
                if np.count_nonzero(inside) < MIN_ROWS or not _varied(seen, inside):
                    break
                fitted = _tree(seen.task, 8).fit(seen.matrix[inside], seen.labels[inside])
                gain = before - seen.losses_of(fitted, seen.matrix, seen.labels)
                group = _better_where(seen, gain)
                if group is None:
                    break
                inside = group.predict(seen.matrix).astype(bool)
                value = float(gain[inside].sum())
                if value > best[0]:
                    best = (value, group, fitted)
            if best[1] is not None:
                yield _packed(seen, team, {"tree": tree_json(best[1], seen.task)}, best[2])

    return hunt


def _start(seen: Hunt, before: Floats, rng: np.random.Generator) -> Bools:
    """Rows near a random row in a tree of the current model's errors."""
    columns = rng.choice(seen.matrix.shape[1], max(1, seen.matrix.shape[1] // 2), replace=False)
    tree = _sklearn().tree.DecisionTreeRegressor(
        max_leaf_nodes=8, min_samples_leaf=MIN_ROWS, random_state=int(rng.integers(1 << 30))
    )
    leaves = tree.fit(seen.matrix[:, columns], before).apply(seen.matrix[:, columns])
    means = {leaf: before[leaves == leaf].mean() for leaf in np.unique(leaves)}
    worst = sorted(means, key=means.__getitem__)[-4:]
    return np.asarray(np.isin(leaves, rng.choice(worst, 2)))


def _better_where(seen: Hunt, gain: Floats) -> Any:
    """A tree that says where a model gains, from the rows where it differs; `None` if nowhere."""
    differ = gain != 0
    if np.count_nonzero(differ) < MIN_ROWS or np.unique(gain[differ] > 0).size < 2:
        return None
    tree = _sklearn().tree.DecisionTreeClassifier(max_depth=5, min_samples_leaf=20, random_state=0)
    return tree.fit(seen.matrix[differ], gain[differ] > 0, sample_weight=np.abs(gain[differ]))


def ternary(*, depth: int = 7, team: str = "ternary") -> Hunter:
    """The reduction to cost-sensitive classification with "defer": group and model in one tree.

    Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, definitions 17 to 19.  The costs of
    answering each class, against deferring to the current model at cost 0, are learned by one
    regression tree; the group is where some cost is negative.  Classification only.
    """

    def hunt(seen: Hunt) -> Iterator[bytes]:
        if seen.task.loss.reads != "class":
            return
        classes = len(seen.task.classes)
        right = np.asarray(seen.predictions == seen.labels)
        answers = np.asarray(seen.labels)[:, None] == np.arange(classes)
        costs = np.where(answers, -(~right[:, None]).astype(float), right[:, None].astype(float))
        regressor = _sklearn().tree.DecisionTreeRegressor(
            max_depth=depth, min_samples_leaf=20, random_state=0
        )
        learned = regressor.fit(seen.matrix, costs).predict(seen.matrix)
        inside, answer = learned.min(axis=1) < 0, learned.argmin(axis=1)
        if np.count_nonzero(inside) < MIN_ROWS or inside.all():
            return
        group = _sklearn().tree.DecisionTreeClassifier(max_depth=depth, random_state=0)
        group.fit(seen.matrix, inside)
        model = _tree(seen.task, depth).fit(seen.matrix[inside], answer[inside])
        yield _packed(seen, team, {"tree": tree_json(group, seen.task)}, model)

    return hunt


def _varied(seen: Hunt, inside: Bools) -> bool:
    """Whether a model can be fitted: all classes for probabilities, else any two labels."""
    found = len(np.unique(seen.labels[inside]))
    return found >= (len(seen.task.classes) if seen.task.loss.reads == "probabilities" else 2)


def _packed(seen: Hunt, team: str, group: Any, fitted: Any) -> bytes:
    classes: list[int] = list(getattr(fitted, "classes_", []))
    model: bytes | dict[str, str]
    if len(classes) == 1:
        model = {"constant": seen.task.classes[classes[0]]}
    else:
        model, _ = to_onnx(fitted, seen.task, seen.matrix[:2_000])
    return write_submission(team=team, group=group, model=model, note="an automatic hunter")


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
