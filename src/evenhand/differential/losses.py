"""Rows that went missing under a condition in some groups more than in others, and what that may hide."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: Loss is called uneven at this probability, over all conditions of a partition together.
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Shares of rows lost under conditions; arrays have shape (groups, conditions).

    Attributes
    ----------
    own, rest : arrays
        Share of a group's rows under the reference that are absent under a condition, and that of
        the other groups.
    uneven : bool array
        Whether the groups of its partition lose different shares, beyond chance, and some rows are
        lost under the condition.
    """

    own: Floats
    rest: Floats
    uneven: Bools


def loss_of(rows: Floats, rests: Floats, partition: npt.NDArray[np.int64]) -> Loss:
    """Compare what groups lose.

    Parameters
    ----------
    rows, rests : arrays of shape (groups, 1 + conditions)
        Rows of each group and of its rest, the reference first.
    partition : integer array of shape (groups,)
        Groups of one partition are compared.

    Notes
    -----
    Pearson's test of equal shares in each partition: in all conditions together, and in each with
    Bonferroni's correction; rows of one unit count as independent, so it warns too early rather
    than too late.
    """
    own, rest = _lost(rows), _lost(rests)
    uneven = np.zeros(own.shape, bool)
    for number in np.unique(partition):
        members = np.flatnonzero(partition == number)
        each = _equal_p(rows[members], own[members])
        together = _equal_p(
            np.repeat(rows[members][:, :1] * own.shape[1], 2, axis=1),
            own[members].mean(axis=1, keepdims=True),
        )
        half = LEVEL / 2
        found = (each < half / max(own.shape[1], 1)) | (together[0] < half)
        uneven[members] = found[None, :] & (own[members] > 0).any(axis=0)
    return Loss(own=own, rest=rest, uneven=uneven)


def _lost(rows: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 - rows[:, 1:] / rows[:, :1]
    return np.asarray(np.clip(np.nan_to_num(share), 0.0, 1.0), float)


def _equal_p(rows: Floats, lost: Floats) -> Floats:
    """Probability of shares as different if all groups lose alike; 1 where none or all is lost."""
    n = rows[:, :1]
    known = n[:, 0] > 0
    n, lost = n[known], lost[known]
    if len(n) < 2:
        return np.ones(rows.shape[1] - 1)
    expected = (n * lost).sum(axis=0) / n.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (n * (lost - expected) ** 2).sum(axis=0) / (expected * (1 - expected))
    return np.asarray(special.chdtrc(len(n) - 1, np.nan_to_num(statistic)), float)


def possible_bias(
    mine: Floats, others: Floats, values: tuple[Floats, Floats], ends: tuple[float, float]
) -> tuple[Floats, Floats]:
    """How far a difference of two costs may be off, below and above, by rows that one side lost more of.

    Parameters
    ----------
    mine, others : arrays of shape (comparisons,)
        Shares lost on both sides.
    values : two arrays of shape (comparisons,)
        Values under the condition on both sides, of the rows that are left.
    ends : (low, high)
        Between which the lost rows' values lie.

    Returns
    -------
    (below, above)
        By how much the lower end must fall, and the upper end rise; never negative.

    Notes
    -----
    The worst case of the rows that one side lost beyond the share that both lost: Horowitz & Manski
    (2000), doi:10.1080/01621459.2000.10473902.  Lee (2009), doi:10.1111/j.1467-937X.2009.00536.x, trims
    the other side by that share instead, which is tighter and needs every row's value, where cubes
    keep sums.
    """
    low, high = ends
    more, less = np.maximum(mine - others, 0.0), np.maximum(others - mine, 0.0)
    one, two = values
    # My lost rows may have been better or worse than the rest of mine; and so may theirs.
    below = more * (one - low) + less * (high - two)
    above = more * (high - one) + less * (two - low)
    return np.maximum(below, 0.0), np.maximum(above, 0.0)
