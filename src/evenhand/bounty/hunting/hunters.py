"""Automatic hunters: labelled baseline teams that seed a bounty and are measured against people.

Each hunter sees what any outsider sees, the training rows and the current model's answers, and
yields submissions.  They need scikit-learn (``evenhand[bounty-pack]``).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evenhand.bounty.hunting.ground import MIN_ROWS, Bools, Hunter, HuntingGround
from evenhand.bounty.hunting.pack import to_onnx
from evenhand.bounty.hunting.patch import boosted_trees, load_sklearn, single_tree
from evenhand.bounty.hunting.tree_groups import tree_json
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.submission import write_submission
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.task.task import Task
from evenhand.groups import equals, to_text

#: Values of a feature that a hunter makes groups of.
MOST_VALUES = 50


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

    def hunt(seen: HuntingGround) -> Iterator[bytes]:
        gains = []
        bitmaps, before = Memberships(seen.matrix), seen.losses
        for text in groups if groups is not None else plain_groups(seen.task):
            group = read_group({"predicate": text}, seen.task)
            inside = unpack(bitmaps.of(group.formula), len(seen.matrix))  # type: ignore[arg-type]
            if np.count_nonzero(inside) < MIN_ROWS or not _varied(seen, inside):
                continue
            kind = boosted_trees(seen.task) if depth is None else single_tree(seen.task, depth)
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


def alternating(
    rng: np.random.Generator, *, starts: int = 8, rounds: int = 4, team: str = "alternating"
) -> Hunter:
    """Alternating maximisation: a model for the group, then a group for the model, and again.

    Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, algorithm 6.  A local optimum may be
    worth nothing unless the start is, so several starts are tried: groups of the rows where the
    current model errs.
    """

    def hunt(seen: HuntingGround) -> Iterator[bytes]:
        before = seen.losses
        for _ in range(starts):
            inside = _start(seen, before, rng)
            best: tuple[float, Any, Any] = (0.0, None, None)
            for _ in range(rounds):
                if np.count_nonzero(inside) < MIN_ROWS or not _varied(seen, inside):
                    break
                fitted = single_tree(seen.task, 8).fit(seen.matrix[inside], seen.labels[inside])
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


def _start(seen: HuntingGround, before: Floats, rng: np.random.Generator) -> Bools:
    """Rows near a random row in a tree of the current model's errors."""
    columns = rng.choice(seen.matrix.shape[1], max(1, seen.matrix.shape[1] // 2), replace=False)
    tree = load_sklearn().tree.DecisionTreeRegressor(
        max_leaf_nodes=8, min_samples_leaf=MIN_ROWS, random_state=int(rng.integers(1 << 30))
    )
    leaves = tree.fit(seen.matrix[:, columns], before).apply(seen.matrix[:, columns])
    means = {leaf: before[leaves == leaf].mean() for leaf in np.unique(leaves)}
    worst = sorted(means, key=means.__getitem__)[-4:]
    return np.asarray(np.isin(leaves, rng.choice(worst, 2)))


def _better_where(seen: HuntingGround, gain: Floats) -> Any:
    """A tree that says where a model gains, from the rows where it differs; `None` if nowhere."""
    differ = gain != 0
    if np.count_nonzero(differ) < MIN_ROWS or np.unique(gain[differ] > 0).size < 2:
        return None
    tree = load_sklearn().tree.DecisionTreeClassifier(
        max_depth=5, min_samples_leaf=20, random_state=0
    )
    return tree.fit(seen.matrix[differ], gain[differ] > 0, sample_weight=np.abs(gain[differ]))


def ternary(*, depth: int = 7, team: str = "ternary") -> Hunter:
    """The reduction to cost-sensitive classification with "defer": group and model in one tree.

    Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, definitions 17 to 19.  The costs of
    answering each class, against deferring to the current model at cost 0, are learned by one
    regression tree; the group is where some cost is negative.  Classification only.
    """

    def hunt(seen: HuntingGround) -> Iterator[bytes]:
        if seen.task.loss.reads != "class":
            return
        classes = len(seen.task.classes)
        right = np.asarray(seen.predictions == seen.labels)
        answers = np.asarray(seen.labels)[:, None] == np.arange(classes)
        costs = np.where(answers, -(~right[:, None]).astype(float), right[:, None].astype(float))
        regressor = load_sklearn().tree.DecisionTreeRegressor(
            max_depth=depth, min_samples_leaf=20, random_state=0
        )
        learned = regressor.fit(seen.matrix, costs).predict(seen.matrix)
        inside, answer = learned.min(axis=1) < 0, learned.argmin(axis=1)
        if np.count_nonzero(inside) < MIN_ROWS or inside.all():
            return
        group = load_sklearn().tree.DecisionTreeClassifier(max_depth=depth, random_state=0)
        group.fit(seen.matrix, inside)
        model = single_tree(seen.task, depth).fit(seen.matrix[inside], answer[inside])
        yield _packed(seen, team, {"tree": tree_json(group, seen.task)}, model)

    return hunt


def _varied(seen: HuntingGround, inside: Bools) -> bool:
    """Whether a model can be fitted: all classes for probabilities, else any two labels."""
    found = len(np.unique(seen.labels[inside]))
    return found >= (len(seen.task.classes) if seen.task.loss.reads == "probabilities" else 2)


def _packed(seen: HuntingGround, team: str, group: Any, fitted: Any) -> bytes:
    classes: list[int] = list(getattr(fitted, "classes_", []))
    model: bytes | dict[str, str]
    if len(classes) == 1:
        model = {"constant": seen.task.classes[classes[0]]}
    else:
        model, _ = to_onnx(fitted, seen.task, seen.matrix[:2_000])
    return write_submission(team=team, group=group, model=model, note="an automatic hunter")
