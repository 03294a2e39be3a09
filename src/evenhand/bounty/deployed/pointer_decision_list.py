"""The deployed model: a base model, updates of groups, and pointers back to older versions.

Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, algorithms 1 and 4.  A row is answered by the
newest node whose group it is in: an update names a model; a repair says "as in version v", and the
search goes on below.  Nothing is nested, so a list may have any length.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.membership import Bits, Memberships, single
from evenhand.bounty.task.task import Matrix, Task

#: Rows worked on at once: enough to make numpy's calls cheap, few enough for a processor's cache.
PIECE = 1 << 18
Leaves = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of the list.

    Attributes
    ----------
    group : int
        Number of the group.
    model : int or None
        Number of the model that answers its rows; `None` in a repair.
    version : int or None
        Number of nodes of the older version that a repair points to; `None` in an update.
    team, key : str
        Who is credited, and the submission; a repair is credited to nobody.
    active : bool
        False once it is rolled back: it keeps its place, so that pointers stay right.
    """

    group: int
    model: int | None = None
    version: int | None = None
    team: str = ""
    key: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedNode:
    """One step of the explanation of a row."""

    node: int
    group: str
    team: str
    points_to: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a row is answered as it is: the nodes it passed, and the model that answered."""

    steps: tuple[PassedNode, ...]
    model: int
    team: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerDecisionList:
    """Versioned list; version v is its first v nodes, version 0 the base model.

    Attributes
    ----------
    task : Task
    models : tuple of Model
        Number 0 is the base.
    groups : tuple of GroupRule
    nodes : tuple of Node
    """

    task: Task
    models: tuple[Model, ...]
    groups: tuple[GroupRule, ...] = ()
    nodes: tuple[Node, ...] = ()
    _compiled: list["_Compiled"] = field(default_factory=list, compare=False, repr=False)

    @property
    def version(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    def updated(
        self, group: GroupRule, model: Model, *, team: str, key: str
    ) -> "PointerDecisionList":
        """The list with one more update at its head."""
        node = Node(group=len(self.groups), model=len(self.models), team=team, key=key)
        return PointerDecisionList(
            task=self.task,
            models=(*self.models, model),
            groups=(*self.groups, group),
            nodes=(*self.nodes, node),
        )

    def repaired(self, group: int, version: int) -> "PointerDecisionList":
        """The list with rows of a group answered as in an older version."""
        node = Node(group=group, version=version)
        return self._with((*self.nodes, node))

    def rolled_back(self, key: str) -> "PointerDecisionList":
        """The list without the update of a submission: its rows go on to the nodes below."""
        return self._with(
            tuple(replace(n, active=False) if n.key == key else n for n in self.nodes)
        )

    def prefix(self, version: int) -> "PointerDecisionList":
        """An older version of the list."""
        nodes = self.nodes[:version]
        updates = sum(node.model is not None for node in nodes)
        return PointerDecisionList(
            task=self.task,
            models=self.models[: updates + 1],
            groups=self.groups[:updates],
            nodes=nodes,
        )

    def _with(self, nodes: tuple[Node, ...]) -> "PointerDecisionList":
        return PointerDecisionList(
            task=self.task, models=self.models, groups=self.groups, nodes=nodes
        )

    def memberships(self, matrix: Matrix, runner: Runner) -> list[npt.NDArray[np.bool_]]:
        """Which rows are in each group."""
        bitmaps = Memberships(matrix)
        return [
            np.unpackbits(group.bits(bitmaps, matrix, runner), count=len(matrix)).view(bool)
            for group in self.groups
        ]

    def resolve(self, matrix: Matrix, runner: Runner) -> Leaves:
        """Number of the model that answers each row."""
        compiled = self._get_compiled()
        pieces = [
            compiled.resolve(matrix[start : start + PIECE], runner)
            for start in range(0, len(matrix), PIECE)
        ]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.uint8)

    def predict(self, matrix: Matrix, runner: Runner) -> Predictions:
        """Predictions of all rows; each model runs once, on the rows that it answers.

        Rows of a model that fails (it crashes, or takes too long) fall through to the version below.
        """
        leaves = self.resolve(matrix, runner)
        counts = np.bincount(leaves, minlength=1)
        if np.count_nonzero(counts) == 1:
            return self._run(int(np.argmax(counts)), matrix, runner)
        order = np.argsort(leaves, kind="stable")
        sorted_rows = matrix.take(order, axis=0)
        ends = np.cumsum(counts)
        out: Predictions | None = None
        for leaf in np.flatnonzero(counts):
            rows = slice(int(ends[leaf] - counts[leaf]), int(ends[leaf]))
            found = self._run(int(leaf), sorted_rows[rows], runner)
            if out is None:
                out = np.empty((len(matrix), *found.shape[1:]), found.dtype)
            out[order[rows]] = found
        return out if out is not None else self._run(0, matrix, runner)

    def _run(self, leaf: int, matrix: Matrix, runner: Runner) -> Predictions:
        return self._answer(self._get_compiled().leaves[leaf], matrix, runner)

    def _answer(self, model: int, matrix: Matrix, runner: Runner) -> Predictions:
        """A model's answers; where it fails, those of the list without it."""
        try:
            return self.models[model].predict(matrix, self.task, runner)
        except SubmissionError:
            if model == 0:
                raise
            below = tuple(replace(n, active=n.active and n.model != model) for n in self.nodes)
            return self._with(below).predict(matrix, runner)

    def predict_one(self, row: npt.NDArray[np.float32], runner: Runner) -> Predictions:
        """Prediction of one row of shape (features,), by a shorter way than `predict`."""
        model, _ = self._get_compiled().walk(row, runner, None)
        return self._answer(model, row[None, :], runner)

    def explain(self, row: npt.NDArray[np.float32], runner: Runner) -> Explanation:
        """Which update decided about a row, and through which groups it came there."""
        passed: list[int] = []
        model, last = self._get_compiled().walk(row, runner, passed)
        steps = tuple(
            PassedNode(
                node=number,
                group=self.groups[self.nodes[number].group].text,
                team=self.nodes[number].team,
                points_to=self.nodes[number].version,
            )
            for number in passed
        )
        decided = self.nodes[last] if last is not None else None
        return Explanation(
            steps=steps,
            model=model,
            team=decided.team if decided else "",
            key=decided.key if decided else "",
        )

    def live_nodes(self) -> tuple[int, ...]:
        """Numbers of the nodes that can still decide about a row.

        A node is dead where it is rolled back, or a newer node has the same group and no pointer
        leads to a version between the two.
        """
        pointed = sorted({n.version for n in self.nodes if n.active and n.version is not None})
        live: list[int] = []
        seen: set[int] = set()
        for number in range(self.version - 1, -1, -1):
            if pointed and pointed[-1] > number:
                # Version number + 1 or above but not newer nodes: the search may begin here.
                pointed.pop()
                seen = set()
            node = self.nodes[number]
            if node.active and node.group not in seen:
                live.append(number)
                seen.add(node.group)
        return tuple(reversed(live))

    def _get_compiled(self) -> "_Compiled":
        if not self._compiled:
            self._compiled.append(_Compiled(self))
        return self._compiled[0]


