"""Where a bounty stands: what was accepted, what it is worth, and who is credited with what."""

from dataclasses import dataclass, fields
from typing import ClassVar

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.proof.block_losses import Mask
from evenhand.bounty.proof.reward import ShapleyShare, reward
from evenhand.bounty.proof.verdict import Verdict
from evenhand.bounty.state import State
from evenhand.bounty.status import Status
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.telling.attribution import attribution, severities
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An accepted update, with its reward.

    Attributes
    ----------
    submission : str
        SHA-256 of the submission.
    team : str
        Who is credited.
    group : str
        The group in words.
    version : int
        Nodes of the list with this update.
    epoch : int
        The block that judged it, from 0.
    group_weight : float or None
        From its certificate; `None` where its block stays in use, as the next four.
    error_before : float or None
        Mean loss in the group before.
    error_after : float or None
        Mean loss in the group after.
    improvement : float or None
        Over all rows of the block.
    lower_bound : float or None
        Of the improvement; the lesser of the certificate's and that on fresh rows, where there are any.
    severity : float
        Mean of `--severity` over the group's practice rows.
    novelty : float
        1 less the largest overlap (shared rows over rows of either) with a group accepted before, on
        practice rows.
    points : float or None
        The reward: lower bound × severity × novelty. `None` where no bound is told yet.
    final : bool
        True once fresh rows have confirmed it; provisional before.
    share : float
        Its credit, Shapley's value: mean loss a row by which it lowers the whole over random orders of the
        updates, on all opened blocks (on practice rows where a block stays in use).
    share_error : float
        Standard error of the draws of that value.
    """

    submission: str
    team: str
    group: str
    version: int
    epoch: int
    group_weight: float | None
    error_before: float | None
    error_after: float | None
    improvement: float | None
    lower_bound: float | None
    severity: float
    novelty: float
    points: float | None
    final: bool
    share: float
    share_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A block that was judged.

    Attributes
    ----------
    epoch : int
        The block, from 0.
    rows : int
        Its rows.
    tested : int
        Submissions that were tested on it.
    accepted : int
        Those accepted.
    """

    epoch: int
    rows: int
    tested: int
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Status, Result):
    """A bounty at one moment: counts, account, leaderboard, epochs, and what each update is worth.

    Attributes
    ----------
    epochs : tuple of Epoch
        Judged blocks, in order.
    accepted : tuple of Accepted
        Active updates, in the order of the list.
    """

    SCHEMA: ClassVar[str] = "evenhand.bounty/1"

    epochs: tuple[Epoch, ...]
    accepted: tuple[Accepted, ...]


def stand(bounty: Bounty) -> Standing:
    """Where a bounty stands now."""
    state, status = bounty.state, bounty.status()
    epochs = sorted({verdict.epoch for verdict in state.verdicts})
    return Standing(
        **{field.name: getattr(status, field.name) for field in fields(status)},
        epochs=tuple(_epoch(state, epoch) for epoch in epochs),
        accepted=tuple(accepted(bounty, state)),
    )


def _epoch(state: State, epoch: int) -> Epoch:
    verdicts = [verdict for verdict in state.verdicts if verdict.epoch == epoch]
    return Epoch(
        epoch=epoch,
        rows=state.blocks[epoch].rows,
        tested=len(verdicts),
        accepted=sum(verdict.accepted for verdict in verdicts),
    )


def accepted(bounty: Bounty, state: State) -> list[Accepted]:
    """All active updates in the order of the list."""
    listed = state.listed
    verdicts = {verdict.key: verdict for verdict in state.verdicts if verdict.accepted}
    places = [i for i, n in enumerate(listed.nodes) if n.model is not None and n.active]
    practice = bounty.data("practice").matrix
    masks = listed.memberships(practice, bounty.runner)
    weights = severities(bounty, practice)
    shares = attribution(bounty, state)
    return [
        _accepted(
            state,
            place,
            verdicts[listed.nodes[place].key],
            [masks[listed.nodes[other].group] for other in (*places[:rank], place)],
            weights,
            shares[rank],
        )
        for rank, place in enumerate(places)
    ]


def _accepted(
    state: State,
    place: int,
    verdict: Verdict,
    masks: list[Mask],
    weights: Floats,
    share: ShapleyShare,
) -> Accepted:
    """An update, whose mask stands after those of the updates before it."""
    node, certificate = state.listed.nodes[place], verdict.certificate
    confirmed = state.confirmed.get(node.key)
    fresh = confirmed.lower_bound if confirmed is not None else None
    # Where the certificate is not told, fresh data alone give a bound.
    bound = certificate.lower_bound if certificate is not None else fresh
    mask = masks[-1]
    worth = reward(
        bound or 0.0,
        mask,
        masks[:-1],
        severity=float(weights[mask].mean()) if mask.any() else 1.0,
        confirmed=fresh,
    )
    return Accepted(
        submission=node.key,
        team=node.team,
        group=state.listed.groups[node.group].text,
        version=place + 1,
        epoch=verdict.epoch,
        group_weight=certificate.group_weight if certificate else None,
        error_before=certificate.error_before if certificate else None,
        error_after=certificate.error_after if certificate else None,
        improvement=certificate.improvement if certificate else None,
        lower_bound=worth.lower_bound if bound is not None else None,
        severity=worth.severity,
        novelty=worth.novelty,
        points=worth.points if bound is not None else None,
        final=worth.final,
        share=share.value,
        # Sums of floats in another order differ in their last digits; that is no error.
        share_error=round(share.standard_error, 12),
    )
