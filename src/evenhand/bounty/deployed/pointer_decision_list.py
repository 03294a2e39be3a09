"""The deployed model: a base model, updates of groups, and pointers back to older versions.

Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, algorithms 1 and 4.  A row is answered by the
newest node whose group it is in: an update names a model; a repair says "as in version v", and the
search goes on below.  Nothing is nested, so a list may have any length.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evenhand.bounty.deployed.compiled import Compiled, Leaves
from evenhand.bounty.deployed.flat_list import FlatList
from evenhand.bounty.deployed.node import Explanation, Node, PassedNode
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.membership import Memberships
from evenhand.bounty.task.task import Matrix, Task

#: Rows worked on at once: enough to make numpy's calls cheap, few enough for a processor's cache.
PIECE = 1 << 18


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
    _compiled: list[Compiled] = field(default_factory=list, compare=False, repr=False)

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
        """Number of the leaf that answers each row, of those that can still answer."""
        resolve = self._get_compiled().resolve
        return np.concatenate([resolve(piece, runner) for piece in _pieces(matrix)])

    def answering(self, matrix: Matrix, runner: Runner) -> list[int]:
        """Number of the model that answers each row."""
        models = self._get_compiled().leaves
        return [models[leaf] for leaf in self.resolve(matrix, runner).tolist()]

    def predict(self, matrix: Matrix, runner: Runner) -> Predictions:
        """Predictions of all rows; each model runs once, on the rows that it answers.

        Rows of a model that fails (it crashes, or takes too long) fall through to the version below.
        """
        if self.task.loss.change is not None:
            return self._predict_upwards(matrix, runner)
        ready = self._get_compiled()
        if ready.pays(len(matrix)):
            self.hasten(runner)
        if ready.flat is None or matrix.shape[1] != len(self.task.features):
            return self._by_model(self.resolve(matrix, runner), None, matrix, runner)
        numbers = ready.flat.numbers
        found = np.concatenate([numbers(piece, runner) for piece in _pieces(matrix)])
        if ready.flat.answers is None:
            return self._by_model(-1 - found, None, matrix, runner)
        out: Predictions = ready.flat.answers.take(found, axis=0, mode="clip")
        rest = np.flatnonzero(found < 0)
        if len(rest):
            out[rest] = self._by_model(-1 - found[rest], rest, matrix, runner)
        return out

    def hasten(self, runner: Runner) -> None:
        """Make the list ready for many rows, where the extra ``fast`` is installed.

        `predict` does so by itself once that pays, which takes about ten million rows.  Answers stay the same.
        """
        ready = self._get_compiled()
        upwards = self.task.loss.change is not None
        if ready.flat is None and ready.can_hasten and not upwards:
            models = [(number, self.models[number]) for number in ready.leaves]
            try:
                ready.flat = FlatList(self.task, self.groups, self._live(), models, runner)
            except (ImportError, OverflowError):
                ready.can_hasten = False

    def _by_model(
        self, leaves: Leaves, rows: Leaves | None, matrix: Matrix, runner: Runner
    ) -> Predictions:
        """Predictions of some rows, or of all, by the place of their model in the compiled list."""
        if not len(leaves):
            # Some models fail where there are no rows.
            return self._run(0, np.zeros((1, matrix.shape[1]), np.float32), runner)[:0]
        counts = np.bincount(leaves)
        if rows is None and counts[-1] == len(leaves):
            return self._run(len(counts) - 1, matrix, runner)
        # Small numbers are sorted by their digits.
        order = np.argsort(leaves.astype(np.min_scalar_type(len(counts))), kind="stable")
        sorted_rows = matrix.take(order if rows is None else rows[order], axis=0)
        ends = np.cumsum(counts)
        sorted_answers = np.concatenate(
            [
                self._run(int(leaf), sorted_rows[ends[leaf] - counts[leaf] : ends[leaf]], runner)
                for leaf in np.flatnonzero(counts)
            ]
        )
        out = np.empty_like(sorted_answers)
        out[order] = sorted_answers
        return out

    def _predict_upwards(self, matrix: Matrix, runner: Runner) -> Predictions:
        """Predictions where an update may move an answer only so far: from the base model up."""
        pointed = {node.version for node in self.nodes if node.active}
        out = np.array(self.models[0].predict(matrix, self.task, runner))
        kept = {0: out.copy()}
        masks = self.memberships(matrix, runner)
        for number, node in enumerate(self.nodes, 1):
            rows = np.flatnonzero(masks[node.group])
            if node.active and len(rows):
                out[rows] = self._moved(node, matrix[rows], out[rows], rows, kept, runner)
            if number in pointed:
                kept[number] = out.copy()
        return out

    def _moved(
        self,
        node: Node,
        matrix: Matrix,
        below: Predictions,
        rows: npt.NDArray[np.intp],
        kept: Mapping[int, Predictions],
        runner: Runner,
    ) -> Predictions:
        if node.model is None:
            return kept[node.version or 0][rows]
        try:
            found = self.models[node.model].predict(
                matrix, self.task, runner, below=lambda silent: below[silent]
            )
        except SubmissionError:
            return below
        return self.task.loss.limited(found, below)

    def _run(self, leaf: int, matrix: Matrix, runner: Runner) -> Predictions:
        return self._answer(self._get_compiled().leaves[leaf], matrix, runner)

    def _answer(self, model: int, matrix: Matrix, runner: Runner) -> Predictions:
        """A model's answers; rows that it has none for are answered by the list without it."""

        def below(rows: Matrix) -> Predictions:
            nodes = tuple(replace(n, active=n.active and n.model != model) for n in self.nodes)
            return self._with(nodes).predict(rows, runner)

        if model == 0:
            return self.models[0].predict(matrix, self.task, runner)
        try:
            return self.models[model].predict(
                matrix, self.task, runner, below=lambda silent: below(matrix[silent])
            )
        except SubmissionError:
            return below(matrix)

    def predict_one(self, row: npt.NDArray[np.float32], runner: Runner) -> Predictions:
        """Prediction of one row of shape (features,), by a shorter way than `predict`."""
        if self.task.loss.change is not None:
            return self._predict_upwards(row[None, :], runner)
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

    @property
    def services(self) -> frozenset[str]:
        """Names of the services that the base and active updates are."""
        active = [node.model for node in self.nodes if node.active and node.model is not None]
        named = {self.models[model].service for model in (0, *active)}
        return frozenset(name for name in named if name is not None)

    def live_nodes(self) -> tuple[int, ...]:
        """Numbers of the nodes that can still decide about a row.

        A node is dead where it is rolled back, or a newer node has the same group and no pointer
        leads to a version between the two.  Where an update may move an answer only so far, what stands below
        it matters too.
        """
        if self.task.loss.change is not None:
            return tuple(number for number, node in enumerate(self.nodes) if node.active)
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

    def _get_compiled(self) -> Compiled:
        if not self._compiled:
            self._compiled.append(Compiled(self.groups, self._live()))
        return self._compiled[0]

    def _live(self) -> list[tuple[int, Node]]:
        return [(number, self.nodes[number]) for number in self.live_nodes()]


def _pieces(matrix: Matrix) -> list[Matrix]:
    """The rows in pieces, at least one."""
    return [matrix[start : start + PIECE] for start in range(0, len(matrix) or 1, PIECE)]