class _Compiled:
    """The list as instructions on bit planes: plane b holds bit b of every row's leaf."""

    def __init__(self, listed: PointerDecisionList) -> None:
        self._groups = listed.groups
        self._nodes = [(number, listed.nodes[number]) for number in listed.live_nodes()]
        used = [node.model for _, node in self._nodes if node.model is not None]
        #: Numbers of the models that can still answer, the base first.
        self.leaves = [0, *dict.fromkeys(used)]
        self._codes = {model: code for code, model in enumerate(self.leaves)}
        self._width = max(len(self.leaves) - 1, 1).bit_length()
        self._tests: list[Callable[[list[float]], bool] | None] = [
            single(group.formula) if group.formula is not None else None for group in self._groups
        ]

    def resolve(self, matrix: Matrix, runner: Runner) -> Leaves:
        """From the newest node back: each takes its rows from those that are still undecided."""
        rows, size = len(matrix), (len(matrix) + 7) // 8
        bitmaps, bits = Memberships(matrix), dict[int, Bits]()
        planes = np.zeros((self._width, size), np.uint8)
        undecided, hit = np.full(size, 255, np.uint8), np.empty(size, np.uint8)
        #: Rows that a repair sent to a version, by version: they join in when it is reached.
        waiting: dict[int, Bits] = {}
        for number, node in reversed(self._nodes):
            for version in [v for v in waiting if v > number]:
                undecided |= waiting.pop(version)
            if node.group not in bits:
                bits[node.group] = self._groups[node.group].bits(bitmaps, matrix, runner)
            np.bitwise_and(undecided, bits[node.group], out=hit)
            np.bitwise_xor(undecided, hit, out=undecided)
            if node.model is None:
                version = node.version or 0
                waiting[version] = waiting[version] | hit if version in waiting else hit.copy()
                continue
            code = self._codes[node.model]
            for bit in range(self._width):
                if code >> bit & 1:
                    np.bitwise_or(planes[bit], hit, out=planes[bit])
        kind = np.dtype("u1" if self._width <= 8 else "u2" if self._width <= 16 else "u4")
        leaves: Leaves = np.unpackbits(planes[0], count=rows).astype(kind)
        for bit in range(1, self._width):
            plane = np.unpackbits(planes[bit], count=rows).astype(kind)
            np.bitwise_or(leaves, np.left_shift(plane, bit, dtype=kind), out=leaves)
        return leaves

    def walk(
        self, row: npt.NDArray[np.float32], runner: Runner, passed: list[int] | None
    ) -> tuple[int, int | None]:
        """Model of one row and the node that decided, from the newest node back."""
        values = row.tolist()
        tests = self._tests
        known: dict[int, bool] = {}
        limit = None
        for number, node in reversed(self._nodes):
            if limit is not None and number >= limit:
                continue
            group = node.group
            inside = known.get(group)
            if inside is None:
                test = tests[group]
                inside = test(values) if test is not None else self._ask(group, row, runner)
                known[group] = inside
            if not inside:
                continue
            if passed is not None:
                passed.append(number)
            if node.model is not None:
                return node.model, number
            limit = node.version
        return 0, None

    def _ask(self, group: int, row: npt.NDArray[np.float32], runner: Runner) -> bool:
        matrix = np.ascontiguousarray(row[None, :])
        return bool(self._groups[group].bits(Memberships(matrix), matrix, runner)[0] & 0x80)
