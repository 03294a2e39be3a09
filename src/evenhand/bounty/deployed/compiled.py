"""A list made ready to answer: for many rows at once, and for one."""

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.deployed.flat_list import KERNEL, FlatList
from evenhand.bounty.deployed.node import Node
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.task.membership import Bits, Memberships, single
from evenhand.bounty.task.task import Matrix

Leaves = npt.NDArray[Any]
#: Rows that gain as much by a flat list as loading its kernel costs, and as one model in it costs.
KERNEL_ROWS, MODEL_ROWS = 6_000_000, 25_000


class Compiled:
    """The list as instructions on bit planes: plane b holds bit b of every row's leaf.

    Parameters
    ----------
    groups : sequence of GroupRule
    nodes : sequence of (int, Node)
        Those that can still decide about a row, with their numbers, oldest first.

    Attributes
    ----------
    flat : FlatList or None
        The same for very many rows, once that pays.
    can_hasten : bool
        Whether there can be one.
    """

    def __init__(self, groups: Sequence[GroupRule], nodes: Sequence[tuple[int, Node]]) -> None:
        self._groups, self._nodes = groups, nodes
        self.flat: FlatList | None = None
        self.can_hasten = find_spec("numba") is not None
        self._asked = 0
        used = [node.model for _, node in self._nodes if node.model is not None]
        #: Numbers of the models that can still answer, the base first.
        self.leaves = [0, *dict.fromkeys(used)]
        self._codes = {model: code for code, model in enumerate(self.leaves)}
        self._width = max(len(self.leaves) - 1, 1).bit_length()
        self._tests: list[Callable[[list[float]], bool] | None] = [
            single(group.formula) if group.formula is not None else None for group in self._groups
        ]

    def pays(self, rows: int) -> bool:
        """Whether a flat list pays for itself, were as many rows to come as came, with these."""
        self._asked += rows
        kernel = 0 if KERNEL in sys.modules else KERNEL_ROWS
        return self._asked > kernel + MODEL_ROWS * len(self.leaves)

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
