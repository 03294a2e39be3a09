"""A list as flat arrays: groups as tables over cells, trees side by side, one kernel for all rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.deployed.cells import CellTables, Way, cut_columns, ways_of
from evenhand.bounty.deployed.node import Node
from evenhand.bounty.deployed.onnx_trees import read_trees
from evenhand.bounty.deployed.trees import LEAF, Tree, plant, rows_of
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.task.task import Matrix, Task
from evenhand.deferred import Deferred

Integers = npt.NDArray[np.int64]
#: Loads numba.
KERNEL = "evenhand.bounty.deployed.kernel"
_KERNEL = Deferred(KERNEL)
#: Nodes of one tree that are kept flat; a model with a larger one goes by the runner.
MAX_NODES = 1 << 17


class FlatList:
    """The list for many rows, as the compiled kernel reads it.

    A leaf of a tree holds what the runner said of a row that ends there, so its answer is the runner's
    whatever the file does with the tree's.  Models of other kinds go on by the runner, and so do groups.

    Parameters
    ----------
    task : Task
    groups : sequence of GroupRule
    nodes : sequence of (int, Node)
        Those that can still decide about a row, with their numbers, oldest first.
    models : sequence of (int, Model)
        Those that can still answer, with their numbers; the first one where no node decides.
    runner : Runner
        Runs each model once, on a row for each leaf.

    Raises
    ------
    ImportError
        Where numba is missing, or does not go with this numpy.
    OverflowError
        Where the list is too large for tables, see `CellTables`.

    Attributes
    ----------
    answers : array of shape (answers,) or (answers, classes)
        What `numbers` count; `None` where all models go by the runner.
    """

    def __init__(
        self,
        task: Task,
        groups: Sequence[GroupRule],
        nodes: Sequence[tuple[int, Node]],
        models: Sequence[tuple[int, Model]],
        runner: Runner,
    ) -> None:
        self._answer = _KERNEL.answer
        self._features = len(task.features)
        #: Groups that are asked by themselves: their answers are columns of two cells.
        self._alone: list[GroupRule] = []
        places = {number: place for place, (number, _) in enumerate(models)}
        tables = self._tables(groups, list(reversed(nodes)), places)
        forest, roots, self.answers = _forest([_flat(model, task, runner) for _, model in models])
        self._parts = (*tables, roots, forest, forest.view(np.float32))

    def _tables(
        self, groups: Sequence[GroupRule], newest: list[tuple[int, Node]], places: Mapping[int, int]
    ) -> tuple[Any, ...]:
        """Tables of the groups' ways, and what each way leads to: a model's place, or -1 - a way."""
        formulas = [groups[node.group].formula for _, node in newest]
        cut = cut_columns([formula for formula in formulas if formula is not None])
        known: dict[int, list[Way]] = {}
        for _, node in newest:
            if node.group not in known:
                formula = groups[node.group].formula
                ways = None if formula is None else ways_of(formula, cut)
                if ways is None:
                    ways = [{self._features + len(self._alone): np.array([False, True])}]
                    self._alone.append(groups[node.group])
                known[node.group] = ways
        all_ways: list[Way] = []
        #: The first way of each node.
        firsts: list[tuple[int, int]] = []
        for number, node in newest:
            firsts.append((number, len(all_ways)))
            all_ways += known[node.group]
        actions: list[int] = []
        for _, node in newest:
            if node.model is not None:
                action = places[node.model]
            else:
                older = (first for number, first in firsts if number < (node.version or 0))
                action = -1 - next(older, len(all_ways))
            actions += [action] * len(known[node.group])
        alone = range(self._features, self._features + len(self._alone))
        return (*CellTables(cut, all_ways, alone).arrays(), np.array(actions, np.int32))

    def numbers(self, matrix: Matrix, runner: Runner) -> Integers:
        """Number of each row's answer; of a model that goes by the runner, -1 - its place."""
        bits = np.zeros((len(self._alone), len(matrix)), np.uint8)
        if self._alone:
            bitmaps = Memberships(matrix)
            for column, group in zip(bits, self._alone, strict=True):
                column[:] = unpack(group.bits(bitmaps, matrix, runner), len(matrix))
        out = np.empty(len(matrix), np.int64)
        self._answer(np.ascontiguousarray(matrix, np.float32), bits, *self._parts, out)
        return out


_Flat = tuple[Tree, Predictions]


def _flat(model: Model, task: Task, runner: Runner) -> _Flat | None:
    """A model's tree and the answers of its leaves; none where it has not exactly one plain tree."""
    features = len(task.features)
    if model.constant is not None:
        rows = np.zeros((1, features), np.float32)
        return np.array([[LEAF, 0, 0]], np.int32), model.predict(rows, task, runner)
    try:
        tree = None if model.onnx is None else plant(read_trees(model.onnx), features)
        if tree is None or len(tree) > MAX_NODES:
            return None
        rows, leaves = rows_of(tree, features)
        said = model.predict(rows, task, runner, below=_silent)
    except SubmissionError:
        return None
    tree[tree[:, 0] == LEAF, 2] = -1
    tree[leaves, 2] = np.arange(len(leaves))
    return tree, said


def _silent(_: npt.NDArray[np.bool_]) -> Predictions:
    """A leaf that the model has no answer for falls to the list below, which only the runner asks."""
    raise SubmissionError("cannot_run", "a leaf has no answer")


def _forest(
    flat: Sequence[_Flat | None],
) -> tuple[Tree, npt.NDArray[np.uint32], Predictions | None]:
    """All trees side by side; a leaf holds the number of its answer, or -1 - its model's place."""
    parts, roots, answers = [], [], []
    size = told = 0
    for place, found in enumerate(flat):
        tree = np.array([[LEAF, 0, -1]], np.int32) if found is None else found[0]
        known, leaf = tree[:, 2] >= 0, tree[:, 0] == LEAF
        tree[known, 2] += np.where(leaf, told, size)[known]
        tree[~known, 2] = -1 - place
        parts.append(tree)
        roots.append(size)
        size += len(tree)
        if found is not None:
            answers.append(found[1])
            told += len(found[1])
    return (
        np.concatenate(parts),
        np.array(roots, np.uint32),
        np.concatenate(answers) if answers else None,
    )
