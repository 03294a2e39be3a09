"""Small cells hidden so that they stay hidden: no number may be recovered by subtraction."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]


def suppress(
    counts: npt.ArrayLike, totals: Sequence[tuple[int | None, Sequence[int]]], minimum: int
) -> tuple[Bools, Bools]:
    """Choose cells to hide.

    Parameters
    ----------
    counts : array of shape (cells,)
        People or units in each published cell; 0 is published (nobody is in it).
    totals : sequence of (total, parts)
        Published equations: cell `total` (`None`: a total that is published elsewhere and always
        visible) is the sum of the cells `parts`.
    minimum : int
        Cells with fewer than this are hidden.

    Returns
    -------
    (primary, complementary)
        Hidden because small; hidden because otherwise a hidden cell would follow by subtraction.

    Notes
    -----
    Secondary suppression as in Hundepool et al., Statistical Disclosure Control (2012),
    doi:10.1002/9781118348239, chapter 4: the smallest visible cell of a leaking equation is added
    until no hidden cell is determined by the linear equations (checked by their null space, not
    only equation by equation).  Greedy, so possibly one cell more than the least.
    """
    counts = np.asarray(counts)
    primary = (counts > 0) & (counts < minimum)
    hidden = primary.copy()
    while (leak := _leaking(hidden, totals)) is not None:
        visible = [cell for cell in leak if not hidden[cell]]
        if not visible:
            break
        hidden[min(visible, key=lambda cell: (counts[cell] == 0, counts[cell]))] = True
    return primary, hidden & ~primary


def recoverable(hidden: Bools, totals: Sequence[tuple[int | None, Sequence[int]]]) -> Bools:
    """Which hidden cells follow exactly from the visible ones and the published totals."""
    unknown = np.flatnonzero(hidden)
    out = np.zeros_like(hidden)
    if not len(unknown):
        return out
    place = {cell: column for column, cell in enumerate(unknown)}
    rows = np.zeros((len(totals), len(unknown)))
    for row, (total, parts) in enumerate(totals):
        for cell, sign in (
            *((part, 1.0) for part in parts),
            *(((total, -1.0),) if total is not None else ()),
        ):
            if cell in place:
                rows[row, place[cell]] += sign
    _, singular, vectors = np.linalg.svd(rows, full_matrices=True)
    rank = int(np.count_nonzero(singular > 1e-9))
    free = vectors[rank:]
    out[unknown] = np.abs(free).max(axis=0, initial=0.0) < 1e-9
    return out


def _leaking(hidden: Bools, totals: Sequence[tuple[int | None, Sequence[int]]]) -> list[int] | None:
    """Cells of an equation through which a hidden cell leaks, or `None` where none does."""
    leaks = recoverable(hidden, totals)
    if not leaks.any():
        return None
    for total, parts in totals:
        cells = [*parts, *([] if total is None else [total])]
        if any(leaks[cell] for cell in cells) and any(not hidden[cell] for cell in cells):
            return cells
    return []
