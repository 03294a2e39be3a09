"""What is left to know of hidden numbers once all visible ones are known: ranges by linear programs.

Everything is said of *moves*, differences to the truth: visible numbers do not move, no cell falls below 0.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from evenhand.deferred import optimize, sparse

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: A range counts as wide when it lacks no more than this share, which is the solver's.
SLACK = 1e-6
#: A move longer than this many widths is as good as any.
FAR = 1e4
#: Targets at least that are moved together, and the share that may be left for it to have been worth while.
FEW, SETTLED = 8, 0.9


class Ranges:
    """How far the numbers of hidden sets can move.

    Attributes
    ----------
    needed : array of shape (targets,)
        How far each must be able to move in all, in widths.
    work : int
        Cells of all linear programs that were solved.
    high, low : arrays of shape (targets,)
        Moves of each target that were found possible; targets are the sets, then those that follow
        from others.
    """

    def __init__(
        self,
        *,
        amounts: Floats,
        sets: Bools,
        apart: Bools,
        hidden: Bools,
        least: float,
        width: float,
        needed_apart: Floats,
    ) -> None:
        # In widths: the solver's tolerances are absolute.
        self.amounts, self.least = amounts / width, least / width
        self.sets = sets
        self.targets = sparse.csr_array(np.concatenate([sets, apart]).astype(float))
        self.others = np.arange(len(sets), len(sets) + len(apart))
        self.needed = np.concatenate([np.ones(len(sets)), needed_apart / width])
        # Who takes a number for one that cannot be negative, and is wrong, finds less than this.
        self.floor = np.minimum(self.amounts, 0.0)
        self.high, self.low = np.zeros(len(self.needed)), np.zeros(len(self.needed))
        self.moves: list[Floats] = []
        self.work = 0
        self.hide(hidden)

    def hide(self, hidden: Bools) -> None:
        """Hide these sets, at least those that were hidden before."""
        self.hidden = hidden
        self._program: _Program | None = None
        high, low = self._exchanges()
        self.high, self.low = np.maximum(self.high, high), np.minimum(self.low, low)

    def learn(self, moves: Floats) -> None:
        """Take note of a possible move of all cells."""
        self.moves.append(moves)
        there = self.targets @ moves
        self.high, self.low = np.maximum(self.high, there), np.minimum(self.low, there)

    def learn_again(self, moves: list[Floats]) -> None:
        """Take note of those moves, found when more was hidden, that move no visible set."""
        if moves:
            every = np.stack(moves, axis=1)
            still = np.abs(self.sets[~self.hidden].astype(float) @ every).max(axis=0, initial=0.0)
            for place in np.flatnonzero(still < SLACK / 10):
                self.learn(every[:, place])

    def narrow(self, targets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those targets that have not been found to move as far as they should."""
        wide = self.high[targets] - self.low[targets] >= self.needed[targets] - SLACK
        return targets[~wide]

    def sweep(self, targets: npt.NDArray[np.int64]) -> None:
        """Move many targets at once in random directions, as long as that settles many."""
        rng = np.random.default_rng(0)
        left = self.narrow(targets)
        while len(left) >= FEW:
            for direction in np.array([1.0, -1.0])[:, None] * rng.normal(size=len(left)):
                self._push(direction @ self.targets[left])
            before, left = len(left), self.narrow(left)
            if len(left) > before * SETTLED:
                break

    def is_wide(self, target: int) -> bool:
        """Whether a target can move as far as it should; asks the solver only where it is not known."""
        one = np.array([target])
        for sign in (1.0, -1.0):
            if len(self.narrow(one)):
                self._push(sign * self.targets[[target]].toarray()[0])
        return not len(self.narrow(one))

    def _push(self, goal: Floats) -> None:
        self.work += len(self.amounts)
        self._program = self._program or _Program.of(self)
        moves = self._program.furthest(goal)
        if moves is not None:
            self.learn(moves)

    def _exchanges(self) -> tuple[Floats, Floats]:
        """Moves without a solver: cells that are in the same visible sets can exchange all they have."""
        visible = self.sets[~self.hidden]
        kinds = kinds_of(visible)
        size = np.bincount(kinds)
        # In no visible set at all: as much as one likes may be there.
        shown = np.asarray(visible[:, np.unique(kinds, return_index=True)[1]].any(axis=0), bool)
        free: Bools = np.logical_not(shown)
        chosen = np.flatnonzero((size > 1)[kinds] | free[kinds])
        spare = (self.amounts - self._kept())[chosen]
        inside = self.targets[:, chosen]
        place = (np.arange(len(chosen)), kinds[chosen]), (len(chosen), len(size))
        some = (inside @ sparse.csr_array((np.ones(len(chosen)), place[0]), shape=place[1])).tocoo()
        down = (inside @ sparse.csr_array((spare, place[0]), shape=place[1])).toarray()
        target, kind = some.coords
        both = some.data < size[kind]
        gone = down[target, kind]
        all_of = np.bincount(kinds[chosen], spare, minlength=len(size))
        up = np.where(free[kind], FAR, np.where(both, all_of[kind] - gone, 0.0))
        gone = np.where(free[kind] | both, gone, 0.0)
        count = len(self.high)
        high = np.bincount(target, up, minlength=count).astype(float)
        return high, -np.bincount(target, gone, minlength=count).astype(float)

    def _kept(self) -> Floats:
        """What each cell keeps so that no hidden set falls below the least."""
        kept = self.floor.copy()
        if self.least:
            for number in np.flatnonzero(self.hidden):
                members = np.flatnonzero(self.sets[number])
                cell = members[np.argmax(self.amounts[members])]
                kept[cell] = max(kept[cell], min(self.least, self.amounts[cell]))
        return kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Program:
    """The linear program of all possible moves."""

    visible: Any
    hidden: Any
    spare: Floats
    bounds: npt.NDArray[np.float64]

    @classmethod
    def of(cls, ranges: Ranges) -> Self:
        hidden = ranges.sets[ranges.hidden].astype(float)
        ends = np.stack([ranges.floor - ranges.amounts, np.full(len(ranges.amounts), FAR)], axis=1)
        return cls(
            visible=sparse.csr_array(ranges.sets[~ranges.hidden].astype(float)),
            hidden=sparse.csr_array(-hidden),
            spare=hidden @ ranges.amounts - ranges.least,
            bounds=ends,
        )

    def furthest(self, goal: Floats) -> Floats | None:
        """The possible move that goes furthest; `None` where the solver gives up."""
        # 0.3 s to load, and needed only where something is hidden.
        found = optimize.linprog(
            -goal,
            A_ub=self.hidden if len(self.spare) else None,
            b_ub=np.maximum(self.spare, 0.0) if len(self.spare) else None,
            A_eq=self.visible if self.visible.shape[0] else None,
            b_eq=np.zeros(self.visible.shape[0]) if self.visible.shape[0] else None,
            bounds=self.bounds,
            method="highs",
        )
        return np.asarray(found.x, float) if found.status == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RangeRepair:
    """Visible sets that must change so that a target can move as far as it should."""

    changed: Bools
    moves: tuple[Floats, Floats]

    @classmethod
    def of(cls, ranges: Ranges, target: int, cost: Floats, fixed: Bools) -> Self | None:
        """The cheapest; `None` where there is none.

        Two moves of all cells, whose difference takes the target as far as it should; each change of a
        visible number costs.
        """
        may = ~ranges.hidden & ~fixed
        if not may.any():
            return None
        sets, cells = ranges.sets.astype(float), len(ranges.amounts)
        still = sparse.csr_array(sets[fixed])
        open_ = sparse.csr_array(sets[may])
        one = sparse.eye_array(open_.shape[0])
        least = sparse.csr_array(-sets[~fixed])
        goal = ranges.targets[[target]]
        # Columns: first move, second move, and what visible sets gain and lose in either.
        equal = sparse.block_array(
            [
                [still, None, None, None, None, None],
                [None, still, None, None, None, None],
                [open_, None, -one, one, None, None],
                [None, open_, None, None, -one, one],
            ]
        )
        bound = sparse.block_array(
            [[least, None], [None, least], [-goal, goal]],
        )
        more = 4 * open_.shape[0]
        bound = sparse.block_array([[bound, sparse.csr_array((bound.shape[0], more))]])
        spare = np.maximum(sets[~fixed] @ ranges.amounts - ranges.least, 0.0)
        ends = np.stack([ranges.floor - ranges.amounts, np.full(cells, FAR)], axis=1)
        slack = np.tile([0.0, 2 * FAR * cells], (more, 1))
        found = optimize.linprog(
            np.concatenate([np.zeros(2 * cells), np.tile(cost[may], 4)]),
            A_ub=bound,
            b_ub=np.concatenate([spare, spare, [-ranges.needed[target]]]),
            A_eq=equal,
            b_eq=np.zeros(equal.shape[0]),
            bounds=np.concatenate([ends, ends, slack]),
            method="highs",
        )
        if found.status != 0:
            return None
        moves = found.x[:cells], found.x[cells : 2 * cells]
        there = np.stack([sets @ move for move in moves])
        changed = may & (np.abs(there) > SLACK / 10).any(axis=0)
        return cls(changed=changed, moves=moves)


def kinds_of(sets: Bools) -> npt.NDArray[np.int64]:
    """Number of the kind of each cell: cells of one kind are in the same sets."""
    if not len(sets):
        return np.zeros(sets.shape[1], np.int64)
    packed = np.ascontiguousarray(np.packbits(sets, axis=0).T)
    rows = packed.view([("", packed.dtype)] * packed.shape[1]).ravel()
    return np.unique(rows, return_inverse=True)[1].astype(np.int64).ravel()
