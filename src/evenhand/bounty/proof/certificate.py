"""The proof that a model improves on the list's within a group: a certificate of sub-optimality.

Globus-Harris, Kearns & Roth (2022), arXiv 2201.10408, definition 7.  The primitive is μΔ, the
improvement weighted by the group's mass: it is a mean over all rows, so nothing is divided by a
mass that may be 0.

What is drawn is a unit: a row, or all rows of a patient, a speaker, a document.  Rows of a unit resemble each
other, so the test is on the sums of units.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.losses import RowLoss
from evenhand.stats.bounded_means import STAKE, betting_lower, betting_p
from evenhand.stats.paired import detectable_gain, mcnemar_p, paired_gain_lower

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

#: Why a candidate is not accepted. The sentence is what a person reads.
REFUSALS = {
    "empty_group": "the group matches no row of the block",
    "no_disagreement": "model and list answer alike on every row of the group",
    "no_improvement": "the model is not better in the group on the block",
    "not_proven": "better on the block, but not surely: the test stays above its level",
    "below_margin": "surely better, but the lower bound of the gain is below the bounty's margin",
    "budget_spent": "the error probability of this holdout is spent",
    "model_failed": "the model gave no usable answer on the sealed rows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What one block says about one candidate, or about the list that is served after it.

    It speaks of units drawn as the block's were, independently of each other, and of the list as it
    was when the candidate was tested: not of people who come later, of the list after later updates
    or roll-backs, or of rows whose labels somebody knew.  All certificates of a bounty hold together
    with probability 1 - δ.

    Attributes
    ----------
    rows, units, group_rows : int
        Rows of the block, its independent units, and its rows in the group.
    group_weight : float
        μ, the group's share of the rows.
    improvement : float
        μΔ, the mean over all rows of ``1[in group] (loss before - loss after)``.
    difference : float or None
        Δ, the improvement per row of the group; `None` where the group is empty.
    error_before, error_after : float or None
        The loss in the group under the list and under the model, over what the loss counts there; `None`
        where that is nothing.
    lower_bound : float
        Of μΔ; never below 0, and 0 where the test does not reject.
    wins, losses : int
        Units for which the model is better, or worse, than the list.
    p_value, threshold : float
        One-sided, of "μΔ is at most 0"; and the level that it was compared with.
    method : str
        ``mcnemar`` or ``betting``.
    reason : str or None
        Why it is no proof, see `REFUSALS`; `None` where it is one.
    """

    rows: int
    units: int
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
        """Units for which model and list differ in loss."""
        return self.wins + self.losses


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Rows in units: what was drawn independently.

    Attributes
    ----------
    unit_of : array of shape (rows,)
        Number of each row's unit, from 0; the units are in random order.
    units : int
        How many there are.
    most : int
        Rows that a unit has at most: declared before any of them is looked at.
    """

    unit_of: npt.NDArray[np.intp]
    units: int
    most: int

    @classmethod
    def of(cls, unit_of: npt.NDArray[np.integer], most: int) -> "Drawn":
        """Rows by the numbers of their units."""
        codes = np.asarray(unit_of, np.intp)
        return cls(unit_of=codes, units=int(codes.max(initial=-1)) + 1, most=most)

    @classmethod
    def singly(cls, rows: int) -> "Drawn":
        """Each row for itself."""
        return cls(unit_of=np.arange(rows), units=rows, most=1)

    def shuffled(self, rng: np.random.Generator) -> "Drawn":
        """The same units in random order, as bets need them."""
        return replace(self, unit_of=rng.permutation(self.units)[self.unit_of])

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.unit_of)

    def sums(self, values: Floats, rows: Rows) -> Floats:
        """Sums by unit, of shape (units,), of what stands at some rows; 0 for all others."""
        return np.asarray(np.bincount(self.unit_of[rows], values, minlength=self.units), float)

    def standard_error(self, values: Floats, rows: Rows) -> float | None:
        """Of the mean over all rows of what stands at some; `None` where nothing does."""
        sums = self.sums(values, rows)
        spread = float((sums**2).sum()) - float(sums.sum()) ** 2 / max(self.units, 1)
        return float(np.sqrt(spread)) / self.rows if spread > 0 else None


def certify(
    loss: RowLoss,
    before: Floats,
    after: Floats,
    rows: Rows,
    drawn: Drawn,
    *,
    alpha: float,
    margin: float = 0.0,
    tuned: float | None = None,
    weights: Floats | None = None,
    updates: int = 1,
) -> Certificate:
    """Test whether a model improves on the list within a group.

    Parameters
    ----------
    loss : RowLoss
        Gives range and test: McNemar's exact one where a row is a unit and right or wrong, else betting
        on the units' sums.
    before, after : array of shape (len(rows),)
        Losses of the group's rows under the list and under the model.
    rows : array of int
        Which of the block's rows are in the group.
    drawn : Drawn
        The block's units, in random order and independent of each other.
    alpha : float
        Level of the test, and error probability of the bound.
    margin : float
        What the lower bound of μΔ must exceed.
    tuned : float, optional
        Level that the bets are tuned to, fixed before any answer; `alpha` if not given.
    weights : array of shape (len(rows),), optional
        What the loss counts of each row, for the errors; 1 if not given.
    updates : int
        How many updates may have moved the answer of one row, one after the other.
    """
    tuned = alpha if tuned is None else tuned
    gain = before - after
    sums = drawn.sums(gain, rows)
    wins, losses = int(np.count_nonzero(sums > 0)), int(np.count_nonzero(sums < 0))
    total, size, n = float(sums.sum()), len(rows), drawn.rows
    exact = loss.two_valued and drawn.most == 1
    widest = loss.gain_of(updates) * drawn.most
    if exact:
        p_value = float(mcnemar_p(wins, losses))
    elif total > 0:
        p_value = betting_p(sums, 0.0, tuned, -widest, widest)
    else:
        p_value = 1.0
    lower = 0.0
    if p_value <= alpha:
        # Of the mean of units, turned to rows by the block's own rows a unit.
        bound = (
            loss.largest_gain * float(paired_gain_lower(wins, losses, drawn.units, alpha))
            if exact
            else betting_lower(sums, alpha, -widest, widest, tuned=tuned)
        )
        # Bets may stand higher on the way than at the end: no bound is above what was seen.
        lower = min(max(bound, 0.0) * drawn.units, total) / n
    counted = float(size if weights is None else weights.sum())
    return Certificate(
        rows=n,
        units=drawn.units,
        group_rows=size,
        group_weight=size / n,
        improvement=total / n,
        difference=total / size if size else None,
        error_before=float(before.sum()) / counted if counted else None,
        error_after=float(after.sum()) / counted if counted else None,
        lower_bound=lower,
        wins=wins,
        losses=losses,
        p_value=p_value,
        threshold=alpha,
        method="mcnemar" if exact else "betting",
        reason=_reason(size, wins + losses, total, p_value, alpha, lower, margin),
    )


def smallest_provable(loss: RowLoss, *, rows: int, units: int, most: int, alpha: float) -> float:
    """Smallest improvement a row that `certify` could prove at a level.

    Notes
    -----
    Where a row is a unit and right or wrong, what McNemar's exact test finds four times in five.  By betting, less
    than ``R ln(1 / alpha) / s`` over all units together cannot be proven, R what a unit can gain and s the
    largest stake: a unit that gains d multiplies the capital by ``1 + s d / R`` at most, and ``ln(1 + x) <= x``.

    Examples
    --------
    >>> from evenhand.bounty.task.losses import parse_loss
    >>> round(smallest_provable(parse_loss("absolute(0, 10)"), rows=1000, units=1000, most=1, alpha=0.001), 3)
    0.092
    """
    if loss.two_valued and most == 1:
        return loss.largest_gain * detectable_gain(units, alpha)
    return loss.largest_gain * most * float(np.log(1 / alpha)) / (STAKE * rows)


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
