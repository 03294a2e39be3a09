"""Small cells hidden so that they stay hidden: no number may be recovered by subtraction."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Totals = Sequence[tuple[int | None, Sequence[int]]]


def suppress(counts: npt.ArrayLike, small: npt.ArrayLike, totals: Totals) -> Bools:
    """Choose cells to hide.

    Parameters
    ----------
    counts : array of shape (cells,)
        Rows in each published cell, which add up; empty cells are never hidden.
    small : bool array of shape (cells,)
        Cells that must be hidden.
    totals : sequence of (total, parts)
        Published equations: cell `total` (`None`: a total that is published elsewhere and always
        visible) is the sum of the cells `parts`.

    Returns
    -------
    bool array of shape (cells,)
        Hidden because small, or because otherwise a hidden cell would follow from the others.
        Which of the two is not told: that would be a clue.

    Notes
    -----
    Secondary suppression as in Hundepool et al., Statistical Disclosure Control (2012),
    doi:10.1002/9781118348239, chapter 4.  The smallest visible cell of a leaking equation is added
    until no hidden cell is determined by the equations and the knowledge that every hidden cell
    holds at least 1.  Greedy, so possibly one cell more than the least.
    """
    counts = np.asarray(counts)
    hidden: Bools = np.asarray(small, bool) & (counts > 0)
    while (leak := _leaking(hidden, counts, totals)) is not None:
        # Empty cells stay visible: that nobody is there is no secret.
        visible = [cell for cell in leak if not hidden[cell] and counts[cell] > 0]
        visible = visible or np.flatnonzero(~hidden & (counts > 0)).tolist()
        if not visible:
            break
        hidden[min(visible, key=lambda cell: counts[cell])] = True
    return hidden


def recoverable(hidden: Bools, counts: npt.ArrayLike, totals: Totals) -> Bools:
    """Which hidden cells can have one value only, given the visible ones and the totals."""
    # 0.3 s to load, and needed only where something is hidden.
    from scipy.optimize import linprog  # noqa: PLC0415

    counts = np.asarray(counts, float)
    unknown = np.flatnonzero(hidden)
    out = np.zeros_like(hidden)
    if not len(unknown):
        return out
    equations = np.zeros((len(totals), len(hidden)))
    known = np.zeros(len(totals))
    for row, (total, parts) in enumerate(totals):
        equations[row, list(parts)] = 1.0
        if total is None:
            known[row] = counts[list(parts)].sum()
        else:
            equations[row, total] -= 1.0
    right = known - equations[:, ~hidden] @ counts[~hidden]
    involved = (equations[:, unknown] != 0).any(axis=1)
    if not involved.any():
        return out
    for place, cell in enumerate(unknown):
        goal = np.zeros(len(unknown))
        goal[place] = 1.0
        ends = [
            linprog(
                sign * goal,
                A_eq=equations[involved][:, unknown],
                b_eq=right[involved],
                bounds=(1, None),
            )
            for sign in (1.0, -1.0)
        ]
        # Unbounded (3) is as wide as can be; anything else that is not solved counts as a leak.
        solved = all(end.status == 0 for end in ends)
        wide = solved and abs(ends[0].fun + ends[1].fun) >= 0.5
        out[cell] = not (wide or any(end.status == 3 for end in ends))
    return out


def _leaking(hidden: Bools, counts: npt.NDArray[np.int64], totals: Totals) -> list[int] | None:
    """Cells of an equation through which a hidden cell leaks, or `None` where none does."""
    leaks = recoverable(hidden, counts, totals)
    if not leaks.any():
        return None
    for total, parts in totals:
        cells = [*parts, *([] if total is None else [total])]
        if any(leaks[cell] for cell in cells) and any(not hidden[cell] for cell in cells):
            return cells
    return []
