"""What an accepted update is worth, and how several share what they reached together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.proof.opened_block import Mask
from evenhand.bounty.task.losses import Answers
from evenhand.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """The parts of a reward; `points` is their product.

    Attributes
    ----------
    lower_bound : float
        Of μΔ: the certificate's lower bound of the improvement per row of the group, times the mass.
    severity : float
        How much a unit of loss in this group weighs; the bounty's rules say it, 1 by default.
    final : bool
        Provisional (false) until fresh data have confirmed the bound.
    """

    lower_bound: float
    severity: float
    final: bool

    @property
    def points(self) -> float:
        """Lower bound · severity."""
        return self.lower_bound * self.severity


def reward(lower_bound: float, *, severity: float = 1.0, confirmed: float | None = None) -> Reward:
    """Reward of an accepted update.

    Parameters
    ----------
    lower_bound : float
        Of μΔ, from its certificate.  It is of what the update adds to the list as it was, so a copy of
        an earlier one earns nothing.
    severity : float
        Weight of the harm, at least 0.
    confirmed : float, optional
        Lower bound of μΔ on fresh data: the reward is final, and the lesser of both bounds.
    """
    if severity < 0:
        raise InputError(f"A severity is 0 or more, not {severity}.")
    bound = lower_bound if confirmed is None else max(min(lower_bound, confirmed), 0.0)
    return Reward(lower_bound=bound, severity=severity, final=confirmed is not None)


def finding_points(
    lower_bound: float, mask: Mask, earlier: Sequence[Mask], *, severity: float = 1.0
) -> float:
    """Reward of a proven finding: the loss a row of all rows that is proven to fall on this group beyond the others.

    Parameters
    ----------
    lower_bound : float
        Of the excess of the group's loss.
    mask : array of shape (rows,)
        Its group, on any rows.
    earlier : Sequence of masks
        Groups found before, on the same rows: what is in one of them was found already.
    severity : float
        Weight of the harm, at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([True, True, False, False])
    >>> finding_points(0.2, mask, []), finding_points(0.2, mask, [~mask, np.array([True, False, False, False])])
    (0.1, 0.05)
    """
    fresh = mask.copy()
    for other in earlier:
        fresh &= ~other
    return lower_bound * severity * float(fresh.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapleyShare:
    """Shapley value of an update with the standard error of its sampling."""

    value: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Updates that move an answer only so far from the one below them: their losses depend on the order.

    Attributes
    ----------
    start : array of shape (rows,)
        Answers of the base model.
    limited : callable
        ``(answers, below) -> answers``.
    losses_of : callable
        ``(answers, rows) -> losses``.
    """

    start: Answers
    limited: Callable[[Answers, Answers], Answers]
    losses_of: Callable[[Answers, Rows], Floats]


def shapley_shares(
    losses: Floats,
    updates: Sequence[tuple[Rows, Any]],
    rng: np.random.Generator,
    *,
    permutations: int = 400,
    moves: Moves | None = None,
) -> tuple[ShapleyShare, ...]:
    """Shapley values of updates: each one's mean drop of the loss over random orders.

    Parameters
    ----------
    losses : array of shape (rows,)
        Under the base model.
    updates : Sequence of (rows, losses)
        Each update's rows and its model's losses there; its answers where `moves` is given.
    rng : numpy.random.Generator
        Draws the orders.
    permutations : int
        Drawn orders; half are reversed copies of the others, which lowers the error.
    moves : Moves, optional
        How answers are turned to losses, where an update may move an answer only so far.

    Notes
    -----
    The order matters, as a later update overwrites an earlier one, so this is the value of a game
    whose coalitions enter in a random order; the shares of each order add up to what that order
    reaches.  Castro, Gómez & Tejada (2009), doi:10.1016/j.cor.2008.04.004; antithetic orders:
    Mitchell et al. (2022), arXiv 2104.12199.
    """
    if permutations < 4:
        raise InputError(f"At least 4 permutations are needed, not {permutations}.")
    pairs = []
    for _ in range(permutations // 2):
        order = rng.permutation(len(updates))
        forth, back = (_drops(losses, updates, o, moves) for o in (order, order[::-1]))
        pairs.append((forth + back) / 2)
    drawn = np.array(pairs) if updates else np.zeros((len(pairs), 0))
    errors = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    return tuple(
        ShapleyShare(value=float(v), standard_error=float(e))
        for v, e in zip(drawn.mean(axis=0), errors, strict=True)
    )


def _drops(
    losses: Floats,
    updates: Sequence[tuple[Rows, Any]],
    order: npt.NDArray[np.intp],
    moves: Moves | None,
) -> Floats:
    current = losses.astype(float)
    answers = None if moves is None else moves.start.astype(float)
    out = np.zeros(len(updates))
    for number in order:
        rows, after = updates[number]
        if moves is not None and answers is not None:
            answers[rows] = moves.limited(after, answers[rows])
            after = moves.losses_of(answers[rows], rows)
        out[number] = float((current[rows] - after).sum()) / len(losses)
        current[rows] = after
    return out
