"""What one opened block shows: losses of its rows, of each introduced group, and repairs.

Repairs are those of Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, algorithm 4, with the
scan restarted after each repair, which the published statement leaves out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
#: Rounding of sums of losses, as a share of the range of one; far below one row.
SPECK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairStep:
    """Group `group` (its number among those introduced) points back to published version `version`."""

    group: int
    version: int


class BlockLosses:
    """Losses of a block under the list as updated so far.

    Parameters
    ----------
    losses : array of shape (rows,)
        Under the list as it is when the block is opened: version 0 here.
    groups : Sequence of masks of shape (rows,)
        Groups introduced before.
    scale : float
        Range of a row's loss: rounding grows with it.

    Notes
    -----
    An update costs time in proportion to the rows whose loss it changes, times the groups; nothing
    is computed anew.  Older versions are kept as the differences that each step made.
    """

    def __init__(self, losses: Floats, groups: Sequence[Mask], scale: float = 1.0) -> None:
        self._speck = SPECK * scale
        self.rows = len(losses)
        self._losses = losses.astype(float)
        self._masks = np.zeros((max(2 * len(groups), 8), self.rows), np.uint8)
        self._groups = len(groups)
        self._masks[: len(groups)] = np.reshape(groups, (len(groups), self.rows))
        self._steps: list[tuple[Rows, Floats]] = []
        #: Number of steps behind each published version.
        self._published = [0]
        self._sums = self._masks[: len(groups)] @ self._losses
        self._lowest = self._sums.copy()
        self._lowest_at = np.zeros(len(groups), int)

    @property
    def versions(self) -> int:
        """Published versions of this block's epoch, the first included."""
        return len(self._published)

    @property
    def groups(self) -> int:
        """Groups introduced so far."""
        return self._groups

    @property
    def total(self) -> float:
        """Mean loss of the block."""
        return float(self._losses.mean())

    def losses_of(self, rows: Rows) -> Floats:
        """Losses of some rows under the current list."""
        return self._losses[rows]

    def largest_rise(self) -> float:
        """Most by which an introduced group's loss stands above its lowest version, per row of the block."""
        return float((self._sums - self._lowest).max(initial=0.0)) / self.rows

    def accept(
        self, rows: Rows, after: Floats, *, margin: float = 0.0, limit: int = 64
    ) -> tuple[RepairStep, ...] | None:
        """Update the rows of a newly introduced group, then repair until no group has lost.

        Parameters
        ----------
        rows : array of int
            The group.
        after : array of shape (len(rows),)
            Losses of the new model there.
        margin : float
            Loss per row of the block by which a group may stand above its lowest version.
        limit : int
            Most repairs; beyond it everything is undone.

        Returns
        -------
        tuple of RepairStep or None
            The repairs, or `None` where they did not end within the limit and nothing is changed.
        """
        steps_before = len(self._steps)
        saved = (self._sums, self._lowest, self._lowest_at)
        self._introduce(rows)
        self._write(rows, after)
        repairs = self._repair(margin, limit)
        if repairs is None:
            self._undo(steps_before)
            self._sums, self._lowest, self._lowest_at = saved
            self._groups -= 1
            return None
        self._published.append(len(self._steps))
        lower = self._sums < self._lowest
        self._lowest = np.where(lower, self._sums, self._lowest)
        self._lowest_at = np.where(lower, self.versions - 1, self._lowest_at)
        return repairs

    def _introduce(self, rows: Rows) -> None:
        if self._groups == len(self._masks):
            self._masks = np.concatenate([self._masks, np.zeros_like(self._masks)])
        mask = self._masks[self._groups]
        mask[:] = 0
        mask[rows] = 1
        self._groups += 1
        now = float(self._losses[rows].sum())
        lowest, lowest_at = now, self.versions - 1
        # Back through the versions: what each step changed, as far as it lies in the group.
        total, step = now, len(self._steps)
        for version in range(self.versions - 2, -1, -1):
            while step > self._published[version]:
                step -= 1
                changed, difference = self._steps[step]
                total -= float(mask[changed] @ difference)
            if total <= lowest + self._speck:
                lowest, lowest_at = min(total, lowest), version
        self._sums = np.append(self._sums, now)
        self._lowest = np.append(self._lowest, lowest)
        self._lowest_at = np.append(self._lowest_at, lowest_at)

    def _write(self, rows: Rows, after: Floats) -> None:
        difference = after - self._losses[rows]
        moved = difference != 0
        changed, difference = rows[moved], difference[moved]
        self._losses[changed] = after[moved]
        self._steps.append((changed, difference))
        touched = self._masks[: self._groups].take(changed, axis=1)
        self._sums = self._sums + touched @ difference

    def _repair(self, margin: float, limit: int) -> tuple[RepairStep, ...] | None:
        done: list[RepairStep] = []
        while True:
            rise = self._sums - self._lowest
            worst = int(np.argmax(rise))
            if rise[worst] <= margin * self.rows + self._speck * self.rows:
                return tuple(done)
            if len(done) == limit:
                return None
            version = int(self._lowest_at[worst])
            rows = np.flatnonzero(self._masks[worst])
            self._write(rows, self._at(version)[rows])
            done.append(RepairStep(group=worst, version=version))

    def _at(self, version: int) -> Floats:
        """Losses of all rows under a published version."""
        losses = self._losses.copy()
        for changed, difference in reversed(self._steps[self._published[version] :]):
            losses[changed] -= difference
        return losses

    def _undo(self, steps: int) -> None:
        while len(self._steps) > steps:
            changed, difference = self._steps.pop()
            self._losses[changed] -= difference
