"""The proof that a model improves on the list's within a group: a certificate of sub-optimality.

Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, definition 7.  The primitive is μΔ, the
improvement weighted by the group's mass: it is a mean over all rows, so nothing is divided by a
mass that may be 0.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.losses import RowLoss
from evenhand.stats.bounded_means import betting_lower, betting_p
from evenhand.stats.paired import mcnemar_p, paired_gain_lower

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

#: Why a candidate is not accepted. The sentence is what a person reads.
REFUSALS = {
    "empty_group": "the group matches no row of the block",
    "no_disagreement": "model and list answer alike on every row of the group",
    "no_improvement": "the model is not better in the group on the block",
    "not_proven": "better on the block, but not surely: the test stays above its level",
    "below_margin": "surely better, but the lower bound of the gain is below the bounty's margin",
    "would_worsen_a_group": "an introduced group would lose, and repairs did not mend it",
    "budget_spent": "the error probability of this holdout is spent",
    "model_failed": "the model gave no usable answer on the sealed rows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What one block says about one candidate.

    It speaks of rows drawn as the block's were, independently of each other, and of the list as it
    was when the candidate was tested: not of people who come later, of the list after later updates
    or roll-backs, or of rows whose labels somebody knew.  All certificates of a bounty hold together
    with probability 1 - δ.

    Attributes
    ----------
    rows, group_rows : int
        Rows of the block, and those in the group.
    group_weight : float
        μ, the group's share of the rows.
    improvement : float
        μΔ, the mean over all rows of ``1[in group] (loss before - loss after)``.
    difference : float or None
        Δ, the improvement per row of the group; `None` where the group is empty.
    error_before, error_after : float or None
        Mean loss in the group under the list and under the model; `None` where it is empty.
    lower_bound : float
        Of μΔ; never below 0, and 0 where the test does not reject.
    wins, losses : int
        Rows where the model is better, or worse, than the list.
    p_value, threshold : float
        One-sided, of "μΔ is at most 0"; and the level that it was compared with.
    method : str
        ``mcnemar`` or ``betting``.
    reason : str or None
        Why it is no proof, see `REFUSALS`; `None` where it is one.
    """

    rows: int
    group_rows: int
    group_weight: float
    improvement: float
    difference: float | None
    error_before: float | None
    error_after: float | None
    lower_bound: float
    wins: int
    losses: int
    p_value: float
    threshold: float
    method: str
    reason: str | None

    @property
    def accepted(self) -> bool:
        """Whether it proves an improvement."""
        return self.reason is None

    @property
    def disagreements(self) -> int:
        """Rows where model and list differ in loss."""
        return self.wins + self.losses


def certify(
    loss: RowLoss,
    before: Floats,
    after: Floats,
    rows: Rows,
    n: int,
    *,
    alpha: float,
    margin: float = 0.0,
    tuned: float | None = None,
) -> Certificate:
    """Test whether a model improves on the list within a group.

    Parameters
    ----------
    loss : RowLoss
        Gives range and test: McNemar's exact one where a row is right or wrong, else betting.
    before, after : array of shape (len(rows),)
        Losses of the group's rows under the list and under the model.
    rows : array of int
        Which of the block's rows are in the group; the block is in random order, and its rows
        are independent of each other.
    n : int
        Rows of the block.
    alpha : float
        Level of the test, and error probability of the bound.
    margin : float
        What the lower bound of μΔ must exceed.
    tuned : float, optional
        Level that the bets are tuned to, fixed before any answer; `alpha` if not given.
    """
    tuned = alpha if tuned is None else tuned
    gain = before - after
    wins, losses = int(np.count_nonzero(gain > 0)), int(np.count_nonzero(gain < 0))
    total, size = float(gain.sum()), len(rows)
    improvement = total / n
    if loss.two_valued:
        p_value = float(mcnemar_p(wins, losses))
    elif improvement > 0:
        p_value = betting_p(_spread(gain, rows, n), 0.0, tuned, -loss.range, loss.range)
    else:
        p_value = 1.0
    lower = 0.0
    if p_value <= alpha:
        lower = _lower(loss, gain, rows, n, (alpha, tuned), wins, losses)
    return Certificate(
        rows=n,
        group_rows=size,
        group_weight=size / n,
        improvement=improvement,
        difference=total / size if size else None,
        error_before=float(before.sum()) / size if size else None,
        error_after=float(after.sum()) / size if size else None,
        lower_bound=lower,
        wins=wins,
        losses=losses,
        p_value=p_value,
        threshold=alpha,
        method="mcnemar" if loss.two_valued else "betting",
        reason=_reason(size, wins + losses, improvement, p_value, alpha, lower, margin),
    )


def _spread(gain: Floats, rows: Rows, n: int) -> Floats:
    """Gains of all rows; those outside the group are 0."""
    out = np.zeros(n)
    out[rows] = gain
    return out


def _lower(
    loss: RowLoss,
    gain: Floats,
    rows: Rows,
    n: int,
    levels: tuple[float, float],
    wins: int,
    losses: int,
) -> float:
    alpha, tuned = levels
    if loss.two_valued:
        return float(paired_gain_lower(wins, losses, n, alpha))
    bound = betting_lower(_spread(gain, rows, n), alpha, -loss.range, loss.range, tuned=tuned)
    return max(bound, 0.0)


def _reason(
    size: int,
    disagreements: int,
    improvement: float,
    p_value: float,
    alpha: float,
    lower: float,
    margin: float,
) -> str | None:
    if size == 0:
        return "empty_group"
    if disagreements == 0:
        return "no_disagreement"
    if improvement <= 0:
        return "no_improvement"
    if p_value > alpha:
        return "not_proven"
    return "below_margin" if margin > 0 and lower <= margin else None
