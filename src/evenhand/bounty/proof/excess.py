"""The proof that a group is failed: its error exceeds that of all others by more than was claimed."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from evenhand.bounty.proof.certificate import Drawn, Rows
from evenhand.bounty.task.losses import Floats, RowLoss, mean_loss
from evenhand.stats.bounded_means import betting_ratio_lower
from evenhand.stats.intervals import clopper_pearson

#: Part of the level for the group's own error; the rest is for that of all others, who are more.
OWN_SHARE = 0.8
#: Why a finding is not proven. The sentence is what a person reads.
UNPROVEN = {
    "not_counted": "the loss counts no row of the group in the block",
    "nobody_else": "the loss counts no row outside the group in the block",
    "not_failed": "the group's error is not above that of the others by more than was claimed",
    "excess_not_proven": "above it on the block, but not surely: the lower bound stays below",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """What one block says about a group that is claimed to be failed.

    It speaks of the list that was served before the epoch, on units drawn as the block's were.

    Attributes
    ----------
    rows, units, group_rows : int
        Rows of the block, its independent units, and its rows in the group.
    group_weight : float
        The group's share of the rows.
    error, others : float or None
        The loss in the group and in all other rows, over what it counts there; `None` where that is nothing.
    excess : float or None
        `error` less `others`.
    lower_bound : float
        Of the excess; never below 0.
    more_than : float
        What was claimed: the excess is more than this.
    threshold : float
        Error probability of the bound.
    method : str
        ``clopper-pearson`` or ``betting``.
    reason : str or None
        Why it is no proof, see `UNPROVEN`; `None` where it is one.
    """

    rows: int
    units: int
    group_rows: int
    group_weight: float
    error: float | None
    others: float | None
    excess: float | None
    lower_bound: float
    more_than: float
    threshold: float
    method: str
    reason: str | None

    @property
    def accepted(self) -> bool:
        """Whether it proves the claim."""
        return self.reason is None


def prove_excess(
    loss: RowLoss,
    losses: Floats,
    weights: Floats,
    rows: Rows,
    drawn: Drawn,
    *,
    more_than: float,
    alpha: float,
    tuned: float | None = None,
) -> Excess:
    """Whether a group's loss exceeds that of all others by more than was claimed.

    Parameters
    ----------
    loss : RowLoss
        Its range.
    losses, weights : array of shape (rows,)
        Of all rows of the block, under the served list, and what the loss counts of each.
    rows : array of int
        The group.
    drawn : Drawn
        The block's units, in random order and independent of each other.
    more_than : float
        0 or more.
    alpha : float
        Error probability of the bound.
    tuned : float, optional
        Level that bets are tuned to; `alpha` if not given.

    Notes
    -----
    The bound is a lower limit of the group's loss at ``0.8 alpha`` less an upper limit of the others' at
    ``0.2 alpha``; both hold together by Bonferroni's inequality.  Each is Clopper and Pearson's where a row
    is a unit and right or wrong, else by betting on the units' sums.
    """
    tuned = alpha if tuned is None else tuned
    own = np.zeros(len(losses), bool)
    own[rows] = True
    span = loss.high - loss.low
    shifted = losses - loss.low * weights
    exact = loss.two_valued and (loss.low, loss.high) == (0.0, 1.0) and drawn.most == 1
    counted = [float(weights[own].sum()), float(weights[~own].sum())]
    means = [mean_loss(losses[mask], weights[mask]) for mask in (own, ~own)]
    lower, excess = 0.0, None
    if means[0] is not None and means[1] is not None:
        excess = means[0] - means[1]
        mine, theirs = OWN_SHARE * alpha, (1 - OWN_SHARE) * alpha
        if exact:
            errors = [round(float(losses[mask].sum())) for mask in (own, ~own)]
            low = float(clopper_pearson(errors[0], counted[0], tail=mine)[0])
            high = float(clopper_pearson(errors[1], counted[1], tail=theirs)[1])
        else:
            scaled, spread = shifted / span, partial(_ratio_lower, drawn=drawn, tuned=tuned)
            low = spread(scaled * own, weights * own, mine)
            high = 1 - spread((weights - scaled) * ~own, weights * ~own, theirs)
        lower = max((low - high) * span, 0.0)
    return Excess(
        rows=drawn.rows,
        units=drawn.units,
        group_rows=len(rows),
        group_weight=len(rows) / max(drawn.rows, 1),
        error=means[0],
        others=means[1],
        excess=excess,
        lower_bound=lower if excess is None else min(lower, max(excess, 0.0)),
        more_than=more_than,
        threshold=alpha,
        method="clopper-pearson" if exact else "betting",
        reason=_reason(means, excess, lower, more_than),
    )


def _ratio_lower(
    values: Floats, weights: Floats, alpha: float, *, drawn: Drawn, tuned: float
) -> float:
    everyone = np.arange(len(values))
    sums, counted = drawn.sums(values, everyone), drawn.sums(weights, everyone)
    return betting_ratio_lower(sums, counted, alpha, most=drawn.most, tuned=tuned)


def _reason(
    means: list[float | None], excess: float | None, lower: float, more_than: float
) -> str | None:
    if excess is None:
        return "not_counted" if means[0] is None else "nobody_else"
    if excess <= more_than:
        return "not_failed"
    return None if lower > more_than else "excess_not_proven"
