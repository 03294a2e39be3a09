"""A list as flat arrays: groups as tables over cells, trees side by side, one kernel for all rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evenhand.bounty.deployed.cells import Way, axes_of, tables_of, ways_of
from evenhand.bounty.deployed.node import Node
from evenhand.bounty.deployed.trees import plant
from evenhand.bounty.deployed.weights import read_operator
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.model import Model
from evenhand.bounty.task.membership import Formula, Memberships, unpack
from evenhand.bounty.task.task import Matrix, Task
from evenhand.deferred import Deferred

#: Loads numba.
_KERNEL = Deferred("evenhand.bounty.deployed.kernel")
#: Leaves of one model that are asked for their answers; a larger one goes by the runner.
MAX_LEAVES = 1 << 17


class FlatList:
    """The list for many rows; its models' leaves hold what the runner said of a row that ends there.

    Parameters
    ----------
    task : Task
    groups : sequence of GroupRule
    nodes : sequence of (int, Node)
        Those that can still decide about a row, with their numbers, oldest first.
    models : dict of int to Model
        By number in the list; the first answers where no node decides.
    runner : Runner
        Runs each model once, on a row for each leaf.
    """

    def __init__(
        self,
        task: Task,
        groups: Sequence[GroupRule],
        nodes: Sequence[tuple[int, Node]],
        models: dict[int, Model],
        runner: Runner,
    ) -> None:
        self._task, self._numbers = task, list(models)
        self._groups: list[GroupRule] = []
        ways, actions = self._ways(groups, list(reversed(nodes)))
        self._actions = np.array(actions, np.int32)
        self._tables = ways
        self._forest(list(models.values()), runner)

    def _ways(self, groups: Sequence[GroupRule], newest: list[tuple[int, Node]]) -> tuple[Any, list[int]]:
        """Tables of the groups' ways, and what each way leads to: a model's place, or -1 - a way."""
        width = len(self._task.features)
        formulas = [groups[node.group].formula for _, node in newest]
        axes = axes_of([formula for formula in formulas if formula is not None])
        known: dict[int, list[Way]] = {}
        for _, node in newest:
            if node.group in known:
                continue
            group = groups[node.group]
            found = None if group.formula is None else ways_of(group.formula, axes)
            if found is None:
                # Asked by itself: its answer is a column of two cells.
                found = [{width + len(self._groups): np.array([False, True])}]
                self._groups.append(group)
            known[node.group] = found
        firsts: list[tuple[int, int]] = []
        ways: list[Way] = []
        for number, node in newest:
            firsts.append((number, len(ways)))
            ways += known[node.group]
        codes = {number: code for code, number in enumerate(self._numbers)}
        actions: list[int] = []
        for number, node in newest:
            if node.model is not None:
                action = codes[node.model]
            else:
                version = node.version or 0
                action = -1 - next((first for older, first in firsts if older < version), len(ways))
            actions += [action] * len(known[node.group])
        alone = [width + place for place in range(len(self._groups))]
        return tables_of(axes, ways, alone), actions

    def _forest(self, models: list[Model], runner: Runner) -> None:
        """All trees side by side; a leaf holds the number of its answer, or -1 - its model's place."""
        parts, roots, answers, size, told = [], [], [], 0, 0
        for place, model in enumerate(models):
            found = self._flat(model, runner)
            if found is None:
                part = np.array([[-1, 0, -1 - place, 0]], np.int32)
            else:
                part, said = found
                leaves = (part[:, 0] < 0) & (part[:, 2] >= 0)
                part[leaves, 2] += told
                part[part[:, 0] < 0, 2] = np.where(leaves, part[:, 2], -1 - place)[part[:, 0] < 0]
                part[part[:, 0] >= 0, 2] += size
                answers.append(said)
                told += len(said)
            parts.append(part)
            roots.append(size)
            size += len(part)
        self._nodes = np.concatenate(parts)
        self._roots = np.array(roots, np.int32)
        self._answers = np.concatenate(answers) if answers else None

    def _flat(self, model: Model, runner: Runner) -> Any:
        features = len(self._task.features)
        if model.constant is not None:
            said = model.predict(np.zeros((1, features), np.float32), self._task, runner)
            return np.array([[-1, 0, 0, 0]], np.int32), said
        operator = None if model.onnx is None else read_operator(model.onnx)
        if operator is None or not operator.name.startswith("TreeEnsemble"):
            return None
        trees = plant(operator.values, features)
        if trees is None or len(trees.roots) > 1:
            return None
        rows, leaves = trees.rows(features, MAX_LEAVES)
        try:
            said = model.predict(rows, self._task, runner)
        except SubmissionError:
            return None
        part = np.zeros((len(trees.feature), 4), np.int32)
        part[:, 0] = np.where(trees.feature < 0, -1, trees.feature * 2 + trees.missing)
        part.view(np.float32)[:, 1] = trees.threshold
        part[:, 2] = np.where(trees.feature < 0, -1, trees.left)
        part[leaves, 2] = np.arange(len(leaves))
        return part, said

    def numbers(self, matrix: Matrix, runner: Runner) -> Any:
        """Number of each row's answer."""
        tables = self._tables
        bits = np.zeros((len(self._groups), len(matrix)), np.uint8)
        if self._groups:
            bitmaps = Memberships(matrix)
            for place, group in enumerate(self._groups):
                bits[place] = unpack(group.bits(bitmaps, matrix, runner), len(matrix))
        sizes = [part.shape[1] for part in tables.words]
        out = np.empty(len(matrix), np.int64)
        _KERNEL.answer(
            matrix, bits,
            np.array(tables.columns, np.int64), np.array(tables.kinds, np.int64), np.array(tables.joints, np.int64),
            np.concatenate([np.zeros(0, np.float32), *tables.cuts]), _starts(tables.cuts),
            np.concatenate([np.zeros(0, np.uint16), *tables.places]), _starts(tables.places),
            np.concatenate([np.zeros(0, np.uint64), *[part.ravel() for part in tables.words]]),
            _starts([part.ravel() for part in tables.words]), np.array(sizes, np.int64),
            len(tables.words[0]) if tables.words else 0,
            self._actions, self._roots, self._nodes, self._nodes.view(np.float32), out,
        )
        return out


def _starts(parts: Sequence[Any]) -> Any:
    return np.cumsum([0, *map(len, parts)])
